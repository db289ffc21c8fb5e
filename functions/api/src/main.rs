//! The `api` function: the router behind an HTTP API of API Gateway, whose authorizer has checked
//! the caller's token.

// The futures of the SDK nest deeper than the compiler looks by default.
#![recursion_limit = "256"]

use lambda_http::{Error, run};
use taskmill_api::{Api, Authority, ClaimNames, router};
use taskmill_app::{boot, telemetry};

#[tokio::main]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let app = boot::function()?;
    let claims = ClaimNames::read(|name| std::env::var(name).ok());
    run(router(Api::new(app, Authority::Gateway(claims)))).await
}
