//! What people do beside taking and ending their tasks, what is kept of it, and the form that they
//! fill in.

use serde_json::{Value, json};
use taskmill::codes::refusal::{ILLEGAL_STATE, INVALID_INPUT, NOT_FOUND, PERMISSION_DENIED};
use taskmill::ids::{TaskId, TenantId};
use taskmill::security::Caller;
use taskmill::task::TaskStatus;
use taskmill::task::lifecycle::Act;
use taskmill_app::App;
use taskmill_app::create_task::create_task;
use taskmill_app::people::{self, act};

use super::{complete, does, person};
use crate::support::{
    Records, SECOND, Script, aws, caller, create, deaf, pass, register, task_request,
};

const DEFINITIONS: &str = "
id: sign
name: Sign the contract
description: Read it first.
version: 1.0.0
type: MANUAL
outputSchema:
  type: object
  required: [approved]
  properties:
    approved: {type: boolean}
    remark: {type: string, maxLength: 2000}
retryPolicy: {maxRetries: 1, retryInterval: 0}
---
id: guarded
name: Guarded
version: 1.0.0
type: MANUAL
securityRequirements: {securityLevel: MEDIUM, dataClassification: personal}
";

fn delegate(to: &str) -> Act {
    Act::Delegate {
        assignee: to.to_owned(),
    }
}

fn comment(text: &str) -> Act {
    Act::Comment {
        text: text.to_owned(),
    }
}

async fn refused(app: &App, name: &str, task: TaskId, what: Act) -> &'static str {
    does(app, name, task, what).await.unwrap_err().code()
}

#[tokio::test(start_paused = true)]
async fn all_that_people_did_is_shown_with_the_task() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let task = create(&app, "sign", json!({}), "one").await;
    let records = Records::of(&aws);
    assert!(records.task_view(task).await.get("audit").is_none());
    let fail = Act::Fail {
        code: "ILL".to_owned(),
        message: "in bed".to_owned(),
        details: serde_json::Map::new(),
        permanent: false,
    };
    let output = json!({ "approved": true });
    let acts = [
        ("ann", Act::Claim),
        ("ann", Act::Start),
        ("bob", comment("is it urgent?")),
        ("ann", delegate("bob")),
        ("bob", Act::Resolve),
        ("ann", fail),
        ("cem", Act::Claim),
        ("cem", Act::Release),
        ("cem", Act::Claim),
        ("cem", complete(output)),
    ];
    for (name, what) in acts {
        pass(&aws, SECOND).await;
        does(&app, name, task, what).await.unwrap();
    }
    let view = records.task_view(task).await;
    let audit = view["audit"].as_array().unwrap();
    let told = |entry: &Value| {
        let word = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
        let more = word("assignee") + &word("text") + &word("code");
        format!("{} {} {} {more}", entry["number"], word("by"), word("act"))
    };
    let told: Vec<String> = audit.iter().map(told).collect();
    assert_eq!(
        told,
        [
            "1 ann CLAIM ",
            "2 ann START ",
            "3 bob COMMENT is it urgent?",
            "4 ann DELEGATE bob",
            "5 bob RESOLVE ",
            "6 ann FAIL ILL",
            "7 cem CLAIM ",
            "8 cem RELEASE ",
            "9 cem CLAIM ",
            "10 cem COMPLETE ",
        ]
    );
    assert_eq!(audit[9]["at"], view["endTime"]);
    assert_eq!(view["attempts"].as_array().unwrap().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_delegated_task_is_ended_by_its_owner_alone() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let task = create(&app, "sign", json!({}), "one").await;
    does(&app, "ann", task, Act::Claim).await.unwrap();
    let delegated = does(&app, "ann", task, delegate("bob")).await.unwrap();
    assert_eq!(delegated.assignee.as_deref(), Some("bob"));
    let output = json!({ "approved": true });
    let done = complete(output);
    assert_eq!(
        refused(&app, "bob", task, done.clone()).await,
        ILLEGAL_STATE
    );
    let started = does(&app, "bob", task, Act::Start).await.unwrap();
    assert_eq!(started.status, TaskStatus::Running);
    does(&app, "bob", task, Act::Resolve).await.unwrap();
    assert_eq!(
        refused(&app, "ann", task, Act::Resolve).await,
        ILLEGAL_STATE
    );
    let ended = does(&app, "ann", task, done).await.unwrap();
    assert_eq!(ended.status, TaskStatus::Completed);
    assert_eq!(ended.executor_id, "ann");
    assert_eq!(
        refused(&app, "ann", task, comment("late")).await,
        ILLEGAL_STATE
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_no_text_is_not_kept() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let task = create(&app, "sign", json!({}), "one").await;
    let longest = "x".repeat(4096);
    for bad in ["", &format!("{longest}x")] {
        assert_eq!(
            refused(&app, "ann", task, comment(bad)).await,
            INVALID_INPUT
        );
    }
    does(&app, "ann", task, comment(&longest)).await.unwrap();
    let stored = Records::of(&aws).task(task).await;
    assert_eq!((stored.version, stored.last_act.unwrap().number), (2, 1));
    assert_eq!(
        refused(&app, "ann", task, delegate("")).await,
        INVALID_INPUT
    );
}

#[tokio::test(start_paused = true)]
async fn who_is_not_cleared_for_a_task_neither_claims_nor_completes_it() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let task = create(&app, "guarded", json!({}), "one").await;
    let refusal = does(&app, "ann", task, Act::Claim).await.unwrap_err();
    assert_eq!(refusal.code(), PERMISSION_DENIED);
    let level = "taskmill:security-level:MEDIUM";
    let data = "taskmill:data-classification:personal";
    assert_eq!(
        refusal.to_json()["details"]["missing"],
        json!([level, data])
    );
    let cleared = Caller {
        permissions: vec![level.to_owned(), data.to_owned()],
        ..person("ann")
    };
    act(&app, &cleared, task, Act::Claim).await.unwrap();
    // A clearance that was taken back is missed at the end.
    let done = refused(&app, "ann", task, complete(json!(1))).await;
    assert_eq!(done, PERMISSION_DENIED);
    act(&app, &cleared, task, complete(json!(1))).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_form_of_a_task_is_made_of_its_output_schema() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let mut request = task_request("sign", json!({}), "one");
    request.task_reference = Some("Müller GmbH".to_owned());
    let task = create_task(&app, &caller(), request).await.unwrap().id;
    let form = people::form(&app, &person("bob"), task).await.unwrap();
    assert_eq!(form["name"], "Sign the contract");
    assert_eq!(form["description"], "Read it first.");
    assert_eq!(form["taskReference"], "Müller GmbH");
    assert_eq!(form["schema"]["required"], json!(["approved"]));
    assert_eq!(
        form["uiSchema"],
        json!({
            "ui:order": ["approved", "remark"],
            "approved": { "ui:title": "Approved", "ui:widget": "checkbox" },
            "remark": { "ui:title": "Remark", "ui:widget": "textarea" },
        })
    );
    let stranger = Caller {
        tenant_id: TenantId::new("umbrella").unwrap(),
        ..caller()
    };
    let refusal = people::form(&app, &stranger, task).await;
    assert_eq!(refusal.unwrap_err().code(), NOT_FOUND);
}
