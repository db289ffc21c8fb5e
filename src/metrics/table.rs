//! Every metric that Taskmill writes: its names, its unit, what it is of.
//!
//! This table is the one source: CloudWatch's documents ([`super::embedded`]), the text for
//! Prometheus ([`super::prometheus`]) and the page `docs/metrics.md` say what stands here.

/// A metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Metric {
    /// Tasks that were accepted.
    TasksCreated,
    /// Tasks that ended.
    TasksEnded,
    /// Attempts that failed and were followed by another.
    TaskRetries,
    /// Attempts that were lost with their worker.
    TaskLosses,
    /// From acceptance to the first start.
    QueueTime,
    /// Of execution.
    ExecutionTime,
    /// Of a processor.
    CpuTime,
    /// At its peak.
    MemoryUsage,
    /// Until the end.
    Attempts,
    /// What is not usual.
    Findings,
    /// How late the sweep is.
    OldestDue,
}

/// How a metric's values are to be read together.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// They add up.
    Counter,
    /// They are spread, and those up to each of these bounds are counted, in the unit of
    /// Prometheus.
    Distribution(&'static [f64]),
    /// Each is the state of things at its time.
    Gauge,
}

/// What a value is counted in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Things.
    Count,
    /// Milliseconds; for Prometheus seconds, as it wants them.
    Milliseconds,
    /// Seconds.
    Seconds,
    /// Bytes.
    Bytes,
}

/// What a metric is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The tenant.
    Tenant,
    /// The task definition, all versions together.
    Definition,
    /// The kind of executor.
    Executor,
    /// The status with which the task ended.
    Outcome,
    /// The rule that was broken.
    Rule,
    /// The quantity that broke it.
    Quantity,
    /// The function that says so.
    FunctionName,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Row {
    /// Which metric.
    pub metric: Metric,
    /// Its name in CloudWatch.
    pub name: &'static str,
    /// Its name in Prometheus.
    pub prometheus: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// How its values are to be read.
    pub kind: Kind,
    /// What it is of.
    pub dimensions: &'static [Dimension],
    /// What it says, for people.
    pub help: &'static str,
}

/// The namespace of every metric in CloudWatch.
pub const NAMESPACE: &str = "Taskmill";

const OF_A_TASK: &[Dimension] = &[
    Dimension::Tenant,
    Dimension::Definition,
    Dimension::Executor,
];
const OF_AN_END: &[Dimension] = &[
    Dimension::Tenant,
    Dimension::Definition,
    Dimension::Executor,
    Dimension::Outcome,
];
const OF_A_FINDING: &[Dimension] = &[
    Dimension::Tenant,
    Dimension::Definition,
    Dimension::Rule,
    Dimension::Quantity,
];

const SECONDS: Kind = Kind::Distribution(&[
    0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 86400.0,
]);
const MIB: f64 = 1024.0 * 1024.0;
const BYTES: Kind = Kind::Distribution(&[
    16.0 * MIB,
    64.0 * MIB,
    128.0 * MIB,
    256.0 * MIB,
    512.0 * MIB,
    1024.0 * MIB,
    4096.0 * MIB,
]);
const FEW: Kind = Kind::Distribution(&[1.0, 2.0, 3.0, 5.0, 10.0, 30.0, 100.0]);

