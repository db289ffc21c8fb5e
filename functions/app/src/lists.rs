//! Lists of a tenant's tasks and workflows, by what callers ask for, a page at a time.
//!
//! The indexes answer by one status at a time. A list that names none goes through all of them,
//! the open ones first; its cursor says where it is, and when the list began, so that "now" is the
//! same for all of its pages.

use futures::FutureExt;
use futures::future::BoxFuture;
use taskmill::Timestamp;
use taskmill::ids::{DefinitionId, TenantId, WorkflowId};
use taskmill::task::TaskStatus;
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::cursor::BadCursor;
use taskmill_aws::store::{
    self, DateRange, Page, PageRequest, TaskFilter, TaskSummary, WorkflowSummary,
};

use crate::app::App;
use crate::refusal::{Fault, Refusal};

/// Days before its end that a list of ended records covers when it names no beginning: there is a
/// question for each day.
const DAYS: u32 = 30;

/// When what is listed was created.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Created {
    /// From here on. By default what is open is listed from the beginning of time, and what ended
    /// from 30 days before `to`.
    pub from: Option<Timestamp>,
    /// Before this; now by default.
    pub to: Option<Timestamp>,
}

/// Which tasks.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaskQuery {
    /// Of this status.
    pub status: Option<TaskStatus>,
    /// Of this workflow.
    pub workflow: Option<WorkflowId>,
    /// That meet this.
    pub filter: TaskFilter,
    /// Created then.
    pub created: Created,
}

/// Which workflows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WorkflowQuery {
    /// Of this status.
    pub status: Option<WorkflowStatus>,
    /// Of this definition.
    pub definition: Option<DefinitionId>,
    /// Created then.
    pub created: Created,
}

/// How much of a list, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Entries of the page, at least one.
    pub limit: usize,
    /// The `next` of the page before; none for the first one.
    pub cursor: Option<String>,
}

/// A page of tasks. Of one status, or of one definition of workflows, the newest come first.
///
/// # Errors
/// A [`Refusal`]: `MALFORMED` for a cursor of another list, `OUT_OF_RANGE` for a range of too many
/// days.
pub async fn tasks(
    app: &App,
    tenant: &TenantId,
    query: &TaskQuery,
    wanted: &Wanted,
) -> Result<Page<TaskSummary>, Refusal> {
    if let Some(workflow) = query.workflow {
        return tasks_of(app, tenant, workflow, query, wanted).await;
    }
    let statuses = query
        .status
        .map_or(TaskStatus::ALL.to_vec(), |one| vec![one]);
    let (filter, created) = (&query.filter, query.created);
    let of_status = |status: TaskStatus, now, request| {
        let range = range(created, status.is_terminal(), now);
        let store = app.store();
        async move {
            let page = store.tasks_by_status(tenant, status, filter, range, &request);
            page.await
        }
        .boxed()
    };
    through(app, &statuses, wanted, of_status).await
}

/// The tasks of one workflow, of which the index knows the status alone: a page may have fewer than
/// were asked for, and yet more to come.
async fn tasks_of(
    app: &App,
    tenant: &TenantId,
    workflow: WorkflowId,
    query: &TaskQuery,
    wanted: &Wanted,
) -> Result<Page<TaskSummary>, Refusal> {
    let of_workflow = |status: Option<TaskStatus>, _, request| {
        let store = app.store();
        async move {
            match status {
                None => store.tasks_of_workflow(tenant, workflow, &request).await,
                Some(status) => {
                    store
                        .tasks_of_workflow_by_status(tenant, workflow, status, &request)
                        .await
                }
            }
        }
        .boxed()
    };
    let mut page = through(app, &[query.status], wanted, of_workflow).await?;
    page.items.retain(|task| is_meant(task, query));
    Ok(page)
}

fn is_meant(task: &TaskSummary, query: &TaskQuery) -> bool {
    let TaskFilter {
        definition,
        task_type,
        workflow_definition,
    } = &query.filter;
    let is = |asked: &Option<DefinitionId>, has: Option<&DefinitionId>| {
        asked.as_ref().is_none_or(|asked| has == Some(asked))
    };
    is(definition, Some(&task.task_definition_id))
        && is(workflow_definition, task.workflow_definition_id.as_ref())
        && task_type.is_none_or(|asked| asked == task.task_type)
        && contains(query.created, task.created_at)
}

fn contains(created: Created, at: Timestamp) -> bool {
    created.from.is_none_or(|from| from <= at) && created.to.is_none_or(|to| at < to)
}

