//! The service of one run: an AWS in this process, with the executors of this machine.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_sdk_lambda::config::ProvideCredentials;
use taskmill::task::tenants::TenantLimits;
use taskmill_aws::callbacks::Callbacks;
use taskmill_aws::clock::Clock;
use taskmill_aws::config;
use taskmill_aws::executor::{AwsReach, Executors};
use taskmill_aws::sdk;
use taskmill_aws::secrets::{SecretFile, Secrets};
use taskmill_local::LocalAws;
use taskmill_local::process::{ProcessConfig, ProcessExecutor, inherited};
use taskmill_local::service::{self, Options, Prepared};

use crate::definitions::Set;
use crate::exit::Error;
use crate::output;

/// Records of one event, as the template has it.
const BATCH_SIZE: u8 = 10;
/// Invocations of one function side by side.
const CONCURRENCY: usize = 8;
/// The secret file that is taken when it is there.
const SECRETS: &str = "secrets.json";

/// An AWS in memory, or one that is kept in a folder.
///
/// # Errors
/// The folder is in use or cannot be used.
pub fn aws(data: Option<&Path>) -> Result<LocalAws, Error> {
    let clock = Clock::anchored_now();
    Ok(match data {
        None => LocalAws::in_memory(clock)?,
        Some(folder) => LocalAws::open(folder, clock)?,
    })
}

/// The use cases over what a folder holds. Nothing in it moves.
///
/// # Errors
/// The service does not start.
pub async fn at_rest(aws: LocalAws) -> Result<Prepared, Error> {
    let executors = Executors::builtin(aws.clock());
    prepare(aws, executors).await
}

/// The AWS of a folder that a run kept everything in.
///
/// # Errors
/// No run kept anything there, or the folder is in use or cannot be used.
pub fn kept(data: &Path) -> Result<LocalAws, Error> {
    if !data.join("lock").is_file() {
        let data = data.display();
        return Err(Error::Usage(format!("no run has kept anything in {data}")));
    }
    aws(Some(data))
}

/// Puts the service together on an AWS. Nobody listens for callbacks.
///
/// # Errors
/// The service does not start.
pub async fn prepare(aws: LocalAws, executors: Executors) -> Result<Prepared, Error> {
    prepare_with(aws, executors, None).await
}

/// The same with callbacks, if somebody listens for them.
///
/// # Errors
/// The service does not start.
pub async fn prepare_with(
    aws: LocalAws,
    executors: Executors,
    callbacks: Option<Callbacks>,
) -> Result<Prepared, Error> {
    let options = Options {
        executors,
        worker: worker(),
        batch_size: BATCH_SIZE,
        concurrency: CONCURRENCY,
        callbacks,
        tenant_limits: tenant_limits()?,
    };
    Ok(service::prepare(aws, options).await?)
}

/// The limits of tenants, by the environment, as a function is told them.
fn tenant_limits() -> Result<TenantLimits, Error> {
    let read = config::tenant_limits(&|name| std::env::var(name).ok());
    read.map_err(|error| Error::Usage(format!("{} cannot be read: {error}", config::TENANT_LIMITS)))
}

/// Host and process, `host/1234`.
fn worker() -> String {
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let host = host.or_else(|| std::env::var("HOSTNAME").ok());
    let host = host.as_deref().map_or("local", str::trim);
    format!("{host}/{}", std::process::id())
}

/// The secrets of the environment and of a file: the one that was named, or the folder's own.
///
/// # Errors
/// The file cannot be read, or holds no secrets.
pub fn secrets(named: Option<&Path>, root: &Path) -> Result<Secrets, Error> {
    let own = root.join(SECRETS);
    let path = named.map_or_else(
        || own.is_file().then_some(own.clone()),
        |named| Some(named.to_owned()),
    );
    let file = match path {
        None => SecretFile::default(),
        Some(path) => secret_file(path)?,
    };
    Ok(Secrets::single(std::env::vars_os(), file))
}

fn secret_file(path: PathBuf) -> Result<SecretFile, Error> {
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(Error::Unreadable { path, source }),
    };
    SecretFile::parse(&text).map_err(|source| Error::Secrets { path, source })
}

/// The executors of this machine. Programs run in `root`.
pub fn executors(clock: Clock, secrets: Secrets, root: PathBuf) -> Executors {
    let config = ProcessConfig {
        root,
        inherited: inherited(std::env::vars_os()),
    };
    let process = ProcessExecutor::new(config, secrets.clone(), clock);
    Executors::local(clock, secrets, Arc::new(process))
}

/// The executors with those that reach AWS, when a definition asks for one and this machine has AWS
/// credentials and a region. Looking for them may take a while, and is left out otherwise.
pub async fn with_aws(executors: Executors, set: &Set, secrets: Secrets) -> Executors {
    let asked = set
        .tasks()
        .any(|task| is_of_aws(&task.execution_config.executor));
    if !asked {
        return executors;
    }
    let sdk = sdk::of_machine().await;
    let credentials = match sdk.credentials_provider() {
        Some(provider) => provider.provide_credentials().await.is_ok(),
        None => false,
    };
    if !credentials || sdk.region().is_none() {
        output::note(
            "warning: there are no AWS credentials, or no region: lambda:, states:, sqs: and events: tasks fail with EXECUTOR_NOT_FOUND",
        );
        return executors;
    }
    executors.with_aws(secrets, &AwsReach { sdk, sender: None })
}

fn is_of_aws(executor: &str) -> bool {
    ["lambda:", "states:", "sqs:", "events:"]
        .iter()
        .any(|kind| executor.starts_with(kind))
}
