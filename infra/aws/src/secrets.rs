//! Secrets: where `{{secret:NAME}}` finds its value, and how that value stays out of records.
//!
//! A definition holds references alone. They are resolved for one attempt, within its tenant,
//! and the [`Redactor`] of that attempt then takes their values out of whatever it gives back.
//! Values are never part of an error, a log line or a `Debug` text.
//!
//! Where a secret is looked up, the first that has it:
//! 1. the variable `TASKMILL_SECRET_<TENANT>__<NAME>`, the tenant in capitals and its `-` as `_`.
//!    So that no tenant reaches another's variable by a clever name, only tenants of lower-case
//!    letters, digits and single `-`, and names of capitals, digits and single `_`, have one;
//! 2. on a machine of one tenant, the variable `TASKMILL_SECRET_<NAME>`;
//! 3. on a machine of one tenant, the secret file ([`SecretFile`]);
//! 4. in a deployment that says so, the service of AWS that keeps secrets ([`Vault`]).
//!
//! Left out: who may use which secret (a tenant's definitions may use all of its secrets).

mod file;
mod redact;
mod vault;

use std::collections::HashMap;
use std::ffi::OsString;
use std::fmt;
use std::sync::Arc;

use taskmill::ids::TenantId;

pub use file::{BadSecretFile, SecretFile};
pub use redact::Redactor;
pub use vault::{BadPlace, KEPT_MILLIS, Vault, VaultPlace};

use crate::executor::{Failure, codes};

/// Characters that a secret must have at least, white space at its ends not counted. A shorter
/// one is refused: hiding it would hide every `1` of an output, and showing it is no choice.
pub const MIN_SECRET_CHARS: usize = 4;
/// What every variable that holds a secret begins with.
const PREFIX: &str = "TASKMILL_SECRET_";
/// How a reference begins and ends.
const OPEN: &str = "{{secret:";
const CLOSE: &str = "}}";
/// Characters of a secret's name.
const NAME_CHARS: usize = 128;

/// The secrets of this process. A cheap clone.
#[derive(Clone)]
pub struct Secrets {
    source: Arc<Source>,
    vault: Option<Arc<Vault>>,
}

enum Source {
    /// Several tenants share the process.
    Shared { variables: HashMap<String, String> },
    /// A machine of one tenant.
    Single {
        variables: HashMap<String, String>,
        file: SecretFile,
    },
}

/// Resolves the references of one attempt, and remembers what it gave away.
pub struct Revealer<'a> {
    secrets: &'a Secrets,
    tenant: &'a TenantId,
    redactor: Redactor,
}

/// Why a reference cannot be resolved. Names the secret, never its value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The tenant has no such secret.
    #[error("tenant {tenant} has no secret {name}")]
    NotFound {
        /// Who asked.
        tenant: TenantId,
        /// For what.
        name: String,
    },
    /// Text that begins like a reference and is none.
    #[error(
        "a reference to a secret must be written {{{{secret:NAME}}}}, with a name of letters, digits, '.', '_' and '-'"
    )]
    Malformed,
    /// A value that cannot be told from other text.
    #[error(
        "secret {name} of tenant {tenant} has fewer than {MIN_SECRET_CHARS} characters and could not be hidden"
    )]
    TooShort {
        /// Whose it is.
        tenant: TenantId,
        /// Which.
        name: String,
    },
    /// A value that is no text.
    #[error("secret {name} of tenant {tenant} is not text")]
    NotText {
        /// Whose it is.
        tenant: TenantId,
        /// Which.
        name: String,
    },
    /// A value that this process may not read.
    #[error("secret {name} of tenant {tenant} may not be read here: {code}")]
    Denied {
        /// Whose it is.
        tenant: TenantId,
        /// Which.
        name: String,
        /// AWS's word for it.
        code: String,
    },
    /// A value that is not given away, for a reason that does not pass.
    #[error("secret {name} of tenant {tenant} is not given away: {code}")]
    Refused {
        /// Whose it is.
        tenant: TenantId,
        /// Which.
        name: String,
        /// AWS's word for it.
        code: String,
    },
    /// What keeps secrets gave no answer, or none that lasts.
    #[error("secret {name} of tenant {tenant} cannot be looked up now: {why}")]
    Unavailable {
        /// Whose it is.
        tenant: TenantId,
        /// Which.
        name: String,
        /// What happened.
        why: String,
    },
}

