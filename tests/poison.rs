//! A task that takes its worker down each time ends, and its neighbours come to no harm.

use serde_json::json;
use taskmill::codes::failure::WORKER_LOST;
use taskmill::limits::MAX_LOSSES;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill_local::LocalAws;

use crate::support::{
    Answer, Fleet, Records, Script, aws, create, register, service, settle, start, task_of,
};

const DEFINITIONS: &str = "
id: tracked
name: Tracked
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'process:script'}
---
id: lazy
name: Lazy
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'lambda:script'}
---
id: with-poison
name: With poison
version: 1.0.0
steps: [{name: poison, taskDefinitionId: tracked}]
---
id: lets-go
name: Lets go
version: 1.0.0
steps:
  - {name: poison, taskDefinitionId: tracked, continueOnFailure: true}
  - {name: after, taskDefinitionId: lazy}
";

/// Deaths after which a loop is a loop.
const TOO_MANY: usize = 20;

/// What has the word poison takes its worker down; the others take a moment.
fn script() -> Script {
    Script::new(|call| {
        let in_workflow = call.task_path.as_deref() == Some("poison");
        if in_workflow || call.input["poison"] == json!(true) {
            Answer::Die
        } else {
            Answer::Succeed(json!("well")).after(20)
        }
    })
}

/// The neighbours of the poison in one batch: half are programs.
const NEIGHBOURS: [(&str, &str); 6] = [
    ("tracked", "n0"),
    ("lazy", "n1"),
    ("tracked", "n2"),
    ("lazy", "n3"),
    ("tracked", "n4"),
    ("lazy", "n5"),
];

async fn settled_or_killed(aws: &LocalAws, all_ended: impl Future<Output = ()>) -> bool {
    tokio::select! {
        () = aws.faults().killed() => false,
        () = all_ended => true,
    }
}

/// Runs the service anew after each of its deaths until all these tasks have ended. Gives the AWS
/// of the last process, and how often one died.
async fn restart_until_ended(
    script: &Script,
    keys: &[&str],
    mut aws: LocalAws,
) -> (LocalAws, usize) {
    for deaths in 0..TOO_MANY {
        let records = Records::of(&aws);
        let ended = async {
            for key in keys {
                records.ended_task(task_of(key)).await;
            }
        };
        let outcome = settled_or_killed(&aws, async {
            let _service = service(&aws, script).await;
            ended.await;
        });
        if outcome.await {
            return (aws, deaths);
        }
        aws = aws.restarted();
    }
    panic!("{TOO_MANY} processes died");
}

async fn prepared(script: &Script, poison: &str) -> LocalAws {
    let aws = aws();
    let service = service(&aws, script).await;
    register(service.app(), DEFINITIONS).await;
    for (definition, key) in &NEIGHBOURS[..3] {
        create(service.app(), definition, json!({}), key).await;
    }
    create(service.app(), poison, json!({"poison": true}), "poison").await;
    for (definition, key) in &NEIGHBOURS[3..] {
        create(service.app(), definition, json!({}), key).await;
    }
    aws
}

fn check_poison(task: &TaskInstance, script: &Script) {
    assert_eq!(task.status, TaskStatus::Failed);
    let error = task.error.as_ref().unwrap();
    assert_eq!(error.code, WORKER_LOST);
    assert_eq!(task.losses, MAX_LOSSES);
    assert_eq!(script.calls_of(task.id), MAX_LOSSES as usize + 1);
    assert_eq!(task.attempts.len(), MAX_LOSSES as usize + 1);
    for attempt in &task.attempts {
        let code = attempt.error.as_ref().map(|error| error.code.as_str());
        assert_eq!(code, Some(WORKER_LOST));
    }
}

/// A neighbour may have been lost with the worker of its batch, once: after that the poison runs
/// alone. One that is not recorded first may have been lost once more, without a record.
fn check_neighbour(task: &TaskInstance, script: &Script) {
    assert_eq!(task.status, TaskStatus::Completed, "{}", task.id);
    assert!(
        task.losses <= 1,
        "{} was lost {} times",
        task.id,
        task.losses
    );
    let lazy = usize::from(task.task_definition_id.as_str() == "lazy");
    let calls = script.calls_of(task.id);
    assert!(calls <= 2 + lazy, "{} was run {calls} times", task.id);
}

