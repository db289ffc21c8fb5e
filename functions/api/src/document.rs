//! The OpenAPI document, made from the handlers and the wire types. It is kept in
//! `docs/openapi.json`, which a test holds against this, and served from there (`pages.rs`).
//!
//! Definitions are described by the schema that registration checks them with; their own types are
//! the core's, so that they are put in once the rest is there.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskmill::registration;
use utoipa::openapi::schema::{Object, Schema};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{
    ContentBuilder, HeaderBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
};
use utoipa::{IntoResponses, Modify, OpenApi as _, PartialSchema, ToSchema};

use crate::request::PROBLEM_JSON;
use crate::routes::{DescribedOperations, DescribedResources};
use crate::wire::records;

/// What may be answered instead of what was asked for.
const REFUSALS: [(u16, &str); 11] = [
    (400, "The request cannot be read, or asks for too much."),
    (401, "It is not known who asks."),
    (403, "The caller may not do this."),
    (404, "There is no such record, or it is another tenant's."),
    (
        409,
        "The record's state does not allow it, or others changed it first.",
    ),
    (412, "The record is not in the version that If-Match names."),
    (
        413,
        "The body is too large or too deep, or the answer too large for the gateway.",
    ),
    (415, "The Content-Type of the body is not read here."),
    (
        422,
        "The body is not what is asked for, or the key was used with another request.",
    ),
    (
        429,
        "There are too many requests: the gateway's answer, whose body is its own.",
    ),
    (
        503,
        "Something that the service depends on failed: ask again.",
    ),
];

/// The refusals of reading.
pub(crate) struct Reading;
/// The refusals of reading what not everybody may read.
pub(crate) struct Overseeing;
/// The refusals of creating.
pub(crate) struct Creating;
/// The refusals of changing a record.
pub(crate) struct Changing;
/// The refusals of a callback.
pub(crate) struct CallingBack;

impl IntoResponses for Reading {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[400, 401, 404, 413, 429, 503])
    }
}

impl IntoResponses for Overseeing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[400, 401, 403, 404, 413, 429, 503])
    }
}

impl IntoResponses for Creating {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[400, 401, 403, 404, 409, 413, 415, 422, 429, 503])
    }
}

impl IntoResponses for Changing {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[400, 401, 403, 404, 409, 412, 413, 415, 422, 429, 503])
    }
}

impl IntoResponses for CallingBack {
    fn responses() -> BTreeMap<String, RefOr<Response>> {
        refusals(&[400, 404, 409, 413, 415, 422, 429, 503])
    }
}

fn refusals(statuses: &[u16]) -> BTreeMap<String, RefOr<Response>> {
    let asked = REFUSALS
        .iter()
        .filter(|(status, _)| statuses.contains(status));
    asked
        .map(|(status, description)| (status.to_string(), refused(*status, description).into()))
        .collect()
}

fn refused(status: u16, description: &str) -> Response {
    let response = ResponseBuilder::new().description(description);
    let header = |response: ResponseBuilder, name: &str| {
        let text = HeaderBuilder::new().schema(Some(String::schema()));
        response.header(name, text.build())
    };
    let response = match status {
        401 => header(response, "WWW-Authenticate"),
        503 => header(response, "Retry-After"),
        // What the gateway says is not ours to describe.
        429 => return response.build(),
        _ => response,
    };
    let problem = Ref::from_schema_name(records::Problem::name());
    let content = ContentBuilder::new().schema(Some(problem)).build();
    response.content(PROBLEM_JSON, content).build()
}

macro_rules! described_by_registration {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        pub struct $name;

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                Object::new().into()
            }
        }

        impl ToSchema for $name {}
    };
}

described_by_registration!(
    /// A task definition.
    TaskDefinition
);
described_by_registration!(
    /// A workflow definition.
    WorkflowDefinition
);
described_by_registration!(
    /// A schedule, as it is written.
    ScheduleDefinition
);

/// What all operations have in common.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Taskmill",
        description = "Tasks, and workflows of tasks. Who asks is read from the token alone."
    ),
    components(schemas(records::Problem)),
    tags(
        (name = "definitions", description = "What tasks and workflows are."),
        (name = "tasks", description = "Tasks."),
        (name = "people", description = "What people do with their tasks."),
        (name = "workers", description = "What programs that poll for tasks do with them."),
        (name = "workflows", description = "Workflows of tasks."),
        (name = "dead-letters", description = "What could not be handled."),
        (name = "bulk", description = "The same asked of many workflows or tasks."),
        (name = "schedules", description = "When workflows are started again and again."),
        (name = "health", description = "How the service is."),
    ),
    security(("bearer" = [])),
    modifiers(&Bearer),
)]
struct Description;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, openapi: &mut OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT");
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("bearer", SecurityScheme::Http(scheme.build()));
    }
}

