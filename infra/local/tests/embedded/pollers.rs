//! The pollers and the scheduler: what handlers see, what becomes of what they fail.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use futures::FutureExt as _;
use taskmill::Timestamp;
use taskmill_local::{EventSource, Handler, HandlerError, LocalAws, Pollers, Scheduler, Sweep};
use tokio::sync::Notify;

use crate::sqs::{queue, send, send_in_group};
use crate::{START, aws};

/// What a handler is to do with an event.
type Answer = fn(&SqsEvent) -> Result<SqsBatchResponse, HandlerError>;

/// The bodies of each event, in the order of the events.
type Seen = Arc<Mutex<Vec<Vec<String>>>>;

fn handler(seen: &Seen, answers: impl IntoIterator<Item = Answer>) -> Handler {
    let seen = Arc::clone(seen);
    let answers: Mutex<VecDeque<Answer>> = Mutex::new(answers.into_iter().collect());
    Arc::new(move |event: SqsEvent| {
        let bodies = event.records.iter().filter_map(|r| r.body.clone());
        seen.lock().unwrap().push(bodies.collect());
        let answer = answers.lock().unwrap().pop_front().unwrap_or(succeed);
        async move { answer(&event) }.boxed()
    })
}

fn succeed(_: &SqsEvent) -> Result<SqsBatchResponse, HandlerError> {
    Ok(SqsBatchResponse::default())
}

fn fail_second(event: &SqsEvent) -> Result<SqsBatchResponse, HandlerError> {
    let mut response = SqsBatchResponse::default();
    response.add_failure(event.records[1].message_id.clone().unwrap());
    Ok(response)
}

fn fail_unknown(_: &SqsEvent) -> Result<SqsBatchResponse, HandlerError> {
    let mut response = SqsBatchResponse::default();
    response.add_failure("nobody");
    Ok(response)
}

fn fail(_: &SqsEvent) -> Result<SqsBatchResponse, HandlerError> {
    Err("the handler fails".into())
}

fn panic(_: &SqsEvent) -> Result<SqsBatchResponse, HandlerError> {
    panic!("the handler panics");
}

fn source(url: &str, handler: Handler) -> EventSource {
    EventSource {
        queue_url: url.to_owned(),
        handler,
        batch_size: 10,
        concurrency: 2,
    }
}

