//! The values that expressions work on.
//!
//! What came from outside is borrowed, never copied: a scope of megabytes costs nothing until
//! something new is made of it, and 64-bit integers inside survive as long as nobody reckons
//! with them. What an expression makes is shared, not copied, when it is used twice; its depth
//! is known and bounded, so that walking and dropping it needs little stack.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;

use indexmap::IndexMap;
use serde_json::{Map, Number, Value};

use super::Error;
use super::call::Function;
use super::meter::Meter;
use crate::JsonObject;
use crate::limits::{DOCUMENT_DEPTH, expression::DEPTH};

/// A string, borrowed from the scope or the expression, or made.
#[derive(Debug, Clone)]
pub(super) enum Text<'a> {
    Borrowed(&'a str),
    Made(Rc<str>),
}

/// Any value, and nothing at all.
#[derive(Debug, Clone)]
pub(super) enum Val<'a> {
    Nothing,
    Null,
    Bool(bool),
    Number(f64),
    Text(Text<'a>),
    Array(Array<'a>),
    Object(Object<'a>),
    Function(Rc<Function<'a>>),
}

/// An array and what the language remembers of where it comes from.
#[derive(Debug, Clone)]
pub(super) struct Array<'a> {
    items: Items<'a>,
    depth: usize,
    /// How it behaves where results are put together.
    pub(super) kind: Kind,
}

/// How an array behaves where results are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A value like any other.
    Plain,
    /// The results of a query: none is nothing, and one is that one.
    Sequence,
    /// A sequence that stays an array even of one.
    Kept,
    /// Made by a constructor in a path: a step does not dissolve it.
    Constructed,
    /// A sequence of the one array that the whole expression is about.
    Wrapper,
}

#[derive(Debug, Clone)]
enum Items<'a> {
    Json(&'a [Value]),
    Made(Rc<Vec<Val<'a>>>),
}

/// An object.
#[derive(Debug, Clone)]
pub(super) enum Object<'a> {
    Json(&'a JsonObject),
    Made(Rc<Fields<'a>>),
}

/// The fields of an object that an expression made.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    fields: IndexMap<Text<'a>, Val<'a>>,
    depth: usize,
}

impl<'a> Val<'a> {
    /// A value from outside, borrowed.
    pub(super) fn of(value: &'a Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => Self::Number(number.as_f64().unwrap_or(f64::NAN)),
            Value::String(text) => Self::Text(Text::Borrowed(text)),
            Value::Array(items) => Self::Array(Array {
                items: Items::Json(items),
                depth: 0,
                kind: Kind::Plain,
            }),
            Value::Object(fields) => Self::Object(Object::Json(fields)),
        }
    }

    /// A string that was made; its bytes are counted by the caller.
    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        Self::Text(Text::Made(text.into()))
    }

    /// The results of a query.
    pub(super) fn sequence(items: Vec<Self>) -> Result<Self, Error> {
        Array::made(items, Kind::Sequence).map(Self::Array)
    }

    /// An array like any other.
    pub(super) fn array(items: Vec<Self>) -> Result<Self, Error> {
        Array::made(items, Kind::Plain).map(Self::Array)
    }

    /// An object of these fields.
    pub(super) fn object(fields: IndexMap<Text<'a>, Self>) -> Result<Self, Error> {
        let depth = deeper(fields.values())?;
        Ok(Self::Object(Object::Made(Rc::new(Fields {
            fields,
            depth,
        }))))
    }

    /// Whether there is no value.
    pub(super) const fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    /// The value after a query: a sequence of none is nothing, and of one is that one.
    pub(super) fn unwrapped(self) -> Self {
        let Self::Array(array) = &self else {
            return self;
        };
        match (array.kind, array.len()) {
            (Kind::Sequence | Kind::Wrapper | Kind::Kept, 0) => Self::Nothing,
            (Kind::Sequence | Kind::Wrapper, 1) => array.get(0).unwrap_or(Self::Nothing),
            _ => self,
        }
    }

    /// The items of an array; of anything else, itself.
    pub(super) fn into_items(self) -> Result<Array<'a>, Error> {
        match self {
            Self::Array(array) => Ok(array),
            other => Array::made(vec![other], Kind::Sequence),
        }
    }

    /// As `$boolean`, with nothing as false.
    pub(super) fn is_true(&self, meter: &Meter) -> Result<bool, Error> {
        Ok(match self {
            Self::Nothing | Self::Null | Self::Function(_) => false,
            Self::Bool(value) => *value,
            Self::Number(number) => *number != 0.0 && !number.is_nan(),
            Self::Text(text) => !text.is_empty(),
            Self::Object(object) => object.len() > 0,
            Self::Array(array) => {
                for item in array.iter() {
                    meter.steps(1)?;
                    if item.is_true(meter)? {
                        return Ok(true);
                    }
                }
                false
            }
        })
    }

    /// Whether both are the same value, however deep.
    pub(super) fn equals(&self, other: &Self, meter: &Meter) -> Result<bool, Error> {
        meter.steps(1)?;
        Ok(match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(one), Self::Bool(two)) => one == two,
            (Self::Number(one), Self::Number(two)) => one == two,
            (Self::Text(one), Self::Text(two)) => {
                meter.reading(one.len().min(two.len()))?;
                one == two
            }
            (Self::Array(one), Self::Array(two)) => one.equals(two, meter)?,
            (Self::Object(one), Self::Object(two)) => one.equals(two, meter)?,
            (Self::Function(one), Self::Function(two)) => Rc::ptr_eq(one, two),
            _ => false,
        })
    }

    /// Whether both are one scalar, or one and the same array or object.
    pub(super) fn is_identical(&self, other: &Self, meter: &Meter) -> Result<bool, Error> {
        match (self, other) {
            (Self::Array(one), Self::Array(two)) => Ok(one.is_same(two)),
            (Self::Object(one), Self::Object(two)) => Ok(one.is_same(two)),
            _ => self.equals(other, meter),
        }
    }

    /// The value as JSON, within the limits of a result.
    pub(super) fn to_json(&self, meter: &Meter) -> Result<Value, Error> {
        self.to_json_below(meter, 0)
    }

    fn to_json_below(&self, meter: &Meter, depth: usize) -> Result<Value, Error> {
        meter.steps(1)?;
        if depth > DOCUMENT_DEPTH {
            return Err(too_deep(DOCUMENT_DEPTH));
        }
        Ok(match self {
            Self::Nothing | Self::Null => Value::Null,
            Self::Bool(value) => Value::Bool(*value),
            Self::Number(number) => number_to_json(*number)?,
            Self::Text(text) => {
                meter.text(text.len())?;
                Value::String(text.to_string())
            }
            Self::Array(array) => match array.items {
                Items::Json(items) => copy_items(items, meter, depth)?,
                Items::Made(ref items) => {
                    exactly(items, |item| item.to_json_below(meter, depth + 1))?
                }
            },
            Self::Object(Object::Json(fields)) => copy_fields(fields, meter, depth)?,
            Self::Object(Object::Made(object)) => {
                let mut fields = Map::with_capacity(object.fields.len());
                for (key, value) in &object.fields {
                    meter.text(key.len())?;
                    fields.insert(key.to_string(), value.to_json_below(meter, depth + 1)?);
                }
                Value::Object(fields)
            }
            Self::Function(_) => return Err(Error::new("the expression gives a function")),
        })
    }

    /// The value as an array of another kind, where it is an array.
    pub(super) fn of_kind(self, kind: Kind) -> Self {
        match self {
            Self::Array(array) => Self::Array(array.of_kind(kind)),
            other => other,
        }
    }
}

