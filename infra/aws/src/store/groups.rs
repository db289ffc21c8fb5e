//! The groups of workers that definitions of a tenant name: known for as long as the definitions are,
//! whatever becomes of their queues.
//!
//! | item | `owner` | `entry` |
//! |---|---|---|
//! | group | tenant | `GROUP#`group |

use taskmill::ids::{TenantId, WorkerGroup};

use super::codec::{Item, text};
use super::{Error, Store};

impl Store {
    /// Takes note that a definition names a group.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn name_group(&self, tenant: &TenantId, group: &WorkerGroup) -> Result<(), Error> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.definitions)
            .set_item(Some(group_key(tenant, group)))
            .send()
            .await;
        put.map(drop).map_err(|error| Error::aws("PutItem", error))
    }

    /// Whether a definition names a group.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn is_group_named(
        &self,
        tenant: &TenantId,
        group: &WorkerGroup,
    ) -> Result<bool, Error> {
        let found = self
            .client
            .get_item()
            .table_name(&self.tables.definitions)
            .consistent_read(true)
            .set_key(Some(group_key(tenant, group)))
            .send()
            .await;
        let found = found.map_err(|error| Error::aws("GetItem", error))?;
        Ok(found.item.is_some())
    }
}

/// The key of a group, which is all of its item.
fn group_key(tenant: &TenantId, group: &WorkerGroup) -> Item {
    Item::from([
        ("owner".to_owned(), text(tenant.as_str())),
        ("entry".to_owned(), text(format!("GROUP#{group}"))),
    ])
}
