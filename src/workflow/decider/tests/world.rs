//! A world for decisions: it keeps the records, performs what each decision owes, and lets time
//! pass. What happens is written as a text of one word after another:
//!
//! | word | what happens |
//! |---|---|
//! | `a+`, `a+{"n":1}` | the task or child of step `a` completes, with its name or this |
//! | `a-`, `a-CODE` | it fails, with BUSY or this code |
//! | `@500` | the time is 500 ms after the start; what falls due until then is looked at |
//! | `late:a` | the task or child of step `a` completes, and nobody is told before it is cancelled |
//! | `signal:name`, `signal:name=1` | a signal comes |
//! | `skip:a`, `skip:a=1` | somebody skips a step |
//! | `rerun:a` | somebody has a step begin again; `rerun` alone, everything |
//! | `pause`, `resume`, `retry`, `cancel`, `undo` | somebody asks for it; `undo` cancels with compensation |
//! | `!` before any of these | it is refused |
//!
//! Every decision is checked for what holds of all of them: see `rules.rs`.

mod effects;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::*;
use crate::task::Outcome;
use crate::testing::failed;

/// The records of one workflow and of all that it started.
pub(super) struct World {
    pub plan: Plan,
    pub now: u64,
    pub records: BTreeMap<WorkflowId, WorkflowInstance>,
    pub tasks: BTreeMap<TaskId, TaskInstance>,
    pub children: BTreeMap<WorkflowId, NewChild>,
    pub compensables: BTreeMap<String, Undoable>,
    /// How children ended.
    ended: BTreeMap<WorkflowId, ChildEnd>,
    items: BTreeMap<WorkflowId, Vec<Value>>,
    wakes: BTreeSet<(Timestamp, WorkflowId)>,
    /// Times of which a message was sent, ever.
    pub sent: BTreeSet<(Timestamp, WorkflowId)>,
    /// Records of which others are to be told.
    told: VecDeque<(WorkflowId, WorkflowId)>,
    /// Ends of tasks that were not told, because their workflow was paused.
    kept: Vec<(WorkflowId, Event)>,
    /// Tasks that ended, of which their workflow was not told.
    late: BTreeSet<TaskId>,
    /// Whether nobody is told of an end.
    silent: bool,
    /// What was asked of children.
    pub asked: Vec<String>,
    /// The ends of tasks and children, in their order.
    pub trace: Vec<String>,
}

impl World {
    /// A workflow of these fields that was just started.
    pub fn new(fields: Value) -> Self {
        Self::of(plan(fields, &[]), json!({}))
    }

    /// A workflow of these steps.
    pub fn steps(steps: Value) -> Self {
        Self::new(json!({ "steps": steps }))
    }

    pub fn of(plan: Plan, input: Value) -> Self {
        let mut world = Self {
            plan,
            now: 0,
            records: BTreeMap::new(),
            tasks: BTreeMap::new(),
            children: BTreeMap::new(),
            compensables: BTreeMap::new(),
            ended: BTreeMap::new(),
            items: BTreeMap::new(),
            wakes: BTreeSet::new(),
            sent: BTreeSet::new(),
            told: VecDeque::new(),
            kept: Vec::new(),
            late: BTreeSet::new(),
            silent: false,
            asked: Vec::new(),
            trace: Vec::new(),
        };
        let new = NewWorkflow {
            id: workflow_id(),
            input,
            security_context: user(&[]),
            correlation_id: None,
            traceparent: None,
            request_hash: None,
            parent: None,
        };
        let decision = start(&world.plan, new, facts(0)).unwrap();
        world.commit(None, decision);
        world.settle();
        world
    }

    /// The workflow itself.
    pub fn state(&self) -> &WorkflowInstance {
        &self.records[&workflow_id()]
    }

    /// The paths of the tasks and children that are open, in their order.
    pub fn open(&self) -> String {
        let tasks = self
            .tasks
            .values()
            .filter(|task| !task.status.is_terminal());
        let tasks = tasks.map(|task| task.context.task_path.clone().unwrap());
        let children = self
            .children
            .values()
            .map(|child| child.parent.path.clone());
        let mut paths: Vec<_> = tasks.chain(children).collect();
        paths.sort();
        paths.join(" ")
    }

    /// How the workflow stands: its status with its output or its error's code.
    pub fn outcome(&self) -> String {
        let state = self.state();
        let status = state.status.as_str();
        match (&state.output, &state.error) {
            (Some(output), _) => format!("{status} {output}"),
            (None, Some(error)) => format!("{status} {}", error.code),
            (None, None) => status.to_owned(),
        }
    }

    /// Lets happen what a text says; `!` before a word expects a refusal.
    pub fn play(&mut self, script: &str) {
        for word in script.split_whitespace() {
            let (word, refused) = match word.strip_prefix('!') {
                Some(word) => (word, true),
                None => (word, false),
            };
            let applied = self.one(word);
            let is_refused = matches!(applied, Applied::Refused(_));
            assert_eq!(is_refused, refused, "{word} in {script}: {applied:?}");
            self.settle();
        }
    }

