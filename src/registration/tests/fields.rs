//! The documentation's table of fields, held against the code.

use crate::registration::json_schema;
use crate::registration::unsupported::COMBINATIONS;

const PAGE: &str = include_str!("../../../docs/fields.md");

/// Where the tests are that the page names, by the beginning of their names.
const TESTS: &[(&str, &str)] = &[
    ("tasks::", include_str!("tasks.rs")),
    ("people::", include_str!("people.rs")),
    ("workflows::", include_str!("workflows.rs")),
    ("whole::", include_str!("whole.rs")),
    ("across::", include_str!("across.rs")),
    ("properties::", include_str!("properties.rs")),
    ("steps::", include_str!("steps.rs")),
    ("blocks::", include_str!("blocks.rs")),
    ("warnings::", include_str!("warnings.rs")),
    ("error_info::tests::", include_str!("../../error_info.rs")),
    ("ids::tests::", include_str!("../../ids.rs")),
    ("time::tests::", include_str!("../../time.rs")),
    ("metrics::tests::", include_str!("../../metrics/tests.rs")),
    ("security::tests::", include_str!("../../security/tests.rs")),
    (
        "task::assignment::tests::",
        include_str!("../../task/assignment/tests.rs"),
    ),
    (
        "task::lifecycle::tests::workers::",
        include_str!("../../task/lifecycle/tests/workers.rs"),
    ),
    ("task::audit::tests::", include_str!("../../task/audit.rs")),
    (
        "task::concurrency::tests::",
        include_str!("../../task/concurrency/tests.rs"),
    ),
    (
        "task::concurrency::tests::interleaved::",
        include_str!("../../task/concurrency/tests/interleaved.rs"),
    ),
    (
        "task::concurrency::tests::rates::",
        include_str!("../../task/concurrency/tests/rates.rs"),
    ),
    (
        "task::concurrency::starts::tests::",
        include_str!("../../task/concurrency/starts.rs"),
    ),
    ("task::rate::tests::", include_str!("../../task/rate.rs")),
    (
        "task::creation::tests::",
        include_str!("../../task/creation/tests.rs"),
    ),
    (
        "task::dispatch::tests::",
        include_str!("../../task/dispatch/tests.rs"),
    ),
    (
        "task::due::tests::",
        include_str!("../../task/due/tests.rs"),
    ),
    ("task::form::tests::", include_str!("../../task/form.rs")),
    (
        "task::instance::tests::",
        include_str!("../../task/instance/tests.rs"),
    ),
    (
        "security::redaction::tests::",
        include_str!("../../security/redaction/tests.rs"),
    ),
    (
        "task::lifecycle::tests::handover::",
        include_str!("../../task/lifecycle/tests/handover.rs"),
    ),
    (
        "task::lifecycle::tests::cases::",
        include_str!("../../task/lifecycle/tests/cases.rs"),
    ),
    (
        "task::lifecycle::tests::people::",
        include_str!("../../task/lifecycle/tests/people.rs"),
    ),
    (
        "task::lifecycle::tests::properties::",
        include_str!("../../task/lifecycle/tests/properties.rs"),
    ),
    (
        "task::lifecycle::tests::tables::",
        include_str!("../../task/lifecycle/tests/tables.rs"),
    ),
    (
        "task::output::tests::",
        include_str!("../../task/output/tests.rs"),
    ),
    (
        "task::retry::tests::",
        include_str!("../../task/retry/tests.rs"),
    ),
    (
        "task::routing::tests::",
        include_str!("../../task/routing/tests.rs"),
    ),
    (
        "task::timeouts::tests::",
        include_str!("../../task/timeouts/tests.rs"),
    ),
    (
        "workflow::creation::tests::",
        include_str!("../../workflow/creation/tests.rs"),
    ),
    (
        "workflow::decider::tests::",
        include_str!("../../workflow/decider/tests.rs"),
    ),
    (
        "workflow::decider::tests::failures::",
        include_str!("../../workflow/decider/tests/failures.rs"),
    ),
    (
        "workflow::decider::tests::properties::",
        include_str!("../../workflow/decider/tests/properties.rs"),
    ),
    (
        "workflow::decider::tests::repeats::",
        include_str!("../../workflow/decider/tests/repeats.rs"),
    ),
    (
        "workflow::decider::tests::steps::",
        include_str!("../../workflow/decider/tests/steps.rs"),
    ),
    (
        "workflow::instance::tests::",
        include_str!("../../workflow/instance/tests.rs"),
    ),
    (
        "workflow::mapping::tests::",
        include_str!("../../workflow/mapping_test.rs"),
    ),
    (
        "aws::config::tests::",
        include_str!("../../../infra/aws/src/config.rs"),
    ),
    (
        "aws::executor::http::tests::",
        include_str!("../../../infra/aws/src/executor/http/tests.rs"),
    ),
    (
        "aws::executor::lambda::tests::",
        include_str!("../../../infra/aws/src/executor/lambda/tests.rs"),
    ),
    ("schedules::", include_str!("schedules.rs")),
    (
        "schedule::tests::clocks::",
        include_str!("../../schedule/tests/clocks.rs"),
    ),
    (
        "schedule::tests::firing::",
        include_str!("../../schedule/tests/firing.rs"),
    ),
    (
        "schedule::tests::life::",
        include_str!("../../schedule/tests/life.rs"),
    ),
    (
        "aws::store::definitions::",
        include_str!("../../../infra/aws/tests/store/definitions.rs"),
    ),
    (
        "aws::store::format::",
        include_str!("../../../infra/aws/tests/store/format.rs"),
    ),
    (
        "aws::store::lists::",
        include_str!("../../../infra/aws/tests/store/lists.rs"),
    ),
    (
        "aws::store::records::",
        include_str!("../../../infra/aws/tests/store/records.rs"),
    ),
    (
        "local::process::tests::",
        include_str!("../../../infra/local/src/process/tests.rs"),
    ),
    (
        "local::process::command::tests::",
        include_str!("../../../infra/local/src/process/command.rs"),
    ),
];

