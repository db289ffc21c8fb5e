//! Finding definitions: which files of a folder hold some, and what is wrong with them.
//!
//! What a definition is and what may be wrong with one is decided by the core; this knows only
//! files. A *set* is what one call can see: a folder, or files that were named together.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use semver::Version;
use serde_json::Value;
use taskmill::document::{self, Document};
use taskmill::ids::DefinitionId;
use taskmill::limits;
use taskmill::problem::nearest;
use taskmill::registration::{self, Definition, Reading};
use taskmill::schedule::ScheduleDefinition;
use taskmill::task::TaskDefinition;
use taskmill::workflow::WorkflowDefinition;
use taskmill::workflow::compiled::{Reference, references};

use crate::exit::Error;
use crate::problems::{Located, Severity};

/// Definitions that can see each other, by file.
#[derive(Debug, Default)]
pub struct Set {
    files: Vec<PathBuf>,
    readings: Vec<Reading>,
    skipped: Vec<Skipped>,
}

/// A file of a folder that holds no definition.
#[derive(Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The file.
    pub file: PathBuf,
    /// Why it is taken for none.
    pub reason: &'static str,
}

/// A definition, and where it stands.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The definition.
    pub definition: &'a Definition,
    /// Its document, which knows its lines.
    pub document: &'a Document,
    /// Its file.
    pub file: &'a Path,
}

impl Set {
    /// The definitions of a file, whatever is in it, or of a folder: `*.yaml`, `*.yml` and
    /// `*.json` that hold at least one. Hidden files, `*.test.*` and `except` are left out.
    ///
    /// # Errors
    /// A file cannot be read, or a folder has no definition.
    pub fn of_path(path: &Path, except: Option<&Path>) -> Result<Self, Error> {
        if !path.is_dir() {
            return Self::of_files(&[path]);
        }
        let mut set = Self::default();
        for file in candidates(path, except)? {
            set.add_if_definitions(file)?;
        }
        if set.files.is_empty() {
            return Err(Error::Usage(format!(
                "{} holds no definition",
                path.display()
            )));
        }
        Ok(set)
    }

    /// The files of a folder that may hold definitions, by name.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn files_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
        let folder = if folder == Path::new("") {
            Path::new(".")
        } else {
            folder
        };
        candidates(folder, None)
    }

    /// The definitions of files that are named together.
    ///
    /// # Errors
    /// A file cannot be read.
    pub fn of_files(paths: &[&Path]) -> Result<Self, Error> {
        let mut set = Self::default();
        for path in paths {
            let text = text_of(path)?;
            set.add((*path).to_owned(), &text);
        }
        Ok(set)
    }

    fn add(&mut self, file: PathBuf, text: &str) {
        self.files.push(file);
        self.readings.push(registration::read_text(text));
    }

    fn add_if_definitions(&mut self, file: PathBuf) -> Result<(), Error> {
        let text = text_of(&file)?;
        match why_no_definition(&text) {
            None => self.add(file, &text),
            Some(reason) => self.skipped.push(Skipped { file, reason }),
        }
        Ok(())
    }

    /// The files of the folder that hold no definition.
    #[must_use]
    pub fn skipped(&self) -> &[Skipped] {
        &self.skipped
    }

    /// Everything that is wrong, by file and line.
    #[must_use]
    pub fn problems(&self) -> Vec<Located> {
        let together = registration::check_together(&self.readings);
        let mut all = Vec::new();
        for ((file, reading), between) in self.files.iter().zip(&self.readings).zip(together) {
            let mut problems = reading.problems.clone();
            problems.extend(between);
            problems.sort_by_key(|problem| problem.line);
            all.extend(Located::all(file, Severity::Error, problems));
        }
        all
    }

    /// What runs, but perhaps not as it was meant.
    #[must_use]
    pub fn warnings(&self) -> Vec<Located> {
        let warn = |found: Found<'_>| match found.definition {
            Definition::Task(_) => Vec::new(),
            Definition::Workflow(workflow) => {
                let warnings = found.document.locate(registration::warnings(workflow));
                Located::all(found.file, Severity::Warning, warnings)
            }
        };
        self.definitions().flat_map(warn).collect()
    }

    /// Leaves only the tasks: what is wrong with or between workflows is no matter then.
    pub fn forget_workflows(&mut self) {
        for reading in &mut self.readings {
            let is_task = |definition: &Definition| matches!(definition, Definition::Task(_));
            reading
                .definitions
                .retain(|(definition, _)| is_task(definition));
        }
    }

    /// The set, when nothing is wrong with any definition by itself: what it refers to may be
    /// somewhere else.
    ///
    /// # Errors
    /// Everything that is wrong with a definition by itself.
    pub fn checked_apart(self) -> Result<Self, Error> {
        let mut all = Vec::new();
        for (file, reading) in self.files.iter().zip(&self.readings) {
            all.extend(Located::all(
                file,
                Severity::Error,
                reading.problems.clone(),
            ));
        }
        if all.is_empty() {
            Ok(self)
        } else {
            Err(Error::Problems(all))
        }
    }

    /// The set, when nothing is wrong with it.
    ///
    /// # Errors
    /// Everything that is wrong.
    pub fn checked(self) -> Result<Self, Error> {
        let problems = self.problems();
        if problems.is_empty() {
            Ok(self)
        } else {
            Err(Error::Problems(problems))
        }
    }

    /// The definitions that have no problem, in the order of files and documents.
    pub fn definitions(&self) -> impl Iterator<Item = Found<'_>> {
        let files = self.files.iter().zip(&self.readings);
        files.flat_map(|(file, reading)| {
            let definitions = reading.definitions.iter();
            definitions.map(move |(definition, document)| Found {
                definition,
                document,
                file,
            })
        })
    }

    /// The schedules that have no problem.
    pub fn schedules(&self) -> impl Iterator<Item = &ScheduleDefinition> {
        let schedules = self.readings.iter().flat_map(|reading| &reading.schedules);
        schedules.map(|(schedule, _)| schedule)
    }

    /// The workflow definitions.
    pub fn workflows(&self) -> impl Iterator<Item = &WorkflowDefinition> {
        self.definitions()
            .filter_map(|found| match found.definition {
                Definition::Workflow(workflow) => Some(workflow),
                Definition::Task(_) => None,
            })
    }

    /// The task definitions.
    pub fn tasks(&self) -> impl Iterator<Item = &TaskDefinition> {
        self.definitions()
            .filter_map(|found| match found.definition {
                Definition::Task(task) => Some(task),
                Definition::Workflow(_) => None,
            })
    }
}

