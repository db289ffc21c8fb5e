//! Messages that cannot be read, are on the wrong queue, ask for what is refused, or are of a
//! newer format.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::ids::{TaskId, TenantId};
use taskmill::task::TaskStatus;
use taskmill::task::instance::TaskPriority;
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::payloads::{ContentHash, PayloadKey, PayloadKind};
use taskmill_aws::queues::message::FORMAT;
use taskmill_aws::queues::{Carried, Execute, Message, QueueName, Received, Record};
use taskmill_local::service::DeadLetter;
use taskmill_local::{LocalAws, Service};

use super::{script, started};
use crate::support::{
    HOUR, MINUTE, Records, aws, caller, create, pass, start, task_of, task_request, tenant,
    workflow_of, workflow_request,
};

/// Puts a text on a queue, as whoever has the right to may.
async fn send(service: &Service, queue: QueueName, body: &str, number: usize) {
    let client = aws_sdk_sqs::Client::new(&service.aws().background_sdk_config());
    let fifo = queue.settings().fifo;
    client
        .send_message()
        .queue_url(service.app().queues().urls().of(queue))
        .message_body(body)
        .message_group_id("group")
        .set_message_deduplication_id(fifo.then(|| number.to_string()))
        .send()
        .await
        .unwrap();
}

/// Queue, body and reason of every dead letter, sorted.
async fn dead_letters(service: &Service) -> Vec<(&'static str, String, String)> {
    let letters = service.dead_letters().await.unwrap();
    let mut letters: Vec<_> = letters
        .into_iter()
        .map(
            |DeadLetter {
                 queue,
                 reason,
                 body,
             }| (queue, body, reason.unwrap_or_default()),
        )
        .collect();
    letters.sort();
    letters
}

#[tokio::test(start_paused = true)]
async fn what_is_no_message_goes_to_the_dead_letters_with_its_reason_and_others_go_on() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let bodies = [
        "no JSON",
        "[]",
        "{}",
        r#"{"v":-1,"kind":"execute"}"#,
        r#"{"v":1}"#,
        r#"{"v":1,"kind":"somersault"}"#,
        r#"{"v":1,"kind":"execute","taskId":"x"}"#,
        r#"{"v":1,"kind":"createTask","caller":{"tenantId":"a b"},"request":{}}"#,
    ];
    let task = create(service.app(), "echo", json!({}), "k").await;
    let workflow = start(service.app(), "plain", json!({"order": {"id": 1}}), "k").await;
    for (number, body) in bodies.iter().enumerate() {
        for queue in QueueName::ALL {
            send(&service, queue, body, number).await;
        }
    }
    let records = Records::of(&aws);
    assert_eq!(records.ended_task(task).await.status, TaskStatus::Completed);
    let workflow = records.ended_workflow(workflow).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    pass(&aws, MINUTE).await;
    let letters = dead_letters(&service).await;
    assert_eq!(letters.len(), bodies.len() * QueueName::ALL.len());
    for (queue, body, reason) in letters {
        assert!(bodies.contains(&body.as_str()), "{queue} {body}");
        assert!(
            reason.starts_with("the message cannot be read: "),
            "{body}: {reason}"
        );
    }
}

