//! Definitions, compiled and cached, and the plans that workflows run by.
//!
//! A registered version never changes, so that nothing here is ever stale: only what "the
//! newest version" means is asked of the store each time.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use lru::LruCache;
use semver::{Version, VersionReq};
use taskmill::ids::{DefinitionId, TenantId};
use taskmill::task::{CompiledTask, TaskInstance};
use taskmill::versions;
use taskmill::workflow::compiled::Reference;
use taskmill::workflow::definition::StepKind;
use taskmill::workflow::{CompiledWorkflow, Plan, WorkflowInstance};
use taskmill_aws::store::Store;

use crate::refusal::{Fault, Refusal};

/// Compiled definitions that a process keeps of each kind.
const CACHED: NonZeroUsize = NonZeroUsize::new(512).expect("512 is not zero");

type Key = (TenantId, DefinitionId, Version);

/// The definitions of all tenants.
pub(crate) struct Definitions {
    store: Store,
    tasks: Cache<CompiledTask>,
    workflows: Cache<CompiledWorkflow>,
}

struct Cache<T>(Mutex<LruCache<Key, Arc<T>>>);

impl<T> Cache<T> {
    fn new() -> Self {
        Self(Mutex::new(LruCache::new(CACHED)))
    }

    fn get(&self, key: &Key) -> Option<Arc<T>> {
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.get(key).cloned()
    }

    fn put(&self, key: Key, value: T) -> Arc<T> {
        let value = Arc::new(value);
        let mut cache = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        cache.put(key, Arc::clone(&value));
        value
    }
}

impl Definitions {
    pub(crate) fn new(store: Store) -> Self {
        Self {
            store,
            tasks: Cache::new(),
            workflows: Cache::new(),
        }
    }

    async fn task(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        version: &Version,
    ) -> Result<Arc<CompiledTask>, Fault> {
        let key = (tenant.clone(), id.clone(), version.clone());
        if let Some(found) = self.tasks.get(&key) {
            return Ok(found);
        }
        let definition = self
            .store
            .task_definition(tenant, id, version)
            .await?
            .ok_or_else(|| unusable(id, version, "it is not registered"))?;
        let compiled =
            CompiledTask::new(definition).map_err(|error| unusable(id, version, error))?;
        Ok(self.tasks.put(key, compiled))
    }

    /// The definition of a task that was created.
    pub(crate) async fn of_task(&self, task: &TaskInstance) -> Result<Arc<CompiledTask>, Fault> {
        let (id, version) = (&task.task_definition_id, &task.task_definition_version);
        self.task(&task.tenant_id, id, version).await
    }

    /// The newest version of a task definition that meets a range.
    pub(crate) async fn newest_task(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        range: Option<&VersionReq>,
    ) -> Result<Arc<CompiledTask>, Refusal> {
        let found = self.store.task_definition_versions(tenant, id).await?;
        let version = versions::newest(&found, range)
            .ok_or_else(|| Refusal::not_found("task definition", described(id, range)))?;
        Ok(self.task(tenant, id, version).await?)
    }

    async fn workflow(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        version: &Version,
    ) -> Result<Arc<CompiledWorkflow>, Fault> {
        let key = (tenant.clone(), id.clone(), version.clone());
        if let Some(found) = self.workflows.get(&key) {
            return Ok(found);
        }
        let definition = self
            .store
            .workflow_definition(tenant, id, version)
            .await?
            .ok_or_else(|| unusable(id, version, "it is not registered"))?;
        let compiled =
            CompiledWorkflow::new(definition).map_err(|error| unusable(id, version, error))?;
        Ok(self.workflows.put(key, compiled))
    }

    /// The plan of a workflow that is to start now: the newest versions of everything that meet
    /// the ranges.
    pub(crate) async fn newest_plan(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        range: Option<&VersionReq>,
    ) -> Result<Plan, Refusal> {
        let version = self.newest_workflow(tenant, id, range).await?;
        self.plan_at(tenant, id, &version).await
    }

    /// The same of a workflow whose own version is given.
    pub(crate) async fn plan_at(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        version: &Version,
    ) -> Result<Plan, Refusal> {
        let workflow = self.workflow(tenant, id, version).await?;
        let mut tasks = BTreeMap::new();
        let mut children = BTreeMap::new();
        for (pin, reference) in &workflow.references {
            match reference {
                Reference::Task(id, range) => {
                    let task = self.newest_task(tenant, id, range.as_ref()).await?;
                    tasks.insert(pin.clone(), task);
                }
                Reference::Workflow(id, range) => {
                    let version = self.newest_workflow(tenant, id, range.as_ref()).await?;
                    children.insert(pin.clone(), version);
                }
            }
        }
        Ok(Plan {
            workflow,
            tasks,
            children,
        })
    }

    /// The newest version of a workflow definition that meets a range.
    pub(crate) async fn workflow_to_start(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        range: Option<&VersionReq>,
    ) -> Result<Arc<CompiledWorkflow>, Refusal> {
        let version = self.newest_workflow(tenant, id, range).await?;
        Ok(self.workflow(tenant, id, &version).await?)
    }

    async fn newest_workflow(
        &self,
        tenant: &TenantId,
        id: &DefinitionId,
        range: Option<&VersionReq>,
    ) -> Result<Version, Refusal> {
        let found = self.store.workflow_definition_versions(tenant, id).await?;
        versions::newest(&found, range)
            .cloned()
            .ok_or_else(|| Refusal::not_found("workflow definition", described(id, range)))
    }

    /// The plan of a workflow that has started: what was pinned then.
    pub(crate) async fn plan_of(&self, instance: &WorkflowInstance) -> Result<Plan, Fault> {
        let tenant = &instance.tenant_id;
        let id = &instance.workflow_definition_id;
        let version = &instance.definition_version;
        let workflow = self.workflow(tenant, id, version).await?;
        let mut tasks = BTreeMap::new();
        let mut children = BTreeMap::new();
        for (pin, reference) in &workflow.references {
            let pinned = pinned(instance, &workflow, pin, reference)
                .ok_or_else(|| unusable(id, version, format!("{pin} has no pin")))?;
            match reference {
                Reference::Task(id, _) => {
                    tasks.insert(pin.clone(), self.task(tenant, id, pinned).await?);
                }
                Reference::Workflow(..) => {
                    children.insert(pin.clone(), pinned.clone());
                }
            }
        }
        Ok(Plan {
            workflow,
            tasks,
            children,
        })
    }
}

/// The version that was pinned for a reference. Instances of older versions have it under the
/// name of a step that has the reference.
fn pinned<'i>(
    instance: &'i WorkflowInstance,
    workflow: &CompiledWorkflow,
    pin: &str,
    reference: &Reference,
) -> Option<&'i Version> {
    let by_step = || {
        let steps = workflow.definition.steps.iter();
        let named = steps.filter(|step| match (&step.kind, reference) {
            (StepKind::Task(task), Reference::Task(id, range)) => {
                task.task_definition_id == *id && task.task_version == *range
            }
            _ => false,
        });
        named
            .filter_map(|step| instance.pins.get(&step.name))
            .next()
    };
    instance.pins.get(pin).or_else(by_step)
}

fn described(id: &DefinitionId, range: Option<&VersionReq>) -> String {
    match range {
        None => id.to_string(),
        Some(range) => format!("{id} in a version that meets {range}"),
    }
}

fn unusable(id: &DefinitionId, version: &Version, reason: impl ToString) -> Fault {
    Fault::Definition {
        id: format!("{id} {version}"),
        reason: reason.to_string(),
    }
}
