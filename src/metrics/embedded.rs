//! Metrics as CloudWatch takes them from a log: a line of JSON in its *embedded metric format*.
//!
//! The service makes metrics of a line that says which of its fields are some. Its bounds: 100
//! metrics of a line, and 100 values of each.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::samples::{Labels, Sample};
use super::table::{Metric, NAMESPACE};
use crate::JsonObject;
use crate::time::Timestamp;

/// Values of one metric in one line.
const VALUES: usize = 100;

/// The lines of these values: one for each combination of labels, and more where there are more
/// values of a metric than fit.
#[must_use]
pub fn lines(samples: &[Sample], at: Timestamp) -> Vec<Value> {
    let mut groups: BTreeMap<&Labels, BTreeMap<Metric, Vec<u64>>> = BTreeMap::new();
    for sample in samples {
        let group = groups.entry(&sample.labels).or_default();
        group.entry(sample.metric).or_default().push(sample.value);
    }
    groups
        .into_iter()
        .flat_map(|(labels, values)| of_group(labels, &values, at))
        .collect()
}

fn of_group(labels: &Labels, values: &BTreeMap<Metric, Vec<u64>>, at: Timestamp) -> Vec<Value> {
    let most = values.values().map(Vec::len).max().unwrap_or_default();
    let part = |number: usize| {
        let parts = values.iter().filter_map(|(metric, values)| {
            let part = values.chunks(VALUES).nth(number)?;
            Some((*metric, part))
        });
        Value::Object(line(labels, &parts.collect::<Vec<_>>(), at))
    };
    (0..most.div_ceil(VALUES)).map(part).collect()
}

/// A line with these values, at most a hundred of a metric. Whoever writes it may add fields that
/// are no metrics.
#[must_use]
pub fn line(labels: &Labels, values: &[(Metric, &[u64])], at: Timestamp) -> JsonObject {
    let metrics: Vec<Value> = values
        .iter()
        .map(|(metric, _)| metric.row())
        .map(|row| json!({"Name": row.name, "Unit": row.unit.as_str()}))
        .collect();
    let names: Vec<&str> = labels.iter().map(|(of, _)| of.as_str()).collect();
    let mut line = JsonObject::new();
    line.insert(
        "_aws".to_owned(),
        json!({
            "Timestamp": at.millis(),
            "CloudWatchMetrics": [{
                "Namespace": NAMESPACE,
                "Dimensions": [names],
                "Metrics": metrics,
            }],
        }),
    );
    for (of, label) in labels {
        line.insert(of.as_str().to_owned(), json!(label));
    }
    for (metric, values) in values {
        let value = match values {
            [value] => json!(value),
            values => json!(values),
        };
        line.insert(metric.row().name.to_owned(), value);
    }
    line
}

#[cfg(test)]
mod tests;
