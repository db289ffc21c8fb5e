//! Security contexts: the definition's two demands as one, and what a task inherits.

use serde_json::{Value, json};

use super::*;
use crate::testing::{definition, user};

fn check_demand(requirements: Value, config: Value, expected: &Value) {
    let place = format!("{requirements} and {config}");
    let mut fields = json!({});
    if !requirements.is_null() {
        fields["securityRequirements"] = requirements;
    }
    if !config.is_null() {
        fields["executionConfig"] = json!({ "securityContext": config });
    }
    let context = user(&[]).for_task(&definition(fields));
    let actual = json!({
        "permissions": context.required_permissions,
        "level": context.security_level,
        "data": context.data_classification,
    });
    assert_eq!(&actual, expected, "{place}");
}

#[test]
fn the_stricter_of_two_demands_wins() {
    let demand = |permissions: &[&str], level: Value, data: Value| json!({ "permissions": permissions, "level": level, "data": data });
    let config = |permissions: &[&str], level: &str| json!({ "permissions": permissions, "securityLevel": level });
    check_demand(
        Value::Null,
        Value::Null,
        &demand(&[], json!(null), json!(null)),
    );
    check_demand(
        json!({ "requiredPermissions": ["a"], "securityLevel": "MEDIUM", "dataClassification": "pii" }),
        Value::Null,
        &demand(&["a"], json!("MEDIUM"), json!("pii")),
    );
    check_demand(
        Value::Null,
        config(&["b"], "LOW"),
        &demand(&["b"], json!("LOW"), json!(null)),
    );
    check_demand(
        json!({ "requiredPermissions": ["a", "b"], "securityLevel": "LOW" }),
        config(&["b", "c"], "HIGH"),
        &demand(&["a", "b", "c"], json!("HIGH"), json!(null)),
    );
    check_demand(
        json!({ "securityLevel": "HIGH", "dataClassification": "pii" }),
        config(&[], "MEDIUM"),
        &demand(&[], json!("HIGH"), json!("pii")),
    );
}

/// The seed's `createTaskSecurityContext`.
#[test]
fn a_task_inherits_whose_it_is_and_takes_its_demands_from_its_own_definition() {
    let demanding = definition(json!({
        "securityRequirements": { "requiredPermissions": ["pay"], "securityLevel": "HIGH" },
    }));
    let workflow = user(&["read", "pay"]);
    let of_task = workflow.for_task(&demanding);
    let expected = SecurityContext {
        required_permissions: vec!["pay".to_owned()],
        security_level: Some(SecurityLevel::High),
        ..workflow.clone()
    };
    assert_eq!(of_task, expected);
    // What one task demands is not handed on to the next.
    assert_eq!(of_task.for_task(&definition(json!({}))), workflow);
}

#[test]
fn what_is_required_and_not_held_is_missing() {
    let cases: [(&[&str], &[&str], &[&str]); 5] = [
        (&[], &[], &[]),
        (&["a"], &[], &[]),
        (&["a", "b"], &["b", "a"], &[]),
        (&["a"], &["a", "b", "c"], &["b", "c"]),
        (&["A", "a "], &["a"], &["a"]),
    ];
    for (held, required, expected) in cases {
        let fields = json!({ "securityRequirements": { "requiredPermissions": required } });
        let context = user(held).for_task(&definition(fields));
        assert_eq!(
            context.missing_permissions(),
            expected,
            "{held:?} for {required:?}"
        );
    }
}

#[test]
fn levels_are_ordered_by_strictness() {
    assert!(SecurityLevel::Low < SecurityLevel::Medium);
    assert!(SecurityLevel::Medium < SecurityLevel::High);
}

fn check_person(demand: Value, held: &[&str], expected: &[&str]) {
    let fields = json!({ "securityRequirements": demand });
    let context = user(&[]).for_task(&definition(fields.clone()));
    let held: Vec<String> = held.iter().map(ToString::to_string).collect();
    assert_eq!(
        context.missing_in_person(&held),
        expected,
        "{fields} {held:?}"
    );
}

#[test]
fn a_person_must_be_cleared_for_the_level_and_the_data_of_a_task() {
    check_person(json!({}), &[], &[]);
    check_person(json!({ "securityLevel": "LOW" }), &[], &[]);
    let medium = json!({ "securityLevel": "MEDIUM" });
    check_person(medium.clone(), &[], &["taskmill:security-level:MEDIUM"]);
    check_person(
        medium.clone(),
        &["taskmill:security-level:LOW"],
        &["taskmill:security-level:MEDIUM"],
    );
    check_person(medium.clone(), &["taskmill:security-level:MEDIUM"], &[]);
    check_person(medium, &["taskmill:security-level:HIGH"], &[]);
    let all = json!({
        "requiredPermissions": ["sign"], "securityLevel": "HIGH", "dataClassification": "pii",
    });
    let clearances = [
        "taskmill:security-level:HIGH",
        "taskmill:data-classification:pii",
    ];
    let cleared = ["sign", clearances[0], clearances[1]];
    check_person(all.clone(), &[], &cleared);
    check_person(all.clone(), &cleared, &[]);
    let other = [
        "sign",
        "taskmill:security-level:MEDIUM",
        "taskmill:data-classification:PII",
    ];
    check_person(all, &other, &clearances);
}
