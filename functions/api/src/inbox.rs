//! How people find their tasks, and the forms by which they do them.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use taskmill::Timestamp;
use taskmill::codes::refusal;
use taskmill::ids::TaskId;
use taskmill::limits;
use taskmill::task::{TaskPriority, TaskStatus};
use taskmill_app::people::{self, InboxRequest};
use utoipa::IntoParams;

use crate::answer;
use crate::document::{Overseeing, Reading};
use crate::identity::Who;
use crate::page::{self, List};
use crate::parameters::{Fields, Id};
use crate::problem::Problem;
use crate::router::Api;
use crate::wire::inbox::{Form, Inbox};
use crate::wire::words::{PriorityWord, TaskStatusWord, WhoseWord};

/// Whose open tasks are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Whose {
    /// What the caller has and may claim.
    All,
    /// What the caller has.
    Mine,
    /// What the caller may claim, and what was escalated to them.
    Claimable,
}

/// Which tasks of an inbox are listed.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct InboxFields {
    /// Whose: ALL by default. Not with `group`.
    #[param(inline, value_type = Option<WhoseWord>)]
    pub whose: Option<Whose>,
    /// What the members of this group may claim, and what was escalated to it. It is one of the
    /// caller's roles, or the caller administers tasks.
    #[param(value_type = String, required = false, min_length = 1, max_length = 256)]
    pub group: Option<String>,
    /// Those of this status.
    #[param(inline, value_type = Option<TaskStatusWord>)]
    pub status: Option<TaskStatus>,
    /// Those of this priority.
    #[param(inline, value_type = Option<PriorityWord>)]
    pub priority: Option<TaskPriority>,
    /// Those that are due before this time.
    #[param(value_type = Option<String>, format = "date-time")]
    pub due_before: Option<Timestamp>,
    /// Whether what was put off is shown before its time; false by default.
    #[serde(default)]
    #[param(required = false)]
    pub with_put_off: bool,
    /// Entries of the page; 100 by default.
    #[param(value_type = usize, required = false, minimum = 1, maximum = 1000)]
    pub limit: Option<usize>,
    /// The `nextCursor` of the page before, for the same query.
    #[param(value_type = String, required = false)]
    pub cursor: Option<String>,
}

impl InboxFields {
    fn whose(&mut self) -> Result<people::Whose, Problem> {
        match (self.whose, self.group.take()) {
            (None | Some(Whose::All), None) => Ok(people::Whose::All),
            (Some(Whose::Mine), None) => Ok(people::Whose::Mine),
            (Some(Whose::Claimable), None) => Ok(people::Whose::Claimable),
            (None, Some(group)) => named(group).map(people::Whose::Group),
            (Some(_), Some(_)) => Err(Problem::malformed(
                "whose and group are two questions: ask one of them",
            )),
        }
    }
}

fn named(group: String) -> Result<String, Problem> {
    let most = limits::REFERENCE_CHARS;
    match (1..=most).contains(&group.chars().count()) {
        true => Ok(group),
        false => Err(Problem::new(
            refusal::OUT_OF_RANGE,
            format!("group has 1 to {most} characters"),
        )),
    }
}

/// Lists the caller's open tasks: the urgent first, then what is due soonest.
#[utoipa::path(
    get, path = "/v1/inbox", tag = "people", operation_id = "listInbox",
    params(InboxFields),
    responses((status = 200, description = "A page of them.", body = Inbox), Overseeing),
)]
pub(crate) async fn list_inbox(
    State(api): State<Api>,
    Who(caller): Who,
    Fields(mut fields): Fields<InboxFields>,
) -> Result<Response, Problem> {
    let request = InboxRequest {
        whose: fields.whose()?,
        status: fields.status,
        priority: fields.priority,
        due_before: fields.due_before,
        with_put_off: fields.with_put_off,
    };
    let wanted = page::request(fields.limit, fields.cursor)?;
    let found = people::inbox(api.app(), &caller, &request, &wanted).await?;
    Ok(answer::ok(List::from(found)))
}

/// Shows how the output of a task is asked for: its schema, and hints for whoever shows the form.
#[utoipa::path(
    get, path = "/v1/tasks/{id}/form", tag = "people", operation_id = "getTaskForm",
    params(("id" = String, Path, format = "uuid")),
    responses((status = 200, description = "The form.", body = Form), Reading),
)]
pub(crate) async fn get_task_form(
    State(api): State<Api>,
    Who(caller): Who,
    Id(id): Id<TaskId>,
) -> Result<Response, Problem> {
    Ok(answer::ok(people::form(api.app(), &caller, id).await?))
}
