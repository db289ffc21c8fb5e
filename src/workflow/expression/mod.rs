//! Expressions: JSONata 2, for conditions, mappings and outputs.
//!
//! The language is parsed by `jsonata-core`, whose functions of text, numbers and times are used
//! as well. The evaluator is our own, because expressions are untrusted: each value that it
//! makes or visits and each byte that it builds is counted, so an expression runs out of its
//! budget ([`crate::limits::expression`]) before the machine runs out of memory, at the same
//! point each time, whatever the clock says. `$now`, `$millis`, `$random`, `$uuid` and
//! `$shuffle` answer from the decision's facts; `$eval` is not there. Step Functions'
//! `$partition`, `$range`, `$hash`, `$random(seed)`, `$uuid` and `$parse` are.
//!
//! Who decides what an expression's failure means is the caller: see
//! [`crate::codes::failure::EXPRESSION_ERROR`].

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::JsonObject;
use crate::limits::expression::SOURCE_CHARS;
use crate::time::Timestamp;

mod builtins;
mod call;
mod group;
mod lower;
mod machine;
mod meter;
mod path;
mod signature;
mod sort;
mod string;
mod syntax;
mod transform;
mod value;

#[cfg(test)]
mod conformance_test;
#[cfg(test)]
mod tests;

pub(crate) use builtins::needs_context;
use machine::Machine;
use meter::Meter;
use value::{Object, Text, Val};

/// Characters of an error's message.
const MESSAGE_CHARS: usize = 500;

/// A parsed expression. Cloning it is cheap, and it may be shared between threads.
#[derive(Debug, Clone)]
pub struct Expression {
    source: Arc<str>,
    node: Arc<syntax::Node>,
}

/// Why an expression cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ParseError {
    /// What is wrong: lower-case, no full stop, but for the parser's own sentences.
    pub message: String,
    /// Characters before the token, where the token is known and stands there only once.
    pub position: Option<usize>,
    /// What it stumbled over, where that is known.
    pub token: Option<String>,
}

/// Why an evaluation failed: what [`crate::codes::failure::EXPRESSION_ERROR`] stands for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    /// What is wrong, after JSONata's own code where it has one, as in `T2001: …`.
    pub message: String,
    /// Characters before the token, where the token is known and stands there only once.
    pub position: Option<usize>,
    /// The function or operator that failed, where it is known.
    pub token: Option<String>,
}

/// What the names of an expression stand for. It borrows everything and copies nothing.
#[derive(Debug, Clone)]
pub struct Scope<'a>(Root<'a>);

#[derive(Debug, Clone)]
enum Root<'a> {
    Names(Vec<(&'a str, Given<'a>)>),
    Value(Given<'a>),
}

/// A value that is lent to a [`Scope`].
#[derive(Debug, Clone, Copy)]
pub enum Given<'a> {
    /// Any value.
    Value(&'a Value),
    /// An object.
    Object(&'a JsonObject),
}

/// What an evaluation knows of the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// The time of the decision.
    pub now: Timestamp,
    /// What random draws derive from: the same seed, the same draws.
    pub seed: [u8; 32],
}

impl Expression {
    /// Parses and checks an expression.
    ///
    /// # Errors
    ///
    /// It is no JSONata, or longer or deeper than [`crate::limits::expression`] allows, or has a
    /// regular expression that does not compile (there is no look-around).
    pub fn parse(source: &str) -> Result<Self, ParseError> {
        if source.chars().nth(SOURCE_CHARS).is_some() {
            return Err(ParseError::new(format!(
                "the expression is longer than {SOURCE_CHARS} characters"
            )));
        }
        let ast = guarded(|| jsonata_core::parser::parse(source))
            .map_err(ParseError::new)?
            .map_err(|error| parse_error(&error).placed_in(source))?;
        let node = lower::lower(&ast).map_err(|error| error.placed_in(source))?;
        Ok(Self {
            source: source.into(),
            node: Arc::new(node),
        })
    }

    /// The text that was parsed.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// What the expression gives; none when that is nothing. A whole number is a whole number
    /// again, and what it only passes on keeps its 64-bit integers.
    ///
    /// # Errors
    ///
    /// What the expression itself raises, a budget that is used up, or a result that is no JSON.
    pub fn evaluate(&self, scope: &Scope<'_>, facts: &Facts) -> Result<Option<Value>, Error> {
        // The result has a budget of its own: it may be as large as what was built.
        self.run(scope, facts, |_, value| match value {
            Val::Nothing => Ok(None),
            value => value.to_json(&Meter::new()).map(Some),
        })
    }

    /// Whether what the expression gives is true, as `$boolean` says; nothing is false.
    ///
    /// # Errors
    ///
    /// As [`Self::evaluate`].
    pub fn is_true(&self, scope: &Scope<'_>, facts: &Facts) -> Result<bool, Error> {
        self.run(scope, facts, |machine, value| value.is_true(&machine.meter))
    }

    /// The names that it reads from the root of its scope, in the order of their first use, as
    /// far as that can be told without evaluating it.
    #[must_use]
    pub fn root_names(&self) -> Vec<&str> {
        syntax::root_names(&self.node)
    }

    fn run<T>(
        &self,
        scope: &Scope<'_>,
        facts: &Facts,
        finish: impl FnOnce(&Machine<'_>, Val<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let evaluate = || {
            let machine = Machine::new(scope.root()?, facts);
            let value = machine.run(&self.node)?;
            finish(&machine, value)
        };
        guarded(evaluate)
            .map_err(Error::new)?
            .map_err(|error| error.placed_in(&self.source))
    }
}

