//! The use cases, called from here: over what a folder holds, or what a deployed stack does.

use async_trait::async_trait;
use serde_json::Value;
use taskmill::ids::{TaskId, TenantId, WorkflowId};
use taskmill::security::Caller;
use taskmill::task::lifecycle::Act;
use taskmill::task::{TaskStatus, TaskType};
use taskmill::workflow::WorkflowStatus;
use taskmill::workflow::decider::Operation;
use taskmill_app::people::{self, InboxRequest};
use taskmill_app::start_workflow::{StartWorkflow, start_workflow};
use taskmill_app::{App, cancel_task, retry_task, views, workflows};
use taskmill_aws::store::{
    DateRange, InboxEntry, PageRequest, TaskFilter, TaskSummary, WorkflowSummary,
};
use taskmill_local::service::Prepared;
use uuid::Uuid;

use super::verbs::{Listing, Verbs, is_not_there, meant, neither};
use crate::args::Who;
use crate::defining::{self, Defined};
use crate::definitions::Set;
use crate::exit::Error;
use crate::lists::{self, Most};

/// The use cases, for a tenant.
pub(super) struct Here {
    pub(super) app: App,
    pub(super) tenant: TenantId,
    /// What keeps a folder locked for as long as it is asked.
    _folder: Option<Box<Prepared>>,
}

impl Here {
    /// Over what a folder holds.
    pub(super) fn in_folder(prepared: Prepared, tenant: TenantId) -> Self {
        Self {
            app: prepared.app().clone(),
            tenant,
            _folder: Some(Box::new(prepared)),
        }
    }

    /// Over a stack.
    pub(super) fn in_stack(app: App, tenant: TenantId) -> Self {
        Self {
            app,
            tenant,
            _folder: None,
        }
    }

    /// Whoever looks and says nothing of themselves.
    pub(super) fn reader(&self) -> Caller {
        Who::default().caller(&self.tenant)
    }

    async fn task_or_neither(&self, reader: &Caller, id: Uuid) -> Result<Value, Error> {
        let task = views::task(&self.app, reader, TaskId::new(id)).await;
        task.map_err(|refusal| match is_not_there(&refusal) {
            true => neither(id).into(),
            false => refusal.into(),
        })
    }

    fn range(&self, is_terminal: bool, days: u32) -> DateRange {
        match is_terminal {
            true => DateRange::last_days(self.app.clock().now(), days),
            false => lists::ever(),
        }
    }
}

#[async_trait(?Send)]
impl Verbs for Here {
    async fn define(&self, set: &Set) -> Result<Vec<Defined>, Error> {
        defining::with_app(&self.app, &self.tenant, set).await
    }

    async fn start(&self, who: &Who, request: StartWorkflow) -> Result<Value, Error> {
        let caller = who.caller(&self.tenant);
        let started = start_workflow(&self.app, &caller, request).await?;
        Ok(views::of_workflow(&self.app, &caller, &started).await?)
    }

    async fn look(&self, id: Uuid) -> Result<Value, Error> {
        let found = self.app.store().workflow(WorkflowId::new(id)).await?;
        match found.filter(|found| found.tenant_id == self.tenant) {
            Some(workflow) => Ok(views::of_workflow(&self.app, &self.reader(), &workflow).await?),
            None => self.task_or_neither(&self.reader(), id).await,
        }
    }

    async fn show(&self, who: &Who, id: Uuid) -> Result<Value, Error> {
        let reader = who.caller(&self.tenant);
        let shown = views::workflow(&self.app, &reader, WorkflowId::new(id)).await;
        match shown {
            Err(refusal) if is_not_there(&refusal) => self.task_or_neither(&reader, id).await,
            shown => Ok(shown?),
        }
    }

    async fn task(&self, id: TaskId) -> Result<Value, Error> {
        Ok(views::task(&self.app, &self.reader(), id).await?)
    }

