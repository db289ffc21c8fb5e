//! What becomes of a task's place by what happened to the task.

use super::*;

#[test]
fn what_an_event_means_for_the_place_follows_from_what_it_did() {
    let pending = || limited(1, 0, 1);
    let with_start_limit = || {
        let mut task = pending();
        task.timeouts.schedule_to_start = Some(1);
        task
    };
    let running = || {
        let began = Event::Start(start(attempt(1), at(0)));
        match transition(&pending(), &began, facts(at(0))) {
            Ok(Transition::Changed { task, .. }) => *task,
            other => panic!("{other:?}"),
        }
    };
    let cancel = || Event::Cancel {
        reason: "no need".to_owned(),
    };
    let lost = Event::Lost {
        execution_id: attempt(1),
    };
    let left_line = |waiter| Ask::Leave {
        execution_id: attempt(1),
        waiter,
    };
    let in_line = || Some(waiter(1, 0, 1));
    let done = Event::Report(report(attempt(1), at(5), succeeded(json!(1))));
    let cases = [
        ("a look at one that waits", pending(), Event::Look, None),
        (
            "its time is over",
            with_start_limit(),
            Event::Look,
            Some(left_line(in_line())),
        ),
        (
            "it is cancelled",
            pending(),
            cancel(),
            Some(left_line(in_line())),
        ),
        ("it is cancelled while it runs", running(), cancel(), None),
        (
            "its lease is over",
            running(),
            Event::Look,
            Some(left_line(None)),
        ),
        (
            "it is lost",
            running(),
            lost.clone(),
            Some(Ask::Lost(attempt(1))),
        ),
        ("its outcome tells of itself", running(), done, None),
    ];
    for (what, before, event, expected) in cases {
        let now = at(LEASE);
        let (found, written) = match transition(&before, &event, facts(now)) {
            Ok(Transition::Changed { task, .. }) => {
                (after(&before, &task, &event, at_once(1)), Some(*task))
            }
            Ok(Transition::Repeated(_)) => (after(&before, &before, &event, at_once(1)), None),
            Err(rejection) => panic!("{what}: {rejection}"),
        };
        assert_eq!(found, expected, "{what}");
        let Some(written) = written.filter(|_| expected.is_some()) else {
            continue;
        };
        let again = after(&written, &written, &event, at_once(1));
        let repeated = transition(&written, &event, facts(now)).is_ok();
        let ended = written.status.is_terminal();
        assert_eq!(
            again.is_some(),
            repeated && (ended || event == lost),
            "{what}, repeated"
        );
    }
}

#[test]
fn a_task_is_limited_as_its_definition_says() {
    let limits = |fields| Limits::of_definition(&task(fields));
    assert_eq!(limits(json!({})), None);
    assert_eq!(
        limits(json!({ "concurrency": { "limit": 5 } })),
        Some(at_once(5))
    );
    let rate = json!({ "rateLimit": { "limit": 2, "per": "PT1M" } });
    let found = limits(rate).unwrap();
    assert_eq!(found.concurrency, None);
    let rate = found.rate.unwrap();
    assert_eq!((rate.limit, rate.per.millis()), (2, 60_000));
}