impl<'a> Scope<'a> {
    /// A scope of no names.
    #[must_use]
    pub const fn new() -> Self {
        Self(Root::Names(Vec::new()))
    }

    /// A scope whose `$` is a value, as a transformation has it.
    #[must_use]
    pub fn of(given: impl Into<Given<'a>>) -> Self {
        Self(Root::Value(given.into()))
    }

    /// The scope with one name more, or with another value for it. A scope of a value is
    /// replaced by one of names.
    #[must_use]
    pub fn with(self, name: &'a str, given: impl Into<Given<'a>>) -> Self {
        let mut names = match self.0 {
            Root::Names(names) => names,
            Root::Value(_) => Vec::new(),
        };
        names.retain(|(known, _)| *known != name);
        names.push((name, given.into()));
        Self(Root::Names(names))
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Given<'a>> {
        match &self.0 {
            Root::Names(names) => {
                let found = names.iter().find(|(known, _)| *known == name);
                found.map(|(_, given)| *given)
            }
            Root::Value(_) => None,
        }
    }

    fn root(&self) -> Result<Val<'a>, Error> {
        match &self.0 {
            Root::Value(given) => Ok(given.val()),
            Root::Names(names) => Val::object(
                names
                    .iter()
                    .map(|(name, given)| (Text::Borrowed(name), given.val()))
                    .collect(),
            ),
        }
    }
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl<'a> Given<'a> {
    /// The value at a path of keys below this one.
    #[must_use]
    pub fn at<'k>(self, mut keys: impl Iterator<Item = &'k str>) -> Option<Self> {
        keys.try_fold(self, |given, key| {
            let fields = match given {
                Given::Object(fields) => fields,
                Given::Value(value) => value.as_object()?,
            };
            fields.get(key).map(Given::Value)
        })
    }

    /// A copy of the value.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Value(value) => value.clone(),
            Self::Object(fields) => Value::Object(fields.clone()),
        }
    }

    fn val(self) -> Val<'a> {
        match self {
            Self::Value(value) => Val::of(value),
            Self::Object(fields) => Val::Object(Object::Json(fields)),
        }
    }
}

impl<'a> From<&'a Value> for Given<'a> {
    fn from(value: &'a Value) -> Self {
        Self::Value(value)
    }
}

impl<'a> From<&'a JsonObject> for Given<'a> {
    fn from(fields: &'a JsonObject) -> Self {
        Self::Object(fields)
    }
}

impl Facts {
    /// The facts of a decision; `parts` are the ids that make it this decision and no other.
    #[must_use]
    pub fn new(now: Timestamp, parts: &[&[u8]]) -> Self {
        Self {
            now,
            seed: digest(&[0; 32], parts),
        }
    }

    /// The facts of one evaluation inside a decision, so that two of them draw differently.
    #[must_use]
    pub fn within(&self, place: &str) -> Self {
        Self {
            now: self.now,
            seed: digest(&self.seed, &[place.as_bytes()]),
        }
    }
}

impl ParseError {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: cut(message.into()),
            position: None,
            token: None,
        }
    }

    fn at_token(self, token: impl Into<String>) -> Self {
        Self {
            token: Some(cut(token.into())),
            ..self
        }
    }

    fn placed_in(self, source: &str) -> Self {
        Self {
            position: only_place(source, self.token.as_deref()),
            ..self
        }
    }
}

impl Error {
    fn new(message: impl Into<String>) -> Self {
        Self {
            message: cut(message.into()),
            position: None,
            token: None,
        }
    }

    fn coded(code: &str, message: impl std::fmt::Display) -> Self {
        Self::new(format!("{code}: {message}"))
    }

    fn limit(message: impl Into<String>) -> Self {
        Self::new(message)
    }

    /// The error with a token, unless a more exact one is known.
    fn or_token(self, token: impl FnOnce() -> Option<String>) -> Self {
        Self {
            token: self.token.or_else(token),
            ..self
        }
    }

    fn placed_in(self, source: &str) -> Self {
        Self {
            position: only_place(source, self.token.as_deref()),
            ..self
        }
    }
}

/// Runs code of the library. A panic in it is a fault of the expression as far as a workflow is
/// concerned, never the end of the process.
fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, &'static str> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| "the expression cannot be handled")
}

fn digest(seed: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(seed);
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}

/// The parser's message; it names a token as `Kind("text")`.
fn parse_error(error: &jsonata_core::parser::ParserError) -> ParseError {
    let message = error.to_string();
    let message = message
        .strip_prefix("Invalid syntax: ")
        .unwrap_or(&message)
        .to_owned();
    let token = message
        .split_once("(\"")
        .and_then(|(_, rest)| rest.split_once("\")"))
        .map(|(token, _)| token.to_owned());
    let parsed = ParseError::new(message);
    match token {
        Some(token) => parsed.at_token(token),
        None => parsed,
    }
}

/// The characters before a token that stands in the source exactly once.
fn only_place(source: &str, token: Option<&str>) -> Option<usize> {
    let mut places = source.match_indices(token.filter(|token| !token.is_empty())?);
    match (places.next(), places.next()) {
        (Some((at, _)), None) => Some(source[..at].chars().count()),
        _ => None,
    }
}

fn cut(message: String) -> String {
    match message.char_indices().nth(MESSAGE_CHARS) {
        None => message,
        Some((end, _)) => format!("{}…", &message[..end]),
    }
}
