//! How often a definition's tasks fail: the usual part, and whether there are more.
//!
//! Each end weighs for or against a part of failures that is a fifth of all tasks above the usual
//! one (or half of what is left, where that is less), see [`super::watch`]. The usual part is that
//! of a window in panes, as for the other measures, and never thought to be under one in a
//! hundred: a failure now and then is no change.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::finding::{Rule, Usual};
use super::series::Verdict;
use super::watch::{Step, Watch};
use super::{PANES, POINTS_OF_A_PANE, WARM_UP};

/// The least part of failures that is thought to be usual.
const LEAST: f64 = 0.01;
/// How much greater the part is that is looked for.
const MORE: f64 = 0.2;

/// The window of ends and the evidence for a change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Failures {
    /// The oldest first; ends are counted into the last.
    panes: VecDeque<Ends>,
    change: Watch,
}

/// Ends, and how many of them were failures.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Ends(u32, u32);

impl Ends {
    fn plus(self, other: Self) -> Self {
        Self(
            self.0.saturating_add(other.0),
            self.1.saturating_add(other.1),
        )
    }
}

impl Failures {
    /// Takes an end: judges it by those before, then counts it.
    pub fn observe(&mut self, failed: bool) -> Option<Verdict> {
        let verdict = self.judge(failed);
        let full = |pane: &Ends| pane.0 >= POINTS_OF_A_PANE;
        if self.panes.back().is_none_or(full) {
            self.turn();
        }
        if let Some(pane) = self.panes.back_mut() {
            *pane = pane.plus(Ends(1, u32::from(failed)));
        }
        verdict
    }

    /// What is usual now, as a part of all ends; nothing until the window is warm.
    #[must_use]
    pub fn usual(&self) -> Option<Usual> {
        let Ends(ends, failed) = self.window();
        // Nobody has seen every task: one more that failed and one more that did not keep the
        // part away from never and always.
        let part = f64::from(failed.saturating_add(1)) / f64::from(ends.saturating_add(2));
        (ends >= WARM_UP).then(|| Usual {
            location: part,
            scale: (part * (1.0 - part)).sqrt(),
            points: ends,
        })
    }

    /// Counts what another has counted, pane by pane from the last, and keeps its own evidence.
    pub fn merge(&mut self, other: &Self) {
        while self.panes.len() < other.panes.len() {
            self.panes.push_front(Ends::default());
        }
        for (into, from) in self.panes.iter_mut().rev().zip(other.panes.iter().rev()) {
            *into = into.plus(*from);
        }
    }

    fn judge(&mut self, failed: bool) -> Option<Verdict> {
        let usual = self.usual()?;
        let before = usual.location.max(LEAST);
        let after = (before + MORE).min(f64::midpoint(1.0, before));
        let weight = if failed {
            (after / before).log10()
        } else {
            ((1.0 - after) / (1.0 - before)).log10()
        };
        match self.change.step(weight) {
            Step::Quiet => None,
            Step::Found(score) => {
                self.turn();
                Some(Verdict {
                    rule: Rule::Failures,
                    score,
                    limit: after,
                    usual,
                })
            }
            Step::Settled => {
                self.panes.drain(..self.panes.len().saturating_sub(1));
                None
            }
        }
    }

    fn window(&self) -> Ends {
        self.panes
            .iter()
            .fold(Ends::default(), |sum, pane| sum.plus(*pane))
    }

    fn turn(&mut self) {
        self.panes.push_back(Ends::default());
        let surplus = self.panes.len().saturating_sub(PANES);
        self.panes.drain(..surplus);
    }
}
