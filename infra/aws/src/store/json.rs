//! Values that are stored as JSON text, and what is left out of them because the item says it
//! elsewhere.
//!
//! Text keeps what a DynamoDB map would lose: the order of fields and 64-bit integers.

use serde::Serialize;
use serde_json::Value;
use taskmill::ids::TenantId;
use taskmill::security::SecurityContext;

use super::Error;
use super::codec::Reader;

/// A value as compact JSON.
pub(crate) fn json_text(value: &impl Serialize) -> String {
    serde_json::to_string(value)
        .expect("domain types have text keys and finite numbers, which is all that JSON asks for")
}

/// A security context without the tenant that the item's own keys name.
pub(crate) fn security_text(context: &SecurityContext, tenant: &TenantId) -> String {
    let mut value = serde_json::to_value(context).unwrap_or_default();
    if let Value::Object(fields) = &mut value
        && context.tenant_id == *tenant
    {
        fields.shift_remove("tenantId");
    }
    value.to_string()
}

/// The context that [`security_text`] wrote.
pub(crate) fn security_context(
    read: &Reader<'_>,
    tenant: &TenantId,
) -> Result<SecurityContext, Error> {
    let mut value: Value = read
        .opt_json("sec")?
        .ok_or_else(|| read.corrupt("sec is missing"))?;
    if let Value::Object(fields) = &mut value
        && !fields.contains_key("tenantId")
    {
        fields.insert("tenantId".to_owned(), tenant.as_str().into());
    }
    serde_json::from_value(value).map_err(|error| read.corrupt(format!("sec: {error}")))
}

/// A tenant that the item's keys name.
pub(crate) fn tenant_id(read: &Reader<'_>, text: &str) -> Result<TenantId, Error> {
    TenantId::new(text).map_err(|_| read.corrupt(format!("no tenant is {text:?}")))
}
