//! The tables: a column for each status, a row for each kind of event.

use super::{POLLED, check_table};

#[test]
fn an_automated_task_follows_the_table() {
    check_table(
        "AUTOMATED",
        r"
                 |PENDING       |ASSIGNED      |RUNNING       |RETRY_PENDING |COMPLETED     |FAILED        |CANCELLED     |TIMED_OUT
Start            |RUNNING       |RUNNING       |=             |RUNNING       |=!            |=!            |=!            |=!
StartElsewhere   |RUNNING       |RUNNING       |illegal       |RUNNING       |=!            |=!            |=!            |=!
StartTooLate     |TIMED_OUT!    |TIMED_OUT!    |=             |TIMED_OUT!    |=!            |=!            |=!            |=!
StartOfAnother   |stale         |stale         |stale         |stale         |=!            |=!            |=!            |=!
HandOver         |RUNNING*      |RUNNING*      |RUNNING*      |RUNNING*      |illegal       |illegal       |illegal       |illegal
HandOverAgain    |RUNNING*      |RUNNING*      |=*            |RUNNING*      |illegal       |illegal       |illegal       |illegal
HandOverOfAnother|stale         |stale         |stale         |stale         |stale         |stale         |stale         |stale
CalledBack       |COMPLETED!    |COMPLETED!    |COMPLETED!    |COMPLETED!    |=!            |illegal       |illegal       |illegal
CalledBackFailing|RETRY_PENDING>|RETRY_PENDING>|RETRY_PENDING>|RETRY_PENDING>|illegal       |=!            |illegal       |=!
LookUncalled     |=>            |=             |RETRY_PENDING>|=>            |=!            |=!            |=!            |=!
Succeed          |COMPLETED!    |COMPLETED!    |COMPLETED!    |COMPLETED!    |=!            |illegal       |illegal       |illegal
Fail             |RETRY_PENDING>|RETRY_PENDING>|RETRY_PENDING>|RETRY_PENDING>|illegal       |=!            |illegal       |=!
FailForGood      |FAILED!       |FAILED!       |FAILED!       |FAILED!       |illegal       |=!            |illegal       |=!
TimeOut          |RETRY_PENDING>|RETRY_PENDING>|RETRY_PENDING>|RETRY_PENDING>|illegal       |illegal       |illegal       |=!
TimeOutForGood   |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |illegal       |illegal       |illegal       |=!
TimeOutWhole     |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |illegal       |illegal       |illegal       |=!
UnstartedTimeOut |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |illegal       |illegal       |illegal       |=!
ReportOfPrevious |stale         |stale         |stale         |=>            |stale         |stale         |stale         |stale
ReportOfAnother  |stale         |stale         |stale         |stale         |stale         |stale         |stale         |stale
Lost             |illegal       |illegal       |RETRY_PENDING>|illegal       |illegal       |=!            |illegal       |=!
LostForGood      |illegal       |illegal       |FAILED!       |illegal       |illegal       |=!            |illegal       |=!
LostPrevious     |stale         |stale         |stale         |=>            |stale         |stale         |stale         |stale
LostAnother      |stale         |stale         |stale         |stale         |stale         |stale         |stale         |stale
LookInVain       |=>            |=             |=             |=>            |=!            |=!            |=!            |=!
LookTooLate      |TIMED_OUT!    |TIMED_OUT!    |=             |TIMED_OUT!    |=!            |=!            |=!            |=!
LookOverdue      |=>            |=             |RETRY_PENDING>|=>            |=!            |=!            |=!            |=!
LookReminds      |=>            |=             |=             |=>            |=!            |=!            |=!            |=!
Cancel           |CANCELLED!    |CANCELLED!    |CANCELLED!    |CANCELLED!    |illegal       |illegal       |=!            |illegal
Assign           |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AssignAnother    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AssignUnasked    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Claim            |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ClaimFromAnother |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ClaimByStranger  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ClaimUnallowed   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Release          |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ReleaseOfAnother |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Complete         |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteOfAnother|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteByAdmin  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteUnallowed|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteTooLate  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GiveUp           |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GiveUpForGood    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GiveUpOfAnother  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AssignByEscalated|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Begin            |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
BeginOfAnother   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
BeginUnallowed   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Delegate         |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DelegateOfAnother|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DelegatedOn      |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Resolve          |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ResolveByOwner   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ResolveByStranger|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ResolveOfNone    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteDelegated|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
FailDelegated    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ReleaseDelegated |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
PutOff           |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
PutOffOfAnother  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Comment          |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CommentByStranger|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
TokenClosed      |CANCELLED!    |CANCELLED!    |CANCELLED!    |CANCELLED!    |COMPLETED     |FAILED        |CANCELLED     |TIMED_OUT
TokenOfNobody    |=             |=             |=             |=             |=             |=             |=             |=
Alive            |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AliveAsBefore    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AliveOfAnother   |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
AliveTooLate     |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Done             |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DoneOfAnother    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DoneTooLate      |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DoneOtherwise    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GaveUp           |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GaveUpForGood    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GaveUpBefore     |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
GaveBack         |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GaveBackByOther  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
",
    );
}

