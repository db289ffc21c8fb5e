//! What is known and that nothing here can honour.

use serde_json::{Value, json};

use super::{check_document, check_steps, message, with_steps};
use crate::registration::unsupported::{self, INSIDE_MAP};

#[test]
fn what_a_batch_of_iterations_cannot_do_is_refused_inside_a_map_at_every_depth() {
    let signal = json!({ "name": "s", "type": "SIGNAL", "signal": "go" });
    let undone = json!({ "name": "u", "taskDefinitionId": "t", "compensation": { "taskDefinitionId": "t" } });
    let child = json!({ "name": "c", "type": "SUB_WORKFLOW", "workflowDefinitionId": "v",
        "compensation": { "taskDefinitionId": "t" } });
    let steps = json!([signal, undone, child]);
    check_steps(&steps, &[]);
    let repeat =
        json!([{ "name": "l", "type": "LOOP", "until": "a", "maxIterations": 1, "steps": steps }]);
    check_steps(&repeat, &[]);
    let map = |steps: &Value| json!([{ "name": "m", "type": "MAP", "items": "a", "steps": steps }]);
    check_steps(
        &map(&steps),
        &[
            ("NOT_SUPPORTED", "/steps/0/steps/1/compensation"),
            ("NOT_SUPPORTED", "/steps/0/steps/2/compensation"),
        ],
    );
    check_steps(
        &map(&repeat),
        &[
            ("NOT_SUPPORTED", "/steps/0/steps/0/steps/1/compensation"),
            ("NOT_SUPPORTED", "/steps/0/steps/0/steps/2/compensation"),
        ],
    );
    // What handles the MAP's own failure is outside of it.
    let mut handled = map(&json!([]));
    handled[0]["onError"] = json!([{ "errorCodes": ["*"], "steps": steps }]);
    check_steps(&handled, &[]);
    for row in INSIDE_MAP {
        let text = with_steps(&map(&json!([undone]))).to_string();
        assert!(message(&text).ends_with(row.reason), "{row:?}");
    }
}

#[test]
fn every_row_of_the_table_of_what_is_not_supported_is_refused_with_its_reason() {
    for row in unsupported::TABLE {
        let (base, owner) = match row.place {
            "TaskDefinition" => (task_document(), ""),
            "Timeouts" => (task_document(), "/timeouts"),
            other => panic!("no document for {other}"),
        };
        let mut document = base;
        let place = document.pointer_mut(owner).expect("the document has it");
        place[row.field] = json!([]);
        check_document(
            &document,
            &[("NOT_SUPPORTED", &format!("{owner}/{}", row.field))],
        );
        assert!(
            message(&document.to_string()).ends_with(row.reason),
            "{row:?}"
        );
    }
}

fn task_document() -> Value {
    json!({"id": "t", "version": "1.0.0", "name": "T", "type": "AUTOMATED", "timeouts": {},
        "executionConfig": {"executor": "builtin:noop"}})
}
