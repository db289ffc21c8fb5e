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
