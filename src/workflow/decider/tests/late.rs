//! Steps that completed in the very moment in which they were not wanted any more.

use super::world::{World, check};
use super::*;

fn undoing(name: &str) -> Value {
    json!({
        "name": name,
        "dependsOn": [],
        "compensation": { "taskDefinitionId": format!("undo-{name}") },
    })
}

fn side_by_side(last: Value) -> Value {
    json!({ "steps": [undoing("a"), undoing("b"), undoing("c"), last] })
}

fn breaks() -> Value {
    json!({ "name": "d", "dependsOn": [] })
}

#[test]
fn a_step_that_completed_as_it_was_to_be_cancelled_is_undone_first() {
    const UNDONE: [&str; 2] = ["b/compensation COMPLETED", "a/compensation COMPLETED"];
    let undo = "b/compensation+ a/compensation+";
    let before = ["a COMPLETED", "b COMPLETED"];
    let cases = [
        ("undo", "c CANCELLED d CANCELLED", "CANCELLED CANCELLED"),
        (
            "pause undo",
            "c CANCELLED d CANCELLED",
            "CANCELLED CANCELLED",
        ),
        ("d-", "d FAILED c CANCELLED", "FAILED BUSY"),
        ("@500", "c CANCELLED d CANCELLED", "TIMED_OUT TIMEOUT"),
    ];
    for (ends, trace, outcome) in cases {
        let mut fields = side_by_side(breaks());
        fields["timeout"] = 500.into();
        let words: Vec<&str> = trace.split(' ').collect();
        let ended: Vec<String> = words.chunks(2).map(|pair| pair.join(" ")).collect();
        let mut expected: Vec<&str> = before.to_vec();
        expected.extend(ended.iter().map(String::as_str));
        expected.extend(UNDONE);
        expected.push(outcome);
        check(fields, &format!("a+ late:b {ends} {undo}"), &expected);
    }
}

#[test]
fn without_compensation_a_late_end_is_taken_note_of_and_nothing_else() {
    let mut world = World::new(side_by_side(breaks()));
    world.play("a+ late:b cancel");
    assert_eq!(
        (world.open().as_str(), world.state().is_settled()),
        ("", true)
    );
    assert_eq!(world.state().metrics.task_count, 2);
}

#[test]
fn a_late_end_in_a_branch_that_failed_and_one_of_a_child_count_alike() {
    let fields = json!({ "steps": [{ "name": "p", "type": "PARALLEL", "branches": [
        { "name": "x", "steps": [undoing("a"), breaks()] },
        { "name": "y", "steps": [{
            "name": "below",
            "type": "SUB_WORKFLOW",
            "workflowDefinitionId": "child",
            "compensation": { "taskDefinitionId": "undo-below" },
        }] },
    ] }] });
    check(
        fields,
        "late:p/x/a late:p/y/below p/x/d- p/y/below/compensation+ p/x/a/compensation+",
        &[
            "p/x/a COMPLETED",
            "p/y/below COMPLETED",
            "p/x/d FAILED",
            "p/y/below/compensation COMPLETED",
            "p/x/a/compensation COMPLETED",
            "FAILED BUSY",
        ],
    );
}

#[test]
fn a_late_end_sets_no_variables_but_its_compensation_sees_them() {
    let mut late = undoing("b");
    late["variableMappings"] =
        json!([{ "type": "EXPRESSION", "expression": "taskOutput", "target": "got" }]);
    late["compensation"]["inputMappings"] =
        json!([{ "type": "DIRECT", "source": "got", "target": "got" }]);
    let mut broken = undoing("c");
    broken["variableMappings"] = json!([
        { "type": "DIRECT", "source": "nowhere", "target": "x", "required": true },
    ]);
    let mut world = World::new(json!({ "steps": [late, broken, breaks()] }));
    world.play("late:b late:c undo");
    assert_eq!(world.state().variables, JsonObject::new());
    let open = world.tasks.values().find(|task| !task.status.is_terminal());
    assert_eq!(open.unwrap().input, json!({ "got": "b" }));
    world.play("b/compensation+");
    assert!(world.state().is_settled(), "c failed at its mappings");
}

#[test]
fn a_retry_does_again_what_completed_late_and_was_undone() {
    let child = json!({
        "name": "below",
        "type": "SUB_WORKFLOW",
        "dependsOn": [],
        "workflowDefinitionId": "child",
        "compensation": { "taskDefinitionId": "undo-below" },
    });
    let mut world = World::new(json!({ "steps": [undoing("a"), child, breaks()] }));
    world.play("late:a late:below d- below/compensation+ a/compensation+");
    assert_eq!(world.open(), "");
    world.play("retry");
    assert_eq!(world.open(), "a below d");
    world.play("a+ below+ d+");
    assert_eq!(world.outcome(), "COMPLETED null");
}