/// A page of workflows. Of one status, or of one definition, the newest come first.
///
/// # Errors
/// As of [`tasks`].
pub async fn workflows(
    app: &App,
    tenant: &TenantId,
    query: &WorkflowQuery,
    wanted: &Wanted,
) -> Result<Page<WorkflowSummary>, Refusal> {
    let created = query.created;
    if let Some(definition) = &query.definition {
        let of_definition = |(), now, request| {
            let range = range(created, false, now);
            let store = app.store();
            async move {
                let page = store.workflows_by_definition(tenant, definition, range, &request);
                page.await
            }
            .boxed()
        };
        let mut page = through(app, &[()], wanted, of_definition).await?;
        let is_meant = |one: &WorkflowSummary| query.status.is_none_or(|asked| asked == one.status);
        page.items.retain(is_meant);
        return Ok(page);
    }
    let statuses = query
        .status
        .map_or(WorkflowStatus::ALL.to_vec(), |one| vec![one]);
    let of_status = |status: WorkflowStatus, now, request| {
        let range = range(created, status.is_terminal(), now);
        let store = app.store();
        async move {
            let page = store.workflows_by_status(tenant, status, range, &request);
            page.await
        }
        .boxed()
    };
    through(app, &statuses, wanted, of_status).await
}

/// The range that a list covers. Of what ended there is a partition for each day.
fn range(created: Created, by_day: bool, now: Timestamp) -> DateRange {
    let to = created.to.unwrap_or(now.plus_millis(1));
    let from = created.from.unwrap_or_else(|| match by_day {
        true => DateRange::last_days(to, DAYS).from,
        false => Timestamp::from_millis(i64::MIN),
    });
    DateRange { from, to }
}

/// Where a list is.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    /// Which of its parts.
    part: usize,
    /// When it began.
    began: Timestamp,
    /// Where in the part; none at its beginning.
    within: Option<String>,
}

impl Place {
    fn of(app: &App, wanted: &Wanted) -> Result<Self, BadCursor> {
        match &wanted.cursor {
            Some(cursor) => Self::decode(cursor).ok_or(BadCursor),
            None => Ok(Self {
                part: 0,
                began: app.now(),
                within: None,
            }),
        }
    }

    fn encode(&self) -> String {
        let within = self.within.as_deref().unwrap_or_default();
        format!("{}.{}.{within}", self.part, self.began.millis())
    }

    fn decode(text: &str) -> Option<Self> {
        let (part, rest) = text.split_once('.')?;
        let (began, within) = rest.split_once('.')?;
        Some(Self {
            part: part.parse().ok()?,
            began: Timestamp::from_millis(began.parse().ok()?),
            within: Some(within.to_owned()).filter(|within| !within.is_empty()),
        })
    }
}

/// A page of a list of several parts, one after the other.
async fn through<'f, P: Copy, T>(
    app: &App,
    parts: &[P],
    wanted: &Wanted,
    ask: impl Fn(P, Timestamp, PageRequest) -> BoxFuture<'f, Result<Page<T>, store::Error>>,
) -> Result<Page<T>, Refusal> {
    let mut place = Place::of(app, wanted).map_err(store::Error::from)?;
    if place.part >= parts.len() {
        return Err(Fault::from(store::Error::from(BadCursor)).into());
    }
    let mut items = Vec::new();
    while let Some(part) = parts.get(place.part) {
        let room = wanted.limit.saturating_sub(items.len());
        if room == 0 {
            break;
        }
        let request = match place.within.take() {
            None => PageRequest::first(room),
            Some(within) => PageRequest::after(room, within),
        };
        let page = ask(*part, place.began, request).await?;
        items.extend(page.items);
        match page.next {
            None => place.part += 1,
            // Also a page that is not full may have cost all that one call may.
            Some(next) => {
                place.within = Some(next);
                break;
            }
        }
    }
    let next = (place.part < parts.len()).then(|| place.encode());
    Ok(Page { items, next })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back_from_its_cursor() {
        let began = Timestamp::from_millis(1_795_296_000_000);
        for (part, within) in [(0, None), (7, Some("e30-_".to_owned()))] {
            let place = Place {
                part,
                began,
                within,
            };
            assert_eq!(Place::decode(&place.encode()), Some(place));
        }
        for forged in ["", "1", "1.2", "x.1.", "1.x.", "-1.1.", "1.1e3.a"] {
            assert_eq!(Place::decode(forged), None, "{forged}");
        }
    }

    #[test]
    fn what_is_open_is_listed_from_the_beginning_and_what_ended_by_days() {
        let now = Timestamp::from_millis(1_795_296_000_000);
        let created = Created::default();
        let open = range(created, false, now);
        let ended = range(created, true, now);
        assert_eq!(
            (open.to, ended.to),
            (now.plus_millis(1), now.plus_millis(1))
        );
        assert_eq!(open.from, Timestamp::from_millis(i64::MIN));
        assert_eq!(now.millis_since(ended.from), 30 * 24 * 3_600_000 - 1);
        let given = Created {
            from: Some(now),
            to: Some(now.plus_millis(5)),
        };
        let expected = DateRange {
            from: now,
            to: now.plus_millis(5),
        };
        assert_eq!(range(given, true, now), expected);
    }
}
