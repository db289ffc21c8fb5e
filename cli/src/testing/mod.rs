//! Workflow tests: cases of workflows as data, run on the real engine in virtual time.
//!
//! `file` reads them and `fields` finds what it would not read, `definitions` makes ready what
//! they run, `script` answers their tasks, `case` runs one, `story` collects what happened, and
//! `compare` says what differs; `update` and `rewrite` make a file expect what was found, and
//! `replace` writes it.

mod case;
mod compare;
mod definitions;
mod fields;
mod file;
pub mod junit;
mod people;
mod replace;
mod rewrite;
mod script;
mod story;
mod update;

use std::path::Path;

use serde_json::Value;
use taskmill::document;

pub use file::TestFile;

use crate::exit::Error;

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
pub fn run(path: &Path, filter: Option<&str>) -> Result<Vec<Outcome>, Error> {
    let file = TestFile::read(path)?;
    let cases = file.cases.iter().filter(|case| is_wanted(case, filter));
    cases
        .map(|case| {
            Ok(Outcome {
                file: path.display().to_string(),
                name: case.name.clone(),
                differences: case::run(&file, case)?.differences,
            })
        })
        .collect()
}

/// Makes the cases of a file whose names hold a text expect what is found now, and says whether
/// the file changed. Only what a case states is rewritten.
///
/// # Errors
/// The file, or what it names, cannot be used, or the file cannot be rewritten.
pub fn update(path: &Path, filter: Option<&str>) -> Result<bool, Error> {
    let unusable = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = TestFile::read(path)?;
    let text = std::fs::read_to_string(path).map_err(unusable)?;
    let Some(document) = document::read(&text).ok().and_then(|mut all| all.pop()) else {
        return Ok(false);
    };
    let mut expected = document.value.clone();
    for (at, case) in file.cases.iter().enumerate() {
        if !is_wanted(case, filter) {
            continue;
        }
        for seen in case::run(&file, case)?.seen {
            let pointer = format!("/cases/{at}{}", seen.place);
            if let Some(Value::Object(stated)) = expected.pointer_mut(&pointer) {
                *stated = update::found(stated, &seen.what);
            }
        }
    }
    let Some(rewritten) = rewrite::rewrite(&text, &document.value, &expected) else {
        let path = path.display();
        return Err(Error::Usage(format!(
            "{path} cannot be rewritten without changing more: change it by hand"
        )));
    };
    if rewritten == text {
        return Ok(false);
    }
    replace::replace(path, &rewritten).map_err(unusable)?;
    Ok(true)
}

fn is_wanted(case: &file::Case, filter: Option<&str>) -> bool {
    filter.is_none_or(|text| case.name.contains(text))
}
