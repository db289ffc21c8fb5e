//! The keys of the indexes: how a tenant, a status, a shard and a day become a partition.
//!
//! Ids of tenants and definitions hold no `#`, so that no two keys run together.

use taskmill::Timestamp;
use taskmill::ids::{DefinitionId, TenantId};
use uuid::Uuid;

/// The shard of a record, of so many. Every id ends in bits that are spread evenly.
pub(crate) fn shard_of(id: Uuid, shards: u8) -> u8 {
    let [.., last] = *id.as_bytes();
    last % shards.max(1)
}

/// The partition of an open status: all days together, so that everything that runs is one query.
pub(crate) fn open_bucket(tenant: &TenantId, status: &str, shard: u8) -> String {
    format!("{tenant}#{status}#{shard}")
}

/// The partition of a terminal status: a day of creation.
pub(crate) fn ended_bucket(tenant: &TenantId, status: &str, shard: u8, date: &str) -> String {
    format!("{tenant}#{status}#{shard}#{date}")
}

/// The partition of a definition's workflows.
pub(crate) fn definition_bucket(tenant: &TenantId, id: &DefinitionId, shard: u8) -> String {
    format!("{tenant}#{id}#{shard}")
}

/// A task's place among those of its workflow.
pub(crate) fn status_created_at(status: &str, created: Timestamp) -> String {
    format!("{status}#{created}")
}