    /// Lets one thing happen, unless it is refused.
    pub fn try_one(&mut self, word: &str) {
        self.one(word);
        self.settle();
    }

    fn one(&mut self, word: &str) -> Applied {
        if let Some(millis) = word.strip_prefix('@') {
            self.pass_until(millis.parse().unwrap());
            return Applied::Changed;
        }
        let ask = match word {
            "pause" => Ask::Pause,
            "resume" => Ask::Resume,
            "retry" => Ask::Retry,
            "rerun" => Ask::Rerun { path: None },
            "cancel" => Ask::cancel("not wanted"),
            "undo" => Ask::Cancel {
                reason: "not wanted".to_owned(),
                compensate: true,
            },
            _ => match word.split_once(':') {
                Some(("signal", signal)) => {
                    let (name, data) = argument(signal);
                    Ask::Signal { name, data }
                }
                Some(("rerun", path)) => Ask::Rerun {
                    path: Some(path.to_owned()),
                },
                Some(("late", step)) => {
                    self.silent = true;
                    self.end(&format!("{step}+"));
                    self.silent = false;
                    return Applied::Changed;
                }
                Some(("skip", step)) => {
                    let (path, output) = argument(step);
                    Ask::Skip { path, output }
                }
                _ => return self.end(word),
            },
        };
        let event = super::asked(ask);
        self.fold(workflow_id(), &event)
    }

    /// The end of a task or a child.
    fn end(&mut self, word: &str) -> Applied {
        let at = word.find(['+', '-']).expect("a word that is known");
        let (path, rest) = (&word[..at], &word[at + 1..]);
        let name = path.rsplit('/').next().unwrap_or_default();
        let outcome = match (&word[at..=at], rest) {
            ("+", "") => succeeded(name.into()),
            ("+", output) => succeeded(serde_json::from_str(output).unwrap()),
            (_, "") => failed("BUSY"),
            (_, code) => failed(code),
        };
        let is_it = |task: &&TaskInstance| {
            !task.status.is_terminal() && task.context.task_path.as_deref() == Some(path)
        };
        let found = self.tasks.values().find(is_it).cloned();
        match found {
            Some(task) => self.end_task(&task, outcome),
            None => self.end_child(path, outcome),
        }
    }

    pub fn end_task(&mut self, task: &TaskInstance, outcome: Outcome) -> Applied {
        let report = report(task.execution_id(), at(self.now + 1000), outcome);
        let event = lifecycle::Event::Report(report);
        let after = match lifecycle::transition(task, &event, testing::facts(at(self.now))) {
            Ok(lifecycle::Transition::Changed { task, .. }) => *task,
            other => panic!("the attempt ends the task: {other:?}"),
        };
        let owner = after.context.owner().unwrap();
        let event = Event::TaskEnded(Box::new((&after).into()));
        let path = after.context.task_path.clone().unwrap();
        self.trace.push(format!("{path} {}", after.status.as_str()));
        self.tasks.insert(after.id, after);
        self.tell(owner, event)
    }

    fn end_child(&mut self, path: &str, outcome: Outcome) -> Applied {
        let found = self
            .children
            .iter()
            .find(|(_, child)| child.parent.path == path);
        let Some((id, child)) = found.map(|(id, child)| (*id, child.clone())) else {
            panic!("{path} is not open: {} are", self.open());
        };
        self.children.remove(&id);
        let (status, output, error) = match outcome {
            Outcome::Succeeded { output } => (WorkflowStatus::Completed, output, None),
            Outcome::Failed { error, .. } => (WorkflowStatus::Failed, Value::Null, Some(error)),
            other => panic!("a child does not end so: {other:?}"),
        };
        self.trace.push(format!("{path} {}", status.as_str()));
        let end = ChildEnd {
            id,
            status,
            output,
            error,
            heeded: u64::MAX,
        };
        self.ended.insert(id, end.clone());
        self.tell(child.parent.id, Event::ChildEnded(Box::new(end)))
    }

    /// Tells a record what is told again when it goes on after a pause.
    fn tell(&mut self, id: WorkflowId, event: Event) -> Applied {
        let is_paused = self.records[&id].status == WorkflowStatus::Paused;
        if (is_paused || self.silent)
            && let Event::TaskEnded(end) = &event
        {
            self.late.insert(end.task_id);
        }
        if self.silent {
            return Applied::Nothing;
        }
        if is_paused {
            self.kept.push((id, event.clone()));
        }
        self.fold(id, &event)
    }

