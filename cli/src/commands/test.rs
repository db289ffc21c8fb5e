//! `taskmill test`: runs workflow tests.

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::args::TestArgs;
use crate::exit::{Error, Exit};
use crate::output;
use crate::testing::{self, Outcome, junit};

/// Runs every test file, side by side, and tells of each case in order.
///
/// # Errors
/// A file cannot be used.
pub fn test(args: &TestArgs) -> Result<Exit, Error> {
    let files = test_files(&args.paths)?;
    if files.is_empty() {
        return Err(Error::Usage(
            "there is no *.test.yaml or *.test.json".to_owned(),
        ));
    }
    let mut outcomes = Vec::new();
    for result in run_all(&files, args) {
        outcomes.extend(result?);
    }
    for outcome in &outcomes {
        tell(outcome);
    }
    let failed = outcomes.iter().filter(|one| !one.differences.is_empty());
    let failed = failed.count();
    output::print_text(&format!(
        "{} passed, {failed} failed\n",
        outcomes.len() - failed
    ))?;
    if let Some(path) = &args.junit {
        std::fs::write(path, junit::document(&outcomes)).map_err(|source| Error::Unreadable {
            path: path.clone(),
            source,
        })?;
    }
    Ok(if failed == 0 {
        Exit::Done
    } else {
        Exit::NotCompleted
    })
}

fn tell(outcome: &Outcome) {
    let mark = if outcome.differences.is_empty() {
        "ok  "
    } else {
        "FAIL"
    };
    let mut text = format!("{mark} {}: {}\n", outcome.file, outcome.name);
    for difference in &outcome.differences {
        text += &format!("    {difference}\n");
    }
    // A reader that went away wants no more.
    let _ = output::print_text(&text);
}

type Results = Vec<Result<Vec<Outcome>, Error>>;

/// Each file on a thread of its own, as many at once as there are processors.
fn run_all(files: &[PathBuf], args: &TestArgs) -> Results {
    let next = AtomicUsize::new(0);
    let results: Mutex<Vec<(usize, _)>> = Mutex::default();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads.min(files.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(file) = files.get(at) else {
                        return;
                    };
                    let outcomes = run_one(file, args);
                    let mut results = results.lock().expect("no thread panics with it");
                    results.push((at, outcomes));
                }
            });
        }
    });
    let mut results = results.into_inner().expect("no thread panicked with it");
    results.sort_by_key(|(at, _)| *at);
    results.into_iter().map(|(_, outcomes)| outcomes).collect()
}

/// Runs a file, rewritten before if that is asked for.
fn run_one(file: &Path, args: &TestArgs) -> Result<Vec<Outcome>, Error> {
    let filter = args.filter.as_deref();
    if args.update && testing::update(file, filter)? {
        output::note(&format!("updated {}", file.display()));
    }
    testing::run(file, filter)
}

/// The test files that are named, and those of folders that are named, at every depth.
fn test_files(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Error> {
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            add_folder(path, &mut files)?;
        } else {
            files.push(path.clone());
        }
    }
    Ok(files)
}

fn add_folder(folder: &Path, files: &mut Vec<PathBuf>) -> Result<(), Error> {
    let unreadable = |source| Error::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        entries.push(entry.map_err(unreadable)?.path());
    }
    entries.sort();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.unwrap_or_default();
        let is_test = [".test.yaml", ".test.yml", ".test.json"]
            .iter()
            .any(|end| name.ends_with(end));
        if path.is_dir() && !name.starts_with('.') {
            add_folder(&path, files)?;
        } else if is_test {
            files.push(path);
        }
    }
    Ok(())
}
