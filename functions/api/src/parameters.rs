//! Parameters: the ids of a path and the fields of a query. An id that cannot be one names nothing.

use std::str::FromStr;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use semver::Version;
use serde::de::DeserializeOwned;
use taskmill::codes::refusal;
use taskmill::ids::{BulkId, DefinitionId, ScheduleName, TaskId, WorkerGroup, WorkflowId};
use taskmill::limits;

use crate::problem::Problem;

/// What an id of a path may name.
pub(crate) trait Named: Sized {
    /// What it is, for people.
    const KIND: &'static str;

    /// Reads an id.
    fn read(text: &str) -> Option<Self>;
}

impl Named for TaskId {
    const KIND: &'static str = "task";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Named for WorkflowId {
    const KIND: &'static str = "workflow";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Named for DefinitionId {
    const KIND: &'static str = "definition";

    fn read(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }
}

/// The id of a dead letter.
pub(crate) struct LetterId(pub(crate) String);

impl Named for LetterId {
    const KIND: &'static str = "dead letter";

    fn read(text: &str) -> Option<Self> {
        let is_good = text.chars().count() <= limits::REFERENCE_CHARS;
        is_good.then(|| Self(text.to_owned()))
    }
}

impl Named for BulkId {
    const KIND: &'static str = "bulk operation";

    fn read(text: &str) -> Option<Self> {
        text.parse().ok()
    }
}

impl Named for ScheduleName {
    const KIND: &'static str = "schedule";

    fn read(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }
}

impl Named for WorkerGroup {
    const KIND: &'static str = "group of workers";

    fn read(text: &str) -> Option<Self> {
        Self::new(text).ok()
    }
}

/// The id of a path.
pub(crate) struct Id<T>(pub(crate) T);

impl<S: Send + Sync, T: Named> FromRequestParts<S> for Id<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<String>::from_request_parts(parts, state).await;
        let text = path.map_err(|error| Problem::malformed(error.body_text()))?;
        named(&text).map(Self)
    }
}

/// A definition and one of its versions.
pub(crate) struct Versioned(pub(crate) DefinitionId, pub(crate) Version);

impl<S: Send + Sync> FromRequestParts<S> for Versioned {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((id, version)) = path.map_err(|error| Problem::malformed(error.body_text()))?;
        let read = Some(&version).filter(|text| text.len() <= limits::VERSION_CHARS);
        let read = read.and_then(|text| Version::from_str(text).ok());
        let version = read.ok_or_else(|| missing("version", &version))?;
        Ok(Self(named(&id)?, version))
    }
}

/// A group of workers and one of its tasks.
pub(crate) struct OfGroup(pub(crate) WorkerGroup, pub(crate) TaskId);

impl<S: Send + Sync> FromRequestParts<S> for OfGroup {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let path = Path::<(String, String)>::from_request_parts(parts, state).await;
        let Path((group, id)) = path.map_err(|error| Problem::malformed(error.body_text()))?;
        Ok(Self(named(&group)?, named(&id)?))
    }
}

fn named<T: Named>(text: &str) -> Result<T, Problem> {
    T::read(text).ok_or_else(|| missing(T::KIND, text))
}

fn missing(kind: &str, text: &str) -> Problem {
    Problem::new(refusal::NOT_FOUND, format!("there is no {kind} {text}"))
}

/// The fields of a query.
pub(crate) struct Fields<T>(pub(crate) T);

impl<S: Sync, T: DeserializeOwned> FromRequestParts<S> for Fields<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = Query::try_from_uri(&parts.uri);
        let Query(fields) = query.map_err(|error| Problem::malformed(error.body_text()))?;
        Ok(Self(fields))
    }
}
