//! A child, or a batch, is being created while its workflow asks something of all of them.

use serde_json::json;
use taskmill::workflow::decider::{Ask, Operation};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};
use taskmill_app::workflows;
use taskmill_local::LocalAws;

use crate::support::{
    Answer, MINUTE, Records, Script, aws, beside, pass, register, service, settle, start, tenant,
    workflow_of,
};

const DEFINITIONS: &str = "
{id: work, name: Work, version: 1.0.0, type: AUTOMATED, executionConfig: {executor: 'lambda:script'}}
---
{id: child, name: Child, version: 1.0.0, steps: [{name: one, taskDefinitionId: work}, {name: two, taskDefinitionId: work}]}
---
{id: around, name: Around, version: 1.0.0, steps: [{name: below, type: SUB_WORKFLOW, workflowDefinitionId: child}]}
---
{id: many, name: Many, version: 1.0.0, steps: [{name: each, type: MAP, items: '[1, 2]', steps: [{name: one, taskDefinitionId: work}]}]}
";

/// The records of workflows that were written.
async fn written(
    aws: &LocalAws,
    writes: &mut tokio::sync::broadcast::Receiver<taskmill_local::Written>,
) -> Vec<WorkflowInstance> {
    let records = Records::of(aws);
    let mut ids = Vec::new();
    while let Ok(one) = writes.try_recv() {
        if one.table == "WorkflowInstances" && !ids.contains(&one.id) {
            ids.push(one.id);
        }
    }
    let mut found = Vec::new();
    for id in ids {
        let id = taskmill::ids::WorkflowId::new(id);
        found.extend(records.store().workflow(id).await.unwrap());
    }
    found
}

/// Has a workflow asked for something while its child or batch is being created: before the call
/// that writes the record, which is the second.
async fn check(definition: &str, ask: Ask, expected: WorkflowStatus, begun: usize) {
    let aws = aws();
    let script = Script::new(|_| Answer::Succeed(json!(1)).after(500));
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let other = beside(&aws, &script).await;
    // Which call it is, an undisturbed run tells, by when the definitions are known.
    start(service.app(), definition, json!({}), "known").await;
    settle(&aws).await;
    aws.faults().revive();
    aws.faults().record();
    start(service.app(), definition, json!({}), "first").await;
    settle(&aws).await;
    let calls = aws.faults().recorded();
    let mut puts = (1..)
        .zip(&calls)
        .filter(|(_, name)| name.as_str() == "dynamodb.PutItem");
    let parents = usize::from(definition == "many");
    let call = puts.nth(1 + parents).unwrap().0;
    pass(&aws, MINUTE).await;

    let before = script.calls().len();
    let mut writes = aws.writes();
    aws.faults().revive();
    let held = aws.faults().hold(call);
    let app = service.app().clone();
    let name = definition.to_owned();
    let starting = tokio::spawn(async move { start(&app, &name, json!({}), "run").await });
    held.reached().await;
    let operation = |ask| Operation {
        request_id: None,
        by_parent: None,
        ask,
    };
    let (tenant, id) = (tenant(), workflow_of("run"));
    let asked = workflows::operate(&other, &tenant, id, operation(ask)).await;
    asked.unwrap();
    held.release();
    starting.await.unwrap();
    pass(&aws, 3 * MINUTE).await;
    let there = written(&aws, &mut writes).await;
    assert_eq!(there.len(), 2, "{there:?}");
    for one in &there {
        assert_eq!(one.status, expected, "{one:?}");
    }
    assert_eq!(script.calls().len() - before, begun);
    if expected == WorkflowStatus::Paused {
        let resumed = workflows::operate(&other, &tenant, id, operation(Ask::Resume)).await;
        resumed.unwrap();
        let ended = Records::of(&aws).ended_workflow(workflow_of("run")).await;
        assert_eq!(ended.status, WorkflowStatus::Completed);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_created_during_a_pause_begins_nothing_before_the_resume() {
    for definition in ["around", "many"] {
        check(definition, Ask::Pause, WorkflowStatus::Paused, 0).await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_created_after_a_cancellation_is_cancelled_at_once() {
    for definition in ["around", "many"] {
        let begun = 0;
        check(
            definition,
            Ask::cancel("enough"),
            WorkflowStatus::Cancelled,
            begun,
        )
        .await;
    }
}
