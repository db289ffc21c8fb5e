//! Series in which something happens, by fixed seeds: what of it is found, and what is found
//! besides.
//!
//! Something that happens is an episode of points, and is found when a finding is inside it. A
//! further finding there is no mistake, nor is one while it settles; one elsewhere is.

use std::ops::Range;

use super::draws::{Distribution, Draws, millis};
use super::watch::SETTLED;
use super::*;

const POINTS: usize = 4_000;
const SERIES: u64 = 10;

struct Labelled {
    found: Vec<usize>,
    episodes: Vec<Range<usize>>,
    /// Points after an episode in which it settles.
    settling: usize,
}

/// Episodes that were found, those that were not, and findings outside of all.
#[derive(Debug, Default, PartialEq, Eq, Clone, Copy)]
struct Counts {
    found: usize,
    missed: usize,
    wrong: usize,
}

impl Counts {
    fn of(labelled: &Labelled) -> Self {
        let Labelled {
            found,
            episodes,
            settling,
        } = labelled;
        let has_one = |episode: &&Range<usize>| found.iter().any(|at| episode.contains(at));
        let is_of = |at: usize, of: &Range<usize>| (of.start..of.end + settling).contains(&at);
        let is_outside = |at: &&usize| !episodes.iter().any(|episode| is_of(**at, episode));
        let told = episodes.iter().filter(has_one).count();
        Self {
            found: told,
            missed: episodes.len() - told,
            wrong: found.iter().filter(is_outside).count(),
        }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            found: self.found + other.found,
            missed: self.missed + other.missed,
            wrong: self.wrong + other.wrong,
        }
    }
}

/// Checks the counts over ten series, and prints them as a row of the page.
#[track_caller]
fn check(name: &str, expected: (usize, usize, usize), series: impl Fn(&mut Draws) -> Labelled) {
    let counts = (0..SERIES)
        .map(|seed| Counts::of(&series(&mut Draws::new(1000 + seed))))
        .fold(Counts::default(), Counts::plus);
    let Counts {
        found,
        missed,
        wrong,
    } = counts;
    let part = |of: usize| match found + missed {
        0 => "–".to_owned(),
        _ => format!("{:.2}", found as f64 / (found + of).max(1) as f64),
    };
    let (precision, recall) = (part(wrong), part(missed));
    let of = found + missed;
    let row = format!("| {name} | {found} of {of} | {wrong} | {precision} | {recall} |");
    print_row(&row);
    assert_eq!((found, missed, wrong), expected, "{name}");
}

fn base() -> Distribution {
    Distribution::LogNormal(800.0, 0.3)
}

/// A series of this distribution with each value times what happens at its place.
fn times(
    draws: &mut Draws,
    distribution: Distribution,
    episodes: Vec<Range<usize>>,
    factor: impl Fn(usize) -> f64,
) -> Labelled {
    let values = (0..POINTS).map(|index| millis(distribution.draw(draws) * factor(index)));
    let values: Vec<u64> = values.collect();
    Labelled {
        found: found_in(&values)
            .into_iter()
            .map(|(index, _)| index)
            .collect(),
        episodes,
        settling: SETTLED as usize,
    }
}

/// Single points, at least a hundred apart, on average one in a thousand.
fn scattered(draws: &mut Draws) -> Vec<Range<usize>> {
    let mut points: Vec<Range<usize>> = Vec::new();
    for index in 300..POINTS {
        let free = points.last().is_none_or(|last| last.end + 100 < index);
        if free && draws.chance(0.001) {
            points.push(index..index + 1);
        }
    }
    points
}

/// Spikes between so many times the middle of the distribution, whatever the season.
fn spikes(draws: &mut Draws, of: Distribution, least: f64, most: f64) -> Labelled {
    let points = scattered(draws);
    let mut values = of.series(draws, POINTS);
    for point in &points {
        values[point.start] = millis(of.middle() * (least + (most - least) * draws.even()));
    }
    Labelled {
        found: found_in(&values)
            .into_iter()
            .map(|(index, _)| index)
            .collect(),
        episodes: points,
        settling: 0,
    }
}

#[test]
fn spikes_are_found() {
    check("spikes, 5 to 20 times", (29, 6, 1), |draws| {
        spikes(draws, base(), 5.0, 20.0)
    });
    check("spikes, 3 to 5 times", (19, 16, 1), |draws| {
        spikes(draws, base(), 3.0, 5.0)
    });
    check(
        "spikes, 5 to 20 times, over a normal distribution",
        (29, 6, 0),
        |draws| spikes(draws, Distribution::Normal(1000.0, 100.0), 5.0, 20.0),
    );
    check(
        "spikes, 20 to 100 times, over an exponential one",
        (24, 11, 0),
        |draws| spikes(draws, Distribution::Exponential(1000.0), 20.0, 100.0),
    );
    check(
        "spikes, 100 to 1,000 times, over Pareto, α 2",
        (26, 9, 3),
        |draws| spikes(draws, Distribution::Pareto(500.0, 2.0), 100.0, 1000.0),
    );
}

