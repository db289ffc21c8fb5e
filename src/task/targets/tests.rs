//! The ways around a list of targets, each tried.

use super::*;

const OWN: &str = "taskmill-";

fn targets(patterns: &[&str]) -> Targets {
    let list = serde_json::json!({ "acme": patterns, "*": ["https://everybody.example"] });
    let all = Targets::all_but(vec![OWN.to_owned()]);
    all.only(&list.to_string()).unwrap()
}

fn asks(targets: &Targets, tenant: &str, executor: &str) -> Result<(), Refused> {
    let executor = ExecutorRef::parse(executor).expect(executor);
    targets.check(&TenantId::new(tenant).unwrap(), &executor)
}

/// Which of these executors a pattern allows, and which it does not.
#[track_caller]
fn check(pattern: &str, allowed: &[&str], refused: &[&str]) {
    let targets = targets(&[pattern]);
    for executor in allowed {
        assert_eq!(
            asks(&targets, "acme", executor),
            Ok(()),
            "{pattern} {executor}"
        );
    }
    for executor in refused {
        // What is no executor at all gets no further either.
        if ExecutorRef::parse(executor).is_ok() {
            let asked = asks(&targets, "acme", executor);
            assert!(asked.is_err(), "{pattern} allows {executor}");
        }
    }
}

#[test]
fn an_origin_is_the_same_however_it_is_written_and_no_other_is() {
    check(
        "https://api.example.com",
        &[
            "https://api.example.com",
            "http:https://api.example.com/a?b#c",
            "https://API.Example.COM/",
            "https://api.example.com:443/x",
            "https://api.example.com./x",
            "https://api.example.com.:443",
            "https://api.example.com?x=https://other",
        ],
        &[
            "http://api.example.com",
            "https://api.example.com:8443",
            "https://api.example.com:80",
            "https://api.example.com.evil.com",
            "https://evil-api.example.com",
            "https://xapi.example.com",
            "https://evil.com/https://api.example.com",
            "https://evil.com#api.example.com",
            "https://evil.com?api.example.com",
            "https://api.example.com@evil.com/",
            "https://user:api.example.com@evil.com/",
            "https://evil.com\\@api.example.com",
            "https://api.example.com\\.evil.com",
            "https://api.example.com%2eevil.com/",
            "https://api%2eexample%2ecom/",
            "https://api.example.com:443:8443",
            "https:/\\evil.com",
            "https:api.example.com",
            "https://api。example.com",
        ],
    );
}

#[test]
fn a_host_as_a_number_is_not_the_host_as_a_name() {
    check(
        "http://127.0.0.1",
        &["http://127.0.0.1/x"],
        &[
            "http://2130706433/",
            "http://0177.0.0.1/",
            "http://0x7f.1/",
            "http://127.1/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::1]/",
            "http://localhost/",
        ],
    );
    check(
        "http://[::1]:8080",
        &["http://[::1]:8080/"],
        &["http://[::1]/"],
    );
}

#[test]
fn a_star_stays_within_a_part_of_a_name() {
    check(
        "https://*.example.com",
        &["https://a.example.com", "https://a.b.example.com"],
        &[
            "https://example.com",
            "https://evil.com/.example.com",
            "https://evil.com:1.example.com",
            "https://a.example.com:8443",
            "https://a.example.com.evil.com",
        ],
    );
    check(
        "lambda:acme-*",
        &[
            "lambda:acme-resize",
            "lambda:acme-resize:live",
            "lambda:acme-",
        ],
        &[
            "lambda:resize",
            "lambda:x-acme-resize",
            "lambda:ACME-resize",
            "lambda:123456789012:function:acme-resize",
            "lambda:arn:aws:lambda:eu-west-1:123456789012:function:acme-resize",
        ],
    );
    check(
        "states:arn:aws:states:eu-west-1:123456789012:stateMachine:acme-*",
        &[
            "states:arn:aws:states:eu-west-1:123456789012:stateMachine:acme-ship",
            "states:arn:aws:states:eu-west-1:123456789012:stateMachine:acme-ship:live",
        ],
        &[
            "states:arn:aws:states:eu-west-1:210987654321:stateMachine:acme-ship",
            "states:arn:aws:states:us-east-1:123456789012:stateMachine:acme-ship",
            "states:arn:aws-cn:states:eu-west-1:123456789012:stateMachine:acme-ship",
            "states:arn:aws:states:eu-west-1:123456789012:stateMachine:other",
        ],
    );
}

