//! What people find in their inboxes, while a workflow runs, time passes and processes die.

use serde_json::json;
use taskmill::codes::refusal::{ALREADY_CLAIMED, INVALID_INPUT, MALFORMED, PERMISSION_DENIED};
use taskmill::ids::TaskId;
use taskmill::security::{ADMINISTER_TASKS, Caller};
use taskmill::task::lifecycle::Act;
use taskmill::task::{TaskPriority, TaskStatus};
use taskmill_app::create_task::create_task;
use taskmill_app::people::{InboxRequest, Whose, act, inbox};
use taskmill_app::{App, Refusal};
use taskmill_aws::store::PageRequest;
use taskmill_local::LocalAws;

use super::complete;
use crate::support::{
    Fleet, HOUR, MINUTE, Records, SECOND, Script, aws, caller, create, deaf, pass, register,
    service, settle, start, task_request,
};

const DEFINITIONS: &str = "
id: sign
name: Sign
version: 1.0.0
type: MANUAL
assignment: {candidateUsers: [bob], candidateGroups: [clerks], dueIn: 7200000, escalateTo: heads}
---
id: anybody
name: Whoever comes first
version: 1.0.0
type: MANUAL
---
id: contract
name: Contract
version: 1.0.0
steps: [{name: sign, taskDefinitionId: sign}]
";

fn person(name: &str, roles: &[&str], permissions: &[&str]) -> Caller {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    Caller {
        user_id: name.to_owned(),
        roles: owned(roles),
        permissions: owned(permissions),
        ..caller()
    }
}

fn ann() -> Caller {
    person("ann", &["clerks", "readers"], &[])
}

fn bob() -> Caller {
    person("bob", &[], &[])
}

fn eve() -> Caller {
    person("eve", &["heads"], &[])
}

fn of(whose: Whose) -> InboxRequest {
    InboxRequest {
        whose,
        ..InboxRequest::default()
    }
}

async fn ask(app: &App, who: &Caller, request: &InboxRequest) -> Result<Vec<TaskId>, Refusal> {
    let page = inbox(app, who, request, &PageRequest::first(50)).await?;
    Ok(page.items.into_iter().map(|entry| entry.id).collect())
}

