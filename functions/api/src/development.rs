//! Development tokens: signed with a secret of one machine, for an API that runs there.
//!
//! Whoever has the secret may be anybody: it is for development, and no deployment takes it.

use std::fmt;

use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, encode};
use serde_json::json;
use taskmill::Timestamp;
use taskmill::security::Caller;
use taskmill_aws::callbacks::Callbacks;

use crate::identity::ClaimNames;
use crate::keys::Keys;
use crate::signatures;
use crate::token::Verifier;

/// Bytes of a secret, as long as the hash that is signed with.
pub const SECRET_BYTES: usize = 32;
const ISSUER: &str = "taskmill-development";
const AUDIENCE: &str = "taskmill";

/// The secret that development tokens are signed with.
#[derive(Clone)]
pub struct DevelopmentKey([u8; SECRET_BYTES]);

impl fmt::Debug for DevelopmentKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DevelopmentKey")
    }
}

impl DevelopmentKey {
    /// A key of bytes that nobody can guess.
    #[must_use]
    pub const fn new(secret: [u8; SECRET_BYTES]) -> Self {
        Self(secret)
    }

    /// Callbacks to an API at this address that this key signs.
    #[must_use]
    pub fn callbacks(&self, url: &str) -> Callbacks {
        let key: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        Callbacks::new(url, &key).expect("a key of this many bytes is long enough")
    }

    /// Checks the tokens that this key signs.
    #[must_use]
    pub fn verifier(&self) -> Verifier {
        let key = DecodingKey::from_secret(&self.0);
        let keys = Keys::development(key);
        Verifier::new(ISSUER, AUDIENCE, keys, ClaimNames::default())
    }

    /// A token of this caller, good for so many seconds.
    #[must_use]
    pub fn token(&self, caller: &Caller, now: Timestamp, seconds: u32) -> String {
        let names = ClaimNames::default();
        let claims = json!({
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now.epoch_seconds(),
            "exp": now.epoch_seconds() + i64::from(seconds),
            names.tenant: caller.tenant_id,
            names.user: caller.user_id,
            names.roles: caller.roles,
            names.permissions: caller.permissions,
            names.environment: caller.environment_id,
        });
        signatures::install();
        let key = EncodingKey::from_secret(&self.0);
        encode(&Header::new(Algorithm::HS256), &claims, &key).expect("a secret signs any JSON")
    }
}

#[cfg(test)]
mod tests {
    use taskmill::ids::TenantId;

    use super::*;
    use crate::identity::Unknown;

    const NOW: Timestamp = Timestamp::from_millis(1_795_296_000_000);

    fn ann() -> Caller {
        Caller {
            tenant_id: TenantId::new("acme").unwrap(),
            user_id: "ann".to_owned(),
            roles: vec!["clerk".to_owned()],
            permissions: vec!["read all".to_owned()],
            environment_id: None,
        }
    }

    async fn verified(token: &str, key: &DevelopmentKey, at: Timestamp) -> Result<Caller, Unknown> {
        key.verifier().verify(token, at).await
    }

    #[tokio::test]
    async fn a_token_says_who_its_bearer_is_until_it_expires() {
        let key = DevelopmentKey::new([7; SECRET_BYTES]);
        let token = key.token(&ann(), NOW, 3_600);
        for (seconds, is_good) in [(0, true), (3_659, true), (3_660, false)] {
            let at = NOW.plus_millis(seconds * 1_000);
            let verified = verified(&token, &key, at).await;
            assert_eq!(verified.is_ok(), is_good, "after {seconds} s: {verified:?}");
        }
        assert_eq!(verified(&token, &key, NOW).await, Ok(ann()));
    }

    #[tokio::test]
    async fn what_another_key_signed_or_nobody_did_is_no_token() {
        let [key, other] = [7, 8].map(|byte| DevelopmentKey::new([byte; SECRET_BYTES]));
        let token = key.token(&ann(), NOW, 3_600);
        let (signed, signature) = token.rsplit_once('.').unwrap();
        // {"alg":"none"}
        let unsigned = format!("eyJhbGciOiJub25lIn0.{}.", signed.split_once('.').unwrap().1);
        let forged = [
            other.token(&ann(), NOW, 3_600),
            format!("{signed}."),
            format!(
                "{signed}.{}",
                signature.replace(|c: char| c.is_ascii_digit(), "A")
            ),
            unsigned,
            String::new(),
            "a.b.c".to_owned(),
        ];
        for forged in forged {
            let verified = verified(&forged, &key, NOW).await;
            assert!(matches!(verified, Err(Unknown::BadToken(_))), "{forged}");
        }
    }
}
