//! Sending on what was for later: the `schedule-retry` function.
//!
//! It neither reads nor writes a record: whether a message is still worth anything is for
//! whoever takes it to find out.

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use taskmill_aws::queues::{Message, QueueName};

use crate::app::App;
use crate::batch;

/// Handles a batch of the `retry` queue.
pub async fn handle(app: &App, event: SqsEvent) -> SqsBatchResponse {
    let app = &app.invocation();
    batch::each(
        app,
        QueueName::Retry,
        &event.records,
        |app, message, facts| async move {
            match message {
                Message::Later { due_at, then } => {
                    let next = if due_at > app.now() {
                        Message::Later { due_at, then }
                    } else {
                        *then
                    };
                    Ok(app.queues().send(&[next]).await?)
                }
                Message::CreateTask { .. }
                | Message::StartWorkflow { .. }
                | Message::Execute(_)
                | Message::Outcome { .. }
                | Message::TaskEnded { .. }
                | Message::TokenHeld { .. }
                | Message::ChildTold { .. }
                | Message::ChildRefused { .. }
                | Message::Granted { .. }
                | Message::Due(_)
                | Message::Unread { .. } => Err(batch::misplaced(facts.queue)),
            }
        },
    )
    .await
}
