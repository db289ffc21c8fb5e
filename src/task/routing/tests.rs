//! Executors as definitions name them, and where their tasks go.

use super::*;

fn process(command: &str) -> ExecutorRef {
    ExecutorRef::Process {
        command: command.to_owned(),
    }
}

fn http(url: &str) -> ExecutorRef {
    ExecutorRef::Http {
        url: url.to_owned(),
    }
}

fn lambda(function: &str) -> ExecutorRef {
    ExecutorRef::Lambda {
        function: function.to_owned(),
    }
}

fn sqs(queue: &str) -> ExecutorRef {
    ExecutorRef::Sqs {
        queue: queue.to_owned(),
    }
}

fn events(bus: &str) -> ExecutorRef {
    ExecutorRef::Events {
        bus: bus.to_owned(),
    }
}

#[test]
fn executors_are_read_and_written_back() {
    let cases = [
        ("builtin:echo", ExecutorRef::Builtin(Builtin::Echo)),
        ("builtin:noop", ExecutorRef::Builtin(Builtin::Noop)),
        ("builtin:fail", ExecutorRef::Builtin(Builtin::Fail)),
        ("builtin:sleep", ExecutorRef::Builtin(Builtin::Sleep)),
        ("process:./count words", process("./count words")),
        ("process: sh -c 'exit 1' ", process("sh -c 'exit 1'")),
        (
            "http:https://example.com/a?b=c#d",
            http("https://example.com/a?b=c#d"),
        ),
        ("http:http://localhost:8080", http("http://localhost:8080")),
        ("http://[::1]:80/", http("http://[::1]:80/")),
        ("https://example.com", http("https://example.com")),
        ("lambda:resize", lambda("resize")),
        ("lambda:resize:live", lambda("resize:live")),
        (
            "lambda:arn:aws:lambda:eu-west-1:123456789012:function:resize",
            lambda("arn:aws:lambda:eu-west-1:123456789012:function:resize"),
        ),
        (
            "states:arn:aws:states:eu-west-1:123456789012:stateMachine:ship:live",
            ExecutorRef::States {
                machine: "arn:aws:states:eu-west-1:123456789012:stateMachine:ship:live".to_owned(),
            },
        ),
        ("sqs:orders", sqs("orders")),
        ("sqs:orders.fifo", sqs("orders.fifo")),
        (
            "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo",
            sqs("https://sqs.eu-west-1.amazonaws.com/123456789012/orders.fifo"),
        ),
        (
            "sqs:http://127.0.0.1:4566/000000000000/orders",
            sqs("http://127.0.0.1:4566/000000000000/orders"),
        ),
        ("events:default", events("default")),
        (
            "events:arn:aws:events:eu-west-1:123456789012:event-bus/orders",
            events("arn:aws:events:eu-west-1:123456789012:event-bus/orders"),
        ),
        (
            "worker:gpu_2-b",
            ExecutorRef::Worker {
                group: WorkerGroup::new("gpu_2-b").unwrap(),
            },
        ),
    ];
    for (text, expected) in cases {
        let read = ExecutorRef::parse(text);
        assert_eq!(read.as_ref(), Ok(&expected), "{text}");
        assert_eq!(
            ExecutorRef::parse(&expected.to_string()),
            Ok(expected),
            "{text}"
        );
    }
}

