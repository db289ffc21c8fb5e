//! Lists of steps: states in a sequence, and parts of them that run at once.
//!
//! A state's input is the output of the list so far: a step that is skipped hands it on.

use super::graph::{Piece, pieces};
use super::machine::{Machine, Next};
use super::parallel::{Arm, Arms};
use super::place::Place;
use crate::problem::member;
use crate::workflow::definition::Step;

/// Why a graph cannot be written.
const TANGLED: &str = "its dependencies are not made of sequences and parallel parts, of which a state machine consists";

impl<'a> Machine<'a> {
    /// What a list of steps begins with.
    pub(super) fn block_entry(
        &mut self,
        steps: &'a [Step],
        pointer: &str,
        place: &Place,
        next: &Next,
    ) -> Next {
        let pieces = pieces(steps).unwrap_or_default();
        self.entry(&pieces, steps, pointer, place, next)
    }

    /// Writes the states of a list of steps.
    pub(super) fn block(&mut self, steps: &'a [Step], pointer: &str, place: &Place, next: &Next) {
        match pieces(steps) {
            Some(pieces) => self.sequence(&pieces, steps, pointer, place, next),
            None => {
                let first = steps.iter().position(|step| step.depends_on.is_some());
                let first = member(pointer, first.unwrap_or_default());
                self.refuse(&member(&first, "dependsOn"), TANGLED);
            }
        }
    }

    /// What pieces of a list begin with.
    pub(super) fn entry(
        &mut self,
        pieces: &[Piece],
        steps: &'a [Step],
        pointer: &str,
        place: &Place,
        next: &Next,
    ) -> Next {
        match pieces.first() {
            None => next.clone(),
            Some(Piece::Step(at)) => {
                Next::To(self.step_entry(&steps[*at], &member(pointer, at), place))
            }
            Some(Piece::Together(groups)) => {
                let at = places(groups)[0];
                Next::To(self.together(&member(pointer, at), &steps[at], place))
            }
        }
    }

    fn together(&mut self, pointer: &str, first: &Step, place: &Place) -> String {
        self.name(pointer, &place.path_of(&first.name), "at once")
    }

    /// Writes the states of pieces of a list.
    pub(super) fn sequence(
        &mut self,
        pieces: &[Piece],
        steps: &'a [Step],
        pointer: &str,
        place: &Place,
        next: &Next,
    ) {
        for (index, piece) in pieces.iter().enumerate() {
            let next = self.entry(&pieces[index + 1..], steps, pointer, place, next);
            match piece {
                Piece::Step(at) => self.step(&steps[*at], &member(pointer, at), place, &next),
                Piece::Together(groups) => {
                    let is_last = index + 1 == pieces.len();
                    self.groups(groups, steps, pointer, place, &next, is_last);
                }
            }
        }
    }

    /// Groups of steps that do not wait for each other. The output is that of the last step of
    /// the list.
    fn groups(
        &mut self,
        groups: &[Vec<Piece>],
        steps: &'a [Step],
        pointer: &str,
        place: &Place,
        next: &Next,
        is_last: bool,
    ) {
        let places = places(groups);
        let first = member(pointer, places[0]);
        let last = places.iter().copied().max().unwrap_or_default();
        let is_wanted = is_last && pointer != "/steps" && pointer != "/errorHandlers";
        if is_wanted && steps[last].condition.is_some() {
            let place = member(&member(pointer, last), "condition");
            self.refuse(
                &place,
                "its list ends in parallel, and whose output the list has would depend on this",
            );
        }
        let arms = groups.iter().map(|group| Arm {
            name: steps[group_start(group)].name.clone(),
            path: place.path_of(&steps[group_start(group)].name),
            steps,
            pieces: group.clone(),
            pointer: pointer.to_owned(),
            scope: member(pointer, group_start(group)),
            place: place.clone(),
        });
        let arms = Arms {
            arms: arms.collect(),
            state: self.together(&first, &steps[places[0]], place),
            pointer: first,
            step: steps[places[0]].name.clone(),
            retry: Vec::new(),
        };
        let with_last = groups
            .iter()
            .position(|group| group.iter().any(|piece| piece.places().contains(&last)));
        self.write_groups(&arms, place, next, with_last.unwrap_or_default());
    }
}

fn places(groups: &[Vec<Piece>]) -> Vec<usize> {
    groups.iter().flatten().flat_map(Piece::places).collect()
}

fn group_start(group: &[Piece]) -> usize {
    group
        .iter()
        .flat_map(Piece::places)
        .next()
        .unwrap_or_default()
}
