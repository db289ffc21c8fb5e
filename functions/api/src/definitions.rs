//! What the resources of both kinds of definition do alike.

use axum::response::Response;
use semver::Version;
use serde::Deserialize;
use taskmill::ids::DefinitionId;
use taskmill::security::Caller;
use taskmill_app::registry;
use taskmill_aws::store::DefinitionKind;
use utoipa::IntoParams;

use crate::answer;
use crate::page::{self, List};
use crate::problem::Problem;
use crate::router::Api;

/// Which definitions are listed.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DefinitionFields {
    /// Entries of the page; 100 by default.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
    /// The `nextCursor` of the page before.
    #[param(value_type = String, required = false)]
    pub cursor: Option<String>,
}

/// The path of a kind's definitions.
fn path(kind: DefinitionKind) -> &'static str {
    match kind {
        DefinitionKind::Task => "/v1/task-definitions",
        DefinitionKind::Workflow => "/v1/workflow-definitions",
    }
}

pub(crate) async fn register(
    api: &Api,
    caller: &Caller,
    kind: DefinitionKind,
    text: &str,
) -> Result<Response, Problem> {
    let registered = registry::register(api.app(), &caller.tenant_id, kind, text).await?;
    let (id, version, stored) = registered;
    let location = format!("{}/{id}/versions/{version}", path(kind));
    Ok(answer::created(&location, stored))
}

pub(crate) async fn validate(
    api: &Api,
    caller: &Caller,
    kind: DefinitionKind,
    text: &str,
) -> Result<Response, Problem> {
    let validation = registry::validate(api.app(), &caller.tenant_id, kind, text);
    Ok(answer::ok(validation.await?))
}

pub(crate) async fn list(
    api: &Api,
    caller: &Caller,
    kind: DefinitionKind,
    fields: DefinitionFields,
) -> Result<Response, Problem> {
    let request = page::request(fields.limit, fields.cursor)?;
    let store = api.app().store();
    let found = store.definitions(&caller.tenant_id, kind, &request).await;
    Ok(answer::ok(List::from(found.map_err(page::refused)?)))
}

pub(crate) async fn newest(
    api: &Api,
    caller: &Caller,
    kind: DefinitionKind,
    id: &DefinitionId,
) -> Result<Response, Problem> {
    let newest = registry::newest(api.app(), &caller.tenant_id, kind, id);
    Ok(answer::ok(newest.await?))
}

pub(crate) async fn versions(
    api: &Api,
    caller: &Caller,
    kind: DefinitionKind,
    id: &DefinitionId,
) -> Result<Response, Problem> {
    let listed = registry::listed(api.app(), &caller.tenant_id, kind, id);
    Ok(answer::ok(listed.await?))
}

pub(crate) async fn version(
    api: &Api,
    caller: &Caller,
    kind: DefinitionKind,
    id: &DefinitionId,
    version: &Version,
) -> Result<Response, Problem> {
    let stored = registry::of_version(api.app(), &caller.tenant_id, kind, id, version);
    Ok(answer::ok(stored.await?))
}

pub(crate) async fn deprecate(
    api: &Api,
    caller: &Caller,
    kind: DefinitionKind,
    id: &DefinitionId,
    version: &Version,
) -> Result<Response, Problem> {
    let deprecated = registry::deprecate(api.app(), &caller.tenant_id, kind, id, version);
    Ok(answer::ok(deprecated.await?))
}
