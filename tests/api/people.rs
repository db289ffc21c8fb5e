//! People's inboxes, forms and acts over HTTP.

use serde_json::{Value, json};
use taskmill::security::{ADMINISTER_TASKS, Caller};

use super::client::{Answer, IF_MATCH, World, person};
use crate::support::{HOUR, MINUTE, SECOND, pass};

const DEFINITIONS: &str = "
id: sign
name: Sign the contract
description: Read it first.
version: 1.0.0
type: MANUAL
assignment: {candidateUsers: [bob], candidateGroups: [clerks], dueIn: 7200000, escalateTo: heads}
outputSchema: {type: object, required: [by], properties: {by: {type: string}}}
---
id: anything
name: Anything
version: 1.0.0
type: MANUAL
outputSchema: true
";

fn ann() -> Caller {
    person("ann", &["clerks"], &[])
}

fn bob() -> Caller {
    person("bob", &[], &[])
}

async fn create(world: &World, more: Value) -> String {
    let mut request = json!({"taskDefinitionId": "sign"});
    request
        .as_object_mut()
        .unwrap()
        .extend(more.as_object().unwrap().clone());
    let created = world.send("/v1/tasks", request).await.is(201).id();
    pass(&world.aws, SECOND).await;
    created
}

async fn act(world: &World, who: &Caller, task: &str, act: &str, body: Value) -> Answer {
    let ask = world.by(who, "POST", &format!("/v1/tasks/{task}/{act}"));
    ask.json(body).answer().await
}

async fn inbox(world: &World, who: &Caller, query: &str) -> Answer {
    let ask = world.by(who, "GET", &format!("/v1/inbox?{query}"));
    ask.answer().await
}

