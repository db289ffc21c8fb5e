//! `taskmill schema`: prints the JSON Schema of definitions, or the description of the HTTP API.

use taskmill::registration;
use taskmill_api::document;

use crate::args::{Format, SchemaArgs};
use crate::exit::{Error, Exit};
use crate::output;

/// Prints the schema that editors complete and check definitions by or, when asked for the API, the
/// OpenAPI document that clients are made of.
///
/// # Errors
/// Standard output fails.
pub fn schema(args: &SchemaArgs) -> Result<Exit, Error> {
    let schema = if args.api {
        document::openapi()
    } else {
        registration::json_schema()
    };
    output::print(&schema, Format::Json)?;
    Ok(Exit::Done)
}
