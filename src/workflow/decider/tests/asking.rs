//! What people ask of a workflow, and what its state refuses.

use super::world::{World, check};
use super::*;
use crate::codes::refusal;

fn three() -> Value {
    json!({ "steps": [step("a"), step("b"), step("c")] })
}

const A: &str = "a COMPLETED";
const B: &str = "b COMPLETED";
const C: &str = "c COMPLETED";

#[test]
fn a_pause_starts_nothing_new_and_keeps_what_arrives() {
    let rows: &[(&str, &[&str])] = &[
        ("pause a+", &[A, "PAUSED"]),
        ("pause a+ resume b+ c+", &[A, B, C, "COMPLETED null"]),
        ("pause resume a+ b+ c+", &[A, B, C, "COMPLETED null"]),
        ("pause !pause", &["PAUSED"]),
        ("!resume", &["RUNNING"]),
        (
            "pause cancel !resume",
            &["a CANCELLED", "CANCELLED CANCELLED"],
        ),
        ("pause a- resume", &["a FAILED", "FAILED BUSY"]),
        (
            "a+ b+ c+ !pause !cancel !retry",
            &[A, B, C, "COMPLETED null"],
        ),
    ];
    for (script, expected) in rows {
        check(three(), script, expected);
    }
}

#[test]
fn clocks_run_on_in_a_pause_and_what_fell_due_acts_at_the_resume() {
    let wait = json!({ "name": "w", "type": "WAIT", "duration": 500 });
    let fields = json!({ "timeout": 2000, "steps": [wait, step("a")] });
    check(
        fields.clone(),
        "pause @600 resume a+",
        &[A, "COMPLETED null"],
    );
    check(fields.clone(), "pause @3000", &["PAUSED"]);
    check(fields, "pause @3000 resume", &["TIMED_OUT TIMEOUT"]);
    let mut world = World::new(json!({ "steps": [wait_of(100_000), step("a")] }));
    world.play("pause @50000 resume @99999");
    assert_eq!(world.open(), "");
    world.play("@100000");
    assert_eq!(world.open(), "a");
}

fn wait_of(millis: u64) -> Value {
    json!({ "name": "w", "type": "WAIT", "duration": millis })
}

#[test]
fn a_child_is_paused_and_resumed_with_its_parent() {
    let child = json!({ "name": "c", "type": "SUB_WORKFLOW", "workflowDefinitionId": "other" });
    let mut world = World::steps(json!([child]));
    world.play("pause resume");
    assert_eq!(world.asked, ["c pause", "c resume"]);
}

#[test]
fn a_retry_goes_on_at_the_steps_that_failed() {
    let rows: &[(&str, &[&str])] = &[
        ("!retry", &["RUNNING"]),
        (
            "a+ b- retry b+ c+",
            &[A, "b FAILED", B, C, "COMPLETED null"],
        ),
        (
            "a- retry a- retry a+ b+ c+",
            &["a FAILED", "a FAILED", A, B, C, "COMPLETED null"],
        ),
        (
            "a+ cancel !retry",
            &[A, "b CANCELLED", "CANCELLED CANCELLED"],
        ),
    ];
    for (script, expected) in rows {
        check(three(), script, expected);
    }
}

#[test]
fn a_retry_keeps_what_is_done_beside_the_failure() {
    let branch = |name: &str| json!({ "name": name, "steps": [step(&format!("{name}1")), step(&format!("{name}2"))] });
    let parallel = json!({
        "name": "p",
        "type": "PARALLEL",
        "branches": [branch("a"), branch("b"), branch("c")],
    });
    let mut world = World::steps(json!([parallel]));
    world.play("p/a/a1+ p/a/a2+ p/b/b1+ p/b/b2-");
    assert_eq!(world.trace.last().unwrap(), "p/c/c1 CANCELLED");
    world.play("retry");
    assert_eq!(world.open(), "p/b/b2 p/c/c1");
    world.play("p/b/b2+ p/c/c1+ p/c/c2+");
    assert_eq!(world.outcome(), "COMPLETED null");
}

