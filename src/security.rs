//! Security contexts: what a caller carries, what a definition demands, and whether it is met.
//!
//! Where an identity comes from is the edge's business; a body is never believed.

pub mod redaction;

use serde::{Deserialize, Serialize};

use crate::ids::{TenantId, WorkerGroup};
use crate::task::definition::{SecurityLevel, SecurityRequirements, TaskDefinition};

/// Who asks, in the name of which tenant, with which rights.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Caller {
    /// The tenant.
    pub tenant_id: TenantId,
    /// The person or program.
    pub user_id: String,
    /// The caller's roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// The caller's permissions.
    #[serde(default)]
    pub permissions: Vec<String>,
    /// The environment that it belongs to; handed to the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<String>,
}

/// The permission of those who may do with every task what its assignee may, and give it to
/// anybody.
pub const ADMINISTER_TASKS: &str = "taskmill:administer-tasks";
/// The permission of those who may see and send back the dead letters of their tenant.
pub const ADMINISTER_DEAD_LETTERS: &str = "taskmill:administer-dead-letters";
/// The permission of programs that poll for tasks of every group of workers. Followed by a colon and
/// the name of a group, it is that of the group alone.
pub const WORK: &str = "taskmill:work";
/// What the permissions begin with of those who may do people's tasks of a `securityLevel`: the
/// level follows, and a higher one includes the lower.
pub const SECURITY_LEVEL: &str = "taskmill:security-level:";
/// What the permissions begin with of those who may do people's tasks with data of a
/// `dataClassification`, which follows.
pub const DATA_CLASSIFICATION: &str = "taskmill:data-classification:";

impl Caller {
    /// Whether the caller may administer tasks.
    #[must_use]
    pub fn is_administrator(&self) -> bool {
        self.holds(ADMINISTER_TASKS)
    }

    /// Whether the caller holds a permission.
    #[must_use]
    pub fn holds(&self, permission: &str) -> bool {
        self.permissions.iter().any(|held| held == permission)
    }

    /// Whether the caller may poll for tasks of this group of workers.
    #[must_use]
    pub fn may_work_for(&self, group: &WorkerGroup) -> bool {
        let of_group = |held: &str| held.strip_prefix(':') == Some(group.as_str());
        let mut held = self.permissions.iter();
        held.any(|held| {
            held.strip_prefix(WORK)
                .is_some_and(|rest| rest.is_empty() || of_group(rest))
        })
    }
}

/// The security context of an instance: the seed's SecurityContext.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SecurityContext {
    /// Whoever created the task, or started the workflow.
    pub user_id: String,
    /// The tenant.
    pub tenant_id: TenantId,
    /// Roles of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Permissions of the user.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub permissions: Vec<String>,
    /// The environment that it belongs to; handed to the executor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment_id: Option<String>,
    /// What the task's definition requires of `permissions`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required_permissions: Vec<String>,
    /// How sensitive the task's work is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security_level: Option<SecurityLevel>,
    /// How sensitive the task's data is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_classification: Option<String>,
}

impl From<&Caller> for SecurityContext {
    fn from(caller: &Caller) -> Self {
        Self {
            user_id: caller.user_id.clone(),
            tenant_id: caller.tenant_id.clone(),
            roles: caller.roles.clone(),
            permissions: caller.permissions.clone(),
            environment_id: caller.environment_id.clone(),
            required_permissions: Vec::new(),
            security_level: None,
            data_classification: None,
        }
    }
}

impl SecurityContext {
    /// The context of a task of this definition: this context, with what the definition
    /// demands. (The seed's `createTaskSecurityContext`.)
    #[must_use]
    pub fn for_task(&self, definition: &TaskDefinition) -> Self {
        let demanded = demanded(definition);
        Self {
            required_permissions: demanded.required_permissions,
            security_level: demanded.security_level,
            data_classification: demanded.data_classification,
            ..self.clone()
        }
    }

    /// The required permissions that the user lacks; empty means that the task may run.
    #[must_use]
    pub fn missing_permissions(&self) -> Vec<&str> {
        self.missing_of(&self.permissions)
    }

    /// What somebody who holds these permissions lacks to do the task in person. A program is
    /// handed the level and the classification of its work; people have to be cleared for them.
    #[must_use]
    pub fn missing_in_person(&self, held: &[String]) -> Vec<String> {
        let mut missing: Vec<String> = self.missing_of(held).into_iter().map(Into::into).collect();
        let level = self.security_level.unwrap_or(SecurityLevel::Low);
        let clears = |of: &SecurityLevel| *of >= level && holds(held, SECURITY_LEVEL, of.as_str());
        if level > SecurityLevel::Low && !SecurityLevel::ALL.iter().any(clears) {
            missing.push(format!("{SECURITY_LEVEL}{}", level.as_str()));
        }
        let classification = self.data_classification.as_deref();
        let lacking = classification.filter(|name| !holds(held, DATA_CLASSIFICATION, name));
        missing.extend(lacking.map(|name| format!("{DATA_CLASSIFICATION}{name}")));
        missing
    }

    /// The required permissions that somebody who holds these lacks.
    #[must_use]
    pub fn missing_of(&self, held: &[String]) -> Vec<&str> {
        self.required_permissions
            .iter()
            .filter(|required| !held.contains(required))
            .map(String::as_str)
            .collect()
    }
}

/// Whether this permission is among those that somebody holds.
fn holds(held: &[String], prefix: &str, of: &str) -> bool {
    held.iter()
        .any(|held| held.strip_prefix(prefix) == Some(of))
}

/// The definition's two demands as one, the stricter of each.
fn demanded(definition: &TaskDefinition) -> SecurityRequirements {
    let mut demanded = definition.security_requirements.clone().unwrap_or_default();
    if let Some(config) = &definition.execution_config.security_context {
        for permission in &config.permissions {
            if !demanded.required_permissions.contains(permission) {
                demanded.required_permissions.push(permission.clone());
            }
        }
        demanded.security_level = demanded.security_level.max(Some(config.security_level));
    }
    demanded
}

#[cfg(test)]
mod tests;
