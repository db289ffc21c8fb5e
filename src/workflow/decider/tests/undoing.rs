//! What the batches of a MAP completed is undone with the rest.

use super::world::World;
use super::*;

fn undoable(name: &str) -> Value {
    json!({ "name": name, "compensation": { "taskDefinitionId": "undo" } })
}

/// A MAP of two iterations, beside a branch.
fn map_and_branch() -> Value {
    let map = json!({ "name": "m", "type": "MAP", "items": "[1, 2]", "steps": [
        undoable("a"), step("b"),
    ] });
    json!([{ "name": "p", "type": "PARALLEL", "branches": [
        { "name": "x", "steps": [map] },
        { "name": "y", "steps": [undoable("c"), step("d")] },
    ] }])
}

fn batch_of(world: &World) -> WorkflowId {
    let mut batches = world.records.values();
    batches.find(|record| record.batch.is_some()).unwrap().id
}

fn by_parent(version: u64, ask: Ask) -> Event {
    Event::Operation(Box::new(Operation {
        request_id: Some(version.to_string()),
        by_parent: Some(version),
        ask,
    }))
}

/// Completes what is undone, one after another, and says what it was.
fn undone(world: &mut World) -> Vec<String> {
    let mut undone = Vec::new();
    loop {
        match world.open() {
            open if open.is_empty() => return undone,
            open => {
                world.play(&format!("{open}+"));
                undone.push(open.trim_end_matches("/compensation").to_owned());
            }
        }
    }
}

#[test]
fn what_completed_later_is_undone_before_in_whatever_record_it_is() {
    let mut world = World::steps(map_and_branch());
    for (now, word) in [(10, "p/x/m[1]/a+"), (20, "p/y/c+"), (30, "p/x/m[0]/a+")] {
        world.now = now;
        world.play(word);
    }
    world.play("undo");
    assert_eq!(undone(&mut world), ["p/x/m[0]/a", "p/y/c", "p/x/m[1]/a"]);
    assert!(world.records.values().all(WorkflowInstance::is_settled));
    assert_eq!(world.state().course.stacks, []);
}

#[test]
fn nothing_of_a_batch_is_undone_before_the_batch_is_over() {
    let mut world = World::steps(map_and_branch());
    world.play("p/x/m[0]/a+");
    let batch = batch_of(&world);
    let plan = world.plan.clone();
    let before = world.state().clone();
    let undo = asked(Ask::Cancel {
        reason: "enough".to_owned(),
        compensate: true,
    });
    // Nobody tells the batch that it is to end.
    let decision = changed(&plan, &before, 0, &[undo]);
    let cancelling = decision.state.course.cancelling.clone();
    world.compensables.extend(decision.compensables);
    world.records.insert(before.id, decision.state);
    world.fold(before.id, &Event::CancelsDone(cancelling));
    assert!(!world.open().contains("compensation"));
    assert!(world.state().due_at.is_some(), "somebody looks again");
    assert_eq!(world.fold(before.id, &Event::Look), Applied::Nothing);
    world.play("p/x/m[1]/a+");
    world.fold(batch, &by_parent(9, Ask::cancel("its parent is over")));
    assert_eq!(world.fold(before.id, &Event::Look), Applied::Changed);
    assert!(
        world.open().contains("p/x/m[1]/a/compensation"),
        "it counts"
    );
}

#[test]
fn a_step_that_completes_in_the_moment_in_which_its_batch_is_to_end_is_noted() {
    let world = World::steps(map_and_branch());
    let mut tasks = world.tasks.values();
    let is_it = |task: &&TaskInstance| task.context.task_path.as_deref() == Some("p/x/m[1]/a");
    let task = tasks.find(is_it).unwrap().clone();
    let batch = batch_of(&world);
    let plan = world.plan.clone();
    let before = world.records[&batch].clone();
    let decision = changed(&plan, &before, 0, &[by_parent(9, Ask::cancel("over"))]);
    let cancelled = changed(&plan, &decision.state, 0, &[completed(&task, json!(1))]);
    assert_eq!(cancelled.compensables.len(), 1);
    assert!(cancelled.state.course.compensations.is_some());
}

#[test]
fn a_batch_that_went_on_after_a_cancellation_is_undone_once_for_each_of_its_runs() {
    let mut world = World::steps(map_and_branch());
    world.now = 10;
    world.play("p/x/m[0]/a+");
    let id = workflow_id();
    world.fold(id, &by_parent(7, Ask::cancel("its parent is over")));
    world.settle();
    assert_eq!(world.outcome(), "CANCELLED CANCELLED");
    world.fold(id, &by_parent(8, Ask::Retry));
    world.settle();
    world.now = 20;
    world.play("p/x/m[1]/a+ p/y/c+");
    world.now = 30;
    world.play("p/y/d-");
    assert_eq!(world.outcome(), "FAILED BUSY");
    assert_eq!(undone(&mut world), ["p/y/c", "p/x/m[1]/a", "p/x/m[0]/a"]);
}

#[test]
fn a_map_of_which_a_step_was_undone_begins_anew() {
    let mut world = World::steps(map_and_branch());
    world.play("p/x/m[0]/a+ p/y/c+ p/y/d-");
    assert_eq!(undone(&mut world), ["p/y/c", "p/x/m[0]/a"]);
    world.play("retry");
    assert_eq!(world.open(), "p/x/m[0]/a p/x/m[1]/a p/y/c");
    world.play("p/x/m[0]/a+ p/x/m[1]/a+ p/x/m[0]/b+ p/x/m[1]/b+ p/y/c+ p/y/d+");
    assert_eq!(world.outcome(), "COMPLETED null");
}
