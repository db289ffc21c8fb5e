//! Lists of steps, and the steps that have lists of steps inside.

use std::future::poll_fn;
use std::task::Poll;

use futures::FutureExt as _;
use futures::future::LocalBoxFuture;
use serde_json::{Value, json};

use super::data::{Failure, Scope, text};
use super::interpreter::{Model, Place, Stop};

type Running<'a, T> = LocalBoxFuture<'a, Result<T, Stop>>;

impl Model {
    /// A list of steps: one after another, or as a graph. It gives the last output.
    pub fn block<'a>(&'a self, steps: &'a Value, scope: Scope, place: Place) -> Running<'a, Value> {
        async move {
            let steps = steps.as_array().map_or(&[][..], Vec::as_slice);
            if steps.iter().any(|step| step.get("dependsOn").is_some()) {
                return self.graph(steps, &scope, &place).await;
            }
            let mut last = Value::Null;
            for step in steps {
                if let Some(output) = self.step(step, &scope, &place).await? {
                    last = output;
                }
            }
            Ok(last)
        }
        .boxed_local()
    }

    /// Steps that begin when all that they depend on are over.
    async fn graph(&self, steps: &[Value], scope: &Scope, place: &Place) -> Result<Value, Stop> {
        let needs: Vec<Vec<usize>> = (0..steps.len()).map(|at| needs(steps, at)).collect();
        let mut running: Vec<Option<Running<'_, Option<Value>>>> =
            steps.iter().map(|_| None).collect();
        let mut done: Vec<Option<Option<Value>>> = vec![None; steps.len()];
        poll_fn(|context| {
            loop {
                let mut has_moved = false;
                for at in 0..steps.len() {
                    let is_ready = needs[at].iter().all(|need| done[*need].is_some());
                    if done[at].is_some() || !is_ready {
                        continue;
                    }
                    let step =
                        running[at].get_or_insert_with(|| self.step(&steps[at], scope, place));
                    if let Poll::Ready(output) = step.poll_unpin(context) {
                        match output {
                            Ok(output) => done[at] = Some(output),
                            Err(stop) => return Poll::Ready(Err(stop)),
                        }
                        has_moved = true;
                    }
                }
                if !has_moved {
                    break;
                }
            }
            match done.iter().all(Option::is_some) {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            }
        })
        .await?;
        Ok(done.pop().flatten().flatten().unwrap_or(Value::Null))
    }

