//! References from workflows to tasks, and warnings.

use super::workflow_of;
use crate::ids::DefinitionId;
use crate::registration::{check_references, check_together, read_text, warnings};

#[test]
fn references_to_tasks_that_do_not_exist_are_told_with_what_does() {
    let known = ["reserve-stock", "make-invoice"].map(|id| DefinitionId::new(id).unwrap());
    let versions = |id: &DefinitionId| match id.as_str() {
        "reserve-stock" => vec![
            "1.0.0".parse().unwrap(),
            "1.10.0".parse().unwrap(),
            "1.9.0".parse().unwrap(),
        ],
        "make-invoice" => vec!["2.0.0-beta.1".parse().unwrap()],
        _ => Vec::new(),
    };
    /// An id, a range, and the place, message and nearest name of the problem.
    type Row<'a> = (
        &'a str,
        Option<&'a str>,
        Option<(&'a str, &'a str, Option<&'a str>)>,
    );
    let cases: [Row<'_>; 8] = [
        ("reserve-stock", None, None),
        ("reserve-stock", Some("^1.9"), None),
        ("make-invoice", None, None),
        ("make-invoice", Some("^2.0.0-beta"), None),
        (
            "reserve-stok",
            None,
            Some((
                "/steps/0/taskDefinitionId",
                "there is no task definition \"reserve-stok\"",
                Some("reserve-stock"),
            )),
        ),
        (
            "unheard-of",
            Some("^1"),
            Some((
                "/steps/0/taskDefinitionId",
                "there is no task definition \"unheard-of\"",
                None,
            )),
        ),
        (
            "reserve-stock",
            Some("^2"),
            Some((
                "/steps/0/taskVersion",
                "no version of \"reserve-stock\" matches ^2: there is 1.10.0, 1.9.0, 1.0.0",
                None,
            )),
        ),
        (
            "make-invoice",
            Some("^2"),
            Some((
                "/steps/0/taskVersion",
                "no version of \"make-invoice\" matches ^2: there is 2.0.0-beta.1",
                None,
            )),
        ),
    ];
    for (id, range, expected) in cases {
        let range = range
            .map(|range| format!(", taskVersion: '{range}'"))
            .unwrap_or_default();
        let text = format!(
            "id: w\nversion: 1.0.0\nname: W\nsteps: [{{name: a, taskDefinitionId: {id}{range}}}]\n"
        );
        let problems = check_references(&workflow_of(&text), &versions, &known);
        let found: Vec<_> = problems
            .iter()
            .map(|p| (p.pointer.as_str(), p.message.as_str(), p.nearest.as_deref()))
            .collect();
        assert_eq!(found, Vec::from_iter(expected), "{id} {range}");
        assert!(problems.iter().all(|p| p.code == "UNKNOWN_TASK_DEFINITION"));
    }
}

#[test]
fn a_variable_that_nothing_sets_is_warned_of_at_its_first_use() {
    let text = "\
id: w
version: 1.0.0
name: W
variables: {currency: EUR}
steps:
- name: a
  taskDefinitionId: t
  condition: \"$exists(workflowVariables.totl) and myworkflowVariables.x\"
  inputMappings:
  - {type: DIRECT, source: currency, target: a}
  - {type: DIRECT, source: curency.code, target: b}
  - {type: DIRECT, source: workflowInput.order, target: c}
  - {type: DIRECT, source: workflowVariables.vanished, target: d}
  - {type: EXPRESSION, expression: \"workflowVariables . total + workflowVariables.`odd name`\", target: e}
  variableMappings:
  - {type: EXPRESSION, expression: taskOutput.sum, target: total.net}
  - {type: DIRECT, source: anything, target: copy}
output: \"{'t': workflowVariables.total, 'x': workflowVariables.totl, 'all': workflowVariables}\"
";
    let warnings = warnings(&workflow_of(text));
    let found: Vec<_> = warnings
        .iter()
        .map(|w| (w.code, w.pointer.as_str(), w.nearest.as_deref()))
        .collect();
    assert_eq!(
        found,
        [
            ("UNSET_VARIABLE", "/steps/0/condition", Some("total")),
            (
                "UNSET_VARIABLE",
                "/steps/0/inputMappings/1/source",
                Some("currency")
            ),
            ("UNSET_VARIABLE", "/steps/0/inputMappings/3/source", None),
            (
                "UNSET_VARIABLE",
                "/steps/0/inputMappings/4/expression",
                None
            ),
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
            ],
            vec![],
            vec![problem("VERSION_EXISTS", "/version", 2)],
            vec![],
        ]
    );
}
