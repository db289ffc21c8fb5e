//! What a case runs: the workflow under test, and the definitions beside it.
//!
//! Delays are exact in a test, so jitter is taken out; a task definition that no file gives is
//! taken as one that accepts everything.

use std::path::Path;

use semver::{Version, VersionReq};
use serde_json::{Value, json};
use taskmill::document;
use taskmill::problem::Problem;
use taskmill::registration::{self, Definition};
use taskmill::task::TaskType;
use taskmill::workflow::compiled::{Reference, references};

use super::file::TestFile;
use crate::definitions::Set;
use crate::exit::Error;

/// The executor of every task of a case.
const ANSWERED: &str = "process:answer";

/// What a case runs.
pub struct Definitions {
    /// The workflow under test, as it was written.
    pub tested: Value,
    /// Everything else.
    others: Vec<Value>,
}

impl Definitions {
    /// The definitions of a file.
    ///
    /// # Errors
    /// A file that it names cannot be read.
    pub fn of(file: &TestFile) -> Result<Self, Error> {
        let mut others = Vec::new();
        let tested = match &file.workflow {
            Value::String(name) => {
                let mut documents = read(&file.folder.join(name))?;
                let at = documents.iter().position(|one| one.get("steps").is_some());
                let at = at.ok_or_else(|| usage(file, &format!("{name} holds no workflow")))?;
                let tested = documents.remove(at);
                others.extend(documents);
                tested
            }
            inline => inline.clone(),
        };
        match &file.definitions {
            Some(list) => {
                for one in list {
                    match one {
                        Value::String(name) => others.extend(read(&file.folder.join(name))?),
                        inline => others.push(inline.clone()),
                    }
                }
            }
            None => others.extend(in_folder(&file.folder)?),
        }
        others.retain(|other| !(same(other, &tested)));
        let mut unique: Vec<Value> = Vec::new();
        for other in others {
            if !unique.iter().any(|known| same(known, &other)) {
                unique.push(other);
            }
        }
        let mut definitions = Self {
            tested,
            others: unique,
        };
        without_jitter(&mut definitions.tested);
        definitions.others.iter_mut().for_each(without_jitter);
        Ok(definitions)
    }

    /// Everything, read, in an order in which each can be registered; or the problems of the
    /// workflow under test.
    pub fn read(&self) -> Result<Vec<Definition>, Vec<Problem>> {
        let tested = registration::read(&self.tested)?;
        let mut found = vec![tested];
        for other in &self.others {
            found.push(registration::read(other)?);
        }
        let missing = missing_tasks(&found);
        let (tasks, workflows): (Vec<_>, Vec<_>) = found
            .into_iter()
            .partition(|one| matches!(one, Definition::Task(_)));
        let mut all = missing;
        all.extend(tasks);
        for definition in &mut all {
            if let Definition::Task(task) = definition
                && task.task_type != TaskType::Manual
            {
                // Whatever it names answers as the case says; a program is recorded as RUNNING
                // from its first moment.
                task.execution_config.executor = ANSWERED.to_owned();
            }
        }
        all.extend(workflows);
        Ok(all)
    }
}

fn same(one: &Value, other: &Value) -> bool {
    one["id"] == other["id"] && one["version"] == other["version"]
}

fn usage(file: &TestFile, what: &str) -> Error {
    Error::Usage(format!("{}: {what}", file.path.display()))
}

fn read(path: &Path) -> Result<Vec<Value>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Unreadable {
        path: path.to_owned(),
        source,
    })?;
    let documents = document::read(&text).map_err(|unreadable| {
        let problems = crate::problems::Located::all(
            path,
            crate::problems::Severity::Error,
            unreadable.problems,
        );
        Error::Problems(problems)
    })?;
    Ok(documents.into_iter().map(|one| one.value).collect())
}

/// The definitions of a folder; a folder may hold none.
fn in_folder(folder: &Path) -> Result<Vec<Value>, Error> {
    let mut found = Vec::new();
    for file in Set::files_of(folder)? {
        found.extend(read(&file)?);
    }
    found.retain(|one| one.get("id").is_some());
    Ok(found)
}

fn without_jitter(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                if name == "retryPolicy"
                    && let Some(policy) = value.as_object_mut()
                {
                    policy.insert("jitter".to_owned(), "NONE".into());
                }
                without_jitter(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(without_jitter),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Definitions for the tasks that are named and that nobody gives.
fn missing_tasks(found: &[Definition]) -> Vec<Definition> {
    let mut made: Vec<Definition> = Vec::new();
    let workflows = found.iter().filter_map(|one| match one {
        Definition::Workflow(workflow) => Some(workflow),
        Definition::Task(_) => None,
    });
    for reference in workflows.flat_map(|workflow| references(workflow).into_values()) {
        let Reference::Task(id, range) = reference else {
            continue;
        };
        let meets = |version: &Version| range.as_ref().is_none_or(|range| range.matches(version));
        let is_there = |one: &Definition| match one {
            Definition::Task(task) => task.id == id && meets(&task.version),
            Definition::Workflow(_) => false,
        };
        if found.iter().chain(&made).any(is_there) {
            continue;
        }
        let definition = json!({
            "id": id,
            "name": id,
            "type": "AUTOMATED",
            "version": least(range.as_ref()),
            "executionConfig": { "executor": "builtin:noop" },
        });
        made.extend(registration::read(&definition));
    }
    made
}

/// A version that meets a range.
fn least(range: Option<&VersionReq>) -> Version {
    let first = range.and_then(|range| range.comparators.first());
    first.map_or(Version::new(1, 0, 0), |one| Version {
        major: one.major,
        minor: one.minor.unwrap_or(0),
        patch: one.patch.unwrap_or(0),
        pre: one.pre.clone(),
        build: semver::BuildMetadata::EMPTY,
    })
}
