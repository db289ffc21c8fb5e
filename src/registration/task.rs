//! What types cannot say of a task definition: its schemas compile, its executor exists, and
//! what it asks of the executor is something that this executor can honour.
//!
//! Looks at the document as it was written, so that a document with other problems is checked too.

use serde_json::Value;

use super::checks::{Place, schemas};
use super::{people, seam, unsupported};
use crate::JsonObject;
use crate::codes::registration;
use crate::problem::Problem;
use crate::task::TaskDefinition;
use crate::task::routing::ExecutorRef;

/// The problems of a task definition that its schema does not show.
pub(super) fn check(document: &Value) -> Vec<Problem> {
    let root = Place::root(document);
    let mut problems = schemas(&root);
    let config = root.member("executionConfig");
    problems.extend(match root.member("type").text() {
        Some("MANUAL") => of_people(&root, &config),
        _ => of_executors(&root, &config),
    });
    problems.extend(request(&config.member("request")));
    problems.extend(environment(&config.member("environmentVariables")));
    problems
}

/// What a MANUAL task has nobody for.
fn of_people(root: &Place<'_>, config: &Place<'_>) -> Vec<Problem> {
    let run_as = config.member("securityContext").member("runAs");
    let heartbeat = root.member("timeouts").member("heartbeat");
    let of_config = unsupported::OF_EXECUTORS.map(|name| config.member(name));
    let limits = ["concurrency", "rateLimit"].map(|name| root.member(name));
    let refused = of_config.into_iter();
    let refused = refused.chain([run_as, heartbeat]).chain(limits);
    let refused = refused.filter(Place::is_there);
    let message = "not supported with MANUAL: a person does the task";
    refused
        .map(|place| place.problem(registration::NOT_SUPPORTED, message))
        .chain(people::of_definition(root))
        .collect()
}

/// What every other task needs, and what only people can honour.
fn of_executors(root: &Place<'_>, config: &Place<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    if !config.is_there() {
        let message =
            "the field \"executionConfig\" is missing: only a MANUAL task has no executor";
        problems.push(root.problem(registration::MISSING_FIELD, message));
    } else if config.value.is_some_and(Value::is_object) && !config.member("executor").is_there() {
        let message = "the field \"executor\" is missing: only a MANUAL task has none";
        problems.push(config.problem(registration::MISSING_FIELD, message));
    }
    let assignment = root.member("assignment");
    if assignment.is_there() {
        let message = "not supported here: only a MANUAL task is assigned to people";
        problems.push(assignment.problem(registration::NOT_SUPPORTED, message));
    }
    let executor = config.member("executor");
    if let Some(text) = executor.text().filter(|text| !text.is_empty()) {
        match ExecutorRef::parse(text) {
            Ok(known) => problems.extend(combination(root, &known)),
            Err(error) => problems.push(
                executor
                    .problem(error.code(), error.to_string())
                    .with_nearest(error.nearest().map(str::to_owned)),
            ),
        }
    }
    problems
}

/// What the executor cannot honour.
fn combination(task: &Place<'_>, executor: &ExecutorRef) -> Vec<Problem> {
    let kind = kind(executor);
    let refused = unsupported::COMBINATIONS.iter().filter_map(|row| {
        let place = row
            .field
            .iter()
            .fold(task.clone(), |place, name| place.member(name));
        let applies = row.executor == kind && place.is_there();
        let message = || format!("not supported with {kind:?}: {}", row.reason);
        applies.then(|| place.problem(registration::NOT_SUPPORTED, message()))
    });
    let config = task.member("executionConfig");
    let run_as = config.member("securityContext").member("runAs");
    refused.chain(identity(&run_as, executor)).collect()
}

/// Whether the executor of a definition can give heartbeats.
pub(super) fn gives_heartbeats(task: &TaskDefinition) -> bool {
    let Ok(executor) = ExecutorRef::parse(&task.execution_config.executor) else {
        return false;
    };
    let refused = |row: &unsupported::Combination| {
        row.executor == kind(&executor) && row.field == unsupported::HEARTBEAT
    };
    !unsupported::COMBINATIONS.iter().any(refused)
}

