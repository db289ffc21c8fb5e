//! Targets: which systems the tasks of a tenant may reach, by what their executor names.
//!
//! A deployment may list for each tenant what it may reach; and nobody reaches the deployment's own
//! functions and queues, or a task could forge a result. Names are compared in one form, whichever
//! way they are written: see `canonical`. Which addresses a host may stand for is decided where it
//! is connected to, and whether AWS allows a call is its own affair: each of them has to agree.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::ids::TenantId;
use crate::task::routing::ExecutorRef;

/// The entry of those tenants that have none of their own.
const EVERYBODY: &str = "*";
/// The kinds of executors that reach something.
const KINDS: [&str; 5] = ["http", "lambda", "states", "sqs", "events"];

/// What the tenants of a deployment may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    own: Vec<String>,
    allowed: Option<Allowed>,
}

/// Patterns by tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
struct Allowed(BTreeMap<String, Vec<String>>);

/// Why a list of targets cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum BadTargets {
    /// It is not what it must be.
    #[error("it is no JSON object of lists of texts: {0}")]
    Json(#[from] serde_json::Error),
    /// A pattern matches nothing that there could be.
    #[error(
        "{pattern:?} is no pattern: it must be http:*, http://HOST or https://HOST, lambda:FUNCTION, states:ARN, sqs:QUEUE or events:BUS"
    )]
    Pattern {
        /// The pattern.
        pattern: String,
    },
}

/// Why a tenant may not reach a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is a part of this deployment.
    #[error("{target} belongs to this deployment: no task may reach it")]
    Own {
        /// The target.
        target: String,
    },
    /// It is on no list.
    #[error("{target} is not among the targets that tenant {tenant} may reach")]
    NotAllowed {
        /// The target.
        target: String,
        /// The tenant.
        tenant: TenantId,
    },
}

impl Targets {
    /// Everything, but for what begins with one of these: the deployment's own functions and queues.
    #[must_use]
    pub fn all_but(own: Vec<String>) -> Self {
        Self { own, allowed: None }
    }

    /// The same for those targets alone that a list names: an object with the patterns of each tenant,
    /// and under `*` those of everybody who has no entry.
    ///
    /// # Errors
    /// It is no such list.
    pub fn only(self, list: &str) -> Result<Self, BadTargets> {
        let allowed: Allowed = serde_json::from_str(list)?;
        let patterns = allowed.0.values().flatten();
        match patterns
            .into_iter()
            .find(|pattern| parsed(pattern).is_none())
        {
            Some(pattern) => Err(BadTargets::Pattern {
                pattern: pattern.clone(),
            }),
            None => Ok(Self {
                allowed: Some(allowed),
                ..self
            }),
        }
    }

    /// How the names of the deployment's own functions and queues begin.
    #[must_use]
    pub fn own(&self) -> &[String] {
        &self.own
    }

    /// The list as [`only`](Self::only) reads it, if there is one.
    #[must_use]
    pub fn list(&self) -> Option<String> {
        let allowed = self.allowed.as_ref()?;
        serde_json::to_string(allowed).ok()
    }

    /// Whether tasks of a tenant may reach what an executor names.
    ///
    /// # Errors
    /// They may not.
    pub fn check(&self, tenant: &TenantId, executor: &ExecutorRef) -> Result<(), Refused> {
        let Some((kind, name)) = canonical(executor) else {
            return Ok(());
        };
        if self.is_own(executor) {
            let target = executor.to_string();
            return Err(Refused::Own { target });
        }
        let Some(Allowed(lists)) = &self.allowed else {
            return Ok(());
        };
        let list = lists.get(tenant.as_str()).or(lists.get(EVERYBODY));
        let patterns = list.into_iter().flatten().filter_map(|text| parsed(text));
        let mut of_kind = patterns.filter(|(of, _)| *of == kind);
        if of_kind.any(|(_, pattern)| pattern == EVERYBODY || matches(&pattern, &name)) {
            return Ok(());
        }
        Err(Refused::NotAllowed {
            target: executor.to_string(),
            tenant: tenant.clone(),
        })
    }

