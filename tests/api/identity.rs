//! Who asks: nobody without a good token, and a stranger finds nothing of another tenant, on every
//! route that the document has.

use serde_json::{Value, json};
use taskmill::security::{Caller, WORK};
use taskmill_api::DevelopmentKey;
use taskmill_app::dead_letters::list;
use taskmill_aws::queues::QueueName;

use super::DEFINITIONS;
use super::client::{World, stranger};
use super::letters::letter_of;
use crate::support::{HOUR, caller, pass};

/// A body that each operation that needs one would take.
fn body_of(operation: &str) -> Option<Value> {
    Some(match operation {
        "registerTaskDefinition" | "validateTaskDefinition" => {
            json!({"id": "new", "name": "New", "version": "1.0.0", "type": "MANUAL"})
        }
        "registerWorkflowDefinition" | "validateWorkflowDefinition" => json!({
            "id": "new", "name": "New", "version": "1.0.0",
            "steps": [{"name": "a", "taskDefinitionId": "new"}],
        }),
        "createTask" => json!({"taskDefinitionId": "echo"}),
        "startWorkflow" => json!({"workflowDefinitionId": "pair"}),
        "assignTask" | "delegateTask" => json!({"assignee": "eve"}),
        "commentTask" => json!({"text": "mine"}),
        "completeTask" => json!({"output": {"by": "eve"}}),
        "failTask" => json!({"code": "NO"}),
        "signalWorkflow" => json!({"name": "sealed"}),
        "updateWorkflowVariables" => json!({"variables": {"a": 1}}),
        "skipWorkflowStep" => json!({"path": "sign"}),
        "startPolledTask" => json!({"attempt": 1, "workerId": "w"}),
        "heartbeatPolledTask" | "completePolledTask" | "releasePolledTask" => {
            json!({"executionId": uuid::Uuid::nil(), "workerId": "w"})
        }
        "failPolledTask" => {
            json!({"executionId": uuid::Uuid::nil(), "workerId": "w", "code": "NO"})
        }
        _ => return None,
    })
}

/// Where a token in the path says who asks: `callbacks.rs` tries others.
const BY_PATH: &str = "/v1/callbacks/{token}";

/// An operation of the document, with ids of Ann's in its path.
struct Route {
    name: String,
    method: String,
    path: String,
    has_id: bool,
}

/// What is Ann's.
struct Anns {
    task: String,
    workflow: String,
    letter: String,
    bulk: String,
}

fn routes(document: &Value, anns: &Anns) -> Vec<Route> {
    let mut routes = Vec::new();
    let paths = document["paths"].as_object().unwrap();
    let guarded = |path: &str| path.starts_with("/v1/") && path != BY_PATH;
    for (template, item) in paths.iter().filter(|(path, _)| guarded(path)) {
        let id = match template.split('/').nth(2).unwrap() {
            "tasks" | "workers" => &anns.task,
            "workflows" => &anns.workflow,
            "dead-letters" => &anns.letter,
            "bulk" => &anns.bulk,
            "schedules" => "yearly",
            "task-definitions" => "echo",
            "workflow-definitions" => "pair",
            "inbox" | "validate" => "",
            other => panic!("{other} is of a kind that nothing here is of"),
        };
        let path = template.replace("{id}", id).replace("{version}", "1.0.0");
        let path = path.replace("{group}", "gpu");
        assert!(!path.contains('{'), "{template} has another parameter");
        for (method, operation) in item.as_object().unwrap() {
            routes.push(Route {
                name: operation["operationId"].as_str().unwrap().to_owned(),
                method: method.to_uppercase(),
                path: path.clone(),
                has_id: template.contains("{id}"),
            });
        }
    }
    routes
}

async fn status(world: &World, route: &Route, who: Option<&Caller>) -> u16 {
    let ask = match who {
        None => world.nobody(&route.method, &route.path),
        Some(who) => world.by(who, &route.method, &route.path),
    };
    let ask = match body_of(&route.name) {
        Some(body) => ask.json(body),
        None => ask,
    };
    ask.answer().await.status
}

