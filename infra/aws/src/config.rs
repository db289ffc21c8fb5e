//! Configuration: one typed struct, read once from the environment of a function, or made by
//! local mode. Nothing else reads the environment.

use std::collections::BTreeMap;
use std::num::ParseIntError;

use taskmill::task::targets::{BadTargets, Targets};
use taskmill::task::tenants::{BadLimits, TenantLimits};

use crate::callbacks::{self, Callbacks};
use crate::queues::{QueueName, QueueUrls};
use crate::secrets::{BadPlace, VaultPlace};
use crate::tables::{Shards, TableNames};

/// What a process of Taskmill is told about where it runs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The tables.
    pub tables: TableNames,
    /// How busy partitions are spread.
    pub shards: Shards,
    /// The queues.
    pub queues: QueueUrls,
    /// The bucket of payloads over 8 KiB.
    pub bucket: String,
    /// How long a record is kept after its end, in milliseconds.
    pub retention: u64,
    /// How far ahead a sweep looks, in milliseconds: until the next one, and a little more. What
    /// falls due within it becomes a delayed message.
    pub sweep_horizon: u64,
    /// The longest attempt that a function here can wait for, in milliseconds; none when there
    /// is no such limit.
    pub longest_attempt: Option<u64>,
    /// Who runs attempts here: host or function, and process.
    pub worker: String,
    /// Region and function version, or `local`.
    pub execution_environment: String,
    /// What tasks may reach: never the deployment's own functions and queues.
    pub targets: Targets,
    /// How many tasks of each tenant run at once, and begin in a period.
    pub tenant_limits: TenantLimits,
    /// The role that sends messages and events of tasks; none where this process does.
    pub sender: Option<String>,
    /// Where other systems tell the end of what they were handed; none where nobody listens.
    pub callbacks: Option<Callbacks>,
    /// Where AWS keeps secrets of tenants; none where it keeps none.
    pub vault: Option<VaultPlace>,
}

/// The variable with the list of the targets that each tenant may reach.
const TARGETS: &str = "TASKMILL_TARGETS";
/// The variable with the limits of each tenant.
pub const TENANT_LIMITS: &str = "TASKMILL_TENANT_LIMITS";
/// The variable with the role that sends messages and events of tasks.
const SENDER: &str = "TASKMILL_SENDER_ROLE_ARN";
/// The variable with the address of the API, as other systems reach it.
const CALLBACK_URL: &str = "TASKMILL_CALLBACK_URL";
/// The variable with the service that keeps secrets of tenants.
const SECRETS_FROM: &str = "TASKMILL_SECRETS_FROM";
/// The variable with what all of their names begin with.
const SECRETS_PREFIX: &str = "TASKMILL_SECRETS_PREFIX";
/// The variable with the keys that sign callbacks.
const CALLBACK_KEYS: &str = "TASKMILL_CALLBACK_KEYS";
/// Milliseconds of a day.
const DAY: u64 = 24 * 60 * 60 * 1000;
const DEFAULT_RETENTION_DAYS: u64 = 90;
/// Ninety days.
pub const DEFAULT_RETENTION: u64 = DEFAULT_RETENTION_DAYS * DAY;
/// Lambda's fifteen minutes, less a minute to report the end.
const LONGEST_ATTEMPT_ON_LAMBDA: u64 = 14 * 60 * 1000;
/// A sweep runs every minute; the overlap covers a late one.
const SWEEP_HORIZON: u64 = 75_000;

