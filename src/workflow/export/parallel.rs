//! What runs at once: PARALLEL, and parts of a graph that do not wait for each other.
//!
//! A branch of a Parallel cannot set a variable outside it. One that sets variables has a copy of
//! its own and gives back what it has set, which is the same as long as no other branch reads or
//! sets it, and nothing asks for it after a failure.

use serde_json::{Value, json};

use super::data::{Data, Onto};
use super::failing::Origin;
use super::graph::{Piece, pieces};
use super::limits::retriers;
use super::machine::{Machine, Next, object, signed};
use super::place::Place;
use super::reads::Reads;
use super::text::{named, quoted};
use crate::JsonObject;
use crate::problem::member;
use crate::workflow::definition::{Join, OnBranchFailure, ParallelStep, Step};

/// A branch.
pub(super) struct Arm<'a> {
    pub name: String,
    /// What its own states are called by.
    pub path: String,
    /// The list that its steps are of.
    pub steps: &'a [Step],
    pub pieces: Vec<Piece>,
    pub pointer: String,
    /// The pointer that names its own states.
    pub scope: String,
    pub place: Place,
}

impl Arm<'_> {
    fn reads(&self) -> Reads {
        let places = self.pieces.iter().flat_map(Piece::places);
        let steps: Vec<Step> = places.map(|at| self.steps[at].clone()).collect();
        Reads::of(&steps)
    }

    /// Whether none of its steps may be done.
    fn may_do_nothing(&self) -> bool {
        let mut places = self.pieces.iter().flat_map(Piece::places);
        places.all(|at| self.steps[at].condition.is_some())
    }
}

/// Branches that run at once.
pub(super) struct Arms<'a> {
    pub arms: Vec<Arm<'a>>,
    /// The name of the state.
    pub state: String,
    pub pointer: String,
    /// The step that it is, or begins with.
    pub step: String,
    pub retry: Vec<Value>,
}

impl<'a> Machine<'a> {
    /// Writes a PARALLEL.
    pub(super) fn parallel(
        &mut self,
        step: &'a Step,
        parallel: &'a ParallelStep,
        pointer: &str,
        place: &Place,
        next: &Next,
    ) {
        self.check_join(parallel, pointer);
        let arms = self.branches(step, parallel, pointer, place, next);
        let retry = parallel.retry_policy.as_ref();
        let arms = Arms {
            arms,
            state: self.name(pointer, &place.path_of(&step.name), ""),
            pointer: pointer.to_owned(),
            step: step.name.clone(),
            retry: retry.map(retriers).unwrap_or_default(),
        };
        let after = self.name(pointer, &place.path_of(&step.name), "output");
        let sets = self.write_arms(&arms, place, &Next::To(after.clone()));
        let output = output(&arms, &sets);
        let mut fields = object([("Type", json!("Pass")), ("Output", signed(&output))]);
        put_variables(&mut fields, place, &sets);
        let next = self.then_set(step, pointer, place, "$states.input", next);
        next.put(&mut fields);
        self.state(&after, fields);
    }

    /// Refuses a join that a Parallel does not know.
    fn check_join(&mut self, parallel: &ParallelStep, pointer: &str) {
        let is_all = match parallel.join {
            Join::All => true,
            Join::Any => parallel.branches.len() == 1,
            Join::Count(count) => count as usize == parallel.branches.len(),
        };
        self.refuse_field(
            !is_all,
            pointer,
            "join",
            "a Parallel waits for all of its branches",
        );
        let waits = parallel.on_branch_failure == OnBranchFailure::Wait;
        self.refuse_field(
            waits && parallel.branches.len() > 1,
            pointer,
            "onBranchFailure",
            "a Parallel stops the others when a branch fails",
        );
    }

