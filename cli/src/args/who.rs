//! The arguments that say in whose name something is asked.

use clap::Args;
use taskmill::ids::TenantId;
use taskmill::security::Caller;

use crate::exit::Error;

/// Who asks when nobody says so, and the system does not know either.
const SOMEBODY: &str = "local";

/// Who asks.
#[derive(Debug, Clone, Default, Args)]
pub struct Who {
    /// The person who asks; by default the user of this machine. A service knows it by the token.
    #[arg(long, value_name = "ID")]
    pub user: Option<String>,
    /// A role of the person; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// A permission of the person; may be repeated.
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
    /// The environment that it belongs to; programs find it as TASKMILL_ENVIRONMENT_ID.
    #[arg(long, value_name = "ID")]
    pub environment: Option<String>,
}

/// The person who acts.
#[derive(Debug, Clone, Default, Args)]
pub struct Actor {
    /// The person; by default the user of this machine. A service knows it by the token.
    #[arg(long = "as", value_name = "PERSON")]
    pub person: Option<String>,
    /// A role of the person; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// A permission of the person; may be repeated.
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
}

impl From<Actor> for Who {
    fn from(actor: Actor) -> Self {
        Self {
            user: actor.person,
            roles: actor.roles,
            permissions: actor.permissions,
            environment: None,
        }
    }
}

impl Who {
    /// Somebody of whom nothing is said but what they may.
    #[must_use]
    pub fn holding(permissions: Vec<String>) -> Self {
        Self {
            permissions,
            ..Self::default()
        }
    }

    /// Somebody of a tenant, as they say who they are.
    #[must_use]
    pub fn caller(&self, tenant: &TenantId) -> Caller {
        let of_machine = || std::env::var("USER").ok().filter(|user| !user.is_empty());
        let user = self.user.clone().or_else(of_machine);
        Caller {
            tenant_id: tenant.clone(),
            user_id: user.unwrap_or_else(|| SOMEBODY.to_owned()),
            roles: self.roles.clone(),
            permissions: self.permissions.clone(),
            environment_id: self.environment.clone(),
        }
    }

    /// Checks that nothing was said of them, because a token says it.
    ///
    /// # Errors
    /// Something was.
    pub fn check_unnamed(&self) -> Result<(), Error> {
        let Self {
            user,
            roles,
            permissions,
            environment,
        } = self;
        let lists = [roles, permissions];
        if user.is_none() && environment.is_none() && lists.iter().all(|list| list.is_empty()) {
            return Ok(());
        }
        Err(Error::Usage(
            "a service knows by the token who asks: leave --as, --user, --role, --permission and --environment out"
                .to_owned(),
        ))
    }
}
