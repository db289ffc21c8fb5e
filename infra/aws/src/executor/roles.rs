//! As whom AWS is called: as Taskmill, as the role that tasks of a kind usually have, or as the one
//! that a definition's `runAs` names.
//!
//! An assumed role's session is named after the tenant ([`session_name`]), so that the role's
//! trust policy can hold each tenant to its own roles by the condition `sts:RoleSessionName`.
//! That policy is what decides; here is only the asking.

use std::num::NonZeroUsize;

use aws_config::SdkConfig;
use aws_config::identity::IdentityCache;
use aws_config::sts::AssumeRoleProvider;
use aws_sdk_lambda::config::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::default_async_sleep;
use lru::LruCache;
use sha2::{Digest, Sha256};
use taskmill::ids::TenantId;
use tokio::sync::Mutex;

use crate::executor::Call;

/// Roles whose sessions are kept at once. A role that falls out is assumed again.
const ROLES: NonZeroUsize = NonZeroUsize::new(256).expect("256 is not 0");
/// Characters of a session name, by STS.
const SESSION_NAME_CHARS: usize = 64;

/// The clients of a service of AWS, one for each identity.
#[derive(Debug)]
pub(super) struct Clients<C> {
    sdk: SdkConfig,
    make: fn(&SdkConfig) -> C,
    own: C,
    /// The role that is assumed where a call names none.
    usual: Option<String>,
    /// By role and tenant. Each client keeps its own credentials until they expire.
    assumed: Mutex<LruCache<(String, TenantId), C>>,
}

impl<C: Clone> Clients<C> {
    pub(super) fn new(sdk: SdkConfig, make: fn(&SdkConfig) -> C) -> Self {
        let sdk = with_time(sdk);
        Self {
            own: make(&sdk),
            usual: None,
            assumed: Mutex::new(LruCache::new(ROLES)),
            make,
            sdk,
        }
    }

    /// The same, but where a call names no role this one is assumed.
    pub(super) fn usually(self, role: Option<String>) -> Self {
        Self {
            usual: role,
            ..self
        }
    }

    /// The client that makes this call as whom it asks to.
    pub(super) async fn of(&self, call: &Call) -> C {
        let Some(role) = run_as(call).or(self.usual.as_ref()).cloned() else {
            return self.own.clone();
        };
        let tenant = call.context.tenant_id.clone();
        let mut assumed = self.assumed.lock().await;
        if let Some(client) = assumed.get(&(role.clone(), tenant.clone())) {
            return client.clone();
        }
        let client = self.assuming(&role, &tenant).await;
        assumed.put((role, tenant), client.clone());
        client
    }

    /// A client that assumes the role when it first needs to; nothing is asked yet.
    async fn assuming(&self, role: &str, tenant: &TenantId) -> C {
        let provider = AssumeRoleProvider::builder(role)
            .configure(&self.sdk)
            .session_name(session_name(tenant))
            .build()
            .await;
        let sdk = self
            .sdk
            .to_builder()
            .credentials_provider(SharedCredentialsProvider::new(provider))
            .identity_cache(IdentityCache::lazy().build())
            .build();
        (self.make)(&sdk)
    }
}

/// The role that the definition of a call names.
pub(super) fn run_as(call: &Call) -> Option<&String> {
    let security = call.definition.execution_config.security_context.as_ref()?;
    security.run_as.as_ref()
}

/// The configuration with a time source and a sleep, which assuming a role cannot do without.
fn with_time(sdk: SdkConfig) -> SdkConfig {
    let time = sdk.time_source().unwrap_or_default();
    let sleep = sdk.sleep_impl().or_else(default_async_sleep);
    let mut builder = sdk.into_builder().time_source(time);
    builder.set_sleep_impl(sleep);
    builder.build()
}

/// `taskmill-` and the tenant; where that is too long, `taskmillh-` and the tenant's SHA-256, cut
/// to fit. The two never meet.
fn session_name(tenant: &TenantId) -> String {
    let plain = format!("taskmill-{tenant}");
    if plain.len() <= SESSION_NAME_CHARS {
        return plain;
    }
    let digest = Sha256::digest(tenant.as_str());
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut name = format!("taskmillh-{hex}");
    name.truncate(SESSION_NAME_CHARS);
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sessions_are_named_after_the_tenant() {
        let name = |tenant: &str| session_name(&TenantId::new(tenant).unwrap());
        assert_eq!(name("acme"), "taskmill-acme");
        assert_eq!(name(&"a".repeat(55)).len(), SESSION_NAME_CHARS);
        let (long, other) = (name(&"a".repeat(56)), name(&"a".repeat(57)));
        assert_eq!(long.len(), SESSION_NAME_CHARS);
        assert!(long.starts_with("taskmillh-"));
        assert_ne!(long, other);
    }
}