#[tokio::test(start_paused = true)]
async fn an_inbox_has_what_its_fields_ask_for_page_by_page() {
    let world = World::of(DEFINITIONS).await;
    let low = create(&world, json!({"priority": "LOW"})).await;
    let urgent = create(
        &world,
        json!({"priority": "CRITICAL", "taskReference": "r"}),
    )
    .await;
    let mine = create(&world, json!({"priority": "LOW"})).await;
    act(&world, &bob(), &mine, "claim", json!({})).await.is(200);
    let before = world.aws.clock().now().plus_millis(2 * HOUR - 2500);
    let check = async |who: &Caller, query: &str, expected: &[&String]| {
        let (mut found, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = inbox(&world, who, &format!("limit=1&{query}{cursor}")).await;
            let page = page.is(200);
            assert!(page.each("id").len() <= 1);
            found.extend(page.each("id"));
            match page.body["nextCursor"].as_str() {
                None => break,
                Some(next) => cursor = format!("&cursor={next}"),
            }
        }
        let expected: Vec<String> = expected.iter().map(|id| (*id).clone()).collect();
        assert_eq!(found, expected, "{query}");
    };
    check(&bob(), "", &[&urgent, &low, &mine]).await;
    check(&bob(), "whose=ALL", &[&urgent, &low, &mine]).await;
    check(&bob(), "whose=MINE", &[&mine]).await;
    check(&bob(), "whose=CLAIMABLE", &[&urgent, &low]).await;
    check(&ann(), "group=clerks", &[&urgent, &low]).await;
    check(&bob(), "status=ASSIGNED", &[&mine]).await;
    check(&bob(), "status=COMPLETED", &[]).await;
    check(&bob(), "priority=LOW", &[&low, &mine]).await;
    check(&bob(), &format!("dueBefore={before}"), &[&low]).await;

    let shown = inbox(&world, &bob(), "priority=CRITICAL").await.is(200);
    assert_eq!(shown.each("taskReference"), ["r"]);
    let refused = inbox(&world, &bob(), "group=clerks").await;
    refused.refused(403, "PERMISSION_DENIED");
    let root = person("root", &[], &[ADMINISTER_TASKS]);
    inbox(&world, &root, "group=clerks").await.is(200);
    let cases = [
        ("whose=MINE&group=clerks", "MALFORMED"),
        ("whose=EVERYBODYS", "MALFORMED"),
        ("withPutOff=perhaps", "MALFORMED"),
        ("group=", "OUT_OF_RANGE"),
        ("limit=0", "OUT_OF_RANGE"),
        ("cursor=x", "MALFORMED"),
    ];
    for (query, code) in cases {
        inbox(&world, &bob(), query).await.refused(400, code);
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_starts_delegates_takes_back_comments_on_and_puts_off_a_task() {
    let world = World::of(DEFINITIONS).await;
    let task = create(&world, json!({})).await;
    act(&world, &ann(), &task, "claim", json!({})).await.is(200);
    let started = act(&world, &ann(), &task, "start", json!({})).await.is(200);
    assert_eq!(started.text("status"), "RUNNING");
    let delegated = json!({"assignee": "bob"});
    let delegated = act(&world, &ann(), &task, "delegate", delegated).await;
    let delegated = delegated.is(200);
    assert_eq!(delegated.text("assignee"), "bob");
    assert_eq!(delegated.body["handling"]["owner"], "ann");
    let said = json!({"text": "is it urgent?"});
    act(&world, &bob(), &task, "comment", said).await.is(200);
    let early = json!({"output": {"by": "bob"}});
    let early = act(&world, &bob(), &task, "complete", early).await;
    early.refused(409, "ILLEGAL_STATE");
    let resolved = act(&world, &bob(), &task, "resolve", json!({})).await;
    assert_eq!(resolved.is(200).text("assignee"), "ann");

    let until = world.aws.clock().now().plus_millis(HOUR);
    let put_off = json!({"until": until});
    let put_off = act(&world, &ann(), &task, "follow-up", put_off).await;
    assert_eq!(
        put_off.is(200).body["handling"]["putOffUntil"],
        json!(until)
    );
    let seen = async |query: &str| inbox(&world, &ann(), query).await.is(200).each("id");
    assert_eq!(seen("").await, [""; 0]);
    assert_eq!(seen("withPutOff=true").await, [task.as_str()]);
    let path = format!("/v1/tasks/{task}/follow-up");
    world.by(&ann(), "POST", &path).answer().await.is(200);
    assert_eq!(seen("").await, [task.as_str()]);

    let acts = world.get(&format!("/v1/tasks/{task}")).await.is(200);
    let acts = acts.body["audit"].as_array().unwrap().clone();
    let acts: Vec<&str> = acts
        .iter()
        .map(|one| one["act"].as_str().unwrap())
        .collect();
    let expected = [
        "CLAIM",
        "START",
        "DELEGATE",
        "COMMENT",
        "RESOLVE",
        "FOLLOW_UP",
        "FOLLOW_UP",
    ];
    assert_eq!(acts, expected);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_may_not_do_or_say_is_refused() {
    let world = World::of(DEFINITIONS).await;
    let task = create(&world, json!({})).await;
    let eve = person("eve", &[], &[]);
    let refused = act(&world, &eve, &task, "claim", json!({})).await;
    refused.refused(403, "NOT_A_CANDIDATE");
    let claimed = act(&world, &ann(), &task, "claim", json!({})).await.is(200);
    let past = json!({"until": world.aws.clock().now()});
    let cases = [
        ("start", &eve, json!({}), 403, "NOT_THE_ASSIGNEE"),
        (
            "delegate",
            &eve,
            json!({"assignee": "eve"}),
            403,
            "NOT_THE_ASSIGNEE",
        ),
        (
            "delegate",
            &ann(),
            json!({"assignee": ""}),
            422,
            "INVALID_INPUT",
        ),
        ("delegate", &ann(), json!({}), 422, "INVALID_INPUT"),
        ("resolve", &ann(), json!({}), 409, "ILLEGAL_STATE"),
        (
            "comment",
            &eve,
            json!({"text": "no"}),
            403,
            "NOT_A_CANDIDATE",
        ),
        ("comment", &ann(), json!({"text": ""}), 422, "INVALID_INPUT"),
        (
            "comment",
            &ann(),
            json!({"text": "x".repeat(4097)}),
            422,
            "INVALID_INPUT",
        ),
        ("follow-up", &ann(), past, 422, "INVALID_INPUT"),
        (
            "follow-up",
            &ann(),
            json!({"until": "soon"}),
            422,
            "INVALID_INPUT",
        ),
    ];
    for (what, who, body, status, code) in cases {
        let refused = act(&world, who, &task, what, body).await;
        refused.refused(status, code);
    }
    let path = format!("/v1/tasks/{task}/start");
    let ask = async |tag: &str| {
        let ask = world.by(&ann(), "POST", &path).header(IF_MATCH, tag);
        ask.answer().await
    };
    ask("\"1\"").await.refused(412, "PRECONDITION_FAILED");
    ask(claimed.header("etag")).await.is(200);
    pass(&world.aws, MINUTE).await;
}

#[tokio::test(start_paused = true)]
async fn a_form_tells_how_the_output_is_asked_for() {
    let world = World::of(DEFINITIONS).await;
    let task = create(&world, json!({"taskReference": "Müller GmbH"})).await;
    let path = format!("/v1/tasks/{task}/form");
    let form = world.by(&bob(), "GET", &path).answer().await.is(200);
    assert_eq!(form.text("taskId"), task);
    assert_eq!(form.text("name"), "Sign the contract");
    assert_eq!(form.text("description"), "Read it first.");
    assert_eq!(form.text("taskReference"), "Müller GmbH");
    assert_eq!(form.body["schema"]["required"], json!(["by"]));
    assert_eq!(form.body["uiSchema"]["by"]["ui:widget"], "text");

    let task = create(&world, json!({"taskDefinitionId": "anything"})).await;
    let form = world.get(&format!("/v1/tasks/{task}/form")).await.is(200);
    assert_eq!(form.body["schema"], json!(true));
}
