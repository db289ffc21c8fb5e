//! `taskmill graph`: prints a workflow definition as a picture.

use crate::args::GraphArgs;
use crate::definitions::{Choice, Set};
use crate::exit::{Error, Exit};
use crate::graph::{self, States};
use crate::output;

/// Prints the picture.
///
/// # Errors
/// The definitions cannot be read, have problems, or hold no such workflow.
pub fn graph(args: &GraphArgs) -> Result<Exit, Error> {
    let set = Set::of_path(&args.path, None)?.checked()?;
    let choice = Choice {
        kind: "workflow",
        how: "with --workflow",
        named: args.workflow.as_ref().map(|id| id.as_str()),
    };
    let workflow = choice.of_roots(&set)?;
    let text = graph::picture(workflow, &States::new(), args.format);
    output::print_text(&text)?;
    Ok(Exit::Done)
}
