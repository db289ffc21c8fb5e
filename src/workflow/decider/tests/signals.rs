//! Signals for steps of batches: who has them, and what comes of one on its way.

use super::world::World;
use super::*;
use crate::limits::MAP_BATCH;
use crate::workflow::signal::{Handed, Handout};

/// A MAP over so many items; those that `waits` names wait for a signal, and then for a task.
fn map(items: u32, waits: &str) -> Value {
    json!({ "name": "m", "type": "MAP", "items": format!("[1..{items}]"), "steps": [
        { "name": "s", "type": "SIGNAL", "signal": "go", "condition": waits, "timeout": 5000, "onTimeout": "CONTINUE" },
        { "name": "t", "condition": waits },
    ] })
}

/// What is handed out and not answered.
fn handouts(world: &World) -> Vec<Handout> {
    world.state().course.handouts.clone()
}

fn batch_of(world: &World, path: &str) -> WorkflowId {
    let is_its = |record: &&WorkflowInstance| match &record.course.root {
        Root::Iterations(iterations) => iterations.waiters.iter().any(|one| one.path == path),
        Root::Steps(_) => false,
    };
    world.records.values().find(is_its).unwrap().id
}

fn signal(name: &str) -> Event {
    asked(Ask::Signal {
        name: name.to_owned(),
        data: json!(7),
    })
}

/// Has the workflow hand a signal out, and nobody perform it.
fn hand_out(world: &mut World) -> Handed {
    let plan = world.plan.clone();
    let before = world.state().clone();
    let decision = fold(&plan, &before, world.now, &[signal("go")]).unwrap();
    let asks = decision.effects.iter().filter_map(|effect| match effect {
        Effect::Ask(_, event) => match &**event {
            Event::Handed(handed) => Some((**handed).clone()),
            _ => None,
        },
        _ => None,
    });
    let handed: Vec<_> = asks.collect();
    assert_eq!(handed.len(), 1);
    world.records.insert(before.id, decision.state);
    handed[0].clone()
}

/// Tells the workflow how a batch stands.
fn tell(world: &mut World, batch: WorkflowId) -> Applied {
    let report = batch::report(&world.records[&batch]).unwrap();
    let event = Event::BatchTold {
        id: batch,
        report: Box::new(report),
    };
    world.fold(workflow_id(), &event)
}

#[test]
fn each_batch_tells_of_the_one_that_has_waited_longest() {
    let last = MAP_BATCH + 50;
    let waits = "index in [7, 70, 140]";
    let mut world = World::steps(json!([map(last, waits)]));
    let known = |world: &World| -> Vec<String> {
        let active = &active(world.state())[0];
        let State::Map(map) = &active.state else {
            panic!("it is a MAP");
        };
        let waiters = map.running.iter().flat_map(|batch| &batch.waiters);
        waiters.map(|one| one.path.clone()).collect()
    };
    assert_eq!(known(&world), ["m[7]/s", "m[140]/s"]);
    world.play("signal:go");
    assert_eq!(known(&world), ["m[70]/s", "m[140]/s"]);
    assert_eq!(world.open(), "m[7]/t");
    world.play("signal:go signal:go signal:go");
    assert_eq!(world.open(), "m[140]/t m[70]/t m[7]/t");
    assert_eq!(known(&world), Vec::<String>::new());
    assert_eq!(world.state().course.signals.len(), 1, "nobody waits for it");
    world.play("m[7]/t+ m[70]/t+ m[140]/t+");
    assert_eq!(world.outcome(), "COMPLETED null");
}

#[test]
fn what_is_handed_twice_is_taken_once() {
    let mut world = World::steps(json!([map(2, "true")]));
    let batch = batch_of(&world, "m[0]/s");
    let handed = Event::Handed(Box::new(hand_out(&mut world)));
    assert_eq!(world.fold(batch, &handed), Applied::Changed);
    assert_eq!(world.fold(batch, &handed), Applied::Nothing);
    assert_eq!(world.open(), "m[0]/t");
    assert_eq!(
        world.state().course.signals.len(),
        1,
        "it is kept until it is answered"
    );
    assert_eq!(tell(&mut world, batch), Applied::Changed);
    assert_eq!(tell(&mut world, batch), Applied::Nothing);
    assert!(world.state().course.signals.is_empty());
    assert_eq!(handouts(&world), []);
}

