//! Dead letters over HTTP: who administers those of a tenant sees and sends back what is its own.

use serde_json::{Value, json};
use taskmill::ids::{ScheduleId, ScheduleName};
use taskmill::security::{ADMINISTER_DEAD_LETTERS, ADMINISTER_TASKS, Caller};
use taskmill_app::dead_letters::list;
use taskmill_aws::queues::{Message, QueueName, Record};

use super::DEFINITIONS;
use super::client::{World, person, stranger};
use crate::support::{caller, settle};

/// Puts a text among the dead letters of a queue.
pub async fn bury(world: &World, queue: QueueName, body: &str) {
    let client = aws_sdk_sqs::Client::new(&world.aws.background_sdk_config());
    let url = world.service.app().queues().urls().dead_letters_of(queue);
    let send = client.send_message().queue_url(url).message_body(body);
    let send = match queue.settings().fifo {
        true => send
            .message_group_id("buried")
            .message_deduplication_id(body.len().to_string()),
        false => send,
    };
    send.send().await.unwrap();
}

/// The request of somebody for a workflow of a definition that is not there yet.
fn early(who: &Caller) -> Message {
    Message::StartWorkflow {
        caller: who.clone(),
        request: json!({"workflowDefinitionId": "late", "input": {"n": 7}, "idempotencyKey": "k"}),
    }
}

/// The id of a letter that is about a request of this caller.
pub async fn letter_of(world: &World, who: &Caller) -> String {
    bury(world, QueueName::Create, &early(who).to_body(0)).await;
    let all = list(world.service.app(), &[QueueName::Create]);
    let all = all.await.unwrap().letters.into_iter();
    let mut theirs = all.filter(|letter| {
        let about = letter.message.as_ref();
        about.and_then(|about| about.tenant_id.as_ref()) == Some(&who.tenant_id)
    });
    theirs.next().unwrap().id
}

fn undertaker() -> Caller {
    person("root", &[], &[ADMINISTER_DEAD_LETTERS])
}

