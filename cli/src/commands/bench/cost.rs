//! What a piece of work costs on AWS: the counts of the meter, shared out, and their price.

use std::collections::BTreeMap;

use serde::Serialize;
use taskmill_local::Usage;
use taskmill_local::meter::Capacity;
use taskmill_local::service::functions_by_queue;

use super::prices;

/// What one piece of work uses, on average.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// DynamoDB write units of all tables and indexes.
    pub write_units: f64,
    /// DynamoDB read units of all tables and indexes.
    pub read_units: f64,
    /// Units by table, and by `table/index`.
    pub units: BTreeMap<String, Capacity>,
    /// Write units of refused conditional writes, as AWS would charge them.
    pub refused_write_units: f64,
    /// Requests to standard queues, as billed; empty receives are not a task's.
    pub sqs_standard_requests: f64,
    /// Requests to FIFO queues, as billed.
    pub sqs_fifo_requests: f64,
    /// Requests to queues by action, empty receives left out.
    pub sqs_requests: BTreeMap<String, f64>,
    /// Invocations by function.
    pub invocations: BTreeMap<&'static str, f64>,
    /// Objects written and read.
    pub s3_puts: f64,
    /// Objects read.
    pub s3_gets: f64,
    /// The price of a million of them.
    pub dollars_per_million: Dollars,
}

/// A price by service, in US dollars.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Dollars {
    /// DynamoDB requests.
    pub dynamodb: f64,
    /// SQS requests.
    pub sqs: f64,
    /// Lambda requests and time.
    pub lambda: f64,
    /// S3 requests.
    pub s3: f64,
    /// All of it.
    pub total: f64,
}

impl Cost {
    /// The cost of one of `count` pieces of work that together used this.
    #[must_use]
    pub fn of(usage: &Usage, count: u64) -> Self {
        let each = |total: f64| total / as_float(count.max(1));
        let each_of = |total: u64| each(as_float(total));
        let total = usage.total_capacity();
        let request = |name: &str| usage.requests.get(name).copied().unwrap_or(0);
        let standard = usage.sqs_billed.saturating_sub(usage.sqs_billed_fifo);
        let empty = usage.empty_receives;
        let empty_at_standard = empty.saturating_sub(usage.empty_receives_fifo);
        let mut cost = Self {
            write_units: each(total.write),
            read_units: each(total.read),
            units: usage
                .capacity
                .iter()
                .map(|(resource, capacity)| (resource.clone(), share(*capacity, count)))
                .collect(),
            refused_write_units: each(usage.failed_conditions.write_units),
            sqs_standard_requests: each_of(standard.saturating_sub(empty_at_standard)),
            sqs_fifo_requests: each_of(
                usage
                    .sqs_billed_fifo
                    .saturating_sub(usage.empty_receives_fifo),
            ),
            sqs_requests: sqs_requests(usage, count),
            invocations: invocations(usage, count),
            s3_puts: each_of(request("s3.PutObject")),
            s3_gets: each_of(request("s3.GetObject")),
            dollars_per_million: Dollars::ZERO,
        };
        cost.dollars_per_million = Dollars::of(&cost);
        cost
    }

    /// Invocations of all functions.
    #[must_use]
    pub fn all_invocations(&self) -> f64 {
        // An empty sum of floats is minus nothing.
        self.invocations
            .values()
            .fold(0.0, |sum, count| sum + count)
    }

    /// Requests to all queues, as billed.
    #[must_use]
    pub fn all_sqs_requests(&self) -> f64 {
        self.sqs_standard_requests + self.sqs_fifo_requests
    }

