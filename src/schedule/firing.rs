//! What a look at a schedule comes to: the times that have come, which of them are started and
//! which are passed over.
//!
//! Of the times that have come the latest may have come in time; the others were overtaken, and
//! went by. How long the latest may wait for its look and still be in time is [`IN_TIME`].

use serde_json::{Value, json};

use super::definition::{CatchUp, ScheduleDefinition};
use super::record::{Outcome, Run, Schedule, before};
use super::timetable::Timetable;
use crate::JsonObject;
use crate::codes::failure;
use crate::error_info::ErrorInfo;
use crate::time::Timestamp;
use crate::workflow::expression::{Expression, Facts, Scope};

/// Milliseconds that a time may wait for its look and still be in time: several sweeps.
pub const IN_TIME: u64 = 5 * 60 * 1000;
/// Workflows that one look starts: what is left is for the next one, so that no look outlasts the
/// function that it is made by.
pub const STARTS_OF_A_LOOK: usize = 10;

/// What is to be done about times that have come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The times to start, the earliest first.
    pub starts: Vec<Timestamp>,
    /// The latest time that is passed over.
    pub skipped: Option<Timestamp>,
    /// The time after all of them: it may have come as well.
    pub next_at: Option<Timestamp>,
}

/// What is to be done about a schedule now; none when nothing is.
#[must_use]
pub fn due(schedule: &Schedule, timetable: &Timetable, now: Timestamp) -> Option<Firing> {
    let first = schedule.due_at().filter(|first| *first <= now)?;
    let definition = &schedule.definition;
    let until = definition.end_at.map_or(now, |end| end.min(now));
    let latest = timetable.last(until).filter(|last| *last > first);
    let latest = latest.unwrap_or(first);
    let mut times = wanted(definition, timetable, (first, latest), now);
    let later = times.split_off(times.len().min(STARTS_OF_A_LOOK));
    let passed = times.first().map_or(Some(latest), |oldest| {
        earlier(timetable, *oldest).filter(|before| *before >= first)
    });
    let following = || before(definition.end_at, timetable.next(latest));
    Some(Firing {
        next_at: later.first().copied().or_else(following),
        skipped: passed,
        starts: times,
    })
}

/// The times from the first to the latest that the policy wants, the earliest first.
fn wanted(
    definition: &ScheduleDefinition,
    timetable: &Timetable,
    (first, latest): (Timestamp, Timestamp),
    now: Timestamp,
) -> Vec<Timestamp> {
    match definition.catch_up {
        CatchUp::Skip if now.millis_since(latest) > IN_TIME => Vec::new(),
        CatchUp::Skip | CatchUp::Last => vec![latest],
        CatchUp::All => {
            let most = definition.catch_up_limit as usize;
            let mut times: Vec<Timestamp> =
                std::iter::successors(Some(latest), |at| earlier(timetable, *at))
                    .take_while(|at| *at >= first)
                    .take(most)
                    .collect();
            times.reverse();
            times
        }
    }
}

/// The time before another.
fn earlier(timetable: &Timetable, at: Timestamp) -> Option<Timestamp> {
    timetable.last(Timestamp::from_millis(at.millis() - 1000))
}

impl Firing {
    /// What is remembered of the times that are passed over.
    #[must_use]
    pub fn passed_over(&self, now: Timestamp) -> Option<Run> {
        let scheduled_at = self.skipped?;
        Some(Run {
            scheduled_at,
            decided_at: now,
            outcome: Outcome::Skipped,
        })
    }
}

/// What the workflow of a time is given. An expression draws by the time: the same time is given
/// the same, however often it is asked.
///
/// # Errors
/// The expression fails, or gives nothing.
pub fn input(
    schedule: &Schedule,
    timetable: &Timetable,
    at: Timestamp,
) -> Result<Value, Box<ErrorInfo>> {
    let definition = &schedule.definition;
    let Some(source) = &definition.input_expression else {
        let given = definition.input.clone();
        return Ok(given.unwrap_or_else(|| Value::Object(JsonObject::new())));
    };
    let failed = |message: String| {
        let message = format!("the inputExpression of {}: {message}", definition.id);
        Box::new(ErrorInfo::new(failure::EXPRESSION_ERROR, message, at))
    };
    let expression = Expression::parse(source).map_err(|error| failed(error.to_string()))?;
    let (scheduled, local) = (json!(at), json!(timetable.local(at)));
    let name = json!(definition.id);
    let scope = Scope::new()
        .with("scheduledTime", &scheduled)
        .with("localTime", &local)
        .with("scheduleId", &name);
    let facts = Facts::new(
        at,
        &[schedule.id.uuid().as_bytes(), &at.millis().to_be_bytes()],
    );
    let given = expression.evaluate(&scope, &facts);
    let given = given.map_err(|error| failed(error.to_string()))?;
    given.ok_or_else(|| failed("it gives nothing".to_owned()))
}