impl Secrets {
    /// The secrets of a process that many tenants share, from its environment.
    #[must_use]
    pub fn shared(environment: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let variables = secret_variables(environment);
        Self {
            source: Arc::new(Source::Shared { variables }),
            vault: None,
        }
    }

    /// The same, where what is not found is looked up in a vault as well.
    #[must_use]
    pub fn and_in(self, vault: Vault) -> Self {
        let vault = Some(Arc::new(vault));
        Self { vault, ..self }
    }

    /// The secrets of a machine of one tenant, from its environment and a file.
    #[must_use]
    pub fn single(
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        file: SecretFile,
    ) -> Self {
        let variables = secret_variables(environment);
        Self {
            source: Arc::new(Source::Single { variables, file }),
            vault: None,
        }
    }

    /// Begins to resolve the references of one attempt of this tenant.
    #[must_use]
    pub fn revealer<'a>(&'a self, tenant: &'a TenantId) -> Revealer<'a> {
        Revealer {
            secrets: self,
            tenant,
            redactor: Redactor::none(),
        }
    }

    async fn find(&self, tenant: &TenantId, name: &str) -> Result<Option<String>, Error> {
        let found = match (self.at_hand(tenant, name), &self.vault) {
            (Some(value), _) => Some(value.to_owned()),
            (None, Some(vault)) => vault.find(tenant, name).await?,
            (None, None) => None,
        };
        Ok(found.filter(|value| !value.is_empty()))
    }

    /// What the process was given itself.
    fn at_hand(&self, tenant: &TenantId, name: &str) -> Option<&str> {
        let found = match self.source.as_ref() {
            Source::Shared { variables } => own_variable(variables, tenant, name),
            Source::Single { variables, file } => own_variable(variables, tenant, name)
                .or_else(|| variables.get(name).map(String::as_str))
                .or_else(|| file.get(tenant, name)),
        };
        found.filter(|value| !value.is_empty())
    }
}

impl Revealer<'_> {
    /// The text with every reference in it replaced by its value.
    ///
    /// # Errors
    /// A reference that is malformed, names no secret, or names one that cannot be used.
    pub async fn reveal(&mut self, text: &str) -> Result<String, Error> {
        let mut revealed = String::new();
        let mut rest = text;
        while let Some(start) = rest.find(OPEN) {
            let after = &rest[start + OPEN.len()..];
            let end = after.find(CLOSE).ok_or(Error::Malformed)?;
            revealed.push_str(&rest[..start]);
            revealed.push_str(&self.value(&after[..end]).await?);
            rest = &after[end + CLOSE.len()..];
        }
        revealed.push_str(rest);
        Ok(revealed)
    }

    /// Hides a value that is given away beside the references.
    pub fn hide(&mut self, value: &str) {
        self.redactor.hide(value);
    }

    /// What hides every value that was given away.
    #[must_use]
    pub fn into_redactor(self) -> Redactor {
        self.redactor
    }

    async fn value(&mut self, name: &str) -> Result<String, Error> {
        if !is_name(name) {
            return Err(Error::Malformed);
        }
        let (tenant, name_of) = (self.tenant.clone(), name.to_owned());
        let Some(value) = self.secrets.find(self.tenant, name).await? else {
            return Err(Error::NotFound {
                tenant,
                name: name_of,
            });
        };
        if value.trim().chars().count() < MIN_SECRET_CHARS {
            return Err(Error::TooShort {
                tenant,
                name: name_of,
            });
        }
        self.redactor.hide(&value);
        Ok(value)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let message = error.to_string();
        match error {
            Error::NotFound { .. } | Error::Malformed => {
                Self::permanent(codes::SECRET_NOT_FOUND, message)
            }
            Error::TooShort { .. } => Self::permanent(codes::SECRET_TOO_SHORT, message),
            Error::NotText { .. } => Self::permanent(codes::SECRET_NOT_TEXT, message),
            Error::Denied { code, .. } => {
                Self::permanent(codes::SECRET_ACCESS_DENIED, message).with_detail("awsCode", code)
            }
            Error::Refused { code, .. } => {
                Self::permanent(codes::SECRET_REFUSED, message).with_detail("awsCode", code)
            }
            Error::Unavailable { .. } => Self::transient(codes::SECRETS_UNAVAILABLE, message),
        }
    }
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").finish_non_exhaustive()
    }
}

