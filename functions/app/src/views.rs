//! Reading: tasks, workflows and schedules as somebody sees them.
//!
//! What their definitions call sensitive is left out for those who are not cleared for it. The
//! variables of a workflow have no schema of their own: who may not see all that its tasks and its
//! input may have put into them sees none of them.

use std::collections::BTreeMap;
use std::pin::pin;

use futures::stream::{self, StreamExt, TryStreamExt};
use serde_json::{Value, json};
use taskmill::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use taskmill::limits::{ACTS_LISTED, COMPLETED_TASKS_LISTED, TASKS_SHOWN};
use taskmill::schedule::Schedule;
use taskmill::security::Caller;
use taskmill::security::redaction::{MASK, Redaction};
use taskmill::task::audit::Entry;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::{Plan, WorkflowInstance, timeline};
use taskmill_aws::store::PageRequest;

use crate::app::App;
use crate::create_task;
use crate::lists::{self, TaskQuery, Wanted};
use crate::refusal::{Fault, Refusal};
use crate::workflows;

/// Tasks that are read side by side.
const SIDE_BY_SIDE: usize = 8;

/// A task.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's task.
pub async fn task(app: &App, reader: &Caller, id: TaskId) -> Result<Value, Refusal> {
    let task = create_task::of_tenant(app, &reader.tenant_id, id).await?;
    Ok(of_task(app, reader, &task).await?)
}

/// A workflow with all its tasks, in the order of their creation.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's workflow.
pub async fn workflow(app: &App, reader: &Caller, id: WorkflowId) -> Result<Value, Refusal> {
    let tenant = &reader.tenant_id;
    let instance = workflows::of_tenant(app, tenant, id).await?;
    let tasks = tasks_of(app, tenant, id).await?;
    let completed = tasks
        .iter()
        .filter(|task| task.status == TaskStatus::Completed)
        .map(|task| task.id);
    let completed: Vec<TaskId> = completed.collect();
    let surplus = completed.len().saturating_sub(COMPLETED_TASKS_LISTED);
    let whole: Vec<(Value, Classified)> = stream::iter(&tasks)
        .map(|task| whole(app, task))
        .buffered(SIDE_BY_SIDE)
        .try_collect()
        .await?;
    let clearance = Clearance::of(app, reader, &instance).await?;
    let mut redaction = Redaction::new(&reader.permissions);
    let shown = |(view, classified): (Value, Classified)| {
        clearance.of_variables(classified.shown(view, &mut redaction))
    };
    let views = whole.into_iter().map(shown).collect();
    let view = instance.view(views, completed[surplus..].to_vec());
    Ok(clearance.shown(&instance, view, redaction))
}

/// Whether a workflow is there and this tenant's.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's workflow.
pub async fn check_workflow(app: &App, tenant: &TenantId, id: WorkflowId) -> Result<(), Refusal> {
    workflows::of_tenant(app, tenant, id).await.map(drop)
}

/// A workflow with its first tasks as lists show them, at most [`TASKS_SHOWN`].
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's workflow.
pub async fn workflow_in_short(
    app: &App,
    reader: &Caller,
    id: WorkflowId,
) -> Result<Value, Refusal> {
    let tenant = &reader.tenant_id;
    let instance = workflows::of_tenant(app, tenant, id).await?;
    let request = PageRequest::first(TASKS_SHOWN);
    let page = app.store().tasks_of_workflow(tenant, id, &request).await?;
    let mut tasks = page.items;
    tasks.sort_by_key(|task| task.created_at);
    let completed = tasks
        .iter()
        .filter(|task| task.status == TaskStatus::Completed);
    let completed = completed.map(|task| task.id).collect();
    let tasks = tasks.iter().map(|task| json!(task)).collect();
    let clearance = Clearance::of(app, reader, &instance).await?;
    let redaction = Redaction::new(&reader.permissions);
    Ok(clearance.shown(&instance, instance.view(tasks, completed), redaction))
}