#[test]
fn what_is_handed_out_is_owed_until_it_is_answered() {
    let mut world = World::steps(json!([map(1, "true")]));
    let batch = batch_of(&world, "m[0]/s");
    let handed = Event::Handed(Box::new(hand_out(&mut world)));
    let is_owed = |world: &World| {
        let owed = owed(&world.plan, world.state(), facts(9000), |_, _| false);
        owed.contains(&Effect::Ask(batch, Box::new(handed.clone())))
    };
    assert!(is_owed(&world));
    assert_eq!(
        tell(&mut world, batch),
        Applied::Nothing,
        "it has no answer yet"
    );
    world.fold(batch, &handed);
    assert!(is_owed(&world));
    tell(&mut world, batch);
    assert!(!is_owed(&world));
}

#[test]
fn a_signal_that_its_step_does_not_wait_for_any_more_goes_to_the_next() {
    let steps = json!([map(2, "true"), { "name": "own", "type": "SIGNAL", "signal": "go", "dependsOn": [] }]);
    let mut world = World::steps(steps);
    let batch = batch_of(&world, "m[0]/s");
    let handed = Event::Handed(Box::new(hand_out(&mut world)));
    // Its time is over before the signal is there.
    world.now = 5000;
    world.fold(batch, &Event::Look);
    assert_eq!(world.open(), "m[0]/t m[1]/t");
    assert_eq!(
        world.fold(batch, &handed),
        Applied::Changed,
        "it is answered"
    );
    assert_eq!(world.open(), "m[0]/t m[1]/t");
    assert_eq!(tell(&mut world, batch), Applied::Changed);
    assert_eq!(handouts(&world), []);
    assert!(
        world.state().course.signals.is_empty(),
        "the own step has it"
    );
    world.play("m[0]/t+ m[1]/t+");
    assert_eq!(world.outcome(), "COMPLETED null");
}

#[test]
fn one_signal_of_a_name_is_on_its_way_at_a_time() {
    let steps = json!([map(2, "true"), { "name": "own", "type": "SIGNAL", "signal": "go", "dependsOn": [] }]);
    let mut world = World::steps(steps);
    let batch = batch_of(&world, "m[0]/s");
    let handed = Event::Handed(Box::new(hand_out(&mut world)));
    world.play("signal:go signal:other");
    assert_eq!(handouts(&world).len(), 1);
    assert_eq!(world.state().course.signals.len(), 3);
    world.fold(batch, &handed);
    world.settle();
    assert_eq!(world.open(), "m[0]/t m[1]/t", "the second has the second");
    assert_eq!(world.state().course.signals.len(), 1);
}

#[test]
fn a_paused_batch_answers_when_it_goes_on() {
    let mut world = World::steps(json!([map(1, "true")]));
    let batch = batch_of(&world, "m[0]/s");
    let handed = Event::Handed(Box::new(hand_out(&mut world)));
    world.play("pause");
    assert_eq!(world.fold(batch, &handed), Applied::Nothing);
    world.play("resume");
    assert_eq!(world.fold(batch, &handed), Applied::Changed);
    assert_eq!(world.open(), "m[0]/t");
}

#[test]
fn a_cancelled_batch_gives_its_signal_back() {
    let branches = json!([
        { "name": "a", "steps": [map(1, "true")] },
        { "name": "b", "steps": [step("quick")] },
    ]);
    let race = json!({ "name": "p", "type": "PARALLEL", "join": "ANY", "branches": branches });
    let after = json!({ "name": "own", "type": "SIGNAL", "signal": "go" });
    let mut world = World::steps(json!([race, after]));
    let batch = batch_of(&world, "p/a/m[0]/s");
    let handed = Event::Handed(Box::new(hand_out(&mut world)));
    world.play("p/b/quick+");
    assert_eq!(world.records[&batch].status, WorkflowStatus::Cancelled);
    assert_eq!(world.outcome(), "RUNNING", "the batch may have taken it");
    world.fold(batch, &handed);
    tell(&mut world, batch);
    assert_eq!(world.outcome(), "COMPLETED null");
    assert!(world.records.values().all(WorkflowInstance::is_settled));
}

#[test]
fn a_signal_of_an_earlier_run_means_nothing_any_more() {
    let steps = json!([{ "name": "p", "type": "PARALLEL", "branches": [
        { "name": "a", "steps": [map(1, "true")] },
        { "name": "b", "steps": [step("bad")] },
    ] }]);
    let mut world = World::steps(steps);
    let batch = batch_of(&world, "p/a/m[0]/s");
    let handed = Event::Handed(Box::new(hand_out(&mut world)));
    world.play("p/b/bad-");
    assert!(world.outcome().starts_with("FAILED"));
    assert_eq!(handouts(&world), []);
    world.play("retry");
    assert_eq!(world.fold(batch, &handed), Applied::Nothing);
    world.play("p/b/bad+ signal:go p/a/m[0]/t+");
    assert_eq!(world.outcome(), "COMPLETED null");
}
