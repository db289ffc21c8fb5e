//! The documentation's table of fields, held against the code.

use crate::registration::json_schema;
use crate::registration::unsupported::{COMBINATIONS, TABLE, What};

const PAGE: &str = include_str!("../../../docs/fields.md");

#[test]
fn the_page_has_every_field_that_is_refused_with_its_reason() {
    for row in TABLE {
        let place = match row.place {
            "TaskDefinition" => "task",
            "WorkflowDefinition" => "workflow",
            "Step" => "step",
            "Timeouts" => "`timeouts`",
            other => panic!("{other} has no word in the page"),
        };
        let what = match row.what {
            What::Field => row.field.to_owned(),
            What::Value(value) => format!("{}: {value}", row.field),
        };
        let line = format!("| {place} | `{what}` | {} |", row.reason);
        assert!(PAGE.contains(&line), "the page lacks: {line}");
    }
    for row in COMBINATIONS {
        let field = row.field.join(".");
        let line = format!("| `{}` | `{field}` | {} |", row.executor, row.reason);
        assert!(PAGE.contains(&line), "the page lacks: {line}");
    }
    let rows = PAGE.split("## Refused").skip(1).flat_map(str::lines);
    let rows = rows.filter(|line| line.starts_with("| ") && line.matches('|').count() == 4);
    let beyond = rows.take_while(|line| !line.contains("in | what it does"));
    // Each of the two tables has a head.
    assert_eq!(beyond.count(), TABLE.len() + COMBINATIONS.len() + 2);
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
