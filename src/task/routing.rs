//! Routing: who runs a task, over which queue, and whether its start is written first. This is
//! the seeds' Task Router, one pure function.
//!
//! What an executor then does, and whether this deployment has it (`process:` exists in local
//! mode alone), is the business of whoever runs it.

use std::fmt;
use std::str::FromStr;

use crate::codes::registration;
use crate::ids::WorkerGroup;
use crate::problem;
use crate::task::definition::TaskDefinition;
use crate::task::instance::TaskPriority;

/// Where a task goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Who runs it.
    pub executor: ExecutorRef,
    /// The queue of its execute messages.
    pub queue: ExecuteQueue,
    /// Whether RUNNING is written before an attempt begins. The opposite of [`is_lazy`].
    pub tracked: bool,
}

/// The queues of execute messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ExecuteQueue {
    /// LOW and MEDIUM.
    Execute,
    /// HIGH and CRITICAL, which do not wait behind the others.
    ExecuteUrgent,
}

/// An executor, as a definition names it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ExecutorRef {
    /// A program on this machine: JSON on stdin, JSON on stdout.
    Process {
        /// The command line, split as a shell would, without a shell.
        command: String,
    },
    /// A request over HTTP.
    Http {
        /// `http://…` or `https://…`.
        url: String,
    },
    /// A Lambda function.
    Lambda {
        /// Its name, partial ARN or ARN, perhaps with a version or alias.
        function: String,
    },
    /// A state machine of Step Functions.
    States {
        /// Its ARN, perhaps with a version or alias.
        machine: String,
    },
    /// A queue of SQS.
    Sqs {
        /// Its name or its URL.
        queue: String,
    },
    /// A bus of EventBridge.
    Events {
        /// Its name or its ARN.
        bus: String,
    },
    /// Workers that poll for tasks.
    Worker {
        /// Their group.
        group: WorkerGroup,
    },
    /// A part of Taskmill.
    Builtin(Builtin),
}

/// Executors that are part of Taskmill.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Builtin {
    /// Gives its input.
    Echo,
    /// Gives null.
    Noop,
    /// Fails as its input says.
    Fail,
    /// Waits as its input says.
    Sleep,
}

/// Decides where a task of this definition goes.
///
/// # Errors
/// The definition names an executor that does not exist. Registration refuses such a
/// definition, but a record may be newer than the code that reads it.
pub fn route(definition: &TaskDefinition, priority: TaskPriority) -> Result<Route, BadExecutor> {
    let executor = ExecutorRef::parse(&definition.execution_config.executor)?;
    let tracked = !is_lazy(&executor);
    Ok(Route {
        executor,
        queue: queue_for(priority),
        tracked,
    })
}

/// Whether RUNNING may be left out of the record of an attempt that ends soon.
///
/// What proves that an attempt began is a RUNNING record. An executor that cannot take its worker
/// down with it needs no such proof: the end of the attempt tells its start as well, and the
/// record is written once. A program may do anything to the machine it runs on, so it is tracked:
/// the next worker must find out that an attempt was lost. Workers that poll have what the record
/// says they have.
#[must_use]
pub fn is_lazy(executor: &ExecutorRef) -> bool {
    match executor {
        ExecutorRef::Builtin(_)
        | ExecutorRef::Http { .. }
        | ExecutorRef::Lambda { .. }
        | ExecutorRef::States { .. }
        | ExecutorRef::Sqs { .. }
        | ExecutorRef::Events { .. } => true,
        ExecutorRef::Process { .. } | ExecutorRef::Worker { .. } => false,
    }
}

/// The queue of a priority.
#[must_use]
pub fn queue_for(priority: TaskPriority) -> ExecuteQueue {
    match priority {
        TaskPriority::Low | TaskPriority::Medium => ExecuteQueue::Execute,
        TaskPriority::High | TaskPriority::Critical => ExecuteQueue::ExecuteUrgent,
    }
}

/// Text that names no executor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadExecutor {
    /// No executor of this kind or name.
    #[error(
        "there is no executor {text:?}: it must be process:<command>, http:<url>, lambda:<function>, states:<state machine>, sqs:<queue>, events:<bus>, worker:<group> or builtin:<echo|noop|fail|sleep>"
    )]
    Unknown {
        /// What was written.
        text: String,
        /// What was perhaps meant.
        nearest: Option<String>,
    },
    /// The kind is right, what follows it is not.
    #[error("executor {text:?} cannot be read: {reason}")]
    Malformed {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl BadExecutor {
    /// The stable code of the problem.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Unknown { .. } => registration::EXECUTOR_NOT_FOUND,
            Self::Malformed { .. } => registration::WRONG_TYPE,
        }
    }

    /// What was perhaps meant.
    #[must_use]
    pub fn nearest(&self) -> Option<&str> {
        match self {
            Self::Unknown { nearest, .. } => nearest.as_deref(),
            Self::Malformed { .. } => None,
        }
    }
}

