//! The state machine while it is written: its states, their names, and what cannot be said.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Value, json};

use super::Target;
use super::data::{Data, Onto, Wrong, data};
use super::names::{Names, Written, write};
use super::reads::Reads;
use crate::JsonObject;
use crate::codes::registration;
use crate::problem::{Problem, member};
use crate::registration::Tasks;
use crate::workflow::definition::{Compensation, Mapping, WorkflowDefinition};

/// Characters of a state's name (Amazon States Language).
const NAME_CHARS: usize = 80;

/// A state machine that is being written.
pub(super) struct Machine<'a> {
    pub workflow: &'a WorkflowDefinition,
    pub tasks: &'a Tasks<'a>,
    pub target: &'a Target,
    /// What cannot be said.
    pub problems: Vec<Problem>,
    /// What is said, and is not quite the same.
    pub differences: Vec<Problem>,
    /// The machine that is written, and those around it.
    scopes: Vec<JsonObject>,
    names: BTreeMap<(String, &'static str), String>,
    taken: BTreeSet<String>,
    variables: HashMap<&'static str, usize>,
    /// What undoes completed steps, by the pointer of the step.
    pub undoing: Vec<(String, String, &'a Compensation)>,
    /// What the workflow's error handlers read.
    pub handlers_read: Reads,
    /// Whether something asks where a failure was.
    pub asks_where: bool,
}

/// What follows a state.
#[derive(Debug, Clone)]
pub(super) enum Next {
    /// A state.
    To(String),
    /// The end of the branch or the iteration.
    End,
}

impl Next {
    /// The field of a state that says so.
    pub(super) fn put(&self, fields: &mut JsonObject) {
        match self {
            Self::To(name) => fields.insert("Next".to_owned(), json!(name)),
            Self::End => fields.insert("End".to_owned(), json!(true)),
        };
    }
}

/// An expression, between the signs around it.
pub(super) fn signed(text: &str) -> Value {
    json!(format!("{{% {text} %}}"))
}

impl<'a> Machine<'a> {
    pub(super) fn new(
        workflow: &'a WorkflowDefinition,
        tasks: &'a Tasks<'a>,
        target: &'a Target,
    ) -> Self {
        let all = [&*workflow.steps, &*workflow.error_handlers];
        let asks_where = all.iter().any(|steps| Reads::of(steps).asks_where);
        Self {
            workflow,
            tasks,
            target,
            problems: Vec::new(),
            differences: Vec::new(),
            scopes: vec![JsonObject::new()],
            names: BTreeMap::new(),
            taken: BTreeSet::new(),
            variables: HashMap::new(),
            undoing: Vec::new(),
            handlers_read: Reads::of(&workflow.error_handlers),
            asks_where,
        }
    }

    /// Notes what cannot be said.
    pub(super) fn refuse(&mut self, pointer: &str, message: impl Into<String>) {
        let code = registration::EXPORT_UNSUPPORTED;
        self.problems.push(Problem::new(code, pointer, message));
    }

    /// Notes what is not quite the same.
    pub(super) fn differs(&mut self, pointer: &str, message: &str) {
        let code = registration::EXPORT_DIFFERS;
        self.differences.push(Problem::new(code, pointer, message));
    }

    /// The name of the state that has a role in what stands at a pointer.
    pub(super) fn name(&mut self, pointer: &str, path: &str, role: &'static str) -> String {
        let key = (pointer.to_owned(), role);
        if let Some(name) = self.names.get(&key) {
            return name.clone();
        }
        let whole = match role {
            "" => path.to_owned(),
            role => format!("{path} ({role})"),
        };
        let mut name = cut(&whole, "");
        let mut count = 1;
        while !self.taken.insert(name.clone()) {
            count += 1;
            name = cut(&whole, &format!(" {count}"));
        }
        self.names.insert(key, name.clone());
        name
    }

    /// A name for a variable that no other has.
    pub(super) fn variable(&mut self, base: &'static str) -> String {
        let count = self.variables.entry(base).or_insert(0);
        *count += 1;
        match *count {
            1 => base.to_owned(),
            count => format!("{base}_{count}"),
        }
    }

    /// Adds a state.
    pub(super) fn state(&mut self, name: &str, fields: JsonObject) {
        if let Some(states) = self.scopes.last_mut() {
            states.insert(name.to_owned(), Value::Object(fields));
        }
    }

    /// Begins a machine inside the one that is written.
    pub(super) fn open(&mut self) {
        self.scopes.push(JsonObject::new());
    }

    /// Ends the machine that was begun last, and gives its states. What nothing leads to, such as
    /// an entry for failures that do not occur, is no part of it.
    pub(super) fn close(&mut self, start: &str) -> JsonObject {
        let mut states = self.scopes.pop().unwrap_or_default();
        let reached = reached(start, &states);
        states.retain(|name, _| reached.contains(name));
        states
    }

    /// The state that follows, made where a state is needed.
    pub(super) fn named(&mut self, next: &Next, scope: &str, path: &str) -> String {
        match next {
            Next::To(name) => name.clone(),
            Next::End => {
                let name = self.name(scope, path, "end");
                let fields = [("Type", json!("Pass")), ("End", json!(true))];
                self.state(&name, object(fields));
                name
            }
        }
    }

    /// An expression, unless it cannot be said.
    pub(super) fn expression(
        &mut self,
        source: &str,
        names: &Names,
        pointer: &str,
    ) -> Option<Written> {
        match write(source, names) {
            Ok(written) => Some(written),
            Err(messages) => {
                for message in messages {
                    self.refuse(pointer, message);
                }
                None
            }
        }
    }

    /// An expression as the condition of a Choice: what gives nothing is false.
    pub(super) fn condition(&mut self, source: &str, names: &Names, pointer: &str) -> String {
        match self.expression(source, names, pointer) {
            Some(written) if written.is_boolean => written.text,
            Some(written) => format!("$boolean({}) = true", written.text),
            None => String::new(),
        }
    }

    /// Mappings as an expression, with what cannot be said of them noted.
    pub(super) fn data(
        &mut self,
        mappings: &[Mapping],
        list: &str,
        default: &str,
        names: &Names,
        onto: Onto<'_>,
    ) -> Data {
        data(mappings, list, default, names, onto).unwrap_or_else(|wrong| {
            self.refuse_all(wrong);
            Data::default()
        })
    }

    fn refuse_all(&mut self, wrong: Vec<Wrong>) {
        for (pointer, message) in wrong {
            self.refuse(&pointer, message);
        }
    }

    /// Refuses fields of what stands at a pointer.
    pub(super) fn refuse_fields(&mut self, pointer: &str, wrong: &[(&'static str, &'static str)]) {
        for (field, message) in wrong {
            self.refuse(&format!("{pointer}/{field}"), *message);
        }
    }

    /// Refuses a field that is there.
    pub(super) fn refuse_field(
        &mut self,
        is_there: bool,
        pointer: &str,
        field: &str,
        message: &str,
    ) {
        if is_there {
            self.refuse(&member(pointer, field), message);
        }
    }
}

/// The names of the states that a machine comes to.
fn reached(start: &str, states: &JsonObject) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    let mut open = vec![start.to_owned()];
    while let Some(name) = open.pop() {
        let Some(state) = states.get(&name) else {
            continue;
        };
        if !reached.insert(name) {
            continue;
        }
        let listed = ["Choices", "Catch"].iter();
        let listed = listed
            .filter_map(|field| state[*field].as_array())
            .flatten();
        let targets = listed.map(|one| &one["Next"]);
        let targets = targets.chain([&state["Next"], &state["Default"]]);
        open.extend(targets.filter_map(Value::as_str).map(str::to_owned));
    }
    reached
}

/// An object of these fields.
pub(super) fn object<const N: usize>(fields: [(&str, Value); N]) -> JsonObject {
    fields
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// A name that is not too long, with an end of its own.
fn cut(whole: &str, end: &str) -> String {
    let room = NAME_CHARS - end.chars().count();
    let begin: String = whole.chars().take(room).collect();
    begin + end
}
