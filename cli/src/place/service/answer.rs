//! What a service answers: what was asked for, or why not, in the words that the use cases have for
//! it here, so that a refusal is told in the same way wherever it comes from.

use serde::Deserialize;
use serde_json::Value;
use taskmill::JsonObject;
use taskmill::codes::{refusal, registration};
use taskmill::problem::Problem;
use taskmill_app::Refusal;

use super::Error;
use crate::exit;

/// What was not granted, as RFC 9457 has it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    code: String,
    #[serde(default)]
    detail: String,
    #[serde(default)]
    details: JsonObject,
    #[serde(default)]
    problems: Vec<Place>,
    #[serde(default)]
    request_id: String,
}

/// What is wrong with a place of a body.
#[derive(Deserialize)]
struct Place {
    code: String,
    pointer: String,
    message: String,
    nearest: Option<String>,
}

/// What an answer with this status and body says.
///
/// # Errors
/// It was refused, the service could not do it, or what answers is no service.
pub(super) fn read(url: &str, status: u16, body: &[u8]) -> Result<Value, exit::Error> {
    let strange = |detail: String| Error::Strange {
        url: url.to_owned(),
        detail,
    };
    if status == 204 {
        return Ok(Value::Null);
    }
    if (200..300).contains(&status) {
        let read = serde_json::from_slice(body);
        return Ok(read.map_err(|error| strange(error.to_string()))?);
    }
    let told: Option<Refused> = serde_json::from_slice(body).ok();
    match (status, told) {
        (401, told) => Err(Error::Unknown {
            detail: told.map_or_else(String::new, |told| format!(": {}", told.detail)),
        }
        .into()),
        (429 | 500.., told) => Err(failed(url, status, told).into()),
        (_, Some(told)) => Err(refused(url, told)),
        // What a gateway in front refuses has a body of its own.
        (403, None) => Err(Error::Unknown {
            detail: String::new(),
        }
        .into()),
        (_, None) => Err(strange(format!("it answers with {status}")).into()),
    }
}

fn failed(url: &str, status: u16, told: Option<Refused>) -> Error {
    let (detail, request) = match told {
        Some(told) => (told.detail, told.request_id),
        None => (format!("it answers with {status}"), String::new()),
    };
    let request = match request.is_empty() {
        true => request,
        false => format!(" (request {request})"),
    };
    Error::Failed {
        url: url.to_owned(),
        detail: format!("{detail}{request}"),
    }
}

fn refused(url: &str, told: Refused) -> exit::Error {
    if let Some(problems) = of_definition(&told) {
        return Refusal::Problems(problems).into();
    }
    let Some(code) = known(&refusal::ALL, &told.code) else {
        return Error::Strange {
            url: url.to_owned(),
            detail: format!("{}: {}", told.code, told.detail),
        }
        .into();
    };
    let places = told.problems.iter().map(|place| place.pointer.as_str());
    let places: Vec<&str> = places.filter(|pointer| !pointer.is_empty()).collect();
    let message = match places.is_empty() {
        true => told.detail,
        false => format!("{} (at {})", told.detail, places.join(", ")),
    };
    Refusal::Refused {
        code,
        message,
        details: told.details,
    }
    .into()
}

/// What is wrong with a definition, if that is what it is about. Lines are those of the text that
/// was sent, which nobody has seen.
fn of_definition(told: &Refused) -> Option<Vec<Problem>> {
    let problem = |place: &Place| {
        let code = known(&registration::ALL, &place.code)?;
        let problem = Problem::new(code, &place.pointer, &place.message);
        Some(problem.with_nearest(place.nearest.clone()))
    };
    let problems: Option<Vec<Problem>> = told.problems.iter().map(problem).collect();
    problems.filter(|problems| !problems.is_empty())
}

fn known(codes: &[&'static str], code: &str) -> Option<&'static str> {
    codes.iter().find(|known| **known == code).copied()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::exit::Exit;

    #[track_caller]
    fn check(status: u16, body: &Value, exit: Exit, expected: &str) {
        let error = read("http://x", status, body.to_string().as_bytes());
        let error = error.unwrap_err();
        assert_eq!(error.exit(), exit, "{error:?}");
        assert!(error.report().contains(expected), "{}", error.report());
    }

    #[test]
    fn a_refusal_is_told_as_that_of_a_use_case() {
        let body = json!({
            "status": 409, "code": "ILLEGAL_STATE", "detail": "it is over", "instance": "/v1/x",
            "details": {"a": 1},
        });
        let refused = read("http://x", 409, body.to_string().as_bytes()).unwrap_err();
        let exit::Error::Refused(Refusal::Refused { code, details, .. }) = &refused else {
            panic!("{refused:?}");
        };
        assert_eq!((*code, &details["a"]), ("ILLEGAL_STATE", &json!(1)));
        check(
            409,
            &body,
            Exit::BadUsage,
            "error: ILLEGAL_STATE: it is over",
        );
        let place = json!([{"code": "INVALID_INPUT", "pointer": "/reason", "message": "no"}]);
        let body = json!({"code": "INVALID_INPUT", "detail": "no", "problems": place});
        check(422, &body, Exit::BadUsage, "INVALID_INPUT: no (at /reason)");
    }

    #[test]
    fn the_problems_of_a_definition_keep_their_places_and_lose_their_lines() {
        let place = json!({
            "code": "UNKNOWN_FIELD", "pointer": "/stepz", "message": "no", "nearest": "steps",
            "line": 1,
        });
        let body = json!({"code": "UNKNOWN_FIELD", "detail": "no", "problems": [place]});
        let refused = read("http://x", 422, body.to_string().as_bytes()).unwrap_err();
        let exit::Error::Refused(Refusal::Problems(problems)) = &refused else {
            panic!("{refused:?}");
        };
        let expected = Problem::new("UNKNOWN_FIELD", "/stepz", "no");
        assert_eq!(
            problems[..],
            [expected.with_nearest(Some("steps".to_owned()))]
        );
    }

    #[test]
    fn what_is_not_the_callers_doing_and_what_is_no_service_are_told_apart() {
        let down = json!({"code": "UNAVAILABLE", "detail": "ask again", "requestId": "r-1"});
        check(503, &down, Exit::Broken, "ask again (request r-1)");
        check(502, &json!("<html>"), Exit::Broken, "it answers with 502");
        check(429, &json!({"message": "slow"}), Exit::Broken, "429");
        let unknown = json!({"code": "UNAUTHENTICATED", "detail": "the token has expired"});
        check(401, &unknown, Exit::BadUsage, "the token has expired");
        let gateway = json!({"message": "Forbidden"});
        check(403, &gateway, Exit::BadUsage, "does not know who asks");
        check(404, &json!({"message": "Not Found"}), Exit::BadUsage, "404");
        let newer = json!({"code": "NEVER_HEARD_OF", "detail": "no"});
        check(409, &newer, Exit::BadUsage, "NEVER_HEARD_OF: no");
        let page = read("http://x", 200, b"<html>").unwrap_err();
        assert!(page.report().contains("no Taskmill of this version"));
    }
}
