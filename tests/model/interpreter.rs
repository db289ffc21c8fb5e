//! The reference interpreter: the language page in a few hundred lines, recursive and in memory,
//! with nothing in common with the engine but the evaluation of expressions.
//!
//! A step is a future that gives its output; what runs at once is polled together, in the order
//! of the list; to cancel is to drop. The parts that have other steps inside are in `blocks`.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::answers::Task;
use super::data::{Failure, Object, Scope, text};
use super::retry::{self, Used};
pub use super::story::{Line, Signal, Stop, Story};
use super::time::Time;
use super::waits::Signals;

/// One run of the interpreter.
pub struct Model {
    pub time: Time,
    seed: u64,
    definitions: BTreeMap<String, Value>,
    trace: RefCell<Vec<Line>>,
    calls: RefCell<BTreeMap<String, u32>>,
    pub signals: RefCell<Signals>,
}

/// A step's place: the workflow that it is in, and the path around it.
#[derive(Clone)]
pub struct Place {
    pub path: String,
    undo: Rc<RefCell<Vec<Undo>>>,
}

/// A completed step that can be undone.
struct Undo {
    step: Value,
    place: Place,
    input: Object,
}

impl Place {
    /// The place of something inside.
    pub fn at(&self, name: &str) -> Self {
        let path = match self.path.is_empty() {
            true => name.to_owned(),
            false => format!("{}/{name}", self.path),
        };
        let undo = Rc::clone(&self.undo);
        Self { path, undo }
    }

    /// The place of a child's steps, with undoing of its own.
    fn of_child(&self) -> Self {
        Self {
            path: self.path.clone(),
            undo: Rc::default(),
        }
    }
}

/// How a workflow ended, and its scope.
struct End {
    status: &'static str,
    output: Value,
    failure: Option<Failure>,
    scope: Scope,
    at: u64,
}

/// An open task. Dropping it cancels it.
struct Open<'m> {
    model: &'m Model,
    begun: u64,
    path: String,
    input: Value,
    is_over: bool,
}

impl Open<'_> {
    fn end(mut self, status: &'static str) {
        self.is_over = true;
        self.model.note(&self.path, status, self.input.clone());
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        if self.begun == self.model.time.now() {
            // Whether it was begun at all is not said.
            self.model.time.tie();
        }
        self.model.note(&self.path, "CANCELLED", self.input.clone());
    }
}

impl Model {
    /// Runs the first of the definitions; gives nothing when the language does not fix what comes
    /// of it.
    pub fn run(
        seed: u64,
        definitions: &[Value],
        input: &Value,
        signals: &[Signal],
    ) -> Option<Story> {
        let by_id = definitions.iter();
        let by_id = by_id.map(|one| (text(one, "id").to_owned(), one.clone()));
        let model = Self {
            time: Time::default(),
            seed,
            definitions: by_id.collect(),
            trace: RefCell::default(),
            calls: RefCell::default(),
            signals: RefCell::default(),
        };
        let place = Place {
            path: String::new(),
            undo: Rc::default(),
        };
        let end = model.time.run(async {
            let mut signals = pin!(model.deliver(signals).fuse());
            let mut workflow = model.workflow(&definitions[0], input, place).fuse();
            poll_fn(|context| {
                let _ = signals.as_mut().poll_unpin(context);
                workflow.poll_unpin(context)
            })
            .await
        })?;
        if model.time.is_tied() {
            return None;
        }
        let mut trace = model.trace.take();
        trace.sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
        Some(Story {
            status: end.status,
            output: end.output,
            code: end.failure.map(|failure| failure.0),
            variables: end.scope.variables.borrow().clone(),
            took: end.at,
            trace,
        })
    }

    fn note(&self, path: &str, status: &'static str, input: Value) {
        let line = Line {
            at: self.time.now(),
            path: path.to_owned(),
            status,
            input,
        };
        self.trace.borrow_mut().push(line);
    }