    /// Units of one table and its indexes.
    #[must_use]
    pub fn of_table(&self, table: &str) -> Capacity {
        let of_table = self.units.iter().filter(|(resource, _)| {
            let rest = resource.strip_prefix(table);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        of_table.fold(Capacity::default(), |sum, (_, capacity)| sum + *capacity)
    }
}

impl Dollars {
    const ZERO: Self = Self {
        dynamodb: 0.0,
        sqs: 0.0,
        lambda: 0.0,
        s3: 0.0,
        total: 0.0,
    };

    fn of(cost: &Cost) -> Self {
        const MILLION: f64 = 1_000_000.0;
        let writes = cost.write_units + cost.refused_write_units;
        let dynamodb =
            MILLION * (writes * prices::WRITE_UNIT + cost.read_units * prices::READ_UNIT);
        let sqs = MILLION
            * (cost.sqs_standard_requests * prices::SQS_STANDARD
                + cost.sqs_fifo_requests * prices::SQS_FIFO);
        let lambda = MILLION * cost.all_invocations() * prices::an_invocation();
        let s3 = MILLION * (cost.s3_puts * prices::S3_PUT + cost.s3_gets * prices::S3_GET);
        Self {
            dynamodb,
            sqs,
            lambda,
            s3,
            total: dynamodb + sqs + lambda + s3,
        }
    }
}

fn share(capacity: Capacity, count: u64) -> Capacity {
    let count = as_float(count.max(1));
    Capacity {
        read: capacity.read / count,
        write: capacity.write / count,
    }
}

fn sqs_requests(usage: &Usage, count: u64) -> BTreeMap<String, f64> {
    let count = as_float(count.max(1));
    let requests = usage.requests.iter();
    requests
        .filter_map(|(name, requests)| {
            let action = name.strip_prefix("sqs.")?;
            let empty = if action == "ReceiveMessage" {
                usage.empty_receives
            } else {
                0
            };
            let counted = as_float(requests.saturating_sub(empty));
            Some((action.to_owned(), counted / count))
        })
        .collect()
}

fn invocations(usage: &Usage, count: u64) -> BTreeMap<&'static str, f64> {
    let functions = functions_by_queue();
    let mut invocations = BTreeMap::new();
    for (queue, counts) in &usage.invocations {
        if let Some(function) = functions.get(queue) {
            *invocations.entry(*function).or_default() +=
                as_float(counts.count) / as_float(count.max(1));
        }
    }
    invocations
}

/// Counts of a bench are far below 2^53.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^53")]
pub(super) fn as_float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage() -> Usage {
        let mut usage = Usage {
            sqs_billed: 13,
            sqs_billed_fifo: 6,
            empty_receives: 1,
            ..Usage::default()
        };
        for (resource, read, write) in [
            ("Tasks", 4.0, 10.0),
            ("Tasks/status", 0.0, 4.0),
            ("Tasks2", 1.0, 0.0),
        ] {
            let capacity = Capacity { read, write };
            usage.capacity.insert(resource.to_owned(), capacity);
        }
        for (name, count) in [
            ("sqs.ReceiveMessage", 5),
            ("sqs.SendMessage", 8),
            ("s3.PutObject", 2),
            ("dynamodb.PutItem", 9),
        ] {
            usage.requests.insert(name.to_owned(), count);
        }
        usage
    }

    fn near(actual: f64, expected: f64) {
        assert!(
            (actual - expected).abs() < 1e-9,
            "{actual} is not {expected}"
        );
    }

    #[test]
    fn counts_are_shared_out() {
        let cost = Cost::of(&usage(), 2);
        near(cost.write_units, 7.0);
        near(cost.read_units, 2.5);
        near(cost.of_table("Tasks").write, 7.0);
        near(cost.of_table("Tasks").read, 2.0);
        near(cost.sqs_standard_requests, 3.0);
        near(cost.sqs_fifo_requests, 3.0);
        near(cost.sqs_requests["ReceiveMessage"], 2.0);
        near(cost.sqs_requests["SendMessage"], 4.0);
        near(cost.s3_puts, 1.0);
    }

    #[test]
    fn a_million_costs_what_the_price_list_says() {
        let dollars = Cost::of(&usage(), 2).dollars_per_million;
        near(dollars.dynamodb, 7.0 * 0.625 + 2.5 * 0.125);
        near(dollars.sqs, 3.0 * 0.40 + 3.0 * 0.50);
        near(dollars.s3, 5.0);
        near(dollars.lambda, 0.0);
        near(dollars.total, dollars.dynamodb + dollars.sqs + dollars.s3);
    }
}
