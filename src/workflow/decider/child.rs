//! SUB_WORKFLOW: the child of a step, and what its end comes to.

use serde_json::Value;

use super::evaluate::Failed;
use super::operations::Ask;
use super::place::Place;
use super::step::{Next, Outcome};
use super::{ChildEnd, Effect, Fold, NewChild};
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::workflow::compiled::{CompiledKind, CompiledStep, CompiledSubWorkflow};
use crate::workflow::frontier::{Active, Cancelling, Resumed, State};
use crate::workflow::instance::WorkflowStatus;
use crate::workflow::parent::Parent;

impl Resumed {
    /// What the child is asked for.
    pub(super) fn ask(&self) -> Ask {
        match self {
            Self::Retry => Ask::Retry,
            Self::Rerun(path) => Ask::Rerun {
                path: Some(path.clone()),
            },
        }
    }
}

impl Fold<'_> {
    pub(super) fn start_child(
        &mut self,
        step: &CompiledStep,
        child: &CompiledSubWorkflow,
        active: &mut Active,
        place: &Place,
    ) -> Next {
        match self.new_child(step, child, active.generation, place) {
            Ok(new) => {
                active.state = State::SubWorkflow {
                    over: false,
                    resumed: None,
                };
                self.effects.push(Effect::StartChild(Box::new(new)));
                Next::Open
            }
            Err(error) => Next::Over(Outcome::failed(error, step)),
        }
    }

    pub(super) fn new_child(
        &self,
        step: &CompiledStep,
        child: &CompiledSubWorkflow,
        generation: u32,
        place: &Place,
    ) -> Result<NewChild, Failed> {
        let path = place.path_of(&step.name);
        let id = &child.step.workflow_definition_id;
        let version = self.plan.children.get(&child.pin).ok_or_else(|| {
            let message = format!("no version of {id} is pinned for step {path}");
            ErrorInfo::new(failure::EXECUTOR_NOT_FOUND, message, self.facts.now)
        })?;
        let state = &self.state;
        Ok(NewChild {
            id: state.child_id(&path, generation),
            workflow_definition_id: id.clone(),
            version: version.clone(),
            input: self.evaluation(&path, place).input(&child.inputs, None)?,
            security_context: state.security_context.clone(),
            correlation_id: state.correlation_id.clone(),
            traceparent: state.traceparent.clone(),
            parent: Parent {
                id: state.id,
                workflow_id: self.workflow_id,
                path,
                depth: state.parent.as_ref().map_or(0, |parent| parent.depth + 1),
            },
        })
    }

    /// Has the child of a reopened step go on; one that never began is started.
    pub(super) fn resume_child(&mut self, step: &CompiledStep, active: &mut Active, place: &Place) {
        let CompiledKind::SubWorkflow(child) = &step.kind else {
            return;
        };
        let resumed = match &active.state {
            State::SubWorkflow {
                resumed: Some(Resumed::Rerun(path)),
                ..
            } if active.since == 0 => Resumed::Rerun(path.clone()),
            _ => Resumed::Retry,
        };
        let ask = resumed.ask();
        active.since = self.since();
        self.changed = true;
        let id = self
            .state
            .child_id(&place.path_of(&step.name), active.generation);
        // It was perhaps to be cancelled, and nobody is to do that any more.
        let cancelling = Cancelling::Child(id);
        self.state
            .course
            .cancelling
            .retain(|one| *one != cancelling);
        if resumed == Resumed::Retry {
            // It may have been refused, and never been there.
            let effect = self.asked_child(step, child, active.generation, place);
            self.effects.push(effect);
        }
        self.ask(id, ask);
        active.state = State::SubWorkflow {
            over: false,
            resumed: Some(resumed),
        };
    }

    /// What has a child started, unless it is there.
    pub(super) fn asked_child(
        &self,
        step: &CompiledStep,
        child: &CompiledSubWorkflow,
        generation: u32,
        place: &Place,
    ) -> Effect {
        match self.new_child(step, child, generation, place) {
            Ok(child) => Effect::StartChild(Box::new(child)),
            // What it is made of changed meanwhile.
            Err(error) => Effect::RefuseChild {
                id: self.state.child_id(&place.path_of(&step.name), generation),
                error,
            },
        }
    }

    /// Tells the end of a child to a step that has one.
    pub(super) fn hear_child(
        &mut self,
        step: &CompiledStep,
        active: &mut Active,
        end: &ChildEnd,
        path: &str,
    ) -> Next {
        let id = self.state.child_id(path, active.generation);
        match &mut active.state {
            State::SubWorkflow { over, resumed }
                if !*over && end.id == id && end.is_news(resumed.as_ref(), active.since) =>
            {
                *over = end.status.is_terminal();
                self.take_child_end(step, end, path)
            }
            _ => Next::Open,
        }
    }

    fn take_child_end(&mut self, step: &CompiledStep, end: &ChildEnd, path: &str) -> Next {
        let result = match end.status {
            WorkflowStatus::Completed => Ok(end.output.clone()),
            WorkflowStatus::Failed | WorkflowStatus::Cancelled | WorkflowStatus::TimedOut => {
                Err(self.error_of_child(end, path))
            }
            WorkflowStatus::Pending | WorkflowStatus::Running | WorkflowStatus::Paused => {
                return Next::Open;
            }
        };
        Next::Over(Outcome {
            result,
            lets_go: step.continue_on_failure.unwrap_or(false),
        })
    }

    /// A child's failure keeps its code; the details name the child.
    pub(super) fn error_of_child(&self, end: &ChildEnd, path: &str) -> Failed {
        let mut error = end.error.clone().unwrap_or_else(|| {
            let message = format!("the child ended {}", end.status.as_str());
            ErrorInfo::new(failure::CANCELLED, message, self.facts.now)
        });
        error.stack_trace = None;
        let inside = error.details.remove("taskPath");
        if let Some(Value::String(inside)) = inside {
            error.details.insert("childPath".to_owned(), inside.into());
        }
        let id = end.id.to_string();
        error
            .details
            .insert("workflowInstanceId".to_owned(), id.into());
        error.details.insert("taskPath".to_owned(), path.into());
        Box::new(error)
    }
}
