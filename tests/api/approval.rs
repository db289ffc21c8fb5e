//! One approval from its start to its end, through the routes alone: it is claimed, left lying,
//! overdue, escalated, given to another person and completed.

use serde_json::{Value, json};
use taskmill::security::Caller;

use super::client::{Answer, World, person};
use crate::support::{HOUR, MINUTE, SECOND, pass, settle};

const DEFINITIONS: &str = "
id: approve
name: Approve the invoice
version: 1.0.0
type: MANUAL
outputSchema:
  type: object
  required: [approved]
  properties: {approved: {type: boolean}, remark: {type: string}}
assignment: {candidateGroups: [clerks], dueIn: 7200000, escalateTo: heads}
---
id: pay
name: Pay
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'builtin:echo'}
---
id: invoice
name: Invoice
version: 1.0.0
variables: {}
steps:
  - name: approve
    taskDefinitionId: approve
    inputMappings: [{type: DIRECT, source: workflowInput.amount, target: amount}]
    variableMappings:
      - {type: DIRECT, source: approved, target: approved}
  - name: pay
    taskDefinitionId: pay
    condition: workflowVariables.approved
    inputMappings: [{type: DIRECT, source: workflowInput.amount, target: paid}]
    variableMappings: [{type: DIRECT, source: paid, target: paid}]
output: '{\"approved\": workflowVariables.approved, \"paid\": workflowVariables.paid}'
";

/// What one person sees and does.
struct Person<'w> {
    world: &'w World,
    caller: Caller,
}

impl<'w> Person<'w> {
    fn of(world: &'w World, name: &str, roles: &[&str]) -> Self {
        let caller = person(name, roles, &[]);
        Self { world, caller }
    }

    async fn sees(&self, query: &str) -> Vec<String> {
        let path = format!("/v1/inbox?{query}");
        let listed = self.world.by(&self.caller, "GET", &path).answer().await;
        listed.is(200).each("id")
    }

    async fn does(&self, task: &str, act: &str, body: Value) -> Answer {
        let path = format!("/v1/tasks/{task}/{act}");
        let ask = self.world.by(&self.caller, "POST", &path);
        ask.json(body).answer().await
    }
}

#[tokio::test(start_paused = true)]
async fn what_one_person_left_lying_is_escalated_and_another_completes_it() {
    let world = World::of(DEFINITIONS).await;
    let [ann, bob, eve] = [("ann", &["clerks"][..]), ("bob", &[]), ("eve", &["heads"])]
        .map(|(name, roles)| Person::of(&world, name, roles));
    let start = json!({"workflowDefinitionId": "invoice", "input": {"amount": 70}});
    let started = world.send("/v1/workflows", start).await.is(201);
    let workflow = started.header("location").to_owned();
    settle(&world.aws).await;

    let found = ann.sees("whose=CLAIMABLE").await;
    let [task] = &found[..] else {
        panic!("ann sees {found:?}");
    };
    assert_eq!(eve.sees("").await, [""; 0]);
    ann.does(task, "claim", json!({})).await.is(200);
    ann.does(task, "start", json!({})).await.is(200);
    ann.does(task, "comment", json!({"text": "after lunch"}))
        .await
        .is(200);
    assert_eq!(ann.sees("whose=MINE").await, [task.as_str()]);

    pass(&world.aws, 2 * HOUR - MINUTE).await;
    assert_eq!(eve.sees("").await, [""; 0], "it is not overdue yet");
    let early = eve.does(task, "assign", json!({"assignee": "bob"})).await;
    early.refused(403, "PERMISSION_DENIED");
    pass(&world.aws, 2 * MINUTE).await;
    assert_eq!(eve.sees("whose=CLAIMABLE").await, [task.as_str()]);
    let overdue = world.get(&format!("/v1/tasks/{task}")).await.is(200);
    assert!(
        overdue.body["handling"]["overdueSince"].is_string(),
        "{}",
        overdue.body
    );
    assert_eq!(overdue.text("assignee"), "ann");

    eve.does(task, "claim", json!({}))
        .await
        .refused(409, "ALREADY_CLAIMED");
    eve.does(task, "assign", json!({"assignee": "bob"}))
        .await
        .is(200);
    assert_eq!(ann.sees("whose=MINE").await, [""; 0]);
    assert_eq!(bob.sees("whose=MINE").await, [task.as_str()]);
    let path = format!("/v1/tasks/{task}/form");
    let form = world.by(&bob.caller, "GET", &path).answer().await.is(200);
    assert_eq!(form.body["schema"]["required"], json!(["approved"]));
    let late = ann.does(task, "complete", json!({"output": {"approved": false}}));
    late.await.refused(403, "NOT_THE_ASSIGNEE");
    bob.does(task, "complete", json!({"output": {"remark": "fine"}}))
        .await
        .refused(422, "INVALID_INPUT");
    let done = json!({"output": {"approved": true, "remark": "fine"}});
    let done = bob.does(task, "complete", done).await.is(200);
    assert_eq!(done.text("status"), "COMPLETED");

    pass(&world.aws, SECOND).await;
    let ended = world.get(&workflow).await.is(200);
    assert_eq!(ended.text("status"), "COMPLETED", "{}", ended.body);
    assert_eq!(ended.body["output"], json!({"approved": true, "paid": 70}));
    for one in [&ann, &bob, &eve] {
        assert_eq!(one.sees("").await, [""; 0], "{}", one.caller.user_id);
    }
    let task = world.get(&format!("/v1/tasks/{task}")).await.is(200);
    let told = |entry: &Value| {
        let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        format!("{} {}", word("by"), word("act"))
    };
    let acts = task.body["audit"].as_array().unwrap().iter().map(told);
    assert_eq!(
        acts.collect::<Vec<_>>(),
        [
            "ann CLAIM",
            "ann START",
            "ann COMMENT",
            "eve ASSIGN",
            "bob COMPLETE"
        ]
    );
}
