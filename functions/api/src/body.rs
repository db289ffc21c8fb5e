//! Bodies: JSON of a type, and the text of a definition. What is too large or too deep is refused
//! before it is read, with its limit; what is no JSON, with the place; what is of the wrong type,
//! with a pointer.

use axum::body::{Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;
use serde_json::Value;
use serde_path_to_error::Segment;
use taskmill::codes::refusal;
use taskmill::limits;
use taskmill::problem::member;

use crate::problem::Problem;

/// A body of JSON.
pub(crate) struct Json<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_type(request.headers(), &["application/json"])?;
        let bytes = whole(request, limits::REQUEST_BYTES).await?;
        read(&bytes).map(Self)
    }
}

/// A body of JSON that may be left out.
pub(crate) struct Perhaps<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned + Default> FromRequest<S> for Perhaps<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let is_json = check_type(request.headers(), &["application/json"]);
        let bytes = whole(request, limits::REQUEST_BYTES).await?;
        if bytes.is_empty() {
            return Ok(Self(T::default()));
        }
        is_json?;
        let body: Option<T> = read(&bytes)?;
        Ok(Self(body.unwrap_or_default()))
    }
}

/// The text of a definition, in JSON or YAML.
pub(crate) struct Text(pub(crate) String);

impl<S: Sync> FromRequest<S> for Text {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        check_type(request.headers(), &["application/json", "application/yaml"])?;
        let bytes = whole(request, limits::DOCUMENT_TEXT_BYTES).await?;
        let text = String::from_utf8(bytes.into());
        text.map(Self)
            .map_err(|_| Problem::malformed("the body is no text in UTF-8"))
    }
}

/// Refuses a body of another type than these.
fn check_type(headers: &HeaderMap, known: &[&str]) -> Result<(), Problem> {
    let header = headers.get(CONTENT_TYPE);
    let header = header.and_then(|header| header.to_str().ok());
    let given = header.unwrap_or_default();
    let kind = given.split(';').next().unwrap_or_default().trim();
    if known.iter().any(|known| known.eq_ignore_ascii_case(kind)) {
        return Ok(());
    }
    let known = known.join(" or ");
    let detail = format!("the Content-Type of a body here is {known}, not {given:?}");
    Err(Problem::new(refusal::UNSUPPORTED_MEDIA_TYPE, detail))
}

async fn whole(request: Request, most: usize) -> Result<Bytes, Problem> {
    let body = to_bytes(request.into_body(), most).await;
    // The other reason is that the client broke off, and nobody reads the answer.
    body.map_err(|_| too_large(format!("the body has more than {most} bytes")))
}

fn too_large(detail: String) -> Problem {
    Problem::new(refusal::PAYLOAD_TOO_LARGE, detail)
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let most = limits::REQUEST_DEPTH;
    if depth(bytes) > most {
        let detail = format!("arrays and objects of the body are more than {most} deep");
        return Err(too_large(detail));
    }
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| Problem::malformed(format!("the body is no JSON: {error}")))?;
    serde_path_to_error::deserialize(value).map_err(|error| {
        let place = error.path().iter().fold(String::new(), step);
        Problem::at(place, error.into_inner().to_string())
    })
}

/// The pointer one step further.
fn step(pointer: String, segment: &Segment) -> String {
    match segment {
        Segment::Seq { index } => member(&pointer, index),
        Segment::Map { key } => member(&pointer, key),
        Segment::Enum { variant } => member(&pointer, variant),
        Segment::Unknown => pointer,
    }
}

/// How deep arrays and objects of a JSON text stand inside each other.
fn depth(text: &[u8]) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    let (mut in_text, mut escaped) = (false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                now += 1;
                most = most.max(now);
            }
            b']' | b'}' if !in_text => now = now.saturating_sub(1),
            _ => {}
        }
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_texts() {
        let cases = [
            ("1", 0),
            ("[]", 1),
            (r#"{"a": [1, {"b": []}], "c": {}}"#, 4),
            (r#"["[[[", "\"[", "\\", []]"#, 2),
            ("]]]][", 1),
        ];
        for (text, expected) in cases {
            assert_eq!(depth(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_limit_of_depth_is_one_that_the_reader_can_read() {
        let most = limits::REQUEST_DEPTH;
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(read::<Value>(nested(most).as_bytes()).is_ok());
        let refused = read::<Value>(nested(most + 1).as_bytes()).unwrap_err();
        assert_eq!(refused.code(), refusal::PAYLOAD_TOO_LARGE);
    }

    #[test]
    fn a_value_of_the_wrong_type_is_pointed_at() {
        #[derive(Debug, serde::Deserialize)]
        struct Body {
            #[expect(dead_code, reason = "it is read, not looked at")]
            a: Vec<u8>,
        }
        let refused = read::<Body>(br#"{"a": [1, "x"]}"#).unwrap_err();
        let body = refused.body("/", "r");
        assert_eq!(body["status"], 422);
        assert_eq!(body["problems"][0]["pointer"], "/a/1");
        let refused = read::<Body>(b"{").unwrap_err();
        assert_eq!(refused.code(), refusal::MALFORMED);
    }
}
