//! Who did what with a person's task, and when: an entry for each act, each naming the one before.
//!
//! A record holds its last entry alone; all of them stand beside it, and what the last one names,
//! and that one in turn, is what happened. An entry that was written by somebody who lost the race
//! for the record is named by nobody. Where entries stand is the store's business, in `infra/aws`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ids::{EntryId, TaskId};
use crate::task::lifecycle::{Act, PersonsAct};
use crate::time::Timestamp;

/// One act of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Its number among those of the task, from 1.
    pub number: u32,
    /// When it was done.
    pub at: Timestamp,
    /// The person.
    pub by: String,
    /// What they did.
    #[serde(flatten)]
    pub deed: Deed,
    /// The entry before it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<EntryId>,
}

/// What is kept of an act. What somebody gave as output, and why they could not do it, stands in
/// the record itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "act",
    rename_all = "SCREAMING_SNAKE_CASE",
    rename_all_fields = "camelCase"
)]
pub enum Deed {
    /// Gave it to a person.
    Assign {
        /// The person.
        assignee: String,
    },
    /// Took it.
    Claim,
    /// Began to work.
    Start,
    /// Gave it back to the candidates.
    Release,
    /// Had another do the work.
    Delegate {
        /// The other.
        assignee: String,
    },
    /// Gave it back to its owner, or took it back.
    Resolve,
    /// Put it off.
    FollowUp {
        /// Until when; none: not any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Timestamp>,
    },
    /// Said something.
    Comment {
        /// What.
        text: String,
    },
    /// Was done.
    Complete,
    /// Could not do it.
    Fail {
        /// Why, for programs.
        code: String,
    },
}

impl From<&Act> for Deed {
    fn from(act: &Act) -> Self {
        match act {
            Act::Assign { assignee } => Self::Assign {
                assignee: assignee.clone(),
            },
            Act::Claim => Self::Claim,
            Act::Start => Self::Start,
            Act::Release => Self::Release,
            Act::Delegate { assignee } => Self::Delegate {
                assignee: assignee.clone(),
            },
            Act::Resolve => Self::Resolve,
            Act::FollowUp { until } => Self::FollowUp { until: *until },
            Act::Comment { text } => Self::Comment { text: text.clone() },
            Act::Complete { .. } => Self::Complete,
            Act::Fail { code, .. } => Self::Fail { code: code.clone() },
        }
    }
}

impl Entry {
    /// The entry of an act on a task whose last entry is `last`.
    #[must_use]
    pub fn following(
        task: TaskId,
        last: Option<&Self>,
        persons: &PersonsAct,
        at: Timestamp,
    ) -> Self {
        Self {
            number: last.map_or(1, |last| last.number.saturating_add(1)),
            at,
            by: persons.by.user_id.clone(),
            deed: Deed::from(&persons.act),
            before: last.map(|last| last.id(task)),
        }
    }

    /// Whether this is what a person says again.
    #[must_use]
    pub fn is_of(&self, persons: &PersonsAct) -> bool {
        self.by == persons.by.user_id && self.deed == Deed::from(&persons.act)
    }

    /// What names it: its own content, and by that of the entry before it all that came before.
    #[must_use]
    pub fn id(&self, task: TaskId) -> EntryId {
        EntryId::of_text(task, &self.text())
    }

    /// The entry as it is stored.
    #[must_use]
    pub fn text(&self) -> String {
        serde_json::to_string(self).expect("it has text keys only")
    }

    /// The entry as users see it.
    #[must_use]
    pub fn view(&self) -> Value {
        let shown = Self {
            before: None,
            ..self.clone()
        };
        serde_json::to_value(shown).expect("it has text keys only")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{at, task};

    fn check(act: Value, expected: Value) {
        let task = task(json!({ "type": "MANUAL" })).id;
        let persons = |act: &Value| PersonsAct {
            by: serde_json::from_value(json!({ "tenantId": "acme", "userId": "ann" })).unwrap(),
            act: serde_json::from_value(act.clone()).unwrap(),
        };
        let first = Entry::following(task, None, &persons(&json!({ "act": "CLAIM" })), at(1));
        let entry = Entry::following(task, Some(&first), &persons(&act), at(2));
        assert_eq!(entry.before, Some(first.id(task)));
        assert!(entry.is_of(&persons(&act)) && entry.id(task) != first.id(task));
        let loaded: Entry = serde_json::from_str(&entry.text()).unwrap();
        assert_eq!(loaded, entry);
        let mut view = entry.view();
        let shown = view.as_object_mut().unwrap();
        assert_eq!(shown.shift_remove("number"), Some(json!(2)));
        assert_eq!(shown.shift_remove("by"), Some(json!("ann")));
        assert_eq!(shown.shift_remove("at"), Some(json!(at(2))));
        assert_eq!(view, expected);
    }

    #[test]
    fn an_entry_tells_who_did_what_and_names_the_one_before() {
        check(json!({ "act": "CLAIM" }), json!({ "act": "CLAIM" }));
        check(json!({ "act": "START" }), json!({ "act": "START" }));
        check(json!({ "act": "RELEASE" }), json!({ "act": "RELEASE" }));
        check(json!({ "act": "RESOLVE" }), json!({ "act": "RESOLVE" }));
        for act in ["ASSIGN", "DELEGATE"] {
            let act = json!({ "act": act, "assignee": "bob" });
            check(act.clone(), act);
        }
        let comment = json!({ "act": "COMMENT", "text": "ask bob" });
        check(comment.clone(), comment);
        check(
            json!({ "act": "COMPLETE", "output": [1] }),
            json!({ "act": "COMPLETE" }),
        );
        check(
            json!({ "act": "FAIL", "code": "ILL", "message": "in bed" }),
            json!({ "act": "FAIL", "code": "ILL" }),
        );
    }

    #[test]
    fn the_date_of_a_follow_up_is_told_beside_the_date_of_the_act() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let entry = Entry {
            number: 1,
            at: at("2026-11-21T21:20:00Z"),
            by: "ann".to_owned(),
            deed: Deed::FollowUp {
                until: Some(at("2026-11-22T21:20:00Z")),
            },
            before: None,
        };
        assert_eq!(
            entry.view(),
            json!({
                "number": 1, "at": "2026-11-21T21:20:00.000Z", "by": "ann",
                "act": "FOLLOW_UP", "until": "2026-11-22T21:20:00.000Z",
            })
        );
        assert_eq!(serde_json::from_str::<Entry>(&entry.text()).unwrap(), entry);
    }
}
