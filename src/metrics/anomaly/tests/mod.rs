//! What is found, and what is not.

mod batches;
mod draws;
mod labelled;
mod rules;
mod stationary;

use semver::Version;
use uuid::Uuid;

use super::*;
use crate::ids::{DefinitionId, TaskId, TenantId};
use crate::testing::at;

/// The task that comes as the so-many-th.
fn subject(number: usize) -> Subject {
    Subject {
        task_id: TaskId::new(Uuid::from_u128(number as u128)),
        tenant_id: TenantId::new("acme").unwrap(),
        task_definition_id: DefinitionId::new("work").unwrap(),
        task_definition_version: Version::new(1, 0, 0),
        workflow_instance_id: None,
        executor: "lambda".to_owned(),
    }
}

/// A task that completed after so many milliseconds.
fn completed(number: usize, millis: u64) -> Event {
    ended(number, Ending::Completed, millis)
}

/// A task that began after so many milliseconds.
fn began(number: usize, queue_time: u64) -> Event {
    Event::Began(Began {
        subject: subject(number),
        queue_time,
        at: at(0),
    })
}

/// A task that completed and used so many bytes.
fn used(number: usize, millis: u64, bytes: u64) -> Event {
    match completed(number, millis) {
        Event::Ended(ended) => Event::Ended(Ended {
            memory_usage: Some(bytes),
            ..ended
        }),
        other => other,
    }
}

/// A task that ended so.
fn ended(number: usize, ending: Ending, millis: u64) -> Event {
    Event::Ended(Ended {
        subject: subject(number),
        ending,
        attempts: 1,
        execution_time: millis,
        cpu_time: None,
        memory_usage: None,
        at: at(number as u64 * 1000),
    })
}

/// Prints a row of the page, which must have it.
#[track_caller]
#[expect(clippy::disallowed_macros, reason = "figures are to be seen")]
fn print_row(row: &str) {
    const PAGE: &str = include_str!("../../../../docs/anomalies.md");
    println!("{row}");
    assert!(PAGE.contains(row), "the page lacks: {row}");
}

/// What a new series finds in these values: where, and which rule.
fn found_in(values: &[u64]) -> Vec<(usize, Rule)> {
    let mut series = Series::default();
    let least = least(Quantity::ExecutionTime);
    let verdicts = values.iter().map(|value| series.observe(*value, least));
    verdicts
        .enumerate()
        .filter_map(|(index, verdict)| Some((index, verdict?.rule)))
        .collect()
}

/// Where more failures than usual are found.
fn failing_in(ends: &[bool]) -> Vec<usize> {
    let mut failures = Failures::default();
    let verdicts = ends.iter().map(|failed| failures.observe(*failed));
    verdicts
        .enumerate()
        .filter_map(|(index, verdict)| verdict.map(|_| index))
        .collect()
}
