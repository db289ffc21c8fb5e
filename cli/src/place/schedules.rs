//! What can be asked of a place about its schedules.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};
use taskmill::ids::ScheduleName;
use taskmill::schedule::ScheduleDefinition;
use taskmill_app::schedules::{self, Expected};
use taskmill_app::views;
use taskmill_aws::store::PageRequest;

use super::here::Here;
use super::service::Client;
use crate::args::Who;
use crate::exit::Error;

/// What a place answers about schedules: their views.
#[async_trait(?Send)]
pub trait Schedules {
    /// Defines a schedule, or defines it anew.
    async fn define_schedule(
        &self,
        who: &Who,
        definition: ScheduleDefinition,
    ) -> Result<Value, Error>;

    /// All schedules of a tenant, the newest first.
    async fn schedules(&self) -> Result<Vec<Value>, Error>;

    /// A schedule, as far as somebody may see it.
    async fn schedule(&self, who: &Who, name: &ScheduleName) -> Result<Value, Error>;

    /// Stops a schedule.
    async fn pause_schedule(&self, name: &ScheduleName) -> Result<Value, Error>;

    /// Lets a schedule go on.
    async fn resume_schedule(&self, name: &ScheduleName) -> Result<Value, Error>;

    /// Deletes a schedule.
    async fn delete_schedule(&self, name: &ScheduleName) -> Result<(), Error>;

    /// Starts the workflow of a schedule now, and gives it as it begins.
    async fn trigger_schedule(
        &self,
        who: &Who,
        name: &ScheduleName,
        key: Option<&str>,
    ) -> Result<Value, Error>;
}

#[async_trait(?Send)]
impl Schedules for Here {
    async fn define_schedule(
        &self,
        who: &Who,
        definition: ScheduleDefinition,
    ) -> Result<Value, Error> {
        let caller = who.caller(&self.tenant);
        let defined = schedules::define(&self.app, &caller, definition, Expected::Any).await?;
        Ok(views::of_schedule(&self.app, &caller, &defined.0).await?)
    }

    async fn schedules(&self) -> Result<Vec<Value>, Error> {
        let mut found = Vec::new();
        let mut request = PageRequest::first(PageRequest::MOST);
        loop {
            let page = schedules::list(&self.app, &self.tenant, &request).await?;
            found.extend(views::of_schedules(&self.app, &self.reader(), &page.items).await?);
            match page.next {
                Some(next) => request = PageRequest::after(PageRequest::MOST, next),
                None => return Ok(found),
            }
        }
    }

    async fn schedule(&self, who: &Who, name: &ScheduleName) -> Result<Value, Error> {
        let found = schedules::get(&self.app, &self.tenant, name).await?;
        let reader = who.caller(&self.tenant);
        Ok(views::of_schedule(&self.app, &reader, &found).await?)
    }

    async fn pause_schedule(&self, name: &ScheduleName) -> Result<Value, Error> {
        let paused = schedules::pause(&self.app, &self.tenant, name, Expected::Any).await?;
        Ok(views::of_schedule(&self.app, &self.reader(), &paused).await?)
    }

    async fn resume_schedule(&self, name: &ScheduleName) -> Result<Value, Error> {
        let resumed = schedules::resume(&self.app, &self.tenant, name, Expected::Any).await?;
        Ok(views::of_schedule(&self.app, &self.reader(), &resumed).await?)
    }

    async fn delete_schedule(&self, name: &ScheduleName) -> Result<(), Error> {
        Ok(schedules::delete(&self.app, &self.tenant, name, Expected::Any).await?)
    }

    async fn trigger_schedule(
        &self,
        who: &Who,
        name: &ScheduleName,
        key: Option<&str>,
    ) -> Result<Value, Error> {
        let caller = who.caller(&self.tenant);
        let started = schedules::trigger(&self.app, &caller, name, key).await?;
        Ok(views::of_workflow(&self.app, &caller, &started).await?)
    }
}

#[async_trait(?Send)]
impl Schedules for Client {
    async fn define_schedule(
        &self,
        who: &Who,
        definition: ScheduleDefinition,
    ) -> Result<Value, Error> {
        who.check_unnamed()?;
        let path = ["schedules", definition.id.as_str()];
        self.send_body(Method::PUT, &path, None, &json!(definition))
            .await
    }

    async fn schedules(&self) -> Result<Vec<Value>, Error> {
        self.list(&["schedules"], &[], usize::MAX).await
    }

    async fn schedule(&self, who: &Who, name: &ScheduleName) -> Result<Value, Error> {
        who.check_unnamed()?;
        self.get(&["schedules", name.as_str()], &[]).await
    }

    async fn pause_schedule(&self, name: &ScheduleName) -> Result<Value, Error> {
        let path = ["schedules", name.as_str(), "pause"];
        self.post(&path, None, &json!({})).await
    }

    async fn resume_schedule(&self, name: &ScheduleName) -> Result<Value, Error> {
        let path = ["schedules", name.as_str(), "resume"];
        self.post(&path, None, &json!({})).await
    }

    async fn delete_schedule(&self, name: &ScheduleName) -> Result<(), Error> {
        let path = ["schedules", name.as_str()];
        let gone = self
            .send_body(Method::DELETE, &path, None, &json!({}))
            .await;
        gone.map(drop)
    }

    async fn trigger_schedule(
        &self,
        who: &Who,
        name: &ScheduleName,
        key: Option<&str>,
    ) -> Result<Value, Error> {
        who.check_unnamed()?;
        let path = ["schedules", name.as_str(), "trigger"];
        self.post(&path, key, &json!({})).await
    }
}
