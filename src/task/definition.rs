//! `TaskDefinition`: what a task is, what it accepts and gives, and who runs it.
//!
//! These types are the language: the published JSON Schema is derived from them, and
//! [`crate::registration`] checks what types cannot say. A registered version never changes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use semver::Version;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::DefinitionId;
use crate::task::assignment::Assignment;
use crate::task::concurrency::Concurrency;
use crate::task::rate::RateLimit;
use crate::task::retry::RetryPolicy;
use crate::task::timeouts::Timeouts;
use crate::time::Timestamp;
use crate::{JsonObject, limits};

/// What a task is: the seed's TaskDefinition, with what was added to it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TaskDefinition {
    /// Unique within the tenant, together with `version`.
    pub id: DefinitionId,
    /// For people.
    #[schemars(length(min = 1, max = limits::NAME_CHARS))]
    pub name: String,
    /// For people.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(max = limits::DESCRIPTION_CHARS))]
    pub description: String,
    /// Who does it: a program, a person, or another system.
    #[serde(rename = "type")]
    pub task_type: TaskType,
    /// Semantic version; immutable once registered.
    #[schemars(schema_with = "version_schema")]
    pub version: Version,
    /// JSON Schema 2020-12 that every input must meet. Accepts all by default.
    #[serde(default = "accept_all")]
    #[schemars(schema_with = "crate::schema::any_schema")]
    pub input_schema: Value,
    /// JSON Schema 2020-12 that every output must meet. Accepts all by default.
    #[serde(default = "accept_all")]
    #[schemars(schema_with = "crate::schema::any_schema")]
    pub output_schema: Value,
    /// Longest time of one attempt in milliseconds; a minute by default. Of a MANUAL task it
    /// counts from its creation, and there is none by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub timeout: Option<u64>,
    /// More time limits; `startToClose` and `timeout` are the same limit, the smaller wins.
    #[serde(default, skip_serializing_if = "Timeouts::is_empty")]
    pub timeouts: Timeouts,
    /// How many tasks of this definition run at once, all its versions together; the others wait,
    /// and a freed place is the longest waiting one's. No limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency: Option<Concurrency>,
    /// How many tasks of this definition begin in a period, all its versions together; the others
    /// wait, and the longest waiting is the next. No limit by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
    /// What happens after a failure. Without one, the first failure is the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_policy: Option<RetryPolicy>,
    /// Whether a workflow goes on when this task fails for good.
    #[serde(default)]
    pub continue_on_failure: bool,
    /// What the security context of whoever asks must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_requirements: Option<SecurityRequirements>,
    /// Who may do a MANUAL task, and by when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assignment: Option<Assignment>,
    /// Who runs it, and how. Of a MANUAL task only what it demands of people's rights.
    #[serde(default, skip_serializing_if = "ExecutionConfig::is_empty")]
    pub execution_config: ExecutionConfig,
    /// Anything; stored and returned.
    #[serde(default, skip_serializing_if = "JsonObject::is_empty")]
    pub metadata: JsonObject,
    /// When it was registered; a definition that moves from elsewhere may bring its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it was last changed: a registered version never is, so this is `createdAt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// The schema that accepts every value.
#[must_use]
pub fn accept_all() -> Value {
    Value::Bool(true)
}

/// A version, as semver.org writes it.
pub(crate) fn version_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({
        "type": "string",
        "format": format::VERSION,
        "maxLength": limits::VERSION_CHARS,
        "examples": ["1.0.0"],
    })
}

/// Formats of the published schema that only reading a text can check.
pub mod format {
    /// A semantic version.
    pub const VERSION: &str = "semver";
    /// A range of semantic versions.
    pub const VERSION_RANGE: &str = "semver-range";
    /// A [`super::Cpu`].
    pub const CPU: &str = "cpu-quantity";
    /// A [`super::ByteSize`].
    pub const BYTES: &str = "byte-quantity";
    /// A [`crate::task::rate::Period`].
    pub const PERIOD: &str = "period";
    /// An instant, RFC 3339.
    pub const TIME: &str = "date-time";
}

/// Who does a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskType {
    /// A program of ours.
    Automated,
    /// A person.
    Manual,
    /// Another system.
    Integration,
}

/// What a definition demands of a security context: the seed's `securityRequirements`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecurityRequirements {
    /// Permissions that the context must hold, at creation and again at execution.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_permissions: Vec<String>,
    /// How sensitive the work is; handed to the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_level: Option<SecurityLevel>,
    /// How sensitive the data is, in the tenant's own words; handed to the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::NAME_CHARS))]
    pub data_classification: Option<String>,
}

/// How sensitive a task's work is. The greater is the stricter.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "UPPERCASE")]
pub enum SecurityLevel {
    /// Ordinary work.
    Low,
    /// Work that deserves care.
    Medium,
    /// Work that few may do.
    High,
}

impl SecurityLevel {
    /// Every level.
    pub const ALL: [Self; 3] = [Self::Low, Self::Medium, Self::High];

    /// The seed's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "LOW",
            Self::Medium => "MEDIUM",
            Self::High => "HIGH",
        }
    }
}

