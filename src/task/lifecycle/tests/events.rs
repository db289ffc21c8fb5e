//! The events of each kind: what the table tells apart, as it happens to a task.

use serde_json::json;

use super::*;

/// What a worker says.
pub(super) fn said(of: ExecutionId, worker: &str, word: Word) -> Event {
    Event::Said(Box::new(Said {
        execution_id: of,
        executor_id: worker.to_owned(),
        word,
    }))
}

pub(super) fn event(kind: Kind, task: &TaskInstance) -> Event {
    let current = task.execution_id();
    let previous = ExecutionId::of_attempt(task.id, task.attempt() - 1);
    let another = ExecutionId::of_attempt(task.id, 77);
    let now = at(NOW);
    let reported = |of, outcome| Event::Report(report(of, now, outcome));
    let (ann, bob) = (|| "ann".to_owned(), || "bob".to_owned());
    match kind {
        Kind::Start | Kind::StartTooLate => Event::Start(start(current, now)),
        Kind::StartElsewhere => Event::Start(Start {
            executor_id: "worker-2".to_owned(),
            ..start(current, now)
        }),
        Kind::StartOfAnother => Event::Start(start(another, now)),
        Kind::HandOver | Kind::HandOverAgain => reported(current, Outcome::HandedOver),
        Kind::HandOverOfAnother => reported(another, Outcome::HandedOver),
        Kind::CalledBack => reported(current, succeeded(json!(1))),
        Kind::CalledBackFailing => reported(current, failed("BUSY")),
        Kind::Succeed => reported(current, succeeded(json!(1))),
        Kind::Fail => reported(current, failed("BUSY")),
        Kind::FailForGood => reported(current, failed(failure::INVALID_OUTPUT)),
        Kind::TimeOut | Kind::TimeOutForGood => {
            reported(current, timed_out(TimeoutKind::StartToClose))
        }
        Kind::TimeOutWhole => reported(current, timed_out(TimeoutKind::ScheduleToClose)),
        Kind::UnstartedTimeOut => reported(current, timed_out(TimeoutKind::ScheduleToStart)),
        Kind::ReportOfPrevious => reported(previous, failed("BUSY")),
        Kind::ReportOfAnother => reported(another, failed("BUSY")),
        Kind::Lost | Kind::LostForGood => Event::Lost {
            execution_id: current,
        },
        Kind::LostPrevious => Event::Lost {
            execution_id: previous,
        },
        Kind::LostAnother => Event::Lost {
            execution_id: another,
        },
        Kind::LookInVain
        | Kind::LookTooLate
        | Kind::LookUncalled
        | Kind::LookOverdue
        | Kind::LookReminds => Event::Look,
        Kind::Cancel => Event::Cancel {
            reason: "not wanted".to_owned(),
        },
        Kind::Assign => acts("root", Act::Assign { assignee: ann() }),
        Kind::AssignAnother => acts("root", Act::Assign { assignee: bob() }),
        Kind::AssignUnasked => acts("ann", Act::Assign { assignee: bob() }),
        Kind::Claim | Kind::ClaimUnallowed => acts("ann", Act::Claim),
        Kind::ClaimFromAnother => acts("bob", Act::Claim),
        Kind::ClaimByStranger => acts("eve", Act::Claim),
        Kind::Release => acts("ann", Act::Release),
        Kind::ReleaseOfAnother => acts("bob", Act::Release),
        Kind::Complete | Kind::CompleteUnallowed | Kind::CompleteTooLate => acts("ann", complete()),
        Kind::CompleteOfAnother => acts("bob", complete()),
        Kind::CompleteByAdmin => acts("root", complete()),
        Kind::GiveUp | Kind::GiveUpForGood => acts("ann", give_up()),
        Kind::GiveUpOfAnother => acts("bob", give_up()),
        Kind::AssignByEscalated => acts("eve", Act::Assign { assignee: bob() }),
        Kind::Begin | Kind::BeginUnallowed => acts("ann", Act::Start),
        Kind::BeginOfAnother => acts("bob", Act::Start),
        Kind::Delegate | Kind::DelegatedOn => acts("ann", Act::Delegate { assignee: bob() }),
        Kind::DelegateOfAnother => acts("eve", Act::Delegate { assignee: bob() }),
        Kind::Resolve | Kind::ResolveOfNone => acts("ann", Act::Resolve),
        Kind::ResolveByOwner => acts("olga", Act::Resolve),
        Kind::ResolveByStranger => acts("bob", Act::Resolve),
        Kind::CompleteDelegated => acts("ann", complete()),
        Kind::FailDelegated => acts("ann", give_up()),
        Kind::ReleaseDelegated => acts("ann", Act::Release),
        Kind::PutOff => acts("ann", put_off()),
        Kind::PutOffOfAnother => acts("bob", put_off()),
        Kind::Comment => acts("bob", comment()),
        Kind::CommentByStranger => acts("eve", comment()),
        Kind::TokenClosed | Kind::TokenOfNobody => Event::TokenClosed,
        Kind::Alive | Kind::AliveTooLate => {
            let progress = Some(json!({ "done": 3 }));
            said(current, WORKER, Word::Alive { progress })
        }
        Kind::AliveAsBefore => said(current, WORKER, Word::Alive { progress: None }),
        Kind::AliveOfAnother => said(another, WORKER, Word::Alive { progress: None }),
        Kind::Done | Kind::DoneTooLate => said(current, WORKER, Word::Ended(succeeded(json!(1)))),
        Kind::DoneOtherwise => said(current, WORKER, Word::Ended(succeeded(json!(2)))),
        Kind::DoneOfAnother => said(current, "worker-2", Word::Ended(succeeded(json!(1)))),
        Kind::GaveUp | Kind::GaveUpForGood => said(current, WORKER, Word::Ended(failed("BUSY"))),
        Kind::GaveUpBefore => said(previous, WORKER, Word::Ended(failed("BUSY"))),
        Kind::GaveBack => said(current, WORKER, Word::GivenBack),
        Kind::GaveBackByOther => said(current, "worker-2", Word::GivenBack),
    }
}

pub(super) fn complete() -> Act {
    Act::Complete { output: json!(1) }
}

fn put_off() -> Act {
    Act::FollowUp {
        until: Some(at(50_000)),
    }
}

pub(super) fn comment() -> Act {
    Act::Comment {
        text: "ask cem".to_owned(),
    }
}

pub(super) fn give_up() -> Act {
    Act::Fail {
        code: "BUSY".to_owned(),
        message: "not today".to_owned(),
        details: JsonObject::new(),
        permanent: false,
    }
}

/// What a person does; root may administer tasks.
pub(super) fn acts(user: &str, act: Act) -> Event {
    let permissions = match user {
        "root" => vec![ADMINISTER_TASKS],
        _ => vec![],
    };
    let by = json!({ "tenantId": "acme", "userId": user, "permissions": permissions });
    let by = serde_json::from_value(by).unwrap();
    Event::Act(Box::new(PersonsAct { by, act }))
}
