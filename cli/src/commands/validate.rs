//! `taskmill validate`: every problem of definitions at once.

use std::path::Path;

use crate::args::{ReportFormat, ValidateArgs};
use crate::definitions::Set;
use crate::exit::{Error, Exit};
use crate::output;
use crate::problems::{self, Located, Severity};

/// Checks definitions: each folder as a set of its own, the files that are named as one set.
///
/// # Errors
/// A file cannot be read, a folder has no definition, or standard output fails. Problems of
/// definitions are no error here: they are what was asked for.
pub fn validate(args: &ValidateArgs, verbose: u8) -> Result<Exit, Error> {
    let (folders, files): (Vec<&Path>, Vec<&Path>) = args
        .paths
        .iter()
        .map(AsRef::as_ref)
        .partition(|path: &&Path| path.is_dir());
    let mut sets = Vec::new();
    for folder in folders {
        sets.push(Set::of_path(folder, None)?);
    }
    if !files.is_empty() {
        sets.push(Set::of_files(&files)?);
    }
    let mut found = Vec::new();
    for set in &sets {
        super::session::tell_skipped(set, verbose);
        found.extend(set.problems());
        found.extend(set.warnings());
    }
    report(&found, args.output)?;
    let problems = found.iter().filter(|p| p.severity == Severity::Error);
    let count = problems.count();
    if args.output == ReportFormat::Text {
        let counts = sets
            .iter()
            .map(|set| set.definitions().count() + set.schedules().count());
        let definitions: usize = counts.sum();
        output::note(&match count {
            0 if definitions == 1 => "1 definition without problems".to_owned(),
            0 => format!("{definitions} definitions without problems"),
            1 => "1 problem".to_owned(),
            more => format!("{more} problems"),
        });
    }
    Ok(if count == 0 {
        Exit::Done
    } else {
        Exit::BadUsage
    })
}

fn report(found: &[Located], format: ReportFormat) -> Result<(), Error> {
    match format {
        ReportFormat::Json => output::print_text(&format!("{:#}", problems::json(found))),
        ReportFormat::Text if found.is_empty() => Ok(()),
        ReportFormat::Text => output::print_text(&problems::text(found)),
    }
}
