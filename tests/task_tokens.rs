//! Tasks that a state machine waits for by a token: it hears each end once, whatever dies or is
//! lost, and a task that it does not wait for any more is cancelled.

use serde_json::{Value, json};
use taskmill::security::Caller;
use taskmill::task::lifecycle::Act;
use taskmill::task::token::OUTPUT_BYTES;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill_app::App;
use taskmill_app::create_task::{CreateTask, create_task, handle_any};
use taskmill_app::people::act;
use taskmill_aws::executor::Failure;
use taskmill_aws::queues::Message;
use taskmill_local::{LocalAws, TaskEnd};

use crate::support::{
    Answer, Fleet, HOUR, MINUTE, Records, SECOND, Script, aws, caller, deaf, pass, register,
    service, settle, task_request,
};

const DEFINITIONS: &str = "
id: work
name: Work
version: 1.0.0
type: AUTOMATED
inputSchema: {type: object}
executionConfig: {executor: 'lambda:script'}
timeout: 600000
retryPolicy: {maxRetries: 1, retryInterval: 1000, jitter: NONE}
---
id: sign
name: Sign
version: 1.0.0
type: MANUAL
timeout: 864000000
assignment: {candidateUsers: [ann]}
";

const TOKEN: &str = "token-1";

fn request(definition: &str, input: Value) -> CreateTask {
    CreateTask {
        idempotency_key: None,
        task_token: Some(TOKEN.to_owned()),
        ..task_request(definition, input, "")
    }
}

/// A state machine asks for a task and waits.
async fn ask(aws: &LocalAws, app: &App, definition: &str) -> TaskInstance {
    aws.task_tokens().issue(TOKEN);
    let request = request(definition, json!({"n": 1}));
    create_task(app, &caller(), request).await.unwrap()
}

/// What comes of a task whose attempts come to this, as the state machine hears it.
async fn heard(answer: impl Fn() -> Answer + Send + Sync + 'static) -> (TaskInstance, TaskEnd) {
    let (aws, script) = (aws(), Script::new(move |_| answer()));
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let task = ask(&aws, service.app(), "work").await;
    let records = Records::of(&aws);
    let ended = records.ended_task(task.id).await;
    settle(&aws).await;
    assert_eq!(records.due().await, 0, "nothing is owed any more");
    assert_eq!(service.dead_letters().await.unwrap(), []);
    (ended, aws.task_tokens().end(TOKEN).expect("it was told"))
}

