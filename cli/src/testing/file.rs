//! The form of a file of workflow tests.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};
use taskmill::document;

use super::fields;
use crate::exit::Error;
use crate::problems::{Located, Severity};

/// A file of workflow tests.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TestFile {
    /// The workflow: a file beside this one, or the definition.
    pub workflow: Value,
    /// Files or definitions of tasks and further workflows; by default, those of the folder.
    #[serde(default)]
    pub definitions: Option<Vec<Value>>,
    /// The cases.
    pub cases: Vec<Case>,
    /// The folder of the file.
    #[serde(skip)]
    pub folder: PathBuf,
    /// The file.
    #[serde(skip)]
    pub path: PathBuf,
}

/// A case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Case {
    /// Its name.
    pub name: String,
    /// Who starts the workflow.
    #[serde(default)]
    pub caller: CallerSpec,
    /// What the workflow is given.
    #[serde(default = "empty_object")]
    pub input: Value,
    /// What each task answers, by its path or by its definition.
    #[serde(default)]
    pub tasks: BTreeMap<String, Answers>,
    /// Signals from outside.
    #[serde(default)]
    pub signals: Vec<SignalAct>,
    /// What people do with their tasks.
    #[serde(default)]
    pub people: Vec<PersonAct>,
    /// What people ask of the workflow.
    #[serde(default)]
    pub operations: Vec<OperationAct>,
    /// What is expected in between.
    #[serde(default)]
    pub moments: Vec<Moment>,
    /// What is expected at the end.
    #[serde(default)]
    pub expect: Expected,
}

/// Who starts a workflow.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct CallerSpec {
    /// The person.
    pub user: String,
    /// Their roles.
    pub roles: Vec<String>,
    /// Their permissions.
    pub permissions: Vec<String>,
}

impl Default for CallerSpec {
    fn default() -> Self {
        Self {
            user: "tester".to_owned(),
            roles: Vec::new(),
            permissions: Vec::new(),
        }
    }
}

/// Answers, attempt after attempt; the last one repeats.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Answers {
    /// Several.
    List(Vec<Answer>),
    /// The same one always.
    One(Box<Answer>),
}

impl Answers {
    /// The answer to a call, counted from 0.
    pub fn at(&self, call: usize) -> Option<&Answer> {
        match self {
            Self::One(answer) => Some(answer),
            Self::List(list) => list.get(call).or_else(|| list.last()),
        }
    }
}

/// What an attempt comes to: exactly one of these, after a time.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Answer {
    /// This output.
    #[serde(default, deserialize_with = "present")]
    pub succeed: Option<Value>,
    /// This failure.
    #[serde(default)]
    pub fail: Option<FailSpec>,
    /// What an expression over `input`, `attempt` and `context` gives.
    #[serde(default)]
    pub expression: Option<String>,
    /// Nothing, until its time limit.
    #[serde(default)]
    pub hang: bool,
    /// Milliseconds that it takes.
    #[serde(default)]
    pub after: u64,
    /// When it gives signs of life, in milliseconds after its start.
    #[serde(default)]
    pub heartbeats: Vec<u64>,
}

/// A failure.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FailSpec {
    /// Its code.
    pub code: String,
    /// Its message.
    #[serde(default)]
    pub message: String,
    /// Whether a retry is of no use.
    #[serde(default)]
    pub permanent: bool,
    /// Milliseconds that it asks to be waited.
    #[serde(default)]
    pub retry_after: Option<u64>,
    /// More about it.
    #[serde(default)]
    pub details: Map<String, Value>,
}

/// A signal at a time.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SignalAct {
    /// Milliseconds after the start.
    pub at: u64,
    /// Its name.
    pub name: String,
    /// What it says.
    #[serde(default)]
    pub data: Value,
    /// Whether it must be refused, and with which code.
    #[serde(default)]
    pub refused: Option<RefusedSpec>,
}