/// A variable of the environment is missing or wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is missing.
    #[error("the environment lacks {0}")]
    Missing(String),
    /// It is no number.
    #[error("{name} is no number: {value:?}")]
    NotANumber {
        /// The variable.
        name: String,
        /// What it holds.
        value: String,
        /// Why.
        #[source]
        source: ParseIntError,
    },
    /// The targets of tasks cannot be read.
    #[error("TASKMILL_TARGETS cannot be read")]
    Targets(#[from] BadTargets),
    /// The limits of tenants cannot be read.
    #[error("TASKMILL_TENANT_LIMITS cannot be read")]
    TenantLimits(#[from] BadLimits),
    /// The keys of callbacks are of no use.
    #[error("TASKMILL_CALLBACK_KEYS cannot sign")]
    Callbacks(#[from] callbacks::Error),
    /// The place of secrets cannot be read.
    #[error("TASKMILL_SECRETS_FROM and TASKMILL_SECRETS_PREFIX name no place of secrets")]
    Secrets(#[from] BadPlace),
}

impl Config {
    /// Reads the configuration of a function through `variable`, which is `std::env::var` there.
    ///
    /// # Errors
    /// A variable is missing or wrong.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let required = |name: &str| {
            let given = variable(name).filter(|value| !value.is_empty());
            given.ok_or_else(|| Error::Missing(name.to_owned()))
        };
        let number = |name: &str, default: u64| match variable(name) {
            None => Ok(default),
            Some(value) => value.parse().map_err(|source| Error::NotANumber {
                name: name.to_owned(),
                value,
                source,
            }),
        };
        let queue_urls = |suffix: &str| -> Result<BTreeMap<QueueName, String>, Error> {
            QueueName::ALL
                .into_iter()
                .map(|queue| Ok((queue, required(&queue_variable(queue, suffix))?)))
                .collect()
        };
        let shard = |name: &str| -> Result<u8, Error> {
            Ok(u8::try_from(number(name, 1)?).unwrap_or(u8::MAX).max(1))
        };
        Ok(Self {
            tables: TableNames {
                tasks: required("TASKMILL_TASKS_TABLE")?,
                workflows: required("TASKMILL_WORKFLOWS_TABLE")?,
                definitions: required("TASKMILL_DEFINITIONS_TABLE")?,
            },
            shards: Shards {
                status: shard("TASKMILL_STATUS_SHARDS")?,
                due: shard("TASKMILL_DUE_SHARDS")?,
            },
            queues: QueueUrls {
                queues: queue_urls("QUEUE_URL")?,
                dead_letters: queue_urls("DEAD_LETTERS_URL")?,
            },
            bucket: required("TASKMILL_PAYLOAD_BUCKET")?,
            retention: number("TASKMILL_RETENTION_DAYS", DEFAULT_RETENTION_DAYS)?
                .saturating_mul(DAY),
            sweep_horizon: number("TASKMILL_SWEEP_HORIZON_MILLIS", SWEEP_HORIZON)?,
            longest_attempt: Some(LONGEST_ATTEMPT_ON_LAMBDA),
            worker: worker(&variable),
            execution_environment: environment(&variable),
            targets: targets(&variable, required("TASKMILL_FUNCTION_PREFIX")?)?,
            tenant_limits: tenant_limits(&variable)?,
            sender: variable(SENDER).filter(|role| !role.is_empty()),
            callbacks: callbacks(&variable)?,
            vault: vault(&variable)?,
        })
    }

    /// The variables that [`read`](Self::read) makes this configuration of, but for what Lambda
    /// itself sets.
    #[must_use]
    pub fn variables(&self) -> Vec<(String, String)> {
        let queues = self.queues.queues.iter();
        let queues = queues.map(|(queue, url)| (queue_variable(*queue, "QUEUE_URL"), url.clone()));
        let letters = self.queues.dead_letters.iter();
        let letters =
            letters.map(|(queue, url)| (queue_variable(*queue, "DEAD_LETTERS_URL"), url.clone()));
        let others = [
            ("TASKMILL_TASKS_TABLE", self.tables.tasks.clone()),
            ("TASKMILL_WORKFLOWS_TABLE", self.tables.workflows.clone()),
            (
                "TASKMILL_DEFINITIONS_TABLE",
                self.tables.definitions.clone(),
            ),
            ("TASKMILL_STATUS_SHARDS", self.shards.status.to_string()),
            ("TASKMILL_DUE_SHARDS", self.shards.due.to_string()),
            ("TASKMILL_PAYLOAD_BUCKET", self.bucket.clone()),
            (
                "TASKMILL_RETENTION_DAYS",
                (self.retention / DAY).to_string(),
            ),
            (
                "TASKMILL_SWEEP_HORIZON_MILLIS",
                self.sweep_horizon.to_string(),
            ),
            ("TASKMILL_FUNCTION_PREFIX", self.targets.own().join("")),
        ];
        let targets = self.targets.list().map(|list| (TARGETS, list));
        let limits = self.tenant_limits.list().map(|list| (TENANT_LIMITS, list));
        let sender = self.sender.clone().map(|role| (SENDER, role));
        let callbacks = self.callbacks.iter().flat_map(|callbacks| {
            let url = (CALLBACK_URL, callbacks.url().to_owned());
            [url, (CALLBACK_KEYS, callbacks.keys())]
        });
        let vault = self.vault.iter().flat_map(|place| {
            let service = (SECRETS_FROM, place.service().to_owned());
            [service, (SECRETS_PREFIX, place.prefix().to_owned())]
        });
        let others = others.into_iter().chain(callbacks).chain(vault);
        let others = others.chain(targets).chain(limits).chain(sender);
        let others = others.map(|(name, value)| (name.to_owned(), value));
        others.chain(queues).chain(letters).collect()
    }
}

/// All targets but the deployment's own, or those on the list if there is one.
fn targets(variable: &impl Fn(&str) -> Option<String>, own: String) -> Result<Targets, BadTargets> {
    let targets = Targets::all_but(vec![own]);
    match variable(TARGETS).filter(|list| !list.is_empty()) {
        Some(list) => targets.only(&list),
        None => Ok(targets),
    }
}

/// The limits of tenants: none without a list.
///
/// # Errors
/// The list cannot be read.
pub fn tenant_limits(
    variable: &impl Fn(&str) -> Option<String>,
) -> Result<TenantLimits, BadLimits> {
    match variable(TENANT_LIMITS).filter(|list| !list.is_empty()) {
        Some(list) => TenantLimits::read(&list),
        None => Ok(TenantLimits::default()),
    }
}

/// Without an address there are no callbacks; with one, keys are needed.
fn callbacks(variable: &impl Fn(&str) -> Option<String>) -> Result<Option<Callbacks>, Error> {
    let Some(url) = variable(CALLBACK_URL).filter(|url| !url.is_empty()) else {
        return Ok(None);
    };
    let keys = variable(CALLBACK_KEYS).unwrap_or_default();
    Ok(Some(Callbacks::new(&url, &keys)?))
}

/// Without a service there is no vault; with one, a prefix is needed.
fn vault(variable: &impl Fn(&str) -> Option<String>) -> Result<Option<VaultPlace>, BadPlace> {
    let Some(service) = variable(SECRETS_FROM).filter(|service| !service.is_empty()) else {
        return Ok(None);
    };
    VaultPlace::read(&service, &variable(SECRETS_PREFIX).unwrap_or_default())
}

/// The variable that holds the URL of a queue: `TASKMILL_EXECUTE_URGENT_QUEUE_URL`.
#[must_use]
pub fn queue_variable(queue: QueueName, suffix: &str) -> String {
    let name = queue.as_str().replace('-', "_").to_uppercase();
    format!("TASKMILL_{name}_{suffix}")
}

/// The output of a deployed stack that says what a variable says: `TasksTable` of
/// `TASKMILL_TASKS_TABLE`. Whoever works on a deployment from outside reads its configuration
/// through this.
#[must_use]
pub fn output_of(variable: &str) -> String {
    let name = variable.strip_prefix("TASKMILL_").unwrap_or(variable);
    let mut output = String::new();
    for word in name.split('_') {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        output.push_str(first);
        output.push_str(&rest.to_lowercase());
    }
    output
}

fn worker(variable: &impl Fn(&str) -> Option<String>) -> String {
    let function = variable("AWS_LAMBDA_FUNCTION_NAME").unwrap_or_else(|| "function".to_owned());
    match variable("AWS_LAMBDA_LOG_STREAM_NAME") {
        None => function,
        Some(stream) => {
            // The stream's name ends with the id of the execution environment.
            let id = stream.rsplit(']').next().unwrap_or_default();
            format!("{function}/{id}")
        }
    }
}

fn environment(variable: &impl Fn(&str) -> Option<String>) -> String {
    let region = variable("AWS_REGION").unwrap_or_else(|| "unknown".to_owned());
    match variable("AWS_LAMBDA_FUNCTION_VERSION") {
        None => region,
        Some(version) => format!("{region}/{version}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(name: &str) -> Option<String> {
        match name {
            "AWS_REGION" => Some("eu-central-1".to_owned()),
            "AWS_LAMBDA_FUNCTION_VERSION" => Some("7".to_owned()),
            "AWS_LAMBDA_LOG_STREAM_NAME" => Some("2026/11/21/[7]abc".to_owned()),
            "AWS_LAMBDA_FUNCTION_NAME" => Some("execute-task".to_owned()),
            "TASKMILL_CALLBACK_URL" => None,
            name if name.ends_with("_TABLE")
                || name.ends_with("_URL")
                || name.ends_with("_BUCKET")
                || name.ends_with("_PREFIX") =>
            {
                Some(name.to_lowercase())
            }
            _ => None,
        }
    }

    #[test]
    fn names_every_queue_by_its_variable() {
        let config = Config::read(complete).unwrap();
        let urgent = config.queues.of(QueueName::ExecuteUrgent);
        assert_eq!(urgent, "taskmill_execute_urgent_queue_url");
        assert_eq!(config.execution_environment, "eu-central-1/7");
        assert_eq!(config.worker, "execute-task/abc");
        assert_eq!(config.retention, DEFAULT_RETENTION);
    }

    #[test]
    fn tells_the_variables_that_it_was_read_from() {
        let config = Config::read(complete).unwrap();
        let told: BTreeMap<String, String> = config.variables().into_iter().collect();
        let again = Config::read(|name| told.get(name).cloned()).unwrap();
        assert_eq!(again.variables(), config.variables());
        let lost =
            |name: &&String| Config::read(|n| told.get(n).filter(|_| n != *name).cloned()).is_err();
        let required = told.keys().filter(lost).count();
        assert_eq!(required, 3 + 2 * QueueName::ALL.len() + 2, "{told:?}");
    }

    #[test]
    fn callbacks_need_an_address_and_a_key() {
        let with = |url: &'static str, keys: &'static str| {
            Config::read(move |name| match name {
                "TASKMILL_CALLBACK_URL" => Some(url.to_owned()),
                "TASKMILL_CALLBACK_KEYS" => Some(keys.to_owned()),
                name => complete(name).filter(|_| !name.starts_with("TASKMILL_CALLBACK")),
            })
        };
        assert!(with("", "").unwrap().callbacks.is_none());
        let error = with("https://a", "short").unwrap_err();
        assert!(
            error.to_string().contains("TASKMILL_CALLBACK_KEYS"),
            "{error}"
        );
        let config = with("https://a", "0123456789abcdef0123456789abcdef").unwrap();
        assert_eq!(
            config.callbacks.as_ref().map(Callbacks::url),
            Some("https://a")
        );
        let told: BTreeMap<String, String> = config.variables().into_iter().collect();
        let again = Config::read(|name| told.get(name).cloned()).unwrap();
        assert_eq!(again.variables(), config.variables());
    }

    #[test]
    fn secrets_are_kept_by_a_service_under_a_prefix() {
        let with = |service: &'static str, prefix: &'static str| {
            Config::read(move |name| match name {
                "TASKMILL_SECRETS_FROM" => Some(service.to_owned()),
                "TASKMILL_SECRETS_PREFIX" => Some(prefix.to_owned()),
                name => complete(name),
            })
        };
        assert_eq!(with("", "a").unwrap().vault, None);
        assert_eq!(with("none", "a").unwrap().vault, None);
        for (service, prefix) in [
            ("vault", "a"),
            ("ssm", ""),
            ("ssm", "/a"),
            ("ssm", "a/"),
            ("ssm", "a/../b"),
            ("secretsmanager", "a*"),
        ] {
            let error = with(service, prefix).unwrap_err();
            assert!(error.to_string().contains("TASKMILL_SECRETS_PREFIX"));
        }
        for service in ["ssm", "secretsmanager"] {
            let config = with(service, "taskmill/tenants").unwrap();
            let told: BTreeMap<String, String> = config.variables().into_iter().collect();
            let again = Config::read(|name| told.get(name).cloned()).unwrap();
            assert_eq!(again.vault, config.vault);
            assert_eq!(told["TASKMILL_SECRETS_FROM"], service);
        }
    }

    #[test]
    fn limits_of_tenants_are_read_told_again_and_refused_with_their_reason() {
        let with = |list: &'static str| {
            Config::read(move |name| match name {
                "TASKMILL_TENANT_LIMITS" => Some(list.to_owned()),
                name => complete(name),
            })
        };
        let none = with("").unwrap();
        assert_eq!(none.tenant_limits, TenantLimits::default());
        let limited = with(r#"{"*":{"concurrency":5}}"#).unwrap();
        assert_ne!(limited.tenant_limits, none.tenant_limits);
        let told: BTreeMap<String, String> = limited.variables().into_iter().collect();
        let again = Config::read(|name| told.get(name).cloned()).unwrap();
        assert_eq!(again.tenant_limits, limited.tenant_limits);
        let error = with(r#"{"*":{"concurrency":0}}"#).unwrap_err();
        assert!(error.to_string().contains("TASKMILL_TENANT_LIMITS"));
        let why = std::error::Error::source(&error).unwrap().to_string();
        assert!(why.contains("must be from 1 to 100"), "{why}");
    }

    #[test]
    fn names_the_output_that_says_the_same() {
        let variable = queue_variable(QueueName::ExecuteUrgent, "DEAD_LETTERS_URL");
        assert_eq!(output_of(&variable), "ExecuteUrgentDeadLettersUrl");
        assert_eq!(output_of("TASKMILL_TASKS_TABLE"), "TasksTable");
    }

    #[test]
    fn says_which_variable_is_missing_or_wrong() {
        let without = |gone: &'static str| {
            move |name: &str| {
                if name == gone { None } else { complete(name) }
            }
        };
        let missing = Config::read(without("TASKMILL_RESULT_QUEUE_URL")).unwrap_err();
        assert!(missing.to_string().contains("TASKMILL_RESULT_QUEUE_URL"));
        let wrong = |name: &str| match name {
            "TASKMILL_RETENTION_DAYS" => Some("soon".to_owned()),
            name => complete(name),
        };
        let error = Config::read(wrong).unwrap_err();
        assert!(
            error.to_string().contains("TASKMILL_RETENTION_DAYS"),
            "{error}"
        );
    }
}