    pub fn parallel<'a>(
        &'a self,
        step: &'a Value,
        scope: &'a Scope,
        place: &'a Place,
    ) -> Running<'a, Value> {
        let branches = step["branches"].as_array().expect("branches");
        let needed = match &step["join"] {
            Value::String(word) if word == "ANY" => 1,
            Value::Object(join) => join["count"].as_u64().expect("a count") as usize,
            _ => branches.len(),
        };
        let waits = step["onBranchFailure"] == "WAIT";
        let names = branches.iter().map(|branch| text(branch, "name"));
        let mut running: Vec<_> = branches
            .iter()
            .zip(names.clone())
            .map(|(branch, name)| {
                let place = place.at(name);
                Some(self.block(&branch["steps"], scope.clone(), place))
            })
            .collect();
        let mut outputs = vec![None; branches.len()];
        let mut failures: Vec<Failure> = Vec::new();
        async move {
            let began = self.time.now();
            let result = poll_fn(|context| {
                for at in 0..branches.len() {
                    let Some(branch) = &mut running[at] else {
                        continue;
                    };
                    let Poll::Ready(result) = branch.poll_unpin(context) else {
                        continue;
                    };
                    running[at] = None;
                    match result {
                        Ok(output) => outputs[at] = Some(output),
                        Err(Stop::Failed(failure)) => failures.push(failure),
                        Err(stop) => return Poll::Ready(Err(stop)),
                    }
                    let met = outputs.iter().flatten().count();
                    let is_lost = failures.len() + needed > branches.len();
                    let is_over = !waits || running.iter().all(Option::is_none);
                    if met >= needed {
                        return Poll::Ready(Ok(()));
                    } else if is_lost && is_over {
                        let is_first = waits || needed == branches.len();
                        return Poll::Ready(Err(Stop::Failed(one_of(&failures, is_first))));
                    }
                }
                Poll::Pending
            })
            .await;
            self.tie_of(began, &running);
            result?;
            let outputs = names.zip(outputs);
            let outputs = outputs.filter_map(|(name, output)| Some((name.to_owned(), output?)));
            Ok(Value::Object(outputs.collect()))
        }
        .boxed_local()
    }

    /// When a step is over in the instant in which it began, how far the others came is not said.
    fn tie_of<T>(&self, began: u64, others: &[Option<T>]) {
        if self.time.now() == began && others.iter().any(Option::is_some) {
            self.time.tie();
        }
    }

    pub fn map<'a>(
        &'a self,
        step: &'a Value,
        scope: &'a Scope,
        place: &'a Place,
    ) -> Running<'a, Value> {
        async move {
            let items = scope.something(text(step, "items"))?;
            let Value::Array(items) = items else {
                return Err(Failure::of("EXPRESSION_ERROR").into());
            };
            let items: Vec<Value> = match step["batchSize"].as_u64() {
                Some(size) => items
                    .chunks(size as usize)
                    .map(|some| json!(some))
                    .collect(),
                None => items,
            };
            let outer = ["item", "index", "outer"].into_iter();
            let outer = outer.filter_map(|name| Some((name, scope.names.get(name)?.clone())));
            let outer: Value = outer.collect();
            let iteration = |at: usize| {
                let scope = scope.apart().with("outer", outer.clone());
                let scope = scope.with("item", items[at].clone()).with("index", at);
                self.iteration(step, scope, in_turn(place, at))
            };
            let began = self.time.now();
            let result = self.iterations(step, items.len(), iteration).await;
            self.tie_of(began, &items.iter().map(Some).collect::<Vec<_>>());
            result
        }
        .boxed_local()
    }

    async fn iterations<'a>(
        &'a self,
        step: &Value,
        total: usize,
        iteration: impl Fn(usize) -> Running<'a, Value>,
    ) -> Result<Value, Stop> {
        let most = step["maxConcurrency"]
            .as_u64()
            .map_or(total, |most| most as usize);
        let mut running: Vec<Option<Running<'a, Value>>> = Vec::new();
        let mut results = vec![Value::Null; total];
        let mut failed = 0;
        poll_fn(|context| {
            let mut at = 0;
            loop {
                let open = running.iter().flatten().count();
                if running.len() < total && open < most {
                    running.push(Some(iteration(running.len())));
                }
                let Some(slot) = running.get_mut(at) else {
                    break;
                };
                at += 1;
                let Some(Poll::Ready(result)) = slot.as_mut().map(|one| one.poll_unpin(context))
                else {
                    continue;
                };
                *slot = None;
                match result {
                    Ok(result) => results[at - 1] = result,
                    Err(Stop::Failed(failure)) => {
                        failed += 1;
                        if !is_tolerated(step, failed, total) {
                            return Poll::Ready(Err(Stop::Failed(failure)));
                        }
                    }
                    Err(stop) => return Poll::Ready(Err(stop)),
                }
            }
            match running.len() == total && running.iter().all(Option::is_none) {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            }
        })
        .await?;
        Ok(results.into())
    }

    fn iteration<'a>(&'a self, step: &'a Value, scope: Scope, place: Place) -> Running<'a, Value> {
        async move {
            let output = self.block(&step["steps"], scope.clone(), place).await?;
            match step["result"].as_str() {
                None => Ok(output),
                Some(result) => {
                    let given = scope.with("taskOutput", output).evaluate(result)?;
                    Ok(given.unwrap_or(Value::Null))
                }
            }
        }
        .boxed_local()
    }

    pub async fn switch(&self, step: &Value, scope: &Scope, place: &Place) -> Result<Value, Stop> {
        for case in step["cases"].as_array().expect("cases") {
            if scope.is_true(text(case, "when"))? {
                return self
                    .block(&case["steps"], scope.clone(), place.clone())
                    .await;
            }
        }
        match step.get("otherwise") {
            Some(steps) => self.block(steps, scope.clone(), place.clone()).await,
            None => Err(Failure::of("NO_CASE_MATCHED").into()),
        }
    }

    pub async fn repeat(&self, step: &Value, scope: &Scope, place: &Place) -> Result<Value, Stop> {
        let most = step["maxIterations"].as_u64().expect("a limit") as usize;
        let mut output = Value::Null;
        for turn in 0.. {
            let inner = scope.with("index", turn);
            if let Some(goes_on) = step["while"].as_str()
                && !inner.is_true(goes_on)?
            {
                break;
            }
            if turn == most {
                return Err(Failure::of("MAX_ITERATIONS").into());
            }
            let place = in_turn(place, turn);
            output = self.block(&step["steps"], inner.clone(), place).await?;
            if let Some(ends) = step["until"].as_str()
                && inner.is_true(ends)?
            {
                break;
            }
        }
        Ok(output)
    }
}

/// The first failure, or the last.
fn one_of(failures: &[Failure], is_first: bool) -> Failure {
    let at = if is_first { 0 } else { failures.len() - 1 };
    failures[at].clone()
}

/// What the step at a place of a graph waits for.
fn needs(steps: &[Value], at: usize) -> Vec<usize> {
    match steps[at].get("dependsOn") {
        None => at.checked_sub(1).into_iter().collect(),
        Some(names) => {
            let names = names.as_array().expect("names");
            let place = |name: &Value| steps.iter().position(|step| step["name"] == *name);
            names.iter().filter_map(place).collect()
        }
    }
}

fn is_tolerated(step: &Value, failed: u64, total: usize) -> bool {
    let count = step["toleratedFailureCount"].as_u64();
    let share = step["toleratedFailurePercentage"].as_f64();
    if count.is_none() && share.is_none() {
        return false;
    }
    let is_over_count = count.is_some_and(|count| failed > count);
    let is_over_share = share.is_some_and(|share| failed as f64 * 100.0 > share * total as f64);
    !is_over_count && !is_over_share
}

fn in_turn(place: &Place, turn: usize) -> Place {
    let mut place = place.clone();
    place.path = format!("{}[{turn}]", place.path);
    place
}