fn failure(end: TaskEnd) -> (String, Value) {
    match end {
        TaskEnd::Failure { error, cause } => (error, serde_json::from_str(&cause).unwrap()),
        TaskEnd::Success(output) => panic!("it succeeded with {output}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_output_is_the_answer() {
    let (_, end) = heard(|| Answer::Succeed(json!({"lines": 41}))).await;
    assert_eq!(end, TaskEnd::Success(json!({"lines": 41})));
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_told_after_its_retries_with_code_and_cause() {
    let (task, end) = heard(Answer::busy).await;
    let (error, cause) = failure(end);
    assert_eq!((error.as_str(), task.attempt()), ("BUSY", 2));
    let expected = json!({
        "code": "BUSY", "message": "come back later", "details": {},
        "taskId": task.id, "status": "FAILED",
    });
    assert_eq!(cause, expected);
}

#[tokio::test(start_paused = true)]
async fn a_time_out_is_told_as_such() {
    let (task, end) = heard(|| Answer::Hang).await;
    let (error, cause) = failure(end);
    assert_eq!(
        (error.as_str(), task.status),
        ("TIMEOUT", TaskStatus::TimedOut)
    );
    assert_eq!(cause["details"]["kind"], "START_TO_CLOSE");
}

#[tokio::test(start_paused = true)]
async fn an_output_that_is_too_large_for_a_state_machine_is_a_failure_of_its_own_kind() {
    let (task, end) = heard(|| Answer::Succeed(json!("x".repeat(OUTPUT_BYTES)))).await;
    assert_eq!(failure(end).0, "OUTPUT_TOO_LARGE");
    assert_eq!(task.status, TaskStatus::Completed);
}

#[tokio::test(start_paused = true)]
async fn a_running_attempt_is_told_to_live() {
    let (aws, script) = (
        aws(),
        Script::new(|_| Answer::Succeed(json!(1)).after(5 * MINUTE)),
    );
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    ask(&aws, service.app(), "work").await;
    pass(&aws, 4 * MINUTE + SECOND).await;
    assert_eq!(aws.task_tokens().heartbeats(TOKEN), 12);
}

#[tokio::test(start_paused = true)]
async fn a_state_machine_that_gives_up_cancels_the_attempt_that_runs() {
    let (aws, script) = (aws(), Script::new(|_| Answer::Hang));
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let task = ask(&aws, service.app(), "work").await;
    pass(&aws, 10 * SECOND).await;
    aws.task_tokens().give_up(TOKEN);
    let records = Records::of(&aws);
    let ended = records.ended_task(task.id).await;
    assert_eq!(ended.status, TaskStatus::Cancelled);
    assert!(ended.end_time < Some(task.created_at.plus_millis(MINUTE)));
    settle(&aws).await;
    assert_eq!(records.due().await, 0);
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_persons_task_ends_with_the_state_machine_or_answers_it() {
    for gives_up in [false, true] {
        let (aws, script) = (aws(), Script::echo());
        let service = service(&aws, &script).await;
        register(service.app(), DEFINITIONS).await;
        let task = ask(&aws, service.app(), "sign").await;
        let records = Records::of(&aws);
        if gives_up {
            aws.task_tokens().give_up(TOKEN);
            let ended = records.ended_task(task.id).await;
            assert_eq!(ended.status, TaskStatus::Cancelled);
            assert!(ended.end_time < Some(task.created_at.plus_millis(HOUR)));
        } else {
            pass(&aws, 2 * HOUR).await;
            assert!(aws.task_tokens().heartbeats(TOKEN) > 0);
            let output = json!({"signed": true});
            let done = Act::Complete {
                output: output.clone(),
            };
            let ann = Caller {
                permissions: Vec::new(),
                ..caller()
            };
            act(service.app(), &ann, task.id, Act::Claim).await.unwrap();
            act(service.app(), &ann, task.id, done).await.unwrap();
            settle(&aws).await;
            assert_eq!(aws.task_tokens().end(TOKEN), Some(TaskEnd::Success(output)));
        }
        settle(&aws).await;
        assert_eq!(records.due().await, 0);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_given_already_is_dropped() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    let task = ask(&aws, service.app(), "work").await;
    aws.task_tokens().give_up(TOKEN);
    let records = Records::of(&aws);
    assert_eq!(
        records.ended_task(task.id).await.status,
        TaskStatus::Completed
    );
    settle(&aws).await;
    assert_eq!(records.due().await, 0);
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

/// Step Functions invokes the function again when it has no answer.
#[tokio::test(start_paused = true)]
async fn a_repeated_invocation_creates_nothing_new() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let asks = |n: u64| {
        json!({"tenantId": "acme", "userId": "machine", "createTask": {
            "taskDefinitionId": "work", "input": {"n": n}, "taskToken": TOKEN,
        }})
    };
    let first = handle_any(&app, asks(1)).await.unwrap();
    assert_eq!(handle_any(&app, asks(1)).await.unwrap(), first);
    assert!(!first.to_string().contains(TOKEN), "a token is a secret");
    let other = handle_any(&app, asks(2)).await.unwrap_err();
    assert_eq!(other.code(), "IDEMPOTENCY_CONFLICT");
    let mut two_keys = asks(1);
    two_keys["createTask"]["idempotencyKey"] = json!("k");
    let refused = handle_any(&app, two_keys).await.unwrap_err();
    assert_eq!(refused.code(), "INVALID_INPUT");
    let mut long = asks(1);
    long["createTask"]["taskToken"] = json!("x".repeat(2_049));
    let refused = handle_any(&app, long).await.unwrap_err();
    assert_eq!(refused.code(), "INVALID_INPUT");
    assert_eq!(Records::of(&aws).due().await, 1);
}

/// A state machine may as well send its request to the queue.
#[tokio::test(start_paused = true)]
async fn a_request_that_is_refused_by_the_queue_is_answered_under_its_token() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    register(service.app(), DEFINITIONS).await;
    aws.task_tokens().issue(TOKEN);
    let message = Message::CreateTask {
        caller: caller(),
        request: json!(request("work", json!([]))),
    };
    service.app().queues().send(&[message]).await.unwrap();
    settle(&aws).await;
    let (error, cause) = failure(aws.task_tokens().end(TOKEN).unwrap());
    assert_eq!(error, "INVALID_INPUT");
    assert_eq!(cause["code"], "INVALID_INPUT");
    assert_eq!(service.dead_letters().await.unwrap(), []);
}

fn flaky() -> Script {
    Script::new(|call| match call.attempt {
        1 => Answer::Fail(Failure::transient("BUSY", "later")),
        _ => Answer::Succeed(json!({"done": true})),
    })
}

/// How many calls a run makes that nothing disturbs.
async fn calls() -> u64 {
    let (aws, script) = (aws(), flaky());
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), DEFINITIONS).await;
    aws.faults().revive();
    let task = ask(&aws, fleet.app(), "work").await;
    Records::of(&aws).ended_task(task.id).await;
    settle(&aws).await;
    aws.faults().calls()
}

/// A deployment that dies at a call of the run, and one that follows.
async fn check_death(kill: impl Fn(&LocalAws)) {
    let (aws, script) = (aws(), flaky());
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), DEFINITIONS).await;
    aws.faults().revive();
    kill(&aws);
    aws.task_tokens().issue(TOKEN);
    let app = fleet.app().clone();
    let client = tokio::spawn(async move {
        let request = request("work", json!({"n": 1}));
        create_task(&app, &caller(), request).await
    });
    aws.faults().killed().await;
    client.abort();
    drop(fleet);
    aws.faults().revive();
    let fleet = Fleet::start(&aws, &script).await;
    // An invocation without an answer is made again.
    let again = request("work", json!({"n": 1}));
    let task = create_task(fleet.app(), &caller(), again).await.unwrap();
    let records = Records::of(&aws);
    assert_eq!(
        records.ended_task(task.id).await.status,
        TaskStatus::Completed
    );
    pass(&aws, HOUR).await;
    let told = aws.task_tokens().end(TOKEN);
    assert_eq!(told, Some(TaskEnd::Success(json!({"done": true}))));
    assert_eq!(records.due().await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_answer_is_told_whichever_call_a_deployment_dies_at() {
    for call in 1..=calls().await {
        eprintln!("killed at call {call}");
        check_death(|aws| aws.faults().kill_before(call)).await;
        check_death(|aws| aws.faults().kill_after(call)).await;
    }
}
