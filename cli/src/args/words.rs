//! Words of arguments that are one of a few, in capitals or not, and times.

use taskmill::Timestamp;
use taskmill::task::{TaskPriority, TaskStatus, TaskType};
use taskmill::workflow::WorkflowStatus;

/// A status of tasks.
///
/// # Errors
/// There is none of this name.
pub fn task_status(text: &str) -> Result<TaskStatus, String> {
    one_of(text, TaskStatus::ALL, TaskStatus::as_str)
}

/// A status of workflows.
///
/// # Errors
/// There is none of this name.
pub fn workflow_status(text: &str) -> Result<WorkflowStatus, String> {
    one_of(text, WorkflowStatus::ALL, WorkflowStatus::as_str)
}

/// A priority.
///
/// # Errors
/// There is none of this name.
pub fn priority(text: &str) -> Result<TaskPriority, String> {
    const ALL: [TaskPriority; 4] = [
        TaskPriority::Critical,
        TaskPriority::High,
        TaskPriority::Medium,
        TaskPriority::Low,
    ];
    one_of(text, ALL, TaskPriority::as_str)
}

/// Who does a task.
///
/// # Errors
/// There is none of this name.
pub fn task_type(text: &str) -> Result<TaskType, String> {
    const ALL: [TaskType; 3] = [TaskType::Automated, TaskType::Integration, TaskType::Manual];
    one_of(text, ALL, |one| match one {
        TaskType::Automated => "AUTOMATED",
        TaskType::Integration => "INTEGRATION",
        TaskType::Manual => "MANUAL",
    })
}

/// A time.
///
/// # Errors
/// It is none of RFC 3339.
pub fn time(text: &str) -> Result<Timestamp, String> {
    let time = text.parse();
    time.map_err(|error| format!("a time is written as 2027-01-31T12:00:00Z: {error}"))
}

fn one_of<T: Copy, const N: usize>(
    text: &str,
    all: [T; N],
    name: impl Fn(T) -> &'static str,
) -> Result<T, String> {
    let mut found = all.into_iter();
    let found = found.find(|one| name(*one).eq_ignore_ascii_case(text));
    found.ok_or_else(|| format!("it is one of {}", all.map(&name).join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_known_in_capitals_or_not_and_another_is_told_those_that_are() {
        assert_eq!(task_status("timed_out"), Ok(TaskStatus::TimedOut));
        assert_eq!(workflow_status("PAUSED"), Ok(WorkflowStatus::Paused));
        assert_eq!(priority("High"), Ok(TaskPriority::High));
        assert_eq!(task_type("manual"), Ok(TaskType::Manual));
        let unknown = task_type("mystery").unwrap_err();
        assert_eq!(unknown, "it is one of AUTOMATED, INTEGRATION, MANUAL");
        assert!(time("2027-01-31T12:00:00Z").is_ok());
        assert!(time("tomorrow").unwrap_err().contains("2027-01-31"));
    }
}
