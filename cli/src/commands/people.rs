//! `taskmill inbox`, `claim`, `release`, `assign`, `complete` and `fail`: what waits for people,
//! and what they do with it.
//!
//! An act is written. In a stack its functions do what follows from it; in a folder nothing is
//! run, and a later `run` or `continue` goes on from there. Whoever may use the place says who
//! they are.

use taskmill::JsonObject;
use taskmill::ids::TenantId;
use taskmill::security::Caller;
use taskmill::task::lifecycle::Act;

use crate::args::{AssignArgs, CompleteArgs, FailArgs, InboxArgs, OnesTask};
use crate::exit::{Error, Exit};
use crate::input::Source;
use crate::output;
use crate::place::Place;

/// Lists what waits for people, the oldest first.
///
/// # Errors
/// The place cannot be used.
pub async fn inbox(args: InboxArgs, stack: Option<String>) -> Result<Exit, Error> {
    let place = Place::of(stack, args.at.place.data)?;
    let tenant = place.tenant(args.at.tenant)?;
    let person = args
        .person
        .map(|name| person(&tenant, name, args.roles, Vec::new()));
    let found = place.open().await?.inbox(&tenant, person.as_ref()).await?;
    output::print_list(&found, args.at.place.output)?;
    Ok(Exit::Done)
}

/// Takes a task.
///
/// # Errors
/// The place cannot be used, or the act is refused.
pub async fn claim(ones: OnesTask, stack: Option<String>) -> Result<Exit, Error> {
    act(ones, stack, Act::Claim).await
}

/// Gives a task back.
///
/// # Errors
/// As of [`claim`].
pub async fn release(ones: OnesTask, stack: Option<String>) -> Result<Exit, Error> {
    act(ones, stack, Act::Release).await
}

/// Gives a task to somebody.
///
/// # Errors
/// As of [`claim`].
pub async fn assign(args: AssignArgs, stack: Option<String>) -> Result<Exit, Error> {
    let assignee = args.assignee;
    act(args.ones, stack, Act::Assign { assignee }).await
}

/// Ends a task well.
///
/// # Errors
/// As of [`claim`].
pub async fn complete(args: CompleteArgs, stack: Option<String>) -> Result<Exit, Error> {
    let output = Source::of(&args.result).read()?;
    act(args.ones, stack, Act::Complete { output }).await
}

/// Ends an attempt at a task.
///
/// # Errors
/// As of [`claim`].
pub async fn fail(args: FailArgs, stack: Option<String>) -> Result<Exit, Error> {
    let what = Act::Fail {
        code: args.code,
        message: args.message,
        details: JsonObject::new(),
        permanent: args.permanent,
    };
    act(args.ones, stack, what).await
}

/// Does it, and prints the task as it is then.
async fn act(ones: OnesTask, stack: Option<String>, what: Act) -> Result<Exit, Error> {
    let (id, at) = (ones.id, ones.at);
    let place = Place::of(stack, at.place.data)?;
    let tenant = place.tenant(at.tenant)?;
    let person = person(&tenant, ones.person, ones.roles, ones.permissions);
    let (after, view) = place.open().await?.act(&person, id, what).await?;
    output::print(&view, at.place.output)?;
    if !ones.quiet {
        let status = after.status.as_str();
        let whose = after.assignee.as_deref();
        let whose = whose.map_or(String::new(), |name| format!(", with {name}"));
        output::note(&format!("task {id} is {status}{whose}"));
    }
    Ok(Exit::Done)
}

fn person(
    tenant: &TenantId,
    user_id: String,
    roles: Vec<String>,
    permissions: Vec<String>,
) -> Caller {
    Caller {
        tenant_id: tenant.clone(),
        user_id,
        roles,
        permissions,
        environment_id: None,
    }
}
