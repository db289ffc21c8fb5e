//! References from workflows to tasks and to other workflows.

use semver::Version;
use serde_json::{Value, json};

use super::{everywhere, with_steps, workflow_of};
use crate::ids::DefinitionId;
use crate::registration::{
    DefinitionKind, Existing, check_references, check_together, read_text, referred_to,
};

fn id(text: &str) -> DefinitionId {
    DefinitionId::new(text).unwrap()
}

/// What is registered in these tests.
fn existing() -> Existing {
    let mut existing = Existing::default();
    let mut add = |kind, name: &str, versions: &[&str]| {
        let versions: Vec<Version> = versions.iter().map(|v| v.parse().unwrap()).collect();
        existing.add(kind, id(name), versions);
    };
    add(
        DefinitionKind::Task,
        "reserve-stock",
        &["1.0.0", "1.10.0", "1.9.0"],
    );
    add(DefinitionKind::Task, "make-invoice", &["2.0.0-beta.1"]);
    add(DefinitionKind::Task, "t", &["1.0.0"]);
    add(DefinitionKind::Workflow, "ship-order", &["1.0.0", "3.0.0"]);
    add(DefinitionKind::Workflow, "w", &["0.9.0"]);
    existing
}

/// A range, and the place, message and nearest name of a problem.
type Row<'a> = (
    &'a str,
    Option<&'a str>,
    Option<(&'a str, &'a str, Option<&'a str>)>,
);

#[test]
fn references_to_tasks_that_do_not_exist_are_told_with_what_does() {
    let cases: [Row<'_>; 9] = [
        ("reserve-stock", None, None),
        ("reserve-stock", Some("^1.9"), None),
        ("make-invoice", None, None),
        ("make-invoice", Some("^2.0.0-beta"), None),
        (
            "reserve-stok",
            None,
            Some((
                "/taskDefinitionId",
                "there is no task definition \"reserve-stok\"",
                Some("reserve-stock"),
            )),
        ),
        (
            "unheard-of",
            Some("^1"),
            Some((
                "/taskDefinitionId",
                "there is no task definition \"unheard-of\"",
                None,
            )),
        ),
        (
            "ship-order",
            None,
            Some((
                "/taskDefinitionId",
                "there is no task definition \"ship-order\"",
                None,
            )),
        ),
        (
            "reserve-stock",
            Some("^2"),
            Some((
                "/taskVersion",
                "no version of \"reserve-stock\" matches ^2: there is 1.10.0, 1.9.0, 1.0.0",
                None,
            )),
        ),
        (
            "make-invoice",
            Some("^2"),
            Some((
                "/taskVersion",
                "no version of \"make-invoice\" matches ^2: there is 2.0.0-beta.1",
                None,
            )),
        ),
    ];
    for row in cases {
        let (id, range, _) = row;
        let mut task = json!({ "name": "a", "taskDefinitionId": id });
        if let Some(range) = range {
            task["taskVersion"] = json!(range);
        }
        check_reference(&task, "", row, "UNKNOWN_TASK_DEFINITION");
        let mut undo = task.clone();
        undo.as_object_mut().unwrap().shift_remove("name");
        let undone = json!({ "name": "a", "type": "SUB_WORKFLOW",
            "workflowDefinitionId": "ship-order", "compensation": undo });
        check_reference(&undone, "/compensation", row, "UNKNOWN_TASK_DEFINITION");
        let undone =
            json!({ "name": "a", "taskDefinitionId": "make-invoice", "compensation": undo });
        check_reference(&undone, "/compensation", row, "UNKNOWN_TASK_DEFINITION");
    }
}

#[test]
fn references_to_workflows_that_do_not_exist_are_told_with_what_does() {
    let cases: [Row<'_>; 8] = [
        ("ship-order", None, None),
        ("ship-order", Some("^3"), None),
        // A workflow may call itself, in the version that is being registered.
        ("w", None, None),
        ("w", Some("=1.0.0"), None),
        ("w", Some("=0.9.0"), None),
        (
            "w",
            Some("^2"),
            Some((
                "/workflowVersion",
                "no version of \"w\" matches ^2: there is 1.0.0, 0.9.0",
                None,
            )),
        ),
        (
            "shiporder",
            None,
            Some((
                "/workflowDefinitionId",
                "there is no workflow definition \"shiporder\"",
                Some("ship-order"),
            )),
        ),
        (
            "make-invoice",
            None,
            Some((
                "/workflowDefinitionId",
                "there is no workflow definition \"make-invoice\"",
                None,
            )),
        ),
    ];
    for row in cases {
        let (id, range, _) = row;
        let mut child = json!({ "name": "a", "type": "SUB_WORKFLOW", "workflowDefinitionId": id });
        if let Some(range) = range {
            child["workflowVersion"] = json!(range);
        }
        check_reference(&child, "", row, "UNKNOWN_WORKFLOW_DEFINITION");
    }
    let own =
        with_steps(&json!([{ "name": "a", "type": "SUB_WORKFLOW", "workflowDefinitionId": "w" }]));
    let alone = check_references(&workflow_of(&own.to_string()), &Existing::default());
    assert_eq!(alone, []);
}