#[test]
fn a_retry_begins_the_limit_and_a_loops_turn_anew() {
    let mut fields = three();
    fields["timeout"] = 1000.into();
    check(
        fields.clone(),
        "a+ @1000 retry @1999 b+ c+",
        &[A, "b CANCELLED", B, C, "COMPLETED null"],
    );
    check(
        fields,
        "a+ @1000 retry @2000",
        &[A, "b CANCELLED", "b CANCELLED", "TIMED_OUT TIMEOUT"],
    );
    let repeat = json!({
        "name": "l",
        "type": "LOOP",
        "until": "index = 1",
        "maxIterations": 5,
        "steps": [step("a"), step("b")],
    });
    check(
        json!({ "steps": [repeat] }),
        "l[0]/a+ l[0]/b+ l[1]/a+ l[1]/b- retry l[1]/b+",
        &[
            "l[0]/a COMPLETED",
            "l[0]/b COMPLETED",
            "l[1]/a COMPLETED",
            "l[1]/b FAILED",
            "l[1]/b COMPLETED",
            "COMPLETED null",
        ],
    );
}

#[test]
fn steps_that_were_undone_run_again_after_a_retry() {
    let undoing = |name: &str| json!({ "name": name, "compensation": { "taskDefinitionId": format!("undo-{name}") } });
    let fields = json!({ "steps": [undoing("a"), undoing("b"), step("c")] });
    check(
        fields,
        "a+ b+ c- !retry b/compensation+ a/compensation-NO retry b+ c+",
        &[
            A,
            B,
            "c FAILED",
            "b/compensation COMPLETED",
            "a/compensation FAILED",
            B,
            C,
            "COMPLETED null",
        ],
    );
}

#[test]
fn a_child_that_was_undone_runs_again_as_another_one() {
    let child = json!({
        "name": "c",
        "type": "SUB_WORKFLOW",
        "workflowDefinitionId": "other",
        "compensation": { "taskDefinitionId": "undo-c" },
    });
    let mut world = World::steps(json!([child, step("a")]));
    let first = *world.children.keys().next().unwrap();
    world.play("c+ a- c/compensation+ retry");
    let second = *world.children.keys().next().unwrap();
    assert_ne!(first, second);
    world.play("c+ a+");
    assert_eq!(world.outcome(), "COMPLETED null");
}

#[test]
fn a_retry_goes_into_a_failed_child() {
    let child = json!({ "name": "c", "type": "SUB_WORKFLOW", "workflowDefinitionId": "other" });
    let mut world = World::steps(json!([child]));
    let id = *world.children.keys().next().unwrap();
    world.play("c- retry");
    assert_eq!(
        world.children.keys().collect::<Vec<_>>(),
        [&id],
        "it is the same child"
    );
    assert_eq!(world.asked, ["c retry"]);
}

#[test]
fn a_skipped_step_is_done_with_the_output_that_was_given() {
    let mut fields = three();
    fields["steps"][1]["variableMappings"] =
        json!([{ "type": "EXPRESSION", "expression": "taskOutput", "target": "out" }]);
    fields["output"] = "[workflowVariables.out]".into();
    let rows: &[(&str, &[&str])] = &[
        ("a+ skip:b=7 c+", &[A, "b CANCELLED", C, "COMPLETED [7]"]),
        ("skip:b=7 a+ c+", &[A, C, "COMPLETED [7]"]),
        ("a+ b- skip:b=7 c+", &[A, "b FAILED", C, "COMPLETED [7]"]),
        (
            "a+ pause skip:b=7 resume c+",
            &[A, "b CANCELLED", C, "COMPLETED [7]"],
        ),
        ("pause a+ skip:b=7 resume c+", &[A, C, "COMPLETED [7]"]),
        ("a+ !skip:a=7 !skip:nothing", &[A, "RUNNING"]),
        (
            "a+ cancel !skip:b",
            &[A, "b CANCELLED", "CANCELLED CANCELLED"],
        ),
    ];
    for (script, expected) in rows {
        check(fields.clone(), script, expected);
    }
    let mut world = World::new(fields);
    world.play("a+ skip:b=7");
    let skipped = &world.state().course.skipped;
    assert_eq!(
        (skipped[0].path.as_str(), &skipped[0].output),
        ("b", &Some(json!(7)))
    );
}

#[test]
fn a_step_that_waits_can_be_skipped() {
    let signal = json!({ "name": "s", "type": "SIGNAL", "signal": "go" });
    let child = json!({ "name": "c", "type": "SUB_WORKFLOW", "workflowDefinitionId": "other" });
    let fields = json!({ "steps": [wait_of(500), signal, child, step("a")] });
    check(
        fields,
        "skip:w skip:s skip:c a+",
        &["c CANCELLED", A, "COMPLETED null"],
    );
}

