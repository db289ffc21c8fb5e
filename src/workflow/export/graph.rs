//! Lists of steps as sequences and parallel parts: what a state machine is made of.
//!
//! Two steps of which neither waits for the other may run at once. A list is a sequence of parts
//! where each step of one waits for every step of the part before it; a part is parallel where
//! it falls into groups that do not wait for each other. What is neither cannot be written.

use crate::workflow::definition::Step;

/// A part of a list of steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// The step at a place of the list.
    Step(usize),
    /// Groups that run at once.
    Together(Vec<Vec<Piece>>),
}

impl Piece {
    /// The places of the steps in it.
    pub(super) fn places(&self) -> Vec<usize> {
        match self {
            Self::Step(at) => vec![*at],
            Self::Together(groups) => groups.iter().flatten().flat_map(Self::places).collect(),
        }
    }
}

/// The pieces of a list, in their order; none when its dependencies are not made of sequences
/// and parallel parts.
pub(super) fn pieces(steps: &[Step]) -> Option<Vec<Piece>> {
    if steps.iter().all(|step| step.depends_on.is_none()) {
        return Some((0..steps.len()).map(Piece::Step).collect());
    }
    let before = before(steps);
    split(&(0..steps.len()).collect::<Vec<_>>(), &before)
}

/// Whether a step must be over before another begins, by their places.
fn before(steps: &[Step]) -> Vec<Vec<bool>> {
    let count = steps.len();
    let mut before = vec![vec![false; count]; count];
    for (at, step) in steps.iter().enumerate() {
        match &step.depends_on {
            None => at
                .checked_sub(1)
                .into_iter()
                .for_each(|last| before[last][at] = true),
            Some(names) => {
                let is_named = |other: &Step| names.contains(&other.name);
                let places = steps.iter().enumerate().filter(|(_, one)| is_named(one));
                places.for_each(|(place, _)| before[place][at] = true);
            }
        }
    }
    for middle in 0..count {
        for first in 0..count {
            for last in 0..count {
                before[first][last] |= before[first][middle] && before[middle][last];
            }
        }
    }
    before
}

fn split(places: &[usize], before: &[Vec<bool>]) -> Option<Vec<Piece>> {
    if let [only] = places {
        return Some(vec![Piece::Step(*only)]);
    }
    let ordered = |a: usize, b: usize| before[a][b] || before[b][a];
    let groups = connected(places, &ordered);
    if groups.len() > 1 {
        let groups: Option<Vec<_>> = groups.iter().map(|group| split(group, before)).collect();
        return Some(vec![Piece::Together(groups?)]);
    }
    let mut parts = connected(places, &|a, b| !ordered(a, b));
    if parts.len() == 1 {
        return None;
    }
    // Any step of a part tells where it stands: all before it are of earlier parts, or of its own.
    let rank = |part: &Vec<usize>| places.iter().filter(|at| before[**at][part[0]]).count();
    parts.sort_by_key(|part| {
        let own = part.iter().filter(|at| before[**at][part[0]]).count();
        rank(part) - own
    });
    let pieces: Option<Vec<_>> = parts.iter().map(|part| split(part, before)).collect();
    Some(pieces?.into_iter().flatten().collect())
}

/// The groups of places that are joined.
fn connected(places: &[usize], joined: &impl Fn(usize, usize) -> bool) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for &place in places {
        let (touching, apart): (Vec<_>, Vec<_>) = groups
            .into_iter()
            .partition(|group| group.iter().any(|other| joined(*other, place)));
        let mut group: Vec<usize> = touching.into_iter().flatten().collect();
        group.push(place);
        group.sort_unstable();
        groups = apart;
        groups.push(group);
    }
    groups.sort_by_key(|group| group[0]);
    groups
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn steps(dependencies: &[(&str, Option<&[&str]>)]) -> Vec<Step> {
        let steps = dependencies.iter().map(|(name, depends_on)| {
            let mut step = json!({"name": name, "type": "SET"});
            if let Some(names) = depends_on {
                step["dependsOn"] = json!(names);
            }
            serde_json::from_value(step).unwrap()
        });
        steps.collect()
    }

    fn shown(pieces: &[Piece]) -> String {
        let one = |piece: &Piece| match piece {
            Piece::Step(at) => at.to_string(),
            Piece::Together(groups) => {
                let groups: Vec<String> = groups.iter().map(|group| shown(group)).collect();
                format!("[{}]", groups.join(" | "))
            }
        };
        pieces.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_graph_becomes_sequences_and_parallel_parts_or_nothing() {
        let check = |dependencies: &[(&str, Option<&[&str]>)], expected: Option<&str>| {
            let found = pieces(&steps(dependencies)).map(|pieces| shown(&pieces));
            assert_eq!(found.as_deref(), expected, "{dependencies:?}");
        };
        check(&[], Some(""));
        check(&[("a", None), ("b", None)], Some("0 1"));
        check(&[("a", None), ("b", Some(&[]))], Some("[0 | 1]"));
        check(
            &[
                ("a", None),
                ("b", Some(&["a"])),
                ("c", Some(&["a"])),
                ("d", Some(&["b", "c"])),
            ],
            Some("0 [1 | 2] 3"),
        );
        // A step that is written before what it waits for.
        check(&[("b", Some(&["a"])), ("a", Some(&[]))], Some("1 0"));
        // Groups of several steps.
        check(
            &[
                ("a", None),
                ("b", None),
                ("c", Some(&["a"])),
                ("d", Some(&["b", "c"])),
                ("e", Some(&[])),
            ],
            Some("[0 [1 | 2] 3 | 4]"),
        );
        // An N: d waits for both, c for one.
        check(
            &[
                ("a", None),
                ("b", Some(&[])),
                ("c", Some(&["a"])),
                ("d", Some(&["a", "b"])),
            ],
            None,
        );
        // What a dependency already says may be said again.
        check(
            &[("a", None), ("b", None), ("c", Some(&["a", "b"]))],
            Some("0 1 2"),
        );
    }
}
