//! What is known and that nothing here can honour.

use serde_json::{Value, json};

use super::{check_document, message};
use crate::registration::unsupported;

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
