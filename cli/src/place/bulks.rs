//! What can be asked of a place about bulk operations.

use async_trait::async_trait;
use serde_json::{Value, json};
use taskmill::bulk::{Bulk, TaskAsk, Work, WorkflowAsk};
use taskmill::ids::BulkId;
use taskmill_app::bulk;
use taskmill_aws::store::PageRequest;

use super::here::Here;
use super::service::Client;
use crate::args::Who;
use crate::exit::Error;

/// What a place answers about bulk operations: their views.
#[async_trait(?Send)]
pub trait Bulks {
    /// What an operation would concern.
    async fn count(&self, who: &Who, work: Work) -> Result<Value, Error>;

    /// Begins an operation; once under a key.
    async fn begin(&self, who: &Who, work: Work, key: Option<&str>) -> Result<Value, Error>;

    /// All operations of a tenant, the newest first.
    async fn bulks(&self) -> Result<Vec<Value>, Error>;

    /// An operation.
    async fn bulk(&self, id: BulkId) -> Result<Value, Error>;

    /// Stops an operation.
    async fn stop_bulk(&self, id: BulkId) -> Result<Value, Error>;
}

#[async_trait(?Send)]
impl Bulks for Here {
    async fn count(&self, who: &Who, work: Work) -> Result<Value, Error> {
        let counted = bulk::dry_run(&self.app, &who.caller(&self.tenant), work).await?;
        Ok(json!(counted))
    }

    async fn begin(&self, who: &Who, work: Work, key: Option<&str>) -> Result<Value, Error> {
        let begun = bulk::begin(&self.app, &who.caller(&self.tenant), work, key).await?;
        Ok(begun.view())
    }

    async fn bulks(&self) -> Result<Vec<Value>, Error> {
        let mut found = Vec::new();
        let mut request = PageRequest::first(PageRequest::MOST);
        loop {
            let page = bulk::list(&self.app, &self.tenant, &request).await?;
            found.extend(page.items.iter().map(Bulk::view));
            match page.next {
                Some(next) => request = PageRequest::after(PageRequest::MOST, next),
                None => return Ok(found),
            }
        }
    }

    async fn bulk(&self, id: BulkId) -> Result<Value, Error> {
        Ok(bulk::get(&self.app, &self.tenant, id).await?.view())
    }

    async fn stop_bulk(&self, id: BulkId) -> Result<Value, Error> {
        Ok(bulk::cancel(&self.app, &self.tenant, id).await?.view())
    }
}

#[async_trait(?Send)]
impl Bulks for Client {
    async fn count(&self, who: &Who, work: Work) -> Result<Value, Error> {
        who.check_unnamed()?;
        let (path, mut body) = asked(&work);
        body["dryRun"] = true.into();
        self.post(&path, None, &body).await
    }

    async fn begin(&self, who: &Who, work: Work, key: Option<&str>) -> Result<Value, Error> {
        who.check_unnamed()?;
        let (path, body) = asked(&work);
        self.post(&path, key, &body).await
    }

    async fn bulks(&self) -> Result<Vec<Value>, Error> {
        self.list(&["bulk"], &[], usize::MAX).await
    }

    async fn bulk(&self, id: BulkId) -> Result<Value, Error> {
        self.get(&["bulk", &id.to_string()], &[]).await
    }

    async fn stop_bulk(&self, id: BulkId) -> Result<Value, Error> {
        let path = ["bulk", &id.to_string(), "cancel"];
        self.post(&path, None, &json!({})).await
    }
}

/// Where a service is asked for it, and the body.
fn asked(work: &Work) -> ([&'static str; 3], Value) {
    match work {
        Work::Workflows { selection, ask } => match ask {
            WorkflowAsk::Retry => (["bulk", "workflows", "retry"], json!({"filter": selection})),
            WorkflowAsk::Cancel { reason, compensate } => {
                let body = json!({"filter": selection, "reason": reason, "compensate": compensate});
                (["bulk", "workflows", "cancel"], body)
            }
        },
        Work::Tasks { selection, ask } => match ask {
            TaskAsk::Retry => (["bulk", "tasks", "retry"], json!({"filter": selection})),
            TaskAsk::Cancel { reason } => {
                let body = json!({"filter": selection, "reason": reason});
                (["bulk", "tasks", "cancel"], body)
            }
            TaskAsk::Reassign { assignee } => {
                let body = json!({"filter": selection, "assignee": assignee});
                (["bulk", "tasks", "reassign"], body)
            }
        },
    }
}