/// When what of a workflow ran: a page of its tasks, each with all its attempts, and the time from
/// the acceptance of the workflow to its end, or to now.
///
/// # Errors
/// `NOT_FOUND`, also for another tenant's workflow; `MALFORMED` for a cursor of another list.
pub async fn timeline(
    app: &App,
    reader: &Caller,
    id: WorkflowId,
    wanted: &Wanted,
) -> Result<Value, Refusal> {
    let tenant = &reader.tenant_id;
    let instance = workflows::of_tenant(app, tenant, id).await?;
    let query = TaskQuery {
        workflow: Some(id),
        ..TaskQuery::default()
    };
    let page = lists::tasks(app, tenant, &query, wanted).await?;
    let mut found = pin!(
        stream::iter(page.items)
            .map(|summary| read(app, summary.id))
            .buffered(SIDE_BY_SIDE)
    );
    // What is hidden of the records is hidden in the messages of their errors. Of each no more is
    // kept than what is drawn: together they may be larger than the memory.
    let mut redaction = Redaction::new(&reader.permissions);
    let mut rows = Vec::new();
    while let Some(task) = found.try_next().await? {
        if let Some((task, view, classified)) = task {
            classified.shown(view, &mut redaction);
            rows.push(timeline::row(&task));
        }
    }
    let mut record = instance.view(Vec::new(), Vec::new());
    record["timeline"] = json!({
        "from": instance.created_at,
        "to": instance.end_time.unwrap_or_else(|| app.now()),
        "items": timeline::sorted(rows),
    });
    let clearance = Clearance::of(app, reader, &instance).await?;
    let mut shown = clearance.shown(&instance, record, redaction)["timeline"].take();
    if let Some(next) = page.next {
        shown["nextCursor"] = json!(next);
    }
    Ok(shown)
}

/// The tasks of a workflow, in the order of their creation.
///
/// # Errors
/// The store failed.
pub async fn tasks_of(
    app: &App,
    tenant: &TenantId,
    id: WorkflowId,
) -> Result<Vec<TaskInstance>, Fault> {
    let mut tasks = Vec::new();
    let mut request = PageRequest::first(PageRequest::MOST);
    loop {
        let page = app.store().tasks_of_workflow(tenant, id, &request).await?;
        let found: Vec<Option<TaskInstance>> = stream::iter(page.items)
            .map(|summary| app.store().task(summary.id))
            .buffered(SIDE_BY_SIDE)
            .try_collect()
            .await?;
        tasks.extend(found.into_iter().flatten());
        match page.next {
            None => break,
            Some(cursor) => request = PageRequest::after(PageRequest::MOST, cursor),
        }
    }
    tasks.sort_by(|a, b| {
        (a.created_at, &a.context.task_path).cmp(&(b.created_at, &b.context.task_path))
    });
    Ok(tasks)
}

/// A task that was loaded.
///
/// # Errors
/// The store failed.
pub async fn of_task(app: &App, reader: &Caller, task: &TaskInstance) -> Result<Value, Fault> {
    let (view, classified) = whole(app, task).await?;
    let mut redaction = Redaction::new(&reader.permissions);
    let view = classified.shown(view, &mut redaction);
    let view = match task.context.workflow_instance_id {
        Some(id) => match app.store().workflow(id).await? {
            Some(workflow) => {
                let clearance = Clearance::of(app, reader, &workflow).await?;
                clearance.of_variables(view)
            }
            None => Clearance::Nothing.of_variables(view),
        },
        None => view,
    };
    Ok(redaction.elsewhere(view))
}

/// A workflow that was loaded, without its tasks.
///
/// # Errors
/// The store failed.
pub async fn of_workflow(
    app: &App,
    reader: &Caller,
    workflow: &WorkflowInstance,
) -> Result<Value, Fault> {
    let clearance = Clearance::of(app, reader, workflow).await?;
    let redaction = Redaction::new(&reader.permissions);
    Ok(clearance.shown(workflow, workflow.view(Vec::new(), Vec::new()), redaction))
}

/// Schedules that were loaded: what each gives its workflow is classified by the definition that it
/// would be started of now.
///
/// # Errors
/// The store failed.
pub async fn of_schedules(
    app: &App,
    reader: &Caller,
    schedules: &[Schedule],
) -> Result<Vec<Value>, Fault> {
    let mut seen: BTreeMap<(&DefinitionId, String), Classified> = BTreeMap::new();
    let mut views = Vec::new();
    for schedule in schedules {
        let definition = &schedule.definition;
        let range = definition.workflow_version.as_ref();
        let range = range.map(ToString::to_string).unwrap_or_default();
        // Many schedules may start one definition.
        let started = (&definition.workflow_definition_id, range);
        if !seen.contains_key(&started) {
            let classified = Classified::of_what_starts(app, schedule).await?;
            seen.insert(started.clone(), classified);
        }
        views.push(seen[&started].of_schedule(reader, schedule));
    }
    Ok(views)
}

