use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use taskmill::JsonObject;
use taskmill::ids::{TenantId, WorkflowId};
use taskmill::metrics::ExecutionMetrics;
use taskmill::registration::{self, Definition};
use taskmill::security::{Caller, SecurityContext};
use taskmill::task::creation::{self, NewTask, Overrides};
use taskmill::task::instance::{TaskContext, TaskPriority, VariablesSnapshot};
use taskmill::task::lifecycle::{self, Event, Facts, Start, Transition};
use taskmill::task::{AttemptReport, CompiledTask, Outcome};
use taskmill::workflow::creation::{NewWorkflow, start};
use taskmill::workflow::frontier::Skipped;
use taskmill::workflow::{CompiledWorkflow, Plan, decider};
use uuid::Uuid;

use super::*;

const T0: i64 = 1_795_296_000_000;

fn definition() -> CompiledTask {
    let document = json!({
        "id": "copy", "version": "1.0.0", "name": "Copy", "type": "AUTOMATED",
        "executionConfig": {"executor": "builtin:echo"},
        "retryPolicy": {"maxRetries": 2, "retryInterval": 1500, "jitter": "NONE"},
    });
    match registration::read(&document).unwrap() {
        Definition::Task(task) => CompiledTask::new(task).unwrap(),
        Definition::Workflow(_) => unreachable!("the document has no steps"),
    }
}

/// A workflow in which these steps were skipped.
fn workflow(skipped: &[&str]) -> WorkflowInstance {
    let document = json!({"id": "w", "version": "1.0.0", "name": "W", "steps": []});
    let Definition::Workflow(definition) = registration::read(&document).unwrap() else {
        unreachable!("the document has steps")
    };
    let compiled = CompiledWorkflow::new(definition).unwrap();
    let new = NewWorkflow {
        id: WorkflowId::new(Uuid::from_u128(1)),
        input: json!({}),
        security_context: SecurityContext::from(&caller()),
        correlation_id: None,
        traceparent: None,
        request_hash: None,
        parent: None,
    };
    let facts = decider::Facts {
        now: Timestamp::from_millis(T0),
        retention: 1,
    };
    let plan = Plan {
        workflow: Arc::new(compiled),
        tasks: BTreeMap::new(),
        children: BTreeMap::new(),
    };
    let mut workflow = start(&plan, new, facts).unwrap().state;
    let skipped = skipped.iter().map(|path| Skipped {
        path: (*path).to_owned(),
        output: None,
    });
    workflow.course.skipped = skipped.collect();
    workflow
}

fn caller() -> Caller {
    Caller {
        tenant_id: TenantId::new("t").unwrap(),
        user_id: "u".to_owned(),
        roles: Vec::new(),
        permissions: Vec::new(),
        environment_id: None,
    }
}

fn task(number: u128, path: &str) -> TaskInstance {
    let new = NewTask {
        id: TaskId::new(Uuid::from_u128(number)),
        input: json!({}),
        priority: TaskPriority::default(),
        task_reference: None,
        workflow_definition_id: None,
        run: 0,
        context: TaskContext {
            workflow_instance_id: Some(WorkflowId::new(Uuid::from_u128(1))),
            batch_id: None,
            workflow_variables: VariablesSnapshot::Inline(JsonObject::new()),
            task_path: Some(path.to_owned()),
            security_context: SecurityContext::from(&caller()),
            correlation_id: None,
        },
        overrides: Overrides::default(),
        task_token: None,
        traceparent: None,
        request_hash: None,
    };
    creation::create(&definition(), new, Timestamp::from_millis(T0)).unwrap()
}

fn after(task: &TaskInstance, event: &Event) -> TaskInstance {
    let facts = Facts {
        now: Timestamp::from_millis(T0 + 60_000),
        jitter: 0.0,
        retention: 1,
    };
    match lifecycle::transition(task, event, facts).unwrap() {
        Transition::Changed { task, .. } => *task,
        Transition::Repeated(effect) => panic!("repeated: {effect:?}"),
    }
}

fn ended(task: &TaskInstance, outcome: Outcome) -> TaskInstance {
    let report = AttemptReport {
        execution_id: task.execution_id(),
        started_at: Timestamp::from_millis(T0),
        ended_at: Timestamp::from_millis(T0 + 87),
        executor_id: "e".to_owned(),
        execution_environment: "local".to_owned(),
        outcome,
        metrics: ExecutionMetrics::default(),
    };
    after(task, &Event::Report(Box::new(report)))
}

fn succeeded(task: &TaskInstance) -> TaskInstance {
    ended(task, Outcome::Succeeded { output: json!(1) })
}

fn failed(task: &TaskInstance) -> TaskInstance {
    let error = ErrorInfo::new(
        "LOCKED",
        "it is locked\nsaid the lock",
        Timestamp::default(),
    );
    ended(
        task,
        Outcome::Failed {
            error,
            permanent: false,
            retry_after: None,
            continue_on_failure: None,
        },
    )
}

fn running(task: &TaskInstance) -> TaskInstance {
    let start = Start {
        execution_id: task.execution_id(),
        executor_id: "e".to_owned(),
        execution_environment: "local".to_owned(),
        started_at: Timestamp::from_millis(T0),
        handover: None,
    };
    after(task, &Event::Start(start))
}

/// What is told of records that are seen one after the other, in words.
fn told(tracker: &mut Tracker, seen: &[TaskInstance]) -> Vec<String> {
    seen.iter()
        .flat_map(|task| tracker.observe("", task))
        .map(|line| {
            let text = line.to_string();
            text.split_whitespace().collect::<Vec<_>>().join(" ")
        })
        .collect()
}

