//! Definitions: registering them, and finding them by id and version.
//!
//! Whether a definition is right is decided before it comes here.

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use semver::Version;
use serde::Serialize;
use serde::de::DeserializeOwned;
use taskmill::ids::{DefinitionId, TenantId};
use taskmill::task::TaskDefinition;
use taskmill::workflow::WorkflowDefinition;
use taskmill::{Timestamp, limits};

use super::codec::{Item, text};
use super::definition_item::{
    DEPRECATED, VERSIONS, definition, document, list_key, listed_id, version_item, version_key,
    versions,
};
use super::definition_lists::ListedVersion;
use super::{Error, Store};

/// What a definition is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DefinitionKind {
    /// Tasks.
    Task,
    /// Workflows.
    Workflow,
}

impl DefinitionKind {
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Task => "TASK",
            Self::Workflow => "WORKFLOW",
        }
    }
}

/// What became of a registration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registered {
    /// The version is new.
    New,
    /// The version was there with the same content.
    Same,
}

impl Store {
    /// Registers a version of a task definition. Without times of its own it was created, and
    /// last updated, now.
    ///
    /// # Errors
    /// [`Error::VersionExists`], [`Error::TooLarge`], [`Error::Corrupt`], [`Error::Aws`].
    pub async fn register_task_definition(
        &self,
        tenant: &TenantId,
        definition: &TaskDefinition,
        now: Timestamp,
    ) -> Result<Registered, Error> {
        self.register(tenant, definition, now).await
    }

    /// Registers a version of a workflow definition. Without times of its own it was created,
    /// and last updated, now.
    ///
    /// # Errors
    /// [`Error::VersionExists`], [`Error::TooLarge`], [`Error::Corrupt`], [`Error::Aws`].
    pub async fn register_workflow_definition(
        &self,
        tenant: &TenantId,
        definition: &WorkflowDefinition,
        now: Timestamp,
    ) -> Result<Registered, Error> {
        self.register(tenant, definition, now).await
    }

    /// A version of a task definition.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn task_definition(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        version: &Version,
    ) -> Result<Option<TaskDefinition>, Error> {
        self.definition(tenant, id, version).await
    }

    /// A version of a workflow definition.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn workflow_definition(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        version: &Version,
    ) -> Result<Option<WorkflowDefinition>, Error> {
        self.definition(tenant, id, version).await
    }

    /// The versions of a task definition that new tasks may be of, lowest first; none when there is
    /// no such definition.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn task_definition_versions(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
    ) -> Result<Vec<Version>, Error> {
        self.versions_in_use(tenant, DefinitionKind::Task, id).await
    }

    /// The versions of a workflow definition that new workflows may be of, lowest first; none when
    /// there is no such definition.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn workflow_definition_versions(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
    ) -> Result<Vec<Version>, Error> {
        self.versions_in_use(tenant, DefinitionKind::Workflow, id)
            .await
    }

    /// All versions of a definition, lowest first; none when there is no such definition.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn listed_versions(
        &self,
        tenant: &TenantId,
        kind: DefinitionKind,
        id: &DefinitionId,
    ) -> Result<Vec<ListedVersion>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.definitions)
            .consistent_read(true)
            .set_key(Some(list_key(tenant, kind, id)))
            .send()
            .await
            .map_err(|error| Error::aws("GetItem", error))?;
        let name = format!("the list of versions of {id}");
        answer
            .item
            .map_or(Ok(Vec::new()), |item| versions(&item, &name))
    }

    /// Lets nothing new be of a version that was registered. What is of it goes on.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn deprecate(
        &self,
        tenant: &TenantId,
        kind: DefinitionKind,
        id: &DefinitionId,
        version: &Version,
    ) -> Result<(), Error> {
        self.add_to_list(list_key(tenant, kind, id), DEPRECATED, &version.to_string())
            .await
    }

    /// The ids of all definitions of a kind that a tenant has, in order.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn definition_ids(
        &self,
        tenant: &TenantId,
        kind: DefinitionKind,
    ) -> Result<Vec<DefinitionId>, Error> {
        let mut lists = self
            .client
            .query()
            .table_name(&self.tables.definitions)
            .consistent_read(true)
            .key_condition_expression("#owner = :tenant AND begins_with(entry, :kind)")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .expression_attribute_values(":kind", text(format!("{}#", kind.word())))
            .into_paginator()
            .items()
            .send();
        let mut ids = Vec::new();
        while let Some(list) = lists.next().await {
            let list = list.map_err(|error| Error::aws("Query", error))?;
            ids.push(listed_id(&list, "a list of versions")?);
        }
        Ok(ids)
    }

    async fn register<D: Definition>(
        &self,
        tenant: &TenantId,
        given: &D,
        now: Timestamp,
    ) -> Result<Registered, Error> {
        let key = version_key(tenant, D::KIND, given.id(), given.version());
        let json = document(&given.registered_at(now));
        check_size(given, json.len())?;
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.definitions)
            .set_item(Some(version_item(key, json)))
            .condition_expression("attribute_not_exists(#owner)")
            .expression_attribute_names("#owner", "owner")
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let registered = match put {
            Ok(_) => Registered::New,
            Err(error) => match error.as_service_error() {
                Some(PutItemError::ConditionalCheckFailedException(conflict)) => {
                    let stored = conflict.item.clone().unwrap_or_default();
                    let stored: D = definition(&stored, &given.name())?;
                    given.same_as(&stored)?
                }
                _ => return Err(Error::aws("PutItem", error)),
            },
        };
        // Also for a version that was there: whoever wrote it may not have come this far.
        self.list_version(tenant, given).await?;
        Ok(registered)
    }

    async fn list_version<D: Definition>(&self, tenant: &TenantId, given: &D) -> Result<(), Error> {
        let key = list_key(tenant, D::KIND, given.id());
        self.add_to_list(key, VERSIONS, &given.version().to_string())
            .await
    }

    async fn add_to_list(
        &self,
        key: Item,
        attribute: &'static str,
        version: &str,
    ) -> Result<(), Error> {
        self.client
            .update_item()
            .table_name(&self.tables.definitions)
            .set_key(Some(key))
            .update_expression("ADD #versions :version")
            .expression_attribute_names("#versions", attribute)
            .expression_attribute_values(":version", AttributeValue::Ss(vec![version.to_owned()]))
            .send()
            .await
            .map_err(|error| Error::aws("UpdateItem", error))?;
        Ok(())
    }

    async fn definition<D: Definition>(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        version: &Version,
    ) -> Result<Option<D>, Error> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.tables.definitions)
            .consistent_read(true)
            .set_key(Some(version_key(tenant, D::KIND, id, version)))
            .send()
            .await
            .map_err(|error| Error::aws("GetItem", error))?;
        let name = definition_name(id, version);
        answer.item.map(|item| definition(&item, &name)).transpose()
    }

    async fn versions_in_use(
        &self,
        tenant: &TenantId,
        kind: DefinitionKind,
        id: &DefinitionId,
    ) -> Result<Vec<Version>, Error> {
        let listed = self.listed_versions(tenant, kind, id).await?;
        let in_use = listed.into_iter().filter(|listed| !listed.deprecated);
        Ok(in_use.map(|listed| listed.version).collect())
    }
}

