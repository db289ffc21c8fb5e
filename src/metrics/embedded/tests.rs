//! Lines for CloudWatch.

use super::*;
use crate::metrics::samples::Named;
use crate::metrics::samples::tests::ended;
use crate::metrics::table::Dimension;
use crate::testing::at;

#[test]
fn a_line_says_which_of_its_fields_are_metrics() {
    let samples = Named::default().of_event(&ended("work"));
    let expected = json!({
        "_aws": {
            "Timestamp": at(0).millis(),
            "CloudWatchMetrics": [{
                "Namespace": "Taskmill",
                "Dimensions": [["Tenant", "Definition", "Executor", "Outcome"]],
                "Metrics": [
                    {"Name": "TasksEnded", "Unit": "Count"},
                    {"Name": "ExecutionTime", "Unit": "Milliseconds"},
                    {"Name": "MemoryUsage", "Unit": "Bytes"},
                    {"Name": "Attempts", "Unit": "Count"},
                ],
            }],
        },
        "Tenant": "acme",
        "Definition": "work",
        "Executor": "lambda",
        "Outcome": "COMPLETED",
        "TasksEnded": 1,
        "ExecutionTime": 1500,
        "MemoryUsage": 1024,
        "Attempts": 2,
    });
    assert_eq!(lines(&samples, at(0)), [expected]);
}

#[test]
fn values_of_the_same_labels_share_lines_of_a_hundred() {
    let mut named = Named::default();
    let mut samples = Vec::new();
    for number in 0..250 {
        let definition = if number % 5 == 0 { "rare" } else { "work" };
        samples.extend(named.of_event(&ended(definition)));
    }
    let lines = lines(&samples, at(0));
    let counts: Vec<(&Value, usize)> = lines
        .iter()
        .map(|line| {
            (
                &line["Definition"],
                line["TasksEnded"].as_array().unwrap().len(),
            )
        })
        .collect();
    let (rare, work) = (json!("rare"), json!("work"));
    assert_eq!(counts, [(&rare, 50), (&work, 100), (&work, 100)]);
}

#[test]
fn a_metric_with_fewer_values_is_in_the_first_lines_alone() {
    let labels = vec![(Dimension::FunctionName, "f".to_owned())];
    let sample = |metric| Sample {
        metric,
        labels: labels.clone(),
        value: 1,
    };
    let mut samples = vec![sample(Metric::Attempts); 101];
    samples.push(sample(Metric::OldestDue));
    let lines = lines(&samples, at(0));
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["OldestDueSeconds"], 1);
    assert_eq!(lines[1].get("OldestDueSeconds"), None);
    assert_eq!(lines[1]["Attempts"], 1);
    assert_eq!(super::lines(&[], at(0)), [json!(null); 0]);
}
