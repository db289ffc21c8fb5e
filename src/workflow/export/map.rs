//! MAP: a Map that runs inline, so that its iterations see the variables around it.
//!
//! Only a distributed Map knows tolerance, and its iterations see nothing around it. So where
//! failures are tolerated an iteration never fails: it gives its error, and what follows the Map
//! counts.

use serde_json::{Value, json};

use super::data::{literal, operand};
use super::failing::Origin;
use super::limits::{retriers, retries};
use super::machine::{Machine, Next, object, signed};
use super::parallel::variable;
use super::place::{Catcher, Place};
use super::reads::Reads;
use crate::JsonObject;
use crate::problem::member;
use crate::workflow::definition::{MapStep, Step};

/// The member by which an iteration says that it has failed.
const FAILED: &str = "taskmillFailed";

impl<'a> Machine<'a> {
    pub(super) fn map(
        &mut self,
        step: &'a Step,
        map: &'a MapStep,
        pointer: &str,
        place: &Place,
        next: &Next,
    ) {
        let path = place.path_of(&step.name);
        let tolerates =
            map.tolerated_failure_count.is_some() || map.tolerated_failure_percentage.is_some();
        let is_retried = map.retry_policy.as_ref().is_some_and(retries);
        if tolerates {
            let message = "the iterations that follow a failure too many are not stopped there";
            self.differs(pointer, message);
            let message = "a Map whose failures are tolerated never fails, and is never retried";
            self.refuse_field(is_retried, pointer, "retryPolicy", message);
        }
        let mut fields = object([
            ("Type", json!("Map")),
            ("Items", signed(&self.items(step, map, pointer, place))),
            (
                "ItemSelector",
                json!({
                    "item": signed("$states.context.Map.Item.Value"),
                    "index": signed("$states.context.Map.Item.Index"),
                }),
            ),
        ]);
        if let Some(most) = map.max_concurrency {
            fields.insert("MaxConcurrency".to_owned(), json!(most));
        }
        let processor = self.iteration(step, map, pointer, place, tolerates || is_retried);
        fields.insert("ItemProcessor".to_owned(), processor);
        if let Some(policy) = map.retry_policy.as_ref().filter(|policy| retries(policy)) {
            fields.insert("Retry".to_owned(), json!(retriers(policy)));
        }
        if let Some(catch) = self.catch(Origin::Inside, place, &step.name) {
            fields.insert("Catch".to_owned(), catch);
        }
        let next = match tolerates {
            true => {
                let next = self.then_set(step, pointer, place, "$states.input", next);
                Next::To(self.tolerance(step, map, pointer, place, &next))
            }
            false => self.set_by_map(step, pointer, place, next, &mut fields),
        };
        next.put(&mut fields);
        let name = self.name(pointer, &path, "");
        self.state(&name, fields);
    }

    /// What the Map itself sets, where nothing is to be asked first.
    fn set_by_map(
        &mut self,
        step: &'a Step,
        pointer: &str,
        place: &Place,
        next: &Next,
        fields: &mut JsonObject,
    ) -> Next {
        let requires = step.variable_mappings.iter().any(|one| one.is_required());
        if requires {
            return self.then_set(step, pointer, place, "$states.input", next);
        }
        if !step.variable_mappings.is_empty() {
            let data = self.step_data(step, pointer, place, "$states.result");
            let assign = json!({variable(place): signed(&data.text)});
            fields.insert("Assign".to_owned(), assign);
        }
        next.clone()
    }

    /// The items, or batches of them. An object would be taken for items as well.
    fn items(&mut self, step: &Step, map: &MapStep, pointer: &str, place: &Place) -> String {
        let at = member(pointer, "items");
        let written = self.expression(&map.items, &place.names_of(&step.name), &at);
        let items = written.map(|written| written.text).unwrap_or_default();
        let given = match map.batch_size {
            None => "$given".to_owned(),
            Some(size) => format!("$partition($given, {size})"),
        };
        format!(
            "($given := ({items}); $type($given) = 'array' ? {given} : $error('items gives no array'))"
        )
    }