/// A step at which all values are so many times as great, found within so many points.
fn shift(draws: &mut Draws, factor: f64, within: usize) -> Labelled {
    let at = 1000 + millis(draws.even() * 2000.0) as usize;
    let episode = at..at + within;
    times(draws, base(), vec![episode], |index| {
        if index < at { 1.0 } else { factor }
    })
}

#[test]
fn shifts_are_found_once() {
    check("shift, 3 times, within 12 points", (10, 0, 3), |draws| {
        shift(draws, 3.0, 12)
    });
    check("shift, 2 times, within 20 points", (10, 0, 3), |draws| {
        shift(draws, 2.0, 20)
    });
    check("shift, 1.5 times, within 100 points", (10, 0, 5), |draws| {
        shift(draws, 1.5, 100)
    });
    check(
        "shift, to a half: better is no finding",
        (0, 0, 2),
        |draws| Labelled {
            episodes: Vec::new(),
            ..shift(draws, 0.5, 1)
        },
    );
}

#[test]
fn incidents_that_pass_are_found() {
    check(
        "incident of 40 points, 3 times, and one more later",
        (20, 0, 1),
        |draws| {
            let episodes = vec![1200..1240, 2600..2640];
            let during = episodes.clone();
            times(draws, base(), episodes, move |index| {
                if during.iter().any(|episode| episode.contains(&index)) {
                    3.0
                } else {
                    1.0
                }
            })
        },
    );
}

#[test]
fn ramps_are_found_if_they_are_not_slow() {
    let ramp = |draws: &mut Draws, length: usize| {
        let begin = 1500;
        let episode = begin..begin + length;
        times(draws, base(), vec![episode], move |index| {
            let passed = index.saturating_sub(begin).min(length);
            1.0 + 2.0 * passed as f64 / length as f64
        })
    };
    check("ramp to 3 times, over 400 points", (10, 0, 1), |draws| {
        ramp(draws, 400)
    });
    check("ramp to 3 times, over 2,000 points", (10, 0, 3), |draws| {
        ramp(draws, 2000)
    });
}

#[test]
fn a_season_is_learnt_and_spikes_in_it_are_found() {
    let season = |index: usize, amplitude: f64| {
        1.0 + amplitude * (index as f64 / 288.0 * std::f64::consts::TAU).sin()
    };
    check("season of 288 points, ±20 %", (0, 0, 1), |draws| {
        times(draws, base(), Vec::new(), |index| season(index, 0.2))
    });
    check("season of 288 points, ±60 %", (0, 0, 11), |draws| {
        times(draws, base(), Vec::new(), |index| season(index, 0.6))
    });
    check(
        "spikes, 10 times, in a season of ±60 %",
        (27, 8, 11),
        |draws| {
            let points = scattered(draws);
            let during = points.clone();
            let spiky = times(draws, base(), points, move |index| {
                let spike = during.iter().any(|point| point.contains(&index));
                if spike { 10.0 } else { season(index, 0.6) }
            });
            Labelled {
                settling: 0,
                ..spiky
            }
        },
    );
}

#[test]
fn bursts_of_failures_are_found() {
    let bursts = |draws: &mut Draws, usual: f64, during: f64, length: usize| {
        let episodes = vec![700..700 + length, 2200..2200 + length];
        let part = |index: usize| {
            let on = episodes.iter().any(|episode| episode.contains(&index));
            if on { during } else { usual }
        };
        let ends: Vec<bool> = (0..POINTS).map(|index| draws.chance(part(index))).collect();
        Labelled {
            found: failing_in(&ends),
            settling: 20,
            episodes: episodes.clone(),
        }
    };
    check("10 failures in a row, of 1 in 50", (20, 0, 0), |draws| {
        bursts(draws, 0.02, 1.0, 10)
    });
    check("40 points of 1 in 2, of 1 in 50", (20, 0, 0), |draws| {
        bursts(draws, 0.02, 0.5, 40)
    });
    check("60 points of 1 in 2, of 1 in 5", (13, 7, 1), |draws| {
        bursts(draws, 0.2, 0.5, 60)
    });
    check("200 points of 1 in 10, of 1 in 100", (18, 2, 0), |draws| {
        bursts(draws, 0.01, 0.1, 200)
    });
}
