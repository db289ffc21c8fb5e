//! How the command ends: its exit status, and its errors with the status that each has.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_app::Refusal;
use taskmill_app::refusal::Fault;
use taskmill_aws::secrets::BadSecretFile;
use taskmill_aws::{queues, store};
use taskmill_local::service;

use crate::place::{service as remote, stack};
use crate::problems::{self, Located};

/// How the command ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// What was asked for is done.
    Done,
    /// What ran did not complete.
    NotCompleted,
    /// The arguments, a definition or an input are wrong.
    BadUsage,
    /// Taskmill itself failed.
    Broken,
    /// What is open waits for somebody.
    Waiting,
    /// Somebody stopped it.
    Stopped,
}

/// Why the command could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The arguments make no sense.
    #[error("{0}")]
    Usage(String),
    /// A file or folder that was named cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the file system says.
        #[source]
        source: io::Error,
    },
    /// The secrets cannot be used.
    #[error("{} cannot be used", path.display())]
    Secrets {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: BadSecretFile,
    },
    /// Definitions have problems.
    #[error("the definitions have problems")]
    Problems(Vec<Located>),
    /// The request was refused.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The embedded AWS does not start.
    #[error(transparent)]
    Local(#[from] taskmill_local::Error),
    /// The service does not start.
    #[error("the service does not start")]
    Service(#[from] service::Error),
    /// The stack cannot be worked on.
    #[error(transparent)]
    Stack(#[from] stack::Error),
    /// The service that is asked cannot be worked on.
    #[error(transparent)]
    Remote(#[from] remote::Error),
    /// The queues fail.
    #[error(transparent)]
    Queues(#[from] queues::Error),
    /// The store fails.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The port cannot be opened.
    #[error("port {port} of 127.0.0.1 cannot be opened")]
    Port {
        /// The port.
        port: u16,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The process cannot start its threads.
    #[error("the process cannot start")]
    Runtime(#[source] io::Error),
    /// Standard output is closed or full.
    #[error("the result cannot be written")]
    Output(#[source] io::Error),
    /// What must not happen: a record is gone, or a measured run did not complete.
    #[error("{0}")]
    Unexpected(String),
}

impl Exit {
    /// The exit status of the process.
    #[must_use]
    pub fn code(self) -> ExitCode {
        ExitCode::from(match self {
            Self::Done => 0,
            Self::NotCompleted => 1,
            Self::BadUsage => 2,
            Self::Broken => 3,
            Self::Waiting => 4,
            // What shells report of a program that SIGINT ended.
            Self::Stopped => 130,
        })
    }
}

impl From<WorkflowStatus> for Exit {
    fn from(status: WorkflowStatus) -> Self {
        match status {
            WorkflowStatus::Completed => Self::Done,
            WorkflowStatus::Failed | WorkflowStatus::Cancelled | WorkflowStatus::TimedOut => {
                Self::NotCompleted
            }
            WorkflowStatus::Pending | WorkflowStatus::Running | WorkflowStatus::Paused => {
                Self::Stopped
            }
        }
    }
}

impl From<TaskStatus> for Exit {
    fn from(status: TaskStatus) -> Self {
        match status {
            TaskStatus::Completed => Self::Done,
            TaskStatus::Failed | TaskStatus::Cancelled | TaskStatus::TimedOut => Self::NotCompleted,
            TaskStatus::Pending
            | TaskStatus::Assigned
            | TaskStatus::Running
            | TaskStatus::RetryPending => Self::Stopped,
        }
    }
}

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Refused(Refusal::Fault(fault))
    }
}

impl Error {
    /// How the command ends with it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Usage(_)
            | Self::Unreadable { .. }
            | Self::Secrets { .. }
            | Self::Port { .. }
            | Self::Problems(_)
            | Self::Refused(Refusal::Refused { .. } | Refusal::Problems(_))
            | Self::Stack(
                stack::Error::NoRegion(_)
                | stack::Error::NoCredentials { .. }
                | stack::Error::Missing { .. }
                | stack::Error::NotReady { .. }
                | stack::Error::Foreign { .. },
            )
            | Self::Remote(
                remote::Error::BadAddress { .. }
                | remote::Error::NoToken { .. }
                | remote::Error::Unreachable { .. }
                | remote::Error::Unknown { .. }
                | remote::Error::Strange { .. },
            )
            | Self::Local(
                taskmill_local::Error::InUse { .. } | taskmill_local::Error::DataDir { .. },
            ) => Exit::BadUsage,
            Self::Refused(Refusal::Fault(_))
            | Self::Local(taskmill_local::Error::Database(_))
            | Self::Stack(stack::Error::Aws { .. })
            | Self::Remote(remote::Error::NoAnswer { .. } | remote::Error::Failed { .. })
            | Self::Service(_)
            | Self::Queues(_)
            | Self::Store(_)
            | Self::Runtime(_)
            | Self::Output(_)
            | Self::Unexpected(_) => Exit::Broken,
        }
    }

    /// Whether the same may go well soon.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Remote(
                remote::Error::Unreachable { .. }
                | remote::Error::NoAnswer { .. }
                | remote::Error::Failed { .. },
            )
            | Self::Queues(_) => true,
            Self::Store(error) => error.is_transient(),
            Self::Refused(Refusal::Fault(fault)) => fault.is_transient(),
            _ => false,
        }
    }

    /// The error for people: what failed and its causes, or every problem in a line of its own.
    #[must_use]
    pub fn report(&self) -> String {
        match self {
            Self::Problems(found) => problems::text(found),
            _ => format!("error: {}", chain(self)),
        }
    }
}

/// An error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        // A transparent error says the same as its source.
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_completed_ends_well() {
        for status in WorkflowStatus::ALL {
            let done = Exit::from(status) == Exit::Done;
            assert_eq!(done, status == WorkflowStatus::Completed, "{status:?}");
            let not_completed = Exit::from(status) == Exit::NotCompleted;
            assert_eq!(not_completed, status.is_terminal() && !done, "{status:?}");
        }
        for status in TaskStatus::ALL {
            let done = Exit::from(status) == Exit::Done;
            assert_eq!(done, status == TaskStatus::Completed, "{status:?}");
            let not_completed = Exit::from(status) == Exit::NotCompleted;
            assert_eq!(not_completed, status.is_terminal() && !done, "{status:?}");
        }
    }

    #[test]
    fn an_error_is_told_with_its_causes_once() {
        let missing = Error::Unreadable {
            path: PathBuf::from("a/b.yaml"),
            source: io::Error::new(io::ErrorKind::NotFound, "no such file"),
        };
        assert_eq!(
            missing.report(),
            "error: a/b.yaml cannot be read: no such file"
        );
        assert_eq!(missing.exit(), Exit::BadUsage);
        let usage = Error::Usage("which one".to_owned());
        assert_eq!(usage.report(), "error: which one");
    }
}
