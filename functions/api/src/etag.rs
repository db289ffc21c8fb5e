//! Entity tags: the version of a record, and a change that is wanted of one version alone.

use axum::extract::FromRequestParts;
use axum::http::header::IF_MATCH;
use axum::http::request::Parts;
use serde_json::Value;
use taskmill::codes::refusal;

use crate::problem::Problem;

/// The tag of a record as it is shown.
pub(crate) fn of(record: &Value) -> Option<String> {
    let version = record.get("version")?.as_u64()?;
    Some(format!("\"{version}\""))
}

/// Which version of a record a change is wanted of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// Whatever it is.
    Any,
    /// This one.
    Version(u64),
}

impl<S: Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(header) = parts.headers.get(IF_MATCH) else {
            return Ok(Self::Any);
        };
        let tag = header.to_str().unwrap_or_default().trim();
        read(tag).ok_or_else(|| {
            let detail = format!("If-Match is * or one ETag of this API, not {tag}");
            Problem::new(refusal::PRECONDITION_FAILED, detail)
        })
    }
}

/// A weak tag matches nothing here: it says no version.
fn read(tag: &str) -> Option<IfMatch> {
    if tag == "*" {
        return Some(IfMatch::Any);
    }
    let version = tag.strip_prefix('"')?.strip_suffix('"')?;
    version.parse().ok().map(IfMatch::Version)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_tag_is_a_version_and_comes_back_as_one() {
        let tag = of(&json!({"version": 7})).unwrap();
        assert_eq!(read(&tag), Some(IfMatch::Version(7)));
        assert_eq!(read("*"), Some(IfMatch::Any));
        for strange in ["", "7", "\"\"", "W/\"7\"", "\"a\"", "\"1\", \"2\""] {
            assert_eq!(read(strange), None, "{strange}");
        }
        assert_eq!(of(&json!({"version": "1.0.0"})), None, "of a definition");
    }
}
