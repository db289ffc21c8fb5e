//! Decisions about workflows: what each event makes of a stored version, and what it owes.

use serde_json::json;

use super::*;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::ids::TaskId;
use crate::task::instance::{TaskInstance, TaskStatus, VariablesSnapshot};
use crate::task::lifecycle;
use crate::testing::{self, RETENTION, at, plan, report, succeeded, user, workflow_id};
use crate::workflow::creation::{NewWorkflow, start};
use crate::workflow::frontier::{Active, State};

mod again;
mod anything;
mod asking;
mod blocks;
mod errors;
mod failures;
mod late;
mod maps;
mod properties;
mod repeats;
mod rules;
mod signals;
mod steps;
mod waits;
mod world;

fn facts(millis: u64) -> Facts {
    Facts {
        now: at(millis),
        retention: RETENTION,
    }
}

fn started_by(plan: &Plan, permissions: &[&str]) -> Decision {
    let new = NewWorkflow {
        id: workflow_id(),
        input: json!({ "wanted": true }),
        security_context: user(permissions),
        correlation_id: None,
        traceparent: None,
        request_hash: None,
        parent: None,
    };
    start(plan, new, facts(0)).unwrap()
}

fn started(plan: &Plan) -> Decision {
    started_by(plan, &[])
}

/// What events at one time make of a stored version, none when they change nothing.
fn fold(plan: &Plan, state: &WorkflowInstance, now: u64, events: &[Event]) -> Option<Decision> {
    let mut fold = Fold::of(plan, state.clone(), facts(now));
    for event in events {
        fold.apply(event);
    }
    fold.finish()
}

fn changed(plan: &Plan, state: &WorkflowInstance, now: u64, events: &[Event]) -> Decision {
    fold(plan, state, now, events).expect("the events change the workflow")
}

/// What a rerun is told of a task.
fn past(task: &TaskInstance) -> Option<PastTask> {
    match &task.context.workflow_variables {
        VariablesSnapshot::Inline(variables) => PastTask::of(task, Arc::new(variables.clone())),
        VariablesSnapshot::OfWorkflow(_) => None,
    }
}

/// The tasks that a decision creates.
fn created(decision: &Decision) -> Vec<&TaskInstance> {
    decision
        .effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::CreateTask(task) => Some(&**task),
            Effect::CancelTask(_)
            | Effect::StartChild(_)
            | Effect::RefuseChild { .. }
            | Effect::StartBatch(_)
            | Effect::Ask(..)
            | Effect::TellParent(_)
            | Effect::Wake(_)
            | Effect::Undo(_) => None,
        })
        .collect()
}

/// The one task that a decision creates.
fn only_task(decision: &Decision) -> TaskInstance {
    match created(decision)[..] {
        [task] => task.clone(),
        ref tasks => panic!("one task was to be created, not {tasks:?}"),
    }
}

/// The event of a task whose only attempt ended so after a second.
fn ended(task: &TaskInstance, outcome: crate::task::Outcome) -> Event {
    let report = report(task.execution_id(), at(5000), outcome);
    let event = lifecycle::Event::Report(report);
    match lifecycle::transition(task, &event, testing::facts(at(5000))) {
        Ok(lifecycle::Transition::Changed { task, .. }) => {
            Event::TaskEnded(Box::new((&*task).into()))
        }
        other => panic!("the attempt ends the task: {other:?}"),
    }
}

fn completed(task: &TaskInstance, output: Value) -> Event {
    ended(task, succeeded(output))
}

fn cancel() -> Event {
    asked(Ask::cancel("not wanted"))
}

/// Somebody asks for something, without an id.
fn asked(ask: Ask) -> Event {
    Event::Operation(Box::new(Operation {
        request_id: None,
        by_parent: None,
        ask,
    }))
}

/// The steps of the workflow's own list that are under way.
fn active(state: &WorkflowInstance) -> &[Active] {
    match &state.course.root {
        Root::Steps(block) => &block.active,
        Root::Iterations(_) => panic!("it is no batch"),
    }
}

