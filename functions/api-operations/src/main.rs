//! The `api-operations` function: what sets workflows going or changes their course.

// The futures of the SDK nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

use lambda_http::Error;
use taskmill_api::{gateway, operations};

#[tokio::main]
async fn main() -> Result<(), Error> {
    gateway::serve(operations).await
}