    fn is_own(&self, executor: &ExecutorRef) -> bool {
        let name = match executor {
            ExecutorRef::Lambda { function } => function_name(function),
            ExecutorRef::Sqs { queue } => queue.rsplit('/').next().unwrap_or_default(),
            ExecutorRef::Http { .. }
            | ExecutorRef::States { .. }
            | ExecutorRef::Events { .. }
            | ExecutorRef::Process { .. }
            | ExecutorRef::Worker { .. }
            | ExecutorRef::Builtin(_) => return false,
        };
        self.own
            .iter()
            .any(|prefix| name.starts_with(prefix.as_str()))
    }
}

/// The kind of a target and its name, in the form in which names are compared: of a URL its origin,
/// in lower case, without a port that goes without saying and without a dot at the end of the host;
/// of functions and state machines what they are called without version and alias. None for executors
/// that reach nothing.
fn canonical(executor: &ExecutorRef) -> Option<(&'static str, String)> {
    Some(match executor {
        ExecutorRef::Http { url } => ("http", origin(url)?),
        ExecutorRef::Lambda { function } => ("lambda", unversioned(function, "function")),
        ExecutorRef::States { machine } => ("states", unversioned(machine, "stateMachine")),
        ExecutorRef::Sqs { queue } => ("sqs", queue.clone()),
        ExecutorRef::Events { bus } => ("events", bus.clone()),
        ExecutorRef::Process { .. } | ExecutorRef::Worker { .. } | ExecutorRef::Builtin(_) => {
            return None;
        }
    })
}

/// Scheme, host and port of a URL. One that cannot be told has an origin that no pattern matches.
fn origin(url: &str) -> Option<String> {
    let url = url.to_ascii_lowercase();
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let default = match scheme {
        "https" => ":443",
        _ => ":80",
    };
    let authority = authority.strip_suffix(default).unwrap_or(authority);
    let authority = authority.strip_suffix(':').unwrap_or(authority);
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        Some(_) | None => (authority, None),
    };
    let host = host.trim_end_matches('.');
    Some(match port {
        Some(port) => format!("{scheme}://{host}:{port}"),
        None => format!("{scheme}://{host}"),
    })
}

/// A name or an ARN without version or alias. In an ARN, the name follows this word.
fn unversioned(text: &str, word: &str) -> String {
    let parts: Vec<&str> = text.split(':').collect();
    let before = parts.iter().position(|part| *part == word);
    let length = before.map_or(1, |before| before + 2);
    parts[..length.min(parts.len())].join(":")
}

/// The function's own name, out of a name, a partial ARN or an ARN, each with or without a version or
/// alias.
fn function_name(function: &str) -> &str {
    let mut parts = function.split(':');
    match parts.clone().position(|part| part == "function") {
        Some(before) => parts.nth(before + 1).unwrap_or_default(),
        None => parts.next().unwrap_or_default(),
    }
}

/// The kind of a pattern, and what it says of names. None for what can match no name.
fn parsed(pattern: &str) -> Option<(&'static str, String)> {
    let (kind, rest) = pattern.split_once(':')?;
    let kind = if kind == "https" { "http" } else { kind };
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    if rest == EVERYBODY && !pattern.starts_with("https") {
        return Some((kind, rest.to_owned()));
    }
    match kind {
        "http" => {
            let url = pattern
                .strip_prefix("http:http")
                .map_or_else(|| pattern.to_owned(), |rest| format!("http{rest}"));
            let path = url.split_once("://")?.1.split_once('/');
            let has_path = path.is_some_and(|(_, path)| !path.is_empty());
            let origin = origin(&url).filter(|origin| !origin.ends_with('/'))?;
            (!has_path).then_some((kind, origin))
        }
        _ => (!rest.is_empty()).then(|| (kind, rest.to_owned())),
    }
}

/// Whether a name matches a pattern, in which a star stands for any characters but `:` and `/`: so it
/// never reaches into another part of an ARN or a URL.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == name;
    };
    let Some(rest) = name.strip_prefix(before) else {
        return false;
    };
    let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    let mut within = ends.take_while(|end| !rest[..*end].contains([':', '/']));
    within.any(|end| matches(after, &rest[end..]))
}

#[cfg(test)]
mod tests;
