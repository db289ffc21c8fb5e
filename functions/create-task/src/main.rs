//! The `create-task` function: accepts tasks and workflows, from its queue or invoked directly.

// The futures of the SDK nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

use lambda_runtime::{Diagnostic, Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use taskmill_app::{boot, create_task, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let app = boot::function()?;
    run(service_fn(async |event: LambdaEvent<Value>| {
        create_task::handle_any(&app, event.payload)
            .await
            .map_err(|refusal| Diagnostic {
                error_type: refusal.code().to_owned(),
                error_message: refusal.to_string(),
            })
    }))
    .await
}
