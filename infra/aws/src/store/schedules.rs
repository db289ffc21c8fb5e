//! Schedules: records of one item (see [`super::single`]).

use taskmill::Timestamp;
use taskmill::ids::{ScheduleId, TenantId};
use taskmill::schedule::{Schedule, ScheduleStatus};
use uuid::Uuid;

use super::single::{self, Single};
use super::{Created, Error, Page, PageRequest, Store};

/// The part that a schedule's item is called.
pub(super) const SCHEDULE: &str = "schedule";
/// Milliseconds after which a deleted schedule is forgotten: until then its versions go on, so
/// that nobody takes one that is defined again for the one that they knew.
const FORGOTTEN_AFTER: u64 = 30 * 24 * 60 * 60 * 1000;

impl Single for Schedule {
    const PART: &'static str = SCHEDULE;
    const WORD: &'static str = "SCHEDULE";

    fn id(&self) -> Uuid {
        self.id.uuid()
    }

    fn tenant(&self) -> &TenantId {
        self.tenant_id()
    }

    fn version(&self) -> u64 {
        self.version
    }

    fn created_at(&self) -> Timestamp {
        self.created_at
    }

    fn due_at(&self) -> Option<Timestamp> {
        Self::due_at(self)
    }

    fn expires_at(&self) -> Option<Timestamp> {
        let at = self.updated_at.plus_millis(FORGOTTEN_AFTER);
        (!self.is_listed()).then_some(at)
    }

    fn is_listed(&self) -> bool {
        self.status != ScheduleStatus::Deleted
    }
}

impl Store {
    /// Writes a new schedule, unless one of its id is there, be it a deleted one.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn create_schedule(&self, schedule: &Schedule) -> Result<Created, Error> {
        single::create(self, schedule).await
    }

    /// The schedule of this id, a deleted one as well; none when there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn schedule(&self, id: ScheduleId) -> Result<Option<Schedule>, Error> {
        single::get(self, id.uuid()).await
    }

    /// Replaces a schedule by what it became.
    ///
    /// # Errors
    /// [`Error::VersionConflict`] when the stored one is not in the version before, [`Error::Aws`].
    pub async fn replace_schedule(&self, after: &Schedule) -> Result<(), Error> {
        single::replace(self, after).await
    }

    /// A page of a tenant's schedules, the newest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`], [`Error::Corrupt`], [`Error::Aws`].
    pub async fn schedules(
        &self,
        tenant: &TenantId,
        request: &PageRequest,
    ) -> Result<Page<Schedule>, Error> {
        single::list(self, tenant, request).await
    }
}
