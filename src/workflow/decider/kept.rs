//! What people hand to a workflow ahead of its time, and how much of it a record keeps: it is
//! written anew with every change.

use serde_json::Value;

use super::Fold;
use super::operations::Refused;
use crate::codes::refusal;
use crate::limits::{KEPT_BYTES, SKIPPED_LISTED};
use crate::task::output::json_size;
use crate::workflow::frontier::Skipped;

impl Fold<'_> {
    /// Refuses a signal, or the output of a step that is to be skipped, when the record would keep
    /// too much with it.
    pub(super) fn check_kept(&self, name: &str, data: &Value) -> Result<(), Refused> {
        let course = &self.state.course;
        let signals = course.signals.iter().map(|one| size(&one.name, &one.data));
        let others = course.skips.iter().filter(|(path, _)| *path != name);
        let skips = others.map(|(path, output)| size(path, output));
        if signals.chain(skips).sum::<usize>() + size(name, data) <= KEPT_BYTES {
            return Ok(());
        }
        Err(Refused {
            code: refusal::ILLEGAL_STATE,
            message: format!(
                "with this, what waits to be taken would have more than {KEPT_BYTES} bytes"
            ),
        })
    }

    /// Lists a step as skipped. The oldest make room.
    pub(super) fn note_skipped(&mut self, path: String, output: Option<Value>) {
        let skipped = &mut self.state.course.skipped;
        skipped.retain(|other| other.path != path);
        skipped.push(Skipped { path, output });
        let size = |one: &Skipped| one.output.as_ref().map_or(0, json_size);
        let mut bytes: usize = skipped.iter().map(size).sum();
        while skipped.len() > SKIPPED_LISTED || (bytes > KEPT_BYTES && skipped.len() > 1) {
            bytes -= size(&skipped.remove(0));
        }
    }
}

fn size(name: &str, data: &Value) -> usize {
    name.len() + json_size(data)
}
