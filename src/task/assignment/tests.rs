//! Who is a candidate, what a step says over its definition, and which reminder is next.

use serde_json::{Value, json};

use super::*;
use crate::testing::at;

fn assignment(fields: Value) -> Assignment {
    serde_json::from_value(fields).unwrap()
}

fn person(user: &str, roles: &[&str]) -> Caller {
    serde_json::from_value(json!({ "tenantId": "acme", "userId": user, "roles": roles })).unwrap()
}

fn check_candidate(fields: Value, user: &str, roles: &[&str], expected: bool) {
    let handling = Handling::of(&assignment(fields.clone()), at(0));
    let is_candidate = handling.is_candidate(&person(user, roles));
    assert_eq!(is_candidate, expected, "{fields} {user} {roles:?}");
}

#[test]
fn a_candidate_is_named_or_in_a_group_that_is_and_everybody_where_nobody_is() {
    check_candidate(json!({}), "ann", &[], true);
    check_candidate(json!({ "assignee": "bob" }), "ann", &[], true);
    check_candidate(json!({ "escalateTo": "eve" }), "ann", &[], true);
    let users = json!({ "candidateUsers": ["ann", "bob"] });
    check_candidate(users.clone(), "bob", &[], true);
    check_candidate(users.clone(), "eve", &[], false);
    check_candidate(users, "eve", &["ann"], false);
    let groups = json!({ "candidateGroups": ["clerks"] });
    check_candidate(groups.clone(), "eve", &["x", "clerks"], true);
    check_candidate(groups.clone(), "eve", &["x"], false);
    check_candidate(groups, "clerks", &[], false);
    let both = json!({ "candidateUsers": ["ann"], "candidateGroups": ["clerks"] });
    check_candidate(both.clone(), "ann", &[], true);
    check_candidate(both.clone(), "eve", &["clerks"], true);
    check_candidate(both, "eve", &[], false);
}

#[test]
fn whom_a_task_is_escalated_to_becomes_a_candidate_when_it_is_overdue_and_not_before() {
    for (user, roles) in [("heads", &[][..]), ("eve", &["heads"][..])] {
        let fields = json!({ "candidateUsers": ["ann"], "dueIn": 1000, "escalateTo": "heads" });
        let before = Handling::of(&assignment(fields), at(0));
        assert!(!before.is_candidate(&person(user, roles)));
        assert_eq!(before.reminded(at(999)), None);
        let (after, reminder) = before.reminded(at(1000)).unwrap();
        assert_eq!(reminder, Reminder::Overdue);
        assert!(after.is_candidate(&person(user, roles)));
        assert!(after.is_candidate(&person("ann", &[])));
        assert!(!after.is_candidate(&person("bob", &[])));
    }
}

#[test]
fn a_step_is_over_its_definition_field_by_field_and_candidates_are_one_field() {
    let definition = assignment(json!({
        "assignee": "ann", "candidateUsers": ["bob"], "candidateGroups": ["clerks"],
        "dueIn": 1000, "followUpIn": 500, "escalateTo": "heads",
    }));
    let step = |fields| assignment(fields).over(&definition);
    assert_eq!(step(json!({})), definition);
    let all = json!({
        "assignee": "eve", "candidateUsers": ["eve"], "dueIn": 1, "followUpIn": 2,
        "escalateTo": "eve",
    });
    assert_eq!(step(all.clone()), assignment(all));
    let groups = step(json!({ "candidateGroups": ["heads"], "dueIn": 7 }));
    assert_eq!(groups.candidate_users, Vec::<String>::new());
    assert_eq!(groups.candidate_groups, ["heads"]);
    assert_eq!((groups.due_in, groups.follow_up_in), (Some(7), Some(500)));
}

#[test]
fn each_reminder_goes_out_once_the_earlier_first() {
    let fields = json!({ "dueIn": 1000, "followUpIn": 400 });
    let first = Handling::of(&assignment(fields), at(0));
    assert_eq!(first.next_reminder_after(at(0)), Some(at(400)));
    let (second, reminder) = first.reminded(at(400)).unwrap();
    assert_eq!(reminder, Reminder::FollowUp);
    assert_eq!(second.reminded(at(999)), None);
    assert_eq!(second.next_reminder_after(at(400)), Some(at(1000)));
    let (last, reminder) = second.reminded(at(1001)).unwrap();
    assert_eq!(reminder, Reminder::Overdue);
    assert_eq!(last.overdue_since, Some(at(1001)));
    assert_eq!(
        (last.reminded(at(5000)), last.next_reminder_after(at(0))),
        (None, None)
    );
    let (both, graver) = first.reminded(at(2000)).unwrap();
    assert_eq!(graver, Reminder::Overdue);
    assert_eq!(both.followed_up_at, Some(at(2000)));
}