/// One message of every kind that names this task.
fn messages(task: TaskId) -> [(Message, &'static [QueueName]); 6] {
    let caller = caller();
    let request = json!(task_request("echo", json!({}), "by queue"));
    let execute = Message::Execute(Execute {
        task_id: task,
        tenant_id: tenant(),
        priority: TaskPriority::Low,
        attempt: 1,
        perhaps_begun: false,
        line_only: false,
    });
    let workflow_id = workflow_of("none");
    let ended = Message::TaskEnded {
        task_id: task,
        workflow_id,
    };
    let later = Message::Later {
        due_at: Timestamp::default(),
        then: Box::new(ended.clone()),
    };
    [
        (
            Message::CreateTask {
                caller: caller.clone(),
                request: request.clone(),
            },
            &[QueueName::Create],
        ),
        (
            Message::StartWorkflow { caller, request },
            &[QueueName::Create],
        ),
        (execute, &[QueueName::Execute, QueueName::ExecuteUrgent]),
        (ended, &[QueueName::Result]),
        (Message::Due(Record::Task(task)), &[QueueName::Result]),
        (later, &[QueueName::Retry]),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_message_on_a_queue_that_does_not_carry_it_goes_to_the_dead_letters() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let task = create(service.app(), "echo", json!({}), "k").await;
    let mut expected = Vec::new();
    for (number, (message, queues)) in messages(task).into_iter().enumerate() {
        for queue in QueueName::ALL
            .into_iter()
            .filter(|queue| !queues.contains(queue))
        {
            let (name, body) = (queue.as_str(), message.to_body(0));
            send(&service, queue, &body, number).await;
            let reason = format!("the queue {name} does not carry messages of this kind");
            expected.push((name, body, reason));
        }
    }
    pass(&aws, MINUTE).await;
    expected.sort();
    assert_eq!(dead_letters(&service).await, expected);
}

#[tokio::test(start_paused = true)]
async fn a_request_by_queue_is_granted_or_kept_with_the_reason_of_its_refusal() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let task = |request: Value| Message::CreateTask {
        caller: caller(),
        request,
    };
    let workflow = |request: Value| Message::StartWorkflow {
        caller: caller(),
        request,
    };
    let refused = [
        (
            task(json!({"taskDefinitionId": "echo", "inptu": {}})),
            "INVALID_INPUT: unknown field",
        ),
        (
            task(json!({"taskDefinitionId": "e c h o"})),
            "INVALID_INPUT: ",
        ),
        (task(json!({"taskDefinitionId": "none"})), "NOT_FOUND: "),
        (
            task(json!({"taskDefinitionId": "guarded"})),
            "PERMISSION_DENIED: ",
        ),
        (
            workflow(json!({"workflowDefinitionId": "plain"})),
            "INVALID_INPUT: ",
        ),
        (workflow(json!(7)), "INVALID_INPUT: "),
    ];
    for (number, (message, _)) in refused.iter().enumerate() {
        send(&service, QueueName::Create, &message.to_body(0), number).await;
    }
    let asked = task(json!(task_request("echo", json!({"n": 1}), "k")));
    send(&service, QueueName::Create, &asked.to_body(0), 10).await;
    let asked = workflow(json!(workflow_request(
        "plain",
        json!({"order": {"id": 1}}),
        "k"
    )));
    send(&service, QueueName::Create, &asked.to_body(0), 11).await;
    pass(&aws, MINUTE).await;

    let letters = dead_letters(&service).await;
    assert_eq!(letters.len(), refused.len());
    for (message, told) in refused {
        let body = message.to_body(0);
        let reason = letters
            .iter()
            .find(|(_, of, _)| *of == body)
            .map(|(_, _, reason)| reason);
        assert!(
            reason.is_some_and(|r| r.starts_with(told)),
            "{body}: {reason:?}"
        );
    }
    let records = Records::of(&aws);
    assert_eq!(
        records.task(task_of("k")).await.output,
        Some(json!({"n": 1}))
    );
    let workflow = records.workflow(workflow_of("k")).await;
    assert_eq!(workflow.status, WorkflowStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn an_outcome_with_a_payload_that_cannot_be_used_goes_to_the_dead_letters() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let id = create(service.app(), "echo", json!({}), "k").await;
    let records = Records::of(&aws);
    let before = records.ended_task(id).await;
    let key = |tenant: &str, text: &str| {
        let tenant = TenantId::new(tenant).unwrap();
        let hash = ContentHash::of(text);
        PayloadKey::new(&tenant, PayloadKind::Message, id.uuid(), "report", hash)
    };
    let garbage = key("acme", "{}");
    let payloads = records.store().payloads();
    payloads.put(&garbage, "{}".to_owned()).await.unwrap();
    let cases = [
        (key("acme2", "x"), "is another tenant's"),
        (key("acme", "y"), "is gone"),
        (garbage, "missing field"),
    ];
    for (number, (key, _)) in cases.iter().enumerate() {
        let outcome = Message::Outcome {
            task_id: id,
            workflow_id: None,
            report: Carried::Stored(key.clone()),
        };
        send(&service, QueueName::Result, &outcome.to_body(0), number).await;
    }
    pass(&aws, MINUTE).await;
    let letters = dead_letters(&service).await;
    assert_eq!(letters.len(), cases.len());
    for (key, told) in cases {
        let letter = letters
            .iter()
            .find(|(_, body, _)| body.contains(key.as_str()));
        let (_, _, reason) = letter.unwrap();
        assert!(reason.contains(told), "{reason}");
    }
    assert_eq!(records.task(id).await, before);
}

#[tokio::test(start_paused = true)]
async fn messages_of_a_newer_format_are_kept_and_tried_again_until_somebody_can_read_them() {
    let (aws, script) = (aws(), script());
    let service = started(&aws, &script).await;
    let before = aws.meter().snapshot();
    let mut sent = BTreeSet::new();
    let newer = |is: &str| json!({"v": FORMAT + 1, "is": is}).to_string();
    for (number, body) in [newer("a"), newer("b")].iter().enumerate() {
        for queue in QueueName::ALL {
            send(&service, queue, body, number).await;
            sent.insert((queue, body.clone()));
        }
    }
    pass(&aws, HOUR + MINUTE).await;
    let since = aws.meter().snapshot().since(&before);
    for queue in ["create", "execute", "execute-urgent", "result.fifo"] {
        let records = since.invocations[queue].records;
        assert_eq!(
            records,
            2 * 5,
            "{queue}: now, and after each quarter of an hour"
        );
    }
    assert_eq!(dead_letters(&service).await, []);

    let urls = service.app().queues().urls().clone();
    drop(service);
    pass(&aws, 16 * MINUTE).await;
    let kept = waiting(&aws, urls.of(QueueName::Retry)).await;
    assert_eq!(kept, sent);
}

/// Where the messages of a newer format belong that wait on this queue, and their bodies.
async fn waiting(aws: &LocalAws, url: &str) -> BTreeSet<(QueueName, String)> {
    let client = aws_sdk_sqs::Client::new(&aws.background_sdk_config());
    let mut found = BTreeSet::new();
    loop {
        let receive = client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10);
        let messages = receive.send().await.unwrap().messages.unwrap_or_default();
        if messages.is_empty() {
            return found;
        }
        for message in messages {
            match Received::from_body(&message.body.unwrap()).unwrap().message {
                Message::Later { then, .. } => match *then {
                    Message::Unread { queue, body, .. } => found.insert((queue, body)),
                    other => panic!("{other:?}"),
                },
                other => panic!("{other:?}"),
            };
        }
    }
}