#[test]
fn every_test_that_the_page_names_is_there() {
    let names: Vec<&str> = PAGE
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|code| code.contains("::") && !code.ends_with("::"))
        .collect();
    assert!(names.len() > 50, "the names were not found");
    for name in names {
        let (module, function) = name.rsplit_once("::").expect("it was asked above");
        let module = format!("{module}::");
        let source = TESTS.iter().find(|(start, _)| *start == module);
        let source = source.map_or("", |(_, source)| source);
        assert!(
            source.contains(&format!("fn {function}(")),
            "there is no test {name}"
        );
    }
}

#[test]
fn every_field_of_the_page_is_shown_by_something() {
    let rows = PAGE
        .lines()
        .filter(|line| line.starts_with("| ") && line.matches(" | ").count() == 3);
    assert!(rows.clone().count() > 60, "the rows were not found");
    for row in rows {
        let shown_by = row.rsplit(" | ").next().unwrap_or_default();
        assert!(shown_by.trim_end_matches('|').trim() != "", "{row}");
    }
}

#[test]
fn the_page_has_every_field_that_is_refused_with_its_reason() {
    for row in COMBINATIONS {
        let field = row.field.join(".");
        let line = format!("| `{}` | `{field}` | {} |", row.executor, row.reason);
        assert!(PAGE.contains(&line), "the page lacks: {line}");
    }
    let rows = PAGE.split("## Refused").skip(1).flat_map(str::lines);
    let rows = rows.filter(|line| line.starts_with("| ") && line.matches('|').count() == 4);
    let beyond = rows.take_while(|line| !line.contains("in | what it does"));
    // The table has a head.
    assert_eq!(beyond.count(), COMBINATIONS.len() + 1);
}

#[test]
fn the_page_has_every_field_of_the_language() {
    let schema = json_schema();
    let types = schema["$defs"].as_object().expect("it has types");
    for (name, one) in types {
        let fields = one["properties"].as_object().into_iter().flatten();
        for (field, _) in fields {
            let mentioned =
                PAGE.contains(&format!("`{field}`")) || PAGE.contains(&format!(".{field}`"));
            let of_the_request = name == "HttpRequest" && PAGE.contains("method, headers and body");
            let of_a_rule = name == "RetryRule";
            assert!(
                mentioned || of_the_request || of_a_rule,
                "the page lacks {name}.{field}"
            );
        }
    }
}

#[test]
fn the_schema_that_is_published_is_that_of_the_types() {
    let published = include_str!("../../../docs/definition.schema.json");
    let now = serde_json::to_string_pretty(&json_schema()).expect("it is JSON");
    assert!(
        published.trim_end() == now,
        "docs/definition.schema.json must be:\n{now}"
    );
}
