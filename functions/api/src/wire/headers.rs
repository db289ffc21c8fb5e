//! Headers of requests, as they are described. They are read by `etag`, `idempotency` and `prefer`.

use utoipa::IntoParams;

/// The header that makes a request safe to repeat.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Keyed {
    /// One key, one result: a repeat is answered as the first request was, and another request
    /// under the same key is refused.
    #[param(rename = "Idempotency-Key", value_type = String, required = false, min_length = 1, max_length = 256)]
    pub idempotency_key: Option<String>,
}

/// The header of a change that is wanted of one version alone.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Conditional {
    /// The `ETag` that the record must still have.
    #[param(rename = "If-Match", value_type = String, required = false, example = "\"3\"", max_length = 64)]
    pub if_match: Option<String>,
}

/// The header that asks for the end.
#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
pub struct Waiting {
    /// `wait=N` answers when it has ended, or after N seconds, at most 25; what it is then is
    /// answered.
    #[param(rename = "Prefer", value_type = String, required = false, example = "wait=10", max_length = 256)]
    pub prefer: Option<String>,
}
