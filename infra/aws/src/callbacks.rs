//! Callbacks: the addresses at which other systems tell the end of the attempts that they have.
//!
//! The last part of such an address is a token, and whoever has it may tell that one end: it names
//! task and attempt, the tenant, and until when it is good, signed with HMAC-SHA256. Nothing of it
//! is stored. Whether the attempt is still waited for is decided on the record, by the use case.
//!
//! The first of several keys signs and each is taken, so that keys can be changed while attempts
//! are under way.

use std::fmt;
use std::sync::Arc;

use aws_smithy_types::base64;
use ring::hmac;
use taskmill::Timestamp;
use taskmill::ids::{TaskId, TenantId};
use uuid::Uuid;

/// Characters that a key has at least: fewer could be guessed.
pub const KEY_CHARS: usize = 32;
/// Characters that a token has at most; longer texts are none.
const TOKEN_CHARS: usize = 256;
/// What is signed begins so, so that a key which signs other things as well signs no token by it.
const PURPOSE: &[u8] = b"taskmill callback\n";
/// The first byte of a token: how the rest is written.
const FORM: u8 = 1;
/// Bytes of a signature.
const SIGNATURE: usize = 32;

/// Makes the addresses, and reads their tokens.
#[derive(Clone)]
pub struct Callbacks {
    url: String,
    keys: Arc<[String]>,
}

/// Which attempt a token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// Whose it is.
    pub tenant_id: TenantId,
    /// The task.
    pub task_id: TaskId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// When the attempt began.
    pub started_at: Timestamp,
    /// Until when its end is waited for.
    pub until: Timestamp,
}

/// The address of one attempt. Who has it may end the attempt: it is kept as secrets are.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    /// The whole address.
    pub url: String,
    /// The part of it that nobody else may see.
    pub token: String,
}

/// Why there can be no callbacks by a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// There is no key.
    #[error("there is no key")]
    NoKey,
    /// A key could be guessed.
    #[error("a key has fewer than {KEY_CHARS} characters")]
    ShortKey,
}

impl Callbacks {
    /// Callbacks to the API at this address, signed with keys that have white space between them.
    ///
    /// # Errors
    /// There is no key, or one is too short.
    pub fn new(url: &str, keys: &str) -> Result<Self, Error> {
        let keys: Arc<[String]> = keys.split_whitespace().map(str::to_owned).collect();
        if keys.is_empty() {
            return Err(Error::NoKey);
        }
        if keys.iter().any(|key| key.chars().count() < KEY_CHARS) {
            return Err(Error::ShortKey);
        }
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self { url, keys })
    }

    /// The address of the API.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The keys, as [`new`](Self::new) takes them.
    #[must_use]
    pub fn keys(&self) -> String {
        self.keys.join(" ")
    }

    /// The address at which the end of an attempt is told.
    #[must_use]
    pub fn callback(&self, ticket: &Ticket) -> Callback {
        let mut bytes = ticket.to_bytes();
        let signature = hmac::sign(&key(&self.keys[0]), &signed(&bytes));
        bytes.extend_from_slice(signature.as_ref());
        let token = to_text(&bytes);
        let url = format!("{}/v1/callbacks/{token}", self.url);
        Callback { url, token }
    }

    /// The attempt that a token is for; none when nobody here signed it.
    #[must_use]
    pub fn ticket(&self, token: &str) -> Option<Ticket> {
        let bytes = from_text(token)?;
        let (ticket, signature) = bytes.split_at_checked(bytes.len().checked_sub(SIGNATURE)?)?;
        let signed = signed(ticket);
        let is_ours = |text: &String| hmac::verify(&key(text), &signed, signature).is_ok();
        self.keys
            .iter()
            .any(is_ours)
            .then(|| Ticket::read(ticket))?
    }
}

impl Ticket {
    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![FORM];
        bytes.extend_from_slice(self.task_id.uuid().as_bytes());
        bytes.extend_from_slice(&self.attempt.to_be_bytes());
        bytes.extend_from_slice(&self.started_at.millis().to_be_bytes());
        bytes.extend_from_slice(&self.until.millis().to_be_bytes());
        bytes.extend_from_slice(self.tenant_id.as_str().as_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let ([FORM], rest) = bytes.split_first_chunk()? else {
            return None;
        };
        let (task_id, rest) = rest.split_first_chunk()?;
        let (attempt, rest) = rest.split_first_chunk()?;
        let (started_at, rest) = rest.split_first_chunk()?;
        let (until, tenant) = rest.split_first_chunk()?;
        Some(Self {
            tenant_id: TenantId::new(str::from_utf8(tenant).ok()?).ok()?,
            task_id: TaskId::new(Uuid::from_bytes(*task_id)),
            attempt: u32::from_be_bytes(*attempt),
            started_at: Timestamp::from_millis(i64::from_be_bytes(*started_at)),
            until: Timestamp::from_millis(i64::from_be_bytes(*until)),
        })
    }
}

