//! Warnings: what runs, but perhaps not as it was meant.
//!
//! A warning never refuses a definition.

use std::collections::HashSet;

use super::seam;
use crate::codes::registration;
use crate::problem::{Problem, nearest};
use crate::workflow::WorkflowDefinition;
use crate::workflow::definition::{Mapping, Step};

/// Variables that are read but that nothing sets: neither the definition's `variables` nor a
/// mapping of any step. Each is named once, at the first place that reads it.
#[must_use]
pub fn warnings(workflow: &WorkflowDefinition) -> Vec<Problem> {
    let steps = || workflow.steps.iter();
    let targets = steps()
        .flat_map(|step| &step.variable_mappings)
        .map(|mapping| seam::path_head(target(mapping)));
    let set: HashSet<&str> = targets
        .chain(workflow.variables.keys().map(String::as_str))
        .collect();
    let mut told = HashSet::new();
    let mut reads: Vec<(String, String)> = steps().enumerate().flat_map(step_reads).collect();
    let output = workflow
        .output
        .iter()
        .flat_map(|source| variables_in(source));
    reads.extend(output.map(|name| ("/output".to_owned(), name)));
    reads
        .into_iter()
        .filter(|(_, name)| !set.contains(name.as_str()) && told.insert(name.clone()))
        .map(|(pointer, name)| {
            let message = format!("nothing sets the variable {name:?}");
            Problem::new(registration::UNSET_VARIABLE, pointer, message)
                .with_nearest(nearest(&name, set.iter().copied()).map(str::to_owned))
        })
        .collect()
}

/// The variables that a step reads, each with its place.
fn step_reads((index, step): (usize, &Step)) -> Vec<(String, String)> {
    let at = |field: &str| format!("/steps/{index}/{field}");
    let lists = [
        ("inputMappings", &step.input_mappings),
        ("variableMappings", &step.variable_mappings),
    ];
    let mut reads = Vec::new();
    for (name, source) in [
        ("condition", &step.condition),
        ("taskReference", &step.task_reference),
    ] {
        let names = source.iter().flat_map(|source| variables_in(source));
        reads.extend(names.map(|name_read| (at(name), name_read)));
    }
    for (list, mappings) in lists {
        for (number, mapping) in mappings.iter().enumerate() {
            let place = at(&format!("{list}/{number}"));
            let read = mapping_reads(mapping, list).into_iter();
            reads.extend(read.map(|(field, name)| (format!("{place}/{field}"), name)));
        }
    }
    reads
}

/// The variables that a mapping reads, each with the field that names it.
fn mapping_reads(mapping: &Mapping, list: &str) -> Vec<(&'static str, String)> {
    let of_path = |source: &str| variable_of(source, list).map(|name| ("source", name.to_owned()));
    let of_text = |field, source| {
        variables_in(source)
            .into_iter()
            .map(move |name| (field, name))
    };
    match mapping {
        Mapping::Direct { source, .. } => Vec::from_iter(of_path(source)),
        Mapping::Expression { expression, .. } => of_text("expression", expression).collect(),
        Mapping::Transform {
            source,
            transformation,
            ..
        } => of_path(source)
            .into_iter()
            .chain(of_text("transformation", transformation))
            .collect(),
    }
}

/// The variable that a path reads: by its scope's name, or, where input is made, by a plain key.
fn variable_of<'a>(source: &'a str, list: &str) -> Option<&'a str> {
    let mut keys = source.split('.');
    let head = keys.next()?;
    if head == "workflowVariables" {
        return keys.next();
    }
    let plain = list == "inputMappings" && !seam::SCOPES.contains(&head);
    plain.then_some(head)
}

fn target(mapping: &Mapping) -> &str {
    match mapping {
        Mapping::Direct { target, .. }
        | Mapping::Expression { target, .. }
        | Mapping::Transform { target, .. } => target,
    }
}

/// The names that follow `workflowVariables.` in an expression. The text is looked at, not its
/// tree: a name in a quoted string is taken for a use, which at worst is one warning too many.
fn variables_in(source: &str) -> Vec<String> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    let mut names = Vec::new();
    for (at, found) in source.match_indices("workflowVariables") {
        let before = source[..at].chars().next_back();
        let after = source[at + found.len()..].trim_start();
        let Some(after) = after.strip_prefix('.').map(str::trim_start) else {
            continue;
        };
        let name = match after.strip_prefix('`') {
            Some(quoted) => quoted.split('`').next().unwrap_or_default(),
            None => after.split(|c| !is_name(c)).next().unwrap_or_default(),
        };
        if !before.is_some_and(is_name) && !name.is_empty() {
            names.push(name.to_owned());
        }
    }
    names
}