/// Everything that a person sees.
async fn sees(app: &App, who: &Caller) -> Vec<TaskId> {
    ask(app, who, &InboxRequest::default()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_task_is_found_by_those_who_may_claim_it_and_then_by_whoever_has_it() {
    let (aws, script) = (aws(), Script::echo());
    let service = service(&aws, &script).await;
    let app = service.app();
    register(app, DEFINITIONS).await;
    let workflow = start(app, "contract", json!({}), "run").await;
    settle(&aws).await;
    let task = Records::of(&aws).step(workflow, "sign").await.id;
    for who in [ann(), bob()] {
        assert_eq!(sees(app, &who).await, [task]);
        assert_eq!(ask(app, &who, &of(Whose::Mine)).await.unwrap(), []);
        assert_eq!(ask(app, &who, &of(Whose::Claimable)).await.unwrap(), [task]);
    }
    assert_eq!(sees(app, &eve()).await, []);
    act(app, &ann(), task, Act::Claim).await.unwrap();
    assert_eq!(ask(app, &ann(), &of(Whose::Mine)).await.unwrap(), [task]);
    assert_eq!(ask(app, &ann(), &of(Whose::Claimable)).await.unwrap(), []);
    assert_eq!(sees(app, &bob()).await, []);
    act(app, &ann(), task, complete(json!(1))).await.unwrap();
    assert_eq!(sees(app, &ann()).await, []);
    Records::of(&aws).ended_workflow(workflow).await;
}

#[tokio::test(start_paused = true)]
async fn what_nobody_is_named_for_is_in_everybodys_inbox() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let task = create(&app, "anybody", json!({}), "one").await;
    for who in [ann(), bob(), eve()] {
        assert_eq!(sees(&app, &who).await, [task]);
    }
    act(&app, &eve(), task, Act::Claim).await.unwrap();
    assert_eq!(sees(&app, &ann()).await, []);
    act(&app, &eve(), task, Act::Release).await.unwrap();
    assert_eq!(sees(&app, &ann()).await, [task]);
}

#[tokio::test(start_paused = true)]
async fn the_urgent_come_first_and_a_filter_leaves_what_it_says() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let mut tasks = Vec::new();
    for (key, priority) in [
        ("low", TaskPriority::Low),
        ("urgent", TaskPriority::Critical),
        ("other", TaskPriority::Low),
    ] {
        pass(&aws, SECOND).await;
        let mut request = task_request("sign", json!({}), key);
        request.priority = priority;
        request.task_reference = Some(key.to_owned());
        tasks.push(create_task(&app, &ann(), request).await.unwrap().id);
    }
    let [low, urgent, other] = tasks[..] else {
        panic!("three were created");
    };
    act(&app, &bob(), other, Act::Claim).await.unwrap();
    assert_eq!(sees(&app, &bob()).await, [urgent, low, other]);
    let request = InboxRequest {
        status: Some(TaskStatus::Assigned),
        ..InboxRequest::default()
    };
    assert_eq!(ask(&app, &bob(), &request).await.unwrap(), [other]);
    let request = InboxRequest {
        priority: Some(TaskPriority::Low),
        due_before: Some(aws.clock().now().plus_millis(2 * HOUR - 1500)),
        ..InboxRequest::default()
    };
    assert_eq!(ask(&app, &bob(), &request).await.unwrap(), [low]);
    let (all, first) = (InboxRequest::default(), PageRequest::first(1));
    let page = inbox(&app, &bob(), &all, &first).await.unwrap();
    assert_eq!(page.items[0].task_reference.as_deref(), Some("urgent"));
    let another = PageRequest::after(1, page.next.unwrap());
    let refused = inbox(&app, &bob(), &request, &another).await.unwrap_err();
    assert_eq!(refused.code(), MALFORMED);
}

#[tokio::test(start_paused = true)]
async fn a_groups_inbox_is_for_its_members() {
    let (aws, script) = (aws(), Script::echo());
    let app = deaf(&aws, &script).await;
    register(&app, DEFINITIONS).await;
    let task = create(&app, "sign", json!({}), "one").await;
    let clerks = of(Whose::Group("clerks".to_owned()));
    assert_eq!(ask(&app, &ann(), &clerks).await.unwrap(), [task]);
    let refused = ask(&app, &bob(), &clerks).await.unwrap_err();
    assert_eq!(refused.code(), PERMISSION_DENIED);
    let root = person("root", &[], &[ADMINISTER_TASKS]);
    assert_eq!(ask(&app, &root, &clerks).await.unwrap(), [task]);
}

#[tokio::test(start_paused = true)]
async fn an_overdue_task_comes_to_whom_it_was_escalated_who_may_give_it_to_another() {
    let (aws, script) = (aws(), Script::echo());
    let fleet = Fleet::start(&aws, &script).await;
    let app = fleet.app();
    register(app, DEFINITIONS).await;
    let workflow = start(app, "contract", json!({}), "run").await;
    let alone = create(app, "sign", json!({}), "one").await;
    settle(&aws).await;
    let records = Records::of(&aws);
    let task = records.step(workflow, "sign").await.id;
    act(app, &ann(), task, Act::Claim).await.unwrap();
    pass(&aws, 2 * HOUR - SECOND).await;
    assert_eq!(sees(app, &eve()).await, []);
    pass(&aws, 2 * MINUTE).await;
    let mut seen = sees(app, &eve()).await;
    seen.sort_unstable();
    let mut both = [task, alone];
    both.sort_unstable();
    assert_eq!(seen, both);
    // Ann has one of them: it is not claimed from her, but given to another.
    let refused = act(app, &eve(), task, Act::Claim).await.unwrap_err();
    assert_eq!(refused.code(), ALREADY_CLAIMED);
    let assignee = "bob".to_owned();
    act(app, &eve(), task, Act::Assign { assignee })
        .await
        .unwrap();
    assert_eq!(ask(app, &bob(), &of(Whose::Mine)).await.unwrap(), [task]);
    assert_eq!(sees(app, &ann()).await, [alone]);
    act(app, &bob(), task, complete(json!(1))).await.unwrap();
    assert_eq!(sees(app, &eve()).await, [alone]);
}

