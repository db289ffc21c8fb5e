//! Where a block stands: its path, and what its expressions see beyond the workflow's data.

use std::rc::Rc;

use serde_json::{Value, json};

use crate::error_info::ErrorInfo;
use crate::workflow::parent::BatchOf;

/// Where a block stands.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// The path of the step around it; empty at the root.
    pub path: String,
    /// What its steps begin with.
    pub generation: u32,
    /// What its expressions see.
    pub lexical: Rc<Lexical>,
}

/// What expressions see of the steps around them.
#[derive(Debug, Clone, Default)]
pub(super) struct Lexical {
    pub item: Option<Value>,
    pub index: Option<Value>,
    pub outer: Option<Value>,
    pub error: Option<Value>,
}

impl Place {
    pub(super) fn root() -> Self {
        Self {
            path: String::new(),
            generation: 0,
            lexical: Rc::new(Lexical::default()),
        }
    }

    /// The path of a step of the block.
    pub(super) fn path_of(&self, name: &str) -> String {
        match self.path.as_str() {
            "" => name.to_owned(),
            path => format!("{path}/{name}"),
        }
    }

    /// Inside a step.
    pub(super) fn inside(&self, name: &str, generation: u32) -> Self {
        Self {
            path: self.path_of(name),
            generation,
            lexical: Rc::clone(&self.lexical),
        }
    }

    /// Inside a branch of a step.
    pub(super) fn branch(&self, name: &str, branch: &str, generation: u32) -> Self {
        Self {
            path: format!("{}/{branch}", self.path_of(name)),
            generation,
            lexical: Rc::clone(&self.lexical),
        }
    }

    /// Inside a turn of a LOOP, which replaces `index` alone.
    pub(super) fn turn(&self, name: &str, turn: u32, generation: u32) -> Self {
        Self {
            path: format!("{}[{turn}]", self.path_of(name)),
            generation,
            lexical: Rc::new(Lexical {
                index: Some(turn.into()),
                ..(*self.lexical).clone()
            }),
        }
    }

    /// Inside an error handler.
    pub(super) fn handling(&self, error: &ErrorInfo) -> Self {
        Self {
            path: self.path.clone(),
            generation: self.generation,
            lexical: Rc::new(Lexical {
                error: Some(error_scope(error)),
                ..(*self.lexical).clone()
            }),
        }
    }

    /// An iteration of a batch, by its place in it.
    pub(super) fn iteration(batch: &BatchOf, at: u32) -> Self {
        let index = batch.first.saturating_add(at);
        let item = usize::try_from(at).ok().and_then(|at| batch.items.get(at));
        Self {
            path: format!("{}[{index}]", batch.path),
            generation: batch.generation,
            lexical: Rc::new(Lexical {
                item: item.cloned(),
                index: Some(index.into()),
                outer: batch.outer.clone(),
                error: batch.error.clone(),
            }),
        }
    }

    /// `outer` of the iterations of a MAP that stands here.
    pub(super) fn as_outer(&self) -> Option<Value> {
        let item = self.lexical.item.as_ref()?;
        let mut outer = json!({ "item": item, "index": self.lexical.index });
        if let Some(further) = &self.lexical.outer {
            outer["outer"] = further.clone();
        }
        Some(outer)
    }
}

/// `error` of expressions.
fn error_scope(error: &ErrorInfo) -> Value {
    json!({
        "code": error.code,
        "message": error.message,
        "taskPath": error.details.get("taskPath"),
        "details": error.details,
    })
}
