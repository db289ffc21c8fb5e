//! Sums of metrics.

use super::*;

fn used(all: u64) -> ExecutionMetrics {
    ExecutionMetrics {
        execution_time: all,
        cpu_time: all * 10,
        memory_usage: all * 100,
    }
}

#[test]
fn attempts_and_tasks_add_up() {
    assert_eq!(used(1).plus(used(2)), used(3));
    let totals = WorkflowMetrics::default()
        .with_task(used(1))
        .with_task(used(2));
    let expected = WorkflowMetrics {
        task_count: 2,
        total_execution_time: 3,
        total_cpu_time: 30,
        total_memory_usage: 300,
    };
    assert_eq!(totals, expected);
}

#[test]
fn sums_stop_at_the_greatest_number() {
    let most = ExecutionMetrics {
        execution_time: u64::MAX,
        cpu_time: u64::MAX,
        memory_usage: u64::MAX,
    };
    assert_eq!(most.plus(used(1)), most);
    let full = WorkflowMetrics {
        task_count: u64::MAX,
        total_execution_time: u64::MAX,
        total_cpu_time: u64::MAX,
        total_memory_usage: u64::MAX,
    };
    assert_eq!(full.with_task(most), full);
}

#[test]
fn totals_are_shown_beside_the_completed_tasks() {
    let view = WorkflowMetricsView {
        totals: WorkflowMetrics::default().with_task(used(1)),
        completed_tasks: vec![TaskId::new(uuid::Uuid::from_u128(1))],
    };
    let expected = serde_json::json!({
        "taskCount": 1,
        "totalExecutionTime": 1,
        "totalCpuTime": 10,
        "totalMemoryUsage": 100,
        "completedTasks": ["00000000-0000-0000-0000-000000000001"],
    });
    assert_eq!(serde_json::to_value(view).unwrap(), expected);
}
