//! The arguments of `dev`.

use std::path::PathBuf;

use clap::Args;
use taskmill::ids::TenantId;
use taskmill_local::functions::Function;

use super::tenant_id;

/// The arguments of `dev`.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// A folder of definitions, or one file of them, to be registered; the same files are read as
    /// by `run`.
    pub path: Option<PathBuf>,
    /// The port of 127.0.0.1 that answers as DynamoDB, SQS and S3; 0 takes one that is free.
    #[arg(long, value_name = "PORT")]
    pub aws_port: u16,
    /// Keeps tables and payloads in this folder.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Runs no function: messages stay in their queues until somebody takes them.
    #[arg(long, conflicts_with = "lambda_url")]
    pub no_functions: bool,
    /// Invokes the functions at this address instead of running them, with the events that AWS
    /// would send them; `cargo lambda watch` answers at http://127.0.0.1:9000.
    #[arg(long, value_name = "URL")]
    pub lambda_url: Option<String>,
    /// Invokes only this function there, and runs the others; may be repeated.
    #[arg(long = "lambda", value_name = "FUNCTION", requires = "lambda_url")]
    pub lambdas: Vec<Function>,
    /// A file of secrets, as for `run`.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// The tenant that the definitions belong to.
    #[arg(long, value_name = "ID", default_value = "local", value_parser = tenant_id)]
    pub tenant: TenantId,
}
