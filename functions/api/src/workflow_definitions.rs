//! Definitions of workflows: registering, validating, reading, listing and deprecating them.

use axum::extract::State;
use axum::response::Response;
use taskmill::ids::DefinitionId;
use taskmill_aws::store::DefinitionKind;

use crate::body::Text;
use crate::definitions::{self, DefinitionFields};
use crate::document::{Creating, Reading, WorkflowDefinition};
use crate::identity::Who;
use crate::parameters::{Fields, Id, Versioned};
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::records::{Definition, Definitions, Validation, Version};

const KIND: DefinitionKind = DefinitionKind::Workflow;

/// Registers a version of a workflow definition. Doing it again changes nothing.
#[utoipa::path(
    post, path = "/v1/workflow-definitions", tag = "definitions",
    operation_id = "registerWorkflowDefinition",
    request_body(content((WorkflowDefinition = "application/json"), (String = "application/yaml"))),
    responses(
        (status = 201, description = "It is registered.", body = WorkflowDefinition,
         headers(("Location" = String))),
        Creating,
    ),
)]
pub(crate) async fn register_workflow_definition(
    State(api): State<Api>,
    Who(caller): Who,
    Text(text): Text,
) -> Result<Response, Problem> {
    definitions::register(&api, &caller, KIND, &text).await
}

/// Looks what is wrong with a workflow definition, and stores nothing.
#[utoipa::path(
    post, path = "/v1/validate/workflow-definitions", tag = "definitions",
    operation_id = "validateWorkflowDefinition",
    request_body(content((WorkflowDefinition = "application/json"), (String = "application/yaml"))),
    responses((status = 200, description = "What is wrong.", body = Validation), Creating),
)]
pub(crate) async fn validate_workflow_definition(
    State(api): State<Api>,
    Who(caller): Who,
    Text(text): Text,
) -> Result<Response, Problem> {
    definitions::validate(&api, &caller, KIND, &text).await
}

/// Lists workflow definitions with their versions, by id.
#[utoipa::path(
    get, path = "/v1/workflow-definitions", tag = "definitions",
    operation_id = "listWorkflowDefinitions",
    params(DefinitionFields),
    responses((status = 200, description = "A page of them.", body = Definitions), Reading),
)]
pub(crate) async fn list_workflow_definitions(
    State(api): State<Api>,
    Who(caller): Who,
    Fields(fields): Fields<DefinitionFields>,
) -> Result<Response, Problem> {
    definitions::list(&api, &caller, KIND, fields).await
}

/// Shows the version of a workflow definition that a new workflow would be of.
#[utoipa::path(
    get, path = "/v1/workflow-definitions/{id}", tag = "definitions",
    operation_id = "getWorkflowDefinition",
    params(("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")),
    responses((status = 200, description = "The definition.", body = WorkflowDefinition), Reading),
)]
pub(crate) async fn get_workflow_definition(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<DefinitionId>,
) -> Result<Response, Problem> {
    definitions::newest(&api, &caller, KIND, &id).await
}

/// Lists the versions of a workflow definition, lowest first.
#[utoipa::path(
    get, path = "/v1/workflow-definitions/{id}/versions", tag = "definitions",
    operation_id = "listWorkflowDefinitionVersions",
    params(("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")),
    responses((status = 200, description = "All of them.", body = Definition), Reading),
)]
pub(crate) async fn list_workflow_definition_versions(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<DefinitionId>,
) -> Result<Response, Problem> {
    definitions::versions(&api, &caller, KIND, &id).await
}

/// Shows a version of a workflow definition.
#[utoipa::path(
    get, path = "/v1/workflow-definitions/{id}/versions/{version}", tag = "definitions",
    operation_id = "getWorkflowDefinitionVersion",
    params(
        ("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"),
        ("version" = String, Path, max_length = 64, example = "1.0.0"),
    ),
    responses((status = 200, description = "The definition.", body = WorkflowDefinition), Reading),
)]
pub(crate) async fn get_workflow_definition_version(
    State(api): State<Api>,
    Who(caller): Who,
    Versioned(id, version): Versioned,
) -> Result<Response, Problem> {
    definitions::version(&api, &caller, KIND, &id, &version).await
}

/// Lets nothing new be of a version of a workflow definition. What is of it goes on.
#[utoipa::path(
    post, path = "/v1/workflow-definitions/{id}/versions/{version}/deprecate", tag = "definitions",
    operation_id = "deprecateWorkflowDefinitionVersion",
    params(
        ("id" = String, Path, pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"),
        ("version" = String, Path, max_length = 64, example = "1.0.0"),
    ),
    responses((status = 200, description = "It is deprecated.", body = Version), Reading),
)]
pub(crate) async fn deprecate_workflow_definition_version(
    State(api): State<Api>,
    Who(caller): Who,
    Versioned(id, version): Versioned,
) -> Result<Response, Problem> {
    definitions::deprecate(&api, &caller, KIND, &id, &version).await
}