    /// The machine that each item goes through.
    fn iteration(
        &mut self,
        step: &'a Step,
        map: &'a MapStep,
        pointer: &str,
        place: &Place,
        is_handled: bool,
    ) -> Value {
        let scope = member(pointer, "steps");
        let (item, index) = (self.variable("item"), self.variable("index"));
        let mut inside = place.apart(&scope, is_handled);
        inside.is_handled |= is_handled;
        inside = inside.turn(&step.name, &format!("${index}"));
        let names = place.names.clone().for_iterations();
        let names = names.with("item", format!("${item}"));
        inside.names = names.with("index", format!("${index}"));
        let path = inside.path_of("");
        let path = path.trim_end_matches('/').to_owned();
        self.open();
        let catchers = match is_handled && map.retry_policy.is_none() {
            true => self.tolerated(&scope, &path),
            false => self.told_where(&scope, &inside, &path),
        };
        inside = inside.catching(catchers);
        let mut assign = object([
            (item.as_str(), signed("$states.input.item")),
            (index.as_str(), signed("$states.input.index")),
        ]);
        if !Reads::of(&map.steps).sets.is_empty() {
            let own = self.variable("workflowVariables");
            assign.insert(own.clone(), signed(&place.variables));
            inside = inside.with_variables(&own);
        }
        let end = match &map.result {
            None => Next::End,
            Some(_) => Next::To(self.name(&scope, &path, "result")),
        };
        let begin = self.name(&scope, &path, "begin");
        let mut fields = object([
            ("Type", json!("Pass")),
            ("Assign", Value::Object(assign)),
            ("Output", signed("null")),
        ]);
        let first = self.block_entry(&map.steps, &scope, &inside, &end);
        first.put(&mut fields);
        self.state(&begin, fields);
        self.block(&map.steps, &scope, &inside, &end);
        if let (Some(result), Next::To(name)) = (&map.result, &end) {
            let path = place.task_path(&step.name);
            self.result(result, &member(pointer, "result"), &inside, &path, name);
        }
        let states = self.close(&begin);
        json!({
            "ProcessorConfig": {"Mode": "INLINE"},
            "StartAt": begin,
            "States": states,
        })
    }

    /// Writes the state that gives what an iteration comes to.
    fn result(&mut self, result: &str, pointer: &str, inside: &Place, path: &str, name: &str) {
        let names = inside.names.clone().with("taskOutput", "$states.input");
        let names = names.with_inner("context.taskPath", path);
        let written = self.expression(result, &names, pointer);
        let text = written.map(|written| written.text).unwrap_or_default();
        let text = format!("($given := ({text}); $exists($given) ? $given : null)");
        let fields = [
            ("Type", json!("Pass")),
            ("Output", signed(&text)),
            ("End", json!(true)),
        ];
        self.state(name, object(fields));
    }

    /// What catches the failure of an iteration that may be tolerated.
    fn tolerated(&mut self, scope: &str, path: &str) -> Vec<Catcher> {
        let variable = self.variable("failure");
        let target = self.name(scope, path, "failed");
        let text = format!("{{'{FAILED}': ${variable}, 'at': $millis()}}");
        let fields = [
            ("Type", json!("Pass")),
            ("Output", signed(&text)),
            ("End", json!(true)),
        ];
        self.state(&target, object(fields));
        vec![Catcher {
            codes: vec!["*".to_owned()],
            target,
            error: Some(variable),
            sees_variables: false,
        }]
    }

    /// Writes what counts the failures: too many are the last one's, the others are null.
    fn tolerance(
        &mut self,
        step: &Step,
        map: &MapStep,
        pointer: &str,
        place: &Place,
        next: &Next,
    ) -> String {
        let path = place.path_of(&step.name);
        let failed = format!("$states.input[$type($) = 'object'].{FAILED}");
        let mut limits = Vec::new();
        if let Some(most) = map.tolerated_failure_count {
            limits.push(format!("$count({failed}) > {most}"));
        }
        if let Some(share) = map.tolerated_failure_percentage {
            let share = literal(&json!(share)).unwrap_or_default();
            limits.push(format!(
                "$count({failed}) * 100 > {} * $count($states.input)",
                operand(&share)
            ));
        }
        let error = self.variable("failure");
        let too_many = self.fail_with(pointer, place, &step.name, &error);
        let name = self.name(pointer, &path, "tolerated?");
        let good = self.name(pointer, &path, "tolerated");
        let last =
            format!("$states.input[$type($) = 'object'][$exists({FAILED})]^(at)[-1].{FAILED}");
        let fields = [
            ("Type", json!("Choice")),
            (
                "Choices",
                json!([{
                    "Condition": signed(&limits.join(" or ")),
                    "Next": too_many,
                    "Assign": {&error: signed(&last)},
                }]),
            ),
            ("Default", json!(good)),
        ];
        self.state(&name, object(fields));
        // What one item gives is not to be taken for what many give.
        let text = format!(
            "$count({failed}) = 0 ? $states.input : $count($states.input) = 1 ? [null] : $map($states.input, function($given) {{ $type($given) = 'object' and $exists($given.{FAILED}) ? null : $given }})"
        );
        let mut fields = object([("Type", json!("Pass")), ("Output", signed(&text))]);
        next.put(&mut fields);
        self.state(&good, fields);
        name
    }
}
