//! The table of the lifecycle, cell by cell: what the rows are, and how a cell is read. The tables
//! themselves are in `tests/tables.rs`, the events of each kind in `tests/events.rs`, what single cases
//! come to in full in `tests/cases.rs`, `tests/people.rs` and `tests/workers.rs`, what holds for every
//! sequence of events in `tests/properties.rs`.

use std::fmt::Write;

use serde_json::json;

use super::*;
use crate::limits;
use crate::security::ADMINISTER_TASKS;
use crate::task::attempt::Attempt;
use crate::task::due::LEASE_GRACE;
use crate::task::timeouts::TimeoutKind;
use crate::testing::{
    WORKER, at, facts, failed, report, start, succeeded, task, task_of_workflow, timed_out,
};

mod cases;
mod events;
mod handover;
mod people;
mod properties;
mod tables;
mod workers;

use events::{acts, comment, complete, event, give_up, said};

/// When the events of the table happen.
const NOW: u64 = 10_000;

macro_rules! kinds {
    ($($kind:ident),* $(,)?) => {
        /// What can happen to a task, as finely as the table tells it apart.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Kind { $($kind),* }

        impl Kind {
            const ALL: &[Self] = &[$(Self::$kind),*];
        }
    };
}

kinds! {
    Start, StartElsewhere, StartTooLate, StartOfAnother,
    HandOver, HandOverAgain, HandOverOfAnother, CalledBack, CalledBackFailing, LookUncalled,
    Succeed, Fail, FailForGood, TimeOut, TimeOutForGood, TimeOutWhole, UnstartedTimeOut,
    ReportOfPrevious, ReportOfAnother,
    Lost, LostForGood, LostPrevious, LostAnother,
    LookInVain, LookTooLate, LookOverdue,
    LookReminds, Cancel,
    Assign, AssignAnother, AssignUnasked, Claim, ClaimFromAnother, ClaimByStranger, ClaimUnallowed,
    Release, ReleaseOfAnother, Complete, CompleteOfAnother, CompleteByAdmin, CompleteUnallowed,
    CompleteTooLate,
    GiveUp, GiveUpForGood, GiveUpOfAnother,
    AssignByEscalated, Begin, BeginOfAnother, BeginUnallowed, Delegate, DelegateOfAnother,
    DelegatedOn, Resolve, ResolveByOwner, ResolveByStranger, ResolveOfNone, CompleteDelegated,
    FailDelegated, ReleaseDelegated, PutOff, PutOffOfAnother, Comment, CommentByStranger,
    TokenClosed, TokenOfNobody,
    Alive, AliveAsBefore, AliveOfAnother, AliveTooLate, Done, DoneOfAnother, DoneTooLate, DoneOtherwise,
    GaveUp, GaveUpForGood, GaveUpBefore, GaveBack, GaveBackByOther,
}

