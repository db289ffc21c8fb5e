//! The names of the one account that the embedded AWS has.

/// The region that every client is configured with.
pub const REGION: &str = "local";
/// The account's number.
pub const ACCOUNT: &str = "000000000000";
/// The host of a request within the process. Nothing listens there: such requests never leave it.
pub const HOST: &str = "aws.taskmill.internal";

/// The address of every request within the process.
pub const ADDRESS: &str = "http://aws.taskmill.internal";

/// The URL of a queue, for a client that knows this AWS by that address.
#[must_use]
pub fn queue_url(address: &str, name: &str) -> String {
    format!("{address}/{ACCOUNT}/{name}")
}

/// Scheme, host and port of a URL.
#[must_use]
pub fn address_of(url: &str) -> &str {
    let host = url.find("://").map_or(0, |at| at + 3);
    let end = url[host..].find('/').map_or(url.len(), |at| host + at);
    &url[..end]
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