#[test]
fn variables_are_updated_while_the_workflow_is_open() {
    let mut world = World::new(json!({ "variables": { "a": 1, "b": 2 }, "steps": [step("t")] }));
    let update = |variables: Value| {
        let variables = variables.as_object().unwrap().clone();
        super::asked(Ask::UpdateVariables { variables })
    };
    world.fold(workflow_id(), &update(json!({ "a": 7, "c": null })));
    assert_eq!(
        json!(world.state().variables),
        json!({ "a": 7, "b": 2, "c": null })
    );
    let reserved = world.fold(workflow_id(), &update(json!({ "workflowInput": 1 })));
    let is_invalid =
        matches!(&reserved, Applied::Refused(refused) if refused.code == refusal::INVALID_INPUT);
    assert!(is_invalid, "{reserved:?}");
    world.play("t+");
    let late = world.fold(workflow_id(), &update(json!({ "a": 8 })));
    assert!(matches!(late, Applied::Refused(_)), "{late:?}");
}

#[test]
fn each_request_is_taken_once_under_its_id() {
    let plan = three_steps();
    let first = started(&plan);
    let request = |id: &str, ask: Ask| {
        Event::Operation(Box::new(Operation {
            request_id: Some(id.to_owned()),
            by_parent: None,
            ask,
        }))
    };
    let pause = request("one", Ask::Pause);
    let paused = changed(&plan, &first.state, 1000, std::slice::from_ref(&pause));
    assert_eq!(fold(&plan, &paused.state, 2000, &[pause]), None);
    let check_refused = |ask: Event, code: &str| {
        let mut again = Fold::of(&plan, paused.state.clone(), facts(2000));
        let applied = again.apply(&ask);
        let Applied::Refused(refused) = applied else {
            panic!("{ask:?} is no repeat: {applied:?}");
        };
        assert_eq!(refused.code, code);
        assert_eq!(again.finish(), None, "what is refused changes nothing");
    };
    check_refused(request("two", Ask::Pause), refusal::ILLEGAL_STATE);
    check_refused(request("one", Ask::Resume), refusal::IDEMPOTENCY_CONFLICT);
    let resumed = changed(&plan, &paused.state, 3000, &[request("two", Ask::Resume)]);
    assert_eq!(resumed.state.status, WorkflowStatus::Running);
}

#[test]
fn the_same_id_with_other_words_is_another_request() {
    let plan = three_steps();
    let first = started(&plan).state;
    let signal = |data: u64| {
        let ask = Ask::Signal {
            name: "s".to_owned(),
            data: json!(data),
        };
        Operation {
            request_id: Some("one".to_owned()),
            by_parent: None,
            ask,
        }
    };
    let event = Event::Operation(Box::new(signal(1)));
    let mut state = changed(&plan, &first, 1000, &[event]).state;
    assert_eq!(signal(1).repeats(&first), Ok(false));
    assert_eq!(signal(1).repeats(&state), Ok(true));
    let refused = signal(2).repeats(&state).unwrap_err();
    assert_eq!(refused.code, refusal::IDEMPOTENCY_CONFLICT);
    // As an older version remembered it.
    state.course.requests[0].truncate(32);
    assert_eq!(signal(2).repeats(&state), Ok(true));
}

fn asked_by_parent(version: u64, ask: Ask) -> Event {
    Event::Operation(Box::new(Operation {
        request_id: Some(format!("{version} {}", ask.as_str())),
        by_parent: Some(version),
        ask,
    }))
}

#[test]
fn what_a_parent_asks_for_again_is_so_already() {
    let plan = three_steps();
    let child = started(&plan).state;
    let paused = changed(&plan, &child, 1000, &[asked_by_parent(5, Ask::Pause)]);
    let again = asked_by_parent(6, Ask::Pause);
    let resumed = asked_by_parent(7, Ask::Resume);
    let resumed = changed(&plan, &paused.state, 2000, &[again.clone(), resumed]);
    for (state, ask) in [
        (paused.state, again),
        (resumed.state, asked_by_parent(8, Ask::Resume)),
    ] {
        let mut fold = Fold::of(&plan, state, facts(3000));
        let applied = fold.apply(&ask);
        assert!(!matches!(applied, Applied::Refused(_)), "{applied:?}");
    }
}

