//! Workflows in the middle of each construct of the language.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskmill::ErrorInfo;
use taskmill::workflow::definition::EndStatus;
use taskmill::workflow::frontier::{
    Active, Block, Branch, Cancelling, Closing, Course, Done, Iteration, Iterations, Root, Skipped,
    Stack, State, Undoing,
};
use taskmill::workflow::parent::{BatchOf, Parent, Termination};
use taskmill::workflow::signal::{Answer, Handout, Signal, Waiter};
use taskmill::workflow::{WorkflowInstance, WorkflowStatus};

use crate::samples::{at, begun, block_at, object, workflow, workflow_id};

/// A workflow in two of three branches, one of which handles an error, with signals, requests and
/// skipped steps.
pub fn branching_workflow() -> WorkflowInstance {
    let error = || Box::new(ErrorInfo::new("BUSY", "the file is locked", at(45)));
    let mut done = Done::all_below(1);
    done.insert(2);
    let handling = State::Handling {
        entry: 1,
        error: error(),
        block: block_at("again", 0, 4),
        lets_go: true,
    };
    let branches = vec![
        Branch::Running(Block {
            done,
            active: vec![Active {
                generation: 2,
                handled: vec![0, 1],
                ..begun("count", 4, handling)
            }],
            output: Some((2, json!({ "n": 1 }))),
        }),
        Branch::Done(json!([1])),
        Branch::Failed(Block::default(), error(), at(44)),
    ];
    WorkflowInstance {
        course: Course {
            root: Root::Steps(Block {
                done: Done::all_below(1),
                active: vec![begun("both", 2, State::Parallel(branches))],
                output: None,
            }),
            closing: None,
            generations: 2,
            compensations: Some("7f112c58e950e641bcacd498c535605f".to_owned()),
            undone: vec!["reserve".to_owned()],
            signals: vec![Signal {
                name: "approved".to_owned(),
                data: json!({ "by": "ann" }),
                at: at(40),
            }],
            handouts: vec![Handout {
                number: 3,
                to: waiter(),
                answered: false,
            }],
            answers: BTreeMap::new(),
            stacks: Vec::new(),
            requests: vec!["00112233445566778899aabbccddeeff".to_owned()],
            skips: BTreeMap::from([("index".to_owned(), Value::Null)]),
            skipped: vec![Skipped {
                path: "both/a/look".to_owned(),
                output: None,
            }],
            asked: 6,
            reruns: vec![1],
            again: false,
            cancelling: vec![Cancelling::Child(workflow_id(7))],
        },
        version: 4,
        ..workflow(3)
    }
}

/// A workflow that failed and undoes a step; another one waits for it.
pub fn child_workflow() -> WorkflowInstance {
    WorkflowInstance {
        status: WorkflowStatus::Failed,
        error: Some(ErrorInfo::new("BUSY", "the file is locked", at(45))),
        course: Course {
            root: Root::Steps(Block {
                active: vec![begun("count", 3, State::Failed)],
                done: Done::all_below(1),
                output: None,
            }),
            closing: Some(Closing::Compensating(Some(Undoing {
                path: "checksum/compensation".to_owned(),
                generation: 1,
                since: 4,
                name: "7f112c58e950e641bcacd498c535605f".to_owned(),
                of: Some(workflow_id(5)),
                wake_at: Some(at(7)),
            }))),
            stacks: vec![Stack {
                batch: workflow_id(5),
                run: 1,
                next: "7f112c58e950e641bcacd498c535605f".to_owned(),
                top: Some((at(6), "each[1]/pay".to_owned())),
            }],
            generations: 1,
            ..Course::default()
        },
        parent: Some(Parent {
            id: workflow_id(1),
            workflow_id: workflow_id(1),
            path: "intake".to_owned(),
            depth: 1,
        }),
        end_time: Some(at(45)),
        expires_at: Some(at(90_000)),
        version: 4,
        ..workflow(4)
    }
}

/// A step of a batch that waits for a signal.
fn waiter() -> Waiter {
    Waiter {
        name: "approved".to_owned(),
        since: at(40),
        path: "notify-each[103]/asked".to_owned(),
        generation: 1,
        record: workflow_id(5),
    }
}

/// A batch of iterations of a MAP of [`branching_workflow`].
pub fn batch_of_iterations() -> WorkflowInstance {
    let owner = branching_workflow();
    let iteration = |at, variables| Iteration {
        at,
        block: block_at("notify", 0, 2),
        variables,
    };
    WorkflowInstance {
        id: workflow_id(5),
        course: Course {
            root: Root::Iterations(Box::new(Iterations {
                begun: 4,
                granted: 3,
                freed: 1,
                active: vec![
                    iteration(1, None),
                    iteration(3, Some(object(json!({ "found": 1 })))),
                ],
                waiting: Vec::new(),
                failed: vec![iteration(0, None)],
                error: Some(Box::new(ErrorInfo::new("BUSY", "it is locked", at(45)))),
                waiters: vec![waiter()],
                results: vec![Value::Null, Value::Null, json!({ "sent": true })],
                termination: Some(Box::new(Termination {
                    status: EndStatus::Completed,
                    output: json!(1),
                    error: None,
                })),
            })),
            answers: BTreeMap::from([(
                "approved".to_owned(),
                Answer {
                    number: 2,
                    taken: true,
                },
            )]),
            ..Course::default()
        },
        parent: Some(Parent {
            id: owner.id,
            workflow_id: owner.id,
            path: "notify-each".to_owned(),
            depth: 0,
        }),
        batch: Some(BatchOf {
            map: 0,
            path: "notify-each".to_owned(),
            generation: 1,
            first: 100,
            total: 2,
            items: vec![json!("a@example.org"), json!(1), Value::Null, json!({})],
            outer: Some(json!({ "item": 1, "index": 0 })),
            error: Some(json!({ "code": "BUSY" })),
        }),
        version: 2,
        ..workflow(5)
    }
}
