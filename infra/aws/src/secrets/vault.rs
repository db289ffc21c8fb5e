//! The vault: secrets that AWS keeps, in Secrets Manager or in the Parameter Store of Systems
//! Manager.
//!
//! A secret of a tenant stands under `<prefix>/<tenant>/<NAME>`. None of the three parts can hold
//! what separates them, so that no tenant reaches another's secret, nor one outside of the prefix,
//! by a clever name. What was found is used for [`KEPT_MILLIS`] and no longer, so that a
//! new value is soon seen; that there is no such secret is not kept at all.

#[cfg(test)]
mod tests;

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};

use aws_config::SdkConfig;
use aws_runtime::auth::SigningOptions;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ErrorMetadata;
use lru::LruCache;
use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill::ids::TenantId;

use super::Error;
use crate::calls::{Call, Callee, address, json};
use crate::clock::Clock;

/// How long a value is used before it is asked for again, in milliseconds.
pub const KEPT_MILLIS: u64 = 60_000;
/// Secrets whose values are kept at once. One that falls out is asked for again.
const SECRETS: NonZeroUsize = NonZeroUsize::new(256).expect("256 is not 0");
/// Bytes of a prefix.
const PREFIX_BYTES: usize = 128;
/// What says that there is no such secret.
const NOT_THERE: [&str; 3] = [
    "ResourceNotFoundException",
    "ParameterNotFound",
    "ParameterVersionNotFound",
];
/// What says that the secret may not be read, or not decrypted.
const DENIED: [&str; 4] = [
    "AccessDeniedException",
    "DecryptionFailure",
    "InvalidKeyId",
    "UnrecognizedClientException",
];
/// What says that there is too much going on, that the service itself failed, or that this process is
/// about to be given other credentials.
const PASSING: [&str; 5] = [
    "ExpiredTokenException",
    "InternalServerError",
    "InternalServiceError",
    "ThrottlingException",
    "TooManyRequestsException",
];

/// Where secrets are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultPlace {
    service: Service,
    prefix: String,
}

/// Who keeps them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    SecretsManager,
    ParameterStore,
}

/// The configuration names no place of secrets.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadPlace {
    /// Nobody of this name keeps secrets.
    #[error("secrets are looked up in secretsmanager, ssm or none, not in {0:?}")]
    Service(String),
    /// The prefix cannot stand before a tenant.
    #[error(
        "the prefix {0:?} is not words of letters, digits, '.', '_' and '-', with '/' between them, of {PREFIX_BYTES} bytes at most"
    )]
    Prefix(String),
}

/// The secrets at a place.
pub struct Vault {
    place: VaultPlace,
    call: Call,
    clock: Clock,
    kept: Mutex<LruCache<(TenantId, String), Slot>>,
}

/// Where the value of one secret is kept. Who looks it up holds the lock: the attempts of a batch
/// ask for it once.
type Slot = Arc<tokio::sync::Mutex<Option<Kept>>>;

struct Kept {
    value: String,
    until: Timestamp,
}

impl VaultPlace {
    /// Reads a place: a service, `secretsmanager`, `ssm` or `none`, and a prefix.
    ///
    /// # Errors
    /// There is no such service, or the prefix is of no use.
    pub fn read(service: &str, prefix: &str) -> Result<Option<Self>, BadPlace> {
        let service = match service {
            "none" => return Ok(None),
            "secretsmanager" => Service::SecretsManager,
            "ssm" => Service::ParameterStore,
            other => return Err(BadPlace::Service(other.to_owned())),
        };
        if prefix.len() > PREFIX_BYTES || !prefix.split('/').all(is_word) {
            return Err(BadPlace::Prefix(prefix.to_owned()));
        }
        let prefix = prefix.to_owned();
        Ok(Some(Self { service, prefix }))
    }

    /// The service, as [`read`](Self::read) takes it.
    #[must_use]
    pub const fn service(&self) -> &'static str {
        match self.service {
            Service::SecretsManager => "secretsmanager",
            Service::ParameterStore => "ssm",
        }
    }

    /// The prefix.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// What a secret is called there; none when it could be taken for something else.
    fn path(&self, tenant: &TenantId, name: &str) -> Option<String> {
        let fits = is_word(tenant.as_str()) && is_word(name);
        fits.then(|| format!("{}/{tenant}/{name}", self.prefix))
    }

    /// What the service is asked for a secret of this path.
    fn question(&self, path: &str) -> (&'static str, Value) {
        match self.service {
            Service::SecretsManager => ("secretsmanager.GetSecretValue", json!({"SecretId": path})),
            Service::ParameterStore => {
                let name = format!("/{path}");
                let asked = json!({"Name": name, "WithDecryption": true});
                ("AmazonSSM.GetParameter", asked)
            }
        }
    }

    fn call(&self, sdk: &SdkConfig) -> Call {
        let (names, signed_for, id) = match self.service {
            Service::SecretsManager => {
                let names = ("Secrets Manager", "GetSecretValue");
                (names, "secretsmanager", "Secrets Manager")
            }
            Service::ParameterStore => (("SSM", "GetParameter"), "ssm", "SSM"),
        };
        let region = address::region(sdk);
        let on_aws = || format!("https://{signed_for}.{region}.{}", address::domain(region));
        let callee = Callee {
            names,
            endpoint: address::endpoint(sdk, id).unwrap_or_else(on_aws),
            signed_for,
            signing: SigningOptions::default(),
            transient: &PASSING,
            read: json::content,
        };
        callee.call(sdk)
    }
}

