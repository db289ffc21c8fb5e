//! What a place costs: of a definition with `concurrency` or `rateLimit`, or of a tenant with limits,
//! besides what its tasks cost anyway.

use serde_json::json;

use taskmill::task::tenants::TenantLimits;

use super::{Cost, TASK, TASK_DUE, TASK_STATUS, check, run_task, script};
use crate::support::{Records, aws, create, limited_service, register, service, settle, task_of};

/// Tasks of which one runs at once.
const DEFINITION: &str = "
id: narrow
name: Narrow
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
concurrency: {limit: 1}
";

#[tokio::test(start_paused = true)]
async fn a_place_that_is_free_costs_two_write_units() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITION).await;
    run_task(&aws, service.app(), "narrow", &json!({}), "first").await;
    let before = aws.meter().snapshot();
    run_task(&aws, service.app(), "narrow", &json!({}), "second").await;
    check(
        "a lazy task that takes a place",
        &aws.meter().since(&before),
        &Cost {
            writes: &[(TASK, 4.0), (TASK_STATUS, 3.0), (TASK_DUE, 2.0)],
            reads: 6.0,
            requests: &[
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 4),
                ("dynamodb.Query", 5),
                ("sqs.DeleteMessageBatch", 2),
                ("sqs.ReceiveMessage", 2),
                ("sqs.SendMessageBatch", 2),
            ],
            invocations: &[("execute-task", 1), ("process-result", 1)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_has_to_wait_costs_four_write_units_and_a_message() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITION).await;
    run_task(&aws, service.app(), "narrow", &json!({}), "first").await;
    let before = aws.meter().snapshot();
    for key in ["at once", "waits"] {
        create(service.app(), "narrow", json!({"how": "slow"}), key).await;
    }
    for key in ["at once", "waits"] {
        Records::of(&aws).ended_task(task_of(key)).await;
    }
    settle(&aws).await;
    check(
        "two tasks of two seconds, one after the other",
        &aws.meter().since(&before),
        &Cost {
            // Three for each task, two for the place of the one, four for that of the other.
            writes: &[(TASK, 12.0), (TASK_STATUS, 10.0), (TASK_DUE, 4.0)],
            reads: 14.0,
            requests: &[
                ("dynamodb.DeleteItem", 1),
                ("dynamodb.GetItem", 2),
                ("dynamodb.PutItem", 11),
                ("dynamodb.Query", 12),
                ("sqs.DeleteMessageBatch", 4),
                ("sqs.ReceiveMessage", 4),
                ("sqs.SendMessageBatch", 5),
            ],
            invocations: &[("execute-task", 2), ("process-result", 2)],
        },
    );
}

/// The same by a rate.
fn rare(limit: u32) -> String {
    let rate = format!("rateLimit: {{limit: {limit}, per: PT10S}}");
    DEFINITION.replace("concurrency: {limit: 1}", &rate)
}

#[tokio::test(start_paused = true)]
async fn a_start_that_a_rate_counts_costs_one_write_unit() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), &rare(5)).await;
    run_task(&aws, service.app(), "narrow", &json!({}), "first").await;
    let before = aws.meter().snapshot();
    run_task(&aws, service.app(), "narrow", &json!({}), "second").await;
    check(
        "a lazy task whose start counts",
        &aws.meter().since(&before),
        &Cost {
            writes: &[(TASK, 3.0), (TASK_STATUS, 3.0), (TASK_DUE, 2.0)],
            reads: 4.0,
            requests: &[
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 3),
                ("dynamodb.Query", 3),
                ("sqs.DeleteMessageBatch", 2),
                ("sqs.ReceiveMessage", 2),
                ("sqs.SendMessageBatch", 2),
            ],
            invocations: &[("execute-task", 1), ("process-result", 1)],
        },
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_that_waits_for_a_rate_costs_five_write_units_and_three_messages() {
    let (aws, script) = (aws(), script());
    let service = service(&aws, &script).await;
    register(service.app(), &rare(1)).await;
    run_task(&aws, service.app(), "narrow", &json!({}), "first").await;
    let before = aws.meter().snapshot();
    run_task(&aws, service.app(), "narrow", &json!({}), "second").await;
    check(
        "a lazy task that waits for a rate",
        &aws.meter().since(&before),
        &Cost {
            // It is noted when the line is looked at, it joins the line, is called, taken out of it,
            // and begins.
            writes: &[(TASK, 7.0), (TASK_STATUS, 3.0), (TASK_DUE, 2.0)],
            reads: 9.0,
            requests: &[
                ("dynamodb.DeleteItem", 1),
                ("dynamodb.GetItem", 1),
                ("dynamodb.PutItem", 6),
                ("dynamodb.Query", 8),
                ("sqs.DeleteMessageBatch", 5),
                ("sqs.ReceiveMessage", 5),
                ("sqs.SendMessageBatch", 5),
            ],
            invocations: &[
                ("execute-task", 3),
                ("process-result", 1),
                ("schedule-retry", 1),
            ],
        },
    );
}

/// Limits of Acme, or of another tenant.
fn limits(tenant: &str) -> TenantLimits {
    TenantLimits::read(&format!("{{\"{tenant}\": {{\"concurrency\": 5}}}}")).unwrap()
}

async fn of_task_where(limits: TenantLimits, definition: &str) -> taskmill_local::Usage {
    let (aws, script) = (aws(), script());
    let service = limited_service(&aws, &script, limits).await;
    register(service.app(), definition).await;
    run_task(&aws, service.app(), "narrow", &json!({}), "first").await;
    let before = aws.meter().snapshot();
    run_task(&aws, service.app(), "narrow", &json!({}), "second").await;
    aws.meter().since(&before)
}

#[tokio::test(start_paused = true)]
async fn a_tenants_place_costs_what_a_definitions_does_and_others_pay_for_none() {
    let free = DEFINITION.replace("concurrency: {limit: 1}", "");
    let plain = of_task_where(TenantLimits::default(), &free).await;
    let others = of_task_where(limits("zeta"), &free).await;
    assert_eq!(others, plain, "limits of another tenant");
    let of_definition = of_task_where(TenantLimits::default(), DEFINITION).await;
    let of_tenant = of_task_where(limits("acme"), &free).await;
    assert_eq!(of_tenant, of_definition);
    let of_both = of_task_where(limits("acme"), DEFINITION).await;
    let writes = |usage: &taskmill_local::Usage| usage.total_capacity().write;
    assert_eq!(writes(&of_both) - writes(&plain), 4.0);
}
