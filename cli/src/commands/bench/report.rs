//! The figures of a bench, for people and for programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use comfy_table::{Cell, Table};
use serde_json::{Value, json};

use super::constructs::ConstructCost;
use super::cost::Cost;
use super::idle::IdleMonth;
use super::load::{Figures, Throughput};
use super::paths::PathCost;
use super::prices;
use super::scale::Large;
use crate::output::{number, plain_table, trimmed};

/// What is reported.
#[derive(Debug)]
pub enum Report {
    /// Figures under load.
    Load(Box<Figures>),
    /// What each path and each construct costs, and a deployment that nobody uses.
    Costs {
        /// The paths.
        paths: Vec<PathCost>,
        /// The constructs.
        constructs: Vec<ConstructCost>,
        /// A month without work.
        idle: IdleMonth,
    },
    /// What large loops and maps come to.
    Scale(Vec<Large>),
}

impl Report {
    /// The figures for programs.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut figures = match self {
            Self::Load(figures) => json!(figures),
            Self::Costs {
                paths,
                constructs,
                idle,
            } => json!({"paths": paths, "constructs": constructs, "idleMonth": idle}),
            Self::Scale(runs) => json!({"runs": runs}),
        };
        figures["prices"] = prices_json();
        figures
    }

    /// The figures for people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Load(figures) => load_text(figures),
            Self::Costs {
                paths,
                constructs,
                idle,
            } => costs_text(paths, constructs, idle),
            Self::Scale(runs) => trimmed(&scale_table(runs)),
        }
    }
}

fn prices_json() -> Value {
    json!({
        "region": "us-east-1",
        "dollarsPerWriteUnit": prices::WRITE_UNIT,
        "dollarsPerReadUnit": prices::READ_UNIT,
        "dollarsPerSqsStandardRequest": prices::SQS_STANDARD,
        "dollarsPerSqsFifoRequest": prices::SQS_FIFO,
        "dollarsPerInvocation": prices::INVOCATION,
        "dollarsPerGibSecond": prices::GIB_SECOND,
        "dollarsPerS3Put": prices::S3_PUT,
        "dollarsPerS3Get": prices::S3_GET,
        "assumedSecondsPerInvocation": prices::INVOCATION_SECONDS,
        "assumedGibPerInvocation": prices::INVOCATION_GIB,
    })
}

fn load_text(figures: &Figures) -> String {
    let mut table = plain_table();
    table.set_header(["", "COUNT", "A SECOND", "P50 MS", "P99 MS"]);
    for (name, load) in [("tasks", &figures.tasks), ("workflows", &figures.workflows)] {
        table.add_row(speed_row(name, load));
    }
    let place = if figures.kept_on_disk {
        "on disk"
    } else {
        "in memory"
    };
    let mut text = format!(
        "{} clients, {} bytes of payload, kept {place}",
        figures.concurrency, figures.payload_bytes
    );
    if let Some(bytes) = figures.peak_memory_bytes {
        // Writing to a text does not fail, here and below.
        let _ = write!(text, ", peak memory {} MiB", bytes / (1024 * 1024));
    }
    let columns = [
        ("a task", &figures.tasks.cost),
        ("a workflow", &figures.workflows.cost),
    ];
    let _ = write!(
        text,
        "\n\n{}\n\n{}",
        trimmed(&table),
        trimmed(&units_table(&columns))
    );
    let _ = write!(text, "\n\n{}", assumptions());
    text
}

fn speed_row(name: &str, load: &Throughput) -> Vec<Cell> {
    vec![
        Cell::new(name),
        number(load.count),
        number(format!("{:.0}", load.per_second)),
        number(format!("{:.1}", load.p50_millis)),
        number(format!("{:.1}", load.p99_millis)),
    ]
}

/// A row for each thing that is counted, a column for each piece of work.
fn units_table(columns: &[(&str, &Cost)]) -> Table {
    let mut table = plain_table();
    let names = columns.iter().map(|(name, _)| name.to_uppercase());
    table.set_header(std::iter::once(String::new()).chain(names));
    let mut rows: BTreeMap<(u8, String), Vec<String>> = BTreeMap::new();
    for (column, (_, cost)) in columns.iter().enumerate() {
        for (key, value) in counts(cost) {
            let row = rows
                .entry(key)
                .or_insert_with(|| vec![String::new(); columns.len()]);
            row[column] = value;
        }
    }
    for ((_, name), values) in rows {
        let cells = values.into_iter().map(number);
        table.add_row(std::iter::once(Cell::new(name)).chain(cells));
    }
    table
}

/// What a cost counts, each with its place in the table.
fn counts(cost: &Cost) -> Vec<((u8, String), String)> {
    let row = |place: u8, name: String, value: f64| ((place, name), figure(value));
    let mut rows = Vec::new();
    for (resource, capacity) in &cost.units {
        if capacity.write > 0.0 {
            rows.push(row(0, format!("write units, {resource}"), capacity.write));
        }
        if capacity.read > 0.0 {
            rows.push(row(2, format!("read units, {resource}"), capacity.read));
        }
    }
    rows.push(row(1, "write units".to_owned(), cost.write_units));
    rows.push(row(3, "read units".to_owned(), cost.read_units));
    if cost.refused_write_units > 0.0 {
        let name = "write units of refused conditions".to_owned();
        rows.push(row(1, name, cost.refused_write_units));
    }
    for (action, count) in &cost.sqs_requests {
        rows.push(row(4, format!("SQS {action}"), *count));
    }
    rows.push(row(
        5,
        "SQS requests, standard".to_owned(),
        cost.sqs_standard_requests,
    ));
    rows.push(row(
        5,
        "SQS requests, FIFO".to_owned(),
        cost.sqs_fifo_requests,
    ));
    for (function, count) in &cost.invocations {
        rows.push(row(6, format!("invocations of {function}"), *count));
    }
    if cost.s3_puts + cost.s3_gets > 0.0 {
        rows.push(row(7, "S3 PUT".to_owned(), cost.s3_puts));
        rows.push(row(7, "S3 GET".to_owned(), cost.s3_gets));
    }
    let dollars = cost.dollars_per_million;
    for (place, name, value) in [
        (8, "DynamoDB", dollars.dynamodb),
        (8, "Lambda", dollars.lambda),
        (8, "S3", dollars.s3),
        (8, "SQS", dollars.sqs),
        (9, "all", dollars.total),
    ] {
        rows.push((
            (place, format!("dollars a million, {name}")),
            format!("{value:.2}"),
        ));
    }
    rows
}