#[tokio::test(start_paused = true)]
async fn no_route_knows_nobody_and_none_shows_a_stranger_what_is_another_tenants() {
    let world = World::of(DEFINITIONS).await;
    let task = world.send("/v1/tasks", json!({"taskDefinitionId": "sign"}));
    let task = task.await.is(201).id();
    let start = json!({"workflowDefinitionId": "contract"});
    let workflow = world.send("/v1/workflows", start).await.is(201).id();
    let letter = letter_of(&world, &caller()).await;
    let yearly = json!({"id": "yearly", "workflowDefinitionId": "pair", "cron": "@yearly"});
    let put = world.by(&caller(), "PUT", "/v1/schedules/yearly");
    put.json(yearly).answer().await.is(201);
    let retry = world.send("/v1/bulk/workflows/retry", json!({"filter": {}}));
    let bulk = retry.await.is(202).id();
    let anns = Anns {
        task,
        workflow,
        letter,
        bulk,
    };
    let routes = routes(world.document(), &anns);
    assert!(routes.len() > 40, "{}", routes.len());
    for route in &routes {
        let Route { name, path, .. } = route;
        assert_eq!(status(&world, route, None).await, 401, "{name} {path}");
    }
    // Also who may work for the group, in a tenant of their own.
    let mut stranger = stranger();
    stranger.permissions.push(WORK.to_owned());
    // Whoever defines a schedule of a name that is taken elsewhere has one of their own.
    let of_ids = routes.iter().filter(|route| route.has_id);
    for route in of_ids.filter(|route| route.name != "defineSchedule") {
        let Route { name, path, .. } = route;
        let status = status(&world, route, Some(&stranger)).await;
        assert_eq!(status, 404, "{name} {path}");
    }
    // And nothing happened to what is Ann's.
    let task = world.get(&format!("/v1/tasks/{}", anns.task)).await.is(200);
    assert_eq!(
        (task.text("status"), &task.body["version"]),
        ("PENDING", &json!(1))
    );
    let workflow = format!("/v1/workflows/{}", anns.workflow);
    let workflow = world.get(&workflow).await.is(200);
    assert_eq!(workflow.text("status"), "RUNNING");
    let letters = list(world.service.app(), &QueueName::ALL).await.unwrap();
    assert_eq!(letters.letters[0].id, anns.letter);
}

#[tokio::test(start_paused = true)]
async fn lists_show_what_is_the_callers_alone() {
    let world = World::of(DEFINITIONS).await;
    let task = world.send("/v1/tasks", json!({"taskDefinitionId": "sign"}));
    task.await.is(201);
    let start = json!({"workflowDefinitionId": "contract"});
    let workflow = world.send("/v1/workflows", start).await.is(201).id();
    let lists = [
        "/v1/tasks".to_owned(),
        "/v1/tasks?status=PENDING".to_owned(),
        format!("/v1/tasks?workflowId={workflow}"),
        "/v1/workflows".to_owned(),
        "/v1/workflows?workflowDefinitionId=contract".to_owned(),
        "/v1/task-definitions".to_owned(),
        "/v1/workflow-definitions".to_owned(),
        "/v1/inbox".to_owned(),
        "/v1/inbox?status=PENDING".to_owned(),
    ];
    for path in lists {
        let own = world.get(&path).await.is(200);
        assert!(!own.each("id").is_empty(), "{path}");
        let others = world.by(&stranger(), "GET", &path).answer().await.is(200);
        assert_eq!(others.each("id"), [""; 0], "{path}");
        let page = format!(
            "{path}{}limit=1",
            if path.contains('?') { "&" } else { "?" }
        );
        let own = world.get(&page).await.is(200);
        if let Some(cursor) = own.body["nextCursor"].as_str() {
            let stolen = format!("{page}&cursor={cursor}");
            let others = world.by(&stranger(), "GET", &stolen).answer().await;
            let shows_nothing = others.status == 400 || others.each("id").is_empty();
            assert!(shows_nothing, "{path}: {}", others.body);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_token_of_this_issuer_and_time_says_who_asks() {
    let world = World::of(DEFINITIONS).await;
    let good = world.token(&caller());
    let now = world.aws.clock().now();
    let forged = DevelopmentKey::new([8; 32]).token(&caller(), now, 3_600);
    let as_bearer = |token: &str| format!("Bearer {token}");
    let refused = [
        as_bearer(&forged),
        as_bearer("x"),
        as_bearer(""),
        format!("Basic {good}"),
        good.clone(),
    ];
    for header in refused {
        let ask = world.nobody("GET", "/v1/tasks");
        let answer = ask.header("authorization", &header).answer().await;
        let answer = answer.refused(401, "UNAUTHENTICATED");
        assert_eq!(answer.header("www-authenticate"), "Bearer");
    }
    let with_good = || {
        let ask = world.nobody("GET", "/v1/tasks");
        ask.header("authorization", &as_bearer(&good))
    };
    with_good().answer().await.is(200);
    pass(&world.aws, HOUR + 61_000).await;
    with_good().answer().await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_no_field_of_a_body_and_no_header() {
    let world = World::of(DEFINITIONS).await;
    for field in [
        "tenantId",
        "userId",
        "permissions",
        "securityContext",
        "createdBy",
    ] {
        let task = json!({"taskDefinitionId": "echo", field: "umbrella"});
        let refused = world.send("/v1/tasks", task).await;
        refused.refused(422, "INVALID_INPUT");
        let workflow = json!({"workflowDefinitionId": "pair", field: "umbrella"});
        let refused = world.send("/v1/workflows", workflow).await;
        refused.refused(422, "INVALID_INPUT");
    }
    let ask = world.by(&caller(), "POST", "/v1/tasks");
    let ask = ask
        .header("x-tenant-id", "umbrella")
        .header("x-user-id", "eve");
    let task = ask.json(json!({"taskDefinitionId": "echo"})).answer().await;
    let task = task.is(201);
    assert_eq!(task.text("tenantId"), "acme");
    let security = &task.body["executionContext"]["securityContext"];
    assert_eq!(security["userId"], "ann");
    assert_eq!(security["permissions"], json!(["read", "write"]));
    assert_eq!(security["environmentId"], "test");
}