/// A schedule that was loaded, in the same way.
///
/// # Errors
/// The store failed.
pub async fn of_schedule(app: &App, reader: &Caller, schedule: &Schedule) -> Result<Value, Fault> {
    let classified = Classified::of_what_starts(app, schedule).await?;
    Ok(classified.of_schedule(reader, schedule))
}

/// What was found; none where nothing can be told of it, so that it is not known what it classifies.
pub(crate) fn known<T>(found: Result<T, Refusal>) -> Result<Option<T>, Fault> {
    match found {
        Ok(found) => Ok(Some(found)),
        Err(Refusal::Fault(Fault::Definition { .. })) => Ok(None),
        Err(Refusal::Refused { .. } | Refusal::Problems(_)) => Ok(None),
        Err(Refusal::Fault(fault)) => Err(fault),
    }
}

/// A task as whoever does it sees it: with everything, for it is what there is to do.
///
/// # Errors
/// The store failed.
pub async fn for_worker(app: &App, task: &TaskInstance) -> Result<Value, Fault> {
    let variables = app.store().variables_of(task).await?;
    let mut view = task.view(&variables, false);
    if task.last_act.is_some() {
        let entries = app.store().audit(task, ACTS_LISTED).await?;
        view["audit"] = entries.iter().map(Entry::view).collect();
    }
    Ok(view)
}

async fn read(app: &App, id: TaskId) -> Result<Option<(TaskInstance, Value, Classified)>, Fault> {
    let Some(task) = app.store().task(id).await? else {
        return Ok(None);
    };
    let (view, classified) = whole(app, &task).await?;
    Ok(Some((task, view, classified)))
}

/// A task with everything, and what its definition says of it.
pub(crate) async fn whole(app: &App, task: &TaskInstance) -> Result<(Value, Classified), Fault> {
    let view = for_worker(app, task).await?;
    let classified = match app.inner.definitions.of_task(task).await {
        Ok(compiled) => Classified::By {
            input: compiled.definition.input_schema.clone(),
            output: compiled.definition.output_schema.clone(),
        },
        Err(Fault::Definition { .. }) => Classified::Unknown,
        Err(fault) => return Err(fault),
    };
    Ok((view, classified))
}

/// What a definition says of the sensitivity of input and output.
pub(crate) enum Classified {
    /// These schemas do.
    By {
        /// Of the input.
        input: Value,
        /// Of the output.
        output: Value,
    },
    /// The definition cannot be read, so that nobody can tell.
    Unknown,
}

impl Classified {
    /// Of what has an input alone.
    pub(crate) fn input(schema: &Value) -> Self {
        Self::By {
            input: schema.clone(),
            output: Value::Bool(true),
        }
    }

    /// Of the definition that a schedule would start now.
    async fn of_what_starts(app: &App, schedule: &Schedule) -> Result<Self, Fault> {
        let definition = &schedule.definition;
        let (id, range) = (
            &definition.workflow_definition_id,
            definition.workflow_version.as_ref(),
        );
        let definitions = &app.inner.definitions;
        let found = definitions.workflow_to_start(schedule.tenant_id(), id, range);
        Ok(match known(found.await)? {
            Some(workflow) => Self::input(&workflow.definition.input_schema),
            None => Self::Unknown,
        })
    }

    /// The view of a schedule. An expression may hold whatever the input that it gives may.
    fn of_schedule(&self, reader: &Caller, schedule: &Schedule) -> Value {
        let mut redaction = Redaction::new(&reader.permissions);
        let mut view = schedule.view();
        if let Some(definition) = view.get_mut("definition") {
            *definition = self.shown(definition.take(), &mut redaction);
        }
        let is_hidden = match self {
            Self::By { input, .. } => redaction.hides_something(input),
            Self::Unknown => true,
        };
        if is_hidden {
            mask(&mut view, "/definition/inputExpression");
            let runs = view.get_mut("runs").and_then(Value::as_array_mut);
            for run in runs.into_iter().flatten() {
                mask(run, "/error/message");
                mask(run, "/error/details");
            }
        }
        redaction.elsewhere(view)
    }

