//! Tasks over HTTP, those of people included.

use serde_json::json;
use taskmill::security::{ADMINISTER_TASKS, Caller};

use super::DEFINITIONS;
use super::client::{IF_MATCH, World};
use crate::support::{SECOND, caller, pass, settle};

fn of(id: &str) -> String {
    format!("/v1/tasks/{id}")
}

#[tokio::test(start_paused = true)]
async fn a_task_is_created_runs_and_is_shown() {
    let world = World::of(DEFINITIONS).await;
    let request = json!({
        "taskDefinitionId": "echo", "taskVersion": "^1", "input": {"n": 1}, "priority": "HIGH",
        "taskReference": "Order 7", "correlationId": "o-7",
    });
    let created = world.send("/v1/tasks", request).await.is(201);
    assert_eq!(created.header("location"), of(&created.id()));
    assert_eq!(created.text("status"), "PENDING");
    settle(&world.aws).await;
    let shown = world.get(created.header("location")).await.is(200);
    assert_eq!(shown.text("status"), "COMPLETED");
    assert_eq!(shown.body["output"], json!({"n": 1}));
    assert_eq!(shown.text("taskReference"), "Order 7");
    let version = shown.body["version"].as_u64().unwrap();
    assert_eq!(shown.header("etag"), format!("\"{version}\""));
}

#[tokio::test(start_paused = true)]
async fn what_a_definition_does_not_take_is_refused_with_the_place() {
    let world = World::of(DEFINITIONS).await;
    let request = json!({"taskDefinitionId": "echo", "input": {"n": "one"}});
    let refused = world.send("/v1/tasks", request).await;
    let refused = refused.refused(422, "INVALID_INPUT");
    let violations = &refused.body["details"]["violations"];
    assert!(violations.to_string().contains("/n"), "{violations}");
    let guarded = world.send("/v1/tasks", json!({"taskDefinitionId": "guarded"}));
    let refused = guarded.await.refused(403, "PERMISSION_DENIED");
    assert_eq!(refused.body["details"]["missing"], json!(["approve"]));
    let unknown = world.send("/v1/tasks", json!({"taskDefinitionId": "nothing"}));
    unknown.await.refused(404, "NOT_FOUND");
}

#[tokio::test(start_paused = true)]
async fn an_ended_task_is_repeated_by_a_new_one_that_names_it() {
    let world = World::of(DEFINITIONS).await;
    let request = json!({"taskDefinitionId": "echo", "input": {"n": 1}, "taskReference": "r"});
    let first = world.send("/v1/tasks", request).await.is(201).id();
    let retry = format!("{}/retry", of(&first));
    world.post(&retry).await.refused(409, "ILLEGAL_STATE");
    settle(&world.aws).await;
    let keyed = async || {
        let ask = world.by(&caller(), "POST", &retry);
        ask.header("idempotency-key", "again")
            .answer()
            .await
            .is(201)
    };
    let again = keyed().await;
    assert_ne!(again.id(), first);
    assert_eq!(again.text("retriedTaskId"), first);
    assert_eq!(again.text("taskReference"), "r");
    settle(&world.aws).await;
    let ended = world.get(again.header("location")).await.is(200);
    assert_eq!(ended.body["output"], json!({"n": 1}));
    assert_eq!(ended.text("retriedTaskId"), first);
    assert_eq!(keyed().await.id(), again.id());
    assert_ne!(world.post(&retry).await.is(201).id(), again.id());
    // The key was used for this, and is for nothing else.
    let ask = world.by(&caller(), "POST", "/v1/tasks");
    let ask = ask.header("idempotency-key", "again");
    let other = ask.json(json!({"taskDefinitionId": "echo"})).answer().await;
    other.refused(422, "IDEMPOTENCY_CONFLICT");
}

#[tokio::test(start_paused = true)]
async fn a_task_is_cancelled_once_by_who_might_have_created_it() {
    let world = World::of(DEFINITIONS).await;
    let approver = Caller {
        permissions: vec!["approve".to_owned()],
        ..caller()
    };
    let create = world.by(&approver, "POST", "/v1/tasks");
    let create = create.json(json!({"taskDefinitionId": "guarded"}));
    let guarded = create.answer().await.is(201).id();
    let cancel = format!("{}/cancel", of(&guarded));
    world.post(&cancel).await.refused(403, "PERMISSION_DENIED");

    let waiting = world.send("/v1/tasks", json!({"taskDefinitionId": "wait"}));
    let waiting = waiting.await.is(201).id();
    settle(&world.aws).await;
    let cancel = format!("{}/cancel", of(&waiting));
    let cancelled = world
        .send(&cancel, json!({"reason": "enough"}))
        .await
        .is(200);
    assert_eq!(cancelled.text("status"), "CANCELLED");
    assert_eq!(cancelled.body["error"]["details"]["reason"], "enough");
    let again = world.post(&cancel).await.is(200);
    assert_eq!(again.body["version"], cancelled.body["version"]);
    let claim = format!("{}/claim", of(&waiting));
    world.post(&claim).await.refused(409, "ILLEGAL_STATE");
}