/// The variables that hold secrets, without their prefix. One that is no text holds none.
fn secret_variables(
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> HashMap<String, String> {
    environment
        .into_iter()
        .filter_map(|(name, value)| {
            let name = name.to_str()?.strip_prefix(PREFIX)?.to_owned();
            Some((name, value.into_string().ok()?))
        })
        .collect()
}

/// The variable that belongs to this tenant alone. Different tenants or names never share one,
/// because `__` occurs nowhere but between the two.
fn own_variable<'a>(
    variables: &'a HashMap<String, String>,
    tenant: &TenantId,
    name: &str,
) -> Option<&'a str> {
    let lower = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let upper = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
    let fits = joined_by(tenant.as_str(), '-', lower) && joined_by(name, '_', upper);
    let tenant = tenant.as_str().to_ascii_uppercase().replace('-', "_");
    fits.then(|| variables.get(&format!("{tenant}__{name}")))?
        .map(String::as_str)
}

/// Whether the text is words of allowed characters, joined by single separators.
fn joined_by(text: &str, separator: char, allowed: impl Fn(char) -> bool) -> bool {
    text.split(separator)
        .all(|word| !word.is_empty() && word.chars().all(&allowed))
}

fn is_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    !name.is_empty() && name.len() <= NAME_CHARS && name.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    fn environment(variables: &[(&str, &str)]) -> Vec<(OsString, OsString)> {
        variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect()
    }

    fn reveal(secrets: &Secrets, of: &str, text: &str) -> Result<String, Error> {
        let tenant = tenant(of);
        let mut revealer = secrets.revealer(&tenant);
        let revealed = revealer.reveal(text).now_or_never();
        revealed.expect("what is at hand is not waited for")
    }

    #[test]
    fn references_are_replaced_within_the_tenant() {
        let secrets = Secrets::shared(environment(&[
            ("TASKMILL_SECRET_ACME__API_KEY", "k-acme"),
            ("TASKMILL_SECRET_BIG_CORP__API_KEY", "k-big"),
            ("TASKMILL_SECRET_API_KEY", "k-plain"),
            ("OTHER", "no secret"),
        ]));
        #[track_caller]
        fn check(secrets: &Secrets, of: &str, text: &str, expected: Result<&str, &str>) {
            let found = reveal(secrets, of, text).map_err(|error| error.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expected);
        }
        check(&secrets, "acme", "plain", Ok("plain"));
        check(
            &secrets,
            "acme",
            "Bearer {{secret:API_KEY}}!",
            Ok("Bearer k-acme!"),
        );
        check(
            &secrets,
            "acme",
            "{{secret:API_KEY}}{{secret:API_KEY}}",
            Ok("k-acmek-acme"),
        );
        check(&secrets, "big-corp", "{{secret:API_KEY}}", Ok("k-big"));
        check(
            &secrets,
            "acme",
            "{{secret:NONE}}",
            Err("tenant acme has no secret NONE"),
        );
        check(
            &secrets,
            "other",
            "{{secret:API_KEY}}",
            Err("tenant other has no secret API_KEY"),
        );
        check(
            &secrets,
            "acme",
            "{{ secret:API_KEY }}",
            Ok("{{ secret:API_KEY }}"),
        );
        for malformed in [
            "{{secret:}}",
            "{{secret:A",
            "{{secret:A B}}",
            "{{secret:a\u{0}}}",
        ] {
            assert_eq!(
                reveal(&secrets, "acme", malformed),
                Err(Error::Malformed),
                "{malformed}"
            );
        }
    }

    #[test]
    fn no_tenant_reaches_another_by_a_clever_name() {
        let secrets = Secrets::shared(environment(&[
            ("TASKMILL_SECRET_A__B_C", "value-of-a"),
            ("TASKMILL_SECRET_A_B__C", "value-of-a-b"),
            ("TASKMILL_SECRET_A____C", "value-of-nobody"),
        ]));
        assert_eq!(
            reveal(&secrets, "a", "{{secret:B_C}}").as_deref(),
            Ok("value-of-a")
        );
        assert_eq!(
            reveal(&secrets, "a-b", "{{secret:C}}").as_deref(),
            Ok("value-of-a-b")
        );
        for (of, name) in [
            ("a", "B__C"),
            ("a", "__C"),
            ("A", "B_C"),
            ("a_b", "C"),
            ("a.b", "C"),
            ("a--", "C"),
            ("a", "b_c"),
            ("a", "A_B__C"),
        ] {
            let text = format!("{{{{secret:{name}}}}}");
            assert!(reveal(&secrets, of, &text).is_err(), "{of} {name}");
        }
    }

    #[test]
    fn a_machine_of_one_tenant_looks_in_its_environment_before_its_file() {
        let file = "{\"API_KEY\": \"from-file\", \"db.password\": \"from-file\"}";
        let secrets = Secrets::single(
            environment(&[
                ("TASKMILL_SECRET_API_KEY", "plain"),
                ("TASKMILL_SECRET_LOCAL__TOKEN", "own-variable"),
                ("TASKMILL_SECRET_TOKEN", "plain"),
            ]),
            SecretFile::parse(file).unwrap(),
        );
        let text = "{{secret:API_KEY}} {{secret:TOKEN}} {{secret:db.password}}";
        assert_eq!(
            reveal(&secrets, "local", text).as_deref(),
            Ok("plain own-variable from-file")
        );
    }

    #[test]
    fn what_cannot_be_hidden_is_refused() {
        let secrets = Secrets::shared(environment(&[
            ("TASKMILL_SECRET_T__PIN", "123"),
            ("TASKMILL_SECRET_T__PADDED", " 12 \n"),
            ("TASKMILL_SECRET_T__EMPTY", ""),
            ("TASKMILL_SECRET_T__SHORTEST", "äöüß"),
        ]));
        let code = |name: &str| {
            let error = reveal(&secrets, "t", &format!("{{{{secret:{name}}}}}")).unwrap_err();
            let failure = Failure::from(error);
            assert!(failure.permanent);
            failure.code
        };
        assert_eq!(code("PIN"), codes::SECRET_TOO_SHORT);
        assert_eq!(code("PADDED"), codes::SECRET_TOO_SHORT);
        assert_eq!(code("EMPTY"), codes::SECRET_NOT_FOUND);
        assert_eq!(
            reveal(&secrets, "t", "{{secret:SHORTEST}}").as_deref(),
            Ok("äöüß")
        );
    }

    #[tokio::test]
    async fn debug_texts_hold_no_value() {
        let file = SecretFile::parse("A=topsecret").unwrap();
        let secrets = Secrets::single(environment(&[("TASKMILL_SECRET_B", "topsecret")]), file);
        let tenant = tenant("t");
        let mut revealer = secrets.revealer(&tenant);
        revealer.reveal("{{secret:A}}").await.unwrap();
        let shown = format!("{secrets:?} {:?}", revealer.into_redactor());
        assert!(!shown.contains("topsecret"), "{shown}");
    }
}
