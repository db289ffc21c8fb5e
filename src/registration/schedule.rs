//! Schedules: from a document to a definition, or to everything that is wrong with it; and what
//! types cannot say of one: its cron expression comes sometime, its zone exists, its expression
//! parses, and it ends after its first time.
//!
//! Whether the workflow exists is for the use cases to say, each time that it is started.

use serde_json::Value;

use super::checks::{Place, expression};
use super::{language, typed, violations};
use crate::codes::registration;
use crate::limits;
use crate::problem::Problem;
use crate::schedule::{ScheduleDefinition, Timetable, timetable};
use crate::time::Timestamp;

/// The field that makes a document a schedule.
const MARK: &str = "cron";

/// Whether a document is a schedule, or was meant to be.
pub(super) fn is_one(document: &Value) -> bool {
    document.get(MARK).is_some()
}

/// Reads a schedule, with every problem at once: those of form first, then those of meaning.
///
/// # Errors
/// Everything that is wrong with the document, never empty.
pub fn read_schedule(document: &Value) -> Result<ScheduleDefinition, Vec<Problem>> {
    if !document.is_object() {
        let message = "a schedule is an object";
        return Err(vec![Problem::new(registration::WRONG_TYPE, "", message)]);
    }
    let bytes = document.to_string().len();
    if bytes > limits::SCHEDULE_BYTES {
        let most = limits::SCHEDULE_BYTES;
        let message =
            format!("the schedule has {bytes} bytes, more than the {most} that are allowed");
        return Err(vec![Problem::new(registration::TOO_LARGE, "", message)]);
    }
    let mut problems = violations::find(&language::LANGUAGE.schedule, document);
    problems.extend(check(document));
    typed(document, problems)
}

/// The problems of a schedule that its schema does not show.
fn check(document: &Value) -> Vec<Problem> {
    let root = Place::root(document);
    let mut problems = Vec::new();
    problems.extend(times(&root));
    problems.extend(expression(&root.member("inputExpression")));
    problems.extend(two_inputs(&root));
    problems.extend(limit_of_none(&root));
    problems
}

fn times(root: &Place<'_>) -> Vec<Problem> {
    let (cron, zone) = (root.member(MARK), root.member("timeZone"));
    let bad_cron = filled(&cron)
        .and_then(timetable::cron_error)
        .map(|message| cron.problem(registration::BAD_CRON, message));
    let bad_zone = filled(&zone)
        .filter(|name| timetable::zone_error(name).is_some())
        .map(|name| unknown_zone(&zone, name));
    let bad: Vec<Problem> = bad_cron.into_iter().chain(bad_zone).collect();
    if bad.is_empty() {
        return never(root).into_iter().collect();
    }
    bad
}

/// A text with something in it; of an empty one, and of one that is too long, the schema tells.
fn filled<'a>(place: &Place<'a>) -> Option<&'a str> {
    let text = place.text()?;
    (1..=limits::CRON_CHARS)
        .contains(&text.len())
        .then_some(text)
}

fn unknown_zone(place: &Place<'_>, name: &str) -> Problem {
    let message = timetable::zone_error(name).unwrap_or_default();
    let problem = place.problem(registration::UNKNOWN_TIME_ZONE, message);
    problem.with_nearest(timetable::nearest_zone(name))
}

/// A cron expression that never comes, or not between start and end.
fn never(root: &Place<'_>) -> Option<Problem> {
    let cron = root.member(MARK);
    let zone = root.member("timeZone");
    let timetable = Timetable::new(filled(&cron)?, filled(&zone).unwrap_or("UTC")).ok()?;
    let time = |name: &str| root.member(name).text()?.parse::<Timestamp>().ok();
    let (start, end) = (time("startAt"), time("endAt"));
    let just_before = |at: Timestamp| Timestamp::from_millis(at.millis() - 1000);
    let Some(first) = timetable.next(just_before(start.unwrap_or(SOMETIME))) else {
        let message = "there is no such time, in any year";
        return Some(cron.problem(registration::BAD_CRON, message));
    };
    let early = end.filter(|end| start.is_some_and(|_| *end < first))?;
    let message = format!("it ends at {early}, before its first time, which is {first}");
    Some(
        root.member("endAt")
            .problem(registration::OUT_OF_RANGE, message),
    )
}

/// From when an expression without a start must come: what comes at all comes after this as well.
const SOMETIME: Timestamp = Timestamp::from_millis(1_577_836_800_000);

fn two_inputs(root: &Place<'_>) -> Option<Problem> {
    let second = root.member("inputExpression");
    let both = root.member("input").is_there() && second.is_there();
    let message = "there is an input already: a schedule has one or the other";
    both.then(|| second.problem(registration::DUPLICATE_NAME, message))
}

/// A limit of a policy that has none.
fn limit_of_none(root: &Place<'_>) -> Option<Problem> {
    let limit = root.member("catchUpLimit");
    let is_all = root.member("catchUp").text() == Some("ALL");
    let message = "the field goes with catchUp ALL: nothing else starts several times at once";
    (limit.is_there() && !is_all).then(|| limit.problem(registration::UNKNOWN_FIELD, message))
}
