//! What the steps of a workflow read: their expressions, and the sources of their mappings.

use crate::duration;
use crate::workflow::definition::{Compensation, Mapping, Step, StepKind, WaitDuration};

/// One thing that a step reads.
#[derive(Debug)]
pub(crate) struct Read<'a> {
    pub pointer: String,
    pub source: Source<'a>,
    /// Whether it is read in the iterations of a MAP, and not where the MAP stands.
    pub in_iteration: bool,
}

/// How it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Source<'a> {
    /// An expression, with the scope's names.
    Expression(&'a str),
    /// A path, of which a plain one is looked up in the variables.
    InVariables(&'a str),
    /// A path, of which a plain one is looked up in the step's output.
    InOutput(&'a str),
}

/// Everything that a step itself reads, without the steps inside it.
pub(crate) fn of_step<'a>(pointer: &str, step: &'a Step) -> Vec<Read<'a>> {
    let mut reads = of_expression(pointer, "condition", step.condition.as_deref());
    reads.extend(of_kind(pointer, &step.kind));
    let plain = match &step.kind {
        StepKind::Set(_) => Source::InVariables,
        _ => Source::InOutput,
    };
    let list = format!("{pointer}/variableMappings");
    reads.extend(of_mappings(&list, &step.variable_mappings, plain));
    reads
}

/// An expression that may be there.
pub(super) fn of_expression<'a>(
    pointer: &str,
    field: &str,
    source: Option<&'a str>,
) -> Vec<Read<'a>> {
    let read = source.map(|source| Read {
        pointer: format!("{pointer}/{field}"),
        source: Source::Expression(source),
        in_iteration: false,
    });
    Vec::from_iter(read)
}

fn of_kind<'a>(pointer: &str, kind: &'a StepKind) -> Vec<Read<'a>> {
    let at = |field: &str, source: Option<&'a str>| of_expression(pointer, field, source);
    let inputs = |mappings| of_inputs(pointer, mappings);
    let undoing = |undo: &'a Option<Compensation>| {
        let pointer = format!("{pointer}/compensation");
        let mappings = undo.iter().flat_map(|undo| &undo.input_mappings);
        of_inputs(&pointer, mappings)
    };
    let parts: Vec<Vec<Read<'a>>> = match kind {
        StepKind::Task(step) => vec![
            inputs(&step.input_mappings),
            at("taskReference", step.task_reference.as_deref()),
            undoing(&step.compensation),
        ],
        StepKind::SubWorkflow(step) => {
            vec![inputs(&step.input_mappings), undoing(&step.compensation)]
        }
        StepKind::Map(step) => {
            let mut result = at("result", step.result.as_deref());
            result.iter_mut().for_each(|read| read.in_iteration = true);
            vec![at("items", Some(&step.items)), result]
        }
        StepKind::Switch(step) => {
            let cases = step.cases.iter().enumerate();
            cases
                .map(|(index, case)| at(&format!("cases/{index}/when"), Some(&case.when)))
                .collect()
        }
        StepKind::Loop(step) => vec![
            at("while", step.while_true.as_deref()),
            at("until", step.until.as_deref()),
        ],
        StepKind::Wait(step) => {
            let expression = match &step.duration {
                Some(WaitDuration::Text(text)) if !duration::looks_like_one(text) => Some(text),
                Some(WaitDuration::Text(_) | WaitDuration::Millis(_)) | None => None,
            };
            vec![
                at("duration", expression.map(String::as_str)),
                at("until", step.until.as_deref()),
            ]
        }
        StepKind::Terminate(step) => vec![at("output", step.output.as_deref())],
        StepKind::Parallel(_) | StepKind::Signal(_) | StepKind::Set(_) => Vec::new(),
    };
    parts.into_iter().flatten().collect()
}

fn of_inputs<'a>(pointer: &str, mappings: impl IntoIterator<Item = &'a Mapping>) -> Vec<Read<'a>> {
    let list = format!("{pointer}/inputMappings");
    of_mappings(&list, mappings, Source::InVariables)
}

/// What mappings read. A transformation sees its source's value and nothing else.
fn of_mappings<'a>(
    list: &str,
    mappings: impl IntoIterator<Item = &'a Mapping>,
    plain: fn(&'a str) -> Source<'a>,
) -> Vec<Read<'a>> {
    let mappings = mappings.into_iter().enumerate();
    let read = |(index, mapping): (usize, &'a Mapping)| {
        let (field, source) = match mapping {
            Mapping::Direct { source, .. } | Mapping::Transform { source, .. } => {
                ("source", plain(source))
            }
            Mapping::Expression { expression, .. } => {
                ("expression", Source::Expression(expression))
            }
        };
        Read {
            pointer: format!("{list}/{index}/{field}"),
            source,
            in_iteration: false,
        }
    };
    mappings.map(read).collect()
}
