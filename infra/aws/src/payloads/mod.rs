//! The payload bucket: values that are too large for a database item, by what they are part of
//! and what they contain.
//!
//! An object's key holds the hash of its content, so writing it again changes nothing and no
//! writer can overwrite another's. Who points to an object, and how long, is the pointing
//! record's business; deleting objects is the archive's.

mod address;
mod object;

use std::fmt;
use std::str::FromStr;

use aws_config::SdkConfig;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use taskmill::ids::TenantId;
use uuid::Uuid;

use object::Objects;

/// Bytes up to which a value stays in the database; what is larger goes to the bucket. (An S3
/// write costs about what eight KiB of DynamoDB writes do.)
pub const INLINE_BYTES: usize = 8 * 1024;

/// The first half of a SHA-256: names a content within one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ContentHash([u8; 16]);

impl ContentHash {
    /// Bytes of a hash.
    pub const LENGTH: usize = 16;

    /// The hash of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let digest = Sha256::digest(text.as_bytes());
        let mut half = [0; Self::LENGTH];
        half.copy_from_slice(&digest[..Self::LENGTH]);
        Self(half)
    }

    /// The hash itself.
    #[must_use]
    pub const fn bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }
}

impl From<[u8; Self::LENGTH]> for ContentHash {
    fn from(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Text that is no content hash: not 32 lower-case hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a content hash has 32 lower-case hexadecimal digits")]
pub struct BadHash;

impl FromStr for ContentHash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let plain = text.len() == 2 * Self::LENGTH
            && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        let number = plain.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        number
            .map(|number| Self(number.to_be_bytes()))
            .ok_or(BadHash)
    }
}

/// What a payload is part of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PayloadKind {
    /// A task instance; the id is the task's.
    Task,
    /// A workflow instance; the id is the workflow's.
    Workflow,
    /// A message that could not hold it; the id is the execution's, or the request's.
    Message,
}

impl PayloadKind {
    const fn folder(self) -> &'static str {
        match self {
            Self::Task => "tasks",
            Self::Workflow => "workflows",
            Self::Message => "messages",
        }
    }
}

/// Where a payload is: `<tenant>/<kind>/<id>/<field>-<hash>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PayloadKey(String);

impl PayloadKey {
    /// The key of a content.
    #[must_use]
    pub fn new(
        tenant: &TenantId,
        kind: PayloadKind,
        id: Uuid,
        field: &'static str,
        hash: ContentHash,
    ) -> Self {
        Self(format!("{tenant}/{}/{id}/{field}-{hash}", kind.folder()))
    }

    /// Whether the payload is this tenant's: to be asked of every key that came in a message.
    #[must_use]
    pub fn belongs_to(&self, tenant: &TenantId) -> bool {
        let of_tenant = self.0.strip_prefix(tenant.as_str());
        let climbs = self.0.split('/').any(|folder| folder == "..");
        of_tenant.is_some_and(|rest| rest.starts_with('/')) && !climbs
    }

    /// The object's key.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a payload could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The bucket did not take it.
    #[error("payload {key} could not be written")]
    Put {
        /// The object's key.
        key: String,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The bucket did not give it.
    #[error("payload {key} could not be read")]
    Get {
        /// The object's key.
        key: String,
        /// What the SDK said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

/// The payload bucket.
#[derive(Debug, Clone)]
pub struct Payloads {
    objects: Objects,
}

impl Payloads {
    /// The bucket of this name.
    #[must_use]
    pub fn new(sdk: &SdkConfig, bucket: &str) -> Self {
        Self {
            objects: Objects::new(sdk, bucket),
        }
    }

    /// Writes a payload; again changes nothing.
    ///
    /// # Errors
    /// [`Error::Put`]; nothing may be told of whether it was written.
    pub async fn put(&self, key: &PayloadKey, content: String) -> Result<(), Error> {
        let put = self.objects.put(key.as_str(), content).await;
        put.map_err(|source| Error::Put {
            key: key.0.clone(),
            source,
        })
    }

    /// Reads a payload; none when there is no such object.
    ///
    /// # Errors
    /// [`Error::Get`]: no answer, a broken body, or a body that is not UTF-8.
    pub async fn get(&self, key: &PayloadKey) -> Result<Option<String>, Error> {
        let got = self.objects.get(key.as_str()).await;
        got.map_err(|source| Error::Get {
            key: key.0.clone(),
            source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenant(name: &str) -> TenantId {
        TenantId::new(name).unwrap()
    }

    #[test]
    fn a_hash_survives_its_text() {
        let hash = ContentHash::of("{\"a\":1}");
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for bad in [
            "",
            "0",
            "+0000000000000000000000000000000",
            &"g".repeat(32),
            &"A".repeat(32),
        ] {
            assert_eq!(bad.parse::<ContentHash>(), Err(BadHash), "{bad}");
        }
    }

    #[test]
    fn a_key_belongs_to_its_tenant_alone() {
        let hash = ContentHash::of("x");
        let key = PayloadKey::new(&tenant("acme"), PayloadKind::Task, Uuid::nil(), "in", hash);
        assert_eq!(
            key.as_str(),
            format!("acme/tasks/00000000-0000-0000-0000-000000000000/in-{hash}")
        );
        for (name, expected) in [
            ("acme", true),
            ("acm", false),
            ("acme2", false),
            ("a", false),
        ] {
            assert_eq!(key.belongs_to(&tenant(name)), expected, "{name}");
        }
        for (key, expected) in [("acme/../other/x", false), ("a..b/tasks/x", true)] {
            let name = key.split('/').next().unwrap();
            assert_eq!(
                PayloadKey(key.to_owned()).belongs_to(&tenant(name)),
                expected,
                "{key}"
            );
        }
    }
}
