//! Who may do a MANUAL task, and by when: what a definition and a step say of it, and what an
//! instance makes of that.
//!
//! What a person then does, and whether they may, is decided in [`crate::task::lifecycle`].

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::limits;
use crate::security::Caller;
use crate::time::Timestamp;

/// Who may do a MANUAL task, and by when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Assignment {
    /// The person who has it from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::REFERENCE_CHARS))]
    pub assignee: Option<String>,
    /// The persons who may claim it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CANDIDATES), inner(length(min = 1, max = limits::REFERENCE_CHARS)))]
    pub candidate_users: Vec<String>,
    /// The groups (the roles of a caller) whose members may claim it. With no candidates at all,
    /// whoever has the permissions may.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = limits::CANDIDATES), inner(length(min = 1, max = limits::REFERENCE_CHARS)))]
    pub candidate_groups: Vec<String>,
    /// Milliseconds from its creation until a reminder goes out and `escalateTo` may claim it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub due_in: Option<u64>,
    /// Milliseconds from its creation until a reminder goes out to look how it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = limits::TIMER_MILLIS))]
    pub follow_up_in: Option<u64>,
    /// The person or group that becomes a candidate once it is overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = limits::REFERENCE_CHARS))]
    pub escalate_to: Option<String>,
}

impl Assignment {
    /// This assignment with what it leaves out taken from another. The candidates are one field:
    /// a step that names any replaces those of the definition.
    #[must_use]
    pub fn over(self, other: &Self) -> Self {
        let names_candidates =
            !self.candidate_users.is_empty() || !self.candidate_groups.is_empty();
        let (candidate_users, candidate_groups) = if names_candidates {
            (self.candidate_users, self.candidate_groups)
        } else {
            (
                other.candidate_users.clone(),
                other.candidate_groups.clone(),
            )
        };
        Self {
            assignee: self.assignee.or_else(|| other.assignee.clone()),
            candidate_users,
            candidate_groups,
            due_in: self.due_in.or(other.due_in),
            follow_up_in: self.follow_up_in.or(other.follow_up_in),
            escalate_to: self.escalate_to.or_else(|| other.escalate_to.clone()),
        }
    }
}

/// What a task knows of the people who may do it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Handling {
    /// The persons who may claim it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidate_users: Vec<String>,
    /// The groups whose members may claim it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub candidate_groups: Vec<String>,
    /// When it is overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Timestamp>,
    /// When somebody should look how it goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub follow_up_date: Option<Timestamp>,
    /// The person or group that becomes a candidate once it is overdue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalate_to: Option<String>,
    /// When the reminder of the due date went out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue_since: Option<Timestamp>,
    /// When the reminder of the follow-up date went out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed_up_at: Option<Timestamp>,
    /// When somebody first had it, in this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// When somebody began to work, in this attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub begun_at: Option<Timestamp>,
    /// Who delegated it: the task is theirs, and the assignee does the work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Until when whoever has it does not want to see it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub put_off_until: Option<Timestamp>,
}

/// Which date passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reminder {
    /// Somebody should look how it goes, or wanted to see it again.
    FollowUp,
    /// It is overdue.
    Overdue,
}

impl Reminder {
    /// The word in logs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FollowUp => "FOLLOW_UP",
            Self::Overdue => "OVERDUE",
        }
    }
}

impl Handling {
    /// What a task that is created now makes of an assignment.
    #[must_use]
    pub fn of(assignment: &Assignment, now: Timestamp) -> Self {
        let after = |millis: Option<u64>| millis.map(|millis| now.plus_millis(millis));
        Self {
            candidate_users: assignment.candidate_users.clone(),
            candidate_groups: assignment.candidate_groups.clone(),
            due_date: after(assignment.due_in),
            follow_up_date: after(assignment.follow_up_in),
            escalate_to: assignment.escalate_to.clone(),
            overdue_since: None,
            followed_up_at: None,
            taken_at: assignment.assignee.is_some().then_some(now),
            ..Self::default()
        }
    }

    /// Whether nobody is named: everybody may claim the task then.
    #[must_use]
    pub fn is_for_everybody(&self) -> bool {
        self.candidate_users.is_empty() && self.candidate_groups.is_empty()
    }

    /// The person or group that the task was escalated to, once it is overdue.
    #[must_use]
    pub fn escalated_to(&self) -> Option<&str> {
        let to = self.escalate_to.as_deref();
        to.filter(|_| self.overdue_since.is_some())
    }

    /// Whether the task was escalated to a person, or to a group of theirs.
    #[must_use]
    pub fn is_escalated_to(&self, person: &Caller) -> bool {
        let is_theirs = |to| person.user_id == to || person.roles.iter().any(|role| role == to);
        self.escalated_to().is_some_and(is_theirs)
    }

    /// Whether a person may claim the task.
    #[must_use]
    pub fn is_candidate(&self, person: &Caller) -> bool {
        let groups = &self.candidate_groups;
        self.is_for_everybody()
            || self.candidate_users.contains(&person.user_id)
            || groups.iter().any(|group| person.roles.contains(group))
            || self.is_escalated_to(person)
    }

    /// The handling in other hands: what the one before had begun and put off is over.
    #[must_use]
    pub fn handed_on(&self) -> Self {
        Self {
            begun_at: None,
            owner: None,
            put_off_until: None,
            ..self.clone()
        }
    }

    /// When the next reminder of its dates after this time goes out.
    #[must_use]
    pub fn next_reminder_after(&self, now: Timestamp) -> Option<Timestamp> {
        let waiting = [
            self.follow_up_date
                .filter(|_| self.followed_up_at.is_none()),
            self.due_date.filter(|_| self.overdue_since.is_none()),
        ];
        waiting.into_iter().flatten().filter(|at| *at > now).min()
    }

    /// The handling once every reminder whose time has come went out, and the graver one of them;
    /// none when none is waiting.
    #[must_use]
    pub fn reminded(&self, now: Timestamp) -> Option<(Self, Reminder)> {
        let is_due = |date: Option<Timestamp>, sent: Option<Timestamp>| {
            sent.is_none() && date.is_some_and(|at| at <= now)
        };
        let put_off = is_due(self.put_off_until, None);
        let follow_up = is_due(self.follow_up_date, self.followed_up_at);
        let overdue = is_due(self.due_date, self.overdue_since);
        let reminder = match (overdue, follow_up || put_off) {
            (true, _) => Reminder::Overdue,
            (false, true) => Reminder::FollowUp,
            (false, false) => return None,
        };
        let mut after = self.clone();
        if put_off {
            after.put_off_until = None;
        }
        if follow_up {
            after.followed_up_at = Some(now);
        }
        if overdue {
            after.overdue_since = Some(now);
        }
        Some((after, reminder))
    }
}

#[cfg(test)]
mod tests;
