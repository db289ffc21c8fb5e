//! Functions of time, and of integers as words and numerals.
//!
//! The library formats and parses; it never reads the clock for us. Where a picture leaves out
//! the year, what JavaScript takes from the clock is taken from the decision's time.

use jsonata_core::ast::AstNode;
use jsonata_core::evaluator::Evaluator;
use jsonata_core::value::JValue;

use super::number::checked_picture;
use super::{Arguments, Error, library_error, number_at, text_at};
use crate::time::Timestamp;
use crate::workflow::expression::machine::Machine;
use crate::workflow::expression::value::{Text, Val};

/// Milliseconds from 1970 to the last instant that JavaScript's dates know.
const LAST_MILLIS: f64 = 8.64e15;
/// The largest number that is written in Roman numerals: each thousand is a letter.
const LARGEST_ROMAN: f64 = 100_000.0;
/// Digits of a width in a picture: more would pad a text without bound.
const WIDTH_DIGITS: usize = 3;

pub(super) fn now<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let now = machine.facts.now;
    match (arguments.first(), arguments.get(1)) {
        (None | Some(Val::Nothing), None | Some(Val::Nothing)) => Ok(Val::text(now.to_string())),
        _ => formatted(machine, millis_of(now), arguments, 0),
    }
}

pub(super) fn millis<'a>(machine: &Machine<'a>, _: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    Ok(Val::Number(millis_of(machine.facts.now)))
}

pub(super) fn from_millis<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    match number_at(arguments, 0) {
        Some(millis) => formatted(machine, millis, arguments, 1),
        None => Ok(Val::Nothing),
    }
}

fn formatted<'a>(
    machine: &Machine<'a>,
    millis: f64,
    arguments: Arguments<'a, '_>,
    picture: usize,
) -> Result<Val<'a>, Error> {
    if millis.is_nan() || millis.abs() > LAST_MILLIS {
        return Err(Error::new(format!(
            "no date is {millis} milliseconds from 1970"
        )));
    }
    let (picture, zone) = (text_at(arguments, picture), text_at(arguments, picture + 1));
    if let Some(picture) = picture {
        checked(picture)?;
    }
    if let Some(zone) = zone {
        checked_picture(zone)?;
    }
    let given =
        |text: Option<&Text<'_>>| text.map_or(AstNode::Undefined, |text| AstNode::string(&**text));
    let call = vec![AstNode::Number(millis.trunc()), given(picture), given(zone)];
    library(machine, "fromMillis", call)
}

pub(super) fn to_millis<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(text) = text_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    checked_picture(text)?;
    let Some(picture) = text_at(arguments, 1) else {
        return library(machine, "toMillis", vec![AstNode::string(&**text)]);
    };
    checked(picture)?;
    let (shown, prefix) = left_out(picture, machine.facts.now);
    let text = AstNode::string(format!("{prefix}{}", &**text));
    let picture = AstNode::string(format!("{shown}{}", &**picture));
    library(machine, "toMillis", vec![text, picture])
}

pub(super) fn format_integer<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let (Some(number), Some(picture)) = (number_at(arguments, 0), text_at(arguments, 1)) else {
        return Ok(Val::Nothing);
    };
    checked_picture(picture)?;
    let primary = picture.split(';').next().unwrap_or_default();
    if primary.eq_ignore_ascii_case("i") && number.abs() > LARGEST_ROMAN {
        return Err(Error::limit(format!(
            "a number over {LARGEST_ROMAN} is not written in Roman numerals"
        )));
    }
    let call = vec![AstNode::Number(number), AstNode::string(&**picture)];
    library(machine, "formatInteger", call)
}

pub(super) fn parse_integer<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let (Some(text), Some(picture)) = (text_at(arguments, 0), text_at(arguments, 1)) else {
        return Ok(Val::Nothing);
    };
    checked_picture(text)?;
    checked_picture(picture)?;
    let call = vec![AstNode::string(&**text), AstNode::string(&**picture)];
    library(machine, "parseInteger", call)
}

/// The parts of a date that come before the largest in the picture, as picture and as text.
fn left_out(picture: &str, now: Timestamp) -> (&'static str, String) {
    let has = |markers: &str| {
        let mut starts = picture.match_indices('[');
        starts.any(|(at, _)| {
            let marker = picture[at + 1..].trim_start().chars().next();
            marker.is_some_and(|marker| markers.contains(marker))
        })
    };
    let now = now.to_datetime();
    let (picture, format) = if has("YX") {
        ("", "")
    } else if has("MdWw") {
        ("[Y0001]~", "%Y~")
    } else if has("D") {
        ("[Y0001]-[M01]~", "%Y-%m~")
    } else if has("HhP") {
        ("[Y0001]-[M01]-[D01]~", "%Y-%m-%d~")
    } else if has("m") {
        ("[Y0001]-[M01]-[D01]T[H01]~", "%Y-%m-%dT%H~")
    } else {
        ("[Y0001]-[M01]-[D01]T[H01]:[m01]~", "%Y-%m-%dT%H:%M~")
    };
    (picture, now.format(format).to_string())
}

/// Refuses a picture that could make much of little: widths follow a comma in a marker.
fn checked(picture: &str) -> Result<(), Error> {
    checked_picture(picture)?;
    let widths = picture.split('[').filter_map(|rest| {
        let marker = rest.split(']').next()?;
        marker.split_once(',').map(|(_, width)| width)
    });
    let too_wide = |width: &str| {
        width
            .split(|char: char| !char.is_ascii_digit())
            .any(|digits| digits.len() > WIDTH_DIGITS)
    };
    if widths.into_iter().any(too_wide) {
        return Err(Error::limit(format!(
            "a width in the picture has more than {WIDTH_DIGITS} digits"
        )));
    }
    Ok(())
}

/// Calls a function of the library that it does not export by itself.
fn library<'a>(machine: &Machine<'a>, name: &str, args: Vec<AstNode>) -> Result<Val<'a>, Error> {
    machine.meter.steps(20)?;
    let call = AstNode::Function {
        name: name.to_owned(),
        args,
        is_builtin: true,
    };
    match Evaluator::new().evaluate(&call, &JValue::Null) {
        Ok(JValue::Number(number)) => Ok(Val::Number(number)),
        Ok(JValue::String(text)) => {
            machine.meter.text(text.len())?;
            Ok(Val::text(text))
        }
        Ok(_) => Ok(Val::Nothing),
        Err(error) => Err(library_error(error.message())),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "no date is 2^53 milliseconds away"
)]
fn millis_of(now: Timestamp) -> f64 {
    now.millis() as f64
}
