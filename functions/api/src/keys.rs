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
use taskmill_aws::sdk;

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
        let client = sdk::http().timeout(PATIENCE).build()?;
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::Router;
    use axum::routing::get;
    use base64::Engine;
    use base64::prelude::BASE64_URL_SAFE_NO_PAD;
    use jsonwebtoken::{EncodingKey, encode};
    use ring::signature::Ed25519KeyPair;
    use serde_json::{Value, json};
    use taskmill::security::Caller;

    use super::*;
    use crate::identity::ClaimNames;
    use crate::signatures;
    use crate::token::Verifier;

    const NOW: Timestamp = Timestamp::from_millis(1_795_296_000_000);
    /// The key pair of RFC 8037, appendix A.
    const PUBLIC: &str = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
    const PRIVATE: &str = "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A";

    fn set() -> String {
        let own = json!({"kty": "OKP", "crv": "Ed25519", "x": PUBLIC, "kid": "own"});
        let secret = json!({"kty": "oct", "k": "c2VjcmV0", "kid": "secret"});
        json!({"keys": [own, secret]}).to_string()
    }

    fn claims() -> Value {
        let exp = NOW.epoch_seconds() + 60;
        json!({"iss": "issuer", "aud": ["us", "them"], "exp": exp, "tenant": "acme", "sub": "ann"})
    }

    /// A token by a secret.
    fn by_secret(name: &str, secret: &[u8], claims: &Value) -> String {
        signatures::install();
        let header = Header {
            kid: Some(name.to_owned()),
            ..Header::new(Algorithm::HS256)
        };
        encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    }

    fn good(name: &str, claims: &Value) -> String {
        let header = json!({"alg": "EdDSA", "kid": name});
        let encoded = |part: &Value| BASE64_URL_SAFE_NO_PAD.encode(part.to_string());
        let message = format!("{}.{}", encoded(&header), encoded(claims));
        let seed = BASE64_URL_SAFE_NO_PAD.decode(PRIVATE).unwrap();
        let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
        let signature = BASE64_URL_SAFE_NO_PAD.encode(key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    async fn verified(keys: Keys, token: &str) -> Result<Caller, Unknown> {
        let verifier = Verifier::new("issuer", "us", keys, ClaimNames::default());
        verifier.verify(token, NOW).await
    }

    #[tokio::test]
    async fn a_token_is_of_a_key_of_the_set_of_this_issuer_and_for_us() {
        let given = || Keys::given(&set()).unwrap();
        let caller = verified(given(), &good("own", &claims())).await.unwrap();
        assert_eq!(
            (caller.tenant_id.as_str(), caller.user_id.as_str()),
            ("acme", "ann")
        );
        let with = |name: &str, value: Value| {
            let mut claims = claims();
            claims[name] = value;
            good("own", &claims)
        };
        let refused = [
            good("other", &claims()),
            with("iss", json!("somebody")),
            with("aud", json!("them")),
            with("exp", json!(NOW.epoch_seconds() - 61)),
            with("nbf", json!(NOW.epoch_seconds() + 61)),
            with("exp", Value::Null),
            by_secret("secret", b"secret", &claims()),
            // What everybody knows of the key, taken for a secret.
            by_secret("own", PUBLIC.as_bytes(), &claims()),
        ];
        for token in refused {
            let refused = verified(given(), &token).await;
            assert!(matches!(refused, Err(Unknown::BadToken(_))), "{refused:?}");
        }
    }

    #[tokio::test]
    async fn a_published_set_is_asked_for_once_however_many_keys_are_forged() {
        let asked = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&asked);
        let answer = async move || {
            counted.fetch_add(1, Ordering::Relaxed);
            set()
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/keys", listener.local_addr().unwrap());
        let router = Router::new().route("/keys", get(answer));
        tokio::spawn(async move { axum::serve(listener, router).await });
        let keys = Keys::published(&address).unwrap();
        let verifier = Verifier::new("issuer", "us", keys, ClaimNames::default());
        for name in ["own", "forged", "own", "forged again"] {
            let verified = verifier.verify(&good(name, &claims()), NOW).await;
            assert_eq!(verified.is_ok(), name == "own", "{name}");
        }
        assert_eq!(asked.load(Ordering::Relaxed), 1);
        let later = NOW.plus_millis(PAUSE);
        let forged = verifier.verify(&good("forged", &claims()), later).await;
        assert!(matches!(forged, Err(Unknown::BadToken(_))));
        assert_eq!(asked.load(Ordering::Relaxed), 2);

        let nowhere = Keys::published(format!("{address}/nowhere")).unwrap();
        let unknown = verified(nowhere, &good("own", &claims())).await;
        assert!(matches!(unknown, Err(Unknown::NoKeys(_))));
    }
}
