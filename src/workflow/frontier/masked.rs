//! A course for those who may not see what a workflow works with: what is active, and where, without
//! the values that it keeps.

use serde_json::Value;

use super::{Active, Block, Branch, Closing, Course, Iterations, Root, State};
use crate::JsonObject;
use crate::error_info::ErrorInfo;
use crate::security::redaction::MASK;

impl Course {
    /// The same with every value masked, and with errors that tell their code alone.
    #[must_use]
    pub fn masked(&self) -> Self {
        let mut course = self.clone();
        match &mut course.root {
            Root::Steps(steps) => block(steps),
            Root::Iterations(batch) => iterations(batch),
        }
        match &mut course.closing {
            Some(Closing::Handling(steps)) => block(steps),
            Some(Closing::Compensating(_)) | None => {}
        }
        for signal in &mut course.signals {
            value(&mut signal.data);
        }
        course.skips.values_mut().for_each(value);
        let skipped = course.skipped.iter_mut();
        skipped
            .filter_map(|step| step.output.as_mut())
            .for_each(value);
        course
    }
}

impl ErrorInfo {
    /// The same without what it tells in words.
    #[must_use]
    pub fn masked(mut self) -> Self {
        self.message = MASK.to_owned();
        self.details = JsonObject::new();
        self.stack_trace = None;
        self
    }
}

fn value(value: &mut Value) {
    if !value.is_null() {
        *value = MASK.into();
    }
}

fn error(error: &mut ErrorInfo) {
    *error = error.clone().masked();
}

fn block(block: &mut Block) {
    block.active.iter_mut().for_each(active);
    if let Some((_, output)) = &mut block.output {
        value(output);
    }
}

fn active(active: &mut Active) {
    match &mut active.state {
        State::Parallel(branches) => branches.iter_mut().for_each(branch),
        State::Switch { block: steps, .. } => block(steps),
        State::Loop {
            block: steps,
            output,
            ..
        } => {
            steps.iter_mut().for_each(block);
            value(output);
        }
        State::Map(map) => map.error.iter_mut().for_each(|failure| error(failure)),
        State::Handling {
            error: failure,
            block: steps,
            ..
        } => {
            error(failure);
            block(steps);
        }
        State::Task { .. }
        | State::Wait { .. }
        | State::Signal { .. }
        | State::SubWorkflow { .. }
        | State::Retrying { .. }
        | State::Failed => {}
    }
}

fn branch(branch: &mut Branch) {
    match branch {
        Branch::Running(steps) => block(steps),
        Branch::Done(output) => value(output),
        Branch::Failed(steps, failure, _) => {
            block(steps);
            error(failure);
        }
    }
}

fn iterations(batch: &mut Iterations) {
    let lists = [&mut batch.active, &mut batch.waiting, &mut batch.failed];
    for iteration in lists.into_iter().flatten() {
        block(&mut iteration.block);
        let variables = iteration.variables.iter_mut();
        variables.flat_map(JsonObject::values_mut).for_each(value);
    }
    batch.error.iter_mut().for_each(|failure| error(failure));
    batch.results.iter_mut().for_each(value);
    if let Some(end) = &mut batch.termination {
        value(&mut end.output);
        end.error.iter_mut().for_each(error);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// A course that keeps a value wherever one may be kept.
    fn full() -> Course {
        let error = json!({
            "code": "E", "message": "secret", "details": {"a": "secret"}, "stackTrace": "secret",
            "timestamp": "2026-01-01T00:00:00.000Z",
        });
        let leaf = json!({"o": [1, "secret"]});
        let step = |state: serde_json::Value| json!({"n": "step", "v": 1, "s": state});
        let nested = json!({"a": [
            step(json!({"p": [{"r": leaf}, {"d": "secret"}, {"f": [leaf, error, "2026-01-01T00:00:00.000Z"]}]})),
            step(json!({"c": {"b": leaf}})),
            step(json!({"l": {"b": leaf, "o": "secret"}})),
            step(json!({"m": {"k": "items", "n": 3, "e": error}})),
            step(json!({"e": {"e": error, "b": leaf}})),
        ]});
        let iteration = json!([{"b": nested, "v": {"x": "secret"}}]);
        let termination = json!({"status": "FAILED", "output": "secret", "error": error});
        let course = json!({
            "b": {"i": {"a": iteration, "w": iteration, "f": iteration, "e": error, "o": ["secret", null], "t": termination}},
            "e": {"h": nested},
            "s": [{"name": "go", "data": "secret", "at": "2026-01-01T00:00:00.000Z"}],
            "k": {"later": "secret"},
            "z": [{"p": "gone", "o": "secret"}],
        });
        serde_json::from_value(course).unwrap()
    }

    fn count(value: &serde_json::Value, text: &str) -> usize {
        value.to_string().matches(text).count()
    }

    #[test]
    fn no_value_is_left_and_all_else_is() {
        let course = full();
        let (before, after) = (json!(course), json!(course.masked()));
        assert!(count(&before, "secret") > 30, "{before}");
        assert_eq!(count(&after, "secret"), 0, "{after}");
        assert_eq!(
            count(&after, "\"n\":\"step\""),
            count(&before, "\"n\":\"step\"")
        );
        assert_eq!(
            count(&after, "\"code\":\"E\""),
            count(&before, "\"code\":\"E\"")
        );
        let read: Course = serde_json::from_value(after).unwrap();
        assert_eq!(read, course.masked());
    }

    #[test]
    fn nothing_stays_nothing() {
        let mut course = Course::default();
        assert_eq!(course.masked(), course);
        course.skips.insert("later".to_owned(), Value::Null);
        assert_eq!(course.masked(), course);
    }
}
