//! Schedules by table: the times of expressions where clocks are put forward and back, and what a
//! look comes to.

mod clocks;
mod firing;
mod life;

use serde_json::json;

use super::{Schedule, ScheduleDefinition, Timetable};
use crate::ids::TenantId;
use crate::security::Caller;
use crate::time::Timestamp;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn texts(times: &[Timestamp]) -> Vec<String> {
    let short = |at: &Timestamp| at.to_string().replace(":00.000Z", "Z");
    times.iter().map(short).collect()
}

fn ann() -> Caller {
    Caller {
        tenant_id: TenantId::new("acme").expect("an id"),
        user_id: "ann".to_owned(),
        roles: Vec::new(),
        permissions: vec!["read".to_owned()],
        environment_id: None,
    }
}

/// A definition with these fields beside the ones that it must have.
fn definition(fields: serde_json::Value) -> ScheduleDefinition {
    let mut document = json!({"id": "s", "workflowDefinitionId": "w", "cron": "0 * * * *"});
    let fields = fields.as_object().cloned().unwrap_or_default();
    document.as_object_mut().expect("an object").extend(fields);
    crate::registration::read_schedule(&document).expect("a good definition")
}

/// A schedule of this definition that was made then.
fn schedule(fields: serde_json::Value, made: &str) -> (Schedule, Timetable) {
    let definition = definition(fields);
    let timetable = Timetable::new(&definition.cron, &definition.time_zone).expect("good");
    (
        Schedule::new(definition, &timetable, ann(), at(made)),
        timetable,
    )
}