/// Checks the problem of a step wherever a step may stand.
#[track_caller]
fn check_reference(step: &Value, place: &str, (_, _, expected): Row<'_>, code: &str) {
    let documents = everywhere(&json!([step])).into_iter();
    // Inside a MAP nothing can be undone.
    let documents = documents
        .filter(|(document, _)| place.is_empty() || !document.to_string().contains("\"MAP\""));
    for (document, block) in documents {
        let problems = check_references(&workflow_of(&document.to_string()), &existing());
        let found: Vec<_> = problems
            .iter()
            .map(|p| {
                (
                    p.code,
                    p.pointer.clone(),
                    p.message.as_str(),
                    p.nearest.as_deref(),
                )
            })
            .collect();
        let expected = expected.map(|(field, message, nearest)| {
            (code, format!("{block}/0{place}{field}"), message, nearest)
        });
        assert_eq!(found, Vec::from_iter(expected), "{document}");
    }
}

#[test]
fn what_a_workflow_refers_to_is_named_once() {
    let steps = json!([
        { "name": "a", "taskDefinitionId": "one", "compensation": { "taskDefinitionId": "two" } },
        { "name": "b", "type": "MAP", "items": "a", "steps": [{ "name": "c", "taskDefinitionId": "one" }] },
        { "name": "d", "type": "SUB_WORKFLOW", "workflowDefinitionId": "one" },
    ]);
    let workflow = workflow_of(&with_steps(&steps).to_string());
    assert_eq!(
        Vec::from_iter(referred_to(&workflow)),
        [
            (DefinitionKind::Task, id("one")),
            (DefinitionKind::Task, id("two")),
            (DefinitionKind::Workflow, id("one")),
        ]
    );
}

#[test]
fn texts_that_belong_together_are_checked_together() {
    let task = |id: &str| {
        format!(
            "id: {id}\nversion: 1.0.0\nname: T\ntype: AUTOMATED\nexecutionConfig: {{executor: 'builtin:noop'}}\n"
        )
    };
    let steps = "\
id: w
version: 1.0.0
name: W
steps:
- {name: a, taskDefinitionId: count}
- {name: b, taskDefinitionId: coutn}
- name: c
  taskDefinitionId: count
  taskVersion: ^2
- {name: d, taskDefinitionId: broken, taskVersion: ^7}
- {name: e, type: SUB_WORKFLOW, workflowDefinitionId: w, workflowVersion: =1.0.0}
- {name: f, type: SUB_WORKFLOW, workflowDefinitionId: broken}
- {name: g, type: SUB_WORKFLOW, workflowDefinitionId: half, workflowVersion: ^7}
";
    let readings = [
        read_text(steps),
        read_text(&format!(
            "{}---\n{}colour: red\n",
            task("count"),
            task("broken")
        )),
        read_text(&task("count")),
        // A workflow may have the id of a task.
        read_text("id: count\nversion: 1.0.0\nname: W\nsteps: []\n"),
        read_text("id: half\nversion: 1.0.0\nsteps: []\n"),
    ];
    let found: Vec<Vec<_>> = check_together(&readings)
        .into_iter()
        .map(|problems| {
            problems
                .into_iter()
                .map(|p| (p.code, p.pointer, p.line))
                .collect()
        })
        .collect();
    let problem = |code, pointer: &str, line| (code, pointer.to_owned(), Some(line));
    assert_eq!(
        found,
        [
            vec![
                problem("UNKNOWN_TASK_DEFINITION", "/steps/1/taskDefinitionId", 6),
                problem("UNKNOWN_TASK_DEFINITION", "/steps/2/taskVersion", 9),
                problem(
                    "UNKNOWN_WORKFLOW_DEFINITION",
                    "/steps/5/workflowDefinitionId",
                    12
                ),
            ],
            vec![],
            vec![problem("VERSION_EXISTS", "/version", 2)],
            vec![],
            vec![],
        ]
    );
}

