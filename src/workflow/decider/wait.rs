//! WAIT and SIGNAL: the steps that wait for something that is not a record.

use serde_json::Value;

use super::Fold;
use super::evaluate::Failed;
use super::place::Place;
use super::step::{Next, Outcome};
use crate::JsonObject;
use crate::codes::failure;
use crate::duration;
use crate::error_info::ErrorInfo;
use crate::limits;
use crate::time::Timestamp;
use crate::workflow::compiled::{CompiledKind, CompiledStep, WaitTime};
use crate::workflow::definition::{OnTimeout, SignalStep};
use crate::workflow::frontier::{Active, State};

impl Fold<'_> {
    pub(super) fn start_wait(
        &mut self,
        step: &CompiledStep,
        time: &WaitTime,
        active: &mut Active,
        place: &Place,
    ) -> Next {
        let path = place.path_of(&step.name);
        match self.wait_until(time, &path, place) {
            Err(error) => Next::Over(Outcome::failed(error, step)),
            Ok(until) if until <= self.facts.now => Next::Over(Outcome::ok(Value::Null)),
            Ok(until) => {
                active.state = State::Wait { until };
                self.wake(until);
                Next::Open
            }
        }
    }

    pub(super) fn wait_until(
        &self,
        time: &WaitTime,
        path: &str,
        place: &Place,
    ) -> Result<Timestamp, Failed> {
        let now = self.facts.now;
        let evaluation = self.evaluation(path, place);
        let until = match time {
            WaitTime::Millis(millis) => now.plus_millis(*millis),
            WaitTime::Until(until) => *until,
            WaitTime::Duration(expression) => {
                let value = evaluation.something(expression, "duration")?;
                let millis =
                    millis_of(&value).map_err(|reason| evaluation.wrong("duration", &reason))?;
                now.plus_millis(millis)
            }
            WaitTime::UntilExpression(expression) => {
                let value = evaluation.something(expression, "until")?;
                let time = value.as_str().and_then(duration::time);
                time.ok_or_else(|| evaluation.wrong("until", "gives no RFC 3339 time"))?
            }
        };
        if until.millis_since(now) > limits::TIMER_MILLIS {
            return Err(evaluation.wrong("until", "it is further away than the longest timer"));
        }
        Ok(until)
    }

    pub(super) fn start_signal(&mut self, signal: &SignalStep, active: &mut Active) -> Next {
        if let Some(early) = self.early_signal(&signal.signal) {
            return Next::Over(Outcome::ok(early.data));
        }
        let until = signal
            .timeout
            .map(|millis| self.facts.now.plus_millis(millis));
        active.state = State::Signal {
            until,
            since: self.facts.now,
        };
        if let Some(until) = until {
            self.wake(until);
        }
        Next::Open
    }

    pub(super) fn signal_timed_out(&self, step: &CompiledStep, path: &str) -> Next {
        let CompiledKind::Signal(signal) = &step.kind else {
            return Next::Open;
        };
        match signal.on_timeout {
            OnTimeout::Continue => Next::Over(Outcome::ok(Value::Null)),
            OnTimeout::Fail => {
                let details = JsonObject::from_iter([
                    ("kind".to_owned(), "SIGNAL".into()),
                    ("taskPath".to_owned(), path.into()),
                ]);
                let message = format!("the signal {} did not come in time", signal.signal);
                let error = ErrorInfo::new(failure::TIMEOUT, message, self.facts.now);
                Next::Over(Outcome::failed(Box::new(error.with_details(details)), step))
            }
        }
    }
}

/// Milliseconds of what an expression for a duration gave.
fn millis_of(value: &Value) -> Result<u64, String> {
    match value {
        Value::Number(number) => number
            .as_u64()
            .or_else(|| number.as_i64().map(|_| 0))
            .filter(|millis| *millis <= limits::TIMER_MILLIS)
            .or_else(|| number.as_f64().and_then(whole_millis))
            .ok_or_else(|| format!("{number} is no number of milliseconds up to a year")),
        Value::String(text) => duration::millis(text).map_err(|error| error.to_string()),
        _ => Err("gives neither milliseconds nor an ISO 8601 duration".to_owned()),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the number is between nothing and a year of milliseconds"
)]
fn whole_millis(number: f64) -> Option<u64> {
    let fits = number.is_finite() && number <= limits::TIMER_MILLIS as f64;
    fits.then(|| number.max(0.0) as u64)
}
