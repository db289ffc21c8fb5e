//! The arguments that say where something is, and whose it is. That it may be in a stack is said
//! once, by a flag of the whole command.

use std::path::PathBuf;

use clap::Args;
use taskmill::ids::TenantId;

use super::{Format, TENANT, tenant_id};

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
    /// The tenant that everything belongs to: `local` in a folder when none is named; in a stack
    /// one must be.
    #[arg(long, value_name = "ID", env = TENANT, value_parser = tenant_id)]
    pub tenant: Option<TenantId>,
}
