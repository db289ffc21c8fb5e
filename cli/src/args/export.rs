//! The arguments of `export`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use taskmill::ids::DefinitionId;

use super::definition_id;

/// The arguments of `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// A file of definitions, or a folder of them.
    pub path: PathBuf,
    /// The workflow; not needed when there is only one.
    #[arg(long, value_name = "ID", value_parser = definition_id)]
    pub workflow: Option<DefinitionId>,
    /// The language to write.
    #[arg(long, value_enum, default_value_t = ExportFormat::Asl)]
    pub format: ExportFormat,
    /// The name or ARN of the create-task function; by default a placeholder for it.
    #[arg(long, value_name = "ARN", default_value = "${CreateTaskFunctionArn}")]
    pub function: String,
    /// The tenant whose tasks are created; by default a placeholder for it.
    #[arg(long, value_name = "ID", default_value = "${TenantId}")]
    pub tenant: String,
    /// Who creates them.
    #[arg(long, value_name = "ID", default_value = "step-functions")]
    pub user: String,
    /// A role of that user; may be repeated.
    #[arg(long = "role", value_name = "ROLE")]
    pub roles: Vec<String>,
    /// A permission of that user; may be repeated.
    #[arg(long = "permission", value_name = "PERMISSION")]
    pub permissions: Vec<String>,
    /// The ARN of the state machine that stands for a sub-workflow; may be repeated. By default a
    /// placeholder for it.
    #[arg(long = "machine", value_name = "ID=ARN", value_parser = machine)]
    pub machines: Vec<(DefinitionId, String)>,
}

/// What a workflow is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// Amazon States Language, with JSONata: a state machine of AWS Step Functions.
    Asl,
}

fn machine(text: &str) -> Result<(DefinitionId, String), String> {
    let (id, arn) = text
        .split_once('=')
        .ok_or("it must be the id of a workflow, =, and an ARN")?;
    let id = definition_id(id).map_err(|error| error.to_string())?;
    Ok((id, arn.to_owned()))
}
