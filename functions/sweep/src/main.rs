//! The `sweep` function: looks at what is due. A schedule invokes it every minute.

// The futures of the SDK nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use taskmill_app::{boot, sweep, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let app = boot::function()?;
    run(service_fn(async |event: LambdaEvent<Value>| {
        let swept = sweep::sweep(&app).await?;
        let function = &event.context.env_config.function_name;
        // Metrics are taken from standard output; logs go to standard error.
        println!("{}", swept.metrics(function, app.clock().now()));
        Ok::<_, Error>(swept)
    }))
    .await
}