#[test]
fn a_function_of_another_region_or_account_is_another() {
    check(
        "lambda:arn:aws:lambda:eu-west-1:123456789012:function:resize",
        &[
            "lambda:arn:aws:lambda:eu-west-1:123456789012:function:resize",
            "lambda:arn:aws:lambda:eu-west-1:123456789012:function:resize:$LATEST",
        ],
        &[
            "lambda:resize",
            "lambda:arn:aws:lambda:us-east-1:123456789012:function:resize",
            "lambda:arn:aws:lambda:eu-west-1:210987654321:function:resize",
            "lambda:arn:aws:lambda:eu-west-1:123456789012:function:resize2",
            "lambda:arn:aws:lambda:eu-west-1:123456789012:function:Resize",
        ],
    );
}

#[test]
fn queues_and_buses_are_named_as_they_are() {
    check(
        "sqs:orders-*",
        &["sqs:orders-new", "sqs:orders-new.fifo"],
        &[
            "sqs:orders",
            "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/orders-new",
        ],
    );
    check(
        "sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/*",
        &["sqs:https://sqs.eu-west-1.amazonaws.com/123456789012/orders"],
        &[
            "sqs:orders",
            "sqs:https://sqs.eu-west-1.amazonaws.com/210987654321/orders",
            "sqs:https://sqs.us-east-1.amazonaws.com/123456789012/orders",
            "sqs:https://sqs.eu-west-1.amazonaws.com.evil.com/123456789012/orders",
        ],
    );
    check(
        "events:orders",
        &["events:orders"],
        &["events:default", "events:Orders"],
    );
}

#[test]
fn nobody_reaches_the_deployments_own_functions_and_queues() {
    let open = Targets::all_but(vec![OWN.to_owned()]);
    let listed = targets(&["lambda:*", "sqs:*"]);
    for executor in [
        "lambda:taskmill-process-result",
        "lambda:taskmill-process-result:live",
        "lambda:123456789012:function:taskmill-sweep",
        "lambda:arn:aws:lambda:eu-central-1:123456789012:function:taskmill-sweep:3",
        "sqs:taskmill-result.fifo",
        "sqs:https://sqs.eu-central-1.amazonaws.com/123456789012/taskmill-result.fifo",
    ] {
        for targets in [&open, &listed] {
            let refused = asks(targets, "acme", executor).expect_err(executor);
            assert!(matches!(refused, Refused::Own { .. }), "{executor}");
        }
    }
    for near in ["lambda:my-taskmill-helper", "sqs:orders-taskmill-x"] {
        assert_eq!(asks(&open, "acme", near), Ok(()), "{near}");
    }
}

#[test]
fn a_tenant_has_its_own_list_or_everybodys_and_without_a_list_nothing_is_refused() {
    let targets = targets(&["http:*"]);
    assert_eq!(asks(&targets, "acme", "https://any.example:1/x"), Ok(()));
    assert!(asks(&targets, "acme", "lambda:f").is_err());
    assert_eq!(
        asks(&targets, "other", "https://everybody.example/x"),
        Ok(())
    );
    assert!(asks(&targets, "other", "https://any.example").is_err());
    // Their tasks reach nothing, and a list says nothing of them.
    for within in ["builtin:echo", "process:true"] {
        assert_eq!(asks(&targets, "other", within), Ok(()), "{within}");
    }
    let none = Targets::default().only("{}").unwrap();
    assert!(asks(&none, "acme", "https://any.example").is_err());
    assert_eq!(
        asks(&Targets::default(), "acme", "https://any.example"),
        Ok(())
    );
}

#[test]
fn a_list_is_read_whole_or_not_at_all() {
    let read = |list: &str| Targets::default().only(list).map(|targets| targets.list());
    let good =
        r#"{"*":["http:*"],"acme":["https://a.example/","http:https://b.example","lambda:f"]}"#;
    assert_eq!(read(good).unwrap().as_deref(), Some(good));
    for bad in [
        "",
        "[]",
        r#"{"acme":"http:*"}"#,
        r#"{"acme":["*"]}"#,
        r#"{"acme":["https:*"]}"#,
        r#"{"acme":["https://a.example/path"]}"#,
        r#"{"acme":["a.example"]}"#,
        r#"{"acme":["process:*"]}"#,
        r#"{"acme":["lambda:"]}"#,
        r#"{"acme":["https://"]}"#,
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