    /// Lets time pass, and looks at what falls due.
    fn pass_until(&mut self, millis: u64) {
        loop {
            let wake = self.wakes.first().copied();
            let due = self.records.values();
            let due = due
                .filter_map(|record| Some((record.due_at?, record.id)))
                .min();
            let next = [wake, due].into_iter().flatten().min();
            let Some((time, id)) = next.filter(|(time, _)| *time <= at(millis)) else {
                break;
            };
            self.wakes.remove(&(time, id));
            self.now = self.now.max(time.millis_since(at(0)));
            self.look(id);
            self.settle();
        }
        self.now = self.now.max(millis);
    }

    fn look(&mut self, id: WorkflowId) {
        self.fold(id, &Event::Look);
        let before = self.records[&id].clone();
        if before.due_at.is_some_and(|due| due <= at(self.now)) {
            let after = checked(&self.plan, &before, &[], at(self.now));
            self.records.insert(id, after);
        }
    }

    /// Tells parents what they do not know yet, and, after a pause, what was told meanwhile.
    pub fn settle(&mut self) {
        let is_paused = |world: &Self, id| world.records[&id].status == WorkflowStatus::Paused;
        loop {
            if let Some((id, to)) = self.told.pop_front() {
                if let Some(report) = batch::report(&self.records[&id]) {
                    let report = Box::new(report);
                    self.tell(to, Event::BatchTold { id, report });
                }
                continue;
            }
            let kept = self.kept.iter().position(|(id, _)| !is_paused(self, *id));
            match kept {
                Some(at) => {
                    let (id, event) = self.kept.remove(at);
                    self.fold(id, &event);
                }
                None => break,
            }
        }
    }

    /// Folds an event into a record, and performs what comes of it.
    pub fn fold(&mut self, id: WorkflowId, event: &Event) -> Applied {
        let before = self.records[&id].clone();
        let plan = self.plan.clone();
        let mut fold = Fold::of(&plan, before.clone(), facts(self.now));
        let mut applied = fold.apply(event);
        while let Some(need) = fold.need().cloned() {
            let supply = match need {
                Need::Undoable { name, .. } => {
                    Supply::Undoable(Box::new(self.compensables[&name].clone()))
                }
                Need::Chains { batches, .. } => Supply::Chains(self.chains(&batches)),
                Need::Results(of) => {
                    let outputs = of.iter().map(|id| self.records[id].output.clone());
                    Supply::Results(outputs.map(|output| output.unwrap_or(json!([]))).collect())
                }
                Need::History => Supply::History(self.tasks.values().filter_map(past).collect()),
                Need::Records(ids) => {
                    let ended = ids.iter().filter_map(|id| self.ended.get(id));
                    Supply::Records(ended.cloned().collect())
                }
                Need::Rerun { .. } => Supply::Rerun(None),
            };
            let further = fold.supply(supply);
            if applied == Applied::Nothing {
                applied = further;
            }
        }
        let decision = fold.finish();
        assert_eq!(
            decision.is_some(),
            applied == Applied::Changed,
            "{event:?} is {applied:?}"
        );
        if let Some(decision) = decision {
            self.commit(Some(&before), decision);
        }
        applied
    }

    /// Where the chains of batches begin that are over. One that was never begun did nothing.
    fn chains(&self, batches: &[WorkflowId]) -> Option<BTreeMap<WorkflowId, String>> {
        let found = batches.iter().filter_map(|id| self.records.get(id));
        let found: Vec<_> = found.collect();
        let are_over = found.iter().all(|batch| batch.is_settled());
        let first = |batch: &&WorkflowInstance| {
            let last = batch.course.compensations.clone();
            last.map(|last| (batch.id, last))
        };
        are_over.then(|| found.iter().filter_map(first).collect())
    }

    /// Writes a decision and performs it, after what holds of every decision was checked.
    fn commit(&mut self, before: Option<&WorkflowInstance>, decision: Decision) {
        let state = &decision.state;
        for compensable in decision.compensables.values() {
            self.compensables
                .insert(compensable.name(), compensable.clone());
        }
        for slice in &decision.slices {
            self.items.insert(slice.batch, slice.items.clone());
        }
        self.records.insert(state.id, state.clone());
        for effect in &decision.effects {
            if let Effect::Wake(time) = effect {
                self.sent.insert((*time, state.id));
            }
        }
        self.check_rules(before, &decision);
        for effect in decision.effects {
            self.perform(decision.state.id, effect);
        }
        self.cancels_done(decision.state.id);
    }
}

fn argument(text: &str) -> (String, Value) {
    match text.split_once('=') {
        None => (text.to_owned(), Value::Null),
        Some((name, value)) => (name.to_owned(), serde_json::from_str(value).unwrap()),
    }
}

/// A row of a table: steps, what happens, and what comes of it: the trace and the outcome.
#[track_caller]
pub(super) fn check(fields: Value, script: &str, expected: &[&str]) {
    let place = format!("{script} of {fields}");
    let mut world = World::new(fields);
    world.play(script);
    let mut actual = world.trace.clone();
    actual.push(world.outcome());
    assert_eq!(actual, expected, "{place}");
}
