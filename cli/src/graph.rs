//! A workflow definition as a picture, in the languages of Mermaid and Graphviz.
//!
//! A step is a node; a step that consists of others is a group with a node that stands for its
//! beginning.

mod states;

use std::collections::HashMap;

use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowDefinition;
use taskmill::workflow::definition::{Join, Step, StepKind};

pub use states::{Standing, States, states_of};

use crate::args::GraphFormat;

/// The parts of a picture, in the order in which they are drawn.
#[derive(Debug, Default)]
struct Picture {
    lines: Vec<Line>,
    edges: Vec<(String, String, String)>,
    ids: usize,
}

#[derive(Debug)]
enum Line {
    Node {
        id: String,
        label: String,
        path: String,
    },
    Open {
        id: String,
        label: String,
    },
    Close,
}

/// The picture in a language, with what became of the steps.
pub fn picture(workflow: &WorkflowDefinition, states: &States, format: GraphFormat) -> String {
    match format {
        GraphFormat::Mermaid => mermaid(workflow, states),
        GraphFormat::Dot => dot(workflow, states),
    }
}

/// The picture in Mermaid's language.
fn mermaid(workflow: &WorkflowDefinition, states: &States) -> String {
    let picture = Picture::of(workflow);
    let mut text = "flowchart TD\n".to_owned();
    for line in &picture.lines {
        text += &match line {
            Line::Node { id, label, path } => {
                format!("  {id}[\"{}{}\"]\n", quoted(label), note(states, path))
            }
            Line::Open { id, label } => format!("  subgraph {id}_group[\"{}\"]\n", quoted(label)),
            Line::Close => "  end\n".to_owned(),
        };
    }
    for (from, to, label) in &picture.edges {
        text += &match label.as_str() {
            "" => format!("  {from} --> {to}\n"),
            label => format!("  {from} -->|\"{}\"| {to}\n", quoted(label)),
        };
    }
    for (id, colour) in picture.colours(states) {
        text += &format!("  style {id} fill:{colour}\n");
    }
    text
}

/// The picture in Graphviz' language.
fn dot(workflow: &WorkflowDefinition, states: &States) -> String {
    let picture = Picture::of(workflow);
    let colours: HashMap<_, _> = picture.colours(states).into_iter().collect();
    let mut text = "digraph workflow {\n  node [shape=box];\n".to_owned();
    for line in &picture.lines {
        text += &match line {
            Line::Node { id, label, path } => {
                let note = note(states, path);
                let colour = colours.get(id).map_or(String::new(), |colour| {
                    format!(", style=filled, fillcolor=\"{colour}\"")
                });
                format!("  {id} [label=\"{}{note}\"{colour}];\n", escaped(label))
            }
            Line::Open { id, label } => {
                format!("  subgraph cluster_{id} {{ label=\"{}\";\n", escaped(label))
            }
            Line::Close => "  }\n".to_owned(),
        };
    }
    for (from, to, label) in &picture.edges {
        text += &format!("  {from} -> {to} [label=\"{}\"];\n", escaped(label));
    }
    text + "}\n"
}

/// What became of a step, behind its label.
fn note(states: &States, path: &str) -> String {
    let became = states.get(path);
    became.map_or_else(String::new, |became| format!(" · {}", became.note))
}

fn quoted(text: &str) -> String {
    text.replace('"', "#quot;").replace('\n', " ")
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', " ")
}

impl Picture {
    fn of(workflow: &WorkflowDefinition) -> Self {
        let mut picture = Self::default();
        let start = picture.node("start", "");
        let ends = picture.block(&workflow.steps, "", &[(start, String::new())]);
        let end = picture.node("end", "");
        picture.connect(&ends, &end);
        if !workflow.error_handlers.is_empty() {
            let failed = picture.node("after a failure", "");
            picture.block(&workflow.error_handlers, "", &[(failed, String::new())]);
        }
        picture
    }

    fn node(&mut self, label: &str, path: &str) -> String {
        let id = format!("n{}", self.ids);
        self.ids += 1;
        self.lines.push(Line::Node {
            id: id.clone(),
            label: label.to_owned(),
            path: path.to_owned(),
        });
        id
    }

    fn connect(&mut self, from: &[(String, String)], to: &str) {
        for (from, label) in from {
            self.edges
                .push((from.clone(), to.to_owned(), label.clone()));
        }
    }

    /// Draws a list of steps after these nodes, and gives the nodes at its end.
    fn block(
        &mut self,
        steps: &[Step],
        path: &str,
        from: &[(String, String)],
    ) -> Vec<(String, String)> {
        let is_graph = steps.iter().any(|step| step.depends_on.is_some());
        let mut ends: HashMap<&str, Vec<(String, String)>> = HashMap::new();
        let mut open: Vec<&str> = Vec::new();
        let mut last: Option<&str> = None;
        for step in steps {
            let before: Vec<&str> = match &step.depends_on {
                Some(names) => names.iter().map(String::as_str).collect(),
                None => last.into_iter().collect(),
            };
            let mut begins: Vec<(String, String)> = before
                .iter()
                .filter_map(|name| ends.get(name))
                .flatten()
                .cloned()
                .collect();
            if begins.is_empty() {
                begins = from.to_vec();
            }
            open.retain(|name| !before.contains(name));
            let after = self.step(step, path, &begins);
            ends.insert(&step.name, after);
            open.push(&step.name);
            last = Some(&step.name);
        }
        match (is_graph, last) {
            (_, None) => from.to_vec(),
            (false, Some(last)) => ends.remove(last).unwrap_or_default(),
            (true, Some(_)) => open
                .iter()
                .filter_map(|name| ends.remove(name))
                .flatten()
                .collect(),
        }
    }

