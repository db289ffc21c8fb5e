//! What a deployment costs that nobody uses: an hour in virtual time with the pollers that Lambda
//! keeps at each queue and a sweep a minute, counted and taken for a month.

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::DisplayErrorContext;
use serde::Serialize;
use taskmill_app::{Refusal, sweep};
use taskmill_aws::executor::Executors;
use taskmill_aws::queues::QueueName;
use taskmill_local::Usage;
use taskmill_local::service::Prepared;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::cost::as_float;
use super::prices;
use crate::exit::Error;
use crate::local;

/// Pollers that Lambda begins with at a queue (its guide, "Using Lambda with Amazon SQS": up to
/// five batches at one time). How many it keeps is its own affair.
const POLLERS: u32 = 5;
/// Seconds that a poller waits for a message: the longest that SQS allows.
const LONG_POLL: i32 = 20;
const HOUR: Duration = Duration::from_secs(3600);
const BETWEEN_SWEEPS: Duration = Duration::from_secs(60);
/// Hours of a month, as AWS counts them.
const HOURS: f64 = 730.0;

/// What an idle month costs.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IdleMonth {
    /// Pollers at each queue: assumed.
    pub pollers_per_queue: u32,
    /// Requests of the pollers to standard queues.
    pub sqs_standard_requests: f64,
    /// Requests of the pollers to FIFO queues.
    pub sqs_fifo_requests: f64,
    /// Invocations of the sweep.
    pub sweeps: f64,
    /// DynamoDB read units of the sweep.
    pub read_units: f64,
    /// DynamoDB write units of the sweep.
    pub write_units: f64,
    /// Their price in US dollars.
    pub dollars: f64,
}

/// Counts an hour. To be called in virtual time.
///
/// # Errors
/// The service does not start, or a poll or a sweep fails.
pub async fn measure() -> Result<IdleMonth, Error> {
    let aws = local::aws(None)?;
    let prepared = local::prepare(aws.clone(), Executors::builtin(aws.clock())).await?;
    let sqs = Client::new(&aws.sdk_config());
    let before = aws.meter().snapshot();
    let end = Instant::now() + HOUR;
    let mut pollers = JoinSet::new();
    for queue in QueueName::ALL {
        let url = prepared.app().queues().urls().of(queue);
        for _ in 0..POLLERS {
            pollers.spawn(poll(sqs.clone(), url.to_owned(), end));
        }
    }
    let sweeps = sweep_every_minute(&prepared, end).await?;
    while let Some(polled) = pollers.join_next().await {
        polled.map_err(|error| Error::Unexpected(format!("a poller ended: {error}")))??;
    }
    Ok(IdleMonth::of(&aws.meter().since(&before), sweeps))
}

/// Asks a queue for messages, again and again.
async fn poll(sqs: Client, url: String, end: Instant) -> Result<(), Error> {
    while Instant::now() < end {
        let asked = sqs.receive_message().queue_url(&url);
        let answer = asked.wait_time_seconds(LONG_POLL).send().await;
        answer.map_err(|error| {
            let error = DisplayErrorContext(error);
            Error::Unexpected(format!("{url} cannot be polled: {error}"))
        })?;
    }
    Ok(())
}

/// Sweeps until the end, and says how often.
async fn sweep_every_minute(prepared: &Prepared, end: Instant) -> Result<u64, Error> {
    let mut sweeps = 0;
    let mut next = Instant::now();
    while next < end {
        sleep_until(next).await;
        let swept = sweep::sweep(prepared.app()).await;
        swept.map_err(Refusal::from)?;
        sweeps += 1;
        next += BETWEEN_SWEEPS;
    }
    Ok(sweeps)
}

impl IdleMonth {
    /// The month of which this is an hour.
    fn of(hour: &Usage, sweeps: u64) -> Self {
        let month = |count: u64| as_float(count) * HOURS;
        let units = hour.total_capacity();
        let standard = hour.sqs_billed.saturating_sub(hour.sqs_billed_fifo);
        let mut idle = Self {
            pollers_per_queue: POLLERS,
            sqs_standard_requests: month(standard),
            sqs_fifo_requests: month(hour.sqs_billed_fifo),
            sweeps: month(sweeps),
            read_units: units.read * HOURS,
            write_units: units.write * HOURS,
            dollars: 0.0,
        };
        idle.dollars = idle.sqs_standard_requests * prices::SQS_STANDARD
            + idle.sqs_fifo_requests * prices::SQS_FIFO
            + idle.sweeps * prices::an_invocation()
            + idle.read_units * prices::READ_UNIT
            + idle.write_units * prices::WRITE_UNIT;
        idle
    }
}
