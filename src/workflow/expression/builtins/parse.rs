//! Step Functions' `$parse`: the value that a JSON text is, counted while it is read.

use std::cell::RefCell;
use std::fmt;

use indexmap::IndexMap;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use super::{Arguments, Error, text_at};
use crate::workflow::expression::machine::Machine;
use crate::workflow::expression::value::{Text, Val};

pub(super) fn parse<'a>(
    machine: &Machine<'a>,
    arguments: Arguments<'a, '_>,
) -> Result<Val<'a>, Error> {
    let Some(text) = text_at(arguments, 0) else {
        return Ok(Val::Nothing);
    };
    machine.meter.reading(text.len())?;
    let refused = RefCell::new(None);
    let reader = Reader {
        machine,
        refused: &refused,
    };
    let mut json = serde_json::Deserializer::from_str(text);
    let parsed = reader.deserialize(&mut json).and_then(|value| {
        json.end()?;
        Ok(value)
    });
    parsed.map_err(|error| {
        let refused = refused.take();
        refused.unwrap_or_else(|| Error::new(format!("$parse is not given JSON: {error}")))
    })
}

/// Reads one value. What the meter refuses is kept aside: the parser has no place for it.
struct Reader<'m, 'a> {
    machine: &'m Machine<'a>,
    refused: &'m RefCell<Option<Error>>,
}

impl Reader<'_, '_> {
    fn counted<T, E: de::Error>(&self, result: Result<T, Error>) -> Result<T, E> {
        result.map_err(|error| {
            let message = E::custom(&error);
            *self.refused.borrow_mut() = Some(error);
            message
        })
    }

    fn again(&self) -> Self {
        Self { ..*self }
    }
}

impl<'de, 'a> DeserializeSeed<'de> for Reader<'_, 'a> {
    type Value = Val<'a>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Val<'a>, D::Error> {
        self.counted(self.machine.meter.steps(1))?;
        deserializer.deserialize_any(self)
    }
}

impl<'de, 'a> Visitor<'de> for Reader<'_, 'a> {
    type Value = Val<'a>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Val<'a>, E> {
        Ok(Val::Null)
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Val<'a>, E> {
        Ok(Val::Bool(value))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers are doubles here")]
    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Val<'a>, E> {
        Ok(Val::Number(value as f64))
    }

    #[expect(clippy::cast_precision_loss, reason = "numbers are doubles here")]
    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Val<'a>, E> {
        Ok(Val::Number(value as f64))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Val<'a>, E> {
        Ok(Val::Number(value))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Val<'a>, E> {
        self.counted(self.machine.meter.text(text.len()))?;
        Ok(Val::text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Val<'a>, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.again())? {
            items.push(item);
        }
        self.counted(Val::array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Val<'a>, A::Error> {
        let mut fields = IndexMap::new();
        while let Some(key) = map.next_key::<String>()? {
            self.counted(self.machine.meter.text(key.len()))?;
            let value = map.next_value_seed(self.again())?;
            fields.insert(Text::Made(key.into()), value);
        }
        self.counted(Val::object(fields))
    }
}
