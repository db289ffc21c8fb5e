//! `taskmill bench`: that it counts what it runs. How fast it is depends on the machine.

use serde_json::Value;

use crate::support::Folder;

fn number(value: &Value) -> f64 {
    value
        .as_f64()
        .unwrap_or_else(|| panic!("{value} is no number"))
}

#[test]
fn each_path_costs_what_the_tables_are_designed_for() {
    let folder = Folder::new(&[]);
    let report = folder.run(&["bench", "--costs", "--output", "json"]);
    let report = report.expect(0).json();
    // Path, write units a task, write units of the workflow itself, all of them.
    let expected = [
        ("standalone task, lazy", 7.0, 0.0, 7.0),
        ("standalone task, tracked", 10.0, 0.0, 10.0),
        ("workflow of three steps, lazy", 8.0, 10.0, 34.0),
        ("workflow of three steps, tracked", 13.0, 10.0, 49.0),
    ];
    for (path, (name, task, workflow, all)) in
        report["paths"].as_array().unwrap().iter().zip(expected)
    {
        assert_eq!(path["path"], name);
        let counted = (
            number(&path["writeUnitsPerTask"]),
            number(&path["workflowWriteUnits"]),
            number(&path["cost"]["writeUnits"]),
        );
        assert_eq!(counted, (task, workflow, all), "{name}");
        let cost = &path["cost"];
        let tasks = if workflow == 0.0 { 1.0 } else { 3.0 };
        assert_eq!(
            number(&cost["invocations"]["execute-task"]),
            tasks,
            "{name}"
        );
        assert_eq!(
            number(&cost["invocations"]["process-result"]),
            tasks,
            "{name}"
        );
        // An execute message and a result message: each is sent, received and deleted.
        assert_eq!(number(&cost["sqsStandardRequests"]), 3.0 * tasks, "{name}");
        assert_eq!(number(&cost["sqsFifoRequests"]), 3.0 * tasks, "{name}");
    }
    let paths = report["paths"].as_array().unwrap();
    let limited = &paths[paths.len() - 2..];
    for (limited, (field, units)) in limited
        .iter()
        .zip([("concurrency", 9.0), ("rateLimit", 8.0)])
    {
        let path = format!("standalone task, lazy, with {field}");
        assert_eq!(limited["path"], path);
        assert_eq!(number(&limited["cost"]["writeUnits"]), units, "{field}");
    }
    // Construct, write units besides its tasks, write units, requests to queues.
    let expected = [
        ("PARALLEL of three tasks", 1.0, 25.0, 6.0),
        ("MAP of ten tasks", 6.0, 86.0, 9.0),
        ("WAIT of a minute", 1.0, 1.0, 6.0),
        ("WAIT of an hour", 4.0, 4.0, 0.0),
        ("SIGNAL", 1.0, 1.0, 0.0),
        ("SUB_WORKFLOW of one task", 9.0, 17.0, 9.0),
    ];
    let constructs = report["constructs"].as_array().unwrap();
    let found: Vec<_> = constructs
        .iter()
        .map(|construct| {
            let cost = &construct["cost"];
            let requests = number(&cost["sqsStandardRequests"]) + number(&cost["sqsFifoRequests"]);
            (
                construct["construct"].as_str().unwrap(),
                number(&construct["workflowWriteUnits"]),
                number(&cost["writeUnits"]),
                requests,
            )
        })
        .collect();
    assert_eq!(found, expected);
    // Five pollers at each of four queues and a FIFO one, a request in 20 seconds; 60 sweeps an hour
    // that ask two tables: 730 times.
    let idle = &report["idleMonth"];
    for (name, hourly) in [
        ("sqsStandardRequests", 4.0 * 5.0 * 180.0),
        ("sqsFifoRequests", 5.0 * 180.0),
        ("sweeps", 60.0),
        ("readUnits", 60.0),
        ("writeUnits", 0.0),
    ] {
        assert_eq!(number(&idle[name]), 730.0 * hourly, "{name}");
    }
    let payloads: Vec<u64> = report["paths"]
        .as_array()
        .unwrap()
        .iter()
        .map(|path| path["payloadBytes"].as_u64().unwrap())
        .collect();
    assert!(
        payloads.contains(&2048) && payloads.contains(&10240),
        "{payloads:?}"
    );
}

#[test]
fn a_load_is_run_to_its_end_and_shared_out() {
    let folder = Folder::new(&[]);
    let ended = folder.run(&[
        "bench",
        "--tasks",
        "12",
        "--workflows",
        "4",
        "--concurrency",
        "3",
        "--payload",
        "100",
        "--data",
        "kept",
        "--output",
        "json",
    ]);
    let report = ended.expect(0).json();
    assert_eq!(report["concurrency"], 3);
    assert_eq!(report["keptOnDisk"], true);
    assert_eq!(report["tasks"]["count"], 12);
    assert_eq!(number(&report["tasks"]["cost"]["writeUnits"]), 7.0);
    assert_eq!(number(&report["workflows"]["cost"]["writeUnits"]), 34.0);
    for load in ["tasks", "workflows"] {
        let load = &report[load];
        assert!(number(&load["perSecond"]) > 0.0);
        assert!(number(&load["p50Millis"]) <= number(&load["p99Millis"]));
        assert!(number(&load["cost"]["dollarsPerMillion"]["total"]) > 0.0);
    }
    if cfg!(target_os = "linux") {
        assert!(number(&report["peakMemoryBytes"]) > 1e6);
    }
}

#[test]
fn figures_are_a_table_for_people() {
    let folder = Folder::new(&[]);
    let ended = folder.run(&[
        "bench",
        "--tasks",
        "2",
        "--workflows",
        "1",
        "--concurrency",
        "2",
    ]);
    ended.expect(0);
    for expected in [
        "P99 MS",
        "write units, TaskInstances/status-index",
        "dollars a million, all",
    ] {
        assert!(ended.stdout.contains(expected), "{}", ended.stdout);
    }
}
