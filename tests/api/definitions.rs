//! Definitions over HTTP.

use serde_json::{Value, json};

use super::DEFINITIONS;
use super::client::World;
use crate::support::caller;

const PATHS: [&str; 2] = ["/v1/task-definitions", "/v1/workflow-definitions"];

fn task(version: &str) -> Value {
    json!({
        "id": "copy", "name": "Copy", "version": version, "type": "AUTOMATED",
        "executionConfig": {"executor": "builtin:echo"},
    })
}

fn workflow(version: &str) -> Value {
    let steps = json!([{"name": "a", "taskDefinitionId": "copy"}]);
    json!({"id": "flow", "name": "Flow", "version": version, "steps": steps})
}

#[tokio::test(start_paused = true)]
async fn are_registered_shown_and_listed_by_version() {
    let world = World::of("").await;
    let own = [(PATHS[0], task as fn(&str) -> Value), (PATHS[1], workflow)];
    for (path, definition) in own {
        for version in ["1.0.0", "1.10.0", "1.9.0"] {
            let given = definition(version);
            let registered = world.send(path, given.clone()).await.is(201);
            let id = given["id"].as_str().unwrap();
            let location = format!("{path}/{id}/versions/{version}");
            assert_eq!(registered.header("location"), location);
            let shown = world.get(&location).await.is(200);
            assert_eq!(shown.body, registered.body);
            assert_eq!(shown.body["name"], given["name"]);
            // Again is no conflict; other content is.
            let again = world.send(path, given.clone()).await.is(201);
            assert_eq!(again.body, registered.body);
            let mut other = given;
            other["name"] = json!("Other");
            let refused = world.send(path, other).await;
            refused.refused(409, "VERSION_EXISTS");
        }
        let id = definition("1.0.0")["id"].as_str().unwrap().to_owned();
        let newest = world.get(&format!("{path}/{id}")).await.is(200);
        assert_eq!(newest.text("version"), "1.10.0");
        let listed = world.get(path).await.is(200);
        assert_eq!(listed.each("id"), [id.as_str()]);
        let versions = world.get(&format!("{path}/{id}/versions")).await.is(200);
        assert_eq!(versions.body, listed.body["items"][0]);
        let expected = ["1.0.0", "1.9.0", "1.10.0"];
        let expected = expected.map(|one| json!({"version": one, "deprecated": false}));
        assert_eq!(versions.body["versions"], json!(expected));
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_deprecated_version_is_nothing_new() {
    let world = World::of("").await;
    for version in ["1.0.0", "1.1.0"] {
        world.send(PATHS[0], task(version)).await.is(201);
    }
    let create = json!({"taskDefinitionId": "copy"});
    let created = world.send("/v1/tasks", create.clone()).await.is(201);
    assert_eq!(created.text("taskDefinitionVersion"), "1.1.0");
    for (version, left) in [("1.1.0", Some("1.0.0")), ("1.0.0", None)] {
        let path = format!("{}/copy/versions/{version}/deprecate", PATHS[0]);
        for _ in 0..2 {
            let deprecated = world.post(&path).await.is(200);
            let expected = json!({"version": version, "deprecated": true});
            assert_eq!(deprecated.body, expected);
        }
        let created = world.send("/v1/tasks", create.clone()).await;
        match left {
            Some(left) => assert_eq!(created.is(201).text("taskDefinitionVersion"), left),
            None => drop(created.refused(404, "NOT_FOUND")),
        }
    }
    let newest = world.get("/v1/task-definitions/copy").await.is(200);
    assert_eq!(newest.text("version"), "1.1.0", "it is shown still");
    let missing = world.post("/v1/task-definitions/copy/versions/9.0.0/deprecate");
    missing.await.refused(404, "NOT_FOUND");
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_told_at_once_with_its_place_and_stores_nothing() {
    let world = World::of(DEFINITIONS).await;
    let text = "id: w\nname: W\nversion: 1.0.0\nsteps:\n  - name: a\n    taskDefinitionId: ehco\n";
    let ask = |path: &str, text: &str| {
        let ask = world.by(&caller(), "POST", path);
        ask.text("application/yaml", text.to_owned())
    };
    let validate = ask("/v1/validate/workflow-definitions", text)
        .answer()
        .await;
    let validation = validate.is(200);
    assert_eq!(validation.body["valid"], false);
    let expected = json!([{
        "code": "UNKNOWN_TASK_DEFINITION",
        "pointer": "/steps/0/taskDefinitionId",
        "message": validation.body["problems"][0]["message"],
        "nearest": "echo",
        "line": 6,
    }]);
    assert_eq!(validation.body["problems"], expected);
    let refused = ask("/v1/workflow-definitions", text).answer().await;
    let refused = refused.refused(422, "UNKNOWN_TASK_DEFINITION");
    assert_eq!(refused.body["problems"], expected);

    let good = text.replace("ehco", "echo");
    let validate = ask("/v1/validate/workflow-definitions", &good)
        .answer()
        .await;
    let expected = json!({"valid": true, "problems": [], "warnings": []});
    assert_eq!(validate.is(200).body, expected);
    world.get("/v1/workflow-definitions/w").await.is(404);

    let of_other_kind = ask("/v1/task-definitions", &good).answer().await;
    of_other_kind.refused(422, "WRONG_TYPE");
    let no_text = ask("/v1/task-definitions", "{").answer().await;
    no_text.refused(400, "MALFORMED");
}

#[tokio::test(start_paused = true)]
async fn that_are_not_there_are_not_found() {
    let world = World::of("").await;
    for path in PATHS {
        for rest in [
            "/x",
            "/x/versions",
            "/x/versions/1.0.0",
            "/x/versions/one",
            "/a%2Fb",
        ] {
            let answer = world.get(&format!("{path}{rest}")).await;
            answer.refused(404, "NOT_FOUND");
        }
    }
}
