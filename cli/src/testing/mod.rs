//! Workflow tests: cases of workflows as data, run on the real engine in virtual time.
//!
//! `file` reads them, `definitions` makes ready what they run, `script` answers their tasks,
//! `case` runs one, `story` collects what happened, and `compare` says what differs.

mod case;
mod compare;
mod definitions;
mod file;
pub mod junit;
mod people;
mod script;
mod story;

use std::path::Path;

pub use file::TestFile;

/// What became of a case.
#[derive(Debug)]
pub struct Outcome {
    /// The file.
    pub file: String,
    /// The case.
    pub name: String,
    /// What differs; nothing when it passed.
    pub differences: Vec<String>,
}

/// Runs the cases of a file whose names hold a text.
///
/// # Errors
/// The file, or what it names, cannot be used.
pub fn run(path: &Path, filter: Option<&str>) -> Result<Vec<Outcome>, crate::exit::Error> {
    let file = TestFile::read(path)?;
    let wanted = |name: &str| filter.is_none_or(|text| name.contains(text));
    let cases = file.cases.iter().filter(|case| wanted(&case.name));
    cases
        .map(|case| {
            Ok(Outcome {
                file: path.display().to_string(),
                name: case.name.clone(),
                differences: case::run(&file, case)?,
            })
        })
        .collect()
}