#[test]
fn what_a_parent_asked_before_is_not_heeded_any_more() {
    let plan = three_steps();
    let child = started(&plan).state;
    let retry = asked_by_parent(6, Ask::Retry);
    let goes_on = changed(&plan, &child, 1000, &[retry]);
    assert_eq!(goes_on.state.status, WorkflowStatus::Running);
    let late = asked_by_parent(5, Ask::cancel("its parent is over"));
    assert_eq!(fold(&plan, &goes_on.state, 2000, &[late]), None);
    let newer = asked_by_parent(7, Ask::cancel("its parent is over"));
    let over = changed(&plan, &goes_on.state, 2000, &[newer]);
    assert_eq!(over.state.status, WorkflowStatus::Cancelled);
}

#[test]
fn a_child_that_is_being_undone_goes_on_with_its_parent_after_that() {
    let undoing = json!({ "name": "a", "compensation": { "taskDefinitionId": "undo-a" } });
    let mut world = World::steps(json!([undoing, step("b")]));
    world.play("a+ b-");
    let retry = asked_by_parent(9, Ask::Retry);
    assert_eq!(world.fold(workflow_id(), &retry), Applied::Changed);
    assert_eq!(world.open(), "a/compensation");
    world.play("a/compensation+");
    assert_eq!(world.open(), "a");
    world.play("a+ b+");
    assert_eq!(world.outcome(), "COMPLETED null");
}

#[test]
fn what_failed_behind_a_step_that_is_done_again_waits_for_it() {
    let undoing = json!({ "name": "a", "compensation": { "taskDefinitionId": "undo-a" } });
    let child = json!({ "name": "c", "type": "SUB_WORKFLOW", "workflowDefinitionId": "other" });
    let mut world = World::steps(json!([undoing, child]));
    world.play("a+");
    let id = *world.children.keys().next().unwrap();
    world.play("c- a/compensation+ retry");
    assert_eq!((world.open().as_str(), world.asked.len()), ("a", 0));
    world.play("a+");
    assert_eq!(world.asked, ["c retry"]);
    assert_eq!(world.children.keys().collect::<Vec<_>>(), [&id]);
}

#[test]
fn what_is_handed_in_ahead_of_its_time_is_kept_up_to_a_size() {
    let mut world = World::steps(json!([step("t"), step("a"), step("b"), step("c")]));
    let text = |bytes: usize| "x".repeat(bytes);
    let signal = |world: &mut World, bytes: usize| {
        let data = text(bytes).into();
        let name = "go".to_owned();
        world.fold(workflow_id(), &super::asked(Ask::Signal { name, data }))
    };
    let skip = |world: &mut World, path: &str, bytes: usize| {
        let (path, output) = (path.to_owned(), text(bytes).into());
        world.fold(workflow_id(), &super::asked(Ask::Skip { path, output }))
    };
    let is_refused = |applied: Applied| match applied {
        Applied::Refused(refused) => {
            assert_eq!(refused.code, crate::codes::refusal::ILLEGAL_STATE);
            true
        }
        Applied::Changed | Applied::Nothing => false,
    };
    // Quotes and names count.
    let half = crate::limits::KEPT_BYTES / 2;
    assert!(is_refused(signal(&mut world, 2 * half)));
    assert!(!is_refused(signal(&mut world, half - "go".len() - 2)));
    assert!(is_refused(skip(&mut world, "a", half)));
    assert!(!is_refused(skip(&mut world, "a", half - "a".len() - 2)));
    assert!(is_refused(signal(&mut world, 0)));
    // What stands in the place of another does not count beside it.
    assert!(!is_refused(skip(&mut world, "a", 7)));
    assert!(!is_refused(skip(&mut world, "b", half / 2)));
    assert!(is_refused(skip(&mut world, "c", half / 2)));
    world.play("t+");
    let listed = |world: &World| {
        let skipped = world.state().course.skipped.iter();
        skipped.map(|one| one.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(listed(&world), ["a", "b"]);
    assert_eq!(world.open(), "c");
    assert!(!is_refused(skip(&mut world, "c", half - 9)));
    assert_eq!(listed(&world), ["a", "b", "c"]);
}

#[test]
fn the_steps_that_are_listed_as_skipped_make_room_for_each_other() {
    let mut world = World::steps(json!([step("a"), step("b"), step("c")]));
    for path in ["a", "b"] {
        let output = "x".repeat(crate::limits::KEPT_BYTES / 2).into();
        let path = path.to_owned();
        let skip = super::asked(Ask::Skip { path, output });
        assert_eq!(world.fold(workflow_id(), &skip), Applied::Changed);
    }
    let skipped = &world.state().course.skipped;
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0].path, "b");
}
