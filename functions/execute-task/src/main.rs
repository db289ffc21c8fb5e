//! The `execute-task` function: runs attempts.

// The futures of the SDK nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use taskmill_app::{boot, execute_task, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let app = boot::worker()?;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| {
        Ok::<_, Error>(execute_task::handle(&app, event.payload).await)
    }))
    .await
}
