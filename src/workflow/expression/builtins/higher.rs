//! Functions that call functions.

use std::rc::Rc;

use indexmap::IndexMap;

use super::{Arguments, Error, items_at};
use crate::workflow::expression::call::Function;
use crate::workflow::expression::machine::Machine;
use crate::workflow::expression::value::{Array, Val};

pub(super) fn map<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let mut results = Vec::new();
    over_items(machine, arguments, |_, result| {
        if !result.is_nothing() {
            results.push(result);
        }
        Ok(())
    })?;
    Val::sequence(results)
}

pub(super) fn filter<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let mut left = Vec::new();
    over_items(machine, arguments, |item, result| {
        if result.is_true(&machine.meter)? {
            left.push(item);
        }
        Ok(())
    })?;
    Val::sequence(left)
}

pub(super) fn single<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let mut found = None;
    let mut take = |item: Val<'a>| match found.replace(item) {
        None => Ok(()),
        Some(_) => Err(Error::coded("D3138", "$single() finds more than one value")),
    };
    match (function_at(arguments, 1), items_at(arguments, 0)) {
        (Some(_), _) => over_items(machine, arguments, |item, result| {
            match result.is_true(&machine.meter)? {
                true => take(item),
                false => Ok(()),
            }
        })?,
        (None, Some(items)) => items.iter().try_for_each(take)?,
        (None, None) => {}
    }
    found.ok_or_else(|| Error::coded("D3139", "$single() finds no value"))
}

pub(super) fn reduce<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let (Some(items), Some(function)) = (items_at(arguments, 0), function_at(arguments, 1)) else {
        return Ok(Val::Nothing);
    };
    if function.arity() < 2 {
        return Err(Error::coded(
            "D3050",
            "the function that $reduce calls takes fewer than two arguments",
        ));
    }
    let whole = Val::Array(items.clone());
    let (mut so_far, first) = match arguments.get(2) {
        None | Some(Val::Nothing) => (items.get(0).unwrap_or(Val::Nothing), 1),
        Some(start) => (start.clone(), 0),
    };
    for index in first..items.len() {
        let item = items.get(index).unwrap_or(Val::Nothing);
        let call = [so_far, item, place(index), whole.clone()];
        so_far = machine.call_back(function, call)?;
    }
    Ok(so_far)
}

pub(super) fn each<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let mut results = Vec::new();
    let (Some(Val::Object(object)), Some(function)) =
        (arguments.first(), function_at(arguments, 1))
    else {
        return Ok(Val::Nothing);
    };
    for (key, value) in object.iter() {
        machine.meter.steps(1)?;
        let call = [value, Val::Text(key), Val::Object(object.clone())];
        let result = machine.call_back(function, call)?;
        if !result.is_nothing() {
            results.push(result);
        }
    }
    Val::sequence(results)
}

pub(super) fn sift<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let (Some(Val::Object(object)), Some(function)) =
        (arguments.first(), function_at(arguments, 1))
    else {
        return Ok(Val::Nothing);
    };
    let mut left = IndexMap::new();
    for (key, value) in object.iter() {
        machine.meter.steps(1)?;
        let call = [
            value.clone(),
            Val::Text(key.clone()),
            Val::Object(object.clone()),
        ];
        if machine.call_back(function, call)?.is_true(&machine.meter)? {
            left.insert(key, value);
        }
    }
    match left.is_empty() {
        true => Ok(Val::Nothing),
        false => Val::object(left),
    }
}

pub(super) fn sort<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(items) = items_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    if items.len() <= 1 {
        return Ok(Val::Array(items.clone()));
    }
    machine.meter.steps(items.len())?;
    let sorted = match function_at(arguments, 1) {
        Some(function) => machine.merge_sorted(items.iter().collect(), &mut |one, two| {
            let call = [one.clone(), two.clone()];
            machine.call_back(function, call)?.is_true(&machine.meter)
        })?,
        None => sorted_naturally(machine, items)?,
    };
    Val::array(sorted)
}

fn sorted_naturally<'a>(machine: &Machine<'a>, items: &Array<'a>) -> Result<Vec<Val<'a>>, Error> {
    let all = |wanted: fn(&Val<'_>) -> bool| items.iter().all(|item| wanted(&item));
    if !all(|item| matches!(item, Val::Number(_))) && !all(|item| matches!(item, Val::Text(_))) {
        return Err(Error::coded(
            "D3070",
            "$sort without a function takes an array of strings or of numbers",
        ));
    }
    machine.merge_sorted(items.iter().collect(), &mut |one, two| match (one, two) {
        (Val::Number(one), Val::Number(two)) => Ok(one > two),
        (Val::Text(one), Val::Text(two)) => {
            machine.meter.reading(one.len().min(two.len()))?;
            Ok(**one > **two)
        }
        _ => Ok(false),
    })
}

/// Calls the function with each item, its place and the whole, and hands on what it gives.
fn over_items<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
    mut take: impl FnMut(Val<'a>, Val<'a>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (Some(items), Some(function)) = (items_at(arguments, 0), function_at(arguments, 1)) else {
        return Ok(());
    };
    for (index, item) in items.iter().enumerate() {
        machine.meter.steps(1)?;
        let call = [item.clone(), place(index), Val::Array(items.clone())];
        take(item, machine.call_back(function, call)?)?;
    }
    Ok(())
}

fn function_at<'a, 'v>(arguments: Arguments<'a, 'v>, place: usize) -> Option<&'v Rc<Function<'a>>> {
    match arguments.get(place) {
        Some(Val::Function(function)) => Some(function),
        _ => None,
    }
}

#[expect(clippy::cast_precision_loss, reason = "no array has 2^53 items")]
fn place<'a>(index: usize) -> Val<'a> {
    Val::Number(index as f64)
}