    async fn tasks_of(&self, id: WorkflowId) -> Result<Vec<TaskSummary>, Error> {
        let mut found = Vec::new();
        let mut request = Some(PageRequest::first(PageRequest::MOST));
        while let Some(asked) = request {
            let store = self.app.store();
            let page = store.tasks_of_workflow(&self.tenant, id, &asked).await?;
            found.extend(page.items);
            let next = page.next;
            request = next.map(|cursor| PageRequest::after(PageRequest::MOST, cursor));
        }
        lists::in_order(&mut found);
        Ok(found)
    }

    async fn workflows(
        &self,
        listing: &Listing<WorkflowStatus>,
    ) -> Result<Vec<WorkflowSummary>, Error> {
        let mut found = Vec::new();
        let most = Most(listing.limit);
        for status in meant(&listing.statuses, WorkflowStatus::ALL) {
            let range = self.range(status.is_terminal(), listing.days);
            let is_meant = |one: &WorkflowSummary| {
                let definition = listing.workflow.as_ref();
                definition.is_none_or(|id| one.workflow_definition_id == *id)
            };
            let store = self.app.store();
            let all = lists::workflows(store, &self.tenant, status, range, most, is_meant);
            found.extend(all.await?);
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        found.truncate(listing.limit);
        Ok(found)
    }

    async fn tasks(
        &self,
        listing: &Listing<TaskStatus>,
        of_type: Option<TaskType>,
    ) -> Result<Vec<TaskSummary>, Error> {
        let mut found = Vec::new();
        let filter = TaskFilter {
            workflow_definition: listing.workflow.clone(),
            task_type: of_type,
            ..TaskFilter::default()
        };
        let most = Most(listing.limit);
        for status in meant(&listing.statuses, TaskStatus::ALL) {
            let range = self.range(status.is_terminal(), listing.days);
            let store = self.app.store();
            found.extend(lists::tasks(store, &self.tenant, status, &filter, range, most).await?);
        }
        found.sort_by_key(|one| std::cmp::Reverse(one.created_at));
        found.truncate(listing.limit);
        Ok(found)
    }

    async fn ask(&self, who: &Who, id: WorkflowId, operation: Operation) -> Result<Value, Error> {
        workflows::operate(&self.app, &self.tenant, id, operation).await?;
        let reader = who.caller(&self.tenant);
        Ok(views::workflow(&self.app, &reader, id).await?)
    }

    async fn retry_task(&self, who: &Who, id: TaskId, key: Option<&str>) -> Result<Value, Error> {
        let caller = who.caller(&self.tenant);
        let new = retry_task::retry_task(&self.app, &caller, id, key).await?;
        Ok(views::of_task(&self.app, &caller, &new).await?)
    }

    async fn cancel_task(&self, who: &Who, id: TaskId, reason: String) -> Result<Value, Error> {
        let caller = who.caller(&self.tenant);
        let after = cancel_task::cancel_task(&self.app, &caller, id, reason).await?;
        Ok(views::of_task(&self.app, &caller, &after).await?)
    }

    async fn inbox(
        &self,
        who: &Who,
        request: &InboxRequest,
        limit: usize,
    ) -> Result<Vec<InboxEntry>, Error> {
        let person = who.caller(&self.tenant);
        let mut found = Vec::new();
        let mut page = Some(PageRequest::first(limit));
        while let Some(asked) = page {
            let listed = people::inbox(&self.app, &person, request, &asked).await?;
            found.extend(listed.items);
            let more = listed.next.filter(|_| found.len() < limit);
            page = more.map(|cursor| PageRequest::after(limit, cursor));
        }
        found.truncate(limit);
        Ok(found)
    }

    async fn form(&self, who: &Who, id: TaskId) -> Result<Value, Error> {
        let person = who.caller(&self.tenant);
        Ok(people::form(&self.app, &person, id).await?)
    }

    async fn act(&self, who: &Who, id: TaskId, act: Act) -> Result<Value, Error> {
        let person = who.caller(&self.tenant);
        let after = people::act(&self.app, &person, id, act).await?;
        Ok(views::of_task(&self.app, &person, &after).await?)
    }
}