fn key(text: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes())
}

fn signed(ticket: &[u8]) -> Vec<u8> {
    [PURPOSE, ticket].concat()
}

/// Base64 as URLs carry it, without padding (RFC 4648, section 5).
fn to_text(bytes: &[u8]) -> String {
    let text = base64::encode(bytes);
    text.trim_end_matches('=')
        .replace('+', "-")
        .replace('/', "_")
}

fn from_text(text: &str) -> Option<Vec<u8>> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || c == b'-' || c == b'_';
    if text.len() > TOKEN_CHARS || !text.bytes().all(allowed) {
        return None;
    }
    let mut text = text.replace('-', "+").replace('_', "/");
    while !text.len().is_multiple_of(4) {
        text.push('=');
    }
    base64::decode(text).ok()
}

impl fmt::Debug for Callbacks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callbacks")
            .field("url", &self.url)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Callback")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OLD: &str = "0123456789abcdef0123456789abcdef";
    const NEW: &str = "fedcba9876543210fedcba9876543210";

    fn callbacks(keys: &str) -> Callbacks {
        Callbacks::new("https://api.example.com/stage/", keys).unwrap()
    }

    fn ticket(tenant: &str) -> Ticket {
        Ticket {
            tenant_id: TenantId::new(tenant).unwrap(),
            task_id: TaskId::new(Uuid::from_u128(7)),
            attempt: 3,
            started_at: Timestamp::from_millis(1_795_000_000_000),
            until: Timestamp::from_millis(1_795_000_060_000),
        }
    }

    #[test]
    fn a_token_says_which_attempt_it_is_for() {
        let callbacks = callbacks(OLD);
        for tenant in ["a", "acme", &"t".repeat(64)] {
            let ticket = ticket(tenant);
            let callback = callbacks.callback(&ticket);
            let base = "https://api.example.com/stage/v1/callbacks/";
            assert_eq!(callback.url.strip_prefix(base), Some(&*callback.token));
            assert!(callback.token.len() <= TOKEN_CHARS);
            assert_eq!(callbacks.ticket(&callback.token), Some(ticket));
        }
    }

    #[test]
    fn keys_can_be_changed_while_attempts_are_under_way() {
        let token = callbacks(OLD).callback(&ticket("acme")).token;
        let both = callbacks(&format!("{NEW} {OLD}"));
        assert!(both.ticket(&token).is_some());
        let token = both.callback(&ticket("acme")).token;
        assert!(callbacks(NEW).ticket(&token).is_some());
        assert!(callbacks(OLD).ticket(&token).is_none());
    }

    #[test]
    fn a_key_that_can_be_guessed_is_refused() {
        let refused = |keys: &str| Callbacks::new("https://x", keys).map(drop);
        assert_eq!(refused(" "), Err(Error::NoKey));
        assert_eq!(refused(&OLD[1..]), Err(Error::ShortKey));
        assert_eq!(refused(&format!("{OLD} short")), Err(Error::ShortKey));
    }

    #[test]
    fn neither_key_nor_token_is_shown() {
        let callbacks = callbacks(OLD);
        let callback = callbacks.callback(&ticket("acme"));
        let shown = format!("{callbacks:?} {callback:?}");
        assert!(
            !shown.contains(OLD) && !shown.contains(&callback.token),
            "{shown}"
        );
    }

    proptest! {
        #[test]
        fn a_token_that_was_changed_anywhere_is_none(at in 0_usize..160, to in "[A-Za-z0-9_-]") {
            let callbacks = callbacks(OLD);
            let token = callbacks.callback(&ticket("acme")).token;
            let at = at % token.len();
            let mut forged = token.clone();
            forged.replace_range(at..=at, &to);
            // The last character may have bits that say nothing.
            let told = callbacks.ticket(&forged);
            prop_assert!(told.is_none() || told == callbacks.ticket(&token));
            if from_text(&forged) != from_text(&token) {
                prop_assert_eq!(told, None);
            }
        }

        #[test]
        fn what_nobody_signed_is_none(text in "\\PC{0,300}") {
            prop_assert_eq!(callbacks(OLD).ticket(&text), None);
        }
    }
}
