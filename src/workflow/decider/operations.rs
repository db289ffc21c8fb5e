//! What people ask of a workflow, and what its state allows.
//!
//! Each request is taken once under its id. What a state does not allow is refused with a code,
//! and changes nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::again::{do_again, find, is_in_map, is_over, turns_are_told, without_indexes};
use super::{Fold, News};
use crate::JsonObject;
use crate::codes::refusal;
use crate::limits::REQUESTS_REMEMBERED;
use crate::task::output::check_size;
use crate::workflow::WorkflowInstance;
use crate::workflow::frontier::Root;
use crate::workflow::instance::WorkflowStatus;
use crate::workflow::parent::hash;
use crate::workflow::paths::is_reserved;

/// Something that is asked of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Operation {
    /// Makes it safe to repeat.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// When the workflow asks that this one is part of: its version that does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_parent: Option<u64>,
    /// What is asked.
    pub ask: Ask,
}

/// What is asked of a workflow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Ask {
    /// To end at once.
    Cancel {
        /// Why, for people.
        reason: String,
        /// Whether completed steps are undone.
        #[serde(default)]
        compensate: bool,
    },
    /// To begin nothing new.
    Pause,
    /// To go on after a pause.
    Resume,
    /// To take a signal.
    Signal {
        /// Its name.
        name: String,
        /// What it says.
        #[serde(default)]
        data: Value,
    },
    /// To set variables, by their names.
    UpdateVariables {
        /// The variables.
        variables: JsonObject,
    },
    /// To go on, after a failure, at the steps that failed.
    Retry,
    /// To begin a step again, and what follows from it.
    Rerun {
        /// The path of the step; without it, everything begins again.
        #[serde(default)]
        path: Option<String>,
    },
    /// To take a step as done.
    Skip {
        /// The path of the step.
        path: String,
        /// What it gives.
        #[serde(default)]
        output: Value,
    },
}

impl Ask {
    /// A cancellation without compensation.
    #[must_use]
    pub fn cancel(reason: impl Into<String>) -> Self {
        Self::Cancel {
            reason: reason.into(),
            compensate: false,
        }
    }

    /// The word of `do`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Cancel { .. } => "cancel",
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Signal { .. } => "signal",
            Self::UpdateVariables { .. } => "updateVariables",
            Self::Retry => "retry",
            Self::Rerun { .. } => "rerun",
            Self::Skip { .. } => "skip",
        }
    }

    /// What tells it from something else that is asked under the same id.
    fn fingerprint(&self) -> String {
        let text = serde_json::to_string(self).expect("what is asked has string keys only");
        let mut fingerprint = hash(&text);
        fingerprint.truncate(16);
        fingerprint
    }
}

impl Operation {
    /// Whether a workflow was asked this before, as far as it remembers. An older version remembered
    /// the id of a request alone.
    ///
    /// # Errors
    /// `IDEMPOTENCY_CONFLICT`: it was asked something else under this id.
    pub fn repeats(&self, workflow: &WorkflowInstance) -> Result<bool, Refused> {
        let Some(id) = self.request_id.as_deref().map(hash) else {
            return Ok(false);
        };
        let remembered = workflow.course.requests.iter();
        let Some(asked) = remembered.filter_map(|one| one.strip_prefix(&id)).next() else {
            return Ok(false);
        };
        // Under an id of its own a workflow asks of another one thing.
        match self.by_parent.is_some() || asked.is_empty() || asked == self.ask.fingerprint() {
            true => Ok(true),
            false => Err(Refused {
                code: refusal::IDEMPOTENCY_CONFLICT,
                message: "the idempotency key was used with another request".to_owned(),
            }),
        }
    }
}

/// Why something that is asked is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    /// One of [`crate::codes::refusal`].
    pub code: &'static str,
    /// What is wrong, for people.
    pub message: String,
}

