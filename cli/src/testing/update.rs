//! What a case would have to expect to pass: the keys that it states, with what was found.

use serde_json::{Map, Value, json};
use taskmill::problem::Problem;

use super::compare::error_of;
use super::story::Story;

/// What happened where a case states what it expects: at its end, or at a moment.
pub struct Seen {
    /// Where, as a JSON pointer within the case.
    pub place: String,
    /// What.
    pub what: What,
}

/// What happened.
pub enum What {
    /// The workflow ran.
    Ran(Box<Story>),
    /// Its start was refused with this code.
    Refused(&'static str),
    /// Its definition was refused.
    Unregistered(Vec<Problem>),
}

/// What is stated, with what was found in place of it. What was not found is left as it is, and
/// so is what is stated of something else.
pub fn found(stated: &Map<String, Value>, seen: &What) -> Map<String, Value> {
    let entry = |(name, value): (&String, &Value)| {
        let found = match seen {
            What::Ran(story) => of_story(name, value, story),
            What::Refused(code) => (name == "refused").then(|| json!(code)),
            What::Unregistered(problems) => (name == "registration").then(|| listed(problems)),
        };
        (name.clone(), found.unwrap_or_else(|| value.clone()))
    };
    stated.iter().map(entry).collect()
}

fn of_story(name: &str, stated: &Value, story: &Story) -> Option<Value> {
    let workflow = &story.workflow;
    Some(match name {
        "status" => workflow.status.as_str().into(),
        "output" => workflow.output.clone().unwrap_or(Value::Null),
        "variables" => fields(stated, &json!(workflow.variables)),
        "error" => fields(stated, &error_of(workflow)),
        "took" => {
            let (start, end) = workflow.start_time.zip(workflow.end_time)?;
            end.millis_since(start).into()
        }
        "tasks" => {
            let task = |(path, stated): (&String, &Value)| {
                let actual = story.tasks.get(path);
                let found = actual.map_or_else(|| stated.clone(), |actual| fields(stated, actual));
                (path.clone(), found)
            };
            Value::Object(stated.as_object()?.iter().map(task).collect())
        }
        "trace" => story.trace.clone().into(),
        _ => return None,
    })
}

/// The fields that are stated, as they were found.
fn fields(stated: &Value, actual: &Value) -> Value {
    let names = stated.as_object().into_iter().flat_map(Map::keys);
    let field = |name: &String| (name.clone(), actual[name].clone());
    Value::Object(names.map(field).collect())
}

fn listed(problems: &[Problem]) -> Value {
    let entry = |one: &Problem| json!({ "pointer": one.pointer, "code": one.code });
    problems.iter().map(entry).collect()
}