async fn check_put_off(aws: &LocalAws, app: &App, task: TaskId) {
    act(app, &ann(), task, Act::Claim).await.unwrap();
    let until = aws.clock().now().plus_millis(90 * MINUTE);
    let later = |until| Act::FollowUp { until };
    act(app, &ann(), task, later(Some(until))).await.unwrap();
    assert_eq!(sees(app, &ann()).await, []);
    let request = InboxRequest {
        with_put_off: true,
        ..InboxRequest::default()
    };
    assert_eq!(ask(app, &ann(), &request).await.unwrap(), [task]);
    let now = aws.clock().now();
    for bad in [now, now.plus_millis(367 * 24 * HOUR)] {
        let refused = act(app, &ann(), task, later(Some(bad))).await.unwrap_err();
        assert_eq!(refused.code(), INVALID_INPUT);
    }
    pass(aws, 90 * MINUTE - SECOND).await;
    assert_eq!(sees(app, &ann()).await, []);
    pass(aws, SECOND).await;
    assert_eq!(sees(app, &ann()).await, [task]);
    pass(aws, MINUTE).await;
    let stored = Records::of(aws).task(task).await;
    assert_eq!(
        stored.handling.unwrap().put_off_until,
        None,
        "it was reminded of"
    );
    act(app, &ann(), task, Act::Release).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_a_person_puts_off_comes_again_at_its_time() {
    let (aws, script) = (aws(), Script::echo());
    let fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), DEFINITIONS).await;
    let workflow = start(fleet.app(), "contract", json!({}), "run").await;
    settle(&aws).await;
    let of_step = Records::of(&aws).step(workflow, "sign").await.id;
    check_put_off(&aws, fleet.app(), of_step).await;
    let assignee = "bob".to_owned();
    let root = person("root", &[], &[ADMINISTER_TASKS]);
    let given = Act::Assign { assignee };
    act(fleet.app(), &root, of_step, given).await.unwrap();
    let alone = create(fleet.app(), "sign", json!({}), "one").await;
    check_put_off(&aws, fleet.app(), alone).await;
}

/// A process dies at one of the calls of a claim, or of the release after it.
async fn check_death(release: bool, plan: impl Fn(&LocalAws)) {
    let (before, script) = (aws(), Script::echo());
    let app = deaf(&before, &script).await;
    register(&app, DEFINITIONS).await;
    let workflow = start(&app, "contract", json!({}), "run").await;
    settle(&before).await;
    let task = Records::of(&before).step(workflow, "sign").await.id;
    if release {
        act(&app, &ann(), task, Act::Claim).await.unwrap();
    }
    before.faults().revive();
    plan(&before);
    let what = if release { Act::Release } else { Act::Claim };
    let who = ann();
    tokio::select! {
        _ = act(&app, &who, task, what) => {}
        () = before.faults().killed() => {}
    }
    let after = before.restarted();
    let service = service(&after, &script).await;
    settle(&after).await;
    let app = service.app();
    let stored = Records::of(&after).task(task).await;
    let (mine, claimable) = match stored.assignee {
        Some(_) => (vec![task], vec![]),
        None => (vec![], vec![task]),
    };
    assert_eq!(ask(app, &ann(), &of(Whose::Mine)).await.unwrap(), mine);
    for who in [ann(), bob()] {
        let found = ask(app, &who, &of(Whose::Claimable)).await.unwrap();
        assert_eq!(found, claimable, "{} {:?}", who.user_id, stored.status);
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_that_dies_while_a_person_acts_leaves_the_task_in_the_right_inboxes() {
    for release in [false, true] {
        for call in 1..=8 {
            check_death(release, |aws| aws.faults().kill_before(call)).await;
            check_death(release, |aws| aws.faults().kill_after(call)).await;
        }
    }
}