fn keys() -> Vec<&'static str> {
    let neighbours = NEIGHBOURS.iter().map(|(_, key)| *key);
    neighbours.chain(["poison"]).collect()
}

#[tokio::test(start_paused = true)]
async fn a_program_that_kills_its_process_fails_across_restarts() {
    let script = script();
    let aws = prepared(&script, "tracked").await;
    let (aws, deaths) = restart_until_ended(&script, &keys(), aws).await;
    assert_eq!(deaths, MAX_LOSSES as usize + 1);
    let records = Records::of(&aws);
    check_poison(&records.task(task_of("poison")).await, &script);
    for (_, key) in NEIGHBOURS {
        check_neighbour(&records.task(task_of(key)).await, &script);
    }
}

#[tokio::test(start_paused = true)]
async fn a_task_that_is_not_recorded_first_cannot_loop_across_restarts_either() {
    let script = script();
    let aws = prepared(&script, "lazy").await;
    let (aws, deaths) = restart_until_ended(&script, &keys(), aws).await;
    // Of the first death there is no record.
    assert_eq!(deaths, MAX_LOSSES as usize + 2);
    let records = Records::of(&aws);
    let poison = records.task(task_of("poison")).await;
    assert_eq!(poison.status, TaskStatus::Failed);
    assert_eq!(poison.error.unwrap().code, WORKER_LOST);
    for (_, key) in NEIGHBOURS {
        check_neighbour(&records.task(task_of(key)).await, &script);
    }
}

/// The same where functions die and their messages come again.
async fn check_functions(poison: &str, unrecorded: usize) {
    let (aws, script) = (aws(), script());
    let mut deaths = 0;
    let mut fleet = Fleet::start(&aws, &script).await;
    register(fleet.app(), DEFINITIONS).await;
    create(fleet.app(), poison, json!({"poison": true}), "poison").await;
    for (definition, key) in NEIGHBOURS {
        create(fleet.app(), definition, json!({}), key).await;
    }
    loop {
        let records = Records::of(&aws);
        let ended = async {
            for key in keys() {
                records.ended_task(task_of(key)).await;
            }
        };
        if settled_or_killed(&aws, ended).await {
            break;
        }
        deaths += 1;
        assert!(deaths < TOO_MANY, "{TOO_MANY} functions died");
        drop(fleet);
        settle(&aws).await;
        aws.faults().revive();
        fleet = Fleet::start(&aws, &script).await;
    }
    assert_eq!(deaths, MAX_LOSSES as usize + 1 + unrecorded);
    let records = Records::of(&aws);
    let task = records.task(task_of("poison")).await;
    assert_eq!(task.status, TaskStatus::Failed);
    assert_eq!(task.error.unwrap().code, WORKER_LOST);
    for (_, key) in NEIGHBOURS {
        let neighbour = records.task(task_of(key)).await;
        check_neighbour(&neighbour, &script);
    }
}

#[tokio::test(start_paused = true)]
async fn a_program_that_kills_its_function_fails_and_burns_no_neighbours() {
    check_functions("tracked", 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_kills_its_function_is_recorded_from_its_second_delivery_on() {
    check_functions("lazy", 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_workflow_takes_the_loss_as_any_failure() {
    for (definition, status, output_of_after) in [
        ("with-poison", "FAILED", None),
        ("lets-go", "COMPLETED", Some("well")),
    ] {
        let script = script();
        let mut aws = aws();
        let first = service(&aws, &script).await;
        register(first.app(), DEFINITIONS).await;
        let id = start(first.app(), definition, json!({}), "run").await;
        let mut running = Some(first);
        for _ in 0..TOO_MANY {
            let records = Records::of(&aws);
            let ended = async {
                records.ended_workflow(id).await;
            };
            if settled_or_killed(&aws, ended).await {
                break;
            }
            drop(running.take());
            aws = aws.restarted();
            running = Some(service(&aws, &script).await);
        }
        let records = Records::of(&aws);
        let workflow = records.workflow(id).await;
        assert_eq!(workflow.status.as_str(), status);
        check_poison(&records.step(id, "poison").await, &script);
        match output_of_after {
            None => assert_eq!(workflow.error.unwrap().code, WORKER_LOST),
            Some(output) => {
                let after = records.step(id, "after").await;
                assert_eq!(after.output, Some(json!(output)));
            }
        }
    }
}
