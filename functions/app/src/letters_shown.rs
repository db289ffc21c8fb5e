//! What a dead letter carries, as somebody of its tenant sees it.
//!
//! What a schema calls sensitive is hidden here as it is in tasks and workflows: a request's input by
//! the definition that it would be made of now, an outcome by its task, an error by its workflow. Where
//! that cannot be known, all that could be sensitive is hidden. Tokens of state machines and traces are
//! shown to nobody, as elsewhere.

use serde::Deserialize;
use serde_json::Value;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::security::Caller;
use taskmill::security::redaction::{MASK, Redaction};
use taskmill_aws::queues::{Carried, DeadLetter, Message, Received};

use crate::app::App;
use crate::create_task::CreateTask;
use crate::dead_letters;
use crate::refusal::Fault;
use crate::start_workflow::StartWorkflow;
use crate::views::{self, Classified};

/// The letter with all that this reader may see of it.
///
/// # Errors
/// The store failed.
pub(crate) async fn view(app: &App, reader: &Caller, letter: &DeadLetter) -> Result<Value, Fault> {
    let mut view = dead_letters::view(letter);
    let mut redaction = Redaction::new(&reader.permissions);
    let received = Received::from_body(&letter.body);
    let mut body = view.get_mut("body").map(Value::take).unwrap_or_default();
    match &received {
        Ok(received) => hide(app, &mut redaction, &received.message, &mut body).await?,
        Err(_) => body = redaction.whole(&body),
    }
    view["body"] = body;
    Ok(redaction.elsewhere(view))
}

/// Hides what a message carries, in the JSON that it was read from.
async fn hide(
    app: &App,
    redaction: &mut Redaction<'_>,
    message: &Message,
    body: &mut Value,
) -> Result<(), Fault> {
    let (mut message, mut body) = (message, body);
    while let Message::Later { then, .. } = message {
        (message, body) = (then, &mut body["then"]);
    }
    match message {
        Message::CreateTask { caller, request } => {
            let classified = of_task_request(app, caller, request).await?;
            request_hidden(redaction, classified, &mut body["request"]);
        }
        Message::StartWorkflow { caller, request } => {
            let classified = of_workflow_request(app, caller, request).await?;
            request_hidden(redaction, classified, &mut body["request"]);
        }
        Message::Outcome {
            task_id,
            report: Carried::Inline(_),
            ..
        } => report_hidden(app, redaction, *task_id, &mut body["report"]["inline"]).await?,
        Message::ChildRefused { workflow_id, .. } => {
            error_hidden(app, redaction, *workflow_id, &mut body["error"]).await?;
        }
        Message::Unread { .. } => body["body"] = redaction.whole(&body["body"]),
        // They carry ids alone.
        Message::Execute(_)
        | Message::Outcome { .. }
        | Message::TaskEnded { .. }
        | Message::TokenHeld { .. }
        | Message::ChildTold { .. }
        | Message::Granted { .. }
        | Message::Due(_)
        | Message::Later { .. } => {}
    }
    Ok(())
}

/// What the input of a request for a task is classified by; none of a request that is none.
async fn of_task_request(
    app: &App,
    caller: &Caller,
    request: &Value,
) -> Result<Option<Classified>, Fault> {
    let Ok(request) = CreateTask::deserialize(request) else {
        return Ok(None);
    };
    let (id, range) = (&request.task_definition_id, request.task_version.as_ref());
    let definitions = &app.inner.definitions;
    let found = definitions.newest_task(&caller.tenant_id, id, range).await;
    Ok(Some(match views::known(found)? {
        Some(task) => Classified::input(&task.definition.input_schema),
        None => Classified::Unknown,
    }))
}

/// The same of a request for a workflow.
async fn of_workflow_request(
    app: &App,
    caller: &Caller,
    request: &Value,
) -> Result<Option<Classified>, Fault> {
    let Ok(request) = StartWorkflow::deserialize(request) else {
        return Ok(None);
    };
    let (id, range) = (
        &request.workflow_definition_id,
        request.workflow_version.as_ref(),
    );
    let definitions = &app.inner.definitions;
    let found = definitions.workflow_to_start(&caller.tenant_id, id, range);
    Ok(Some(match views::known(found.await)? {
        Some(workflow) => Classified::input(&workflow.definition.input_schema),
        None => Classified::Unknown,
    }))
}

/// What cannot be read as a request may hold an input under any name.
fn request_hidden(
    redaction: &mut Redaction<'_>,
    classified: Option<Classified>,
    request: &mut Value,
) {
    let Some(classified) = classified else {
        *request = redaction.whole(request);
        return;
    };
    *request = classified.shown(request.take(), redaction);
    if let Some(token) = request.get_mut("taskToken") {
        *token = redaction.whole(token);
    }
}

/// Hides of the end of an attempt what its task hides of its output, and of what it was given.
async fn report_hidden(
    app: &App,
    redaction: &mut Redaction<'_>,
    task: TaskId,
    report: &mut Value,
) -> Result<(), Fault> {
    let Some(task) = app.store().task(task).await? else {
        *report = redaction.whole(report);
        return Ok(());
    };
    let (view, classified) = views::whole(app, &task).await?;
    // What is hidden of the task's input is hidden in the report as well.
    classified.shown(view, redaction);
    *report = classified.shown(report.take(), redaction);
    if let Some(error) = report.get_mut("error") {
        trace_hidden(error);
        if matches!(classified, Classified::Unknown) {
            *error = redaction.whole(error);
        }
    }
    Ok(())
}

/// An error of a child may quote what its workflow gave it, which is made of variables.
async fn error_hidden(
    app: &App,
    redaction: &mut Redaction<'_>,
    workflow: WorkflowId,
    error: &mut Value,
) -> Result<(), Fault> {
    trace_hidden(error);
    let workflow = app.store().workflow(workflow).await?;
    let shows = match &workflow {
        Some(workflow) => views::shows_variables(app, redaction, workflow).await?,
        None => false,
    };
    if !shows {
        for field in ["message", "details"] {
            if let Some(told) = error.get_mut(field) {
                *told = redaction.whole(told);
            }
        }
    }
    Ok(())
}

fn trace_hidden(error: &mut Value) {
    if let Some(trace) = error.get_mut("stackTrace") {
        *trace = MASK.into();
    }
}
