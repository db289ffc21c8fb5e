//! Lists of definitions: a tenant's definitions of a kind with their versions, by id, a page at a
//! time.

use semver::Version;
use serde::Serialize;
use taskmill::ids::{DefinitionId, TenantId};
use uuid::Uuid;

use super::codec::{Item, Reader, text};
use super::definition_item::{list_key, listed_id, versions};
use super::definitions::DefinitionKind;
use super::pages::{Page, PageRequest};
use super::{Error, Store};
use crate::cursor::{BadCursor, Cursor, Entry};

/// What a list shows of a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DefinitionSummary {
    /// The definition.
    pub id: DefinitionId,
    /// Its versions, lowest first.
    pub versions: Vec<ListedVersion>,
}

/// A version of a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListedVersion {
    /// The version.
    pub version: Version,
    /// Whether nothing new is of it.
    pub deprecated: bool,
}

impl Store {
    /// A page of a tenant's definitions of a kind, by id.
    ///
    /// # Errors
    /// [`Error::BadCursor`], [`Error::Corrupt`], [`Error::Aws`].
    pub async fn definitions(
        &self,
        tenant: &TenantId,
        kind: DefinitionKind,
        request: &PageRequest,
    ) -> Result<Page<DefinitionSummary>, Error> {
        let description = format!("definitions {tenant} {}", kind.word());
        let start = match &request.cursor {
            None => None,
            Some(cursor) => Some(start_key(tenant, kind, cursor, &description)?),
        };
        let found = self
            .client
            .query()
            .table_name(&self.tables.definitions)
            .consistent_read(true)
            .key_condition_expression("#owner = :tenant AND begins_with(entry, :kind)")
            .expression_attribute_names("#owner", "owner")
            .expression_attribute_values(":tenant", text(tenant.as_str()))
            .expression_attribute_values(":kind", text(format!("{}#", kind.word())))
            .limit(i32::try_from(request.limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(|error| Error::aws("Query", error))?;
        let lists = found.items.unwrap_or_default();
        let items = lists.iter().map(summary).collect::<Result<_, _>>()?;
        let last = found.last_evaluated_key;
        let next = last.map(|key| cursor(&key, &description)).transpose()?;
        Ok(Page { items, next })
    }
}

fn summary(item: &Item) -> Result<DefinitionSummary, Error> {
    let id = listed_id(item, "a list of versions")?;
    let name = format!("the list of versions of {id}");
    Ok(DefinitionSummary {
        versions: versions(item, &name)?,
        id,
    })
}

/// Where a list goes on: after this definition. The entry of a cursor is that of a record, which a
/// definition is not: its id says nothing here.
fn cursor(key: &Item, description: &str) -> Result<String, Error> {
    let last = listed_id(key, "a list of versions")?;
    let entry = Entry {
        sort: Reader::new(key, last.as_str()).text("entry")?.to_owned(),
        id: Uuid::nil(),
    };
    Ok(Cursor::new(description, 0, Some(entry)).encode())
}

/// The key to go on from, which is one of this tenant's whatever the cursor says.
fn start_key(
    tenant: &TenantId,
    kind: DefinitionKind,
    cursor: &str,
    description: &str,
) -> Result<Item, BadCursor> {
    let entry = Cursor::decode(cursor, description)?
        .after
        .ok_or(BadCursor)?;
    let id = entry.sort.strip_prefix(&format!("{}#", kind.word()));
    let id = id.and_then(|id| DefinitionId::new(id).ok());
    Ok(list_key(tenant, kind, &id.ok_or(BadCursor)?))
}