    fn step(
        &mut self,
        step: &Step,
        path: &str,
        from: &[(String, String)],
    ) -> Vec<(String, String)> {
        let path = match path {
            "" => step.name.clone(),
            around => format!("{around}/{}", step.name),
        };
        let groups = groups(step);
        let is_group = !groups.is_empty() || !step.on_error.is_empty();
        if is_group {
            let id = format!("g{}", self.ids);
            self.lines.push(Line::Open {
                id,
                label: step.name.clone(),
            });
        }
        let id = self.node(&label(step), &path);
        self.connect(from, &id);
        let mut ends = Vec::new();
        for (name, inside, steps) in groups {
            let path = format!("{path}{inside}");
            ends.extend(self.block(steps, &path, &[(id.clone(), name)]));
        }
        if ends.is_empty() {
            ends.push((id.clone(), String::new()));
        }
        for handler in &step.on_error {
            let codes = format!("on {}", handler.error_codes.join(", "));
            ends.extend(self.block(&handler.steps, &path, &[(id.clone(), codes)]));
        }
        if is_group {
            self.lines.push(Line::Close);
        }
        ends
    }

    fn colours(&self, states: &States) -> Vec<(String, &'static str)> {
        let coloured = self.lines.iter().filter_map(|line| match line {
            Line::Node { id, path, .. } => Some((id.clone(), colour(states.get(path)?.standing))),
            Line::Open { .. } | Line::Close => None,
        });
        coloured.collect()
    }
}

fn colour(standing: Standing) -> &'static str {
    match standing {
        Standing::Task(TaskStatus::Completed) => "#b7e4c7",
        Standing::Task(TaskStatus::Failed | TaskStatus::TimedOut) => "#f4a6a6",
        Standing::Task(TaskStatus::Cancelled) => "#cccccc",
        Standing::Skipped => "#eeeeee",
        Standing::Task(
            TaskStatus::Pending
            | TaskStatus::Assigned
            | TaskStatus::Running
            | TaskStatus::RetryPending,
        ) => "#ffe8a3",
    }
}

/// What stands in a node.
fn label(step: &Step) -> String {
    let what = match &step.kind {
        StepKind::Task(task) => task.task_definition_id.to_string(),
        StepKind::Parallel(parallel) => match parallel.join {
            Join::All => "PARALLEL".to_owned(),
            Join::Any => "PARALLEL, any".to_owned(),
            Join::Count(count) => format!("PARALLEL, {count}"),
        },
        StepKind::Map(map) => format!("MAP over {}", map.items),
        StepKind::Switch(_) => "SWITCH".to_owned(),
        StepKind::Loop(repeat) => match (&repeat.while_true, &repeat.until) {
            (Some(condition), _) => format!("LOOP while {condition}"),
            (None, Some(condition)) => format!("LOOP until {condition}"),
            (None, None) => "LOOP".to_owned(),
        },
        StepKind::Wait(_) => "WAIT".to_owned(),
        StepKind::Signal(signal) => format!("SIGNAL {}", signal.signal),
        StepKind::SubWorkflow(child) => format!("workflow {}", child.workflow_definition_id),
        StepKind::Set(_) => "SET".to_owned(),
        StepKind::Terminate(_) => "TERMINATE".to_owned(),
    };
    format!("{}: {what}", step.name)
}

/// The lists of steps inside a step: what leads to each, and what it adds to the path.
fn groups(step: &Step) -> Vec<(String, String, &[Step])> {
    fn plain(steps: &[Step]) -> Vec<(String, String, &[Step])> {
        vec![(String::new(), String::new(), steps)]
    }
    match &step.kind {
        StepKind::Parallel(parallel) => parallel
            .branches
            .iter()
            .map(|one| {
                let inside = format!("/{}", one.name);
                (one.name.clone(), inside, one.steps.as_slice())
            })
            .collect(),
        StepKind::Map(map) => plain(&map.steps),
        StepKind::Loop(repeat) => plain(&repeat.steps),
        StepKind::Switch(switch) => {
            let cases = switch.cases.iter();
            let cases = cases.map(|case| (case.when.clone(), String::new(), case.steps.as_slice()));
            let otherwise = switch.otherwise.as_deref();
            let otherwise = otherwise.map(|steps| ("otherwise".to_owned(), String::new(), steps));
            cases.chain(otherwise).collect()
        }
        StepKind::Task(_)
        | StepKind::Wait(_)
        | StepKind::Signal(_)
        | StepKind::SubWorkflow(_)
        | StepKind::Set(_)
        | StepKind::Terminate(_) => Vec::new(),
    }
}