/// How many made values are inside each other.
pub(super) fn depth_of(value: &Val<'_>) -> usize {
    match value {
        Val::Array(array) => array.depth,
        Val::Object(Object::Made(object)) => object.depth,
        Val::Function(function) => function.depth,
        _ => 0,
    }
}

impl<'a> Array<'a> {
    /// An array of values that were made; its slots are counted by the caller.
    pub(super) fn made(items: Vec<Val<'a>>, kind: Kind) -> Result<Self, Error> {
        Ok(Self {
            depth: deeper(items.iter())?,
            items: Items::Made(Rc::new(items)),
            kind,
        })
    }

    /// The same items, behaving otherwise.
    pub(super) fn of_kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }

    /// Whether it came from a query.
    pub(super) const fn is_sequence(&self) -> bool {
        match self.kind {
            Kind::Sequence | Kind::Kept | Kind::Wrapper => true,
            Kind::Plain | Kind::Constructed => false,
        }
    }

    pub(super) fn len(&self) -> usize {
        match &self.items {
            Items::Json(items) => items.len(),
            Items::Made(items) => items.len(),
        }
    }

    pub(super) fn get(&self, index: usize) -> Option<Val<'a>> {
        match &self.items {
            Items::Json(items) => items.get(index).map(Val::of),
            Items::Made(items) => items.get(index).cloned(),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Val<'a>> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    fn equals(&self, other: &Self, meter: &Meter) -> Result<bool, Error> {
        if self.len() != other.len() {
            return Ok(false);
        }
        for (one, two) in self.iter().zip(other.iter()) {
            if !one.equals(&two, meter)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn is_same(&self, other: &Self) -> bool {
        match (&self.items, &other.items) {
            (Items::Json(one), Items::Json(two)) => std::ptr::eq(*one, *two),
            (Items::Made(one), Items::Made(two)) => Rc::ptr_eq(one, two),
            (Items::Json(_), Items::Made(_)) | (Items::Made(_), Items::Json(_)) => false,
        }
    }
}

impl<'a> Object<'a> {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Json(fields) => fields.len(),
            Self::Made(object) => object.fields.len(),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<Val<'a>> {
        match self {
            Self::Json(fields) => fields.get(key).map(Val::of),
            Self::Made(object) => object.fields.get(key).cloned(),
        }
    }

    /// The fields in order.
    pub(super) fn iter(&self) -> Box<dyn Iterator<Item = (Text<'a>, Val<'a>)> + '_> {
        match self {
            Self::Json(fields) => Box::new(
                fields
                    .iter()
                    .map(|(key, value)| (Text::Borrowed(key.as_str()), Val::of(value))),
            ),
            Self::Made(object) => Box::new(
                object
                    .fields
                    .iter()
                    .map(|(key, value)| (key.clone(), value.clone())),
            ),
        }
    }

    /// What tells this object from every other that is alive.
    pub(super) fn address(&self) -> usize {
        match self {
            Self::Json(fields) => std::ptr::from_ref::<JsonObject>(fields).addr(),
            Self::Made(object) => Rc::as_ptr(object).addr(),
        }
    }

    fn equals(&self, other: &Self, meter: &Meter) -> Result<bool, Error> {
        if self.len() != other.len() {
            return Ok(false);
        }
        for (key, one) in self.iter() {
            match other.get(&key) {
                Some(two) if one.equals(&two, meter)? => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn is_same(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Deref for Text<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Borrowed(text) => text,
            Self::Made(text) => text,
        }
    }
}

impl PartialEq for Text<'_> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Text<'_> {}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        str::cmp(self, other)
    }
}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        str::hash(self, state);
    }
}