/// What one definition of a set is chosen by.
#[derive(Debug, Clone, Copy)]
pub struct Choice<'a> {
    /// What they are, for people: `workflow`.
    pub kind: &'static str,
    /// How one of several is chosen, for people.
    pub how: &'static str,
    /// The id that is asked for; none asks for the only one.
    pub named: Option<&'a str>,
}

impl Choice<'_> {
    /// The workflow that is meant: when none is named, of several the only one that no other
    /// runs.
    ///
    /// # Errors
    /// There is none of that id, or there are several and none was named.
    pub fn of_roots(self, set: &Set) -> Result<&WorkflowDefinition, Error> {
        let run = |workflow: &WorkflowDefinition| {
            let references = references(workflow).into_values();
            let own = workflow.id.clone();
            references.filter_map(move |reference| match reference {
                Reference::Workflow(id, _) if id != own => Some(id),
                Reference::Workflow(..) | Reference::Task(..) => None,
            })
        };
        let run: HashSet<DefinitionId> = set.workflows().flat_map(run).collect();
        let roots = set.workflows().filter(|one| !run.contains(&one.id));
        let ids: HashSet<&DefinitionId> = roots.map(|root| &root.id).collect();
        let is_meant = |one: &&WorkflowDefinition| {
            self.named.is_some() || ids.len() != 1 || ids.contains(&one.id)
        };
        let candidates = set.workflows().filter(is_meant);
        self.of(candidates, |one| (&one.id, &one.version))
    }

    /// The definition of these that is meant, in its newest version.
    ///
    /// # Errors
    /// There is none of that id, or there are several and none was named.
    pub fn of<'d, T>(
        self,
        all: impl Iterator<Item = &'d T>,
        key: impl Fn(&T) -> (&DefinitionId, &Version),
    ) -> Result<&'d T, Error> {
        let mut newest: BTreeMap<String, &'d T> = BTreeMap::new();
        for definition in all {
            let (id, version) = key(definition);
            let known = newest.entry(id.to_string()).or_insert(definition);
            if key(known).1 < version {
                *known = definition;
            }
        }
        let ids: Vec<&str> = newest.keys().map(String::as_str).collect();
        let Self { kind, how, named } = self;
        match (named, ids.as_slice()) {
            (_, []) => Err(Error::Usage(format!("there is no {kind} definition"))),
            (None, [only]) => Ok(newest[*only]),
            (None, _) => Err(Error::Usage(format!(
                "there are several {kind}s, choose one {how}: {}",
                ids.join(", ")
            ))),
            (Some(named), _) => newest.get(named).copied().ok_or_else(|| {
                let meant = nearest(named, ids.iter().copied());
                let meant = meant.map_or_else(String::new, |id| format!(" (did you mean {id:?}?)"));
                let list = ids.join(", ");
                Error::Usage(format!("there is no {kind} {named}{meant}, but {list}"))
            }),
        }
    }
}

/// The folder in which the programs of the definitions of a path run.
#[must_use]
pub fn root_of(path: &Path) -> PathBuf {
    if path.is_dir() {
        return path.to_owned();
    }
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent.to_owned(),
        Some(_) | None => PathBuf::from("."),
    }
}

fn text_of(path: &Path) -> Result<String, Error> {
    let unreadable = |source| Error::Unreadable {
        path: path.to_owned(),
        source,
    };
    fs::read_to_string(path).map_err(unreadable)
}

