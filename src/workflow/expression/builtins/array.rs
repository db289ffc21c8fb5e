//! Functions of arrays.

use std::collections::HashSet;

use super::text::to_size;
use super::{Arguments, Error, items_at, number_at};
use crate::workflow::expression::machine::Machine;
use crate::workflow::expression::value::{Array, Val};

#[expect(clippy::cast_precision_loss, reason = "no array has 2^53 items")]
pub(super) fn count<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    Ok(Val::Number(
        items_at(arguments, 0).map_or(0, Array::len) as f64
    ))
}

pub(super) fn append<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let (one, two) = match arguments {
        [one, Val::Nothing] | [one] => return Ok(one.clone()),
        [Val::Nothing, two] => return Ok(two.clone()),
        [one, two, ..] => (one.clone().into_items()?, two.clone().into_items()?),
        [] => return Ok(Val::Nothing),
    };
    machine.meter.steps(one.len() + two.len())?;
    Val::array(one.iter().chain(two.iter()).collect())
}

pub(super) fn reverse<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(items) = items_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    machine.meter.steps(items.len())?;
    let mut items: Vec<_> = items.iter().collect();
    items.reverse();
    Val::array(items)
}

pub(super) fn zip<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let arrays: Option<Vec<_>> = (0..arguments.len())
        .map(|place| items_at(arguments, place))
        .collect();
    let arrays = arrays.unwrap_or_default();
    let len = arrays.iter().map(|array| array.len()).min().unwrap_or(0);
    let mut rows = Vec::new();
    for index in 0..len {
        machine.meter.steps(1 + arrays.len())?;
        rows.push(Val::array(
            arrays.iter().filter_map(|array| array.get(index)).collect(),
        )?);
    }
    Val::array(rows)
}

/// Each value once. Values are told apart by a text that equal values share.
pub(super) fn distinct<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let items = match arguments.first() {
        Some(Val::Array(items)) if items.len() > 1 => items,
        Some(other) => return Ok(other.clone()),
        None => return Ok(Val::Nothing),
    };
    let mut seen = HashSet::new();
    let mut left = Vec::new();
    for item in items.iter() {
        let mut key = String::new();
        write_key(machine, &item, &mut key)?;
        if seen.insert(key) {
            machine.meter.steps(1)?;
            left.push(item);
        }
    }
    match items.is_sequence() {
        true => Val::sequence(left),
        false => Val::array(left),
    }
}

fn write_key(machine: &Machine<'_>, value: &Val<'_>, out: &mut String) -> Result<(), Error> {
    let before = out.len();
    machine.meter.steps(1)?;
    match value {
        Val::Nothing | Val::Null => out.push('l'),
        Val::Bool(value) => out.push_str(if *value { "bt" } else { "bf" }),
        // Zero has one sign here, as it has for `=`.
        Val::Number(number) => out.push_str(&format!("n{};", number + 0.0)),
        Val::Text(text) => {
            machine.meter.text(text.len())?;
            out.push_str(&format!("s{};{}", text.len(), &**text));
        }
        Val::Function(function) => {
            out.push_str(&format!("f{};", std::rc::Rc::as_ptr(function).addr()));
        }
        Val::Array(items) => {
            out.push_str(&format!("a{};", items.len()));
            for item in items.iter() {
                write_key(machine, &item, out)?;
            }
        }
        Val::Object(fields) => {
            machine.meter.steps(fields.len())?;
            let mut sorted: Vec<_> = fields.iter().collect();
            sorted.sort_by_key(|(key, _)| key.clone());
            out.push_str(&format!("o{};", sorted.len()));
            for (key, value) in sorted {
                write_key(machine, &Val::Text(key), out)?;
                write_key(machine, &value, out)?;
            }
        }
    }
    machine.meter.reading(out.len() - before)
}

/// Step Functions' `$partition`: the array in arrays of a size.
pub(super) fn partition<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(items) = items_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    let size = number_at(arguments, 1).map_or(0, |size| to_size(size.floor()));
    if size == 0 {
        return Err(Error::new("the size of $partition is not at least 1"));
    }
    machine.meter.steps(items.len() + items.len() / size)?;
    let items: Vec<_> = items.iter().collect();
    let parts: Result<_, _> = items
        .chunks(size)
        .map(|part| Val::array(part.to_vec()))
        .collect();
    Val::array(parts?)
}

/// Step Functions' `$range`: numbers from the first to the last, a step apart.
pub(super) fn range<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let (Some(first), Some(last), Some(step)) = (
        number_at(arguments, 0),
        number_at(arguments, 1),
        number_at(arguments, 2),
    ) else {
        return Ok(Val::Nothing);
    };
    if step == 0.0 || !(first.is_finite() && last.is_finite() && step.is_finite()) {
        return Err(Error::new(
            "the numbers of $range are not finite, or its step is 0",
        ));
    }
    let count = ((last - first) / step).floor() + 1.0;
    if count < 1.0 {
        return Val::array(Vec::new());
    }
    let count = to_size(count);
    machine.meter.steps(count)?;
    let mut numbers = Vec::with_capacity(count);
    #[expect(clippy::cast_precision_loss, reason = "the meter allows a million")]
    numbers.extend((0..count).map(|index| Val::Number(first + index as f64 * step)));
    Val::array(numbers)
}