fn check_size<D: Definition>(given: &D, bytes: usize) -> Result<(), Error> {
    if bytes <= limits::DEFINITION_BYTES {
        return Ok(());
    }
    Err(Error::TooLarge {
        record: given.name(),
        what: "document",
        bytes,
        limit: limits::DEFINITION_BYTES,
    })
}

fn definition_name(id: &DefinitionId, version: &Version) -> String {
    format!("definition {id}@{version}")
}

/// What both kinds of definition have in common.
trait Definition: Clone + PartialEq + Serialize + DeserializeOwned {
    const KIND: DefinitionKind;

    fn id(&self) -> &DefinitionId;
    fn version(&self) -> &Version;
    fn times(&mut self) -> (&mut Option<Timestamp>, &mut Option<Timestamp>);

    fn name(&self) -> String {
        definition_name(self.id(), self.version())
    }

    /// The definition with its times, where it brings none.
    fn registered_at(&self, now: Timestamp) -> Self {
        let mut registered = self.clone();
        let (created, updated) = registered.times();
        let at = *created.get_or_insert(now);
        updated.get_or_insert(at);
        registered
    }

    /// Whether what is stored is this definition. Times that it does not bring do not count.
    fn same_as(&self, stored: &Self) -> Result<Registered, Error> {
        let mut given = self.clone();
        let mut stored = stored.clone();
        let (created, updated) = stored.times();
        let (created, updated) = (*created, *updated);
        let (given_created, given_updated) = given.times();
        *given_created = given_created.or(created);
        *given_updated = given_updated.or(updated);
        if given == stored {
            return Ok(Registered::Same);
        }
        Err(Error::VersionExists {
            id: self.id().clone(),
            version: self.version().clone(),
        })
    }
}

impl Definition for TaskDefinition {
    const KIND: DefinitionKind = DefinitionKind::Task;

    fn id(&self) -> &DefinitionId {
        &self.id
    }

    fn version(&self) -> &Version {
        &self.version
    }

    fn times(&mut self) -> (&mut Option<Timestamp>, &mut Option<Timestamp>) {
        (&mut self.created_at, &mut self.updated_at)
    }
}

impl Definition for WorkflowDefinition {
    const KIND: DefinitionKind = DefinitionKind::Workflow;

    fn id(&self) -> &DefinitionId {
        &self.id
    }

    fn version(&self) -> &Version {
        &self.version
    }

    fn times(&mut self) -> (&mut Option<Timestamp>, &mut Option<Timestamp>) {
        (&mut self.created_at, &mut self.updated_at)
    }
}