/// The kinds that tell the cases of an event apart. There is no `_` here: a new event, outcome
/// or time limit does not build before the table has its row.
fn kinds_of(event: &Event) -> &'static [Kind] {
    match event {
        Event::Start(_) => &[
            Kind::Start,
            Kind::StartElsewhere,
            Kind::StartTooLate,
            Kind::StartOfAnother,
        ],
        Event::Report(report) => match report.outcome {
            Outcome::Succeeded { .. } => &[Kind::Succeed, Kind::CalledBack],
            Outcome::Failed { .. } => &[
                Kind::Fail,
                Kind::FailForGood,
                Kind::CalledBackFailing,
                Kind::ReportOfPrevious,
                Kind::ReportOfAnother,
            ],
            Outcome::TimedOut {
                kind: TimeoutKind::StartToClose | TimeoutKind::Heartbeat,
            } => &[Kind::TimeOut, Kind::TimeOutForGood],
            Outcome::TimedOut {
                kind: TimeoutKind::ScheduleToClose,
            } => &[Kind::TimeOutWhole],
            Outcome::TimedOut {
                kind: TimeoutKind::ScheduleToStart,
            } => &[Kind::UnstartedTimeOut],
            Outcome::HandedOver => &[Kind::HandOver, Kind::HandOverAgain, Kind::HandOverOfAnother],
        },
        Event::Lost { .. } => &[
            Kind::Lost,
            Kind::LostForGood,
            Kind::LostPrevious,
            Kind::LostAnother,
        ],
        Event::Look => &[
            Kind::LookInVain,
            Kind::LookTooLate,
            Kind::LookOverdue,
            Kind::LookReminds,
            Kind::LookUncalled,
        ],
        Event::Cancel { .. } => &[Kind::Cancel],
        Event::Act(act) => match act.act {
            Act::Assign { .. } => &[
                Kind::Assign,
                Kind::AssignAnother,
                Kind::AssignUnasked,
                Kind::AssignByEscalated,
            ],
            Act::Start => &[Kind::Begin, Kind::BeginOfAnother, Kind::BeginUnallowed],
            Act::Delegate { .. } => &[Kind::Delegate, Kind::DelegateOfAnother, Kind::DelegatedOn],
            Act::Resolve => &[
                Kind::Resolve,
                Kind::ResolveByOwner,
                Kind::ResolveByStranger,
                Kind::ResolveOfNone,
            ],
            Act::FollowUp { .. } => &[Kind::PutOff, Kind::PutOffOfAnother],
            Act::Comment { .. } => &[Kind::Comment, Kind::CommentByStranger],
            Act::Claim => &[
                Kind::Claim,
                Kind::ClaimFromAnother,
                Kind::ClaimByStranger,
                Kind::ClaimUnallowed,
            ],
            Act::Release => &[
                Kind::Release,
                Kind::ReleaseOfAnother,
                Kind::ReleaseDelegated,
            ],
            Act::Complete { .. } => &[
                Kind::Complete,
                Kind::CompleteOfAnother,
                Kind::CompleteByAdmin,
                Kind::CompleteUnallowed,
                Kind::CompleteTooLate,
                Kind::CompleteDelegated,
            ],
            Act::Fail { .. } => &[
                Kind::GiveUp,
                Kind::GiveUpForGood,
                Kind::GiveUpOfAnother,
                Kind::FailDelegated,
            ],
        },
        Event::TokenClosed => &[Kind::TokenClosed, Kind::TokenOfNobody],
        Event::Said(said) => match &said.word {
            Word::Alive { .. } => &[
                Kind::Alive,
                Kind::AliveAsBefore,
                Kind::AliveOfAnother,
                Kind::AliveTooLate,
            ],
            Word::Ended(Outcome::Succeeded { .. }) => &[
                Kind::Done,
                Kind::DoneOfAnother,
                Kind::DoneTooLate,
                Kind::DoneOtherwise,
            ],
            Word::Ended(Outcome::Failed { .. } | Outcome::TimedOut { .. }) => {
                &[Kind::GaveUp, Kind::GaveUpForGood, Kind::GaveUpBefore]
            }
            // Nothing that a worker can say comes to this.
            Word::Ended(Outcome::HandedOver) => &[],
            Word::GivenBack => &[Kind::GaveBack, Kind::GaveBackByOther],
        },
    }
}

/// A task in a status, made so that an event of this kind means what the kind says.
fn subject(task_type: &str, status: TaskStatus, kind: Kind) -> TaskInstance {
    let policy = json!({ "maxRetries": 3, "retryInterval": 1000, "jitter": "NONE" });
    let candidates = json!({ "candidateUsers": ["ann", "bob"], "dueIn": 60_000 });
    let mut fields = json!({
        "type": task_type,
        "retryPolicy": policy,
        "assignment": candidates,
    });
    if task_type == POLLED {
        fields["type"] = json!("AUTOMATED");
        fields["executionConfig"] = json!({ "executor": "worker:gpu" });
    }
    let mut task = task(fields);
    task.status = status;
    match status {
        TaskStatus::Pending => {}
        TaskStatus::Assigned => task.assignee = Some("ann".to_owned()),
        TaskStatus::Running => {
            task.start_time = Some(at(1000));
            match task.task_type {
                TaskType::Manual => task.assignee = Some("ann".to_owned()),
                TaskType::Automated | TaskType::Integration => {
                    task.executor_id = WORKER.to_owned();
                    task.deadline_at = Some(at(61_000));
                    task.polled = super::workers::leased(&task, at(1000));
                }
            }
        }
        TaskStatus::RetryPending => {
            task.start_time = Some(at(1000));
            task.retries.policy = 1;
            task.next_retry_at = Some(at(20_000));
        }
        TaskStatus::Completed
        | TaskStatus::Failed
        | TaskStatus::Cancelled
        | TaskStatus::TimedOut => {
            task.end_time = Some(at(2000));
            task.expires_at = Some(at(2_000_000));
            task.due_at = None;
        }
    }
    match kind {
        Kind::StartTooLate | Kind::LookTooLate | Kind::CompleteTooLate => {
            task.timeouts.schedule_to_close = Some(NOW)
        }
        Kind::TimeOutForGood | Kind::GiveUpForGood => task.retry_policy = None,
        Kind::ClaimUnallowed | Kind::BeginUnallowed | Kind::CompleteUnallowed => {
            let security = &mut task.context.security_context;
            security.required_permissions = vec!["sign".to_owned()];
        }
        Kind::LookReminds => {
            if let Some(handling) = &mut task.handling {
                handling.due_date = Some(at(NOW));
            }
        }
        Kind::AssignByEscalated => {
            if let Some(handling) = &mut task.handling {
                handling.escalate_to = Some("eve".to_owned());
                handling.overdue_since = Some(at(1000));
            }
        }
        Kind::DelegatedOn
        | Kind::Resolve
        | Kind::ResolveByOwner
        | Kind::ResolveByStranger
        | Kind::CompleteDelegated
        | Kind::FailDelegated
        | Kind::ReleaseDelegated => {
            if let Some(handling) = &mut task.handling {
                handling.owner = task.assignee.as_ref().map(|_| "olga".to_owned());
            }
        }
        Kind::TokenClosed => task.task_token = Some("token".to_owned()),
        Kind::HandOverAgain | Kind::CalledBack | Kind::CalledBackFailing
            if task.status == TaskStatus::Running =>
        {
            task.elsewhere_since = Some(at(1000));
        }
        Kind::LookUncalled if task.deadline_at.is_some() => {
            task.elsewhere_since = Some(at(1000));
            task.deadline_at = Some(at(NOW));
        }
        Kind::LostForGood => task.losses = limits::MAX_LOSSES,
        Kind::LookOverdue if task.deadline_at.is_some() && task.polled.is_none() => {
            task.deadline_at = Some(Timestamp::from_millis(
                at(NOW).millis() - i64::try_from(LEASE_GRACE).unwrap(),
            ));
        }
        Kind::AliveAsBefore if task.lease().is_some() => {
            task.polled = super::workers::leased(&task, at(NOW));
        }
        Kind::AliveTooLate | Kind::DoneTooLate | Kind::LookOverdue => {
            if let Some(polled) = &mut task.polled
                && let Some(lease) = &mut polled.lease
            {
                lease.until = at(NOW);
            }
        }
        Kind::GaveUpForGood => task.retry_policy = None,
        _ => {}
    }
    with_end_of(kind, &mut task);
    task
}

