//! The decider alone, in memory: records, an agenda, and events that come twice, in another order
//! within their instant, or together. It performs effects as the use cases do, without AWS, so that
//! thousands of workflows run where the service runs one.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use taskmill::error_info::ErrorInfo;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::registration::{self, Definition};
use taskmill::security::SecurityContext;
use taskmill::task::compiled::CompiledTask;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::compiled::Reference;
use taskmill::workflow::creation::{self, NewWorkflow};
use taskmill::workflow::decider::{
    self, Ask, ChildEnd, Decision, Effect, Event, Facts, Fold, Need, NewChild, Operation, Plan,
    Supply, TaskEnd,
};
use taskmill::workflow::parent::Undoable;
use taskmill::workflow::{CompiledWorkflow, WorkflowInstance, WorkflowStatus};

use super::answers::{TASKS, Task};
use super::generator::Case;
use super::interpreter::{Line, Story};
use crate::support::{HOUR, START, tenant, workflow_of};

/// Steps after which a run does not end.
const MOST: usize = 20_000;

/// What comes at a time.
#[derive(Debug, Clone)]
enum Coming {
    /// The task ends by itself.
    Ends(TaskId),
    Event(WorkflowId, Event),
    Look(WorkflowId),
    /// A record is told how another stands.
    Tell(WorkflowId, WorkflowId),
}

/// Everything there is.
pub struct Machine {
    plans: BTreeMap<String, Plan>,
    seed: u64,
    now: u64,
    records: BTreeMap<WorkflowId, WorkflowInstance>,
    tasks: BTreeMap<TaskId, TaskInstance>,
    called: BTreeMap<String, u32>,
    compensables: BTreeMap<String, Undoable>,
    items: BTreeMap<WorkflowId, Vec<Value>>,
    /// By time, then at random, then in order.
    agenda: BTreeMap<(u64, u64, u64), Coming>,
    random: u64,
    trace: Vec<Line>,
}

/// Runs a case, its disorder by a seed of its own.
pub fn run(case: &Case, disorder: u64) -> Story {
    let mut machine = Machine {
        plans: plans(&case.definitions),
        seed: case.seed,
        now: 0,
        records: BTreeMap::new(),
        tasks: BTreeMap::new(),
        called: BTreeMap::new(),
        compensables: BTreeMap::new(),
        items: BTreeMap::new(),
        agenda: BTreeMap::new(),
        random: disorder,
        trace: Vec::new(),
    };
    let root = workflow_of("run");
    for signal in &case.signals {
        let (name, data) = (signal.name.clone(), signal.data.clone());
        let operation = Operation {
            request_id: Some(format!("{}", signal.at)),
            by_parent: None,
            ask: Ask::Signal { name, data },
        };
        let event = Event::Operation(Box::new(operation));
        machine.come(signal.at, Coming::Event(root, event));
    }
    let new = NewWorkflow {
        id: root,
        input: case.input.clone(),
        security_context: nobody(),
        correlation_id: None,
        traceparent: None,
        request_hash: None,
        parent: None,
    };
    let plan = machine.plans["tested"].clone();
    let decision = creation::start(&plan, new, machine.facts()).unwrap();
    machine.commit(decision);
    machine.run();
    machine.story(root)
}

fn nobody() -> SecurityContext {
    serde_json::from_value(json!({ "userId": "ann", "tenantId": tenant() })).unwrap()
}

fn plans(definitions: &[Value]) -> BTreeMap<String, Plan> {
    let plan = |value: &Value| {
        let Ok(Definition::Workflow(definition)) = registration::read(value) else {
            panic!("it is refused: {:?}", registration::read(value));
        };
        let id = definition.id.to_string();
        let workflow = CompiledWorkflow::new(definition).unwrap();
        let version = workflow.definition.version.clone();
        let mut plan = Plan {
            workflow: Arc::new(workflow),
            tasks: BTreeMap::new(),
            children: BTreeMap::new(),
        };
        for (pin, reference) in &plan.workflow.references {
            match reference {
                Reference::Workflow(..) => {
                    plan.children.insert(pin.clone(), version.clone());
                }
                Reference::Task(id, _) => {
                    plan.tasks.insert(pin.clone(), task(id.as_str()));
                }
            }
        }
        (id, plan)
    };
    definitions.iter().map(plan).collect()
}

