//! Functions of text.

use std::ops::Range;

use jsonata_core::functions::{FunctionError, encoding};
use jsonata_core::value::JValue;

use super::{Arguments, Error, library_error, number_at, text_at};
use crate::workflow::expression::machine::Machine;
use crate::workflow::expression::string::Layout;
use crate::workflow::expression::value::{Text, Val};

/// Bytes that one byte becomes at most when it is encoded.
const ENCODED: usize = 3;

pub(super) fn string<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let layout = match arguments.get(1) {
        Some(Val::Bool(true)) => Layout::Pretty,
        _ => Layout::Compact,
    };
    match arguments.first() {
        Some(value) => machine.string_in(value, layout).map(Val::Text),
        None => Ok(Val::Nothing),
    }
}

pub(super) fn length<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    with_text(arguments, |text| {
        machine.meter.reading(text.len())?;
        Ok(Val::Number(count(text)))
    })
}

pub(super) fn lowercase<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    with_text(arguments, |text| {
        machine.meter.text(text.len())?;
        Ok(Val::text(text.to_lowercase()))
    })
}

pub(super) fn uppercase<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    with_text(arguments, |text| {
        machine.meter.text(text.len())?;
        Ok(Val::text(text.to_uppercase()))
    })
}

/// Runs of whitespace become one space; none stays at the ends.
pub(super) fn trim<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    with_text(arguments, |text| {
        machine.meter.text(text.len())?;
        let mut out = String::with_capacity(text.len());
        let words = text
            .split([' ', '\t', '\n', '\r'])
            .filter(|word| !word.is_empty());
        for word in words {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(word);
        }
        Ok(Val::text(out))
    })
}

pub(super) fn substring<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    with_text(arguments, |text| {
        machine.meter.reading(text.len())?;
        let len = count(text);
        let start = number_at(arguments, 1).unwrap_or(0.0).trunc();
        let begin = if start < 0.0 {
            (len + start).max(0.0)
        } else {
            start.min(len)
        };
        let end = match arguments.get(2) {
            Some(Val::Number(length)) if *length <= 0.0 => begin,
            // A start before the text counts from its beginning.
            Some(Val::Number(length)) => (begin + length.trunc()).min(len),
            _ => len,
        };
        slice(machine, text, byte_of(text, begin)..byte_of(text, end))
    })
}

pub(super) fn substring_before<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    with_text(arguments, |text| {
        machine.meter.reading(text.len())?;
        let end = text.find(separator(arguments)).unwrap_or(text.len());
        slice(machine, text, 0..end)
    })
}

pub(super) fn substring_after<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    with_text(arguments, |text| {
        machine.meter.reading(text.len())?;
        let separator = separator(arguments);
        let start = text.find(separator).map_or(0, |at| at + separator.len());
        slice(machine, text, start..text.len())
    })
}

/// What a missing separator is for JavaScript: its name.
fn separator<'v>(arguments: Arguments<'_, 'v>) -> &'v str {
    text_at(arguments, 1).map_or("undefined", |separator| separator)
}

pub(super) fn pad<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    with_text(arguments, |text| {
        machine.meter.reading(text.len())?;
        let Some(width) = number_at(arguments, 1).map(f64::trunc) else {
            return Ok(Val::Text(text.clone()));
        };
        let missing = width.abs() - count(text);
        if missing.is_nan() || missing <= 0.0 {
            return Ok(Val::Text(text.clone()));
        }
        let pad = text_at(arguments, 2)
            .map(|pad| &**pad)
            .filter(|pad| !pad.is_empty())
            .unwrap_or(" ");
        let missing = to_size(missing);
        machine.meter.text(text.len())?;
        machine
            .meter
            .text(missing.saturating_mul(1 + pad.len() / 4))?;
        let padding = pad.chars().cycle().take(missing);
        let padded: String = match width < 0.0 {
            true => padding.chain(text.chars()).collect(),
            false => text.chars().chain(padding).collect(),
        };
        Ok(Val::text(padded))
    })
}

pub(super) fn join<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(items) = super::items_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    let separator = text_at(arguments, 1).map_or("", |separator| separator);
    let mut out = String::new();
    for (index, item) in items.iter().enumerate() {
        machine.meter.steps(1)?;
        let Val::Text(text) = item else {
            return Err(Error::coded(
                "T0412",
                "the function takes an array of strings",
            ));
        };
        if index > 0 {
            machine.meter.text(separator.len())?;
            out.push_str(separator);
        }
        machine.meter.text(text.len())?;
        out.push_str(&text);
    }
    Ok(Val::text(out))
}

pub(super) fn base64encode<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    encoded(machine, arguments, encoding::base64encode)
}

pub(super) fn base64decode<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    encoded(machine, arguments, encoding::base64decode)
}

pub(super) fn encode_url_component<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    encoded(machine, arguments, encoding::encode_url_component)
}

pub(super) fn encode_url<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    encoded(machine, arguments, encoding::encode_url)
}

pub(super) fn decode_url_component<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    encoded(machine, arguments, encoding::decode_url_component)
}

pub(super) fn decode_url<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    encoded(machine, arguments, encoding::decode_url)
}

fn encoded<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
    encode: fn(&str) -> Result<JValue, FunctionError>,
) -> Result<Val<'a>, Error> {
    with_text(arguments, |text| {
        machine.meter.text(text.len().saturating_mul(ENCODED))?;
        match encode(text) {
            Ok(JValue::String(encoded)) => Ok(Val::text(encoded)),
            Ok(_) => Ok(Val::Nothing),
            Err(error) => Err(library_error(&error.to_string())),
        }
    })
}

/// A part of a text: of borrowed text borrowed, of made text copied.
pub(super) fn slice<'a>(
    machine: &Machine<'a>,
    text: &Text<'a>,
    range: Range<usize>,
) -> Result<Val<'a>, Error> {
    Ok(match text {
        Text::Borrowed(text) => Val::Text(Text::Borrowed(text.get(range).unwrap_or_default())),
        Text::Made(text) => {
            let part = text.get(range).unwrap_or_default();
            machine.meter.text(part.len())?;
            Val::text(part)
        }
    })
}

/// A count as a size; one that is no size is as large as any.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the conversion saturates, and what is too large is refused by the meter"
)]
pub(super) fn to_size(count: f64) -> usize {
    count.max(0.0) as usize
}

fn with_text<'a>(
    arguments: Arguments<'a, '_>,
    run: impl FnOnce(&Text<'a>) -> Result<Val<'a>, Error>,
) -> Result<Val<'a>, Error> {
    match text_at(arguments, 0) {
        Some(text) => run(text),
        None => Ok(Val::Nothing),
    }
}

#[expect(clippy::cast_precision_loss, reason = "no text has 2^53 characters")]
fn count(text: &str) -> f64 {
    text.chars().count() as f64
}

fn byte_of(text: &str, chars: f64) -> usize {
    let found = text.char_indices().nth(to_size(chars));
    found.map_or(text.len(), |(at, _)| at)
}