/// Sends two messages to a handler that answers so once, and gives what it saw within a minute.
async fn check_redelivery(answer: Answer, expected: &[&[&str]]) -> LocalAws {
    let aws = aws();
    let (client, url) = queue(&aws, "q").await;
    send(&client, &url, "one").await;
    send(&client, &url, "two").await;
    let seen = Seen::default();
    let pollers = Pollers::start(&aws, [source(&url, handler(&seen, [answer]))]);
    tokio::time::sleep(Duration::from_secs(60)).await;
    pollers.shutdown().await;
    assert_eq!(*seen.lock().unwrap(), expected);
    aws
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_finished_is_deleted_in_one_request() {
    let aws = check_redelivery(succeed, &[&["one", "two"]]).await;
    let usage = aws.meter().snapshot();
    assert_eq!(usage.requests["sqs.ReceiveMessage"], 1);
    assert_eq!(usage.requests["sqs.DeleteMessageBatch"], 1);
    assert_eq!(usage.empty_receives, 0);
    let invocations = usage.invocations["q"];
    assert_eq!((invocations.count, invocations.records), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn what_a_handler_failed_comes_again_alone() {
    check_redelivery(fail_second, &[&["one", "two"], &["two"]]).await;
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_an_unknown_record_fails_the_batch() {
    check_redelivery(fail_unknown, &[&["one", "two"], &["one", "two"]]).await;
}

#[tokio::test(start_paused = true)]
async fn a_failed_handler_fails_the_batch() {
    let aws = check_redelivery(fail, &[&["one", "two"], &["one", "two"]]).await;
    assert_eq!(aws.meter().snapshot().invocations["q"].failed_records, 2);
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_the_batch_and_is_counted() {
    let aws = check_redelivery(panic, &[&["one", "two"], &["one", "two"]]).await;
    assert_eq!(aws.meter().snapshot().invocations["q"].panics, 1);
}

#[tokio::test(start_paused = true)]
async fn an_event_has_the_shape_that_lambda_gives_it() {
    let aws = aws();
    let (client, url) = queue(&aws, "q.fifo").await;
    send_in_group(&client, &url, "workflow-1", "body").await;
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let handler: Handler = Arc::new(move |event: SqsEvent| {
        sender.send(serde_json::to_value(&event).unwrap()).unwrap();
        async { Ok(SqsBatchResponse::default()) }.boxed()
    });
    let pollers = Pollers::start(&aws, [source(&url, handler)]);
    let event = events.recv().await.unwrap();
    pollers.shutdown().await;
    let record = &event["Records"][0];
    assert_eq!(record["body"], "body");
    assert_eq!(record["md5OfBody"], "841a2d689ad86bd1611447453c22c6fc");
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(
        record["eventSourceARN"],
        "arn:aws:sqs:local:000000000000:q.fifo"
    );
    assert_eq!(record["awsRegion"], "local");
    let attributes = &record["attributes"];
    assert_eq!(attributes["ApproximateReceiveCount"], "1");
    assert_eq!(attributes["MessageGroupId"], "workflow-1");
    assert_eq!(attributes["MessageDeduplicationId"], "body");
    assert_eq!(attributes["SentTimestamp"], START.millis().to_string());
    assert!(record["messageId"].is_string() && record["receiptHandle"].is_string());
}

#[tokio::test(start_paused = true)]
async fn invocations_run_side_by_side_up_to_their_limit() {
    let aws = aws();
    let (client, url) = queue(&aws, "q").await;
    for number in 0..40 {
        send(&client, &url, &number.to_string()).await;
    }
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let handler: Handler = {
        let most = Arc::clone(&most);
        Arc::new(move |_: SqsEvent| {
            let (running, most) = (Arc::clone(&running), Arc::clone(&most));
            async move {
                most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_secs(1)).await;
                running.fetch_sub(1, Ordering::SeqCst);
                Ok(SqsBatchResponse::default())
            }
            .boxed()
        })
    };
    let pollers = Pollers::start(&aws, [source(&url, handler)]);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    pollers.shutdown().await;
    assert_eq!(most.load(Ordering::SeqCst), 2);
    assert_eq!(aws.meter().snapshot().invocations["q"].records, 40);
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_waits_for_what_runs_and_receives_nothing_more() {
    let aws = aws();
    let (client, url) = queue(&aws, "q").await;
    send(&client, &url, "one").await;
    let ended = Arc::new(AtomicUsize::new(0));
    let handler: Handler = {
        let ended = Arc::clone(&ended);
        Arc::new(move |_: SqsEvent| {
            let ended = Arc::clone(&ended);
            async move {
                tokio::time::sleep(Duration::from_secs(20)).await;
                ended.fetch_add(1, Ordering::SeqCst);
                Ok(SqsBatchResponse::default())
            }
            .boxed()
        })
    };
    let pollers = Pollers::start(&aws, [source(&url, handler)]);
    tokio::time::sleep(Duration::from_secs(1)).await;
    let stopping = tokio::spawn(pollers.shutdown());
    tokio::time::sleep(Duration::from_secs(1)).await;
    send(&client, &url, "late").await;
    stopping.await.unwrap();
    assert_eq!(ended.load(Ordering::SeqCst), 1);
    assert_eq!(aws.clock().now(), START.plus_millis(20_000));
}

#[tokio::test(start_paused = true)]
async fn an_idle_year_makes_no_requests_and_takes_no_time() {
    let aws = aws();
    let (client, url) = queue(&aws, "q").await;
    let seen = Seen::default();
    let pollers = Pollers::start(&aws, [source(&url, handler(&seen, []))]);
    let before = aws.meter().snapshot();
    tokio::time::sleep(Duration::from_secs(365 * 86_400)).await;
    assert_eq!(aws.meter().since(&before).requests_of("sqs"), 0);
    send(&client, &url, "at last").await;
    tokio::time::sleep(Duration::from_millis(1)).await;
    pollers.shutdown().await;
    assert_eq!(*seen.lock().unwrap(), [["at last"]]);
}

type SweepFault = fn() -> Result<u64, HandlerError>;

/// Records that fall due, and when they were swept.
#[derive(Clone)]
struct Records {
    aws: LocalAws,
    due: Arc<Mutex<Vec<Timestamp>>>,
    swept: Arc<Mutex<Vec<u64>>>,
    looks: Arc<AtomicUsize>,
    faults: Arc<Mutex<Vec<SweepFault>>>,
}

impl Records {
    fn new(aws: &LocalAws) -> Self {
        Self {
            aws: aws.clone(),
            due: Arc::default(),
            swept: Arc::default(),
            looks: Arc::default(),
            faults: Arc::default(),
        }
    }

    fn add(&self, millis: u64) {
        self.due.lock().unwrap().push(START.plus_millis(millis));
    }
}

impl Sweep for Records {
    async fn next_due(&mut self) -> Result<Option<Timestamp>, HandlerError> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        Ok(self.due.lock().unwrap().iter().min().copied())
    }

    async fn sweep(&mut self) -> Result<u64, HandlerError> {
        let fault = self.faults.lock().unwrap().pop();
        if let Some(fault) = fault {
            return fault();
        }
        let now = self.aws.clock().now();
        let mut due = self.due.lock().unwrap();
        let before = due.len();
        due.retain(|at| *at > now);
        self.swept.lock().unwrap().push(now.millis_since(START));
        Ok((before - due.len()) as u64)
    }
}

const DAY: u64 = 86_400_000;

#[tokio::test(start_paused = true)]
async fn a_sweep_runs_when_something_falls_due_and_at_no_other_time() {
    let aws = aws();
    let records = Records::new(&aws);
    records.add(5000);
    records.add(30 * DAY);
    let scheduler = Scheduler::start(aws.clock(), Arc::new(Notify::new()), records.clone());
    tokio::time::sleep(Duration::from_millis(60 * DAY)).await;
    drop(scheduler);
    assert_eq!(*records.swept.lock().unwrap(), [5000, 30 * DAY]);
    assert_eq!(records.looks.load(Ordering::SeqCst), 3);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_due_time_wakes_the_scheduler() {
    let aws = aws();
    let records = Records::new(&aws);
    let written = Arc::new(Notify::new());
    let scheduler = Scheduler::start(aws.clock(), Arc::clone(&written), records.clone());
    tokio::time::sleep(Duration::from_secs(10)).await;
    records.add(30 * DAY);
    written.notify_one();
    tokio::time::sleep(Duration::from_secs(10)).await;
    records.add(3_600_000);
    written.notify_one();
    tokio::time::sleep(Duration::from_millis(60 * DAY)).await;
    drop(scheduler);
    assert_eq!(*records.swept.lock().unwrap(), [3_600_000, 30 * DAY]);
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_fails_or_panics_runs_again_a_second_later() {
    let aws = aws();
    let records = Records::new(&aws);
    records.add(0);
    *records.faults.lock().unwrap() = vec![
        || Err("the sweep fails".into()),
        || panic!("the sweep panics"),
        || Ok(0),
    ];
    let scheduler = Scheduler::start(aws.clock(), Arc::new(Notify::new()), records.clone());
    tokio::time::sleep(Duration::from_secs(60)).await;
    drop(scheduler);
    assert_eq!(*records.swept.lock().unwrap(), [3000]);
}
