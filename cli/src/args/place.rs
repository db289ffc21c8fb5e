//! The arguments that say where something is, and whose it is. What is not a folder is said once,
//! by flags of the whole command.

use std::path::PathBuf;

use clap::Args;
use taskmill::ids::TenantId;

use super::{Format, tenant_id};

/// A place that is no folder.
#[derive(Debug, Clone, Default, Args)]
pub struct Named {
    /// The address of a service to work on, over its HTTP API. Where no place is named,
    /// TASKMILL_API_URL says which.
    #[arg(long, global = true, value_name = "URL", help_heading = "Places")]
    pub url: Option<String>,
    /// The token that tells the service who asks. Other users of this machine may see it: better,
    /// TASKMILL_TOKEN or a profile has it.
    #[arg(long, global = true, value_name = "TOKEN", help_heading = "Places")]
    pub token: Option<String>,
    /// The deployed stack to work on, with your own AWS credentials. Where no place is named,
    /// TASKMILL_STACK says which.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Places")]
    pub stack: Option<String>,
    /// The profile of the configuration file that says where. Where no place is named,
    /// TASKMILL_PROFILE says which, or the file has a default.
    #[arg(long, global = true, value_name = "NAME", help_heading = "Places")]
    pub profile: Option<String>,
}

impl Named {
    /// Whether anything is named.
    #[must_use]
    pub fn is_any(&self) -> bool {
        let Self {
            url,
            token,
            stack,
            profile,
        } = self;
        [url, token, stack, profile].iter().any(|one| one.is_some())
    }
}

/// Where something is, and how it is printed.
#[derive(Debug, Args)]
pub struct PlaceArgs {
    /// The folder that a run kept everything in. Nobody else may be using it.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The form of what is printed on standard output.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub output: Format,
}

/// Where something is, and whose.
#[derive(Debug, Args)]
pub struct At {
    /// Where it is.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// The tenant that everything belongs to: TASKMILL_TENANT when none is named, then the
    /// profile's, and in a folder `local`. A service knows it by the token.
    #[arg(long, value_name = "ID", value_parser = tenant_id)]
    pub tenant: Option<TenantId>,
}
