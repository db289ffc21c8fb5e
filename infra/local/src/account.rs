//! The names of the one account that the embedded AWS has.

/// The region that every client is configured with.
pub const REGION: &str = "local";
/// The account's number.
pub const ACCOUNT: &str = "000000000000";
/// The host in every request's address. Nothing listens there: requests never leave the process.
pub const HOST: &str = "aws.taskmill.internal";

/// The URL of a queue.
#[must_use]
pub fn queue_url(name: &str) -> String {
    format!("http://{HOST}/{ACCOUNT}/{name}")
}

/// The ARN of a queue.
#[must_use]
pub fn queue_arn(name: &str) -> String {
    format!("arn:aws:sqs:{REGION}:{ACCOUNT}:{name}")
}

/// The name in a queue's URL: its last part.
#[must_use]
pub fn queue_name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}
