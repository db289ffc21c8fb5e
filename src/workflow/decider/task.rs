//! TASK: the task of a step, and what its end comes to.

use serde_json::Value;

use super::evaluate::Failed;
use super::place::Place;
use super::step::{Next, Outcome};
use super::{Effect, Fold, News, TaskEnd};
use crate::JsonObject;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::ids::TaskId;
use crate::limits;
use crate::metrics::ExecutionMetrics;
use crate::task::creation::{self, NewTask, Overrides};
use crate::task::due;
use crate::task::instance::{
    TaskContext, TaskInstance, TaskPriority, TaskStatus, VariablesSnapshot,
};
use crate::workflow::compiled::{CompiledKind, CompiledStep, CompiledTaskStep};
use crate::workflow::frontier::{Active, State};

impl Fold<'_> {
    pub(super) fn start_task(
        &mut self,
        step: &CompiledStep,
        task: &CompiledTaskStep,
        active: &mut Active,
        place: &Place,
    ) -> Next {
        match self.new_task(step, task, active.generation, place) {
            Ok(instance) => {
                active.state = State::Task {
                    wake_at: due::wake_at(&instance, self.facts.now),
                };
                self.effects.push(Effect::CreateTask(Box::new(instance)));
                Next::Open
            }
            Err((input, error)) => {
                self.note_refused(step, place, active.generation, input, &error);
                Next::Over(Outcome {
                    result: Err(error),
                    lets_go: self.lets_go(step),
                })
            }
        }
    }

    /// The task of a step; or the error, and the input if it came so far.
    pub(super) fn new_task(
        &self,
        step: &CompiledStep,
        task: &CompiledTaskStep,
        generation: u32,
        place: &Place,
    ) -> Result<TaskInstance, (JsonObject, Failed)> {
        let path = place.path_of(&step.name);
        let nothing = |error| (JsonObject::new(), error);
        let Some(compiled) = self.plan.tasks.get(&task.pin) else {
            let message = format!("no definition is pinned for step {path}");
            let error = ErrorInfo::new(failure::EXECUTOR_NOT_FOUND, message, self.facts.now);
            return Err(nothing(Box::new(error)));
        };
        let evaluation = self.evaluation(&path, place);
        let input = evaluation.input(&task.inputs, None).map_err(nothing)?;
        let reference = match &task.reference {
            None => None,
            Some(expression) => evaluation
                .value(expression, "taskReference", None)
                .map_err(nothing)?
                .and_then(as_reference),
        };
        let new = NewTask {
            priority: task.step.priority,
            task_reference: reference,
            overrides: Overrides {
                retry_policy: task.step.retry_policy.clone(),
                timeouts: task.step.step_timeouts(),
                continue_on_failure: step.continue_on_failure,
                assignment: task.step.assignment.clone(),
            },
            ..self.plain_task(self.state.task_id(&path, generation), &path, input.clone())
        };
        creation::create(compiled, new, self.facts.now).map_err(|error| {
            let input = match input {
                Value::Object(input) => input,
                _ => JsonObject::new(),
            };
            (input, error)
        })
    }

    /// What every task of this workflow is asked for with.
    pub(super) fn plain_task(&self, id: TaskId, path: &str, input: Value) -> NewTask {
        let state = &self.state;
        NewTask {
            id,
            input,
            priority: TaskPriority::default(),
            task_reference: None,
            workflow_definition_id: Some(state.workflow_definition_id.clone()),
            run: state.run,
            context: TaskContext {
                workflow_instance_id: Some(self.workflow_id),
                batch_id: self.is_batch.then_some(state.id),
                workflow_variables: VariablesSnapshot::Inline(state.variables.clone()),
                task_path: Some(path.to_owned()),
                security_context: state.security_context.clone(),
                correlation_id: state.correlation_id.clone(),
            },
            overrides: Overrides::default(),
            task_token: None,
            traceparent: state.traceparent.clone(),
            request_hash: None,
        }
    }

    /// Keeps the record of a task that was refused before it could be created.
    pub(super) fn note_refused(
        &mut self,
        step: &CompiledStep,
        place: &Place,
        generation: u32,
        input: JsonObject,
        error: &ErrorInfo,
    ) {
        if let Some(record) = self.refused(step, place, generation, input, error) {
            self.count_task(ExecutionMetrics::default());
            self.effects.push(Effect::CreateTask(Box::new(record)));
        }
    }

    /// The record of a task that is refused.
    pub(super) fn refused(
        &self,
        step: &CompiledStep,
        place: &Place,
        generation: u32,
        input: JsonObject,
        error: &ErrorInfo,
    ) -> Option<TaskInstance> {
        let CompiledKind::Task(task) = &step.kind else {
            return None;
        };
        let compiled = self.plan.tasks.get(&task.pin)?;
        let path = place.path_of(&step.name);
        let id = self.state.task_id(&path, generation);
        let new = NewTask {
            priority: task.step.priority,
            ..self.plain_task(id, &path, Value::Object(input))
        };
        let (now, retention) = (self.facts.now, self.facts.retention);
        let refused = creation::refused(compiled, new, error.clone(), now, retention);
        Some(refused)
    }

    /// Tells an event to a step whose task runs.
    pub(super) fn hear_task(&mut self, active: &mut Active, news: &News<'_>, path: &str) -> Next {
        let id = self.state.task_id(path, active.generation);
        let State::Task { wake_at } = &mut active.state else {
            return Next::Open;
        };
        match news {
            News::TaskEnded(end) if end.task_id == id => {
                *wake_at = None;
                let next = self.take_task_end(end, path);
                if matches!(next, Next::Over(_)) {
                    // The task ended: nothing of it is to be cancelled any more.
                    active.state = State::Failed;
                }
                next
            }
            News::TaskWaits {
                task_id,
                wake_at: at,
            } if *task_id == id && *wake_at != Some(*at) => {
                *wake_at = Some(*at);
                self.changed = true;
                Next::Open
            }
            _ => Next::Open,
        }
    }

    fn take_task_end(&mut self, end: &TaskEnd, path: &str) -> Next {
        let result = match end.status {
            TaskStatus::Completed => Ok(end.output.clone()),
            TaskStatus::Failed | TaskStatus::TimedOut | TaskStatus::Cancelled => {
                Err(self.error_of(end, path))
            }
            TaskStatus::Pending
            | TaskStatus::Assigned
            | TaskStatus::Running
            | TaskStatus::RetryPending => return Next::Open,
        };
        self.count_task(end.metrics);
        Next::Over(Outcome {
            result,
            lets_go: end.continue_on_failure,
        })
    }

    /// Why a task failed, placed at its step.
    pub(super) fn error_of(&self, end: &TaskEnd, path: &str) -> Failed {
        let mut error = end.error.clone().unwrap_or_else(|| {
            let message = format!("the task ended {}", end.status.as_str());
            ErrorInfo::new(failure::CANCELLED, message, self.facts.now)
        });
        error.details.insert("taskPath".to_owned(), path.into());
        Box::new(error)
    }
}

/// A name for people, cut to its limit.
fn as_reference(value: Value) -> Option<String> {
    let text = match value {
        Value::Null => return None,
        Value::String(text) => text,
        other => other.to_string(),
    };
    Some(text.chars().take(limits::REFERENCE_CHARS).collect())
}
