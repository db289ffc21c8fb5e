//! Reading many items by their keys.

use aws_sdk_dynamodb::types::KeysAndAttributes;
use aws_sdk_dynamodb::types::builders::KeysAndAttributesBuilder;

use super::codec::Item;
use super::{Error, Store};

/// Keys that one BatchGetItem takes.
pub(super) const KEYS_AT_ONCE: usize = 100;

/// The items of these keys, in any order; those that are not there are left out.
pub(super) async fn get(
    store: &Store,
    table: &str,
    wanted: KeysAndAttributesBuilder,
) -> Result<Vec<Item>, Error> {
    let failed = |error| Error::aws("BatchGetItem", error);
    let mut wanted: KeysAndAttributes = wanted
        .build()
        .map_err(|error| Error::aws("BatchGetItem", error))?;
    let mut items = Vec::new();
    loop {
        let request = store.client.batch_get_item().request_items(table, wanted);
        let answer = request
            .send()
            .await
            .map_err(|error| failed(Box::new(error)))?;
        let found = answer.responses.unwrap_or_default().remove(table);
        items.extend(found.unwrap_or_default());
        match answer.unprocessed_keys.unwrap_or_default().remove(table) {
            Some(unprocessed) => wanted = unprocessed,
            None => return Ok(items),
        }
    }
}
