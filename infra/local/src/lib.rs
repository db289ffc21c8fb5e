//! An AWS in one process: DynamoDB, SQS and S3 behind the SDK's HTTP seam and, for others, on a port
//! of this machine; and the pollers that call handlers as Lambda's event sources do.
//!
//! Nothing here decides anything about tasks or workflows, and nothing outside knows that it is not
//! the real one: all code calls the AWS SDK. See [`LocalAws`].

pub mod account;
mod aws;
mod call;
mod data_dir;
mod dynamodb;
pub mod endpoint;
mod event;
pub mod faults;
pub mod functions;
pub mod meter;
pub mod pollers;
pub mod process;
mod s3;
pub mod scheduler;
pub mod service;
pub mod sqs;
mod task_tokens;
mod wire;

use std::io;
use std::path::PathBuf;

use dynoxide::DynoxideError;

pub use aws::LocalAws;
pub use dynamodb::Written;
pub use endpoint::Endpoint;
pub use faults::{Failure, Faults, Held};
pub use meter::{Meter, Usage};
pub use pollers::{EventSource, Handler, HandlerError, Pollers};
pub use scheduler::{Scheduler, Sweep};
pub use service::Service;
pub use task_tokens::{TaskEnd, TaskTokens};

/// Why there is no embedded AWS.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process has the data directory.
    #[error("the data directory {} is in use by another process", path.display())]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// The data directory cannot be used.
    #[error("the data directory {} cannot be used", path.display())]
    DataDir {
        /// The directory.
        path: PathBuf,
        /// What the file system says.
        #[source]
        source: io::Error,
    },
    /// The embedded database fails.
    #[error("the embedded database fails")]
    Database(#[from] DynoxideError),
}
