//! What people do in a case: which task is meant, who acts, and with which rights.

use taskmill::ids::TaskId;
use taskmill::security::{ADMINISTER_TASKS, Caller};
use taskmill::task::lifecycle::Act;

use super::case::START;
use super::file::{GivenUp, PersonAct, WhoSpec};
use super::story::Story;

/// An act of a person on a task that is there.
pub struct Meant {
    pub task: TaskId,
    pub person: Caller,
    pub act: Act,
}

/// What an act of a case means for the tasks that there are, for a case with this caller; or why
/// it means nothing.
pub fn meant(act: &PersonAct, caller: &Caller, story: &Story) -> Result<Meant, String> {
    let found = story.tasks.get(&act.task);
    let task = found.ok_or_else(|| format!("there is no task {}", act.task))?;
    let id = task["id"].as_str().and_then(|id| id.parse().ok());
    let id = id.ok_or_else(|| format!("{} is no task", act.task))?;
    let (done, by) = done(act)?;
    let whoever = task["assignee"].as_str().map(str::to_owned);
    let person = match (by.or_else(|| act.by.clone()).or(whoever), &done) {
        (_, Act::Assign { .. }) if act.by.is_none() => administrator(caller),
        (Some(name), _) => person(&name, act, caller),
        (None, _) => person("nobody", act, caller),
    };
    Ok(Meant {
        task: TaskId::new(id),
        person,
        act: done,
    })
}

/// What is done, and who does it where the act itself says so.
type Done = (Act, Option<String>);

fn done(act: &PersonAct) -> Result<Done, String> {
    let of = |who: &Option<WhoSpec>, act: Act| who.as_ref().and_then(|who| by(who, act));
    let plain = |act: Option<Act>| act.map(|act| (act, None));
    let assigned = |assignee| Act::Assign { assignee };
    let delegated = |assignee| Act::Delegate { assignee };
    let stated = [
        act.claim.clone().map(|name| (Act::Claim, Some(name))),
        of(&act.start, Act::Start),
        of(&act.release, Act::Release),
        of(&act.resolve, Act::Resolve),
        plain(act.assign.clone().map(assigned)),
        plain(act.delegate.clone().map(delegated)),
        plain(act.follow_up.map(put_off)),
        plain(act.comment.clone().map(|text| Act::Comment { text })),
        plain(act.complete.clone().map(|output| Act::Complete { output })),
        plain(act.fail.clone().map(given_up)),
    ];
    let mut stated = stated.into_iter().flatten();
    match (stated.next(), stated.next()) {
        (Some(done), None) => Ok(done),
        _ => Err(
            "a person does exactly one of claim, start, release, assign, delegate, resolve, followUp, comment, complete and fail"
                .to_owned(),
        ),
    }
}

fn by(who: &WhoSpec, act: Act) -> Option<Done> {
    match who {
        WhoSpec::Person(name) => Some((act, Some(name.clone()))),
        WhoSpec::Whoever(true) => Some((act, None)),
        WhoSpec::Whoever(false) => None,
    }
}

fn put_off(until: Option<u64>) -> Act {
    Act::FollowUp {
        until: until.map(|millis| START.plus_millis(millis)),
    }
}

fn given_up(fail: GivenUp) -> Act {
    Act::Fail {
        code: fail.code,
        message: fail.message,
        details: fail.details,
        permanent: fail.permanent,
    }
}

fn person(name: &str, act: &PersonAct, caller: &Caller) -> Caller {
    let is_caller = caller.user_id == name;
    let rights = |stated: &Option<Vec<String>>, own: &[String]| match stated {
        Some(stated) => stated.clone(),
        None if is_caller => own.to_vec(),
        None => Vec::new(),
    };
    Caller {
        user_id: name.to_owned(),
        roles: rights(&act.roles, &caller.roles),
        permissions: rights(&act.permissions, &caller.permissions),
        ..caller.clone()
    }
}

fn administrator(caller: &Caller) -> Caller {
    Caller {
        user_id: "administrator".to_owned(),
        roles: Vec::new(),
        permissions: vec![ADMINISTER_TASKS.to_owned()],
        ..caller.clone()
    }
}