    fn branches(
        &mut self,
        step: &'a Step,
        parallel: &'a ParallelStep,
        pointer: &str,
        place: &Place,
        next: &Next,
    ) -> Vec<Arm<'a>> {
        let mut arms = Vec::new();
        for (index, branch) in parallel.branches.iter().enumerate() {
            let scope = format!("{pointer}/branches/{index}");
            let steps = member(&scope, "steps");
            let pieces = pieces(&branch.steps);
            if pieces.is_none() {
                self.block(&branch.steps, &steps, place, next);
            }
            arms.push(Arm {
                name: branch.name.clone(),
                path: place.inside(&step.name).path_of(&branch.name),
                steps: &branch.steps,
                pieces: pieces.unwrap_or_default(),
                pointer: steps,
                scope,
                place: place.inside(&step.name).inside(&branch.name),
            });
        }
        arms
    }

    /// Writes groups of a graph; the output is that of one of them.
    pub(super) fn write_groups(
        &mut self,
        arms: &Arms<'a>,
        place: &Place,
        next: &Next,
        last: usize,
    ) {
        let path = place.path_of(&arms.step);
        let after = self.name(&arms.pointer, &path, "all done");
        let sets = self.write_arms(arms, place, &Next::To(after.clone()));
        let output = result(last, &sets);
        let mut fields = object([("Type", json!("Pass")), ("Output", signed(&output))]);
        put_variables(&mut fields, place, &sets);
        next.put(&mut fields);
        self.state(&after, fields);
    }

    /// Writes the Parallel, and gives the variables that each branch sets.
    fn write_arms(&mut self, arms: &Arms<'a>, place: &Place, next: &Next) -> Vec<Vec<String>> {
        let reads: Vec<Reads> = arms.arms.iter().map(Arm::reads).collect();
        self.check_apart(arms, &reads, place);
        let mut sets = Vec::new();
        let mut branches = Vec::new();
        for (arm, reads) in arms.arms.iter().zip(&reads) {
            let own: Vec<String> = reads.sets.iter().cloned().collect();
            branches.push(self.arm(arm, &own, !arms.retry.is_empty()));
            sets.push(own);
        }
        let mut fields = object([("Type", json!("Parallel")), ("Branches", json!(branches))]);
        if !arms.retry.is_empty() {
            fields.insert("Retry".to_owned(), json!(arms.retry));
        }
        if let Some(catch) = self.catch(Origin::Inside, place, &arms.step) {
            fields.insert("Catch".to_owned(), catch);
        }
        next.put(&mut fields);
        self.state(&arms.state, fields);
        sets
    }

    /// Whether the branches can have variables of their own.
    fn check_apart(&mut self, arms: &Arms<'a>, reads: &[Reads], place: &Place) {
        for (arm, own) in arms.arms.iter().zip(reads) {
            for variable in &own.sets {
                let shares = |(other, theirs): &(&Arm<'a>, &Reads)| {
                    other.scope != arm.scope
                        && (theirs.holds(variable) || theirs.sets.contains(variable))
                };
                let other = arms.arms.iter().zip(reads).find(shares);
                if let Some((other, _)) = other {
                    let message = format!(
                        "it sets {variable:?}, which {:?} beside it reads or sets: branches of a Parallel share no variables",
                        other.name
                    );
                    self.refuse(&arm.scope, message);
                }
            }
            let is_seen = place.catchers.iter().any(|one| one.sees_variables)
                || !arms.retry.is_empty()
                || own.sets.iter().any(|one| self.handlers_read.holds(one));
            if !own.sets.is_empty() && is_seen {
                let message = "it sets variables, which whatever handles a failure of the branches would not see";
                self.refuse(&arm.scope, message);
            }
        }
    }

    fn arm(&mut self, arm: &Arm<'a>, sets: &[String], is_retried: bool) -> Value {
        let mut place = arm.place.apart(&arm.scope, is_retried);
        let outer = place.variables.clone();
        let path = &arm.path;
        self.open();
        place = place.catching(self.told_where(&arm.scope, &place, path));
        let mut begin = object([("Type", json!("Pass")), ("Output", signed("null"))]);
        let mut end = Next::End;
        if !sets.is_empty() {
            let variable = self.variable("workflowVariables");
            begin.insert("Assign".to_owned(), json!({&variable: signed(&outer)}));
            place = place.with_variables(&variable);
            end = Next::To(self.name(&arm.scope, path, "done"));
        }
        let first = self.entry(&arm.pieces, arm.steps, &arm.pointer, &place, &end);
        let starts = match (&first, sets.is_empty() && !arm.may_do_nothing()) {
            (Next::To(first), true) => first.clone(),
            _ => {
                let name = self.name(&arm.scope, path, "begin");
                first.put(&mut begin);
                self.state(&name, begin);
                name
            }
        };
        self.sequence(&arm.pieces, arm.steps, &arm.pointer, &place, &end);
        if let Next::To(end) = end {
            let given = sets
                .iter()
                .map(|name| format!("{}: {}.{}", quoted(name), place.variables, named(name)));
            let given = given.collect::<Vec<_>>().join(", ");
            let text = format!("{{'output': $states.input, 'variables': {{{given}}}}}");
            let fields = [
                ("Type", json!("Pass")),
                ("Output", signed(&text)),
                ("End", json!(true)),
            ];
            self.state(&end, object(fields));
        }
        let states = self.close(&starts);
        json!({"StartAt": starts, "States": states})
    }

    /// Writes the state that sets the variables of a step whose output is its input.
    pub(super) fn set_state(
        &mut self,
        step: &'a Step,
        pointer: &str,
        place: &Place,
        output: &str,
        next: &Next,
    ) {
        let data = self.step_data(step, pointer, place, output);
        let name = self.name(pointer, &place.path_of(&step.name), "set");
        let mut fields = object([
            ("Type", json!("Pass")),
            ("Assign", json!({variable(place): signed(&data.text)})),
        ]);
        next.put(&mut fields);
        if data.required.is_empty() {
            self.state(&name, fields);
        } else {
            let then = self.name(pointer, &place.path_of(&step.name), "set all");
            self.state(&then, fields);
            let check = self.check(
                &data.required,
                (pointer, "variableMappings"),
                place,
                &step.name,
                &then,
            );
            let mut fields = object([("Type", json!("Pass"))]);
            Next::To(check).put(&mut fields);
            self.state(&name, fields);
        }
    }

    /// The variables after a step, whose output is an expression.
    pub(super) fn step_data(
        &mut self,
        step: &'a Step,
        pointer: &str,
        place: &Place,
        output: &str,
    ) -> Data {
        let names = place.names_of(&step.name).with("taskOutput", output);
        let list = member(pointer, "variableMappings");
        let onto = Onto::Object(&place.variables);
        self.data(&step.variable_mappings, &list, "taskOutput", &names, onto)
    }
}