#[test]
fn only_a_step_of_a_persons_task_is_assigned_to_people() {
    let texts = "\
id: sign\nversion: 1.0.0\nname: S\ntype: MANUAL\n---\n\
id: sign\nversion: 2.0.0\nname: S\ntype: AUTOMATED\nexecutionConfig: {executor: 'builtin:noop'}\n---\n\
id: w\nversion: 1.0.0\nname: W\nsteps:\n\
  - {name: a, taskDefinitionId: sign, taskVersion: ^1, assignment: {assignee: ann}}\n\
  - {name: b, taskDefinitionId: sign, assignment: {assignee: ann}}\n\
  - {name: c, taskDefinitionId: sign}\n";
    let reading = read_text(texts);
    assert_eq!(reading.problems, []);
    let [problems] = <[_; 1]>::try_from(check_together(&[reading])).unwrap();
    let found: Vec<_> = problems
        .iter()
        .map(|one| (one.code, &*one.pointer, one.line))
        .collect();
    assert_eq!(found, [("NOT_SUPPORTED", "/steps/1/assignment", Some(17))]);
}

#[test]
fn a_step_asks_for_heartbeats_only_of_tasks_that_can_give_them() {
    let task = |version: &str, executor: &str| {
        format!(
            "{{id: t, version: {version}, name: T, type: AUTOMATED, executionConfig: {{executor: '{executor}'}}}}\n---\n"
        )
    };
    let flow = |range: &str| {
        format!(
            "{{id: w, version: 1.0.0, name: W, steps: [{{name: a, taskDefinitionId: t, taskVersion: {range}, timeouts: {{heartbeat: 5}}}}]}}\n"
        )
    };
    let silent = [("NOT_SUPPORTED", "/steps/0/timeouts/heartbeat")];
    /// The executors of the versions, the range, and the problems.
    type Case<'a> = (&'a [&'a str], &'a str, &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 5] = [
        (&["process:true"], "'*'", &[]),
        (&["https://example.com"], "'*'", &silent),
        (&["lambda:f", "builtin:noop"], "'*'", &silent),
        (&["lambda:f", "process:true"], "'*'", &[]),
        (&["lambda:f", "process:true"], "'=1.0.0'", &silent),
    ];
    for (executors, range, expected) in cases {
        let tasks = executors.iter().enumerate();
        let tasks: String = tasks
            .map(|(n, one)| task(&format!("1.{n}.0"), one))
            .collect();
        let text = tasks + &flow(range);
        let problems = check_together(&[read_text(&text)]).remove(0);
        let found: Vec<_> = problems
            .iter()
            .map(|one| (one.code, one.pointer.as_str()))
            .collect();
        assert_eq!(found, expected, "{text}");
    }
}

#[test]
fn a_step_asks_of_people_nothing_that_never_comes() {
    let flow = |step: &str| {
        format!(
            "{{id: t, version: 1.0.0, name: T, type: MANUAL, timeout: 100, assignment: {{dueIn: 50, escalateTo: heads}}}}\n---\n\
             {{id: u, version: 1.0.0, name: U, type: MANUAL}}\n---\n\
             {{id: w, version: 1.0.0, name: W, steps: [{{name: a, {step}}}]}}\n"
        )
    };
    /// What the step says, and the problems.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)]);
    let cases: [Case<'_>; 8] = [
        ("taskDefinitionId: t, timeout: 51", &[]),
        (
            "taskDefinitionId: t, assignment: {escalateTo: ann, followUpIn: 50}",
            &[],
        ),
        (
            "taskDefinitionId: t, timeout: 50",
            &[("OUT_OF_RANGE", "/steps/0/timeout")],
        ),
        (
            "taskDefinitionId: t, timeouts: {scheduleToClose: 50}",
            &[("OUT_OF_RANGE", "/steps/0/timeouts")],
        ),
        (
            "taskDefinitionId: t, assignment: {followUpIn: 51}",
            &[("OUT_OF_RANGE", "/steps/0/assignment/followUpIn")],
        ),
        (
            "taskDefinitionId: t, assignment: {dueIn: 100}",
            &[("OUT_OF_RANGE", "/steps/0/assignment/dueIn")],
        ),
        (
            "taskDefinitionId: t, timeout: 40, assignment: {candidateUsers: [ann]}",
            &[("OUT_OF_RANGE", "/steps/0/assignment")],
        ),
        (
            "taskDefinitionId: u, assignment: {escalateTo: ann}",
            &[("MISSING_FIELD", "/steps/0/assignment")],
        ),
    ];
    for (step, expected) in cases {
        let reading = read_text(&flow(step));
        assert_eq!(reading.problems, []);
        let [problems] = <[_; 1]>::try_from(check_together(&[reading])).unwrap();
        let found: Vec<_> = problems
            .iter()
            .map(|one| (one.code, &*one.pointer))
            .collect();
        assert_eq!(found, expected, "{step}");
    }
}
