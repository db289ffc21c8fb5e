//! Warnings: what runs, but perhaps not as it was meant.
//!
//! A warning never refuses a definition. Where it is not plain whether one is due there is none.

mod branches;
mod expression;
mod reads;
mod schema;
mod variables;

use std::collections::HashSet;

use serde_json::Value;

use super::{seam, steps};
use crate::codes::registration;
use crate::problem::{Problem, nearest};
use crate::workflow::WorkflowDefinition;
use crate::workflow::definition::{MapStep, Step, StepKind};
use expression::{Question, Tree};
pub(crate) use reads::{Read, Source, of_step as reads_of_step};
use variables::Variables;

/// What a definition perhaps does not mean:
///
/// - a variable that is read and that nothing sets, neither the definition's `variables` nor a
///   mapping of any step; named once, at the first place that reads it;
/// - `!=` and `$not(…)` of a value that may be missing, which are false then;
/// - branches of a PARALLEL that set the same variable.
#[must_use]
pub fn warnings(workflow: &WorkflowDefinition) -> Vec<Problem> {
    let blocks = [&*workflow.steps, &*workflow.error_handlers];
    let mut reader = Reader {
        input: &workflow.input_schema,
        told: HashSet::new(),
        problems: Vec::new(),
    };
    let scope = Scope {
        variables: Variables::of(&workflow.variables, &blocks),
        item: None,
    };
    reader.block("/steps", &workflow.steps, &scope);
    reader.block("/errorHandlers", &workflow.error_handlers, &scope);
    for read in reads::of_expression("", "output", workflow.output.as_deref()) {
        reader.read(&read, &scope);
    }
    reader.problems
}

/// What the expressions of a block see.
struct Scope<'a> {
    variables: Variables<'a>,
    /// What is known of `item`.
    item: Option<&'a Value>,
}

struct Reader<'a> {
    input: &'a Value,
    /// The variables that a warning was given of.
    told: HashSet<String>,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    fn block(&mut self, pointer: &str, steps: &'a [Step], scope: &Scope<'a>) {
        for (index, step) in steps.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            let iteration = match &step.kind {
                StepKind::Map(map) => Some(self.iteration(map, scope)),
                _ => None,
            };
            let scope_of = |is_iteration| match (&iteration, is_iteration) {
                (Some(iteration), true) => iteration,
                _ => scope,
            };
            for read in reads_of_step(&pointer, step) {
                self.read(&read, scope_of(read.in_iteration));
            }
            if let StepKind::Parallel(parallel) = &step.kind {
                self.problems.extend(branches::warnings(&pointer, parallel));
            }
            for inner in steps::inside(&pointer, step) {
                let scope = scope_of(inner.is_iteration);
                self.block(&inner.pointer, inner.steps, scope);
            }
        }
    }

    /// What the iterations of a MAP see: what it sees itself, and what they set.
    fn iteration(&self, map: &'a MapStep, around: &Scope<'a>) -> Scope<'a> {
        let path = Tree::of(&map.items).and_then(|tree| tree.path());
        let item = match path.as_deref() {
            // With `batchSize` an item is an array of them, and a path goes through that.
            Some([head, keys @ ..]) if head == "workflowInput" => {
                schema::items_at(self.input, keys)
            }
            _ => None,
        };
        Scope {
            variables: around.variables.with(&map.steps),
            item,
        }
    }

    fn read(&mut self, read: &Read<'a>, scope: &Scope<'a>) {
        match read.source {
            Source::Expression(source) => {
                let Some(tree) = Tree::of(source) else {
                    return;
                };
                for name in tree.variables() {
                    self.variable(&name, &read.pointer, scope);
                }
                for question in tree.questions() {
                    self.question(&question, &read.pointer, scope);
                }
            }
            Source::InVariables(path) | Source::InOutput(path) => {
                let is_plain = matches!(read.source, Source::InVariables(_));
                if let Some(name) = variable_of(path, is_plain) {
                    self.variable(name, &read.pointer, scope);
                }
            }
        }
    }

    fn variable(&mut self, name: &str, pointer: &str, scope: &Scope<'_>) {
        if scope.variables.is_set(name) || !self.told.insert(name.to_owned()) {
            return;
        }
        let message = format!("nothing sets the variable {name:?}");
        let problem = Problem::new(registration::UNSET_VARIABLE, pointer, message);
        let nearest = nearest(name, scope.variables.names());
        self.problems
            .push(problem.with_nearest(nearest.map(str::to_owned)));
    }

    fn question(&mut self, question: &Question, pointer: &str, scope: &Scope<'_>) {
        let Some((head, keys)) = question.keys.split_first() else {
            return;
        };
        let may_be_missing = match (head.as_str(), keys) {
            (_, []) => false,
            ("workflowInput", keys) => !schema::guarantees(self.input, keys),
            // What is never set has a warning of its own.
            ("workflowVariables", [name, ..]) => {
                scope.variables.is_set(name) && !scope.variables.is_sure(name)
            }
            ("item", keys) => !scope.item.is_some_and(|one| schema::guarantees(one, keys)),
            _ => false,
        };
        if may_be_missing {
            let path = question.keys.join(".");
            let message = format!(
                "{path} may be missing, and {} is false then: ask $exists({path}) too",
                question.how
            );
            self.problems
                .push(Problem::new(registration::MAYBE_MISSING, pointer, message));
        }
    }
}

/// The variable that a path reads: by its scope's name, or, where variables are looked up, by a
/// plain key.
fn variable_of(path: &str, is_plain: bool) -> Option<&str> {
    let mut keys = path.split('.');
    let head = keys.next()?;
    if head == "workflowVariables" {
        return keys.next();
    }
    let is_variable = is_plain && !seam::SCOPES.contains(&head);
    is_variable.then_some(head)
}