/// Who runs a task, and how.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExecutionConfig {
    /// `process:<command>`, `http:<url>`, `https:<url>`, `lambda:<function>`,
    /// `states:<state machine>`, `sqs:<queue>`, `events:<bus>`, `worker:<group>` or
    /// `builtin:<echo|noop|fail|sleep>`; [`crate::task::routing`] reads it. A MANUAL task has
    /// none, every other one has.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    #[schemars(length(min = 1, max = limits::EXECUTOR_CHARS))]
    pub executor: String,
    /// The data model's SecurityContext: what the definition demands. It merges with
    /// `securityRequirements`, the stricter wins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_context: Option<DemandedSecurity>,
    /// What one attempt may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_requirements: Option<ResourceRequirements>,
    /// Variables for a `process:` or `lambda:` executor; values may hold `{{secret:NAME}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment_variables: BTreeMap<String, String>,
    /// How an `http:` executor asks; POST with the input as JSON by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<HttpRequest>,
    /// Whether the system that is asked tells the end of an attempt later, at an address that it is
    /// given: of `http:` when it answers 202, of `sqs:` and `events:` whoever takes what was sent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub callback: bool,
}

impl ExecutionConfig {
    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The data model's SecurityContext, as part of a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct DemandedSecurity {
    /// The identity that the executor acts as: for executors of AWS the ARN of a role to assume, for
    /// `http:` a credential reference `{{secret:NAME}}` sent as a bearer token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::EXECUTOR_CHARS))]
    pub run_as: Option<String>,
    /// Permissions that the context must hold.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// How sensitive the work is.
    pub security_level: SecurityLevel,
}

/// What one attempt may use.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceRequirements {
    /// Share of a processor, `"0.5"` or `"500m"`. For `process:` the attempt may use this share
    /// of its time limit as processor time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<Cpu>,
    /// Memory, `"512Mi"`. For `process:` the limit of the address space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<ByteSize>,
    /// Disk, `"1Gi"`. For `process:` the size limit of a file that it writes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disk: Option<ByteSize>,
    /// A further limit on one attempt, in seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS / 1000))]
    pub timeout_seconds: Option<u64>,
}

macro_rules! quantity {
    ($(#[$doc:meta])* $name:ident, $inner:ty, $parse:ident, $pattern:literal, $format:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name {
            text: String,
            value: $inner,
        }

        impl $name {
            /// The quantity in its base unit.
            #[must_use]
            pub fn value(&self) -> $inner {
                self.value
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadQuantity;

            fn try_from(text: String) -> Result<Self, BadQuantity> {
                match $parse(&text) {
                    Some(value) if value > 0 => Ok(Self { text, value }),
                    _ => Err(BadQuantity { text, pattern: $pattern }),
                }
            }
        }

        impl From<$name> for String {
            fn from(quantity: $name) -> Self {
                quantity.text
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "format": $format, "description": $pattern })
            }
        }
    };
}

/// Text that is no quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a positive quantity: it must match {pattern}")]
pub struct BadQuantity {
    text: String,
    pattern: &'static str,
}

quantity!(
    /// A share of processors, in thousandths: `"0.5"` and `"500m"` are 500.
    Cpu,
    u32,
    parse_cpu,
    "^([0-9]{1,5}(\\.[0-9]{1,3})?|[0-9]{1,7}m)$",
    format::CPU
);
quantity!(
    /// An amount of bytes: `"512Mi"`, `"1Gi"`, `"200M"`.
    ByteSize,
    u64,
    parse_bytes,
    "^[0-9]{1,15}(Ki|Mi|Gi|Ti|k|M|G|T)?$",
    format::BYTES
);

fn parse_cpu(text: &str) -> Option<u32> {
    if let Some(millis) = text.strip_suffix('m') {
        return digits(millis, 7)?.try_into().ok();
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let scale = 10_u64.pow(3_u32.checked_sub(u32::try_from(fraction.len()).ok()?)?);
    let millis = digits(whole, 5)? * 1000 + digits(fraction, 3)? * scale;
    millis.try_into().ok()
}

fn parse_bytes(text: &str) -> Option<u64> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let unit: u64 = match &text[end..] {
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => return None,
    };
    digits(&text[..end], 15)?.checked_mul(unit)
}

/// A number of at most so many digits and nothing else.
fn digits(text: &str, most: usize) -> Option<u64> {
    let plain = !text.is_empty() && text.len() <= most && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok())?
}

/// How an `http:` executor asks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpRequest {
    /// The method; POST by default.
    #[serde(default)]
    pub method: HttpMethod,
    /// Header fields; values may hold `{{secret:NAME}}`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// An expression over `input` and `context` that gives the body, also of a message or an event;
    /// the input by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::expression::SOURCE_CHARS))]
    pub body: Option<String>,
}

/// Methods that an `http:` executor may use.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Without a body.
    Get,
    /// The default.
    #[default]
    Post,
    /// Replaces.
    Put,
    /// Changes a part.
    Patch,
    /// Without a body.
    Delete,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read_as_kubernetes_writes_them() {
        let bytes = |text: &str| ByteSize::try_from(text.to_owned()).map(|b| b.value()).ok();
        assert_eq!(bytes("512Mi"), Some(536_870_912));
        assert_eq!(bytes("200M"), Some(200_000_000));
        for bad in ["", "Mi", "-1", "1.5Gi", "0", "999999999999999Ti", "1 Gi"] {
            assert_eq!(bytes(bad), None, "{bad}");
        }
        let cpu = |text: &str| Cpu::try_from(text.to_owned()).map(|c| c.value()).ok();
        assert_eq!(cpu("0.5"), Some(500));
        assert_eq!(cpu("2"), Some(2000));
        assert_eq!(cpu("250m"), Some(250));
        for bad in ["", "0", "0.0", "-1", "1.2345", "m", ".5", "1e3"] {
            assert_eq!(cpu(bad), None, "{bad}");
        }
    }
}
