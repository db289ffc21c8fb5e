//! Totals of metrics, and the text in which Prometheus reads them.
//!
//! Totals only grow, and a scrape reads how far. What was counted into them of a stream is known
//! by its place ([`Totals::apply`]), so that they are exact however often a batch comes.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::applied::{Applied, Position};
use super::measures::Event;
use super::samples::{Labels, Named, Sample};
use super::table::{Kind, Metric, Row, TABLE};

/// What was counted so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Totals {
    applied: Applied,
    named: Named,
    series: BTreeMap<(Metric, Labels), Total>,
}

/// The values of one metric with the same labels.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Total {
    count: u64,
    sum: u64,
    last: u64,
    /// How many are up to each bound of the metric, but not to the one before.
    within: Vec<u64>,
}

impl Totals {
    /// Counts what a record of the stream tells, unless it was counted before.
    pub fn apply(&mut self, position: &Position, events: &[Event]) {
        if self.applied.take(position) {
            for event in events {
                let samples = self.named.of_event(event);
                samples.into_iter().for_each(|sample| self.add(sample));
            }
        }
    }

    /// Counts a value.
    pub fn add(&mut self, sample: Sample) {
        let Sample {
            metric,
            labels,
            value,
        } = sample;
        let total = self.series.entry((metric, labels)).or_default();
        total.count = total.count.saturating_add(1);
        total.sum = total.sum.saturating_add(value);
        total.last = value;
        match metric.row().kind {
            Kind::Distribution(bounds) => total.place(bounds, in_base(metric.row(), value)),
            Kind::Counter | Kind::Gauge => {}
        }
    }

    /// The text format of Prometheus, version 0.0.4.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        for row in &TABLE {
            let of_row = self
                .series
                .iter()
                .filter(|((metric, _), _)| *metric == row.metric);
            let lines: Vec<String> = of_row
                .map(|((_, labels), total)| total.lines(row, labels))
                .collect();
            if !lines.is_empty() {
                let name = row.prometheus;
                let help = row.help;
                let kind = row.kind.as_str();
                text.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
                text.push_str(&lines.concat());
            }
        }
        text
    }
}

impl Total {
    fn place(&mut self, bounds: &[f64], value: f64) {
        self.within.resize(bounds.len(), 0);
        let at = bounds.iter().position(|bound| value <= *bound);
        if let Some(count) = at.and_then(|index| self.within.get_mut(index)) {
            *count += 1;
        }
    }

    fn lines(&self, row: &Row, labels: &Labels) -> String {
        let name = row.prometheus;
        let labels = written(labels);
        match row.kind {
            Kind::Counter => format!("{name}{{{labels}}} {}\n", self.sum),
            Kind::Gauge => format!("{name}{{{labels}}} {}\n", in_base(row, self.last)),
            Kind::Distribution(bounds) => {
                let mut text = String::new();
                let mut up_to = 0;
                for (bound, count) in bounds.iter().zip(&self.within) {
                    up_to += count;
                    let _ = writeln!(text, "{name}_bucket{{{labels},le=\"{bound}\"}} {up_to}");
                }
                let count = self.count;
                let sum = in_base(row, self.sum);
                let _ = writeln!(text, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}");
                let _ = writeln!(text, "{name}_sum{{{labels}}} {sum}");
                let _ = writeln!(text, "{name}_count{{{labels}}} {count}");
                text
            }
        }
    }
}

/// A value in the unit that Prometheus wants.
#[expect(clippy::cast_precision_loss, reason = "the text has floats")]
fn in_base(row: &Row, value: u64) -> f64 {
    value as f64 / row.unit.of_one() as f64
}

fn written(labels: &Labels) -> String {
    let escaped = |label: &str| {
        let label = label.replace('\\', "\\\\").replace('"', "\\\"");
        label.replace('\n', "\\n")
    };
    let labels = labels
        .iter()
        .map(|(of, label)| format!("{}=\"{}\"", of.label(), escaped(label)));
    labels.collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests;
