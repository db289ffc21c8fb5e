//! `taskmill task inbox|claim|release|assign|complete|fail`: what waits for people in a data
//! folder, and what they do with it.
//!
//! An act is written, and nothing is run: a later `run` or `resume` goes on from there. Whoever
//! holds the folder says who they are.

use taskmill::JsonObject;
use taskmill::security::Caller;
use taskmill::task::lifecycle::Act;
use taskmill::task::{TaskInstance, TaskType};
use taskmill_app::{people, views};
use taskmill_aws::store::TaskFilter;

use crate::args::{AssignArgs, CompleteArgs, FailArgs, InboxArgs, OnesTask};
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::{lists, local, output};

/// Lists what waits for people, the oldest first.
///
/// # Errors
/// The folder is in use or cannot be used.
pub async fn inbox(args: &InboxArgs) -> Result<Exit, Error> {
    let prepared = local::at_rest(&args.kept.data).await?;
    let store = prepared.app().store();
    let filter = TaskFilter {
        task_type: Some(TaskType::Manual),
        ..TaskFilter::default()
    };
    let mut found = lists::open_tasks(store, &args.kept.tenant, &filter).await?;
    if let Some(name) = &args.person {
        let person = Caller {
            tenant_id: args.kept.tenant.clone(),
            user_id: name.clone(),
            roles: args.roles.clone(),
            permissions: Vec::new(),
            environment_id: None,
        };
        let mut theirs = Vec::new();
        for summary in found {
            let task = store.task(summary.id).await?;
            if task.is_some_and(|task| concerns(&task, &person)) {
                theirs.push(summary);
            }
        }
        found = theirs;
    }
    found.sort_by_key(|one| one.created_at);
    output::print_list(&found, args.kept.output)?;
    Ok(Exit::Done)
}

/// Whether a person has a task, or may claim it.
fn concerns(task: &TaskInstance, person: &Caller) -> bool {
    match (&task.assignee, &task.handling) {
        (Some(assignee), _) => *assignee == person.user_id,
        (None, Some(handling)) => handling.is_candidate(person),
        (None, None) => false,
    }
}

/// Takes a task.
///
/// # Errors
/// The folder is in use or cannot be used, or the act is refused.
pub async fn claim(ones: OnesTask) -> Result<Exit, Error> {
    act(ones, Act::Claim).await
}

/// Gives a task back.
///
/// # Errors
/// As of [`claim`].
pub async fn release(ones: OnesTask) -> Result<Exit, Error> {
    act(ones, Act::Release).await
}

/// Gives a task to somebody.
///
/// # Errors
/// As of [`claim`].
pub async fn assign(args: AssignArgs) -> Result<Exit, Error> {
    let assignee = args.assignee;
    act(args.ones, Act::Assign { assignee }).await
}

/// Ends a task well.
///
/// # Errors
/// As of [`claim`].
pub async fn complete(args: CompleteArgs) -> Result<Exit, Error> {
    let output = Source::of(&args.result).read()?;
    act(args.ones, Act::Complete { output }).await
}

/// Ends an attempt at a task.
///
/// # Errors
/// As of [`claim`].
pub async fn fail(args: FailArgs) -> Result<Exit, Error> {
    let what = Act::Fail {
        code: args.code,
        message: args.message,
        details: JsonObject::new(),
        permanent: args.permanent,
    };
    act(args.ones, what).await
}

/// Does it, and prints the task as it is then.
async fn act(ones: OnesTask, what: Act) -> Result<Exit, Error> {
    let (id, kept) = (ones.task.id, ones.task.kept);
    let prepared = local::at_rest(&kept.data).await?;
    let person = Caller {
        tenant_id: kept.tenant.clone(),
        user_id: ones.person,
        roles: ones.roles,
        permissions: ones.permissions,
        environment_id: None,
    };
    let after = people::act(prepared.app(), &person, id, what).await?;
    let view = views::task(prepared.app(), &kept.tenant, id).await?;
    output::print(&view, kept.output)?;
    if !ones.quiet {
        let status = after.status.as_str();
        let whose = after.assignee.as_deref();
        let whose = whose.map_or(String::new(), |name| format!(", with {name}"));
        output::note(&format!("task {id} is {status}{whose}"));
    }
    Ok(Exit::Done)
}
