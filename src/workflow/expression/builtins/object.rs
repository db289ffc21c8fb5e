//! Functions of objects and of values of any type.

use indexmap::{IndexMap, IndexSet};

use super::{Arguments, Error, items_at, text_at};
use crate::workflow::expression::machine::Machine;
use crate::workflow::expression::value::{Text, Val};

impl<'a> Machine<'a> {
    /// The field of an object, or of each object in an array, however deep.
    pub(in crate::workflow::expression) fn field(
        &self,
        value: &Val<'a>,
        key: &str,
    ) -> Result<Val<'a>, Error> {
        match value {
            Val::Object(object) => Ok(object.get(key).unwrap_or(Val::Nothing)),
            Val::Array(_) => {
                let mut found = Vec::new();
                self.collect_fields(value, key, &mut found)?;
                Val::sequence(found)
            }
            _ => Ok(Val::Nothing),
        }
    }

    fn collect_fields(
        &self,
        value: &Val<'a>,
        key: &str,
        found: &mut Vec<Val<'a>>,
    ) -> Result<(), Error> {
        self.meter.steps(1)?;
        match value {
            Val::Array(items) => items
                .iter()
                .try_for_each(|item| self.collect_fields(&item, key, found)),
            Val::Object(object) => {
                match object.get(key) {
                    None | Some(Val::Nothing) => {}
                    Some(Val::Array(items)) => {
                        self.meter.steps(items.len())?;
                        found.extend(items.iter());
                    }
                    Some(value) => found.push(value),
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// `*`: the values of all fields, arrays dissolved.
    pub(in crate::workflow::expression) fn wildcard(
        &self,
        input: &Val<'a>,
    ) -> Result<Val<'a>, Error> {
        let mut found = Vec::new();
        match &super::super::machine::unwrap_root(input) {
            Val::Object(object) => {
                for (_, value) in object.iter() {
                    self.collect_flat(&value, &mut found)?;
                }
            }
            Val::Array(items) => {
                for value in items.iter() {
                    self.collect_flat(&value, &mut found)?;
                }
            }
            _ => {}
        }
        Val::sequence(found)
    }

    fn collect_flat(&self, value: &Val<'a>, found: &mut Vec<Val<'a>>) -> Result<(), Error> {
        self.meter.steps(1)?;
        match value {
            Val::Array(items) => items
                .iter()
                .try_for_each(|item| self.collect_flat(&item, found)),
            other => {
                found.push(other.clone());
                Ok(())
            }
        }
    }

    /// `**`: the value and all that is in it, but for the arrays themselves.
    pub(in crate::workflow::expression) fn descendants(
        &self,
        input: &Val<'a>,
    ) -> Result<Val<'a>, Error> {
        let mut found = Vec::new();
        if !input.is_nothing() {
            self.collect_descendants(input, &mut found)?;
        }
        if found.len() == 1 {
            return Ok(found.pop().unwrap_or(Val::Nothing));
        }
        Val::sequence(found)
    }

    fn collect_descendants(&self, value: &Val<'a>, found: &mut Vec<Val<'a>>) -> Result<(), Error> {
        self.meter.steps(1)?;
        match value {
            Val::Array(items) => items
                .iter()
                .try_for_each(|item| self.collect_descendants(&item, found)),
            Val::Object(object) => {
                found.push(value.clone());
                for (_, field) in object.iter() {
                    self.collect_descendants(&field, found)?;
                }
                Ok(())
            }
            scalar => {
                found.push(scalar.clone());
                Ok(())
            }
        }
    }

    fn collect_keys(&self, value: &Val<'a>, keys: &mut IndexSet<Text<'a>>) -> Result<(), Error> {
        self.meter.steps(1)?;
        match value {
            Val::Array(items) => items
                .iter()
                .try_for_each(|item| self.collect_keys(&item, keys)),
            Val::Object(object) => {
                self.meter.steps(object.len())?;
                keys.extend(object.iter().map(|(key, _)| key));
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn collect_spread(&self, value: &Val<'a>, found: &mut Vec<Val<'a>>) -> Result<(), Error> {
        self.meter.steps(1)?;
        match value {
            Val::Array(items) => items
                .iter()
                .try_for_each(|item| self.collect_spread(&item, found)),
            Val::Object(object) => {
                for (key, value) in object.iter() {
                    self.meter.steps(2)?;
                    found.push(Val::object(IndexMap::from([(key, value)]))?);
                }
                Ok(())
            }
            other => {
                found.push(other.clone());
                Ok(())
            }
        }
    }
}

pub(super) fn keys<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let mut keys = IndexSet::new();
    for value in arguments.iter().take(1) {
        machine.collect_keys(value, &mut keys)?;
    }
    Val::sequence(keys.into_iter().map(Val::Text).collect())
}

pub(super) fn lookup<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    match (arguments.first(), text_at(arguments, 1)) {
        (Some(value), Some(key)) => machine.field(value, key),
        _ => Ok(Val::Nothing),
    }
}

pub(super) fn spread<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    match arguments.first() {
        Some(value @ (Val::Array(_) | Val::Object(_))) => {
            let mut found = Vec::new();
            machine.collect_spread(value, &mut found)?;
            Val::sequence(found)
        }
        Some(other) => Ok(other.clone()),
        None => Ok(Val::Nothing),
    }
}

pub(super) fn merge<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let mut fields = IndexMap::new();
    if let Some(items) = items_at(arguments, 0) {
        for item in items.iter() {
            machine.meter.steps(1)?;
            if let Val::Object(object) = item {
                machine.meter.steps(object.len())?;
                fields.extend(object.iter());
            }
        }
    }
    Val::object(fields)
}

pub(super) fn boolean<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    match arguments.first() {
        Some(value) => value.is_true(&machine.meter).map(Val::Bool),
        None => Ok(Val::Nothing),
    }
}

pub(super) fn not<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    match arguments.first() {
        Some(value) => Ok(Val::Bool(!value.is_true(&machine.meter)?)),
        None => Ok(Val::Nothing),
    }
}

pub(super) fn exists<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    let exists = arguments.first().is_some_and(|value| !value.is_nothing());
    Ok(Val::Bool(exists))
}

pub(super) fn type_of<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    Ok(Val::Text(Text::Borrowed(match arguments.first() {
        None | Some(Val::Nothing) => return Ok(Val::Nothing),
        Some(Val::Null) => "null",
        Some(Val::Bool(_)) => "boolean",
        Some(Val::Number(_)) => "number",
        Some(Val::Text(_)) => "string",
        Some(Val::Array(_)) => "array",
        Some(Val::Object(_)) => "object",
        Some(Val::Function(_)) => "function",
    })))
}

/// Values never change, so a copy is the value itself.
pub(super) fn clone<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    Ok(arguments.first().cloned().unwrap_or(Val::Nothing))
}

pub(super) fn error<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    let message = text_at(arguments, 0).map_or("$error() function evaluated", |text| text);
    Err(Error::coded("D3137", shortened(message)))
}

pub(super) fn assert<'a>(_: &Machine<'a>, arguments: Arguments<'a, '_>) -> Result<Val<'a>, Error> {
    if matches!(arguments.first(), Some(Val::Bool(true))) {
        return Ok(Val::Nothing);
    }
    let message = text_at(arguments, 1).map_or("$assert() statement failed", |text| text);
    Err(Error::coded("D3141", shortened(message)))
}

/// As much of a message as an error keeps, so that the rest is not copied first.
fn shortened(message: &str) -> &str {
    let end = message.char_indices().nth(super::super::MESSAGE_CHARS);
    end.map_or(message, |(end, _)| &message[..end])
}
