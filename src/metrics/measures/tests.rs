//! What two images of a task tell.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::metrics::applied::{Applied, Position, Sequence};
use crate::task::attempt::Outcome;
use crate::task::lifecycle::{self, Event as Happening, Transition};
use crate::testing::{at, facts, failed, report, start, succeeded, task};

fn image(status: TaskStatus) -> Image {
    Image {
        status,
        ..Image::of(&task(json!({})))
    }
}

/// What is told, in short.
fn told(before: Option<&Image>, after: Option<&Image>) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::Created(_) => "created".to_owned(),
        Event::Began(began) => format!("began after {}", began.queue_time),
        Event::Retried(_, times) => format!("retried {times}"),
        Event::Lost(_, times) => format!("lost {times}"),
        Event::Ended(ended) => format!(
            "{} after {} attempts, {} ms",
            ended.ending.as_str(),
            ended.attempts,
            ended.execution_time
        ),
    };
    events(before, after).iter().map(word).collect()
}

/// The task after something happened to it.
fn after(task: &TaskInstance, happening: &Happening, now: u64) -> TaskInstance {
    match lifecycle::transition(task, happening, facts(at(now))).unwrap() {
        Transition::Changed { task, .. } => *task,
        other => panic!("nothing changed: {other:?}"),
    }
}

fn end(task: &TaskInstance, outcome: Outcome, now: u64) -> TaskInstance {
    let report = report(task.execution_id(), at(now), outcome);
    after(task, &Happening::Report(report), now)
}

#[test]
fn a_life_is_told_write_by_write() {
    let created = task(json!({ "retryPolicy": { "maxRetries": 3, "retryInterval": 1000 } }));
    let running = after(
        &created,
        &Happening::Start(start(created.execution_id(), at(40))),
        40,
    );
    let waiting = end(&running, failed("E"), 2000);
    let done = end(&waiting, succeeded(json!(1)), 9000);
    let images = [&created, &running, &waiting, &done].map(Image::of);
    let [created, running, waiting, done] = &images;
    assert_eq!(told(None, Some(created)), ["created"]);
    assert_eq!(told(Some(created), Some(running)), ["began after 40"]);
    assert_eq!(told(Some(running), Some(waiting)), ["retried 1"]);
    let ended = "COMPLETED after 2 attempts, 2000 ms";
    assert_eq!(told(Some(waiting), Some(done)), [ended]);
    assert_eq!(
        told(Some(done), Some(done)),
        [""; 0],
        "its token was dropped"
    );
    assert_eq!(told(Some(done), None), [""; 0], "it was deleted");
    assert_eq!(told(None, None), [""; 0]);
}

#[test]
fn a_start_that_was_not_recorded_is_told_with_the_end() {
    let created = task(json!({}));
    let done = end(&created, succeeded(json!(1)), 1500);
    let told = told(Some(&Image::of(&created)), Some(&Image::of(&done)));
    assert_eq!(
        told,
        ["began after 500", "COMPLETED after 1 attempts, 1000 ms"]
    );
}

#[test]
fn a_task_that_was_refused_is_created_and_ends() {
    let refused = image(TaskStatus::Failed);
    assert_eq!(
        told(None, Some(&refused)),
        ["created", "FAILED after 0 attempts, 0 ms"]
    );
}

#[test]
fn every_ending_is_told_by_its_status() {
    let before = image(TaskStatus::Running);
    for status in TaskStatus::ALL {
        let told = told(Some(&before), Some(&image(status)));
        match status.is_terminal() {
            true => assert_eq!(
                told,
                [format!("{} after 0 attempts, 0 ms", status.as_str())]
            ),
            false => assert_eq!(told, [""; 0], "{status:?}"),
        }
    }
}

