//! `taskmill define`: definitions of a folder or a file, registered at a place.

use super::session::tell_skipped;
use crate::args::DefineArgs;
use crate::definitions::Set;
use crate::exit::{Error, Exit};
use crate::output;
use crate::place::Place;

/// Registers them, and says which are new. A version that is there must be the same.
///
/// # Errors
/// A definition has problems or is refused, or the place cannot be used.
pub async fn define(args: DefineArgs, place: Place, verbose: u8) -> Result<Exit, Error> {
    let set = Set::of_path(&args.path, None)?;
    tell_skipped(&set, verbose);
    // What they refer to may be there already: only the place knows.
    let set = set.checked_apart()?;
    let opened = place.open_or_make(args.at.tenant).await?;
    let defined = opened.define(&set).await?;
    output::print_list(&defined, args.at.place.output)?;
    Ok(Exit::Done)
}