impl Vault {
    /// The secrets at this place, asked for by this configuration.
    #[must_use]
    pub fn new(place: VaultPlace, sdk: &SdkConfig, clock: Clock) -> Self {
        Self {
            call: place.call(sdk),
            place,
            clock,
            kept: Mutex::new(LruCache::new(SECRETS)),
        }
    }

    /// The value of a tenant's secret, if there is one.
    ///
    /// # Errors
    /// It is no text, or the service did not give it.
    pub(super) async fn find(
        &self,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<String>, Error> {
        let Some(path) = self.place.path(tenant, name) else {
            return Ok(None);
        };
        let slot = self.slot(tenant, name);
        let mut kept = slot.lock().await;
        if let Some(kept) = kept.as_ref().filter(|kept| self.clock.now() < kept.until) {
            return Ok(Some(kept.value.clone()));
        }
        *kept = None;
        let found = self.ask(&path, tenant, name).await?;
        *kept = found.clone().map(|value| Kept {
            value,
            until: self.clock.now().plus_millis(KEPT_MILLIS),
        });
        Ok(found)
    }

    fn slot(&self, tenant: &TenantId, name: &str) -> Slot {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tenant.clone(), name.to_owned());
        kept.get_or_insert(key, Slot::default).clone()
    }

    async fn ask(
        &self,
        path: &str,
        tenant: &TenantId,
        name: &str,
    ) -> Result<Option<String>, Error> {
        let of = || (tenant.clone(), name.to_owned());
        let (target, body) = self.place.question(path);
        let unavailable = |why: String| {
            let (tenant, name) = of();
            Error::Unavailable { tenant, name, why }
        };
        let request =
            json::request(target, &body).map_err(|error| unavailable(error.to_string()))?;
        match self.call.invoke(request).await {
            Ok(answer) => match self.place.value(&answer) {
                Some(Content::Text(value)) => Ok(Some(value)),
                Some(Content::Bytes) => {
                    let (tenant, name) = of();
                    Err(Error::NotText { tenant, name })
                }
                None => Err(unavailable("its answer has no value".to_owned())),
            },
            Err(error) => refusal(&error, tenant, name),
        }
    }
}

/// What a secret is.
enum Content {
    Text(String),
    Bytes,
}

impl VaultPlace {
    /// The value in an answer.
    fn value(&self, answer: &str) -> Option<Content> {
        let answer: Value = serde_json::from_str(answer).ok()?;
        let text = match self.service {
            Service::SecretsManager if answer["SecretBinary"].is_string() => {
                return Some(Content::Bytes);
            }
            Service::SecretsManager => &answer["SecretString"],
            Service::ParameterStore => &answer["Parameter"]["Value"],
        };
        text.as_str().map(|text| Content::Text(text.to_owned()))
    }
}

/// What it means that no value was given. AWS's own words are left out: they name roles and keys,
/// which are not the tenant's to know.
fn refusal(
    error: &SdkError<ErrorMetadata, HttpResponse>,
    tenant: &TenantId,
    name: &str,
) -> Result<Option<String>, Error> {
    let (tenant, name) = (tenant.clone(), name.to_owned());
    let SdkError::ServiceError(service) = error else {
        let why = unanswered(error);
        return Err(Error::Unavailable { tenant, name, why });
    };
    let status = service.raw().status().as_u16();
    let code = service.err().code().unwrap_or_default().to_owned();
    if NOT_THERE.contains(&&*code) {
        return Ok(None);
    }
    Err(
        if PASSING.contains(&&*code) || status == 429 || status >= 500 {
            let why = format!("it answered {status} {code}");
            Error::Unavailable { tenant, name, why }
        } else if DENIED.contains(&&*code) {
            Error::Denied { tenant, name, code }
        } else {
            Error::Refused { tenant, name, code }
        },
    )
}

/// Why there was no answer. What an answer that cannot be read says is left out: it may be the value.
fn unanswered(error: &SdkError<ErrorMetadata, HttpResponse>) -> String {
    match error {
        SdkError::DispatchFailure(_) | SdkError::TimeoutError(_) => {
            DisplayErrorContext(error).to_string()
        }
        _ => "its answer could not be read".to_owned(),
    }
}

/// Whether a text can be a part of a path: letters, digits, `.`, `_` and `-`, and not dots alone.
fn is_word(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    text.chars().all(allowed) && text.chars().any(|c| c != '.')
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Vault");
        shown.field("place", &self.place).finish_non_exhaustive()
    }
}
