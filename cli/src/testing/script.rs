//! The executor of a case: it answers every task as the case says.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde_json::{Value, json};
use taskmill::ids::WorkflowId;
use taskmill::workflow::expression::{Expression, Facts, Scope};
use taskmill_aws::clock::Clock;
use taskmill_aws::executor::{Call, Execution, Executor, ExecutorKind, Executors, Failure};
use taskmill_aws::store::Store;
use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::file::{Answer, Answers};

/// The executor of a case. Clones are the same one.
#[derive(Clone)]
pub struct Script(Arc<Inner>);

struct Inner {
    answers: HashMap<String, Answers>,
    clock: Clock,
    store: OnceCell<Store>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    calls: HashMap<String, usize>,
    problems: Vec<String>,
}

impl Script {
    pub fn new(answers: HashMap<String, Answers>, clock: Clock) -> Self {
        Self(Arc::new(Inner {
            answers,
            clock,
            store: OnceCell::new(),
            state: Mutex::default(),
        }))
    }

    /// Where the workflows around a child are looked up.
    pub fn look_up_in(&self, store: Store) {
        // It is set once, before anything runs.
        let _ = self.0.store.set(store);
    }

    /// Executors that all lead here.
    pub fn executors(&self) -> Executors {
        let kinds = [
            ExecutorKind::Builtin,
            ExecutorKind::Http,
            ExecutorKind::Lambda,
            ExecutorKind::Process,
            ExecutorKind::States,
        ];
        let executors = Executors::builtin(self.0.clock);
        kinds.into_iter().fold(executors, |executors, kind| {
            executors.with(kind, Arc::new(self.clone()))
        })
    }

    /// What went wrong with answers.
    pub fn problems(&self) -> Vec<String> {
        self.lock().problems.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task's path as the workflow under test sees it.
    async fn full_path(&self, call: &Call) -> String {
        let own = call.task_path.clone();
        let own = own.unwrap_or_else(|| call.definition.id.to_string());
        match (call.workflow_instance_id, self.0.store.get()) {
            (Some(id), Some(store)) => prefix_of(store, id).await + &own,
            _ => own,
        }
    }

    fn answer_to(&self, path: &str, call: &Call) -> Option<Answer> {
        let mut state = self.lock();
        let number = state.calls.entry(path.to_owned()).or_insert(0);
        let at = *number;
        *number += 1;
        let definition = call.definition.id.as_str();
        let answers = &self.0.answers;
        let answers = answers.get(path).or_else(|| answers.get(definition));
        let answer = answers.and_then(|answers| answers.at(at)).cloned();
        if answer.is_none() {
            state
                .problems
                .push(format!("no answer for the task {path} ({definition})"));
        }
        answer
    }

    fn evaluate(&self, source: &str, path: &str, call: &Call) -> Result<Value, Failure> {
        let problem = |message: String| {
            let text = format!("the answer of {path} cannot be evaluated: {message}");
            self.lock().problems.push(text.clone());
            Failure::permanent("NO_ANSWER", text)
        };
        let expression = Expression::parse(source).map_err(|error| problem(error.to_string()))?;
        let attempt = json!(call.attempt);
        let context = json!({ "taskPath": path, "workflowInstanceId": call.workflow_instance_id });
        let scope = Scope::new()
            .with("input", &call.input)
            .with("attempt", &attempt)
            .with("context", &context);
        let facts = Facts::new(self.0.clock.now(), &[path.as_bytes()]);
        match expression.evaluate(&scope, &facts) {
            Ok(value) => Ok(value.unwrap_or(Value::Null)),
            Err(error) => Err(problem(error.to_string())),
        }
    }

    async fn come_to(&self, path: &str, call: &Call) -> Result<Value, Failure> {
        let Some(answer) = self.answer_to(path, call) else {
            return Err(Failure::permanent("NO_ANSWER", "the case has no answer"));
        };
        tokio::select! {
            biased;
            never = self.beat(&answer, call) => match never {},
            result = self.answered(answer.clone(), path, call) => result,
        }
    }

    /// Gives signs of life when the answer says so.
    async fn beat(&self, answer: &Answer, call: &Call) -> Infallible {
        let start = self.0.clock.now();
        for millis in &answer.heartbeats {
            self.0.clock.sleep_until(start.plus_millis(*millis)).await;
            call.beats.beat();
        }
        std::future::pending().await
    }

    async fn answered(&self, answer: Answer, path: &str, call: &Call) -> Result<Value, Failure> {
        if answer.after > 0 {
            let at = self.0.clock.now().plus_millis(answer.after);
            self.0.clock.sleep_until(at).await;
        }
        if answer.hang {
            return std::future::pending().await;
        }
        if let Some(fail) = answer.fail {
            let mut failure = Failure::transient(&fail.code, &fail.message);
            failure.permanent = fail.permanent;
            *failure.details = fail.details;
            return Err(failure.with_retry_after(fail.retry_after));
        }
        match answer.expression {
            Some(source) => self.evaluate(&source, path, call),
            None => Ok(answer.succeed.unwrap_or(Value::Null)),
        }
    }
}

#[async_trait]
impl Executor for Script {
    async fn execute(&self, call: &Call) -> Execution {
        let started = Instant::now();
        let path = self.full_path(call).await;
        let result = self.come_to(&path, call).await;
        Execution::ending(started, result, self.0.clock.now())
    }
}

/// The paths of the steps that a workflow is the child of, each with a slash behind it.
pub async fn prefix_of(store: &Store, id: WorkflowId) -> String {
    let mut prefix = String::new();
    let mut id = id;
    while let Ok(Some(workflow)) = store.workflow(id).await {
        let Some(parent) = workflow.parent else {
            break;
        };
        prefix = format!("{}/{prefix}", parent.path);
        id = parent.workflow_id;
    }
    prefix
}