fn task(id: &str) -> Arc<CompiledTask> {
    assert!(TASKS.contains(&id));
    let value = json!({
        "id": id, "name": "T", "version": "1.0.0", "type": "AUTOMATED",
        "executionConfig": { "executor": "lambda:script" },
    });
    match registration::read(&value) {
        Ok(Definition::Task(definition)) => Arc::new(CompiledTask::new(definition).unwrap()),
        other => panic!("it is no task: {other:?}"),
    }
}

impl Machine {
    fn facts(&self) -> Facts {
        Facts {
            now: START.plus_millis(self.now),
            retention: HOUR,
        }
    }

    fn draw(&mut self, most: u64) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        ((mixed ^ (mixed >> 27)) >> 8) % most
    }

    /// Puts something on the agenda, now and then twice.
    fn come(&mut self, at: u64, coming: Coming) {
        let times = if self.draw(4) == 0 { 2 } else { 1 };
        for _ in 0..times {
            let key = (at.max(self.now), self.draw(1000), self.agenda.len() as u64);
            let key = (key.0, key.1, key.2 + self.draw(1 << 40));
            self.agenda.insert(key, coming.clone());
        }
    }

    fn run(&mut self) {
        for _ in 0..MOST {
            let Some(((at, _, _), coming)) = self.agenda.pop_first() else {
                return;
            };
            self.now = at;
            match coming {
                Coming::Ends(task) => self.end(task),
                Coming::Event(id, event) => self.fold(id, &[event]),
                Coming::Look(id) => self.look(id),
                Coming::Tell(id, to) => self.tell(id, to),
            }
        }
        panic!("it never ends: {:#?}", self.records);
    }

    fn story(mut self, root: WorkflowId) -> Story {
        for record in self.records.values() {
            assert!(record.is_settled(), "it is not over: {record:#?}");
        }
        for task in self.tasks.values() {
            assert!(task.status.is_terminal(), "it is open: {task:#?}");
        }
        let workflow = self.records.remove(&root).unwrap();
        let ended = workflow.end_time.unwrap();
        self.trace
            .sort_by(|a, b| (a.at, &a.path).cmp(&(b.at, &b.path)));
        Story {
            status: workflow.status.as_str(),
            output: workflow.output.unwrap_or(Value::Null),
            code: workflow.error.map(|error| error.code),
            variables: workflow.variables.into_iter().collect(),
            took: ended.millis_since(START),
            trace: self.trace,
        }
    }

    /// The path of a task as the workflow under test sees it.
    fn path_of(&self, task: &TaskInstance) -> String {
        let mut path = task.context.task_path.clone().unwrap();
        let mut next = task.context.workflow_instance_id;
        while let Some(parent) = next.and_then(|id| self.records[&id].parent.clone()) {
            path = format!("{}/{path}", parent.path);
            next = Some(parent.workflow_id);
        }
        path
    }

    fn note(&mut self, task: &TaskInstance, status: TaskStatus, input: Value) {
        self.trace.push(Line {
            at: self.now,
            path: self.path_of(task),
            status: status.as_str(),
            input,
        });
    }

    fn course(&mut self, task: &TaskInstance) -> super::answers::Course {
        let path = self.path_of(task);
        let called = self.called.entry(path.clone()).or_default();
        *called += 1;
        let nth = *called - 1;
        let course = Task {
            definition: task.task_definition_id.as_str(),
            path: &path,
            nth,
            retry_policy: &serde_json::to_value(&task.retry_policy).unwrap(),
            start_to_close: task.timeouts.start_to_close,
            schedule_to_close: task.timeouts.schedule_to_close,
        };
        course.course(self.seed)
    }

    fn create(&mut self, mut task: TaskInstance) {
        if self.tasks.contains_key(&task.id) {
            return;
        }
        if task.status.is_terminal() {
            self.note(&task, task.status, Value::Null);
            self.tasks.insert(task.id, task);
            return;
        }
        let course = self.course(&task);
        let facts = self.facts();
        // How it is to end is kept in it until it does.
        match course.result {
            Ok(output) => task.output = Some(output),
            Err(code) => task.error = Some(ErrorInfo::new(code, "as the case says", facts.now)),
        }
        task.executor_id = course.status.to_owned();
        self.come(self.now + course.after, Coming::Ends(task.id));
        self.tasks.insert(task.id, task);
    }

    fn end(&mut self, id: TaskId) {
        let mut task = self.tasks[&id].clone();
        if !task.status.is_terminal() {
            task.status = match task.executor_id.as_str() {
                "COMPLETED" => TaskStatus::Completed,
                "FAILED" => TaskStatus::Failed,
                _ => TaskStatus::TimedOut,
            };
            self.note(&task, task.status, task.input.clone());
            self.tasks.insert(id, task.clone());
        }
        let end = TaskEnd::from(&task);
        let event = Event::TaskEnded(Box::new(end));
        let owner = task.context.owner().unwrap();
        // A task that ends again tells it again, and a look may come with it.
        match self.draw(3) {
            0 => self.fold(owner, &[event.clone(), event]),
            1 => self.fold(owner, &[Event::Look, event]),
            _ => self.fold(owner, &[event]),
        }
    }

    fn cancel(&mut self, id: TaskId) {
        let mut task = self.tasks[&id].clone();
        if task.status.is_terminal() {
            return;
        }
        task.status = TaskStatus::Cancelled;
        self.note(&task, task.status, task.input.clone());
        self.tasks.insert(id, task);
    }

    fn look(&mut self, id: WorkflowId) {
        self.fold(id, &[Event::Look]);
        let before = &self.records[&id];
        if before.due_at.is_some_and(|due| due <= self.facts().now) {
            let plan = self.plan_of(before);
            let after = decider::checked(&plan, before, &[], self.facts().now);
            self.watch(&after);
            self.records.insert(id, after);
        }
    }

    fn watch(&mut self, record: &WorkflowInstance) {
        if let Some(due) = record.due_at {
            self.come(due.millis_since(START), Coming::Look(record.id));
        }
    }

    fn tell(&mut self, id: WorkflowId, to: WorkflowId) {
        let record = &self.records[&id];
        let event = match decider::report(record) {
            Some(report) => Event::BatchTold {
                id,
                report: Box::new(report),
            },
            None if record.status.is_terminal() => Event::ChildEnded(Box::new(record.into())),
            None => return,
        };
        self.fold(to, &[event]);
    }

    fn plan_of(&self, record: &WorkflowInstance) -> Plan {
        self.plans[record.workflow_definition_id.as_str()].clone()
    }

    fn fold(&mut self, id: WorkflowId, events: &[Event]) {
        let before = self.records[&id].clone();
        let plan = self.plan_of(&before);
        let mut fold = Fold::of(&plan, before, self.facts());
        for event in events {
            fold.apply(event);
            while let Some(need) = fold.need().cloned() {
                fold.supply(self.supply(&need));
            }
        }
        if let Some(decision) = fold.finish() {
            self.commit(decision);
        }
    }

    fn supply(&self, need: &Need) -> Supply {
        match need {
            Need::Undoable { name, .. } => {
                Supply::Undoable(Box::new(self.compensables[name].clone()))
            }
            Need::Chains { batches, .. } => Supply::Chains(self.chains(batches)),
            Need::Results(of) => {
                let outputs = of.iter().map(|id| self.records[id].output.clone());
                Supply::Results(outputs.map(|one| one.unwrap_or(json!([]))).collect())
            }
            Need::History | Need::Records(_) | Need::Rerun { .. } => {
                unreachable!("nobody asks here for a step to begin again")
            }
        }
    }

    /// Where the chains of batches begin that are over.
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

    /// Writes a decision, and performs what it owes; now and then also what can be derived of it.
    fn commit(&mut self, decision: Decision) {
        let state = decision.state;
        for compensable in decision.compensables.into_values() {
            self.compensables.insert(compensable.name(), compensable);
        }
        for slice in decision.slices {
            self.items.insert(slice.batch, slice.items);
        }
        self.watch(&state);
        self.records.insert(state.id, state.clone());
        for effect in decision.effects {
            self.perform(&state, effect);
        }
        self.cancels_done(state.id);
        if self.draw(4) == 0 {
            let state = self.records[&state.id].clone();
            let plan = self.plan_of(&state);
            for effect in decider::owed(&plan, &state, self.facts(), |_, _| true) {
                self.perform(&state, effect);
            }
            self.cancels_done(state.id);
        }
    }

    fn cancels_done(&mut self, id: WorkflowId) {
        let over = self.records[&id].course.cancelling.clone();
        if !over.is_empty() {
            self.fold(id, &[Event::CancelsDone(over)]);
        }
    }

    fn perform(&mut self, state: &WorkflowInstance, effect: Effect) {
        match effect {
            Effect::CreateTask(task) => self.create(*task),
            Effect::CancelTask(id) => self.cancel(id),
            Effect::StartChild(child) => self.start_child(*child),
            Effect::RefuseChild { id, error } => self.refuse_child(id, *error, state.id),
            Effect::StartBatch(batch) => self.start_batch(*batch),
            Effect::Ask(id, event) => match *event {
                Event::Granted { .. } => self.come(self.now, Coming::Event(id, *event)),
                Event::Handed(_) => {
                    self.fold(id, &[*event]);
                    self.come(self.now, Coming::Tell(id, state.id));
                }
                _ => self.fold(id, &[*event]),
            },
            Effect::TellParent(parent) => {
                self.come(self.now, Coming::Tell(state.id, parent.id));
            }
            Effect::Wake(at) => self.come(at.millis_since(START), Coming::Look(state.id)),
            Effect::Undo(undoing) => {
                let plan = self.plan_of(state);
                let facts = Facts {
                    now: state.updated_at,
                    ..self.facts()
                };
                let Undoable::Step(compensable) = &self.compensables[&undoing.name] else {
                    panic!("a step is undone");
                };
                if let Some(task) = decider::undoing(&plan, state, facts, &undoing, compensable) {
                    self.create(task);
                }
            }
        }
    }

    fn start_child(&mut self, child: NewChild) {
        if self.records.contains_key(&child.id) {
            self.come(self.now, Coming::Tell(child.id, child.parent.id));
            return;
        }
        let new = NewWorkflow {
            id: child.id,
            input: child.input,
            security_context: child.security_context,
            correlation_id: None,
            traceparent: None,
            request_hash: None,
            parent: Some(child.parent.clone()),
        };
        let plan = self.plans[child.workflow_definition_id.as_str()].clone();
        match creation::start(&plan, new, self.facts()) {
            Ok(decision) => self.commit(decision),
            Err(error) => self.refuse_child(child.id, *error, child.parent.id),
        }
    }

    fn refuse_child(&mut self, id: WorkflowId, error: ErrorInfo, parent: WorkflowId) {
        let end = ChildEnd {
            id,
            heeded: u64::MAX,
            status: WorkflowStatus::Failed,
            output: Value::Null,
            error: Some(error),
        };
        let event = Event::ChildEnded(Box::new(end));
        self.come(self.now, Coming::Event(parent, event));
    }

    fn start_batch(&mut self, mut batch: WorkflowInstance) {
        if self.records.contains_key(&batch.id) {
            return;
        }
        let items = self.items[&batch.id].clone();
        if let Some(of) = &mut batch.batch {
            of.items = items;
        }
        let plan = self.plan_of(&batch);
        let decision = Fold::start(&plan, batch, self.facts()).finish();
        if let Some(decision) = decision {
            self.commit(decision);
        }
    }
}
