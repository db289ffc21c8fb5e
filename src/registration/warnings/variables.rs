//! The variables that steps see: which of them something sets, and which are there in any case.

use std::collections::BTreeSet;

use super::expression::Tree;
use crate::JsonObject;
use crate::registration::{seam, steps};
use crate::workflow::definition::{Mapping, Step};

/// The variables of the workflow, or of the iterations of a MAP.
#[derive(Debug, Clone)]
pub(super) struct Variables<'a> {
    set: BTreeSet<&'a str>,
    sure: BTreeSet<&'a str>,
}

impl<'a> Variables<'a> {
    /// The initial variables, and what the steps of some blocks set.
    pub fn of(initial: &'a JsonObject, blocks: &[&'a [Step]]) -> Self {
        let names: BTreeSet<&str> = initial.keys().map(String::as_str).collect();
        let mut variables = Self {
            set: names.clone(),
            sure: names,
        };
        blocks.iter().for_each(|steps| variables.add(steps));
        variables
    }

    /// These and what the steps of a MAP set, which stays inside it.
    pub fn with(&self, steps: &'a [Step]) -> Self {
        let mut inner = self.clone();
        inner.add(steps);
        inner
    }

    fn add(&mut self, steps: &'a [Step]) {
        each_outside_iterations("", steps, &mut |_, step| {
            for mapping in &step.variable_mappings {
                let name = seam::path_head(mapping.target());
                self.set.insert(name);
                if always_sets(mapping) {
                    self.sure.insert(name);
                }
            }
        });
    }

    /// Whether something sets it.
    pub fn is_set(&self, name: &str) -> bool {
        self.set.contains(name)
    }

    /// Whether it has an initial value, or something sets it that always has one to set. When
    /// that happens is not looked at.
    pub fn is_sure(&self, name: &str) -> bool {
        self.sure.contains(name)
    }

    /// All that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.set.iter().copied()
    }
}

/// Looks at the steps of a block that see its variables.
pub(super) fn each_outside_iterations<'a>(
    pointer: &str,
    steps: &'a [Step],
    look: &mut impl FnMut(&str, &'a Step),
) {
    for (index, step) in steps.iter().enumerate() {
        let pointer = format!("{pointer}/{index}");
        look(&pointer, step);
        let inside = steps::inside(&pointer, step).into_iter();
        for inner in inside.filter(|inner| !inner.is_iteration) {
            each_outside_iterations(&inner.pointer, inner.steps, look);
        }
    }
}

/// Whether a mapping sets its target, or fails.
fn always_sets(mapping: &Mapping) -> bool {
    match mapping {
        Mapping::Direct {
            source,
            default,
            required,
            ..
        } => default.is_some() || *required || seam::SCOPES.contains(&source.as_str()),
        Mapping::Expression {
            expression,
            default,
            required,
            ..
        } => {
            let gives = || Tree::of(expression).is_some_and(|tree| tree.always_gives());
            default.is_some() || *required || gives()
        }
        Mapping::Transform {
            default, required, ..
        } => default.is_some() || *required,
    }
}
