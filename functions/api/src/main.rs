//! The `api` function: what is registered, read and worked on.

// The futures of the SDK nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

use lambda_http::Error;
use taskmill_api::{gateway, resources};

#[tokio::main]
async fn main() -> Result<(), Error> {
    gateway::serve(resources).await
}