impl Fold<'_> {
    /// Does what is asked, unless it was done before.
    pub(super) fn operate(&mut self, operation: &Operation) -> Result<(), Refused> {
        if operation.repeats(&self.state)? {
            return Ok(());
        }
        if let Some(version) = operation.by_parent {
            if self.is_overtaken(version, &operation.ask) {
                return Ok(());
            }
            // What was asked before must not be heeded after this, also when this is so already.
            self.changed |= version > self.state.course.asked;
            self.state.course.asked = version;
            if self.is_so(&operation.ask) {
                return Ok(());
            }
        }
        match &operation.ask {
            Ask::Cancel { reason, compensate } => {
                self.allow(!self.state.status.is_terminal(), &operation.ask)?;
                self.cancel(reason, *compensate);
            }
            Ask::Pause => {
                self.allow(self.state.status == WorkflowStatus::Running, &operation.ask)?;
                self.state.status = WorkflowStatus::Paused;
                self.ask_children(&Ask::Pause);
            }
            Ask::Resume => {
                self.allow(self.state.status == WorkflowStatus::Paused, &operation.ask)?;
                self.resume();
            }
            Ask::Signal { name, data } => {
                self.allow(!self.state.status.is_terminal(), &operation.ask)?;
                self.signal(name, data)?;
            }
            Ask::UpdateVariables { variables } => {
                self.allow(!self.state.status.is_terminal(), &operation.ask)?;
                self.update_variables(variables)?;
            }
            Ask::Retry => self.retry(operation)?,
            // It is remembered once it is decided.
            Ask::Rerun { .. } => return self.rerun(operation),
            Ask::Skip { path, output } => self.skip_by_hand(operation, path, output)?,
        }
        self.remember(operation);
        Ok(())
    }

    /// Remembers that a request was taken.
    pub(super) fn remember(&mut self, operation: &Operation) {
        self.changed = true;
        if let Some(id) = operation.request_id.as_deref() {
            let requests = &mut self.state.course.requests;
            if requests.len() >= REQUESTS_REMEMBERED {
                requests.remove(0);
            }
            requests.push(hash(id) + &operation.ask.fingerprint());
        }
    }

    /// Whether what a parent asks is so: it asks again whenever it is looked at.
    fn is_so(&self, ask: &Ask) -> bool {
        match ask {
            Ask::Pause => self.state.status == WorkflowStatus::Paused,
            Ask::Resume => self.state.status == WorkflowStatus::Running,
            Ask::Cancel { .. }
            | Ask::Signal { .. }
            | Ask::UpdateVariables { .. }
            | Ask::Retry
            | Ask::Rerun { .. }
            | Ask::Skip { .. } => false,
        }
    }

    /// Whether the workflow around this one has asked something else since.
    fn is_overtaken(&self, version: u64, ask: &Ask) -> bool {
        let asked = self.state.course.asked;
        version < asked || (version == asked && matches!(ask, Ask::Retry | Ask::Rerun { .. }))
    }

    pub(super) fn allow(&self, allowed: bool, ask: &Ask) -> Result<(), Refused> {
        if allowed {
            return Ok(());
        }
        let (status, what) = (self.state.status.as_str(), ask.as_str());
        Err(Refused {
            code: refusal::ILLEGAL_STATE,
            message: format!("a workflow that is {status} does not allow {what}"),
        })
    }

    /// Goes on after a pause. What ended meanwhile is found by a look at everything.
    fn resume(&mut self) {
        self.state.status = WorkflowStatus::Running;
        self.ask_children(&Ask::Resume);
        self.recall = true;
        self.wake(self.facts.now);
        for (path, output) in self.state.course.skips.clone() {
            if self.is_active(&path) {
                self.state.course.skips.remove(&path);
                let (path, output) = (&path, &output);
                self.hear(&News::Skip { path, output });
            }
        }
        self.hand_out();
        self.look();
    }

    /// Asks the same of every child and batch that is under way.
    pub(super) fn ask_children(&mut self, ask: &Ask) {
        for leaf in super::leaves(self.plan, &self.state) {
            match leaf.kind {
                super::LeafKind::Child(id) | super::LeafKind::Batch(id) => {
                    self.ask(id, ask.clone());
                }
                super::LeafKind::Task(_) => {}
            }
        }
    }

    fn update_variables(&mut self, variables: &JsonObject) -> Result<(), Refused> {
        let invalid = |message: String| Refused {
            code: refusal::INVALID_INPUT,
            message,
        };
        if let Some(name) = variables.keys().find(|name| is_reserved(name)) {
            return Err(invalid(format!("a variable cannot be called {name:?}")));
        }
        let mut after = self.state.variables.clone();
        after.extend(variables.clone());
        check_size(&Value::Object(after.clone()), self.facts.now)
            .map_err(|error| invalid(error.message))?;
        self.state.variables = after;
        Ok(())
    }

    /// Goes on at the steps that failed.
    fn retry(&mut self, operation: &Operation) -> Result<(), Refused> {
        let status = self.state.status;
        let failed = matches!(status, WorkflowStatus::Failed | WorkflowStatus::TimedOut);
        match operation.by_parent {
            Some(_) => return self.retry_with_parent(&operation.ask),
            None => self.allow(
                failed && self.state.course.closing.is_none(),
                &operation.ask,
            )?,
        }
        self.go_on_again();
        Ok(())
    }

    /// Goes on with the workflow around this one. What is done after a failure comes first.
    fn retry_with_parent(&mut self, ask: &Ask) -> Result<(), Refused> {
        match self.state.status {
            WorkflowStatus::Completed => self.allow(self.is_batch, ask)?,
            WorkflowStatus::Failed | WorkflowStatus::TimedOut | WorkflowStatus::Cancelled => {}
            WorkflowStatus::Pending | WorkflowStatus::Running | WorkflowStatus::Paused => {
                if !self.is_batch {
                    // The request to end was overtaken, or never made.
                    return Ok(());
                }
                self.cancel(super::ending::OVER, false);
            }
        }
        self.state.course.again = true;
        Ok(())
    }

    /// Goes on as soon as what is done after the end is over, when that is wanted.
    pub(super) fn go_on_if_asked(&mut self) {
        let course = &mut self.state.course;
        if course.closing.is_none() && std::mem::take(&mut course.again) {
            self.go_on_again();
        }
    }

    fn go_on_again(&mut self) {
        self.reopen();
        self.hear(&News::Reopen);
        if self.state.status == WorkflowStatus::Running {
            self.look();
        }
    }

    /// The one way out of a terminal state.
    pub(super) fn reopen(&mut self) {
        let state = &mut self.state;
        state.run += 1;
        state.status = WorkflowStatus::Running;
        state.error = None;
        let output = state.output.take();
        if let (Root::Iterations(iterations), Some(Value::Array(results))) =
            (&mut state.course.root, output)
        {
            iterations.results = results;
        }
        state.end_time = None;
        state.expires_at = None;
        state.due_at = None;
        let limit = self.plan.workflow.definition.timeout;
        state.deadline_at = limit
            .filter(|_| state.batch.is_none())
            .map(|limit| self.facts.now.plus_millis(limit));
        if let Some(at) = state.deadline_at {
            self.wake(at);
        }
        let undone = std::mem::take(&mut self.state.course.undone);
        if let Root::Steps(block) = &mut self.state.course.root {
            for path in undone {
                do_again(&self.plan.workflow.steps, block, &path);
            }
        }
    }

    /// Whether the step of a path is under way, or was when the workflow failed.
    fn is_active(&mut self, path: &str) -> bool {
        self.under_way(|under_way| under_way == path).is_some()
    }

    /// The path of a step under way that is meant, the last of several.
    fn under_way(&mut self, is_meant: impl Fn(&str) -> bool) -> Option<String> {
        let status = std::mem::replace(&mut self.state.status, WorkflowStatus::Running);
        let mut found = None;
        self.each_active(&mut |_, step, _, place| {
            let path = place.path_of(&step.name);
            if is_meant(&path) {
                found = Some(path);
            }
        });
        self.state.status = status;
        found
    }

    /// The path with the turns of LOOPs that are meant: without an index, the turn under way.
    fn turn_meant(&mut self, path: &str) -> Result<String, Refused> {
        if turns_are_told(&self.plan.workflow.steps, path) {
            return Ok(path.to_owned());
        }
        let plain = without_indexes(path);
        let found = match plain == path {
            true => self.under_way(|under_way| without_indexes(under_way) == plain),
            false => None,
        };
        found.ok_or_else(|| Refused {
            code: refusal::NOT_FOUND,
            message: format!("{path} is no step under way, and names no turn of its LOOP"),
        })
    }

    fn skip_by_hand(
        &mut self,
        operation: &Operation,
        path: &str,
        output: &Value,
    ) -> Result<(), Refused> {
        let status = self.state.status;
        let failed = matches!(status, WorkflowStatus::Failed | WorkflowStatus::TimedOut);
        let open = matches!(status, WorkflowStatus::Running | WorkflowStatus::Paused);
        let settled = self.state.course.closing.is_none();
        self.allow(open || (failed && settled), &operation.ask)?;
        let steps = &self.plan.workflow.steps;
        if find(steps, path).is_none() {
            return Err(Refused {
                code: refusal::NOT_FOUND,
                message: format!("the workflow has no step {path}"),
            });
        }
        if is_in_map(steps, path) {
            return Err(Refused {
                code: refusal::ILLEGAL_STATE,
                message: format!("{path} is part of an iteration: skip the MAP around it"),
            });
        }
        let path = &self.turn_meant(path)?;
        check_size(output, self.facts.now).map_err(|error| Refused {
            code: refusal::INVALID_INPUT,
            message: error.message,
        })?;
        self.check_kept(path, output)?;
        let is_active = self.is_active(path);
        if !is_active && is_over(&self.plan.workflow.steps, &self.state.course.root, path) {
            return Err(Refused {
                code: refusal::ILLEGAL_STATE,
                message: format!("the step {path} is over"),
            });
        }
        // Of a step under way it acts at the resume, as everything that comes during a pause.
        let is_paused = status == WorkflowStatus::Paused;
        if !is_active || is_paused {
            let skips = &mut self.state.course.skips;
            skips.insert(path.clone(), output.clone());
        }
        if is_paused {
            return Ok(());
        }
        if failed {
            self.reopen();
        }
        if is_active {
            self.hear(&News::Skip { path, output });
        }
        if failed && self.state.status == WorkflowStatus::Running {
            self.hear(&News::Reopen);
        }
        Ok(())
    }
}
