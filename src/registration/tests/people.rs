//! Definitions of tasks that people do.

use super::{check, task};

#[test]
fn a_manual_task_has_people_and_no_executor() {
    let manual = "id: t\nversion: 1.0.0\nname: T\ntype: MANUAL\n";
    check(manual, &[]);
    let assignment = "assignment: {assignee: ann, candidateUsers: [ann], candidateGroups: [g], \
                      dueIn: 2, followUpIn: 1, escalateTo: heads}\n";
    check(&format!("{manual}{assignment}"), &[]);
    let permissions =
        "executionConfig: {securityContext: {permissions: [sign], securityLevel: LOW}}\n";
    check(&format!("{manual}{permissions}"), &[]);
    let config = "executionConfig:\n  executor: builtin:noop\n  resourceRequirements: {cpu: '1'}\n  \
                  environmentVariables: {A: b}\n  request: {}\n  \
                  securityContext: {runAs: x, securityLevel: LOW}\n";
    let place = |field| format!("/executionConfig/{field}");
    check(
        &format!("{manual}{config}"),
        &[
            ("NOT_SUPPORTED", &place("executor"), 6),
            ("NOT_SUPPORTED", &place("resourceRequirements"), 7),
            ("NOT_SUPPORTED", &place("environmentVariables"), 8),
            ("NOT_SUPPORTED", &place("request"), 9),
            ("NOT_SUPPORTED", &place("securityContext/runAs"), 10),
        ],
    );
    let limited =
        format!("{manual}concurrency: {{limit: 1}}\nrateLimit: {{limit: 1, per: PT1S}}\n");
    check(
        &limited,
        &[
            ("NOT_SUPPORTED", "/concurrency", 5),
            ("NOT_SUPPORTED", "/rateLimit", 6),
        ],
    );
    check(
        &format!(
            "{manual}assignment: {{assignee: '', dueIn: 0, dueAt: 1, candidateUsers: ['']}}\n"
        ),
        &[
            ("EMPTY", "/assignment/assignee", 5),
            ("EMPTY", "/assignment/candidateUsers/0", 5),
            ("UNKNOWN_FIELD", "/assignment/dueAt", 5),
            ("OUT_OF_RANGE", "/assignment/dueIn", 5),
        ],
    );
    check(&task(assignment), &[("NOT_SUPPORTED", "/assignment", 6)]);
    check(
        "id: t\nversion: 1.0.0\nname: T\ntype: AUTOMATED\n",
        &[("MISSING_FIELD", "", 1)],
    );
}

#[test]
fn a_date_or_an_escalation_that_never_comes_is_refused() {
    let manual = "id: t\nversion: 1.0.0\nname: T\ntype: MANUAL\n";
    let field = |name: &str| format!("/assignment/{name}");
    let (due, follow_up) = (&*field("dueIn"), &*field("followUpIn"));
    let (missing, range) = ("MISSING_FIELD", "OUT_OF_RANGE");
    /// The limits, the assignment, and the problems.
    type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str, u32)]);
    let cases: [Case<'_>; 9] = [
        ("", "dueIn: 5, followUpIn: 5, escalateTo: heads", &[]),
        (
            "timeout: 6",
            "dueIn: 5, followUpIn: 5, escalateTo: heads",
            &[],
        ),
        ("", "escalateTo: heads", &[(missing, "/assignment", 6)]),
        (
            "",
            "escalateTo: heads, followUpIn: 5",
            &[(missing, "/assignment", 6)],
        ),
        ("", "dueIn: 5, followUpIn: 6", &[(range, follow_up, 6)]),
        ("timeout: 5", "dueIn: 5", &[(range, due, 6)]),
        (
            "timeouts: {startToClose: 5}",
            "followUpIn: 6",
            &[(range, follow_up, 6)],
        ),
        (
            "timeouts: {scheduleToClose: 5}",
            "dueIn: 5",
            &[(range, due, 6)],
        ),
        ("timeouts: {scheduleToStart: 5}", "dueIn: 6", &[]),
    ];
    for (limits, assignment, expected) in cases {
        check(
            &format!("{manual}{limits}\nassignment: {{{assignment}}}\n"),
            expected,
        );
    }
}
