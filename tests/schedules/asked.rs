//! What is asked of a schedule: to be defined anew, to stop, to go on, to be deleted, to start its
//! workflow now; and what is refused.

use serde_json::json;
use taskmill::schedule::ScheduleStatus;
use taskmill::security::Caller;
use taskmill_app::Refusal;
use taskmill_app::schedules::{self, Expected};
use taskmill_aws::store::PageRequest;

use super::{at, define, name, quick, served, started, stored, told, try_define};
use crate::support::{HOUR, Records, caller, pass, tenant};

fn code<T>(result: Result<T, Refusal>) -> &'static str {
    match result {
        Ok(_) => "",
        Err(refusal) => refusal.code(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_schedule_stops_and_goes_on_without_the_times_between() {
    let (aws, service) = served(&quick()).await;
    let (app, tenant) = (service.app(), tenant());
    define(app, "noted", json!({"catchUp": "ALL"})).await;
    pass(&aws, HOUR).await;
    let paused = schedules::pause(app, &tenant, &name(), Expected::Any)
        .await
        .unwrap();
    assert_eq!(paused.status, ScheduleStatus::Paused);
    let again = schedules::pause(app, &tenant, &name(), Expected::Any)
        .await
        .unwrap();
    assert_eq!(again, paused, "it is already");
    pass(&aws, 5 * HOUR).await;
    let resumed = schedules::resume(app, &tenant, &name(), Expected::Any)
        .await
        .unwrap();
    assert_eq!(resumed.next_at, Some(at("2026-11-22T04:00:00Z")));
    pass(&aws, HOUR).await;
    let schedule = stored(&Records::of(&aws)).await;
    assert_eq!(told(&schedule), ["22:00 started", "04:00 started"]);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_defined_anew_is_its_last_owners() {
    let (aws, service) = served(&quick()).await;
    define(service.app(), "noted", json!({})).await;
    let bob = Caller {
        user_id: "bob".to_owned(),
        permissions: Vec::new(),
        ..caller()
    };
    let text = "{id: s, workflowDefinitionId: noted, cron: '30 * * * *'}";
    let definition = schedules::read(text).unwrap();
    let redefined = schedules::define(service.app(), &bob, definition, Expected::Any);
    assert_eq!(redefined.await.unwrap().0.version, 2);
    pass(&aws, HOUR).await;
    let [workflow] = &started(&Records::of(&aws), "noted").await[..] else {
        panic!("the times of before are no more");
    };
    assert_eq!(workflow.created_at, at("2026-11-21T21:30:00Z"));
    assert_eq!(workflow.security_context.user_id, "bob");
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_is_not_there_starts_nothing_and_may_be_defined_again() {
    let (aws, service) = served(&quick()).await;
    let (app, tenant) = (service.app(), tenant());
    define(app, "noted", json!({})).await;
    schedules::delete(app, &tenant, &name(), Expected::Any)
        .await
        .unwrap();
    assert_eq!(
        code(schedules::get(app, &tenant, &name()).await),
        "NOT_FOUND"
    );
    let again = schedules::delete(app, &tenant, &name(), Expected::Any).await;
    assert_eq!(code(again), "NOT_FOUND");
    let listed = schedules::list(app, &tenant, &PageRequest::first(10))
        .await
        .unwrap();
    assert_eq!(listed.items, []);
    pass(&aws, 3 * HOUR).await;
    let records = Records::of(&aws);
    assert_eq!(started(&records, "noted").await.len(), 0);
    let defined = define(app, "noted", json!({})).await;
    assert_eq!(
        (defined.version, defined.status),
        (3, ScheduleStatus::Active)
    );
    pass(&aws, HOUR).await;
    assert_eq!(started(&records, "noted").await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_schedule_is_started_by_hand_once_for_a_key() {
    let (aws, service) = served(&quick()).await;
    let app = service.app();
    let expression = "{'at': scheduledTime}";
    define(app, "noted", json!({"inputExpression": expression})).await;
    schedules::pause(app, &tenant(), &name(), Expected::Any)
        .await
        .unwrap();
    let first = schedules::trigger(app, &caller(), &name(), Some("k"))
        .await
        .unwrap();
    assert_eq!(first.input["at"], json!(first.created_at));
    pass(&aws, HOUR).await;
    let second = schedules::trigger(app, &caller(), &name(), Some("k"))
        .await
        .unwrap();
    assert_eq!(second.id, first.id);
    let other = schedules::trigger(app, &caller(), &name(), None)
        .await
        .unwrap();
    assert_ne!(other.id, first.id);
    assert_eq!(started(&Records::of(&aws), "noted").await.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_one_version_is_refused_for_another() {
    let (_aws, service) = served(&quick()).await;
    let (app, tenant) = (service.app(), tenant());
    define(app, "noted", json!({})).await;
    let second = Expected::Version(2);
    let wrong = "PRECONDITION_FAILED";
    assert_eq!(
        code(schedules::pause(app, &tenant, &name(), second).await),
        wrong
    );
    assert_eq!(
        code(schedules::resume(app, &tenant, &name(), second).await),
        wrong
    );
    assert_eq!(
        code(schedules::delete(app, &tenant, &name(), second).await),
        wrong
    );
    let definition =
        || schedules::read("{id: s, workflowDefinitionId: noted, cron: '@daily'}").unwrap();
    let anew = schedules::define(app, &caller(), definition(), second).await;
    assert_eq!(code(anew), wrong);
    let first = Expected::Version(1);
    let anew = schedules::define(app, &caller(), definition(), first).await;
    assert_eq!(anew.unwrap().0.version, 2);
}

#[tokio::test(start_paused = true)]
async fn what_could_never_start_is_refused() {
    let (_aws, service) = served(&quick()).await;
    let app = service.app();
    let unknown = try_define(app, "nothing", json!({})).await;
    assert_eq!(code(unknown), "UNKNOWN_WORKFLOW_DEFINITION");
    let version = json!({"workflowVersion": "^2"});
    assert_eq!(
        code(try_define(app, "noted", version).await),
        "UNKNOWN_WORKFLOW_DEFINITION"
    );
    assert_eq!(
        code(try_define(app, "noted", json!({"cron": "x"})).await),
        "BAD_CRON"
    );
    let strict = "
id: strict
name: Strict
version: 1.0.0
inputSchema: {type: object, required: [n]}
steps: []
";
    crate::support::register(app, strict).await;
    assert_eq!(
        code(try_define(app, "strict", json!({})).await),
        "INVALID_INPUT"
    );
    assert_eq!(
        code(try_define(app, "strict", json!({"input": {"n": 1}})).await),
        ""
    );
}

#[tokio::test(start_paused = true)]
async fn schedules_are_a_tenants_own_and_are_listed_page_by_page() {
    let (_aws, service) = served(&quick()).await;
    let app = service.app();
    for name in ["a", "b", "c"] {
        let text = format!("{{id: {name}, workflowDefinitionId: noted, cron: '@daily'}}");
        let definition = schedules::read(&text).unwrap();
        schedules::define(app, &caller(), definition, Expected::Any)
            .await
            .unwrap();
    }
    let mut found = Vec::new();
    let mut request = PageRequest::first(2);
    loop {
        let page = schedules::list(app, &tenant(), &request).await.unwrap();
        found.extend(
            page.items
                .into_iter()
                .map(|one| one.definition.id.to_string()),
        );
        match page.next {
            Some(next) => request = PageRequest::after(2, next),
            None => break,
        }
    }
    found.sort_unstable();
    assert_eq!(found, ["a", "b", "c"]);
    let stranger = taskmill::ids::TenantId::new("umbrella").unwrap();
    let theirs = schedules::list(app, &stranger, &PageRequest::first(9))
        .await
        .unwrap();
    assert_eq!(theirs.items, []);
}