/// All that is made of handlers and wire types.
fn described() -> OpenApi {
    let mut document = Description::openapi();
    document.merge(DescribedResources::openapi());
    document.merge(DescribedOperations::openapi());
    document
}

/// The paths that the function `api-operations` serves, with their methods and descriptions.
#[must_use]
pub fn of_operations() -> Value {
    serde_json::to_value(DescribedOperations::openapi().paths)
        .expect("a document has string keys only")
}

/// The OpenAPI document.
#[must_use]
pub fn openapi() -> Value {
    let mut document = serde_json::to_value(described()).expect("a document has string keys only");
    if let Some(Value::Object(schemas)) = document.pointer_mut("/components/schemas") {
        let mut language = registration::json_schema();
        refer_to_components(&mut language);
        if let Some(Value::Object(definitions)) = language.get_mut("$defs").map(Value::take) {
            schemas.extend(definitions);
        }
        schemas.sort_keys();
    }
    document
}

/// Has every reference within the language's schema point to where it stands in the document.
fn refer_to_components(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "$ref"
                    && let Some(name) = value.as_str().and_then(|to| to.strip_prefix("#/$defs/"))
                {
                    *value = json!(format!("#/components/schemas/{name}"));
                }
                refer_to_components(value);
            }
        }
        Value::Array(values) => values.iter_mut().for_each(refer_to_components),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages;

    /// Every reference of the document.
    fn references<'v>(value: &'v Value, found: &mut Vec<&'v str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|inner| references(inner, found));
            }
            Value::Array(values) => values.iter().for_each(|inner| references(inner, found)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }

    #[test]
    fn the_kept_document_is_what_the_code_describes() {
        let kept: Value = serde_json::from_str(pages::DOCUMENT).unwrap();
        let is_same = kept == openapi();
        assert!(
            is_same,
            "keep in docs/openapi.json what `cargo taskmill schema --api` prints"
        );
    }

    #[test]
    fn every_reference_leads_somewhere() {
        let document = openapi();
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() > 100, "{}", found.len());
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference}");
        }
    }

    #[test]
    fn a_parameter_is_there_or_not_and_never_null() {
        let document = openapi();
        let paths = document["paths"].as_object().unwrap().values();
        let operations = paths.flat_map(|item| item.as_object().unwrap().values());
        let parameters = operations.filter_map(|operation| operation["parameters"].as_array());
        let parameters: Vec<&Value> = parameters.flatten().collect();
        assert!(parameters.len() > 30, "{}", parameters.len());
        for parameter in parameters {
            assert!(parameter["schema"]["type"].is_string(), "{parameter}");
        }
    }

    #[test]
    fn only_definitions_are_described_twice() {
        let own = described();
        let own = own.components.unwrap().schemas;
        let language = registration::json_schema();
        let language = language["$defs"].as_object().unwrap();
        let both: Vec<&str> = own.keys().map(String::as_str).collect();
        let both: Vec<&str> = both
            .into_iter()
            .filter(|name| language.contains_key(*name))
            .collect();
        let definitions = ["ScheduleDefinition", "TaskDefinition", "WorkflowDefinition"];
        assert_eq!(both, definitions);
    }

    #[test]
    fn every_operation_says_who_may_ask_and_has_a_name_of_its_own() {
        let document = openapi();
        let mut names = Vec::new();
        for (path, item) in document["paths"].as_object().unwrap() {
            for operation in item.as_object().unwrap().values() {
                names.push(operation["operationId"].as_str().unwrap());
                let is_open = operation.get("security") == Some(&json!([{}]));
                let has_token = path.starts_with(crate::callbacks::PATH);
                let is_closed = path.starts_with("/v1/") && !has_token;
                assert_eq!(is_open, !is_closed, "{path}");
                let refuses = operation["responses"].get("401").is_some();
                assert_eq!(refuses, !is_open, "{path}");
            }
        }
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(all > 30, "{all}");
    }
}
