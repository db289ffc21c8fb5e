//! The arguments that say in whose name something is asked.

use clap::Args;

/// Who asks.
#[derive(Debug, Args)]
pub struct Who {
    /// The person who asks.
    #[arg(
        long,
        value_name = "ID",
        env = "USER",
        hide_env_values = true,
        default_value = "local"
    )]
    pub user: String,
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