#[test]
fn a_manual_task_follows_the_table() {
    check_table(
        "MANUAL",
        r"
                 |PENDING       |ASSIGNED      |RUNNING       |RETRY_PENDING |COMPLETED     |FAILED        |CANCELLED     |TIMED_OUT
Start            |illegal       |illegal       |illegal       |illegal       |=!            |=!            |=!            |=!
StartElsewhere   |illegal       |illegal       |illegal       |illegal       |=!            |=!            |=!            |=!
StartTooLate     |illegal       |illegal       |illegal       |illegal       |=!            |=!            |=!            |=!
StartOfAnother   |illegal       |illegal       |illegal       |illegal       |=!            |=!            |=!            |=!
HandOver         |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
HandOverAgain    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
HandOverOfAnother|illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
CalledBack       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |illegal       |illegal
CalledBackFailing|illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
LookUncalled     |=             |=             |=             |=             |=!            |=!            |=!            |=!
Succeed          |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |illegal       |illegal
Fail             |illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
FailForGood      |illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
TimeOut          |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |=!
TimeOutForGood   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |=!
TimeOutWhole     |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |=!
UnstartedTimeOut |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |=!
ReportOfPrevious |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
ReportOfAnother  |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
Lost             |illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
LostForGood      |illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
LostPrevious     |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
LostAnother      |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
LookInVain       |=             |=             |=             |=             |=!            |=!            |=!            |=!
LookTooLate      |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |=!            |=!            |=!            |=!
LookOverdue      |=             |=             |=             |=             |=!            |=!            |=!            |=!
LookReminds      |PENDING?      |ASSIGNED?     |RUNNING?      |RETRY_PENDING?|=!            |=!            |=!            |=!
Cancel           |CANCELLED!    |CANCELLED!    |CANCELLED!    |CANCELLED!    |illegal       |illegal       |=!            |illegal
Assign           |ASSIGNED      |=             |=             |illegal       |illegal       |illegal       |illegal       |illegal
AssignAnother    |ASSIGNED      |ASSIGNED      |ASSIGNED      |illegal       |illegal       |illegal       |illegal       |illegal
AssignUnasked    |denied        |denied        |denied        |illegal       |illegal       |illegal       |illegal       |illegal
Claim            |ASSIGNED      |=             |=             |illegal       |illegal       |illegal       |illegal       |illegal
ClaimFromAnother |ASSIGNED      |claimed       |claimed       |illegal       |illegal       |illegal       |illegal       |illegal
ClaimByStranger  |no candidate  |no candidate  |no candidate  |illegal       |illegal       |illegal       |illegal       |illegal
ClaimUnallowed   |denied        |denied        |denied        |illegal       |illegal       |illegal       |illegal       |illegal
Release          |=             |PENDING       |PENDING       |illegal       |illegal       |illegal       |illegal       |illegal
ReleaseOfAnother |=             |not theirs    |not theirs    |illegal       |illegal       |illegal       |illegal       |illegal
Complete         |not theirs    |COMPLETED!    |COMPLETED!    |illegal       |illegal       |illegal       |illegal       |illegal
CompleteOfAnother|not theirs    |not theirs    |not theirs    |illegal       |illegal       |illegal       |illegal       |illegal
CompleteByAdmin  |COMPLETED!    |COMPLETED!    |COMPLETED!    |illegal       |illegal       |illegal       |illegal       |illegal
CompleteUnallowed|denied        |denied        |denied        |illegal       |illegal       |illegal       |illegal       |illegal
CompleteTooLate  |late          |late          |late          |illegal       |illegal       |illegal       |illegal       |illegal
GiveUp           |not theirs    |PENDING       |PENDING       |illegal       |illegal       |illegal       |illegal       |illegal
GiveUpForGood    |not theirs    |FAILED!       |FAILED!       |illegal       |illegal       |illegal       |illegal       |illegal
GiveUpOfAnother  |not theirs    |not theirs    |not theirs    |illegal       |illegal       |illegal       |illegal       |illegal
AssignByEscalated|ASSIGNED      |ASSIGNED      |ASSIGNED      |illegal       |illegal       |illegal       |illegal       |illegal
Begin            |not theirs    |RUNNING       |=             |illegal       |illegal       |illegal       |illegal       |illegal
BeginOfAnother   |not theirs    |not theirs    |not theirs    |illegal       |illegal       |illegal       |illegal       |illegal
BeginUnallowed   |not theirs    |denied        |denied        |illegal       |illegal       |illegal       |illegal       |illegal
Delegate         |not theirs    |ASSIGNED      |ASSIGNED      |illegal       |illegal       |illegal       |illegal       |illegal
DelegateOfAnother|not theirs    |not theirs    |not theirs    |illegal       |illegal       |illegal       |illegal       |illegal
DelegatedOn      |not theirs    |ASSIGNED      |ASSIGNED      |illegal       |illegal       |illegal       |illegal       |illegal
Resolve          |not delegated |ASSIGNED      |ASSIGNED      |illegal       |illegal       |illegal       |illegal       |illegal
ResolveByOwner   |not delegated |ASSIGNED      |ASSIGNED      |illegal       |illegal       |illegal       |illegal       |illegal
ResolveByStranger|not delegated |not theirs    |not theirs    |illegal       |illegal       |illegal       |illegal       |illegal
ResolveOfNone    |not delegated |not delegated |not delegated |illegal       |illegal       |illegal       |illegal       |illegal
CompleteDelegated|not theirs    |delegated     |delegated     |illegal       |illegal       |illegal       |illegal       |illegal
FailDelegated    |not theirs    |delegated     |delegated     |illegal       |illegal       |illegal       |illegal       |illegal
ReleaseDelegated |=             |delegated     |delegated     |illegal       |illegal       |illegal       |illegal       |illegal
PutOff           |not theirs    |ASSIGNED      |RUNNING       |illegal       |illegal       |illegal       |illegal       |illegal
PutOffOfAnother  |not theirs    |not theirs    |not theirs    |illegal       |illegal       |illegal       |illegal       |illegal
Comment          |PENDING       |ASSIGNED      |RUNNING       |illegal       |illegal       |illegal       |illegal       |illegal
CommentByStranger|no candidate  |no candidate  |no candidate  |illegal       |illegal       |illegal       |illegal       |illegal
TokenClosed      |CANCELLED!    |CANCELLED!    |CANCELLED!    |CANCELLED!    |COMPLETED     |FAILED        |CANCELLED     |TIMED_OUT
TokenOfNobody    |=             |=             |=             |=             |=             |=             |=             |=
Alive            |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AliveAsBefore    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AliveOfAnother   |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
AliveTooLate     |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Done             |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DoneOfAnother    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DoneTooLate      |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DoneOtherwise    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GaveUp           |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GaveUpForGood    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GaveUpBefore     |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
GaveBack         |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GaveBackByOther  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
",
    );
}