impl ExecutorRef {
    /// Reads an executor: `process:<command>`, `http:<url>`, a plain URL, `lambda:<function>`,
    /// `states:<ARN>`, `sqs:<queue>`, `events:<bus>`, `worker:<group>` or `builtin:<name>`.
    ///
    /// # Errors
    /// The kind is unknown, or what follows it cannot be read.
    ///
    /// ```
    /// use taskmill::task::routing::{Builtin, ExecutorRef};
    /// assert_eq!(ExecutorRef::parse("builtin:echo"), Ok(ExecutorRef::Builtin(Builtin::Echo)));
    /// let plain = ExecutorRef::parse("https://example.com/x");
    /// assert_eq!(ExecutorRef::parse("http:https://example.com/x"), plain);
    /// ```
    pub fn parse(text: &str) -> Result<Self, BadExecutor> {
        let malformed = |reason| BadExecutor::Malformed {
            text: shown(text),
            reason,
        };
        let Some((kind, rest)) = text.split_once(':') else {
            return Err(unknown(text));
        };
        match kind {
            "process" => command(rest).map_err(malformed),
            "http" if !rest.starts_with("//") => url(rest).map_err(malformed),
            "http" | "https" => url(text).map_err(malformed),
            "lambda" => function(rest).map_err(malformed),
            "states" => machine(rest).map_err(malformed),
            "sqs" => queue(rest).map_err(malformed),
            "events" => bus(rest).map_err(malformed),
            "worker" => worker(rest).map_err(malformed),
            "builtin" => match Builtin::ALL.into_iter().find(|one| one.name() == rest) {
                Some(builtin) => Ok(Self::Builtin(builtin)),
                None => Err(unknown(text)),
            },
            _ => Err(unknown(text)),
        }
    }
}

impl Builtin {
    /// Every one.
    pub const ALL: [Self; 4] = [Self::Echo, Self::Noop, Self::Fail, Self::Sleep];

    /// Its name after `builtin:`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Noop => "noop",
            Self::Fail => "fail",
            Self::Sleep => "sleep",
        }
    }
}

impl fmt::Display for ExecutorRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process { command } => write!(f, "process:{command}"),
            Self::Http { url } => f.write_str(url),
            Self::Lambda { function } => write!(f, "lambda:{function}"),
            Self::States { machine } => write!(f, "states:{machine}"),
            Self::Sqs { queue } => write!(f, "sqs:{queue}"),
            Self::Events { bus } => write!(f, "events:{bus}"),
            Self::Worker { group } => write!(f, "worker:{group}"),
            Self::Builtin(builtin) => write!(f, "builtin:{}", builtin.name()),
        }
    }
}

impl FromStr for ExecutorRef {
    type Err = BadExecutor;

    fn from_str(text: &str) -> Result<Self, BadExecutor> {
        Self::parse(text)
    }
}

const KINDS: [&str; 9] = [
    "process", "http", "https", "lambda", "states", "sqs", "events", "worker", "builtin",
];

/// The longest function name or ARN that the Lambda API takes, in characters.
const FUNCTION_CHARS: usize = 170;
/// The longest ARN that the Step Functions API takes, in characters.
const MACHINE_CHARS: usize = 256;
/// The longest name of a queue, in characters, its `.fifo` counted.
const QUEUE_CHARS: usize = 80;
/// The longest name or ARN of a bus that the EventBridge API takes, in characters.
const BUS_CHARS: usize = 1600;

fn unknown(text: &str) -> BadExecutor {
    let nearest = match text.split_once(':') {
        Some(("builtin", name)) => problem::nearest(name, Builtin::ALL.map(Builtin::name))
            .map(|name| format!("builtin:{name}")),
        Some((kind, rest)) => {
            problem::nearest(kind, KINDS).map(|kind| format!("{kind}:{}", shown(rest)))
        }
        None => Builtin::ALL
            .into_iter()
            .find(|builtin| builtin.name() == text)
            .map(|builtin| format!("builtin:{}", builtin.name())),
    };
    BadExecutor::Unknown {
        text: shown(text),
        nearest,
    }
}