/// When the only task under way must be looked at.
fn wake_at(state: &WorkflowInstance) -> Option<Timestamp> {
    match active(state) {
        [
            Active {
                state: State::Task { wake_at },
                ..
            },
        ] => *wake_at,
        other => panic!("one task was to be under way, not {other:?}"),
    }
}

fn step(name: &str) -> Value {
    json!({ "name": name })
}

/// Three steps that hand a number on, each adding one.
fn three_steps() -> Plan {
    let adding = |name: &str| {
        json!({
            "name": name,
            "inputMappings": [{ "type": "DIRECT", "source": "n", "target": "n" }],
            "variableMappings": [
                { "type": "EXPRESSION", "expression": "taskOutput.n + 1", "target": "n" },
            ],
        })
    };
    let fields = json!({
        "variables": { "n": 1 },
        "steps": [adding("a"), adding("b"), adding("c")],
        "output": "{'n': workflowVariables.n}",
    });
    plan(
        fields,
        &[("a", json!({})), ("b", json!({})), ("c", json!({}))],
    )
}

#[test]
fn steps_run_one_after_another_and_hand_their_data_on() {
    let plan = three_steps();
    let mut decision = started(&plan);
    for (place, name) in ["a", "b", "c"].into_iter().enumerate() {
        let task = only_task(&decision);
        let state = &decision.state;
        assert_eq!(task.input, json!({ "n": place + 1 }), "{name}");
        assert_eq!(task.context.task_path.as_deref(), Some(name));
        assert_eq!(task.id, TaskId::of_step(workflow_id(), 0, name, 0));
        let expected = Leaf {
            path: name.to_owned(),
            kind: LeafKind::Task(task.id),
            since: state.version,
        };
        assert_eq!(leaves(&plan, state), [expected]);
        assert_eq!(state.version, place as u64 + 1);
        assert_eq!(state.status, WorkflowStatus::Running);
        let now = 10_000 * (place as u64 + 1);
        decision = changed(&plan, state, now, &[completed(&task, task.input.clone())]);
    }
    let state = decision.state;
    assert_eq!(state.status, WorkflowStatus::Completed);
    assert_eq!(state.output, Some(json!({ "n": 4 })));
    assert_eq!((state.version, state.updated_at), (4, at(30_000)));
    assert_eq!((state.end_time, state.due_at), (Some(at(30_000)), None));
    assert_eq!(state.expires_at, Some(at(30_000).plus_millis(RETENTION)));
    assert_eq!((decision.effects, leaves(&plan, &state)), (vec![], vec![]));
}

#[test]
fn hops_leave_the_due_time_alone_until_it_has_passed() {
    const MINUTE: u64 = 60_000;
    let plan = three_steps();
    let first = started(&plan);
    assert_eq!(first.state.due_at, Some(at(15 * MINUTE)));
    let event = completed(&only_task(&first), json!({ "n": 1 }));
    let second = changed(&plan, &first.state, 14 * MINUTE, &[event]);
    assert_eq!(second.state.due_at, Some(at(15 * MINUTE)));
    let event = completed(&only_task(&second), json!({ "n": 1 }));
    let third = changed(&plan, &second.state, 16 * MINUTE, &[event]);
    assert_eq!(third.state.due_at, Some(at(31 * MINUTE)));
}

/// Steps `a`, `b` and `c` with these conditions; the names of those that begin, each completing.
fn steps_taken(conditions: [&str; 3]) -> (Vec<String>, WorkflowInstance) {
    let names = ["a", "b", "c"];
    let steps: Vec<Value> = names
        .iter()
        .zip(conditions)
        .map(|(name, condition)| {
            let mut step = step(name);
            step["condition"] = condition.into();
            step
        })
        .collect();
    let plan = plan(
        json!({ "steps": steps }),
        &names.map(|name| (name, json!({}))),
    );
    let mut decision = started(&plan);
    let mut taken = Vec::new();
    while !decision.state.status.is_terminal() {
        let task = only_task(&decision);
        taken.extend(task.context.task_path.clone());
        decision = changed(
            &plan,
            &decision.state,
            1000,
            &[completed(&task, json!(null))],
        );
    }
    (taken, decision.state)
}