    /// A view without what may not be seen of its input and output.
    pub(crate) fn shown(&self, mut view: Value, redaction: &mut Redaction<'_>) -> Value {
        for field in ["input", "output"] {
            let Some(value) = view.get_mut(field) else {
                continue;
            };
            let whole = value.take();
            *value = match (self, field) {
                (Self::By { input, .. }, "input") => redaction.by_schema(whole, input),
                (Self::By { output, .. }, _) => redaction.by_schema(whole, output),
                (Self::Unknown, _) => redaction.whole(&whole),
            };
        }
        view
    }
}

/// What somebody may see of a workflow's own data.
enum Clearance {
    /// Everything that its schemas show, and its variables.
    Variables(Classified),
    /// What its schemas show of its input alone.
    Input(Classified),
    /// Its definition cannot be read, so that nobody can tell.
    Nothing,
}

impl Clearance {
    async fn of(app: &App, reader: &Caller, workflow: &WorkflowInstance) -> Result<Self, Fault> {
        let plan = match app.inner.definitions.plan_of(workflow).await {
            Ok(plan) => plan,
            Err(Fault::Definition { .. }) => return Ok(Self::Nothing),
            Err(fault) => return Err(fault),
        };
        let redaction = Redaction::new(&reader.permissions);
        let definition = &plan.workflow.definition;
        let is_hidden = hides_variables(&plan, &redaction);
        let classified = Classified::By {
            input: definition.input_schema.clone(),
            output: definition.output_schema.clone(),
        };
        Ok(match is_hidden {
            true => Self::Input(classified),
            false => Self::Variables(classified),
        })
    }

    /// The view of a workflow. Its output is made of its variables; its error and what is active of
    /// it may hold what they or its tasks hold.
    fn shown(
        &self,
        workflow: &WorkflowInstance,
        view: Value,
        mut redaction: Redaction<'_>,
    ) -> Value {
        let mut view = match self {
            Self::Variables(classified) | Self::Input(classified) => {
                classified.shown(view, &mut redaction)
            }
            Self::Nothing => Classified::Unknown.shown(view, &mut redaction),
        };
        match self {
            Self::Variables(_) => {}
            Self::Input(_) | Self::Nothing => {
                mask(&mut view, "/variables");
                mask(&mut view, "/output");
                if let Some(error) = workflow.error.clone() {
                    view["error"] = json!(error.masked());
                }
                view["frontier"] = json!(workflow.course.masked());
            }
        }
        redaction.elsewhere(view)
    }

    /// The view of a task of the workflow.
    fn of_variables(&self, mut view: Value) -> Value {
        match self {
            Self::Variables(_) => {}
            Self::Input(_) | Self::Nothing => {
                mask(&mut view, "/executionContext/workflowVariables");
            }
        }
        view
    }
}

/// Whether somebody may see the variables of a workflow that was loaded.
pub(crate) async fn shows_variables(
    app: &App,
    redaction: &Redaction<'_>,
    workflow: &WorkflowInstance,
) -> Result<bool, Fault> {
    let plan = app.inner.definitions.plan_of(workflow).await;
    let plan = known(plan.map_err(Refusal::from))?;
    Ok(plan.is_some_and(|plan| !hides_variables(&plan, redaction)))
}

/// Whether something that a workflow's input or its own tasks classify is hidden.
fn hides_variables(plan: &Plan, redaction: &Redaction<'_>) -> bool {
    let tasks = plan.tasks.values().flat_map(|task| {
        [
            &task.definition.input_schema,
            &task.definition.output_schema,
        ]
    });
    let mut schemas = tasks.chain([&plan.workflow.definition.input_schema]);
    schemas.any(|schema| redaction.hides_something(schema))
}

/// Hides a value, and of an object the value of each field, so that a reader sees what there is.
fn mask(view: &mut Value, pointer: &str) {
    match view.pointer_mut(pointer) {
        None | Some(Value::Null) => {}
        Some(Value::Object(fields)) => fields.values_mut().for_each(|value| *value = MASK.into()),
        Some(value) => *value = MASK.into(),
    }
}