/// The state machine variable of a place, without its sign.
pub(super) fn variable(place: &Place) -> &str {
    place.variables.trim_start_matches('$')
}

/// What a branch gave.
fn result(index: usize, sets: &[Vec<String>]) -> String {
    match sets.get(index).is_some_and(|sets| !sets.is_empty()) {
        true => format!("$states.input[{index}].output"),
        false => format!("$states.input[{index}]"),
    }
}

fn output(arms: &Arms<'_>, sets: &[Vec<String>]) -> String {
    let members = arms.arms.iter().enumerate();
    let members: Vec<String> = members
        .map(|(index, arm)| format!("{}: {}", quoted(&arm.name), result(index, sets)))
        .collect();
    format!("{{{}}}", members.join(", "))
}

/// Sets what the branches have set.
fn put_variables(fields: &mut JsonObject, place: &Place, sets: &[Vec<String>]) {
    let setting = (0..sets.len()).filter(|index| !sets[*index].is_empty());
    let given: Vec<String> = setting
        .map(|index| format!(", $states.input[{index}].variables"))
        .collect();
    if !given.is_empty() {
        let text = format!("$merge([{}{}])", place.variables, given.concat());
        fields.insert("Assign".to_owned(), json!({variable(place): signed(&text)}));
    }
}
