//! The steps that wait: for a time, or for a signal.

use std::cell::RefCell;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::Poll;

use futures::FutureExt as _;
use serde_json::Value;

use super::data::{Failure, Scope, text};
use super::interpreter::{Model, Place, Signal, Stop};

/// Signals that nobody waited for, and steps that wait.
#[derive(Default)]
pub struct Signals {
    kept: Vec<(String, Value)>,
    waiting: Vec<Waiting>,
}

struct Waiting {
    since: u64,
    path: String,
    name: String,
    given: Rc<RefCell<Option<Value>>>,
}

impl Model {
    /// Hands in the signals at their times.
    pub async fn deliver(&self, signals: &[Signal]) {
        for signal in signals {
            self.time.until(signal.at).await;
            let mut all = self.signals.borrow_mut();
            let waiting = all.waiting.iter().enumerate();
            let waiting = waiting.filter(|(_, one)| one.name == signal.name);
            let first = waiting.min_by_key(|(_, one)| (one.since, in_order(&one.path)));
            match first.map(|(at, _)| at) {
                Some(at) => {
                    let waiting = all.waiting.remove(at);
                    *waiting.given.borrow_mut() = Some(signal.data.clone());
                }
                None => all.kept.push((signal.name.clone(), signal.data.clone())),
            }
        }
    }

    pub async fn wait(&self, step: &Value, scope: &Scope) -> Result<Value, Stop> {
        let millis = match &step["duration"] {
            Value::Number(millis) => millis.as_u64(),
            Value::String(expression) => scope.something(expression)?.as_u64(),
            other => panic!("no duration is {other}"),
        };
        let millis = millis.ok_or_else(|| Failure::of("EXPRESSION_ERROR"))?;
        self.time.until(self.time.now() + millis).await;
        Ok(Value::Null)
    }

    pub async fn signal(&self, step: &Value, place: &Place) -> Result<Value, Stop> {
        let name = text(step, "signal");
        let given = Rc::new(RefCell::new(None));
        {
            let mut all = self.signals.borrow_mut();
            if let Some(at) = all.kept.iter().position(|(kept, _)| kept == name) {
                return Ok(all.kept.remove(at).1);
            }
            all.waiting.push(Waiting {
                since: self.time.now(),
                path: place.path.clone(),
                name: name.to_owned(),
                given: Rc::clone(&given),
            });
        }
        let _gone = Gone(self, &given);
        let deadline = step["timeout"]
            .as_u64()
            .map(|limit| self.time.now() + limit);
        let comes = poll_fn(|_| match given.borrow_mut().take() {
            Some(data) => Poll::Ready(data),
            None => Poll::Pending,
        });
        match self.before(deadline, comes.boxed_local()).await {
            Some(data) => Ok(data),
            None if step["onTimeout"] == "CONTINUE" => Ok(Value::Null),
            None => Err(Failure::of("TIMEOUT").into()),
        }
    }
}

/// A path as it is put in order: its indexes as numbers.
fn in_order(path: &str) -> Vec<(&str, usize)> {
    let names = path.split('/').map(|name| match name.split_once('[') {
        Some((name, index)) => (name, index.trim_end_matches(']').parse().unwrap()),
        None => (name, 0),
    });
    names.collect()
}

/// A step that waits for a signal no more.
struct Gone<'m>(&'m Model, &'m Rc<RefCell<Option<Value>>>);

impl Drop for Gone<'_> {
    fn drop(&mut self) {
        let mut all = self.0.signals.borrow_mut();
        all.waiting.retain(|one| !Rc::ptr_eq(&one.given, self.1));
    }
}
