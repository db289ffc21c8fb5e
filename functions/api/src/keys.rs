//! The keys that tokens are signed with: one secret of development, a JSON Web Key Set (RFC 7517),
//! or the set that an issuer publishes at an address.
//!
//! A published set is kept, and asked for again when a token names a key that is not in it, at most
//! once a minute: keys are changed now and then, and a forged name must not make a request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, Header};
use reqwest::Client;
use taskmill::Timestamp;

use crate::identity::Unknown;

/// Milliseconds between two requests for the same set.
const PAUSE: u64 = 60_000;
/// How long an issuer may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where the keys of tokens are.
#[derive(Debug)]
pub struct Keys(Source);

#[derive(Debug)]
enum Source {
    Development(DecodingKey),
    Given(JwkSet),
    Published(Published),
}

/// A set at an address.
#[derive(Debug)]
struct Published {
    address: String,
    client: Client,
    known: Mutex<Known>,
}

/// What is known of a set.
#[derive(Debug, Clone, Default)]
struct Known {
    set: Option<Arc<JwkSet>>,
    asked: Option<Timestamp>,
}

impl Keys {
    pub(crate) const fn development(key: DecodingKey) -> Self {
        Self(Source::Development(key))
    }

    /// The keys of a JSON Web Key Set.
    ///
    /// # Errors
    /// The text is none.
    pub fn given(text: &str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(text).map(|set| Self(Source::Given(set)))
    }

    /// The keys that are published at an address.
    ///
    /// # Errors
    /// There is no client for it.
    pub fn published(address: impl Into<String>) -> Result<Self, reqwest::Error> {
        let client = Client::builder().timeout(PATIENCE).build()?;
        Ok(Self(Source::Published(Published {
            address: address.into(),
            client,
            known: Mutex::default(),
        })))
    }

    /// The key that a token says it is signed with, and what it may be signed with by that key.
    pub(crate) async fn of(
        &self,
        header: &Header,
        now: Timestamp,
    ) -> Result<(DecodingKey, Vec<Algorithm>), Unknown> {
        let name = header.kid.as_deref();
        let unknown = || Unknown::BadToken("no such key".to_owned());
        match &self.0 {
            Source::Development(key) => Ok((key.clone(), vec![Algorithm::HS256])),
            Source::Given(set) => usable(find(set, name).ok_or_else(unknown)?),
            Source::Published(published) => {
                let set = published.set_with(name, now).await?;
                usable(find(&set, name).ok_or_else(unknown)?)
            }
        }
    }
}

impl Published {
    /// The set, asked for anew when it does not have the key.
    async fn set_with(&self, name: Option<&str>, now: Timestamp) -> Result<Arc<JwkSet>, Unknown> {
        let known = self.known();
        if let Some(set) = &known.set
            && find(set, name).is_some()
        {
            return Ok(Arc::clone(set));
        }
        let is_recent = |asked: Timestamp| now.millis_since(asked) < PAUSE;
        if let Some(set) = &known.set
            && known.asked.is_some_and(is_recent)
        {
            return Ok(Arc::clone(set));
        }
        let set = self.ask().await;
        let set = Arc::new(set.map_err(|error| Unknown::NoKeys(error.to_string()))?);
        *self.known.lock().unwrap_or_else(PoisonError::into_inner) = Known {
            set: Some(Arc::clone(&set)),
            asked: Some(now),
        };
        Ok(set)
    }

    fn known(&self) -> Known {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.clone()
    }

    async fn ask(&self) -> reqwest::Result<JwkSet> {
        let answer = self.client.get(&self.address).send().await?;
        answer.error_for_status()?.json().await
    }
}

/// The key of this name; without a name, the only one.
fn find<'s>(set: &'s JwkSet, name: Option<&str>) -> Option<&'s Jwk> {
    match (name, set.keys.as_slice()) {
        (Some(name), _) => set.find(name),
        (None, [only]) => Some(only),
        (None, _) => None,
    }
}

/// A key of a set. A secret has no place there: whoever reads the set could sign with it.
fn usable(key: &Jwk) -> Result<(DecodingKey, Vec<Algorithm>), Unknown> {
    let bad = |why: String| Unknown::BadToken(why);
    let decoding = DecodingKey::try_from(key).map_err(|error| bad(error.to_string()))?;
    let family = decoding.family();
    match family {
        AlgorithmFamily::Hmac => Err(bad("its key is a secret".to_owned())),
        AlgorithmFamily::Rsa | AlgorithmFamily::Ec | AlgorithmFamily::Ed => {
            Ok((decoding, family.algorithms().to_vec()))
        }
    }
}
