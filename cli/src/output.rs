//! What is printed: results on standard output, as JSON, YAML or tables, and notes on standard
//! error.

pub mod colours;
pub mod yaml;

use std::io::{self, Write};

use comfy_table::{Cell, CellAlignment, Table, presets};
use serde::Serialize;
use serde_json::Value;
use taskmill::Timestamp;
use taskmill_aws::store::{InboxEntry, TaskSummary, WorkflowSummary};

use crate::args::Format;
use crate::exit::Error;
use crate::progress::duration;

/// Prints a workflow with its tasks, or a task.
///
/// # Errors
/// Standard output is full or fails. That its reader went away is no error.
pub fn print(view: &Value, format: Format) -> Result<(), Error> {
    print_as(view, format, || tables_of(view))
}

/// Something that is listed, a row each.
pub trait Listed: Serialize {
    /// What is over the columns.
    const HEADER: &[&str];

    /// What stands in them.
    fn row(&self) -> Vec<String>;
}

impl Listed for WorkflowSummary {
    const HEADER: &[&str] = &["ID", "WORKFLOW", "VERSION", "STATUS", "STARTED", "ENDED"];

    fn row(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.workflow_definition_id.to_string(),
            self.definition_version.to_string(),
            self.status.as_str().to_owned(),
            time(self.start_time),
            time(self.end_time),
        ]
    }
}

impl Listed for TaskSummary {
    const HEADER: &[&str] = &[
        "ID",
        "TASK",
        "REFERENCE",
        "STATUS",
        "ASSIGNEE",
        "PRIORITY",
        "CREATED",
    ];

    fn row(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            self.id.to_string(),
            self.task_definition_id.to_string(),
            text(&self.task_reference),
            self.status.as_str().to_owned(),
            text(&self.assignee),
            self.priority.as_str().to_owned(),
            self.created_at.to_string(),
        ]
    }
}

impl Listed for InboxEntry {
    const HEADER: &[&str] = &[
        "ID",
        "TASK",
        "REFERENCE",
        "STATUS",
        "ASSIGNEE",
        "PRIORITY",
        "DUE",
        "CREATED",
    ];

    fn row(&self) -> Vec<String> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        vec![
            self.id.to_string(),
            self.task_definition_id.to_string(),
            text(&self.task_reference),
            self.status.as_str().to_owned(),
            text(&self.assignee),
            self.priority.as_str().to_owned(),
            time(self.due_date),
            self.created_at.to_string(),
        ]
    }
}

/// A time in a table; nothing when there was none.
#[must_use]
pub fn time(at: Option<Timestamp>) -> String {
    at.map_or_else(String::new, |at| at.to_string())
}

/// Prints a list.
///
/// # Errors
/// Standard output is full or fails. That its reader went away is no error.
pub fn print_list<T: Listed>(listed: &[T], format: Format) -> Result<(), Error> {
    let list = serde_json::json!(listed);
    print_as(&list, format, || trimmed(&table_of(listed)))
}

/// Prints a list that has at most so many entries, and says so when it has.
///
/// # Errors
/// Standard output is full or fails. That its reader went away is no error.
pub fn print_page<T: Listed>(
    listed: &[T],
    limit: usize,
    which: &str,
    format: Format,
) -> Result<(), Error> {
    print_list(listed, format)?;
    if listed.len() == limit {
        note(&format!("the {which} {limit}: --limit N shows more"));
    }
    Ok(())
}

fn print_as(value: &Value, format: Format, table: impl FnOnce() -> String) -> Result<(), Error> {
    print_text(&match format {
        Format::Json => format!("{value:#}"),
        Format::Yaml => yaml::of(value),
        Format::Table if colours::are_seen_by(&io::stdout()) => colours::painted(&table()),
        Format::Table => table(),
    })
}

