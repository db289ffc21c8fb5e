//! Values of metrics with what they are of, and how many kinds of those there may be.
//!
//! Each combination of labels is a metric of its own, which is stored, and paid for, for itself.
//! Tenants and definitions are made by users, so only the first [`NAMED`] pairs of them are told
//! apart: what comes after them is `other`, together.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::anomaly::Finding;
use super::measures::{Began, Ended, Event, Subject};
use super::table::{Dimension, Metric};
use crate::ids::{DefinitionId, TenantId};

/// Definitions that have labels of their own.
pub const NAMED: usize = 500;
/// The label of what is beyond them.
pub const OTHER: &str = "other";

/// The label of each dimension of a metric, in the order of its row.
pub type Labels = Vec<(Dimension, String)>;

/// A value of a metric.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// Which metric.
    pub metric: Metric,
    /// What it is of.
    pub labels: Labels,
    /// In the unit of the metric.
    pub value: u64,
}

/// The definitions that have labels of their own: the first that came.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Named(BTreeSet<(TenantId, DefinitionId)>);

impl Named {
    /// The labels of a tenant's definition.
    fn labels(&mut self, tenant: &TenantId, definition: &DefinitionId) -> Labels {
        let pair = (tenant.clone(), definition.clone());
        if self.0.len() < NAMED {
            self.0.insert(pair.clone());
        }
        let (tenant, definition) = if self.0.contains(&pair) {
            (pair.0.as_str(), pair.1.as_str())
        } else {
            (OTHER, OTHER)
        };
        vec![
            (Dimension::Tenant, tenant.to_owned()),
            (Dimension::Definition, definition.to_owned()),
        ]
    }

    fn of_task(&mut self, subject: &Subject) -> Labels {
        let mut labels = self.labels(&subject.tenant_id, &subject.task_definition_id);
        labels.push((Dimension::Executor, subject.executor.clone()));
        labels
    }

    /// The values that an event gives.
    #[must_use]
    pub fn of_event(&mut self, event: &Event) -> Vec<Sample> {
        let labels = self.of_task(event.subject());
        let one = |metric, value: u64| {
            vec![Sample {
                metric,
                labels: labels.clone(),
                value,
            }]
        };
        match event {
            Event::Created(_) => one(Metric::TasksCreated, 1),
            Event::Began(Began { queue_time, .. }) => one(Metric::QueueTime, *queue_time),
            Event::Retried(_, times) => one(Metric::TaskRetries, (*times).into()),
            Event::Lost(_, times) => one(Metric::TaskLosses, (*times).into()),
            Event::Ended(ended) => of_end(labels, ended),
        }
    }

    /// The value that a finding gives.
    #[must_use]
    pub fn of_finding(&mut self, finding: &Finding) -> Sample {
        let mut labels = self.labels(&finding.tenant_id, &finding.task_definition_id);
        labels.push((Dimension::Rule, finding.rule.as_str().to_owned()));
        labels.push((Dimension::Quantity, finding.quantity.as_str().to_owned()));
        Sample {
            metric: Metric::Findings,
            labels,
            value: 1,
        }
    }
}

fn of_end(mut labels: Labels, ended: &Ended) -> Vec<Sample> {
    labels.push((Dimension::Outcome, ended.ending.as_str().to_owned()));
    let values = [
        (Metric::TasksEnded, Some(1)),
        (Metric::ExecutionTime, Some(ended.execution_time)),
        (Metric::CpuTime, ended.cpu_time),
        (Metric::MemoryUsage, ended.memory_usage),
        (Metric::Attempts, Some(ended.attempts.into())),
    ];
    let told = values.into_iter().filter_map(|(metric, value)| {
        Some(Sample {
            metric,
            labels: labels.clone(),
            value: value?,
        })
    });
    told.collect()
}

#[cfg(test)]
pub(super) mod tests;
