//! Whole workflows: the examples.

use super::exported;

#[track_caller]
fn check(name: &str, texts: &[&str]) {
    let export = exported(&texts.join("\n---\n")).unwrap();
    insta::assert_json_snapshot!(name, export.machine);
}

#[test]
fn an_order() {
    check(
        "order-fulfilment",
        &[
            include_str!("../../../../examples/order-fulfilment/workflow.yaml"),
            include_str!("../../../../examples/order-fulfilment/tasks.yaml"),
        ],
    );
}

#[test]
fn a_customer_with_two_addresses() {
    check(
        "customer-onboarding",
        &[
            include_str!("../../../../examples/customer-onboarding/workflow.yaml"),
            include_str!("../../../../examples/customer-onboarding/tasks.yaml"),
        ],
    );
}

#[test]
fn an_expense_that_somebody_approves() {
    check(
        "expense-approval",
        &[
            include_str!("../../../../examples/expense-approval/workflow.yaml"),
            include_str!("../../../../examples/expense-approval/tasks.yaml"),
        ],
    );
}

#[test]
fn the_other_examples_are_exported_or_say_why_not() {
    let check = |texts: &[&str], expected: &[&str]| {
        let problems = exported(&texts.join("\n---\n")).map_or_else(|found| found, |_| Vec::new());
        let told: Vec<&str> = problems.iter().map(|one| one.pointer.as_str()).collect();
        assert_eq!(told, expected);
    };
    check(
        &[
            include_str!("../../../../examples/build-graph/workflow.yaml"),
            include_str!("../../../../examples/build-graph/tasks.yaml"),
        ],
        &[],
    );
    check(
        &[
            include_str!("../../../../examples/document-intake/workflow.yaml"),
            include_str!("../../../../examples/document-intake/tasks.yaml"),
        ],
        &[],
    );
    // What runs into its limit there is over at once, and these have something to do then.
    check(
        &[include_str!(
            "../../../../examples/nightly-report/workflow.yaml"
        )],
        &["/timeout"],
    );
    check(
        &[include_str!(
            "../../../../examples/travel-saga/workflow.yaml"
        )],
        &["/timeout"],
    );
    // They take the first of two.
    check(
        &[include_str!(
            "../../../../examples/polling-loop/workflow.yaml"
        )],
        &["/steps/1/join"],
    );
    check(
        &[include_str!(
            "../../../../examples/two-providers/workflow.yaml"
        )],
        &["/steps/0/join"],
    );
}