#[test]
fn a_task_that_workers_poll_for_follows_the_table() {
    check_table(
        POLLED,
        r"
                 |PENDING       |ASSIGNED      |RUNNING       |RETRY_PENDING |COMPLETED     |FAILED        |CANCELLED     |TIMED_OUT
Start            |RUNNING       |RUNNING       |=             |RUNNING       |=!            |=!            |=!            |=!
StartElsewhere   |RUNNING       |RUNNING       |illegal       |RUNNING       |=!            |=!            |=!            |=!
StartTooLate     |TIMED_OUT!    |TIMED_OUT!    |=             |TIMED_OUT!    |=!            |=!            |=!            |=!
StartOfAnother   |stale         |stale         |stale         |stale         |=!            |=!            |=!            |=!
HandOver         |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
HandOverAgain    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
HandOverOfAnother|illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
CalledBack       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |illegal       |illegal
CalledBackFailing|illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
LookUncalled     |=>            |=             |RETRY_PENDING>|=>            |=!            |=!            |=!            |=!
Succeed          |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |illegal       |illegal
Fail             |illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
FailForGood      |illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
TimeOut          |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |=!
TimeOutForGood   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |=!
TimeOutWhole     |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |=!
UnstartedTimeOut |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |=!
ReportOfPrevious |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
ReportOfAnother  |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
Lost             |illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
LostForGood      |illegal       |illegal       |illegal       |illegal       |illegal       |=!            |illegal       |=!
LostPrevious     |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
LostAnother      |illegal       |illegal       |illegal       |illegal       |stale         |stale         |stale         |stale
LookInVain       |=>            |=             |=             |=>            |=!            |=!            |=!            |=!
LookTooLate      |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |TIMED_OUT!    |=!            |=!            |=!            |=!
LookOverdue      |=>            |=             |RETRY_PENDING>|=>            |=!            |=!            |=!            |=!
LookReminds      |=>            |=             |=             |=>            |=!            |=!            |=!            |=!
Cancel           |CANCELLED!    |CANCELLED!    |CANCELLED!    |CANCELLED!    |illegal       |illegal       |=!            |illegal
Assign           |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AssignAnother    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AssignUnasked    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Claim            |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ClaimFromAnother |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ClaimByStranger  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ClaimUnallowed   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Release          |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ReleaseOfAnother |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Complete         |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteOfAnother|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteByAdmin  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteUnallowed|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteTooLate  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GiveUp           |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GiveUpForGood    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
GiveUpOfAnother  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
AssignByEscalated|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Begin            |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
BeginOfAnother   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
BeginUnallowed   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Delegate         |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DelegateOfAnother|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
DelegatedOn      |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Resolve          |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ResolveByOwner   |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ResolveByStranger|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ResolveOfNone    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CompleteDelegated|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
FailDelegated    |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
ReleaseDelegated |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
PutOff           |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
PutOffOfAnother  |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
Comment          |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
CommentByStranger|illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal       |illegal
TokenClosed      |CANCELLED!    |CANCELLED!    |CANCELLED!    |CANCELLED!    |COMPLETED     |FAILED        |CANCELLED     |TIMED_OUT
TokenOfNobody    |=             |=             |=             |=             |=             |=             |=             |=
Alive            |not leased    |not leased    |RUNNING       |not leased    |illegal       |illegal       |illegal       |illegal
AliveAsBefore    |not leased    |not leased    |=             |not leased    |illegal       |illegal       |illegal       |illegal
AliveOfAnother   |stale         |stale         |stale         |stale         |stale         |stale         |stale         |stale
AliveTooLate     |not leased    |not leased    |late          |not leased    |illegal       |illegal       |illegal       |illegal
Done             |not leased    |not leased    |COMPLETED!    |not leased    |=!            |illegal       |illegal       |illegal
DoneOfAnother    |not leased    |not leased    |not leased    |not leased    |illegal       |illegal       |illegal       |illegal
DoneTooLate      |not leased    |not leased    |late          |not leased    |illegal       |illegal       |illegal       |illegal
DoneOtherwise    |not leased    |not leased    |COMPLETED!    |not leased    |illegal       |illegal       |illegal       |illegal
GaveUp           |not leased    |not leased    |RETRY_PENDING>|not leased    |illegal       |=!            |illegal       |=!
GaveUpForGood    |not leased    |not leased    |FAILED!       |not leased    |illegal       |=!            |illegal       |=!
GaveUpBefore     |stale         |stale         |stale         |=>            |stale         |stale         |stale         |stale
GaveBack         |not leased    |not leased    |PENDING>      |not leased    |illegal       |illegal       |illegal       |illegal
GaveBackByOther  |not leased    |not leased    |not leased    |not leased    |illegal       |illegal       |illegal       |illegal
",
    );
}
