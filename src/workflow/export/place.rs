//! Where a step stands: what its names stand for, which variables it sees, and what becomes of
//! its failure.

use super::names::Names;
use super::text::quoted;

/// Where a step stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The steps around it.
    path: Vec<Segment>,
    /// What the names of its expressions stand for.
    pub names: Names,
    /// The state machine variable that holds the workflow's variables, with its sign.
    pub variables: String,
    /// What catches a failure, the first one first.
    pub catchers: Vec<Catcher>,
    /// Whether it is a part of a Parallel or a Map, and not of the state machine itself.
    pub is_inner: bool,
    /// Whether something between here and the end of the workflow handles a failure.
    pub is_handled: bool,
    /// The pointer of what holds the states around it.
    pub scope: String,
    /// What `context` stands for, but for the task path.
    context: String,
}

/// A part of a path.
#[derive(Debug, Clone)]
struct Segment {
    name: String,
    /// The expression of the index behind it.
    turn: Option<String>,
}

/// Something that catches failures.
#[derive(Debug, Clone)]
pub(super) struct Catcher {
    /// The codes, or `*`.
    pub codes: Vec<String>,
    /// The state that goes on.
    pub target: String,
    /// The state machine variable, without its sign, that the error is put in.
    pub error: Option<String>,
    /// Whether what follows sees the variables that were set before the failure.
    pub sees_variables: bool,
}

impl Catcher {
    /// Whether it catches everything.
    pub(super) fn is_all(&self) -> bool {
        self.codes.iter().any(|code| code == "*")
    }

    /// Whether it catches a code.
    pub(super) fn holds(&self, code: &str) -> bool {
        self.codes.iter().any(|one| one == code || one == "*")
    }
}

impl Place {
    /// The place of the workflow's own steps.
    pub(super) fn root(names: Names, context: &str, variables: &str) -> Self {
        Self {
            context: context.to_owned(),
            path: Vec::new(),
            names,
            variables: variables.to_owned(),
            catchers: Vec::new(),
            is_inner: false,
            is_handled: false,
            scope: String::new(),
        }
    }

    /// The path of a step here, for people.
    pub(super) fn path_of(&self, step: &str) -> String {
        let mut whole = String::new();
        for segment in &self.path {
            whole.push_str(&segment.name);
            whole.push_str(if segment.turn.is_some() { "[]/" } else { "/" });
        }
        whole + step
    }

    /// The task path of a step here, as an expression.
    pub(super) fn task_path(&self, step: &str) -> String {
        let mut parts: Vec<String> = Vec::new();
        let mut text = String::new();
        for segment in &self.path {
            text.push_str(&segment.name);
            if let Some(turn) = &segment.turn {
                text.push('[');
                parts.push(quoted(&std::mem::take(&mut text)));
                parts.push(turn.clone());
                text.push(']');
            }
            text.push('/');
        }
        text.push_str(step);
        parts.push(quoted(&text));
        parts.join(" & ")
    }

    /// What a step's own names stand for: its task path is the step's.
    pub(super) fn names_of(&self, step: &str) -> Names {
        let path = self.task_path(step);
        let whole = format!("$merge([{}, {{'taskPath': {path}}}])", self.context);
        let names = self.names.clone().with_inner("context", whole);
        names.with_inner("context.taskPath", path)
    }

    /// The place of the steps inside a step.
    pub(super) fn inside(&self, step: &str) -> Self {
        self.below(step, None)
    }

    /// The place of the steps of a turn or an iteration.
    pub(super) fn turn(&self, step: &str, index: &str) -> Self {
        let mut place = self.below(step, Some(index.to_owned()));
        place.names = place.names.with("index", index);
        place
    }

    fn below(&self, step: &str, turn: Option<String>) -> Self {
        let mut place = self.clone();
        place.path.push(Segment {
            name: step.to_owned(),
            turn,
        });
        place
    }

    /// The place of a branch or an iteration, whose states are a machine of their own.
    pub(super) fn apart(&self, scope: &str, is_retried: bool) -> Self {
        let mut place = self.clone();
        place.is_handled |= is_retried || self.catchers.iter().any(|one| one.sees_variables);
        place.catchers = Vec::new();
        place.is_inner = true;
        scope.clone_into(&mut place.scope);
        place
    }

    /// The place with other variables.
    pub(super) fn with_variables(mut self, variable: &str) -> Self {
        self.variables = format!("${variable}");
        self.names = self.names.with("workflowVariables", self.variables.clone());
        self
    }

    /// The place with what catches failures before all that does already.
    pub(super) fn catching(&self, mut catchers: Vec<Catcher>) -> Self {
        let mut place = self.clone();
        catchers.append(&mut place.catchers);
        place.catchers = catchers;
        place
    }
}