/// Has a task remember the attempt whose end its worker tells again.
fn with_end_of(kind: Kind, task: &mut TaskInstance) {
    match kind {
        Kind::Done if task.status == TaskStatus::Completed => {
            task.executor_id = WORKER.to_owned();
            task.output = Some(json!(1));
        }
        Kind::GaveUp | Kind::GaveUpForGood | Kind::GaveUpBefore => {
            task.executor_id = WORKER.to_owned();
            task.attempts.push(Attempt {
                attempt: 1,
                started_at: None,
                ended_at: at(1500),
                executor_id: WORKER.to_owned(),
                error: Some(ErrorInfo::new("BUSY", "not now", at(1500))),
                next_retry_at: None,
            });
        }
        _ => {}
    }
}

/// The word of a table for a task that workers poll for.
const POLLED: &str = "POLLED";

/// A cell: the next status and what is owed (`>` a dispatch, `!` an announcement, `?` a reminder, `*` to
/// be watched); `=` for a repeat; or why nothing changed.
fn cell(task: &TaskInstance, event: &Event) -> String {
    let owed = |effect| match effect {
        Effect::None => "",
        Effect::Dispatch { .. } => ">",
        Effect::Announce => "!",
        Effect::Remind(_) => "?",
        Effect::Watch => "*",
    };
    match transition(task, event, facts(at(NOW))) {
        Ok(Transition::Changed { task, effect }) => {
            format!("{}{}", task.status.as_str(), owed(effect))
        }
        Ok(Transition::Repeated(effect)) => format!("={}", owed(effect)),
        Err(Rejection::Stale { .. }) => "stale".to_owned(),
        Err(Rejection::IllegalState { status }) => {
            assert_eq!(status, task.status);
            "illegal".to_owned()
        }
        Err(Rejection::Late { .. }) => "late".to_owned(),
        Err(Rejection::NotLeased) => "not leased".to_owned(),
        Err(Rejection::AlreadyClaimed) => "claimed".to_owned(),
        Err(Rejection::NotTheAssignee) => "not theirs".to_owned(),
        Err(Rejection::NotACandidate) => "no candidate".to_owned(),
        Err(Rejection::Delegated) => "delegated".to_owned(),
        Err(Rejection::NotDelegated) => "not delegated".to_owned(),
        Err(Rejection::PermissionDenied { .. }) => "denied".to_owned(),
    }
}

/// Every status and every kind of event, so that no pair can be left out.
fn table(task_type: &str) -> String {
    let mut text = " ".repeat(17);
    for status in TaskStatus::ALL {
        write!(text, "|{:<14}", status.as_str()).unwrap();
    }
    text.truncate(text.trim_end().len());
    text.push('\n');
    for kind in Kind::ALL {
        let name = format!("{kind:?}");
        write!(text, "{name:<17}").unwrap();
        for status in TaskStatus::ALL {
            let task = subject(task_type, status, *kind);
            write!(text, "|{:<14}", cell(&task, &event(*kind, &task))).unwrap();
        }
        text.truncate(text.trim_end().len());
        text.push('\n');
    }
    text
}

fn check_table(task_type: &str, expected: &str) {
    let actual = table(task_type);
    assert!(
        actual.trim() == expected.trim(),
        "the table of {task_type} is\n{actual}"
    );
}

#[test]
fn every_kind_is_told_apart_from_its_event() {
    for kind in Kind::ALL {
        let task = subject("AUTOMATED", TaskStatus::Running, *kind);
        assert!(kinds_of(&event(*kind, &task)).contains(kind), "{kind:?}");
    }
}
