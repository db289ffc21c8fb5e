//! What can be asked of a place about its schedules.

use taskmill::ids::{ScheduleName, TenantId};
use taskmill::schedule::{Schedule, ScheduleDefinition};
use taskmill::security::Caller;
use taskmill::workflow::WorkflowInstance;
use taskmill_app::schedules::{self, Expected};
use taskmill_aws::store::PageRequest;

use super::Opened;
use crate::exit::Error;

impl Opened {
    /// Defines a schedule, or defines it anew.
    ///
    /// # Errors
    /// It is refused, or the store fails.
    pub async fn define_schedule(
        &self,
        caller: &Caller,
        definition: ScheduleDefinition,
    ) -> Result<Schedule, Error> {
        let defined = schedules::define(self.app(), caller, definition, Expected::Any).await?;
        Ok(defined.0)
    }

    /// All schedules of a tenant, the newest first.
    ///
    /// # Errors
    /// The store fails.
    pub async fn schedules(&self, tenant: &TenantId) -> Result<Vec<Schedule>, Error> {
        let mut found = Vec::new();
        let mut request = PageRequest::first(PageRequest::MOST);
        loop {
            let page = schedules::list(self.app(), tenant, &request).await?;
            found.extend(page.items);
            match page.next {
                Some(next) => request = PageRequest::after(PageRequest::MOST, next),
                None => return Ok(found),
            }
        }
    }

    /// A schedule.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn schedule(
        &self,
        tenant: &TenantId,
        name: &ScheduleName,
    ) -> Result<Schedule, Error> {
        Ok(schedules::get(self.app(), tenant, name).await?)
    }

    /// Stops a schedule.
    ///
    /// # Errors
    /// It is refused, or the store fails.
    pub async fn pause_schedule(
        &self,
        tenant: &TenantId,
        name: &ScheduleName,
    ) -> Result<Schedule, Error> {
        Ok(schedules::pause(self.app(), tenant, name, Expected::Any).await?)
    }

    /// Lets a schedule go on.
    ///
    /// # Errors
    /// It is refused, or the store fails.
    pub async fn resume_schedule(
        &self,
        tenant: &TenantId,
        name: &ScheduleName,
    ) -> Result<Schedule, Error> {
        Ok(schedules::resume(self.app(), tenant, name, Expected::Any).await?)
    }

    /// Deletes a schedule.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn delete_schedule(
        &self,
        tenant: &TenantId,
        name: &ScheduleName,
    ) -> Result<(), Error> {
        Ok(schedules::delete(self.app(), tenant, name, Expected::Any).await?)
    }

    /// Starts the workflow of a schedule now.
    ///
    /// # Errors
    /// It is refused, or the store fails.
    pub async fn trigger_schedule(
        &self,
        caller: &Caller,
        name: &ScheduleName,
        key: Option<&str>,
    ) -> Result<WorkflowInstance, Error> {
        Ok(schedules::trigger(self.app(), caller, name, key).await?)
    }
}