    /// A workflow: its steps, its output or error, and what follows a failure.
    fn workflow<'a>(
        &'a self,
        definition: &'a Value,
        input: &'a Value,
        place: Place,
    ) -> LocalBoxFuture<'a, End> {
        async move {
            let variables = definition["variables"].as_object().cloned();
            let scope = Scope::new(input, variables.unwrap_or_default());
            let result = self.limited(definition, &scope, &place).await;
            let at = self.time.now();
            let (status, output, failure) = match result {
                Ok(output) => ("COMPLETED", output, None),
                Err((status, failure)) => (status, Value::Null, Some(failure)),
            };
            if let Some(failure) = &failure {
                self.undo(&place).await;
                self.handle(definition, &scope, &place, failure).await;
            }
            End {
                status,
                output,
                failure,
                scope,
                at,
            }
        }
        .boxed_local()
    }

    async fn limited(
        &self,
        definition: &Value,
        scope: &Scope,
        place: &Place,
    ) -> Result<Value, (&'static str, Failure)> {
        let limit = definition["timeout"].as_u64();
        let deadline = limit.map(|limit| self.time.now() + limit);
        let steps = self.block(&definition["steps"], scope.clone(), place.clone());
        let Some(result) = self.before(deadline, steps).await else {
            return Err(("TIMED_OUT", Failure::of("TIMEOUT")));
        };
        let result = match result {
            Ok(_) => match definition["output"].as_str() {
                Some(output) => scope.something(output),
                None => Ok(Value::Null),
            },
            Err(Stop::Terminated(result)) => result,
            Err(Stop::Failed(failure) | Stop::FailedForGood(failure)) => Err(failure),
        };
        result.map_err(|failure| ("FAILED", failure))
    }

    /// What a future gives, unless a time comes first: then it is dropped.
    pub async fn before<T>(
        &self,
        deadline: Option<u64>,
        future: LocalBoxFuture<'_, T>,
    ) -> Option<T> {
        let mut future = future;
        let mut alarm = pin!(async {
            match deadline {
                Some(at) => self.time.until(at).await,
                None => std::future::pending().await,
            }
        });
        poll_fn(|context| {
            if let Poll::Ready(value) = future.poll_unpin(context) {
                return Poll::Ready(Some(value));
            }
            alarm.poll_unpin(context).map(|()| None)
        })
        .await
    }

    /// The compensations, the last completed step's first.
    async fn undo(&self, place: &Place) {
        let done = place.undo.take();
        for undo in done.into_iter().rev() {
            let place = undo.place.at("compensation");
            // Its failure is recorded, and stops nothing.
            let _ = self.attempts(&undo.step, undo.input, &place).await;
        }
    }

    /// The error handlers.
    async fn handle(&self, definition: &Value, scope: &Scope, place: &Place, failure: &Failure) {
        let scope = scope.with("error", json!({ "code": failure.0 }));
        let handlers = definition["errorHandlers"].as_array();
        for step in handlers.map_or(&[][..], Vec::as_slice) {
            let _ = self.step(step, &scope, place).await;
        }
    }

    /// A step with its error handling; none when it is skipped.
    pub fn step<'a>(
        &'a self,
        step: &'a Value,
        scope: &'a Scope,
        place: &'a Place,
    ) -> LocalBoxFuture<'a, Result<Option<Value>, Stop>> {
        async move {
            let place = place.at(text(step, "name"));
            let let_go = |failure: Failure| match step["continueOnFailure"] == true {
                true => Ok(Some(Value::Null)),
                false => Err(Stop::Failed(failure)),
            };
            match self.handled(step, scope, &place).await {
                Err(Stop::Failed(failure)) => let_go(failure),
                Err(Stop::FailedForGood(failure)) => Err(Stop::Failed(failure)),
                other => other,
            }
        }
        .boxed_local()
    }

    /// A step, and the first entry of `onError` that holds its failure.
    async fn handled(
        &self,
        step: &Value,
        scope: &Scope,
        place: &Place,
    ) -> Result<Option<Value>, Stop> {
        let entries = step["onError"].as_array().map_or(&[][..], Vec::as_slice);
        let mut retries = vec![0; entries.len()];
        loop {
            let failure = match self.once(step, scope, place).await {
                Err(Stop::Failed(failure)) => failure,
                other => return other,
            };
            let holds = |entry: &Value| {
                let codes = entry["errorCodes"].as_array().expect("codes");
                codes.iter().any(|code| code == "*" || *code == failure.0)
            };
            let Some(at) = entries.iter().position(holds) else {
                return Err(Stop::Failed(failure));
            };
            let entry = &entries[at];
            let most = entry["maxRetries"].as_u64().unwrap_or(1);
            if entry["then"] == "RETRY_STEP" && retries[at] >= most {
                return Err(Stop::Failed(failure));
            }
            let inner = scope.with("error", json!({ "code": failure.0 }));
            let output = self.block(&entry["steps"], inner, place.clone()).await?;
            match entry["then"].as_str() {
                Some("FAIL") => return Err(Stop::FailedForGood(failure)),
                Some("RETRY_STEP") => retries[at] += 1,
                _ => return Ok(Some(output)),
            }
        }
    }

    /// A step by itself, retries included.
    async fn once(
        &self,
        step: &Value,
        scope: &Scope,
        place: &Place,
    ) -> Result<Option<Value>, Stop> {
        if let Some(condition) = step["condition"].as_str() {
            match scope.is_true(condition) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(failure) => return Err(self.refused(step, place, failure)),
            }
        }
        let output = match step["type"].as_str() {
            None | Some("TASK") => self.task(step, scope, place).await?,
            Some("PARALLEL") => {
                self.again(step, || self.parallel(step, scope, place))
                    .await?
            }
            Some("MAP") => self.again(step, || self.map(step, scope, place)).await?,
            Some("SWITCH") => self.switch(step, scope, place).await?,
            Some("LOOP") => self.repeat(step, scope, place).await?,
            Some("WAIT") => self.wait(step, scope).await?,
            Some("SIGNAL") => self.signal(step, place).await?,
            Some("SUB_WORKFLOW") => self.sub_workflow(step, scope, place).await?,
            Some("SET") => {
                scope.set(&step["variableMappings"], None)?;
                return Ok(Some(Value::Null));
            }
            Some("TERMINATE") => return Err(terminated(step, scope)),
            other => panic!("no step is a {other:?}"),
        };
        let seen = scope.with("taskOutput", output.clone());
        seen.set(&step["variableMappings"], Some("taskOutput"))?;
        Ok(Some(output))
    }

    /// A whole step, anew as often as its retry policy says.
    async fn again<'a>(
        &'a self,
        step: &Value,
        run: impl Fn() -> LocalBoxFuture<'a, Result<Value, Stop>>,
    ) -> Result<Value, Stop> {
        let mut used = Used::default();
        loop {
            let failure = match run().await {
                Err(Stop::Failed(failure)) => failure,
                other => return other,
            };
            match retry::delay(&step["retryPolicy"], &mut used, &failure.0) {
                Some(delay) => self.time.until(self.time.now() + delay).await,
                None => return Err(Stop::Failed(failure)),
            }
        }
    }

    async fn task(&self, step: &Value, scope: &Scope, place: &Place) -> Result<Value, Stop> {
        let input = match scope.mapped(&step["inputMappings"], None) {
            Ok(input) => input,
            Err(failure) => return Err(self.refused(step, place, failure)),
        };
        let output = self.attempts(step, input, place).await?;
        self.can_be_undone(step, scope, place, &output)?;
        Ok(output)
    }

    /// A step that fails before it begins: a task has a record of that.
    fn refused(&self, step: &Value, place: &Place, failure: Failure) -> Stop {
        if matches!(step["type"].as_str(), None | Some("TASK")) {
            self.note(&place.path, "FAILED", Value::Null);
        }
        Stop::Failed(failure)
    }

    fn can_be_undone(
        &self,
        step: &Value,
        scope: &Scope,
        place: &Place,
        output: &Value,
    ) -> Result<(), Failure> {
        let Some(compensation) = step.get("compensation") else {
            return Ok(());
        };
        let seen = scope.with("taskOutput", output.clone());
        let undo = Undo {
            step: compensation.clone(),
            place: place.clone(),
            input: seen.mapped(&compensation["inputMappings"], None)?,
        };
        place.undo.borrow_mut().push(undo);
        Ok(())
    }

    /// The attempts of a task.
    async fn attempts(&self, step: &Value, input: Object, place: &Place) -> Result<Value, Failure> {
        let definition = text(step, "taskDefinitionId");
        let open = Open {
            model: self,
            begun: self.time.now(),
            path: place.path.clone(),
            input: input.into(),
            is_over: false,
        };
        let task = Task {
            definition,
            path: &place.path,
            nth: self.count_call(&place.path),
            retry_policy: &step["retryPolicy"],
            start_to_close: step["timeout"].as_u64(),
            schedule_to_close: step["timeouts"]["scheduleToClose"].as_u64(),
        };
        let course = task.course(self.seed);
        self.time.until(self.time.now() + course.after).await;
        open.end(course.status);
        course.result.map_err(Failure::of)
    }

    fn count_call(&self, path: &str) -> u32 {
        let mut calls = self.calls.borrow_mut();
        let count = calls.entry(path.to_owned()).or_default();
        *count += 1;
        *count - 1
    }

    async fn sub_workflow(
        &self,
        step: &Value,
        scope: &Scope,
        place: &Place,
    ) -> Result<Value, Stop> {
        let definition = &self.definitions[text(step, "workflowDefinitionId")];
        let input = Value::Object(scope.mapped(&step["inputMappings"], None)?);
        let mut used = Used::default();
        let output = loop {
            let end = self.workflow(definition, &input, place.of_child()).await;
            let Some(failure) = end.failure else {
                break end.output;
            };
            match retry::delay(&step["retryPolicy"], &mut used, &failure.0) {
                Some(delay) => self.time.until(self.time.now() + delay).await,
                None => return Err(failure.into()),
            }
        };
        self.can_be_undone(step, scope, place, &output)?;
        Ok(output)
    }
}

fn terminated(step: &Value, scope: &Scope) -> Stop {
    if step["status"] == "FAILED" {
        return Stop::Terminated(Err(Failure::of(text(&step["error"], "code"))));
    }
    match step["output"]
        .as_str()
        .map(|output| scope.something(output))
    {
        None => Stop::Terminated(Ok(Value::Null)),
        Some(Ok(output)) => Stop::Terminated(Ok(output)),
        Some(Err(failure)) => Stop::Failed(failure),
    }
}
