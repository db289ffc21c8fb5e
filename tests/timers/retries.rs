//! Retries come at their time, however far away they are.

use serde_json::json;
use taskmill::task::TaskStatus;

use super::{Kind, after, attempts, task, workflow};
use crate::support::{Answer, HOUR, MINUTE, Records, Script, create, register, settle, start};

/// A retry comes at its time, whether a message carries it there or the due time.
async fn check_retry_comes(by: Kind, delay: u64) {
    let script = Script::new(|call| match call.attempt {
        1 => Answer::busy(),
        _ => Answer::Succeed(json!({})),
    });
    let (aws, deployment) = by.deploy(&script).await;
    let app = deployment.app();
    let policy = format!("retryPolicy: {{maxRetries: 1, retryInterval: {delay}, jitter: NONE}}");
    let definitions = [task("task", "lambda", &policy), workflow("", "")];
    register(app, &definitions.concat()).await;
    let lone = create(app, "task", json!({}), "run").await;
    let id = start(app, "workflow", json!({}), "run").await;
    let records = Records::of(&aws);
    let workflow = records.ended_workflow(id).await;
    assert_eq!(workflow.end_time, Some(after(delay)), "{by:?}");
    for task in [
        records.ended_task(lone).await,
        records.step(id, "only").await,
    ] {
        assert_eq!(task.status, TaskStatus::Completed);
        assert_eq!(attempts(&task), [(0, 0), (delay, delay)], "{by:?}");
    }
    settle(&aws).await;
    assert_eq!(records.due().await, 0);
}

/// The longest delay of a message.
const MESSAGE: u64 = 15 * MINUTE;

#[tokio::test(start_paused = true)]
async fn a_retry_that_a_message_can_carry_comes_at_its_time() {
    for delay in [0, 1, 1500, MESSAGE - 1, MESSAGE] {
        for by in Kind::BOTH {
            check_retry_comes(by, delay).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_further_away_comes_at_its_time() {
    for delay in [MESSAGE + 1, 20 * MINUTE, 2 * HOUR] {
        for by in Kind::BOTH {
            check_retry_comes(by, delay).await;
        }
    }
    check_retry_comes(Kind::Local, 300 * 24 * HOUR).await;
}
