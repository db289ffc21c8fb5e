//! Which values an event gives, and what they are of.

use semver::Version;
use uuid::Uuid;

use super::*;
use crate::ids::TaskId;
use crate::metrics::measures::Ending;
use crate::testing::at;

pub(in crate::metrics) fn subject(definition: &str) -> Subject {
    Subject {
        task_id: TaskId::new(Uuid::from_u128(1)),
        tenant_id: TenantId::new("acme").unwrap(),
        task_definition_id: DefinitionId::new(definition).unwrap(),
        task_definition_version: Version::new(1, 0, 0),
        workflow_instance_id: None,
        executor: "lambda".to_owned(),
    }
}

pub(in crate::metrics) fn ended(definition: &str) -> Event {
    Event::Ended(Ended {
        subject: subject(definition),
        ending: Ending::Completed,
        attempts: 2,
        execution_time: 1500,
        cpu_time: None,
        memory_usage: Some(1024),
        at: at(0),
    })
}

#[test]
fn every_sample_has_the_labels_of_its_row() {
    let began = Event::Began(Began {
        subject: subject("work"),
        queue_time: 5,
        at: at(0),
    });
    let events = [
        Event::Created(subject("work")),
        began,
        Event::Retried(subject("work"), 2),
        Event::Lost(subject("work"), 3),
        ended("work"),
    ];
    let mut named = Named::default();
    let samples: Vec<Sample> = events
        .iter()
        .flat_map(|event| named.of_event(event))
        .collect();
    let values: Vec<(Metric, u64)> = samples
        .iter()
        .map(|sample| (sample.metric, sample.value))
        .collect();
    let expected = [
        (Metric::TasksCreated, 1),
        (Metric::QueueTime, 5),
        (Metric::TaskRetries, 2),
        (Metric::TaskLosses, 3),
        (Metric::TasksEnded, 1),
        (Metric::ExecutionTime, 1500),
        (Metric::MemoryUsage, 1024),
        (Metric::Attempts, 2),
    ];
    assert_eq!(values, expected);
    for sample in &samples {
        let of: Vec<Dimension> = sample.labels.iter().map(|(of, _)| *of).collect();
        assert_eq!(of, sample.metric.row().dimensions, "{:?}", sample.metric);
    }
    let labels: Vec<&str> = samples[4]
        .labels
        .iter()
        .map(|(_, label)| label.as_str())
        .collect();
    assert_eq!(labels, ["acme", "work", "lambda", "COMPLETED"]);
}

#[test]
fn a_finding_is_counted_by_rule_and_quantity() {
    use crate::metrics::anomaly::{Baseline, Quantity, Rule};
    let mut baseline = Baseline::new();
    let slow = |millis| match ended("work") {
        Event::Ended(ended) => Event::Ended(Ended {
            execution_time: millis,
            ..ended
        }),
        other => other,
    };
    for _ in 0..200 {
        assert_eq!(baseline.observe(&slow(1000)), []);
    }
    let found = baseline.observe(&slow(100_000));
    let sample = Named::default().of_finding(&found[0]);
    let of: Vec<Dimension> = sample.labels.iter().map(|(of, _)| *of).collect();
    assert_eq!(of, Metric::Findings.row().dimensions);
    assert_eq!(sample.labels[2].1, Rule::Spike.as_str());
    assert_eq!(sample.labels[3].1, Quantity::ExecutionTime.as_str());
}

#[test]
fn definitions_beyond_the_bound_are_one() {
    let mut named = Named::default();
    let mut label = |number: usize| {
        let samples = named.of_event(&ended(&format!("definition-{number}")));
        samples[0].labels[1].1.clone()
    };
    for number in 0..NAMED {
        assert_eq!(label(number), format!("definition-{number}"));
    }
    assert_eq!(label(NAMED), OTHER);
    assert_eq!(label(NAMED + 1), OTHER);
    assert_eq!(label(3), "definition-3", "it keeps its name");
    let stored = serde_json::to_string(&named).unwrap();
    assert_eq!(serde_json::from_str::<Named>(&stored).unwrap(), named);
}
