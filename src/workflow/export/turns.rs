//! SWITCH and LOOP: a Choice, and a Choice that is come back to.

use serde_json::{Value, json};

use super::machine::{Machine, Next, object, signed};
use super::names::Names;
use super::place::Place;
use crate::JsonObject;
use crate::codes::failure;
use crate::problem::member;
use crate::workflow::definition::{LoopStep, Step, SwitchStep};

impl<'a> Machine<'a> {
    pub(super) fn switch(
        &mut self,
        step: &'a Step,
        switch: &'a SwitchStep,
        pointer: &str,
        place: &Place,
        next: &Next,
    ) {
        let path = place.path_of(&step.name);
        let names = place.names_of(&step.name);
        let inside = place.inside(&step.name);
        let after = self.then_set(step, pointer, place, "$states.input", next);
        let name = self.name(pointer, &path, "");
        let mut choices = Vec::new();
        let mut blocks = Vec::new();
        for (index, case) in switch.cases.iter().enumerate() {
            let at = format!("{pointer}/cases/{index}");
            let condition = self.condition(&case.when, &names, &member(&at, "when"));
            blocks.push((condition, &*case.steps, member(&at, "steps")));
        }
        if let Some(otherwise) = &switch.otherwise {
            blocks.push(("true".to_owned(), otherwise, member(pointer, "otherwise")));
        }
        for (condition, steps, at) in &blocks {
            let first = self.block_entry(steps, at, &inside, &after);
            let first = self.named(&first, &place.scope, &path);
            choices.push(json!({
                "Condition": signed(condition),
                "Next": first,
                "Output": signed("null"),
            }));
        }
        let mut fields = object([("Type", json!("Choice")), ("Choices", json!(choices))]);
        if switch.otherwise.is_none() {
            let error = (
                failure::NO_CASE_MATCHED,
                "no case is true, and there is no otherwise",
            );
            let none = self.fail(pointer, "no case", place, &step.name, error);
            fields.insert("Default".to_owned(), json!(none));
        }
        self.state(&name, fields);
        for (_, steps, at) in blocks {
            self.block(steps, &at, &inside, &after);
        }
    }

    pub(super) fn repeat(
        &mut self,
        step: &'a Step,
        repeat: &'a LoopStep,
        pointer: &str,
        place: &Place,
        next: &Next,
    ) {
        let path = place.path_of(&step.name);
        let variable = self.variable("index");
        let inside = place.turn(&step.name, &format!("${variable}"));
        let after = self.then_set(step, pointer, place, "$states.input", next);
        let message = format!("the loop would go on after {} turns", repeat.max_iterations);
        let error = (failure::MAX_ITERATIONS, message.as_str());
        let asks = self.name(pointer, &path, "goes on");
        let again = self.name(pointer, &path, "again");
        let end = match repeat.while_true {
            Some(_) => Next::To(again.clone()),
            None => Next::To(asks.clone()),
        };
        let steps = member(pointer, "steps");
        let first = self.block_entry(&repeat.steps, &steps, &inside, &end);
        let turns = Turns {
            after: self.named(&after, &place.scope, &path),
            too_many: self.fail(pointer, "too many turns", place, &step.name, error),
            first: self.named(&first, &place.scope, &path),
            asks,
            again,
            variable,
        };
        let begin = self.name(pointer, &path, "");
        let names = inside_names(place, step, &turns);
        match &repeat.while_true {
            Some(condition) => {
                let condition = self.condition(condition, &names, &member(pointer, "while"));
                self.asked_before(repeat, &begin, &condition, &turns);
            }
            None => {
                let until = repeat.until.as_deref().unwrap_or_default();
                let condition = self.condition(until, &names, &member(pointer, "until"));
                self.asked_after(repeat, &begin, &condition, &turns);
            }
        }
        self.block(&repeat.steps, &steps, &inside, &end);
    }

    /// A loop that is asked before each turn whether it goes on.
    fn asked_before(&mut self, repeat: &LoopStep, begin: &str, condition: &str, turns: &Turns) {
        let most = repeat.max_iterations;
        let Turns { variable, .. } = turns;
        let choices = json!([
            {"Condition": signed(&format!("$not({condition})")), "Next": turns.after},
            {"Condition": signed(&format!("${variable} >= {most}")), "Next": turns.too_many},
            {"Condition": signed("true"), "Next": turns.first, "Output": signed("null")},
        ]);
        let asks = [("Type", json!("Choice")), ("Choices", choices)];
        self.state(begin, turns.begin(&turns.asks));
        self.state(&turns.asks, object(asks));
        let again = [
            ("Type", json!("Pass")),
            ("Assign", turns.counted()),
            ("Next", json!(turns.asks)),
        ];
        self.state(&turns.again, object(again));
    }

    /// A loop that is asked after each turn whether it ends.
    fn asked_after(&mut self, repeat: &LoopStep, begin: &str, condition: &str, turns: &Turns) {
        let most = repeat.max_iterations;
        let Turns { variable, .. } = turns;
        let choices = json!([
            {"Condition": signed(condition), "Next": turns.after},
            {"Condition": signed(&format!("${variable} + 1 >= {most}")), "Next": turns.too_many},
        ]);
        let asks = [
            ("Type", json!("Choice")),
            ("Choices", choices),
            ("Default", json!(turns.again)),
        ];
        self.state(begin, turns.begin(&turns.first));
        self.state(&turns.asks, object(asks));
        let again = [
            ("Type", json!("Pass")),
            ("Assign", turns.counted()),
            ("Output", signed("null")),
            ("Next", json!(turns.first)),
        ];
        self.state(&turns.again, object(again));
    }
}

/// The states of a loop.
struct Turns {
    /// What follows the loop.
    after: String,
    /// What fails when it would go on for too long.
    too_many: String,
    /// The first of a turn.
    first: String,
    /// What asks whether it goes on.
    asks: String,
    /// What counts the turns.
    again: String,
    /// The variable that they are counted in.
    variable: String,
}

impl Turns {
    fn begin(&self, first: &str) -> JsonObject {
        object([
            ("Type", json!("Pass")),
            ("Assign", json!({&self.variable: 0})),
            ("Output", signed("null")),
            ("Next", json!(first)),
        ])
    }

    fn counted(&self) -> Value {
        json!({&self.variable: signed(&format!("${} + 1", self.variable))})
    }
}

/// The names of the loop's own condition, which sees the turn.
fn inside_names(place: &Place, step: &Step, turns: &Turns) -> Names {
    let names = place.names_of(&step.name);
    names.with("index", format!("${}", turns.variable))
}