#[tokio::test(start_paused = true)]
async fn a_tenant_sees_the_letters_that_name_it_and_those_about_its_records() {
    let world = World::of(DEFINITIONS).await;
    let task = json!({"taskDefinitionId": "sign"});
    let task = world.send("/v1/tasks", task).await.is(201).id();
    let start = json!({"workflowDefinitionId": "contract"});
    let workflow = world.send("/v1/workflows", start).await.is(201).id();
    let own = letter_of(&world, &caller()).await;
    let others = letter_of(&world, &stranger()).await;
    let due = |record: Record| Message::Due(record).to_body(0);
    let of_task = due(Record::Task(task.parse().unwrap()));
    let of_workflow = due(Record::Workflow(workflow.parse().unwrap()));
    let of_nobody = due(Record::Task(uuid::Uuid::nil().to_string().parse().unwrap()));
    for body in [&of_task, &of_workflow, &of_nobody, "{not json"] {
        bury(&world, QueueName::Retry, body).await;
    }
    let ask = async |who: &Caller, path: &str| {
        let path = format!("/v1/dead-letters{path}");
        world.by(who, "GET", &path).answer().await
    };

    let listed = ask(&undertaker(), "").await.is(200);
    let about = |letter: &Value| {
        let message = &letter["message"];
        ["taskId", "workflowId", "definitionId"].map(|field| message[field].clone())
    };
    let mut found: Vec<[Value; 3]> = listed.body["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(about)
        .collect();
    found[1..].sort_by_key(|row| row[0].is_null());
    assert_eq!(
        found,
        [
            [Value::Null, Value::Null, json!("late")],
            [json!(task), Value::Null, Value::Null],
            [Value::Null, json!(workflow), Value::Null],
        ]
    );
    let of_queue = ask(&undertaker(), "?queue=create").await.is(200);
    assert_eq!(of_queue.each("id"), [own.as_str()]);
    ask(&undertaker(), "?queue=nothing")
        .await
        .refused(400, "MALFORMED");
    assert_eq!(
        ask(&stranger(), "").await.is(200).each("id"),
        [others.as_str()]
    );

    let shown = ask(&undertaker(), &format!("/{own}")).await.is(200);
    let request = &shown.body["body"]["request"];
    assert_eq!(request["workflowDefinitionId"], "late");
    assert_eq!(request["input"], "***", "nobody knows what it is");
    let elsewhere = ask(&undertaker(), &format!("/{own}?queue=retry")).await;
    elsewhere.refused(404, "NOT_FOUND");
    for letter in [&others, "x"] {
        let hidden = ask(&undertaker(), &format!("/{letter}")).await;
        hidden.refused(404, "NOT_FOUND");
    }
    for path in ["".to_owned(), format!("/{own}"), format!("/{others}")] {
        let clerk = person("bob", &[], &[ADMINISTER_TASKS]);
        let refused = ask(&clerk, &path).await.refused(403, "PERMISSION_DENIED");
        let missing = &refused.body["details"]["missing"];
        assert_eq!(missing, &json!([ADMINISTER_DEAD_LETTERS]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_letter_about_a_schedule_or_a_bulk_operation_is_its_tenants() {
    let world = World::of(DEFINITIONS).await;
    let schedule = json!({"id": "daily", "workflowDefinitionId": "contract", "cron": "@daily"});
    let define = world.by(&caller(), "PUT", "/v1/schedules/daily");
    define.json(schedule).answer().await.is(201);
    let bulk = world.send("/v1/bulk/workflows/cancel", json!({"filter": {}}));
    let bulk = bulk.await.is(202).id();
    let daily = ScheduleId::of(&caller().tenant_id, &ScheduleName::new("daily").unwrap());
    let of_nobody = ScheduleId::of(&caller().tenant_id, &ScheduleName::new("none").unwrap());
    for record in [
        Record::Schedule(daily),
        Record::Schedule(of_nobody),
        Record::Bulk(bulk.parse().unwrap()),
    ] {
        bury(&world, QueueName::Retry, &Message::Due(record).to_body(0)).await;
    }
    let listed = async |who: &Caller| {
        let asked = world.by(who, "GET", "/v1/dead-letters?queue=retry");
        let listed = asked.answer().await.is(200).body;
        let letters = listed["items"].as_array().unwrap().clone();
        let about = letters.into_iter().map(|letter| {
            let message = &letter["message"];
            let ids = ["scheduleId", "bulkId"].map(|field| message[field].as_str());
            ids.into_iter().flatten().collect::<String>()
        });
        about.collect::<Vec<String>>()
    };
    assert_eq!(listed(&undertaker()).await, [daily.to_string(), bulk]);
    assert_eq!(listed(&stranger()).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_is_sent_back_does_its_work_and_is_gone() {
    let world = World::of(DEFINITIONS).await;
    let own = letter_of(&world, &caller()).await;
    let others = letter_of(&world, &stranger()).await;
    let late = json!({
        "id": "late", "name": "Late", "version": "1.0.0",
        "steps": [{"name": "only", "taskDefinitionId": "echo"}],
    });
    world.send("/v1/workflow-definitions", late).await.is(201);
    let redrive = async |who: &Caller, id: &str| {
        let path = format!("/v1/dead-letters/{id}/redrive");
        world.by(who, "POST", &path).answer().await
    };
    redrive(&caller(), &own)
        .await
        .refused(403, "PERMISSION_DENIED");
    redrive(&undertaker(), &others)
        .await
        .refused(404, "NOT_FOUND");
    let sent = redrive(&undertaker(), &own).await.is(200);
    assert_eq!((sent.id(), sent.text("queue")), (own.clone(), "create"));
    settle(&world.aws).await;
    let started = world.get("/v1/workflows?workflowDefinitionId=late").await;
    assert_eq!(started.is(200).each("status"), ["COMPLETED"]);
    redrive(&undertaker(), &own).await.refused(404, "NOT_FOUND");
    let left = world.by(&stranger(), "GET", "/v1/dead-letters");
    assert_eq!(left.answer().await.is(200).each("id"), [others]);
}
