//! The stored format of a definition: one item a version, immutable, and one small item a
//! definition that lists its versions, so that neither resolving a version nor finding the
//! nearest name reads documents. Golden items in the tests pin it.
//!
//! | item | `owner` | `entry` | attributes |
//! |---|---|---|---|
//! | version | tenant`#`id | kind`#`version | `doc`: the definition as JSON |
//! | list | tenant | kind`#`id | `vs`: the versions, `dv`: those that are deprecated, string sets |
//!
//! Beside them stand the groups of workers that they name (`groups.rs`).

use serde::Serialize;
use serde::de::DeserializeOwned;
use taskmill::ids::{DefinitionId, TenantId};

use super::Error;
use super::codec::{Item, Reader, text};
use super::definition_lists::ListedVersion;
use super::definitions::DefinitionKind;

/// The attribute of the document.
const DOCUMENT: &str = "doc";
/// The attribute of a list's versions.
pub(crate) const VERSIONS: &str = "vs";
/// The attribute of those of a list's versions that are deprecated.
pub(crate) const DEPRECATED: &str = "dv";

/// The key of a version.
pub(crate) fn version_key(
    tenant: &TenantId,
    kind: DefinitionKind,
    id: &DefinitionId,
    version: &semver::Version,
) -> Item {
    item_key(
        format!("{tenant}#{id}"),
        format!("{}#{version}", kind.word()),
    )
}

/// The key of a definition's list of versions.
pub(crate) fn list_key(tenant: &TenantId, kind: DefinitionKind, id: &DefinitionId) -> Item {
    item_key(tenant.to_string(), format!("{}#{id}", kind.word()))
}

fn item_key(owner: String, entry: String) -> Item {
    Item::from([
        ("owner".to_owned(), text(owner)),
        ("entry".to_owned(), text(entry)),
    ])
}

/// The item of a version, given its key and the definition as JSON.
pub(crate) fn version_item(mut key: Item, document: String) -> Item {
    key.insert(DOCUMENT.to_owned(), text(document));
    key
}

/// The definition as it is stored.
pub(crate) fn document(definition: &impl Serialize) -> String {
    super::json::json_text(definition)
}

/// Reads a version. `name` is what errors call it.
pub(crate) fn definition<T: DeserializeOwned>(item: &Item, name: &str) -> Result<T, Error> {
    let read = Reader::new(item, name);
    read.opt_json(DOCUMENT)?
        .ok_or_else(|| read.corrupt("doc is missing"))
}

/// The versions of a list, in order, each with whether it is deprecated.
pub(crate) fn versions(item: &Item, name: &str) -> Result<Vec<ListedVersion>, Error> {
    let read = Reader::new(item, name);
    let set = |attribute: &str| item.get(attribute).and_then(|value| value.as_ss().ok());
    let texts = set(VERSIONS).ok_or_else(|| read.corrupt("it lists no versions"))?;
    let parse = |text: &String| {
        let version = text
            .parse()
            .map_err(|_| read.corrupt(format!("version {text:?}")))?;
        Ok(ListedVersion {
            version,
            deprecated: set(DEPRECATED).is_some_and(|texts| texts.contains(text)),
        })
    };
    let mut versions = texts.iter().map(parse).collect::<Result<Vec<_>, Error>>()?;
    versions.sort_by(|a, b| a.version.cmp(&b.version));
    Ok(versions)
}

/// The definition that a list is of.
pub(crate) fn listed_id(item: &Item, name: &str) -> Result<DefinitionId, Error> {
    let read = Reader::new(item, name);
    let entry = read.text("entry")?;
    let (_, id) = entry
        .split_once('#')
        .ok_or_else(|| read.corrupt("entry names no definition"))?;
    read.definition_id("entry", id)
}