impl Borrow<str> for Text<'_> {
    fn borrow(&self) -> &str {
        self
    }
}

/// The depth of a container of these values.
fn deeper<'v, 'a: 'v>(values: impl Iterator<Item = &'v Val<'a>>) -> Result<usize, Error> {
    let depth = 1 + values.map(depth_of).max().unwrap_or(0);
    if depth > DEPTH {
        return Err(too_deep(DEPTH));
    }
    Ok(depth)
}

fn too_deep(most: usize) -> Error {
    Error::limit(format!("more than {most} values inside each other"))
}

/// A whole number is written as one, as far as a double holds it exactly.
fn number_to_json(number: f64) -> Result<Value, Error> {
    const END: f64 = 9_223_372_036_854_775_808.0;
    if number.fract() == 0.0 && (-END..END).contains(&number) {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "it is whole and within i64"
        )]
        return Ok(Value::from(number as i64));
    }
    Number::from_f64(number)
        .map(Value::Number)
        .ok_or_else(|| Error::coded("D1001", format!("number out of range: {number}")))
}

fn copy(value: &Value, meter: &Meter, depth: usize) -> Result<Value, Error> {
    meter.steps(1)?;
    if depth > DOCUMENT_DEPTH {
        return Err(too_deep(DOCUMENT_DEPTH));
    }
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(value.clone()),
        Value::String(text) => {
            meter.text(text.len())?;
            Ok(value.clone())
        }
        Value::Array(items) => copy_items(items, meter, depth),
        Value::Object(fields) => copy_fields(fields, meter, depth),
    }
}

fn copy_items(items: &[Value], meter: &Meter, depth: usize) -> Result<Value, Error> {
    exactly(items, |item| copy(item, meter, depth + 1))
}

/// An array in no more memory than it needs: many small ones would waste most of theirs.
fn exactly<T>(items: &[T], to_json: impl Fn(&T) -> Result<Value, Error>) -> Result<Value, Error> {
    let mut copied = Vec::with_capacity(items.len());
    for item in items {
        copied.push(to_json(item)?);
    }
    Ok(Value::Array(copied))
}

fn copy_fields(fields: &JsonObject, meter: &Meter, depth: usize) -> Result<Value, Error> {
    let mut copied = Map::with_capacity(fields.len());
    for (key, value) in fields {
        meter.text(key.len())?;
        copied.insert(key.clone(), copy(value, meter, depth + 1)?);
    }
    Ok(Value::Object(copied))
}
