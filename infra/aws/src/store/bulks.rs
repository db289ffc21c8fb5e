//! Bulk operations: records of one item (see [`super::single`]).

use taskmill::Timestamp;
use taskmill::bulk::Bulk;
use taskmill::ids::{BulkId, TenantId};
use uuid::Uuid;

use super::single::{self, Single};
use super::{Created, Error, Page, PageRequest, Store};

/// The part that a bulk operation's item is called.
pub(super) const BULK: &str = "bulk";

impl Single for Bulk {
    const PART: &'static str = BULK;
    const WORD: &'static str = "BULK";

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
        self.expires_at
    }

    fn is_listed(&self) -> bool {
        true
    }
}

impl Store {
    /// Writes a new bulk operation, unless one of its id is there.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn create_bulk(&self, bulk: &Bulk) -> Result<Created, Error> {
        single::create(self, bulk).await
    }

    /// The bulk operation of this id; none when there is none.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn bulk(&self, id: BulkId) -> Result<Option<Bulk>, Error> {
        single::get(self, id.uuid()).await
    }

    /// Replaces a bulk operation by what it became.
    ///
    /// # Errors
    /// [`Error::VersionConflict`] when the stored one is not in the version before, [`Error::Aws`].
    pub async fn replace_bulk(&self, after: &Bulk) -> Result<(), Error> {
        single::replace(self, after).await
    }

    /// A page of a tenant's bulk operations, the newest first.
    ///
    /// # Errors
    /// [`Error::BadCursor`], [`Error::Corrupt`], [`Error::Aws`].
    pub async fn bulks(
        &self,
        tenant: &TenantId,
        request: &PageRequest,
    ) -> Result<Page<Bulk>, Error> {
        single::list(self, tenant, request).await
    }
}
