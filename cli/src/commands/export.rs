//! `taskmill export`: writes a workflow definition in another language.

use taskmill::registration::{Definition, Tasks};
use taskmill::workflow::export::{Target, to_state_machine};

use crate::args::{ExportArgs, ExportFormat};
use crate::definitions::{Choice, Found, Set};
use crate::exit::{Error, Exit};
use crate::output;
use crate::problems::{self, Located, Severity};

/// Prints the workflow in the other language, and says where it does not mean quite the same.
///
/// # Errors
/// The definitions cannot be read, have problems, or hold no such workflow, or the other language
/// cannot say it.
pub fn export(args: &ExportArgs) -> Result<Exit, Error> {
    let set = Set::of_path(&args.path, None)?.checked()?;
    let choice = Choice {
        kind: "workflow",
        how: "with --workflow",
        named: args.workflow.as_ref().map(|id| id.as_str()),
    };
    let workflow = choice.of_roots(&set)?;
    let is_meant = |found: &Found<'_>| match found.definition {
        Definition::Workflow(one) => std::ptr::eq(one, workflow),
        Definition::Task(_) => false,
    };
    let found = set.definitions().find(is_meant);
    let located = |severity, problems| match found {
        Some(found) => Located::all(found.file, severity, found.document.locate(problems)),
        None => Located::all(&args.path, severity, problems),
    };
    let tasks: Tasks<'_> = set.tasks().collect();
    let text = match args.format {
        ExportFormat::Asl => {
            let export = to_state_machine(workflow, &tasks, &target(args))
                .map_err(|problems| Error::Problems(located(Severity::Error, problems)))?;
            let differences = located(Severity::Warning, export.differences);
            if !differences.is_empty() {
                output::note(&problems::text(&differences));
            }
            format!("{:#}", export.machine)
        }
    };
    output::print_text(&text)?;
    Ok(Exit::Done)
}

fn target(args: &ExportArgs) -> Target {
    Target {
        function: args.function.clone(),
        tenant: args.tenant.clone(),
        user: args.user.clone(),
        roles: args.roles.clone(),
        permissions: args.permissions.clone(),
        machines: args.machines.iter().cloned().collect(),
    }
}