#[tokio::test(start_paused = true)]
async fn people_take_tasks_hand_them_on_and_end_them() {
    let world = World::of(DEFINITIONS).await;
    let created = world.send("/v1/tasks", json!({"taskDefinitionId": "sign"}));
    let path = of(&created.await.is(201).id());
    let bob = Caller {
        user_id: "bob".to_owned(),
        ..caller()
    };
    let administrator = Caller {
        user_id: "root".to_owned(),
        permissions: vec![ADMINISTER_TASKS.to_owned()],
        ..caller()
    };
    let act = async |who: &Caller, act: &str, body: serde_json::Value| {
        let ask = world.by(who, "POST", &format!("{path}/{act}"));
        ask.json(body).answer().await
    };
    let ann = caller();
    let claimed = act(&ann, "claim", json!({})).await.is(200);
    assert_eq!(
        (claimed.text("status"), claimed.text("assignee")),
        ("ASSIGNED", "ann")
    );
    let refused = act(&bob, "claim", json!({})).await;
    refused.refused(409, "ALREADY_CLAIMED");
    let refused = act(&bob, "complete", json!({"output": {"by": "bob"}})).await;
    refused.refused(403, "NOT_THE_ASSIGNEE");
    let refused = act(&ann, "assign", json!({"assignee": "bob"})).await;
    refused.refused(403, "PERMISSION_DENIED");
    act(&ann, "release", json!({})).await.is(200);
    let assigned = act(&administrator, "assign", json!({"assignee": "bob"})).await;
    assert_eq!(assigned.is(200).text("assignee"), "bob");
    let refused = act(&bob, "complete", json!({"output": 1})).await;
    refused.refused(422, "INVALID_INPUT");
    let done = act(&bob, "complete", json!({"output": {"by": "bob"}}))
        .await
        .is(200);
    assert_eq!(done.text("status"), "COMPLETED");

    let created = world.send("/v1/tasks", json!({"taskDefinitionId": "sign"}));
    let path = of(&created.await.is(201).id());
    world.post(&format!("{path}/claim")).await.is(200);
    let ill = json!({"code": "ILL", "message": "no"});
    let failed = world.send(&format!("{path}/fail"), ill).await.is(200);
    assert_eq!(
        (failed.text("status"), &failed.body["error"]["code"]),
        ("FAILED", &json!("ILL"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_version_is_none_of_another() {
    let world = World::of(DEFINITIONS).await;
    let created = world.send("/v1/tasks", json!({"taskDefinitionId": "sign"}));
    let created = created.await.is(201);
    let path = of(&created.id());
    let act = async |act: &str, tag: &str| {
        let ask = world.by(&caller(), "POST", &format!("{path}/{act}"));
        ask.header(IF_MATCH, tag).answer().await
    };
    let first = created.header("etag");
    let claimed = act("claim", first).await.is(200);
    assert_ne!(claimed.header("etag"), first);
    for (what, tag) in [
        ("release", first),
        ("cancel", first),
        ("release", "W/\"2\""),
    ] {
        act(what, tag).await.refused(412, "PRECONDITION_FAILED");
    }
    let released = act("release", claimed.header("etag")).await.is(200);
    assert_eq!(released.text("status"), "PENDING");
    let cancelled = act("cancel", released.header("etag")).await.is(200);
    assert_eq!(cancelled.text("status"), "CANCELLED");
    act("cancel", "*").await.is(200);
}

#[tokio::test(start_paused = true)]
async fn a_list_has_what_its_fields_ask_for_page_by_page() {
    let world = World::of(DEFINITIONS).await;
    let create = async |definition: &str| {
        let request = json!({"taskDefinitionId": definition});
        let created = world.send("/v1/tasks", request).await.is(201).id();
        pass(&world.aws, SECOND).await;
        created
    };
    let before = world.aws.clock().now();
    let (first, signed) = (create("echo").await, create("sign").await);
    let middle = world.aws.clock().now();
    let second = create("echo").await;
    let start = json!({"workflowDefinitionId": "pair"});
    let workflow = world.send("/v1/workflows", start).await.is(201).id();
    settle(&world.aws).await;
    let tasks = world.get(&format!("/v1/workflows/{workflow}/tasks")).await;
    let steps = tasks.is(200).each("id");
    assert_eq!(steps.len(), 2);

    let check = async |query: &str, expected: &[&String]| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let path = format!("/v1/tasks?limit=1&{query}{cursor}");
            let page = world.get(&path).await.is(200);
            assert!(page.each("id").len() <= 1);
            found.extend(page.each("id"));
            // The next page is asked for later, and is of the same list.
            pass(&world.aws, 1).await;
            match page.body["nextCursor"].as_str() {
                None => break,
                Some(next) => cursor = format!("&cursor={next}"),
            }
        }
        let mut expected: Vec<String> = expected.iter().map(|id| (*id).clone()).collect();
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{query}");
    };
    let (one, two) = (&steps[0], &steps[1]);
    check("", &[&first, &second, &signed, one, two]).await;
    check("status=COMPLETED", &[&first, &second, one, two]).await;
    check("status=PENDING", &[&signed]).await;
    check("type=MANUAL", &[&signed]).await;
    check(
        "taskDefinitionId=echo&type=AUTOMATED",
        &[&first, &second, one, two],
    )
    .await;
    check("workflowDefinitionId=pair", &[one, two]).await;
    check(&format!("workflowId={workflow}"), &[one, two]).await;
    check(&format!("workflowId={workflow}&type=MANUAL"), &[]).await;
    check(&format!("to={middle}"), &[&first, &signed]).await;
    check(
        &format!("status=COMPLETED&from={before}&to={middle}"),
        &[&first],
    )
    .await;
    check(
        &format!("from={middle}&taskDefinitionId=echo"),
        &[&second, one, two],
    )
    .await;
}