/// What a person does with a task at a time: exactly one of these acts.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PersonAct {
    /// Milliseconds after the start.
    pub at: u64,
    /// The path of the task.
    pub task: String,
    /// The person takes it.
    #[serde(default)]
    pub claim: Option<String>,
    /// The person begins to work: their name, or `true` for whoever has it.
    #[serde(default)]
    pub start: Option<WhoSpec>,
    /// The person gives it back: their name, or `true` for whoever has it.
    #[serde(default)]
    pub release: Option<WhoSpec>,
    /// It is given to this person.
    #[serde(default)]
    pub assign: Option<String>,
    /// This person is to do the work.
    #[serde(default)]
    pub delegate: Option<String>,
    /// The work of another is done: their name, or `true` for whoever has it.
    #[serde(default)]
    pub resolve: Option<WhoSpec>,
    /// It is put off until so many milliseconds after the start; null: not any more.
    #[serde(default, deserialize_with = "stated")]
    pub follow_up: Option<Option<u64>>,
    /// Something is said about it.
    #[serde(default)]
    pub comment: Option<String>,
    /// It is done, with this output.
    #[serde(default, deserialize_with = "present")]
    pub complete: Option<Value>,
    /// It cannot be done.
    #[serde(default)]
    pub fail: Option<GivenUp>,
    /// Who acts; by default whoever has the task, and who assigns is an administrator.
    #[serde(default)]
    pub by: Option<String>,
    /// The person's roles; by default none, or those of the case's caller if it is that person.
    #[serde(default)]
    pub roles: Option<Vec<String>>,
    /// The person's permissions, likewise.
    #[serde(default)]
    pub permissions: Option<Vec<String>>,
    /// Whether it must be refused, and with which code.
    #[serde(default)]
    pub refused: Option<RefusedSpec>,
}

/// Why a person cannot do a task.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GivenUp {
    /// Its code.
    pub code: String,
    /// Its message.
    #[serde(default)]
    pub message: String,
    /// More about it.
    #[serde(default)]
    pub details: Map<String, Value>,
    /// Whether it is of no use that somebody tries again.
    #[serde(default)]
    pub permanent: bool,
}

/// Who does something with a task.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum WhoSpec {
    /// Whoever has it.
    Whoever(bool),
    /// This person.
    Person(String),
}

/// An operation at a time. Which fields go with it, `fields` says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationAct {
    /// Milliseconds after the start.
    pub at: u64,
    /// Whether it must be refused, and with which code.
    #[serde(default)]
    pub refused: Option<RefusedSpec>,
    /// What is asked: `do`, and what goes with it.
    #[serde(flatten)]
    pub ask: Map<String, Value>,
}

/// That something must be refused.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum RefusedSpec {
    /// With whatever code.
    Any(bool),
    /// With this code.
    Code(String),
}

/// What is expected at a time.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// Milliseconds after the start.
    pub at: u64,
    /// What is expected.
    #[serde(flatten)]
    pub expected: Expected,
}

/// What is expected of a workflow.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Expected {
    /// Its status.
    pub status: Option<String>,
    /// Its output, exactly.
    #[serde(deserialize_with = "present")]
    pub output: Option<Value>,
    /// Variables, by these names.
    pub variables: Option<Map<String, Value>>,
    /// Its error, in these fields.
    pub error: Option<Map<String, Value>>,
    /// Milliseconds from its start to its end.
    pub took: Option<u64>,
    /// Tasks by their paths, in these fields.
    pub tasks: Option<BTreeMap<String, Map<String, Value>>>,
    /// Every task that ended, in the order of that.
    pub trace: Option<Vec<String>>,
    /// The code with which the start is refused.
    pub refused: Option<String>,
    /// The problems for which the definition is refused.
    pub registration: Option<Vec<ProblemSpec>>,
}

/// A problem of a definition.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProblemSpec {
    /// Where it is.
    pub pointer: String,
    /// What it is.
    pub code: String,
}

fn empty_object() -> Value {
    Value::Object(Map::new())
}

/// A value that is there, null as well.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

/// A number that is there, or null.
fn stated<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl TestFile {
    /// Reads a file.
    ///
    /// # Errors
    /// It cannot be read, or is no file of workflow tests.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        let usage = |what: &str| Error::Usage(format!("{}: {what}", path.display()));
        let documents = match document::read(&text) {
            Ok(documents) => documents,
            Err(unreadable) => {
                let problems = Located::all(path, Severity::Error, unreadable.problems);
                return Err(Error::Problems(problems));
            }
        };
        let [document] = <[_; 1]>::try_from(documents)
            .map_err(|_| usage("a file of workflow tests is one document"))?;
        let unknown = document.locate(fields::unknown(&document.value));
        if !unknown.is_empty() {
            return Err(Error::Problems(Located::all(
                path,
                Severity::Error,
                unknown,
            )));
        }
        let mut file: Self =
            serde_json::from_value(document.value).map_err(|error| usage(&error.to_string()))?;
        file.folder = path.parent().map(Path::to_owned).unwrap_or_default();
        file.path = path.to_owned();
        Ok(file)
    }
}