fn kind(executor: &ExecutorRef) -> &'static str {
    match executor {
        ExecutorRef::Process { .. } => "process:",
        ExecutorRef::Http { .. } => "http:",
        ExecutorRef::Lambda { .. } => "lambda:",
        ExecutorRef::States { .. } => "states:",
        ExecutorRef::Sqs { .. } => "sqs:",
        ExecutorRef::Events { .. } => "events:",
        ExecutorRef::Worker { .. } => "worker:",
        ExecutorRef::Builtin(_) => "builtin:",
    }
}

/// Whether `runAs` names an identity that the executor can take.
fn identity(run_as: &Place<'_>, executor: &ExecutorRef) -> Option<Problem> {
    let text = run_as.text()?;
    let (fits, message) = match executor {
        ExecutorRef::Lambda { .. } => (
            is_role(text),
            "for lambda: it is the ARN of a role to assume",
        ),
        ExecutorRef::States { .. } => (
            is_role(text),
            "for states: it is the ARN of a role to assume",
        ),
        ExecutorRef::Sqs { .. } => (is_role(text), "for sqs: it is the ARN of a role to assume"),
        ExecutorRef::Events { .. } => (
            is_role(text),
            "for events: it is the ARN of a role to assume",
        ),
        ExecutorRef::Http { .. } => (
            is_secret(text),
            "for http: it is a credential reference, {{secret:NAME}}",
        ),
        ExecutorRef::Process { .. } | ExecutorRef::Worker { .. } | ExecutorRef::Builtin(_) => {
            return None;
        }
    };
    (!fits).then(|| run_as.problem(registration::WRONG_TYPE, message))
}

fn is_role(text: &str) -> bool {
    let mut parts = text.splitn(6, ':');
    let mut next = || parts.next().unwrap_or_default();
    let [arn, partition, service, region, account, resource] =
        [next(), next(), next(), next(), next(), next()];
    let account_is_good = account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit());
    let role = resource
        .strip_prefix("role/")
        .is_some_and(|name| !name.is_empty());
    arn == "arn"
        && partition.starts_with("aws")
        && service == "iam"
        && region.is_empty()
        && account_is_good
        && role
}

fn is_secret(text: &str) -> bool {
    let name = text
        .strip_prefix("{{secret:")
        .and_then(|rest| rest.strip_suffix("}}"));
    let allowed = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
    name.is_some_and(|name| !name.is_empty() && name.chars().all(allowed))
}

fn request(request: &Place<'_>) -> Vec<Problem> {
    let body = request.member("body");
    let method = request.member("method");
    let bodiless = method
        .text()
        .filter(|method| ["GET", "DELETE"].contains(method));
    let mut problems = Vec::new();
    if let Some(source) = body.text().filter(|source| !source.is_empty()) {
        let error = seam::expression_error(source);
        problems.extend(error.map(|message| body.problem(registration::BAD_EXPRESSION, message)));
        problems.extend(bodiless.map(|method| {
            body.problem(
                registration::NOT_SUPPORTED,
                format!("a {method} request has no body"),
            )
        }));
    }
    let headers = request.member("headers");
    problems.extend(names(&headers, "no name of a header", is_token));
    problems.extend(texts(
        &headers,
        "a header's value holds no control characters",
        |text| !text.chars().any(|c| c.is_control() && c != '\t'),
    ));
    problems
}

fn environment(variables: &Place<'_>) -> Vec<Problem> {
    let mut problems = names(variables, "no name of an environment variable", |name| {
        !name.is_empty() && !name.contains(['=', '\0'])
    });
    let what = "an environment variable holds no NUL character";
    problems.extend(texts(variables, what, |text| !text.contains('\0')));
    problems
}

fn is_token(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !name.is_empty() && name.chars().all(allowed)
}

fn names(object: &Place<'_>, what: &str, is_good: fn(&str) -> bool) -> Vec<Problem> {
    let bad = members(object).filter(|(name, _)| !is_good(name));
    bad.map(|(name, _)| {
        let message = format!("{name:?} is {what}");
        object
            .member(name)
            .problem(registration::WRONG_TYPE, message)
    })
    .collect()
}

fn texts(object: &Place<'_>, what: &str, is_good: fn(&str) -> bool) -> Vec<Problem> {
    let bad =
        members(object).filter(|(_, value)| value.as_str().is_some_and(|text| !is_good(text)));
    bad.map(|(name, _)| object.member(name).problem(registration::WRONG_TYPE, what))
        .collect()
}

fn members<'a>(object: &Place<'a>) -> impl Iterator<Item = (&'a String, &'a Value)> {
    object
        .value
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(JsonObject::iter)
}
