//! What people do with their tasks, and the lists and forms by which they find and do them.
//!
//! Each act is one conditional write, so that of two people who claim at once one wins and the
//! other is told. Who may is decided by the core, on the record that is written. What the act
//! means for the task's workflow is hinted after the write; should the hint be lost, the
//! workflow's due time finds out.

use serde_json::{Value, json};
use taskmill::codes::refusal;
use taskmill::ids::TaskId;
use taskmill::security::Caller;
use taskmill::task::lifecycle::{Act, Event, PersonsAct};
use taskmill::task::{TaskInstance, TaskPriority, TaskStatus};
use taskmill::task::{TaskType, form, output};
use taskmill::{Timestamp, limits};
use taskmill_aws::store::{Inbox, InboxEntry, InboxFilter, Page, PageRequest};

use crate::app::App;
use crate::create_task;
use crate::refusal::Refusal;
use crate::requests;
use crate::tasks;

/// Does with a task what a person asks.
///
/// # Errors
/// A [`Refusal`]: nothing was changed, unless it is a fault after the write. An output that breaks
/// the task's schema is refused with `INVALID_INPUT`, and the task stays theirs.
pub async fn act(
    app: &App,
    person: &Caller,
    id: TaskId,
    act: Act,
) -> Result<TaskInstance, Refusal> {
    let task = create_task::of_tenant(app, &person.tenant_id, id).await?;
    let event = event(app, person, &task, act).await?;
    let applied = tasks::apply_to(app, id, Some(task), &event).await?;
    tasks::settle(app, id, applied).await
}

/// What a person asks of a task, if it can be asked.
pub(crate) async fn event(
    app: &App,
    person: &Caller,
    task: &TaskInstance,
    act: Act,
) -> Result<Event, Refusal> {
    requests::check_text("person", Some(&person.user_id))?;
    check(app, task, &act).await?;
    Ok(Event::Act(Box::new(PersonsAct {
        by: person.clone(),
        act,
    })))
}

/// Checks what a person says against the definition of the task and the limits of a payload.
async fn check(app: &App, task: &TaskInstance, act: &Act) -> Result<(), Refusal> {
    let now = app.now();
    match act {
        Act::Complete { output } if task.task_type == TaskType::Manual => {
            let definition = app.inner.definitions.of_task(task).await?;
            output::check(output, &definition.output, refusal::INVALID_INPUT, now)?;
        }
        Act::Fail { code, .. } => requests::check_text("code", Some(code))?,
        Act::Assign { assignee } | Act::Delegate { assignee } => {
            requests::check_text("assignee", Some(assignee))?;
        }
        Act::Comment { text } => {
            requests::check_length("text", Some(text), limits::COMMENT_CHARS)?;
        }
        Act::FollowUp { until: Some(until) } => check_until(*until, now)?,
        Act::Complete { .. }
        | Act::Claim
        | Act::Start
        | Act::Release
        | Act::Resolve
        | Act::FollowUp { until: None } => {}
    }
    Ok(())
}

/// A task is put off to a time that comes, and not for ever.
fn check_until(until: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    if until > now && until <= now.plus_millis(limits::TIMER_MILLIS) {
        return Ok(());
    }
    let message = "until must lie ahead, and within a year";
    Err(Refusal::new(refusal::INVALID_INPUT, message))
}

/// Whose open tasks a person asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Whose {
    /// What they have and what they may claim.
    #[default]
    All,
    /// What they have.
    Mine,
    /// What they may claim, and what was escalated to them.
    Claimable,
    /// What the members of one of their groups may claim, and what was escalated to it.
    Group(String),
}

/// Which of a person's tasks are listed: those that meet everything that is set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct InboxRequest {
    /// Whose.
    pub whose: Whose,
    /// Tasks of this status.
    pub status: Option<TaskStatus>,
    /// Tasks of this priority.
    pub priority: Option<TaskPriority>,
    /// Tasks that are due before this time.
    pub due_before: Option<Timestamp>,
    /// Whether what was put off is shown before its time.
    pub with_put_off: bool,
}

/// A person's open tasks, the urgent first, then what is due soonest.
///
/// # Errors
/// `PERMISSION_DENIED` for a group that is not theirs, unless they may administer tasks;
/// `MALFORMED` for a cursor that is not of this list; a fault of the store.
pub async fn inbox(
    app: &App,
    person: &Caller,
    request: &InboxRequest,
    page: &PageRequest,
) -> Result<Page<InboxEntry>, Refusal> {
    let filter = InboxFilter {
        status: request.status,
        priority: request.priority,
        due_before: request.due_before,
        visible_at: (!request.with_put_off).then(|| app.now()),
    };
    let inboxes = inboxes(person, &request.whose)?;
    let listed = app
        .store()
        .inbox(&person.tenant_id, &inboxes, &filter, page);
    Ok(listed.await?)
}

fn inboxes<'a>(person: &'a Caller, whose: &'a Whose) -> Result<Vec<Inbox<'a>>, Refusal> {
    let mine = Inbox::Assignee(&person.user_id);
    let claimable = || {
        let groups = person.roles.iter().map(|role| Inbox::Group(role));
        [Inbox::User(&person.user_id), Inbox::Everybody]
            .into_iter()
            .chain(groups)
    };
    match whose {
        Whose::All => Ok(std::iter::once(mine).chain(claimable()).collect()),
        Whose::Mine => Ok(vec![mine]),
        Whose::Claimable => Ok(claimable().collect()),
        Whose::Group(name) if person.roles.contains(name) || person.is_administrator() => {
            Ok(vec![Inbox::Group(name)])
        }
        Whose::Group(name) => {
            let message = format!("{} is not of the group {name}", person.user_id);
            Err(Refusal::new(refusal::PERMISSION_DENIED, message))
        }
    }
}

/// The form by which a person gives a task's output: `schema` and `uiSchema`, with the task's
/// names for people.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's task; a fault.
pub async fn form(app: &App, person: &Caller, id: TaskId) -> Result<Value, Refusal> {
    let task = create_task::of_tenant(app, &person.tenant_id, id).await?;
    let compiled = app.inner.definitions.of_task(&task).await?;
    let definition = &compiled.definition;
    let mut form = form::of(&definition.output_schema);
    form["taskId"] = json!(task.id);
    form["name"] = json!(definition.name);
    form["description"] = json!(definition.description);
    form["taskReference"] = json!(task.task_reference);
    Ok(form)
}
