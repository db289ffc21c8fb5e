//! What types cannot say of a block: its names are unique, and its steps wait for each other
//! without going round in a circle.

use std::collections::{BTreeSet, HashMap};

use super::checks::Place;
use crate::codes::registration;
use crate::problem::{Problem, nearest};

/// The problems of a block as a whole.
pub(super) fn check(steps: &Place<'_>) -> Vec<Problem> {
    let mut problems = unique_names(steps, "step");
    let steps: Vec<Place<'_>> = steps.items().collect();
    let places = places(&steps);
    problems.extend(unknown_steps(&steps, &places));
    problems.extend(cycles(&steps, &places));
    problems
}

/// Neighbours of one name, each told where it comes again.
pub(super) fn unique_names(list: &Place<'_>, what: &str) -> Vec<Problem> {
    let mut first: HashMap<&str, usize> = HashMap::new();
    let mut problems = Vec::new();
    for (index, one) in list.items().enumerate() {
        let place = one.member("name");
        let Some(name) = place.text() else {
            continue;
        };
        let earlier = *first.entry(name).or_insert(index);
        if earlier != index {
            let message =
                format!("the name {name:?} is that of {what} {earlier} already (counted from 0)");
            problems.push(place.problem(registration::DUPLICATE_NAME, message));
        }
    }
    problems
}

/// The names of the steps, and where each stands first.
fn places<'a>(steps: &[Place<'a>]) -> HashMap<&'a str, usize> {
    let mut places = HashMap::new();
    for (index, step) in steps.iter().enumerate() {
        if let Some(name) = step.member("name").text() {
            places.entry(name).or_insert(index);
        }
    }
    places
}

fn unknown_steps(steps: &[Place<'_>], places: &HashMap<&str, usize>) -> Vec<Problem> {
    // Comparing all with all would take long in a list that is made to.
    const COMPARED: usize = 20;
    // Of several that are as near the first by name, so that it is always the same.
    let known: BTreeSet<&str> = places.keys().copied().collect();
    let mut problems = Vec::new();
    for step in steps {
        let own = step.member("name").text();
        for place in step.member("dependsOn").items() {
            let Some(name) = place.text().filter(|name| !known.contains(name)) else {
                continue;
            };
            let others = known.iter().copied().filter(|known| Some(*known) != own);
            let is_compared = problems.len() < COMPARED;
            let meant = is_compared.then(|| nearest(name, others)).flatten();
            let message = format!("there is no step {name:?} beside this one");
            let problem = place.problem(registration::UNKNOWN_STEP, message);
            problems.push(problem.with_nearest(meant.map(str::to_owned)));
        }
    }
    problems
}

/// Each cycle once, at the first `dependsOn` that is part of it.
fn cycles(steps: &[Place<'_>], places: &HashMap<&str, usize>) -> Vec<Problem> {
    let given: Vec<Place<'_>> = steps.iter().map(|step| step.member("dependsOn")).collect();
    let after: Vec<Vec<usize>> = (0..steps.len())
        .map(|at| waits_for(at, &given[at], places))
        .collect();
    let mut told = BTreeSet::new();
    let mut problems = Vec::new();
    each_closed_walk(&after, &mut |cycle| {
        let first = cycle.iter().filter(|at| given[**at].is_there()).min();
        if let Some(at) = first.copied().filter(|at| told.insert(*at)) {
            let message = format!("the step waits for itself: {}", shown(cycle, at, steps));
            problems.push(given[at].problem(registration::CYCLE, message));
        }
    });
    problems
}

/// The steps that a step waits for: those it names, or the one before it.
fn waits_for(at: usize, given: &Place<'_>, places: &HashMap<&str, usize>) -> Vec<usize> {
    if !given.is_there() {
        return at.checked_sub(1).into_iter().collect();
    }
    let names = given.items().filter_map(|place| place.text());
    names.filter_map(|name| places.get(name).copied()).collect()
}

/// Looks at the ways through a graph that come back to where they began: one for each edge that
/// closes one, from the first step on. Not recursive, because a list may be long.
fn each_closed_walk(after: &[Vec<usize>], look: &mut impl FnMut(&[usize])) {
    #[derive(Clone, Copy, PartialEq)]
    enum State {
        New,
        Open,
        Done,
    }
    let mut states = vec![State::New; after.len()];
    for start in 0..after.len() {
        let mut walk: Vec<(usize, usize)> = Vec::new();
        if states[start] == State::New {
            states[start] = State::Open;
            walk.push((start, 0));
        }
        while let Some((at, edge)) = walk.last_mut() {
            let next = after[*at].get(*edge).copied();
            *edge += 1;
            match next.map(|next| (next, states[next])) {
                None => {
                    states[*at] = State::Done;
                    walk.pop();
                }
                Some((next, State::New)) => {
                    states[next] = State::Open;
                    walk.push((next, 0));
                }
                Some((next, State::Open)) => {
                    let steps = walk.iter().map(|(at, _)| *at);
                    let cycle: Vec<usize> = steps.skip_while(|at| *at != next).collect();
                    look(&cycle);
                }
                Some((_, State::Done)) => {}
            }
        }
    }
}

/// The names of a cycle, from the step that is told on.
fn shown(cycle: &[usize], from: usize, steps: &[Place<'_>]) -> String {
    const LISTED: usize = 10;
    let start = cycle.iter().position(|at| *at == from).unwrap_or(0);
    let around = cycle.iter().cycle().skip(start).take(cycle.len() + 1);
    let name = |at: &usize| steps[*at].member("name").text().unwrap_or_default();
    let names: Vec<&str> = around.map(name).take(LISTED).collect();
    let more = if cycle.len() >= LISTED {
        " → …"
    } else {
        ""
    };
    format!("{}{more}", names.join(" → "))
}
