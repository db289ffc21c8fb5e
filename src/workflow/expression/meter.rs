//! What one evaluation may use, and the count of what it used.
//!
//! Every value that the evaluator visits or makes is a step, and every string that it builds
//! costs its bytes, so memory is bounded by the two budgets and work by the steps. Nothing is
//! given back: an evaluation is over long before its garbage would matter.

use std::cell::Cell;

use super::Error;
use crate::limits::expression::{BYTES, DEPTH, STEPS};

/// Evaluations inside each other, those between two calls included. Deep enough for
/// [`DEPTH`] calls of ordinary functions, shallow enough for the stack.
const LEVELS: usize = DEPTH * 20;
/// Characters of text that are worked through for one step.
const CHARS_A_STEP: usize = 64;

/// The budgets of one evaluation.
#[derive(Debug)]
pub(super) struct Meter {
    steps: Cell<u64>,
    bytes: Cell<u64>,
    levels: Cell<usize>,
    calls: Cell<usize>,
}

impl Meter {
    /// A full budget.
    pub(super) const fn new() -> Self {
        Self {
            steps: Cell::new(STEPS),
            bytes: Cell::new(BYTES),
            levels: Cell::new(0),
            calls: Cell::new(0),
        }
    }

    /// Uses so many steps.
    pub(super) fn steps(&self, count: usize) -> Result<(), Error> {
        take(&self.steps, count).ok_or_else(|| {
            Error::limit(format!(
                "the expression makes or visits more than {STEPS} values"
            ))
        })
    }

    /// Uses so many bytes of text that is built, and the steps of building it.
    pub(super) fn text(&self, bytes: usize) -> Result<(), Error> {
        self.reading(bytes)?;
        take(&self.bytes, bytes)
            .ok_or_else(|| Error::limit(format!("the expression builds more than {BYTES} bytes")))
    }

    /// Uses the steps of working through text that is there already.
    pub(super) fn reading(&self, bytes: usize) -> Result<(), Error> {
        self.steps(bytes / CHARS_A_STEP)
    }

    /// Goes one evaluation deeper.
    pub(super) fn enter(&self) -> Result<Entered<'_>, Error> {
        Entered::below(&self.levels, LEVELS, "evaluations")
    }

    /// Goes one call deeper.
    pub(super) fn call(&self) -> Result<Entered<'_>, Error> {
        Entered::below(&self.calls, DEPTH, "calls")
    }
}

/// A level that is left again when this is dropped.
#[derive(Debug)]
pub(super) struct Entered<'m>(&'m Cell<usize>);

impl<'m> Entered<'m> {
    fn below(level: &'m Cell<usize>, most: usize, what: &str) -> Result<Self, Error> {
        if level.get() >= most {
            return Err(Error::limit(format!(
                "more than {most} {what} inside each other"
            )));
        }
        level.set(level.get() + 1);
        Ok(Self(level))
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}

/// What is left after `count`, unless that is too much; then nothing is left at all.
fn take(budget: &Cell<u64>, count: usize) -> Option<()> {
    let left = u64::try_from(count)
        .ok()
        .and_then(|count| budget.get().checked_sub(count));
    budget.set(left.unwrap_or(0));
    left.map(|_| ())
}
