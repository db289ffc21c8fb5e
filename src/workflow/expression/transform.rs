//! `|location|update, delete|`: a copy of a value in which some objects are changed.

use std::collections::HashMap;

use indexmap::IndexMap;

use super::Error;
use super::machine::{Env, Machine};
use super::syntax::Transform;
use super::value::{Text, Val};

/// New fields of the objects that were found, by what tells the object from others.
type Changed<'a> = HashMap<usize, IndexMap<Text<'a>, Val<'a>>>;

impl<'a> Machine<'a> {
    /// The subject, with the objects at the location updated.
    pub(super) fn transform(
        &self,
        transform: &'a Transform,
        subject: &Val<'a>,
        env: Env,
    ) -> Result<Val<'a>, Error> {
        match subject {
            Val::Nothing => return Ok(Val::Nothing),
            Val::Array(_) | Val::Object(_) => {}
            _ => {
                return Err(Error::coded(
                    "T0410",
                    "a transformation takes an object or an array",
                ));
            }
        }
        // Objects of the copy are told apart, even where the subject holds one of them twice.
        let copy = self.rebuilt(subject, &Changed::new())?;
        let mut changed = Changed::new();
        let found = self.eval(&transform.location, &copy, env)?;
        if !found.is_nothing() {
            for item in found.into_items()?.iter() {
                self.change(transform, &item, env, &mut changed)?;
            }
        }
        self.rebuilt(&copy, &changed)
    }

    fn change(
        &self,
        transform: &'a Transform,
        item: &Val<'a>,
        env: Env,
        changed: &mut Changed<'a>,
    ) -> Result<(), Error> {
        let Val::Object(object) = item else {
            return Ok(());
        };
        self.meter.steps(1 + object.len())?;
        let mut fields = changed
            .remove(&object.address())
            .unwrap_or_else(|| object.iter().collect());
        match self.eval(&transform.update, item, env)? {
            Val::Nothing => {}
            Val::Object(update) => {
                self.meter.steps(update.len())?;
                fields.extend(update.iter());
            }
            _ => {
                return Err(Error::coded(
                    "T2011",
                    "the update of a transformation is not an object",
                ));
            }
        }
        if let Some(delete) = &transform.delete {
            let names = self.eval(delete, item, env)?;
            if !names.is_nothing() {
                self.delete(names, &mut fields)?;
            }
        }
        changed.insert(object.address(), fields);
        Ok(())
    }

    fn delete(
        &self,
        names: Val<'a>,
        fields: &mut IndexMap<Text<'a>, Val<'a>>,
    ) -> Result<(), Error> {
        for name in names.into_items()?.iter() {
            let Val::Text(name) = name else {
                return Err(Error::coded(
                    "T2012",
                    "what a transformation deletes is not a string or an array of strings",
                ));
            };
            self.meter.steps(1 + fields.len() / 8)?;
            fields.shift_remove(&*name);
        }
        Ok(())
    }

    fn rebuilt(&self, value: &Val<'a>, changed: &Changed<'a>) -> Result<Val<'a>, Error> {
        self.meter.steps(1)?;
        match value {
            Val::Array(items) => {
                let rebuilt: Result<_, _> = items
                    .iter()
                    .map(|item| self.rebuilt(&item, changed))
                    .collect();
                Val::array(rebuilt?).map(|rebuilt| rebuilt.of_kind(items.kind))
            }
            Val::Object(object) => {
                let rebuild = |(key, field): (Text<'a>, Val<'a>)| {
                    self.rebuilt(&field, changed).map(|field| (key, field))
                };
                let fields: Result<_, _> = match changed.get(&object.address()) {
                    Some(fields) => fields
                        .iter()
                        .map(|(key, field)| rebuild((key.clone(), field.clone())))
                        .collect(),
                    None => object.iter().map(rebuild).collect(),
                };
                Val::object(fields?)
            }
            scalar => Ok(scalar.clone()),
        }
    }
}
