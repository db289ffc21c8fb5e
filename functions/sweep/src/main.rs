//! The `sweep` function: looks at what is due. A schedule invokes it every minute.

// The futures of the SDK nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use taskmill_app::{boot, sweep, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let app = boot::function().await?;
    run(service_fn(async |_: LambdaEvent<Value>| {
        Ok::<_, Error>(sweep::sweep(&app).await?)
    }))
    .await
}