#[test]
fn what_the_executor_cannot_tell_is_not_zero() {
    let before = image(TaskStatus::Running);
    let mut after = image(TaskStatus::Completed);
    let of = |image: &Image| match events(Some(&before), Some(image)).remove(0) {
        Event::Ended(ended) => (ended.cpu_time, ended.memory_usage),
        other => panic!("{other:?}"),
    };
    assert_eq!(of(&after), (None, None));
    after.start_time = Some(at(0));
    after.losses = 1;
    after.retries = 2;
    after.used.cpu_time = 30;
    after.used.memory_usage = 400;
    let Some(Event::Ended(ended)) = events(Some(&before), Some(&after)).pop() else {
        panic!("it ended");
    };
    assert_eq!((ended.cpu_time, ended.memory_usage), (Some(30), Some(100)));
    assert_eq!(ended.attempts, 4);
}

#[test]
fn kinds_of_executors_are_few() {
    let kind = |executor| kind_of(TaskType::Automated, executor);
    assert_eq!(
        kind("lambda:arn:aws:lambda:eu-west-1:1:function:f"),
        "lambda"
    );
    assert_eq!(kind("http@worker-17"), "http");
    assert_eq!(kind("process:sh -c x"), "process");
    for odd in ["", "Some Thing", ":x", "x".repeat(17).as_str(), "été:x"] {
        assert_eq!(kind(odd), UNKNOWN, "{odd}");
    }
    assert_eq!(kind_of(TaskType::Manual, "ann"), PERSON);
}

#[test]
fn each_write_counts_once_however_often_the_stream_tells_it() {
    let created = Image::of(&task(json!({})));
    let done = image(TaskStatus::Completed);
    let stream = [(None, Some(&created)), (Some(&created), Some(&done))];
    let mut applied = Applied::default();
    let mut counted = 0;
    for _ in 0..3 {
        for (number, (before, after)) in stream.iter().enumerate() {
            let position = Position {
                shard: "shard".to_owned(),
                sequence: Sequence::new(number.to_string()).unwrap(),
            };
            if applied.take(&position) {
                counted += events(*before, *after).len();
            }
        }
    }
    assert_eq!(counted, 2);
}

/// The images of a task to which these happen, one after another; what is refused changes nothing.
fn life(moves: &[(u8, u64)]) -> Vec<Image> {
    let policy = json!({ "maxRetries": 3, "retryInterval": 1000 });
    let mut task = task(json!({ "retryPolicy": policy }));
    let mut images = vec![Image::of(&task)];
    let mut now = 0;
    for (kind, wait) in moves {
        now += wait;
        let id = task.execution_id();
        let happening = match kind {
            0 => Happening::Start(start(id, at(now))),
            1 => Happening::Report(report(id, at(now), failed("E"))),
            2 => Happening::Report(report(id, at(now), succeeded(json!(1)))),
            3 => Happening::Lost { execution_id: id },
            4 => Happening::Look,
            _ => Happening::Cancel {
                reason: "enough".to_owned(),
            },
        };
        if let Ok(Transition::Changed { task: after, .. }) =
            lifecycle::transition(&task, &happening, facts(at(now)))
        {
            task = *after;
            images.push(Image::of(&task));
        }
    }
    images
}

proptest! {
    #[test]
    fn whatever_happens_is_told_once(
        moves in proptest::collection::vec((0..6_u8, 0..100_000_u64), 0..30),
    ) {
        let images = life(&moves);
        let pairs = images.windows(2).map(|pair| (Some(&pair[0]), Some(&pair[1])));
        let writes = std::iter::once((None, Some(&images[0]))).chain(pairs);
        let told: Vec<Event> = writes.flat_map(|(one, other)| events(one, other)).collect();
        let last = &images[images.len() - 1];
        let sum = |of: fn(&Event) -> u32| told.iter().map(of).sum::<u32>();
        prop_assert_eq!(sum(|event| matches!(event, Event::Created(_)).into()), 1);
        let began = sum(|event| matches!(event, Event::Began(_)).into());
        prop_assert_eq!(began, u32::from(last.start_time.is_some()));
        let ended = sum(|event| matches!(event, Event::Ended(_)).into());
        prop_assert_eq!(ended, u32::from(last.status.is_terminal()));
        let retried = sum(|event| if let Event::Retried(_, times) = event { *times } else { 0 });
        prop_assert_eq!(retried, last.retries);
        let lost = sum(|event| if let Event::Lost(_, times) = event { *times } else { 0 });
        prop_assert_eq!(lost, last.losses);
    }
}
