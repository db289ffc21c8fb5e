//! What a list of steps reads and sets of the variables around it, and whether it asks what went
//! wrong.

use std::collections::BTreeSet;

use super::names::{Names, write};
use crate::registration::{Read, Source, reads_of_step};
use crate::workflow::definition::{Mapping, Step, StepKind};
use crate::workflow::paths::{SCOPE_NAMES, is_reserved};

/// What steps read and set.
#[derive(Debug, Clone, Default)]
pub(super) struct Reads {
    /// The variables that are read by name.
    variables: BTreeSet<String>,
    /// Whether all of them are read at once.
    all: bool,
    /// The variables that are set.
    pub sets: BTreeSet<String>,
    /// Whether `error` is read.
    pub asks_why: bool,
    /// Whether `error.taskPath` is read.
    pub asks_where: bool,
}

impl Reads {
    /// What the steps of a list read and set, those inside them included.
    pub(super) fn of(steps: &[Step]) -> Self {
        let mut reads = Self::default();
        reads.add(steps, true);
        reads
    }

    /// Whether a variable is read.
    pub(super) fn holds(&self, variable: &str) -> bool {
        self.all || self.variables.contains(variable)
    }

    fn add(&mut self, steps: &[Step], sets: bool) {
        for step in steps {
            for read in reads_of_step("", step) {
                self.take(&read);
            }
            if sets {
                let targets = step.variable_mappings.iter().map(Mapping::target);
                let roots = targets.filter_map(|target| target.split('.').next());
                self.sets.extend(roots.map(str::to_owned));
            }
            // What an iteration sets stays inside it.
            let is_map = matches!(step.kind, StepKind::Map(_));
            for handler in &step.on_error {
                self.add(&handler.steps, sets);
            }
            let handlers = step.on_error.len();
            let blocks: Vec<&[Step]> = step.blocks().collect();
            for block in &blocks[..blocks.len() - handlers] {
                self.add(block, sets && !is_map);
            }
        }
    }

    fn take(&mut self, read: &Read<'_>) {
        let keys = |path: &str| path.split('.').map(str::to_owned).collect::<Vec<_>>();
        match read.source {
            Source::Expression(source) => heads(source).iter().for_each(|head| self.head(head)),
            Source::InVariables(path) => {
                let keys = keys(path);
                match keys.first() {
                    Some(first) if is_reserved(first) => self.head(&keys),
                    Some(first) => {
                        self.variables.insert(first.clone());
                    }
                    None => {}
                }
            }
            Source::InOutput(path) => self.head(&keys(path)),
        }
    }

    fn head(&mut self, keys: &[String]) {
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        match keys.as_slice() {
            ["workflowVariables"] => self.all = true,
            ["workflowVariables", name, ..] => {
                self.variables.insert((*name).to_owned());
            }
            ["error"] | ["error", "taskPath", ..] => {
                self.asks_why = true;
                self.asks_where = true;
            }
            ["error", ..] => self.asks_why = true,
            _ => {}
        }
    }
}

/// The paths that an expression reads from its scope. One that cannot be said has none: it is
/// refused where it is written.
fn heads(source: &str) -> Vec<Vec<String>> {
    let names = SCOPE_NAMES.iter().fold(Names::new(), |names, name| {
        names.with(name, format!("${name}"))
    });
    write(source, &names).map_or_else(|_| Vec::new(), |written| written.heads)
}
