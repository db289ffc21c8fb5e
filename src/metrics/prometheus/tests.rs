//! The text for Prometheus.

use super::*;
use crate::metrics::applied::Sequence;
use crate::metrics::samples::tests::{ended, subject};
use crate::metrics::table::Dimension;

fn position(number: usize) -> Position {
    Position {
        shard: "shard".to_owned(),
        sequence: Sequence::new(number.to_string()).unwrap(),
    }
}

#[test]
fn totals_are_written_with_help_and_type() {
    let mut totals = Totals::default();
    assert_eq!(totals.text(), "");
    let created = Event::Created(subject("work"));
    totals.apply(&position(1), &[created.clone(), created]);
    totals.apply(&position(3), &[Event::Retried(subject("work"), 3)]);
    let of = "{tenant=\"acme\",definition=\"work\",executor=\"lambda\"}";
    let expected = format!(
        "# HELP taskmill_tasks_created_total Tasks that were accepted.\n\
         # TYPE taskmill_tasks_created_total counter\n\
         taskmill_tasks_created_total{of} 2\n\
         # HELP taskmill_task_retries_total Attempts that failed and were followed by another.\n\
         # TYPE taskmill_task_retries_total counter\n\
         taskmill_task_retries_total{of} 3\n"
    );
    assert_eq!(totals.text(), expected);
}

#[test]
fn a_distribution_is_cumulative_and_in_seconds() {
    let mut totals = Totals::default();
    for number in 0..3 {
        totals.apply(&position(number), &[ended("work")]);
    }
    let text = totals.text();
    let of = "tenant=\"acme\",definition=\"work\",executor=\"lambda\",outcome=\"COMPLETED\"";
    let name = "taskmill_task_execution_seconds";
    for (le, count) in [("0.01", 0), ("1", 0), ("5", 3), ("86400", 3), ("+Inf", 3)] {
        let line = format!("\n{name}_bucket{{{of},le=\"{le}\"}} {count}\n");
        assert!(text.contains(&line), "{line} in {text}");
    }
    assert!(
        text.contains(&format!("\n{name}_sum{{{of}}} 4.5\n")),
        "{text}"
    );
    assert!(
        text.contains(&format!("\n{name}_count{{{of}}} 3\n")),
        "{text}"
    );
    assert!(
        text.contains(&format!("\n# TYPE {name} histogram\n")),
        "{text}"
    );
}

#[test]
fn a_value_beyond_every_bound_is_counted_all_the_same() {
    let sample = Sample {
        metric: Metric::QueueTime,
        labels: vec![(Dimension::Tenant, "acme".to_owned())],
        value: 100_000_000,
    };
    let mut totals = Totals::default();
    totals.add(sample);
    let text = totals.text();
    assert!(text.contains("le=\"86400\"} 0\n"), "{text}");
    assert!(text.contains("le=\"+Inf\"} 1\n"), "{text}");
}

#[test]
fn what_the_stream_tells_again_is_not_counted_again() {
    let count = |times: usize| {
        let mut totals = Totals::default();
        for _ in 0..times {
            for number in 0..10 {
                totals.apply(&position(number), &[ended("work")]);
            }
        }
        totals
    };
    assert_eq!(count(3), count(1));
}

#[test]
fn a_gauge_has_its_last_value_and_labels_are_escaped() {
    let mut totals = Totals::default();
    for value in [40, 7] {
        totals.add(Sample {
            metric: Metric::OldestDue,
            labels: vec![(Dimension::FunctionName, "a\"b\\c\nd".to_owned())],
            value,
        });
    }
    let line = "taskmill_oldest_due_seconds{function=\"a\\\"b\\\\c\\nd\"} 7\n";
    assert!(totals.text().ends_with(line), "{}", totals.text());
}
