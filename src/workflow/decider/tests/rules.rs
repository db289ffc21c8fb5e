//! What holds of every decision: what it owes can be derived again, what ended stays as it is, and
//! no time is forgotten.

use super::world::World;
use super::*;
use crate::workflow::frontier::{Cancelling, Course};

impl World {
    /// Checks a decision that was written.
    pub(super) fn check_rules(&self, before: Option<&WorkflowInstance>, decision: &Decision) {
        let state = &decision.state;
        let text = serde_json::to_string(&state.course).unwrap();
        let read: Course = serde_json::from_str(&text).unwrap();
        assert_eq!(read, state.course, "what is stored loads: {text}");
        if let Some(before) = before {
            assert_eq!(state.version, before.version + 1);
            check_ended(before, state);
        }
        check_due(self, state);
        let variables = match before {
            Some(before) => &before.variables,
            None => &self.plan.workflow.definition.variables,
        };
        // What one branch sets while another begins is seen by who derives what it asked for; a
        // step that runs again may set what it had set, after others began without it.
        let is_again = before.is_some_and(|before| before.run != state.run);
        let is_as_before = *variables == state.variables && !is_again;
        match is_as_before || state.batch.is_some() {
            true => self.check_owed(decision, |one, other| one == other),
            false => self.check_owed(decision, |one, other| started(one) == started(other)),
        }
    }

    /// What the newest version owes is what its decision asked for.
    fn check_owed(&self, decision: &Decision, alike: impl Fn(&Effect, &Effect) -> bool) {
        let has = |effects: &[Effect], one: &Effect| effects.iter().any(|other| alike(one, other));
        let state = &decision.state;
        let later = facts(self.now + 77);
        let times = self.times(state);
        let owed = owed(&self.plan, state, later, |_, since| since == state.version);
        let owed: Vec<Effect> = owed
            .into_iter()
            .map(|one| self.undone(state, one))
            .collect();
        for effect in &decision.effects {
            let is_record = matches!(effect, Effect::CreateTask(task) if task.status.is_terminal());
            // What was to be waited for may be over in the same decision.
            let is_moment = matches!(effect, Effect::Wake(at) if !times.contains(at));
            let is_ask = matches!(effect, Effect::Ask(_, event) if !is_kept(event));
            let is_batch = matches!(effect, Effect::TellParent(_));
            // Who is asked to go on and to end by one decision ends, in whatever order it hears.
            let is_given_up = matches!(
                effect,
                Effect::Ask(id, _) if state.course.cancelling.contains(&Cancelling::Child(*id))
            );
            let is_excused = is_record || is_moment || is_ask || is_batch || is_given_up;
            assert!(
                is_excused || has(&owed, effect),
                "{effect:#?} is not owed by {state:#?}: {owed:#?}"
            );
        }
        for effect in &owed {
            let is_told = matches!(
                effect,
                Effect::TellParent(_) | Effect::Ask(..) | Effect::CancelTask(_) | Effect::Wake(_)
            );
            let is_there =
                matches!(effect, Effect::StartBatch(batch) if self.records.contains_key(&batch.id));
            assert!(
                is_told || is_there || has(&decision.effects, effect),
                "{effect:#?} was not asked for: {:#?}",
                decision.effects
            );
        }
    }

    /// The times that a record waits for.
    fn times(&self, state: &WorkflowInstance) -> Vec<Timestamp> {
        let mut times: Vec<Timestamp> = state.deadline_at.into_iter().collect();
        let mut fold = Fold::of(&self.plan, state.clone(), facts(self.now));
        fold.each_active(&mut |_, _, active, _| match &active.state {
            State::Wait { until }
            | State::Signal {
                until: Some(until), ..
            }
            | State::Retrying { at: until } => times.push(*until),
            _ => {}
        });
        times
    }

    /// The task of a compensation, which is derived by way of what is beside the record.
    fn undone(&self, state: &WorkflowInstance, effect: Effect) -> Effect {
        match effect {
            Effect::Undo(undoing) => {
                let Undoable::Step(compensable) = &self.compensables[&undoing.name] else {
                    panic!("a step is undone");
                };
                let then = Facts {
                    now: state.updated_at,
                    ..facts(0)
                };
                let task = super::super::undoing(&self.plan, state, then, &undoing, compensable);
                Effect::CreateTask(Box::new(task.unwrap()))
            }
            other => other,
        }
    }
}

/// An effect without what the variables have a part in.
fn started(effect: &Effect) -> String {
    match effect {
        Effect::CreateTask(task) => format!("task {} {:?}", task.id, task.status),
        Effect::StartChild(child) => format!("child {}", child.id),
        Effect::StartBatch(batch) => format!("batch {}", batch.id),
        other => format!("{other:?}"),
    }
}

/// Whether the record that asks keeps what it asked for until it is done.
fn is_kept(event: &Event) -> bool {
    let is_kept = |ask: &Ask| matches!(ask, Ask::Cancel { .. } | Ask::Retry | Ask::Rerun { .. });
    match event {
        Event::Operation(operation) => is_kept(&operation.ask),
        Event::Handed(_) => true,
        _ => false,
    }
}

/// A record that ended changes by a reopening, and in what is done after the end.
fn check_ended(before: &WorkflowInstance, after: &WorkflowInstance) {
    assert!(after.run == before.run || before.status.is_terminal());
    if !before.status.is_terminal() || after.run > before.run {
        return;
    }
    assert_eq!(after.status, before.status);
    assert_eq!(after.output, before.output);
    assert_eq!(after.error, before.error);
    assert_eq!(after.end_time, before.end_time);
    assert_eq!(after.expires_at, before.expires_at);
    assert_eq!(after.course.root, before.course.root);
}

/// Whoever is not settled is looked at, and at every time that it waits for.
fn check_due(world: &World, state: &WorkflowInstance) {
    let over = state.status.is_terminal();
    assert_eq!(state.due_at.is_none(), state.is_settled(), "{state:#?}");
    assert_eq!(state.end_time.is_some(), over);
    assert_eq!(state.expires_at.is_some(), over);
    let Some(due) = state.due_at else { return };
    if state.status == WorkflowStatus::Paused {
        return;
    }
    for time in world.times(state) {
        let is_sent = world.sent.contains(&(time, state.id));
        assert!(due <= time || is_sent, "{time} is forgotten: due at {due}");
    }
}