#[test]
fn what_is_no_executor_is_refused_with_a_code_and_the_nearest_name() {
    use registration::{EXECUTOR_NOT_FOUND, WRONG_TYPE};
    let cases = [
        ("", EXECUTOR_NOT_FOUND, None),
        ("echo", EXECUTOR_NOT_FOUND, Some("builtin:echo")),
        ("./script.sh", EXECUTOR_NOT_FOUND, None),
        ("builtin:", EXECUTOR_NOT_FOUND, None),
        ("builtin:ecoh", EXECUTOR_NOT_FOUND, Some("builtin:echo")),
        ("Builtin:echo", EXECUTOR_NOT_FOUND, Some("builtin:echo")),
        ("proces:ls -l", EXECUTOR_NOT_FOUND, Some("process:ls -l")),
        ("lambada:f", EXECUTOR_NOT_FOUND, Some("lambda:f")),
        ("podman:alpine", EXECUTOR_NOT_FOUND, None),
        ("worker:", WRONG_TYPE, None),
        ("worker:a.b", WRONG_TYPE, None),
        ("worker:-a", WRONG_TYPE, None),
        ("worker:a12345678901234567890123456789012", WRONG_TYPE, None),
        ("workers:gpu", EXECUTOR_NOT_FOUND, Some("worker:gpu")),
        ("process:", WRONG_TYPE, None),
        ("process:  ", WRONG_TYPE, None),
        ("process:''", WRONG_TYPE, None),
        ("process:echo 'open", WRONG_TYPE, None),
        ("process:a\0b", WRONG_TYPE, None),
        ("http:", WRONG_TYPE, None),
        ("http:example.com", WRONG_TYPE, None),
        ("http:ftp://example.com", WRONG_TYPE, None),
        ("http://", WRONG_TYPE, None),
        ("https://:80/", WRONG_TYPE, None),
        ("https:example.com", WRONG_TYPE, None),
        ("https://user:pass@example.com/", WRONG_TYPE, None),
        ("https://example.com/a b", WRONG_TYPE, None),
        ("https://exa mple.com/", WRONG_TYPE, None),
        ("lambda:", WRONG_TYPE, None),
        ("lambda:a b", WRONG_TYPE, None),
        ("sqs:", WRONG_TYPE, None),
        ("sqs:a b", WRONG_TYPE, None),
        ("sqs:a.b", WRONG_TYPE, None),
        ("sqs:.fifo", WRONG_TYPE, None),
        (
            "sqs:arn:aws:sqs:eu-west-1:123456789012:orders",
            WRONG_TYPE,
            None,
        ),
        ("sqs:https://host/123456789012/a/", WRONG_TYPE, None),
        ("sqs:https://host/123456789012/%61", WRONG_TYPE, None),
        ("sqs:https://host/123456789012/a?x", WRONG_TYPE, None),
        ("sqs:https://host/123456789012/b/../a", WRONG_TYPE, None),
        ("sqs:https://u@host/123456789012/a", WRONG_TYPE, None),
        ("sqs:https://HOST/123456789012/a", WRONG_TYPE, None),
        ("sqs:https://host/1/a", WRONG_TYPE, None),
        ("events:", WRONG_TYPE, None),
        ("events:a b", WRONG_TYPE, None),
        (
            "events:arn:aws:events:eu-west-1:123456789012:rule/x",
            WRONG_TYPE,
            None,
        ),
        ("states:machine", WRONG_TYPE, None),
        (
            "states:arn:aws:lambda:eu-west-1:123456789012:function:f",
            WRONG_TYPE,
            None,
        ),
        (
            "states:arn:aws:states:eu-west-1:123456789012:stateMachine:",
            WRONG_TYPE,
            None,
        ),
    ];
    for (text, code, nearest) in cases {
        let refused = ExecutorRef::parse(text).expect_err(text);
        assert_eq!(
            (refused.code(), refused.nearest()),
            (code, nearest),
            "{text}"
        );
    }
}

#[test]
fn a_message_does_not_grow_with_the_text() {
    let refused = ExecutorRef::parse(&"é".repeat(1_000_000)).expect_err("no kind");
    assert!(refused.to_string().len() < 1000);
}

#[test]
fn routes_follow_executor_and_priority() {
    use ExecuteQueue::{Execute, ExecuteUrgent};
    let cases = [
        ("builtin:noop", TaskPriority::Low, Execute, false),
        ("https://example.com", TaskPriority::Medium, Execute, false),
        ("lambda:f", TaskPriority::High, ExecuteUrgent, false),
        ("process:true", TaskPriority::Critical, ExecuteUrgent, true),
        ("worker:gpu", TaskPriority::Low, Execute, true),
    ];
    for (executor, priority, queue, tracked) in cases {
        let definition: TaskDefinition = serde_json::from_value(serde_json::json!({
            "id": "t", "name": "T", "type": "AUTOMATED", "version": "1.0.0",
            "executionConfig": {"executor": executor},
        }))
        .unwrap();
        let route = route(&definition, priority).unwrap();
        assert_eq!((route.queue, route.tracked), (queue, tracked), "{executor}");
        assert_eq!(route.executor, ExecutorRef::parse(executor).unwrap());
    }
}