/// The beginning of the text: a message must not grow with what somebody wrote.
fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}

fn command(text: &str) -> Result<ExecutorRef, &'static str> {
    if text.contains('\0') {
        return Err("a command holds no NUL character");
    }
    match shell_words::split(text) {
        Ok(words) if words.first().is_some_and(|program| !program.is_empty()) => {
            Ok(ExecutorRef::Process {
                command: text.trim().to_owned(),
            })
        }
        Ok(_) => Err("process: is followed by a command"),
        Err(_) => Err("a quote in the command is not closed"),
    }
}

fn url(text: &str) -> Result<ExecutorRef, &'static str> {
    let after_scheme = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let rest =
        after_scheme.ok_or("http: is followed by a URL that begins with http:// or https://")?;
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return Err(
            "a URL with a user or password would be stored and logged: use headers with {{secret:NAME}}",
        );
    }
    let host = authority.split(':').next().unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-_:[]".contains(c);
    if host.is_empty() || !authority.chars().all(plain) {
        return Err("the URL names no host");
    }
    if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("a URL holds no white space");
    }
    Ok(ExecutorRef::Http {
        url: text.to_owned(),
    })
}

fn function(text: &str) -> Result<ExecutorRef, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_:.$".contains(c);
    if text.is_empty() || text.len() > FUNCTION_CHARS || !text.chars().all(allowed) {
        return Err("lambda: is followed by a function's name or ARN, at most 170 characters");
    }
    Ok(ExecutorRef::Lambda {
        function: text.to_owned(),
    })
}

fn machine(text: &str) -> Result<ExecutorRef, &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_:.".contains(c);
    let parts: Vec<&str> = text.split(':').collect();
    let is_machine = matches!(
        parts.as_slice(),
        ["arn", partition, "states", region, account, "stateMachine", name, ..]
            if partition.starts_with("aws")
                && [region, account, name].iter().all(|part| !part.is_empty())
    );
    if !is_machine || text.len() > MACHINE_CHARS || !text.chars().all(allowed) {
        return Err("states: is followed by the ARN of a state machine");
    }
    Ok(ExecutorRef::States {
        machine: text.to_owned(),
    })
}

/// A queue's name, or its URL in its one form: anything else could be taken for one queue here and
/// for another by SQS.
fn queue(text: &str) -> Result<ExecutorRef, &'static str> {
    let is_good = match text.split_once("://") {
        Some((scheme, rest)) => {
            let parts: Vec<&str> = rest.split('/').collect();
            let is_host = |host: &str| {
                let allowed =
                    |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".-:".contains(c);
                !host.is_empty() && host.chars().all(allowed)
            };
            let is_account =
                |text: &str| text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
            ["http", "https"].contains(&scheme)
                && matches!(parts.as_slice(), [host, account, name] if is_host(host) && is_account(account) && is_queue(name))
        }
        None => is_queue(text),
    };
    if !is_good {
        return Err("sqs: is followed by a queue's name, or its URL as SQS gives it");
    }
    Ok(ExecutorRef::Sqs {
        queue: text.to_owned(),
    })
}

fn is_queue(name: &str) -> bool {
    let plain = name.strip_suffix(".fifo").unwrap_or(name);
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    !plain.is_empty() && name.len() <= QUEUE_CHARS && plain.chars().all(allowed)
}

fn bus(text: &str) -> Result<ExecutorRef, &'static str> {
    let is_name = |text: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_./".contains(c);
        !text.is_empty() && text.chars().all(allowed)
    };
    let is_good = match text.split(':').collect::<Vec<_>>().as_slice() {
        [name] => is_name(name),
        ["arn", partition, "events", region, account, bus] => {
            partition.starts_with("aws")
                && [region, account].iter().all(|part| is_name(part))
                && bus.strip_prefix("event-bus/").is_some_and(is_name)
        }
        _ => false,
    };
    if !is_good || text.len() > BUS_CHARS {
        return Err("events: is followed by the name of an event bus, or its ARN");
    }
    Ok(ExecutorRef::Events {
        bus: text.to_owned(),
    })
}

fn worker(text: &str) -> Result<ExecutorRef, &'static str> {
    let group = WorkerGroup::new(text).map_err(
        |_| "worker: is followed by the name of a group: letters, digits, - and _, at most 32",
    )?;
    Ok(ExecutorRef::Worker { group })
}

#[cfg(test)]
mod tests;
