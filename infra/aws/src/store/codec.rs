//! Writing and reading the attributes of an item: types, absent defaults, and what is said when
//! an item cannot be read. Which attributes there are is the business of the `*_item` files.

use std::collections::HashMap;
use std::fmt::Display;
use std::str::FromStr;

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use semver::Version;
use serde::de::DeserializeOwned;
use taskmill::Timestamp;
use taskmill::ids::DefinitionId;
use uuid::Uuid;

use super::Error;

/// An item as the SDK has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

pub(crate) fn text(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(crate) fn number(number: impl Display) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(crate) fn id(id: Uuid) -> AttributeValue {
    AttributeValue::B(Blob::new(*id.as_bytes()))
}

/// The key of a record's head or part.
pub(crate) fn key(record: Uuid, part: impl Into<String>) -> Item {
    Item::from([
        ("id".to_owned(), id(record)),
        ("part".to_owned(), text(part)),
    ])
}

/// An item under construction. A value that is the default of its attribute is left out.
pub(crate) struct Writer(Item);

impl Writer {
    pub(crate) const fn new(item: Item) -> Self {
        Self(item)
    }

    pub(crate) fn set(&mut self, name: &str, value: AttributeValue) {
        self.0.insert(name.to_owned(), value);
    }

    pub(crate) fn text(&mut self, name: &str, value: impl Into<String>) {
        self.set(name, text(value));
    }

    pub(crate) fn id(&mut self, name: &str, value: Option<Uuid>) {
        if let Some(value) = value {
            self.set(name, id(value));
        }
    }

    pub(crate) fn count(&mut self, name: &str, value: impl Into<u64>) {
        let value = value.into();
        if value != 0 {
            self.set(name, number(value));
        }
    }

    pub(crate) fn limit(&mut self, name: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.set(name, number(value));
        }
    }

    pub(crate) fn time(&mut self, name: &str, value: Option<Timestamp>) {
        if let Some(value) = value {
            self.set(name, number(value.millis()));
        }
    }

    pub(crate) fn finish(self) -> Item {
        self.0
    }
}

/// An item that is read.
pub(crate) struct Reader<'a> {
    item: &'a Item,
    record: &'a str,
}

impl<'a> Reader<'a> {
    /// `record` names it in errors.
    pub(crate) const fn new(item: &'a Item, record: &'a str) -> Self {
        Self { item, record }
    }

    pub(crate) fn corrupt(&self, reason: impl Into<String>) -> Error {
        Error::Corrupt {
            record: self.record.to_owned(),
            reason: reason.into(),
        }
    }

    pub(crate) fn opt_text(&self, name: &str) -> Result<Option<&'a str>, Error> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::S(text)) => Ok(Some(text)),
            Some(_) => Err(self.corrupt(format!("{name} is no text"))),
        }
    }

    pub(crate) fn text(&self, name: &str) -> Result<&'a str, Error> {
        self.opt_text(name)?
            .ok_or_else(|| self.corrupt(format!("{name} is missing")))
    }

    pub(crate) fn owned_text(&self, name: &str) -> Result<Option<String>, Error> {
        Ok(self.opt_text(name)?.map(ToOwned::to_owned))
    }

    /// A text for a list; none also where the head holds but a reference to it.
    pub(crate) fn shown(&self, name: &str) -> Option<String> {
        self.item.get(name)?.as_s().ok().cloned()
    }

    fn parsed<T: FromStr>(&self, name: &str, text: &str) -> Result<T, Error> {
        text.parse()
            .map_err(|_| self.corrupt(format!("{name} cannot be {text:?}")))
    }

    pub(crate) fn opt_number<T: FromStr>(&self, name: &str) -> Result<Option<T>, Error> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::N(number)) => self.parsed(name, number).map(Some),
            Some(_) => Err(self.corrupt(format!("{name} is no number"))),
        }
    }

    pub(crate) fn number<T: FromStr>(&self, name: &str) -> Result<T, Error> {
        self.opt_number(name)?
            .ok_or_else(|| self.corrupt(format!("{name} is missing")))
    }

    pub(crate) fn count<T: FromStr + Default>(&self, name: &str) -> Result<T, Error> {
        Ok(self.opt_number(name)?.unwrap_or_default())
    }

    pub(crate) fn opt_time(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        Ok(self.opt_number(name)?.map(Timestamp::from_millis))
    }

    pub(crate) fn time(&self, name: &str) -> Result<Timestamp, Error> {
        self.number(name).map(Timestamp::from_millis)
    }

    /// An instant that is stored in seconds, for the database's own time to live.
    pub(crate) fn opt_seconds(&self, name: &str) -> Result<Option<Timestamp>, Error> {
        let seconds = self.opt_number::<i64>(name)?;
        Ok(seconds.map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000))))
    }

    pub(crate) fn opt_id(&self, name: &str) -> Result<Option<Uuid>, Error> {
        match self.item.get(name) {
            None => Ok(None),
            Some(AttributeValue::B(bytes)) => Uuid::from_slice(bytes.as_ref())
                .map(Some)
                .map_err(|_| self.corrupt(format!("{name} is no id"))),
            Some(_) => Err(self.corrupt(format!("{name} is no id"))),
        }
    }

    pub(crate) fn id(&self, name: &str) -> Result<Uuid, Error> {
        self.opt_id(name)?
            .ok_or_else(|| self.corrupt(format!("{name} is missing")))
    }

    pub(crate) fn opt_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Error> {
        let Some(text) = self.opt_text(name)? else {
            return Ok(None);
        };
        let value = serde_json::from_str(text);
        value
            .map(Some)
            .map_err(|error| self.corrupt(format!("{name}: {error}")))
    }

    pub(crate) fn definition_id(&self, name: &str, text: &str) -> Result<DefinitionId, Error> {
        DefinitionId::new(text).map_err(|_| self.corrupt(format!("{name} cannot be {text:?}")))
    }

    /// A definition and its version, stored as `id@version`.
    pub(crate) fn pinned(&self, name: &str) -> Result<(DefinitionId, Version), Error> {
        let text = self.text(name)?;
        let (id, version) = text
            .split_once('@')
            .ok_or_else(|| self.corrupt(format!("{name} cannot be {text:?}")))?;
        Ok((self.definition_id(name, id)?, self.parsed(name, version)?))
    }

    /// The status bucket: `tenant#STATUS#shard`, and for terminal statuses `#date`.
    pub(crate) fn bucket(&self, name: &str) -> Result<(&'a str, &'a str), Error> {
        let text = self.text(name)?;
        let mut words = text.split('#');
        match (words.next(), words.next(), words.next()) {
            (Some(tenant), Some(status), Some(_)) => Ok((tenant, status)),
            _ => Err(self.corrupt(format!("{name} cannot be {text:?}"))),
        }
    }
}