/// Every metric, in the order of [`Metric`].
pub const TABLE: [Row; 11] = [
    Row {
        metric: Metric::TasksCreated,
        name: "TasksCreated",
        prometheus: "taskmill_tasks_created_total",
        unit: Unit::Count,
        kind: Kind::Counter,
        dimensions: OF_A_TASK,
        help: "Tasks that were accepted.",
    },
    Row {
        metric: Metric::TasksEnded,
        name: "TasksEnded",
        prometheus: "taskmill_tasks_ended_total",
        unit: Unit::Count,
        kind: Kind::Counter,
        dimensions: OF_AN_END,
        help: "Tasks that ended.",
    },
    Row {
        metric: Metric::TaskRetries,
        name: "TaskRetries",
        prometheus: "taskmill_task_retries_total",
        unit: Unit::Count,
        kind: Kind::Counter,
        dimensions: OF_A_TASK,
        help: "Attempts that failed and were followed by another.",
    },
    Row {
        metric: Metric::TaskLosses,
        name: "TaskLosses",
        prometheus: "taskmill_task_losses_total",
        unit: Unit::Count,
        kind: Kind::Counter,
        dimensions: OF_A_TASK,
        help: "Attempts that were lost with their worker.",
    },
    Row {
        metric: Metric::QueueTime,
        name: "QueueTime",
        prometheus: "taskmill_task_queue_seconds",
        unit: Unit::Milliseconds,
        kind: SECONDS,
        dimensions: OF_A_TASK,
        help: "Time from the acceptance of a task to its first start.",
    },
    Row {
        metric: Metric::ExecutionTime,
        name: "ExecutionTime",
        prometheus: "taskmill_task_execution_seconds",
        unit: Unit::Milliseconds,
        kind: SECONDS,
        dimensions: OF_AN_END,
        help: "Time of execution of a task that ended, all attempts together.",
    },
    Row {
        metric: Metric::CpuTime,
        name: "CpuTime",
        prometheus: "taskmill_task_cpu_seconds",
        unit: Unit::Milliseconds,
        kind: SECONDS,
        dimensions: OF_AN_END,
        help: "Processor time of a task that ended, where the executor can tell.",
    },
    Row {
        metric: Metric::MemoryUsage,
        name: "MemoryUsage",
        prometheus: "taskmill_task_memory_bytes",
        unit: Unit::Bytes,
        kind: BYTES,
        dimensions: OF_AN_END,
        help: "Peak memory of a task that ended, the mean of its attempts, where the executor can tell.",
    },
    Row {
        metric: Metric::Attempts,
        name: "Attempts",
        prometheus: "taskmill_task_attempts",
        unit: Unit::Count,
        kind: FEW,
        dimensions: OF_AN_END,
        help: "Attempts of a task that ended, lost ones and the one that it waited for included.",
    },
    Row {
        metric: Metric::Findings,
        name: "Findings",
        prometheus: "taskmill_findings_total",
        unit: Unit::Count,
        kind: Kind::Counter,
        dimensions: OF_A_FINDING,
        help: "Tasks that broke a rule of what is usual.",
    },
    Row {
        metric: Metric::OldestDue,
        name: "OldestDueSeconds",
        prometheus: "taskmill_oldest_due_seconds",
        unit: Unit::Seconds,
        kind: Kind::Gauge,
        dimensions: &[Dimension::FunctionName],
        help: "For how long the record had been due that was due for longest when the sweep looked.",
    },
];

impl Metric {
    /// Its row of the table.
    #[must_use]
    pub const fn row(self) -> &'static Row {
        const ROWS: &[Row; 11] = &TABLE;
        &ROWS[self as usize]
    }
}

impl Kind {
    /// The word of the page, and of Prometheus.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Distribution(_) => "histogram",
            Self::Gauge => "gauge",
        }
    }
}

impl Unit {
    /// CloudWatch's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Seconds => "Seconds",
            Self::Bytes => "Bytes",
        }
    }

    /// How many of them are one of the unit that Prometheus wants.
    #[must_use]
    pub const fn of_one(self) -> u64 {
        match self {
            Self::Milliseconds => 1000,
            Self::Count | Self::Seconds | Self::Bytes => 1,
        }
    }
}

impl Dimension {
    /// CloudWatch's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tenant => "Tenant",
            Self::Definition => "Definition",
            Self::Executor => "Executor",
            Self::Outcome => "Outcome",
            Self::Rule => "Rule",
            Self::Quantity => "Quantity",
            Self::FunctionName => "FunctionName",
        }
    }

    /// The label of Prometheus.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Tenant => "tenant",
            Self::Definition => "definition",
            Self::Executor => "executor",
            Self::Outcome => "outcome",
            Self::Rule => "rule",
            Self::Quantity => "quantity",
            Self::FunctionName => "function",
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    const PAGE: &str = include_str!("../../docs/metrics.md");

    fn page_row(row: &Row) -> String {
        let dimensions: Vec<&str> = row.dimensions.iter().map(|of| of.as_str()).collect();
        format!(
            "| `{}` | `{}` | {} | {} | {} | {} |",
            row.name,
            row.prometheus,
            row.unit.as_str(),
            row.kind.as_str(),
            dimensions.join(", "),
            row.help,
        )
    }

    #[test]
    fn the_page_has_every_metric_and_no_other() {
        let expected: Vec<String> = TABLE.iter().map(page_row).collect();
        let rows = PAGE.lines().filter(|line| line.contains("| `taskmill_"));
        assert_eq!(rows.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn rows_are_found_by_their_metric() {
        for row in &TABLE {
            assert_eq!(row.metric.row(), row);
        }
        let names: BTreeSet<_> = TABLE.iter().map(|row| row.name).collect();
        let prometheus: BTreeSet<_> = TABLE.iter().map(|row| row.prometheus).collect();
        assert_eq!((names.len(), prometheus.len()), (TABLE.len(), TABLE.len()));
    }

    #[test]
    fn names_say_what_prometheus_asks_of_them() {
        for row in &TABLE {
            let suffix = match (row.kind, row.unit) {
                (Kind::Counter, _) => "_total",
                (_, Unit::Milliseconds | Unit::Seconds) => "_seconds",
                (_, Unit::Bytes) => "_bytes",
                (_, Unit::Count) => "",
            };
            assert!(row.prometheus.ends_with(suffix), "{}", row.prometheus);
        }
    }
}
