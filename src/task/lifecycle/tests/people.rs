//! What people do with a task, in full: whose it is, what is kept of it, and when it is looked at.

use serde_json::Value;

use super::*;
use crate::security::{DATA_CLASSIFICATION, SECURITY_LEVEL};
use crate::task::audit::Deed;

/// A task of ann's, or one that nobody has, after these acts, each a second after the one before.
fn after(fields: Value, acts: &[(&str, Act)]) -> TaskInstance {
    let mut all = json!({ "type": "MANUAL" });
    crate::testing::merge(&mut all, fields);
    let mut task = task(all);
    for (number, (user, act)) in acts.iter().enumerate() {
        let now = at(1000 * (number as u64 + 1));
        match transition(&task, &super::acts(user, act.clone()), facts(now)) {
            Ok(Transition::Changed { task: changed, .. }) => task = *changed,
            other => panic!("{act:?} of {user} gives {other:?}"),
        }
    }
    task
}

fn delegate(to: &str) -> Act {
    Act::Delegate {
        assignee: to.to_owned(),
    }
}

fn assign(to: &str) -> Act {
    Act::Assign {
        assignee: to.to_owned(),
    }
}

fn people(task: &TaskInstance) -> (Option<&str>, Option<&str>) {
    let owner = task.handling.as_ref().unwrap().owner.as_deref();
    (task.assignee.as_deref(), owner)
}

#[test]
fn a_started_task_is_running_since_then_and_ends_with_its_own_start() {
    let started = after(json!({}), &[("ann", Act::Claim), ("ann", Act::Start)]);
    assert_eq!(started.status, TaskStatus::Running);
    assert_eq!(started.start_time, Some(at(2000)));
    assert_eq!((started.deadline_at, &*started.executor_id), (None, "ann"));
    let Ok(Transition::Changed { task: done, .. }) =
        transition(&started, &acts("ann", complete()), facts(at(9000)))
    else {
        panic!("ann has it");
    };
    assert_eq!(done.attempts[0].started_at, Some(at(2000)));
    assert_eq!(done.metrics.execution_time, 7000);
    assert_eq!(done.duration(), Some(7000));
}

#[test]
fn the_time_of_a_started_task_passes_as_before() {
    let started = after(
        json!({ "timeout": 5000 }),
        &[("ann", Act::Claim), ("ann", Act::Start)],
    );
    assert_eq!(started.due_at, Some(at(5000)));
    assert_eq!(cell(&started, &Event::Look), "TIMED_OUT!");
    assert_eq!(cell(&started, &acts("ann", complete())), "late");
}

#[test]
fn who_delegates_stays_the_owner_and_ends_it_after_it_is_given_back() {
    let delegated = after(
        json!({}),
        &[
            ("ann", Act::Claim),
            ("ann", Act::Start),
            ("ann", delegate("bob")),
        ],
    );
    assert_eq!(delegated.status, TaskStatus::Assigned);
    assert_eq!(people(&delegated), (Some("bob"), Some("ann")));
    // Saying it again changes nothing; neither of them ends it now.
    assert_eq!(cell(&delegated, &acts("ann", delegate("bob"))), "=");
    assert_eq!(cell(&delegated, &acts("ann", complete())), "not theirs");
    for act in [complete(), give_up(), Act::Release] {
        assert_eq!(cell(&delegated, &acts("bob", act)), "delegated");
    }
    assert_eq!(cell(&delegated, &acts("bob", Act::Start)), "RUNNING");
    assert_eq!(cell(&delegated, &acts("ann", comment())), "ASSIGNED");
    let (again, back) = (("bob", delegate("cem")), ("cem", Act::Resolve));
    let acts_of = [("ann", Act::Claim), ("ann", delegate("bob")), again, back];
    assert_eq!(
        people(&after(json!({}), &acts_of[..3])),
        (Some("cem"), Some("ann"))
    );
    let resolved = after(json!({}), &acts_of);
    assert_eq!(people(&resolved), (Some("ann"), None));
    assert_eq!(cell(&resolved, &acts("cem", Act::Resolve)), "=");
    assert_eq!(cell(&resolved, &acts("bob", Act::Resolve)), "not delegated");
    assert_eq!(cell(&resolved, &acts("ann", complete())), "COMPLETED!");
}

#[test]
fn an_administrator_takes_a_delegated_task_from_both() {
    let acts_of = [
        ("ann", Act::Claim),
        ("ann", delegate("bob")),
        ("root", assign("bob")),
    ];
    let task = after(json!({}), &acts_of);
    assert_eq!(people(&task), (Some("bob"), None));
    assert_eq!(cell(&task, &acts("root", assign("bob"))), "=");
    assert_eq!(cell(&task, &acts("bob", complete())), "COMPLETED!");
}

