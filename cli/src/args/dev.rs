//! The arguments of `dev` and `token`.

use std::path::PathBuf;

use clap::Args;
use taskmill::ids::TenantId;
use taskmill_local::functions::Function;

use super::{Who, tenant_id};

/// The port of the HTTP API when nobody names one.
const API_PORT: u16 = 8080;
/// Seconds of a day.
const DAY: &str = "86400";

/// The arguments of `dev`.
#[derive(Debug, Args)]
pub struct DevArgs {
    /// A folder of definitions, or one file of them, to be registered; the same files are read as
    /// by `run`.
    pub path: Option<PathBuf>,
    /// The port of 127.0.0.1 that answers as the HTTP API; 0 takes one that is free. Without
    /// --aws-port it is 8080.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// The port of 127.0.0.1 that answers as DynamoDB, SQS and S3; 0 takes one that is free.
    #[arg(long, value_name = "PORT")]
    pub aws_port: Option<u16>,
    /// Keeps tables and payloads in this folder, and the key of development tokens.
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
    /// The tenant that the definitions and the printed token belong to.
    #[arg(long, value_name = "ID", default_value = "local", value_parser = tenant_id)]
    pub tenant: TenantId,
    /// The API takes tokens of this issuer instead of development tokens.
    #[arg(long, value_name = "ISSUER", requires_all = ["jwt_audience", "jwks"])]
    pub jwt_issuer: Option<String>,
    /// The audience that these tokens are for.
    #[arg(long, value_name = "AUDIENCE", requires = "jwt_issuer")]
    pub jwt_audience: Option<String>,
    /// The issuer's keys, a JSON Web Key Set: a file, or the address where it is published.
    #[arg(long, value_name = "FILE|URL", requires = "jwt_issuer")]
    pub jwks: Option<String>,
}

impl DevArgs {
    /// The port of the HTTP API, if there is to be one.
    pub fn api_port(&self) -> Option<u16> {
        let usual = self.aws_port.is_none().then_some(API_PORT);
        self.port.or(usual)
    }
}

/// The arguments of `token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// The folder of a `taskmill dev --data DIR`, whose key it is signed with.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The tenant.
    #[arg(long, value_name = "ID", default_value = "local", value_parser = tenant_id)]
    pub tenant: TenantId,
    /// Whose token it is.
    #[command(flatten)]
    pub who: Who,
    /// Seconds for which it is good.
    #[arg(long, value_name = "SECONDS", default_value = DAY)]
    pub expires_in: u32,
}