fn costs_text(paths: &[PathCost], constructs: &[ConstructCost], idle: &IdleMonth) -> String {
    let mut text = trimmed(&paths_table(paths));
    let _ = write!(
        text,
        "\n\nwhat a construct adds to a workflow, its tasks included\n{}",
        trimmed(&constructs_table(constructs))
    );
    let of_paths = paths.iter().map(|path| (path.path.as_str(), &path.cost));
    let of_constructs = constructs.iter().map(|one| (one.construct, &one.cost));
    for (name, cost) in of_paths.chain(of_constructs) {
        let _ = write!(
            text,
            "\n\n{name}\n{}",
            trimmed(&units_table(&[("units", cost)]))
        );
    }
    let _ = write!(
        text,
        "\n\na month without work, with {} pollers at each queue\n{}\n\n{}",
        idle.pollers_per_queue,
        trimmed(&idle_table(idle)),
        assumptions()
    );
    text
}

fn idle_table(idle: &IdleMonth) -> Table {
    let mut table = plain_table();
    table.set_header(["WRITES", "READS", "SQS", "SQS FIFO", "SWEEPS", "$ A MONTH"]);
    table.add_row([
        number(figure(idle.write_units)),
        number(figure(idle.read_units)),
        number(figure(idle.sqs_standard_requests)),
        number(figure(idle.sqs_fifo_requests)),
        number(figure(idle.sweeps)),
        number(format!("{:.2}", idle.dollars)),
    ]);
    table
}

fn paths_table(paths: &[PathCost]) -> Table {
    let mut table = plain_table();
    let own = ["PATH", "WRITES A TASK", "WRITES OF WORKFLOW"];
    table.set_header(own.into_iter().chain(TOTALS));
    for path in paths {
        let own = [
            Cell::new(&path.path),
            number(figure(path.write_units_per_task)),
            number(figure(path.workflow_write_units)),
        ];
        table.add_row(own.into_iter().chain(totals(&path.cost)));
    }
    table
}

fn constructs_table(constructs: &[ConstructCost]) -> Table {
    let mut table = plain_table();
    let own = ["CONSTRUCT", "WRITES BESIDES ITS TASKS"];
    table.set_header(own.into_iter().chain(TOTALS));
    for construct in constructs {
        let own = [
            Cell::new(construct.construct),
            number(figure(construct.workflow_write_units)),
        ];
        table.add_row(own.into_iter().chain(totals(&construct.cost)));
    }
    table
}

const TOTALS: [&str; 6] = ["WRITES", "READS", "SQS", "INVOCATIONS", "S3", "$ A MILLION"];

fn totals(cost: &Cost) -> [Cell; 6] {
    [
        number(figure(cost.write_units)),
        number(figure(cost.read_units)),
        number(figure(cost.all_sqs_requests())),
        number(figure(cost.all_invocations())),
        number(figure(cost.s3_puts + cost.s3_gets)),
        number(format!("{:.2}", cost.dollars_per_million.total)),
    ]
}

/// A row for each run; what is not a total is of one turn or item.
fn scale_table(runs: &[Large]) -> Table {
    let mut table = plain_table();
    table.set_header([
        "WORKFLOW",
        "COUNT",
        "SECONDS",
        "MS",
        "WRITES",
        "READS",
        "SQS",
        "INVOCATIONS",
        "S3",
        "LARGEST HEAD",
        "PEAK MIB",
    ]);
    for run in runs {
        let each = &run.each;
        let peak = run.peak_memory_bytes.map(|bytes| bytes / (1024 * 1024));
        table.add_row([
            Cell::new(run.workflow),
            number(run.count),
            number(format!("{:.1}", run.seconds)),
            number(figure(run.seconds * 1000.0 / f64::from(run.count))),
            number(figure(each.write_units)),
            number(figure(each.read_units)),
            number(figure(each.all_sqs_requests())),
            number(figure(each.all_invocations())),
            number(figure(each.s3_puts + each.s3_gets)),
            number(run.largest_head_bytes),
            number(peak.map_or_else(String::new, |peak| peak.to_string())),
        ]);
    }
    table
}

fn assumptions() -> String {
    format!(
        "Prices: us-east-1, on demand. An invocation is assumed to last {:.0} ms with {:.0} MiB.",
        prices::INVOCATION_SECONDS * 1000.0,
        prices::INVOCATION_GIB * 1024.0
    )
}

/// A count: whole where it is, else with two digits.
fn figure(value: f64) -> String {
    if (value - value.round()).abs() < 0.005 {
        format!("{value:.0}")
    } else {
        format!("{value:.2}")
    }
}