#[test]
fn whom_an_overdue_task_is_escalated_to_gives_it_to_another() {
    let fields = json!({ "assignment": {
        "assignee": "ann", "candidateUsers": ["ann"], "dueIn": 3000, "escalateTo": "heads",
    }});
    let task = after(fields, &[]);
    let head = json!({ "tenantId": "acme", "userId": "eve", "roles": ["heads"] });
    let by: crate::security::Caller = serde_json::from_value(head).unwrap();
    let act = assign("bob");
    let event = Event::Act(Box::new(PersonsAct { by, act }));
    assert_eq!(cell(&task, &event), "denied");
    let Ok(Transition::Changed { task, .. }) = transition(&task, &Event::Look, facts(at(3000)))
    else {
        panic!("it is overdue");
    };
    assert_eq!(cell(&task, &event), "ASSIGNED");
}

#[test]
fn what_is_put_off_comes_up_again_at_its_time_wherever_it_stands() {
    for build in [task, task_of_workflow] {
        let task = build(json!({ "type": "MANUAL", "assignment": { "assignee": "ann" } }));
        let due_before = task.due_at;
        let until = |until| acts("ann", Act::FollowUp { until });
        let put_off = |task: &TaskInstance, until, now| {
            let Ok(Transition::Changed { task, .. }) =
                transition(task, &acts("ann", Act::FollowUp { until }), facts(at(now)))
            else {
                panic!("it is ann's");
            };
            *task
        };
        let later = put_off(&task, Some(at(50_000)), 1000);
        assert_eq!(later.due_at, Some(at(50_000)));
        assert_eq!(cell(&later, &until(Some(at(50_000)))), "=");
        let back = put_off(&later, None, 2000);
        assert_eq!(back.handling.as_ref().unwrap().put_off_until, None);
        assert_eq!(back.due_at.is_some(), due_before.is_some());
        let Ok(Transition::Changed { task, effect }) =
            transition(&later, &Event::Look, facts(at(50_000)))
        else {
            panic!("its time has come");
        };
        assert_eq!(effect, Effect::Remind(Reminder::FollowUp));
        assert_eq!(task.handling.as_ref().unwrap().put_off_until, None);
        assert_eq!(task.due_at.is_some(), due_before.is_some());
        assert_eq!(task.last_act, later.last_act, "nobody did anything");
    }
}

/// What is put off is the business of whoever did so.
#[test]
fn the_next_person_sees_the_task_at_once() {
    let until = Some(at(50_000));
    for act in [Act::Release, delegate("bob"), give_up()] {
        let retry = json!({ "retryPolicy": { "maxRetries": 1, "retryInterval": 0 } });
        let acts_of = [
            ("ann", Act::Claim),
            ("ann", Act::FollowUp { until }),
            ("ann", act),
        ];
        let task = after(retry, &acts_of);
        assert_eq!(task.handling.unwrap().put_off_until, None, "{acts_of:?}");
    }
}

#[test]
fn what_people_did_is_told_in_its_order_and_said_again_it_is_told_once() {
    let task = after(
        json!({}),
        &[("ann", Act::Claim), ("bob", comment()), ("ann", Act::Start)],
    );
    let last = task.last_act.as_ref().unwrap();
    assert_eq!((last.number, last.at, &*last.by), (3, at(3000), "ann"));
    assert_eq!(last.deed, Deed::Start);
    let said = after(json!({}), &[("bob", comment())]);
    assert_eq!(cell(&said, &acts("bob", comment())), "=");
    assert_eq!(cell(&said, &acts("ann", comment())), "PENDING");
    let other = Act::Comment {
        text: "ask dia".to_owned(),
    };
    assert_eq!(cell(&said, &acts("bob", other)), "PENDING");
}

#[test]
fn who_does_a_task_must_be_cleared_for_it() {
    let mut task = subject("MANUAL", TaskStatus::Assigned, Kind::Complete);
    let security = &mut task.context.security_context;
    security.security_level = Some(crate::task::definition::SecurityLevel::Medium);
    security.data_classification = Some("pii".to_owned());
    let level = format!("{SECURITY_LEVEL}HIGH");
    let data = format!("{DATA_CLASSIFICATION}pii");
    for (held, expected) in [
        (vec![], "denied"),
        (vec![&level], "denied"),
        (vec![&data], "denied"),
        (vec![&data, &level], "COMPLETED!"),
    ] {
        let by = json!({ "tenantId": "acme", "userId": "ann", "permissions": held });
        let by = serde_json::from_value(by).unwrap();
        let act = complete();
        let event = Event::Act(Box::new(PersonsAct { by, act }));
        assert_eq!(cell(&task, &event), expected, "{held:?}");
    }
}
