//! Records that cannot be read are put off, looked at again later, and keep nobody else from being
//! looked at.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::json;
use taskmill::task::TaskStatus;
use taskmill_app::sweep;
use taskmill_local::LocalAws;
use uuid::Uuid;

use crate::support::{
    Answer, HOUR, MINUTE, Records, SECOND, Script, aws, create, deaf, pass, register, service,
    start,
};

const DEFINITIONS: &str = "
id: act
name: Act
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
{id: flow, name: Flow, version: 1.0.0, steps: [{name: act, taskDefinitionId: act}]}
";

const TASKS: &str = "TaskInstances";
const WORKFLOWS: &str = "WorkflowInstances";
/// What no definition is called, in a head.
const GARBAGE: &str = "garbage";

/// Replaces the definition that a record's head names, and gives what it was.
async fn with_definition(aws: &LocalAws, table: &str, id: Uuid, definition: &str) -> String {
    let client = aws_sdk_dynamodb::Client::new(&aws.background_sdk_config());
    let updated = client
        .update_item()
        .table_name(table)
        .key("id", AttributeValue::B(Blob::new(*id.as_bytes())))
        .key("part", AttributeValue::S("head".to_owned()))
        .update_expression("SET d = :definition")
        .expression_attribute_values(":definition", AttributeValue::S(definition.to_owned()))
        .return_values(aws_sdk_dynamodb::types::ReturnValue::UpdatedOld)
        .send();
    let before = updated.await.unwrap().attributes.unwrap();
    before["d"].as_s().unwrap().clone()
}

#[tokio::test(start_paused = true)]
async fn a_sweep_puts_off_what_it_cannot_read_and_looks_at_the_rest() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let well = create(&app, "act", json!({}), "well").await;
    let task = create(&app, "act", json!({}), "ill").await;
    let workflow = start(&app, "flow", json!({}), "ill").await;
    let of_task = with_definition(&aws, TASKS, task.uuid(), GARBAGE).await;
    let of_workflow = with_definition(&aws, WORKFLOWS, workflow.uuid(), GARBAGE).await;
    let records = Records::of(&aws);
    assert!(records.store().task(task).await.is_err());
    assert!(records.store().workflow(workflow).await.is_err());

    pass(&aws, 15 * MINUTE).await;
    assert_eq!(sweep::sweep(&app).await.unwrap().looked_at, 3);
    assert_eq!(records.task(well).await.checks, 1);
    assert_eq!(sweep::sweep(&app).await.unwrap().looked_at, 0);
    let again = aws.clock().now().plus_millis(HOUR);
    assert_eq!(records.store().next_due().await.unwrap(), Some(again));

    with_definition(&aws, TASKS, task.uuid(), &of_task).await;
    with_definition(&aws, WORKFLOWS, workflow.uuid(), &of_workflow).await;
    pass(&aws, HOUR).await;
    assert_eq!(sweep::sweep(&app).await.unwrap().looked_at, 3);
    assert_eq!(records.task(task).await.checks, 1);
    assert_eq!(records.workflow(workflow).await.checks, 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_that_cannot_be_read_does_not_keep_the_scheduler_busy() {
    let aws = aws();
    let script = Script::new(|call| match call.attempt {
        1 => Answer::Hang,
        _ => Answer::Succeed(json!({})),
    });
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let id = create(service.app(), "act", json!({}), "ill").await;
    pass(&aws, 2 * SECOND).await;
    let definition = with_definition(&aws, TASKS, id.uuid(), GARBAGE).await;
    // The attempt ends in the meantime, and nobody can note it.
    pass(&aws, HOUR).await;
    let before = aws.meter().snapshot();
    pass(&aws, 24 * HOUR).await;
    let usage = aws.meter().since(&before);
    assert_eq!(usage.requests["dynamodb.UpdateItem"], 24);
    assert!(
        usage.requests_of("dynamodb") < 24 * 10,
        "{:?}",
        usage.requests
    );

    with_definition(&aws, TASKS, id.uuid(), &definition).await;
    let records = Records::of(&aws);
    let task = records.ended_task(id).await;
    assert_eq!((task.status, task.losses), (TaskStatus::Completed, 1));
    assert_eq!(records.due().await, 0);
}
