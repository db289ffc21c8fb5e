//! Responses: which are an output, which a failure, and which of those another attempt may mend.

use reqwest::header::{HeaderMap, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde_json::Value;
use taskmill::{Timestamp, limits};

use crate::executor::http::{chain, too_large};
use crate::executor::{Failure, codes, parse_output};
use crate::secrets::Redactor;

/// Bytes of a failed response's body that its failure shows.
const EXCERPT_BYTES: usize = 2_048;

/// Reads a response to its end, which must come before the limit of payloads.
pub(super) async fn read(
    response: Response,
    redactor: &Redactor,
    now: Timestamp,
) -> Result<Value, Failure> {
    let status = response.status();
    if status.is_success() {
        let body = whole_body(response).await?;
        return parse_output(&body, redactor)
            .map_err(|failure| failure.with_detail("status", status.as_u16()));
    }
    let failure = of_status(status, response.headers(), now);
    let beginning = beginning(response, EXCERPT_BYTES + redactor.margin()).await;
    Err(failure.with_detail("body", redactor.excerpt(&beginning, 0..EXCERPT_BYTES)))
}

/// The failure that a status other than success means.
fn of_status(status: StatusCode, headers: &HeaderMap, now: Timestamp) -> Failure {
    let code = format!("{}{}", codes::HTTP_STATUS_PREFIX, status.as_u16());
    let message = format!("the response was {status}");
    let failure = match status.as_u16() {
        408 | 429 | 500..=599 => {
            Failure::transient(code, message).with_retry_after(retry_after(headers, now))
        }
        300..=399 => Failure::permanent(code, format!("{message}, which is not followed"))
            .with_detail("location", text(headers, LOCATION.as_str())),
        _ => Failure::permanent(code, message),
    };
    failure.with_detail("status", status.as_u16())
}

/// Milliseconds of a Retry-After, which gives seconds or a date (RFC 9110, section 10.2.3). What
/// is neither is as if it were not there.
fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<u64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(seconds.saturating_mul(1000));
    }
    let date = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    Some(Timestamp::from(date.to_utc()).millis_since(now))
}

fn text(headers: &HeaderMap, name: &str) -> Value {
    let value = headers
        .get(name)
        .map(|value| String::from_utf8_lossy(value.as_bytes()));
    value.map_or(Value::Null, Value::from)
}

async fn whole_body(mut response: Response) -> Result<Vec<u8>, Failure> {
    let limit = limits::PAYLOAD_BYTES;
    let announced = response.content_length().unwrap_or(0);
    if usize::try_from(announced).unwrap_or(usize::MAX) > limit {
        return Err(too_large());
    }
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(too_large()),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => {
                let message = format!("the response broke off: {}", chain(error));
                return Err(Failure::transient(codes::HTTP_INTERRUPTED, message));
            }
        }
    }
}

/// The first bytes of a body, as far as they come: the status has already decided.
async fn beginning(mut response: Response, length: usize) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < length {
        match response.chunk().await {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) | Err(_) => break,
        }
    }
    body.truncate(length);
    body
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        #[track_caller]
        fn check(text: &'static str, expected: Option<u64>) {
            let now = "2026-11-21T12:00:00.000Z".parse().unwrap();
            let headers = HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_static(text))]);
            assert_eq!(retry_after(&headers, now), expected, "{text}");
        }
        check("0", Some(0));
        check(" 120 ", Some(120_000));
        check("18446744073709551615", Some(u64::MAX));
        check("Sat, 21 Nov 2026 12:00:30 GMT", Some(30_000));
        check("Sat, 21 Nov 2026 11:00:00 GMT", Some(0));
        check("soon", None);
        check("-1", None);
        check("1.5", None);
    }

    #[test]
    fn statuses_decide_whether_another_attempt_is_of_use() {
        let now = Timestamp::default();
        for (status, permanent) in [
            (300, true),
            (304, true),
            (400, true),
            (401, true),
            (404, true),
            (408, false),
            (409, true),
            (422, true),
            (429, false),
            (500, false),
            (503, false),
            (599, false),
        ] {
            let of = StatusCode::from_u16(status).unwrap();
            let failure = of_status(of, &HeaderMap::new(), now);
            assert_eq!(failure.permanent, permanent, "{status}");
            assert_eq!(failure.code, format!("HTTP_{status}"));
        }
    }
}