/// The files of a folder that may hold definitions, by name.
fn candidates(folder: &Path, except: Option<&Path>) -> Result<Vec<PathBuf>, Error> {
    let unreadable = |source| Error::Unreadable {
        path: folder.to_owned(),
        source,
    };
    let except = except.and_then(|path| path.canonicalize().ok());
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).map_err(unreadable)? {
        let file = entry.map_err(unreadable)?.path();
        let excepted = except.is_some() && file.canonicalize().ok() == except;
        if file.is_file() && !excepted && may_hold_definitions(&file) {
            files.push(file);
        }
    }
    files.sort();
    Ok(files)
}

fn may_hold_definitions(file: &Path) -> bool {
    let name = file.file_name().and_then(|name| name.to_str());
    let Some((stem, extension)) = name.and_then(|name| name.rsplit_once('.')) else {
        return false;
    };
    let hidden = stem.is_empty() || stem.starts_with('.');
    let test = stem.ends_with(".test");
    matches!(extension, "yaml" | "yml" | "json") && !hidden && !test
}

/// Why a text of a folder holds no definition. One that cannot be read at all may: its problems
/// are told.
fn why_no_definition(text: &str) -> Option<&'static str> {
    if text.len() > limits::DOCUMENT_TEXT_BYTES {
        return Some("it is larger than definitions may be");
    }
    let documents = match document::read(text) {
        Ok(documents) => documents,
        Err(unreadable) if unreadable.documents.is_empty() => return None,
        Err(unreadable) => unreadable.documents,
    };
    let any = documents
        .iter()
        .any(|document| looks_like_definition(&document.value));
    (!any)
        .then_some("no document in it has steps, an executionConfig, cron, or an id and a version")
}

fn looks_like_definition(document: &Value) -> bool {
    let has = |name: &str| document.get(name).is_some();
    has("steps") || has("executionConfig") || has("cron") || (has("id") && has("version"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = "{id: t, version: 1.0.0, name: T, type: AUTOMATED, executionConfig: {executor: 'builtin:noop'}}";

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    #[test]
    fn are_those_files_of_a_folder_that_look_like_some() {
        let cases = [
            ("a.yaml", TASK, true),
            ("a.yml", TASK, true),
            ("a.json", TASK, true),
            ("a.txt", TASK, false),
            ("a.test.yaml", TASK, false),
            (".a.yaml", TASK, false),
            (".yaml", TASK, false),
            ("input.json", r#"{"id": "o-1", "lines": []}"#, false),
            ("list.json", "[1, 2]", false),
            ("empty.yaml", "# nothing\n", false),
            ("broken.yaml", "id: [", true),
            ("half.yaml", "name: x\nsteps: []\n", true),
            ("second.yaml", "a: 1\n---\nid: x\nversion: 1.0.0\n", true),
        ];
        for (name, text, expected) in cases {
            let folder = folder(&[(name, text), ("z.yaml", TASK)]);
            let set = Set::of_path(folder.path(), None).unwrap();
            let found = set.files.iter().any(|file| file.ends_with(name));
            assert_eq!(found, expected, "{name}: {text}");
        }
    }

    #[test]
    fn the_input_is_none_whatever_it_looks_like() {
        let folder = folder(&[("a.yaml", TASK), ("in.json", r#"{"id": 1, "version": 2}"#)]);
        let input = folder.path().join("in.json");
        let with = Set::of_path(folder.path(), Some(&input)).unwrap();
        assert_eq!(with.problems(), []);
        let without = Set::of_path(folder.path(), None).unwrap();
        assert!(!without.problems().is_empty());
    }

    #[test]
    fn a_folder_without_any_is_an_error() {
        let folder = folder(&[("input.json", "{}")]);
        let error = Set::of_path(folder.path(), None).unwrap_err();
        assert!(error.report().ends_with("holds no definition"));
    }

    #[test]
    fn problems_are_told_by_file_and_line() {
        let workflow = "id: w\nversion: 1.0.0\nname: W\nsteps:\n  - {name: a, taskDefinitionId: tt}\nnmae: x\n";
        let folder = folder(&[("t.yaml", TASK), ("w.yaml", workflow)]);
        let set = Set::of_path(folder.path(), None).unwrap();
        let told: Vec<(&str, Option<u32>)> = set
            .problems()
            .iter()
            .map(|located| (located.problem.code, located.problem.line))
            .collect();
        assert_eq!(told, [("UNKNOWN_FIELD", Some(6))]);
        assert!(set.checked().is_err());
    }

    #[test]
    fn programs_run_beside_their_definitions() {
        let folder = folder(&[("a.yaml", TASK)]);
        assert_eq!(root_of(folder.path()), folder.path());
        assert_eq!(root_of(&folder.path().join("a.yaml")), folder.path());
        assert_eq!(root_of(Path::new("a.yaml")), Path::new("."));
    }
}
