//! Functions of numbers.

use indexmap::IndexMap;
use jsonata_core::functions::{FunctionError, numeric};
use jsonata_core::value::JValue;

use super::{Arguments, Error, items_at, library_error, number_at, text_at};
use crate::workflow::expression::machine::Machine;
use crate::workflow::expression::value::{Object, Val};

/// Bytes of a picture, or of an option of one.
pub(super) const PICTURE_BYTES: usize = 1_000;

pub(super) fn sum<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let numbers = numbers(machine, arguments)?;
    Ok(Val::Number(numbers.iter().sum::<f64>() + 0.0))
}

pub(super) fn max<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let numbers = numbers(machine, arguments)?;
    Ok(numbers
        .into_iter()
        .reduce(f64::max)
        .map_or(Val::Nothing, Val::Number))
}

pub(super) fn min<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let numbers = numbers(machine, arguments)?;
    Ok(numbers
        .into_iter()
        .reduce(f64::min)
        .map_or(Val::Nothing, Val::Number))
}

pub(super) fn average<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let numbers = numbers(machine, arguments)?;
    if numbers.is_empty() {
        return Ok(Val::Nothing);
    }
    #[expect(clippy::cast_precision_loss, reason = "no array has 2^53 items")]
    let count = numbers.len() as f64;
    Ok(Val::Number(numbers.iter().sum::<f64>() / count))
}

fn numbers(machine: &Machine<'_>, arguments: Arguments<'_, '_>) -> Result<Vec<f64>, Error> {
    let Some(items) = items_at(arguments, 0) else {
        return Ok(Vec::new());
    };
    machine.meter.steps(items.len())?;
    items
        .iter()
        .map(|item| match item {
            Val::Number(number) => Ok(number),
            _ => Err(Error::coded(
                "T0412",
                "the function takes an array of numbers",
            )),
        })
        .collect()
}

pub(super) fn number<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let value = match arguments.first() {
        Some(Val::Number(number)) => JValue::Number(*number),
        Some(Val::Bool(value)) => JValue::Bool(*value),
        Some(Val::Text(text)) => {
            machine.meter.text(text.len())?;
            JValue::from(&**text)
        }
        _ => return Ok(Val::Nothing),
    };
    result(numeric::number(&value))
}

pub(super) fn floor<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    Ok(with_number(arguments, f64::floor))
}

pub(super) fn ceil<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    Ok(with_number(arguments, f64::ceil))
}

pub(super) fn abs<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    Ok(with_number(arguments, f64::abs))
}

fn with_number<'a>(arguments: Arguments<'a, '_>, run: fn(f64) -> f64) -> Val<'a> {
    number_at(arguments, 0).map_or(Val::Nothing, |number| Val::Number(run(number)))
}

pub(super) fn round<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    let Some(number) = number_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    #[expect(clippy::cast_possible_truncation, reason = "the conversion saturates")]
    let precision = number_at(arguments, 1).map(|precision| precision as i32);
    result(numeric::round(number, precision))
}

pub(super) fn sqrt<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    match number_at(arguments, 0) {
        Some(number) => result(numeric::sqrt(number)),
        None => Ok(Val::Nothing),
    }
}

pub(super) fn power<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    match number_at(arguments, 0) {
        Some(base) => result(numeric::power(
            base,
            number_at(arguments, 1).unwrap_or(f64::NAN),
        )),
        None => Ok(Val::Nothing),
    }
}

pub(super) fn format_base<'a>(
    _: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    #[expect(clippy::cast_possible_truncation, reason = "the conversion saturates")]
    let radix = number_at(arguments, 1).map(|radix| radix.round() as i64);
    match number_at(arguments, 0) {
        Some(number) => result(numeric::format_base(number, radix)),
        None => Ok(Val::Nothing),
    }
}

pub(super) fn format_number<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let (Some(number), Some(picture)) = (number_at(arguments, 0), text_at(arguments, 1)) else {
        return Ok(Val::Nothing);
    };
    let options = match arguments.get(2) {
        Some(Val::Object(options)) => Some(picture_options(options)?),
        _ => None,
    };
    checked_picture(picture)?;
    machine.meter.steps(picture.len())?;
    let formatted = numeric::format_number(number, picture, options.as_ref());
    if let Ok(JValue::String(text)) = &formatted {
        machine.meter.text(text.len())?;
    }
    result(formatted)
}

fn picture_options(options: &Object<'_>) -> Result<JValue, Error> {
    let mut texts = IndexMap::new();
    for (key, value) in options.iter().take(PICTURE_BYTES) {
        if let Val::Text(text) = value {
            checked_picture(&text)?;
            texts.insert(key.to_string(), JValue::from(&*text));
        }
    }
    Ok(JValue::object(texts))
}

/// Refuses a picture that could make much of little.
pub(super) fn checked_picture(picture: &str) -> Result<(), Error> {
    if picture.len() > PICTURE_BYTES {
        return Err(Error::limit(format!(
            "the picture or text is longer than {PICTURE_BYTES} bytes"
        )));
    }
    Ok(())
}

fn result<'a>(result: Result<JValue, FunctionError>) -> Result<Val<'a>, Error> {
    match result {
        Ok(JValue::Number(number)) => Ok(Val::Number(number)),
        Ok(JValue::String(text)) => Ok(Val::text(text)),
        Ok(_) => Ok(Val::Nothing),
        Err(error) => Err(library_error(&error.to_string())),
    }
}