#[test]
fn steps_whose_condition_is_not_true_are_passed_over_in_the_same_version() {
    let yes = "workflowInput.wanted";
    let no = "$boolean(workflowInput.absent)";
    let cases: [([&str; 3], &[&str]); 5] = [
        ([yes, yes, yes], &["a", "b", "c"]),
        ([no, yes, yes], &["b", "c"]),
        ([yes, no, no], &["a"]),
        ([no, no, yes], &["c"]),
        ([no, no, no], &[]),
    ];
    for (conditions, expected) in cases {
        let (taken, state) = steps_taken(conditions);
        assert_eq!(taken, expected, "{conditions:?}");
        assert_eq!(state.status, WorkflowStatus::Completed);
        assert_eq!(state.version, 1 + expected.len() as u64, "{conditions:?}");
        assert_eq!(
            state.metrics.task_count,
            expected.len() as u64,
            "{conditions:?}"
        );
    }
}

/// Ends a workflow with this output.
fn check_output(fields: Value, expected: Result<Value, (&str, &str)>) {
    let place = fields.to_string();
    let state = started(&plan(fields, &[])).state;
    let actual = match (&state.output, &state.error) {
        (Some(output), None) => Ok(output.clone()),
        (None, Some(error)) => Err((error.code.as_str(), error.message.as_str())),
        other => panic!("either an output or an error: {other:?}"),
    };
    let status = match expected {
        Ok(_) => WorkflowStatus::Completed,
        Err(_) => WorkflowStatus::Failed,
    };
    assert_eq!(state.status, status, "{place}");
    match (actual, expected) {
        (Err((code, message)), Err((expected_code, part))) => {
            assert_eq!(code, expected_code, "{place}");
            assert!(message.contains(part), "{place} says {message}");
        }
        (actual, expected) => assert_eq!(actual, expected, "{place}"),
    }
    assert!(
        state.expires_at.is_some() && state.due_at.is_none(),
        "{place}"
    );
}

#[test]
fn the_output_is_what_its_expression_gives_and_its_schema_accepts() {
    let bad = "EXPRESSION_ERROR";
    let schema = json!({ "type": "number" });
    check_output(json!({}), Ok(json!(null)));
    check_output(json!({ "output": "1 + 1" }), Ok(json!(2)));
    check_output(json!({ "output": "null" }), Ok(json!(null)));
    check_output(json!({ "output": "context.taskPath" }), Ok(json!("")));
    check_output(
        json!({ "output": "workflowInput.absent" }),
        Err((bad, "output: gives nothing")),
    );
    check_output(json!({ "output": "$number('x')" }), Err((bad, "output: ")));
    check_output(
        json!({ "output": "3", "outputSchema": schema }),
        Ok(json!(3)),
    );
    check_output(
        json!({ "output": "'x'", "outputSchema": schema }),
        Err(("INVALID_OUTPUT", "the whole: ")),
    );
    check_output(
        json!({ "outputSchema": schema }),
        Err(("INVALID_OUTPUT", "the whole: ")),
    );
}

#[test]
fn tasks_run_in_the_name_of_whoever_started_the_workflow() {
    let demanding = json!({ "securityRequirements": { "requiredPermissions": ["pay"] } });
    let plan = plan(json!({ "steps": [step("a")] }), &[("a", demanding)]);
    let task = only_task(&started_by(&plan, &["pay"]));
    assert_eq!(task.context.security_context.user_id, "ann");
    assert_eq!(task.context.security_context.required_permissions, ["pay"]);
    let denied = started_by(&plan, &["read"]);
    let record = only_task(&denied);
    assert_eq!(record.status, TaskStatus::Failed);
    let error = denied.state.error.unwrap();
    assert_eq!(error.code, failure::PERMISSION_DENIED);
    assert_eq!(error.details["missing"], json!(["pay"]));
    assert_eq!(error.details["taskPath"], "a");
    assert_eq!(denied.state.status, WorkflowStatus::Failed);
}

