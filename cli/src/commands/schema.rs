//! `taskmill schema`: prints the JSON Schema of definitions.

use taskmill::registration;

use crate::args::Format;
use crate::exit::{Error, Exit};
use crate::output;

/// Prints the schema that editors complete and check definitions by.
///
/// # Errors
/// Standard output fails.
pub fn schema() -> Result<Exit, Error> {
    output::print(&registration::json_schema(), Format::Json)?;
    Ok(Exit::Done)
}