/// Prints a text and ends its line.
///
/// # Errors
/// Standard output is full or fails. That its reader went away is no error.
pub fn print_text(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    let line_end = if text.ends_with('\n') { "" } else { "\n" };
    let printed = write!(out, "{text}{line_end}").and_then(|()| out.flush());
    match printed {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Error::Output(error)),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Says something on standard error.
pub fn note(text: &str) {
    // There is nobody to tell that nobody listens.
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// A table without lines around it.
#[must_use]
pub fn plain_table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
}

/// A cell of a number.
#[must_use]
pub fn number(text: impl ToString) -> Cell {
    Cell::new(text).set_alignment(CellAlignment::Right)
}

fn table_of<T: Listed>(listed: &[T]) -> Table {
    let mut table = plain_table();
    table.set_header(T::HEADER);
    table.add_rows(listed.iter().map(T::row));
    table
}

/// A summary of the record, and a row a task; of a dead letter, its body.
fn tables_of(view: &Value) -> String {
    let summary = trimmed(&summary_of(view));
    match (view["taskInstances"].as_array(), view.get("body")) {
        (Some(tasks), _) => format!("{summary}\n\n{}", trimmed(&rows_of(tasks))),
        (None, Some(body)) => format!("{summary}\n\n{body:#}"),
        (None, None) => summary,
    }
}

fn summary_of(view: &Value) -> Table {
    const FIELDS: [(&str, &str); 13] = [
        ("id", "/id"),
        ("queue", "/queue"),
        ("kind", "/message/kind"),
        ("sent", "/sentAt"),
        ("reason", "/reason"),
        ("workflow", "/workflowDefinitionId"),
        ("task", "/taskDefinitionId"),
        ("version", "/definitionVersion"),
        ("version", "/taskDefinitionVersion"),
        ("status", "/status"),
        ("started", "/startTime"),
        ("ended", "/endTime"),
        ("error", "/error/code"),
    ];
    let mut table = plain_table();
    for (name, pointer) in FIELDS {
        if let Some(value) = view.pointer(pointer) {
            table.add_row([Cell::new(name), Cell::new(text_of(value))]);
        }
    }
    if let Some(message) = view.pointer("/error/message") {
        table.add_row([Cell::new(""), Cell::new(text_of(message))]);
    }
    if let Some(output) = view.get("output") {
        table.add_row([Cell::new("output"), Cell::new(output)]);
    }
    table
}

fn rows_of(tasks: &[Value]) -> Table {
    let mut table = plain_table();
    table.set_header(["TASK", "STATUS", "ATTEMPTS", "DURATION", "ERROR"]);
    for task in tasks {
        let took = task.pointer("/executionMetadata/duration");
        let took = took
            .and_then(Value::as_u64)
            .map_or_else(String::new, duration);
        table.add_row([
            Cell::new(text_of(&task["executionContext"]["taskPath"])),
            Cell::new(text_of(&task["status"])),
            number(text_of(&task["attempt"])),
            number(took),
            Cell::new(text_of(&task["error"]["code"])),
        ]);
    }
    table
}

fn text_of(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// The table's text without the blanks at the ends of its lines.
#[must_use]
pub fn trimmed(table: &Table) -> String {
    let text = table.to_string();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tables_have_a_row_a_task() {
        let view = json!({
            "id": "w-1",
            "workflowDefinitionId": "intake",
            "definitionVersion": "1.0.0",
            "status": "FAILED",
            "error": {"code": "NO_STOCK", "message": "none left"},
            "taskInstances": [
                {
                    "status": "COMPLETED", "attempt": 2,
                    "executionContext": {"taskPath": "price"},
                    "executionMetadata": {"duration": 1450},
                },
                {"status": "FAILED", "attempt": 1, "error": {"code": "NO_STOCK"},
                 "executionContext": {"taskPath": "reserve"}},
            ],
        });
        let text = tables_of(&view);
        let words: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert!(words.contains(&vec!["status", "FAILED"]), "{text}");
        assert!(words.contains(&vec!["error", "NO_STOCK"]), "{text}");
        assert!(
            words.contains(&vec!["price", "COMPLETED", "2", "1.4", "s"])
                || words.contains(&vec!["price", "COMPLETED", "2", "1.5", "s"]),
            "{text}"
        );
        assert!(
            words.contains(&vec!["reserve", "FAILED", "1", "NO_STOCK"]),
            "{text}"
        );
    }
}