#[test]
fn a_task_that_waits_long_wakes_its_workflow() {
    let plan = three_steps();
    let decision = started(&plan);
    let task_id = only_task(&decision).id;
    let waits = |millis| Event::TaskWaits {
        task_id,
        wake_at: at(millis),
    };
    let waiting = changed(&plan, &decision.state, 1000, &[waits(60_000)]);
    assert_eq!(waiting.effects, vec![]);
    assert_eq!(wake_at(&waiting.state), Some(at(60_000)));
    assert_eq!(waiting.state.due_at, Some(at(60_000)));
    assert_eq!(fold(&plan, &waiting.state, 1000, &[waits(60_000)]), None);
    // A time that is further away than the next check does not move the due time.
    let later = changed(&plan, &decision.state, 1000, &[waits(86_400_000)]);
    assert_eq!(later.state.due_at, decision.state.due_at);
}

#[test]
fn a_task_with_a_limit_of_its_own_wakes_its_workflow_then() {
    let limited = json!({ "timeouts": { "scheduleToStart": 5000 } });
    let plan = plan(json!({ "steps": [step("a")] }), &[("a", limited)]);
    let state = started(&plan).state;
    assert_eq!(wake_at(&state), Some(at(5000)));
    assert_eq!(state.due_at, Some(at(5000)));
    let looked_at = checked(&plan, &state, &[], at(5000));
    assert_eq!(looked_at.due_at, Some(at(5000).plus_millis(3_600_000)));
}

#[test]
fn looks_in_vain_grow_rarer_and_change_nothing_else() {
    let plan = three_steps();
    let state = started(&plan).state;
    let first = checked(&plan, &state, &[], at(900_000));
    let expected = WorkflowInstance {
        version: 2,
        checks: 1,
        due_at: Some(at(900_000 + 3_600_000)),
        ..state
    };
    assert_eq!(first, expected);
    let second = checked(&plan, &first, &[], at(5_000_000));
    assert_eq!(second.due_at, Some(at(5_000_000 + 6 * 3_600_000)));
}

/// A step that waits for so long beside one that does what it likes.
fn beside_a_wait(millis: u64) -> Plan {
    let steps = json!([{ "name": "both", "type": "PARALLEL", "branches": [
        { "name": "w", "steps": [{ "name": "wait", "type": "WAIT", "duration": millis }] },
        { "name": "t", "steps": [step("a"), step("b")] },
    ] }]);
    plan(json!({ "steps": steps }), &[])
}

#[test]
fn a_time_is_brought_up_by_a_message_or_by_the_due_time() {
    const MINUTE: u64 = 60_000;
    let near = beside_a_wait(10 * MINUTE);
    let first = started(&near);
    assert!(first.effects.contains(&Effect::Wake(at(10 * MINUTE))));
    assert_eq!(first.state.due_at, Some(at(15 * MINUTE)));
    let task = only_task(&first);
    let second = changed(&near, &first.state, MINUTE, &[completed(&task, json!(1))]);
    assert_eq!(second.state.due_at, Some(at(15 * MINUTE)));

    // Too far for a message when it was set: whoever next moves the due time brings it up.
    let far = beside_a_wait(20 * MINUTE);
    let first = started(&far);
    assert_eq!(created(&first).len(), first.effects.len());
    assert_eq!(first.state.due_at, Some(at(15 * MINUTE)));
    let looked_at = checked(&far, &first.state, &[], at(15 * MINUTE));
    assert_eq!(looked_at.due_at, Some(at(20 * MINUTE)));
    let end = completed(&only_task(&first), json!(1));
    let second = changed(&far, &first.state, 16 * MINUTE, &[end]);
    assert_eq!(second.state.due_at, Some(at(20 * MINUTE)));
}