#[test]
fn each_attempt_is_told_once_however_late_it_is_seen() {
    let pending = task(7, "a");
    let once = failed(&pending);
    let again = running(&once);
    let twice = failed(&again);
    let done = succeeded(&twice);
    let first = "a RETRY_PENDING attempt 1 87 ms LOCKED: it is locked…; attempt 2 in 1.5 s";
    let second = "a RETRY_PENDING attempt 2 87 ms LOCKED: it is locked…; attempt 3 in 3.0 s";
    let third = "a COMPLETED attempt 3 87 ms";
    let all = [pending, once.clone(), again.clone(), twice, done.clone()];
    let late = [once.clone(), once, again, done.clone(), done.clone()];
    for seen in [all.as_slice(), &late, &[done]] {
        assert_eq!(told(&mut Tracker::default(), seen), [first, second, third]);
    }
}

#[test]
fn a_long_attempt_is_told_once_while_it_runs() {
    let mut tracker = Tracker::default();
    let first = running(&task(7, "a"));
    assert_eq!(told(&mut tracker, std::slice::from_ref(&first)), [""; 0]);
    let long_from = tracker.long_from().unwrap();
    assert_eq!(long_from, first.updated_at.plus_millis(LONG_MILLIS));
    assert_eq!(tracker.observe_time(first.updated_at), []);
    let line = Line::of("a", "RUNNING").attempt(1);
    assert_eq!(tracker.observe_time(long_from), [line]);
    tracker.observe("", &first);
    assert_eq!(tracker.observe_time(long_from), []);
    tracker.observe("", &running(&failed(&first)));
    assert_eq!(tracker.observe_time(long_from).len(), 1);
}

#[test]
fn a_task_that_fails_for_good_is_told_with_its_reason() {
    let mut tracker = Tracker::default();
    let dead = failed(&failed(&failed(&task(7, "a"))));
    let lines = told(&mut tracker, &[dead]);
    assert_eq!(lines[2], "a FAILED attempt 3 87 ms LOCKED: it is locked…");
    assert_eq!(tracker.active(), None);
    let expected = Counts {
        tasks: 1,
        skipped: 0,
        retries: 2,
    };
    assert_eq!(tracker.counts(), expected);
}

#[test]
fn a_task_that_nobody_began_is_told_too() {
    let reason = "enough".to_owned();
    let cancelled = after(&task(7, "a"), &Event::Cancel { reason });
    let lines = told(&mut Tracker::default(), &[cancelled]);
    assert!(lines[0].starts_with("a CANCELLED CANCELLED:"), "{lines:?}");
    assert_eq!(lines.len(), 1);
}

#[test]
fn a_step_is_told_to_be_skipped_once_and_only_when_the_record_says_so() {
    let mut tracker = Tracker::default();
    assert_eq!(tracker.observe_workflow("", &workflow(&[])), []);
    let line = |path| Line::of(path, "SKIPPED");
    let lines = tracker.observe_workflow("", &workflow(&["a", "b/x/c"]));
    assert_eq!(lines, [line("a"), line("b/x/c")]);
    let lines = tracker.observe_workflow("", &workflow(&["b/x/c", "d"]));
    assert_eq!(lines, [line("d")]);
    assert_eq!(tracker.counts().skipped, 3);
}

#[test]
fn what_a_child_does_is_told_by_its_path_in_its_parent() {
    let mut tracker = Tracker::default();
    let lines = tracker.observe("sub/", &succeeded(&task(1, "a")));
    assert!(lines[0].to_string().starts_with("sub/a "), "{lines:?}");
    let lines = tracker.observe_workflow("sub/", &workflow(&["b"]));
    assert_eq!(lines, [Line::of("sub/b", "SKIPPED")]);
}

#[test]
fn what_ended_before_is_taken_as_told() {
    let mut tracker = Tracker::default();
    let done = succeeded(&task(1, "b"));
    tracker.take_past(&OpenWorkflow {
        workflow: workflow(&["a"]),
        tasks: vec![done.clone(), failed(&task(2, "c"))],
    });
    assert_eq!(tracker.observe_workflow("", &workflow(&["a"])), []);
    assert_eq!(told(&mut tracker, &[done]), [""; 0]);
    assert_eq!(told(&mut tracker, &[failed(&task(2, "c"))]).len(), 1);
    let expected = Counts {
        tasks: 1,
        skipped: 1,
        retries: 0,
    };
    assert_eq!(tracker.counts(), expected);
}

#[test]
fn a_wait_counts_down() {
    let waiting = failed(&task(7, "a"));
    let mut tracker = Tracker::default();
    tracker.observe("", &waiting);
    let active = tracker.active().unwrap();
    let due = waiting.next_retry_at.unwrap();
    let before = |millis: u64| Timestamp::from_millis(due.millis() - millis.cast_signed());
    assert_eq!(active.describe(before(1200)), "a  attempt 2 in 1.2 s");
    assert_eq!(active.describe(before(90)), "a  attempt 2 in 90 ms");
    assert_eq!(active.describe(due), "a  attempt 2");
    let again = running(&waiting);
    tracker.observe("", &again);
    let later = again.updated_at.plus_millis(2500);
    let active = tracker.active().unwrap();
    assert_eq!(active.describe(later), "a  attempt 2 for 2.5 s");
}

#[test]
fn times_are_for_people() {
    let cases = [
        (0, "0 ms"),
        (999, "999 ms"),
        (1449, "1.4 s"),
        (61_000, "1 min 1 s"),
        (7_260_000, "2 h 1 min"),
    ];
    for (millis, expected) in cases {
        assert_eq!(duration(millis), expected);
    }
}
