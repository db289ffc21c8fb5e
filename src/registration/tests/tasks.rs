use super::{Expected, check, config, good, message, nearest, task};

#[test]
fn a_field_that_is_unknown_missing_or_of_the_wrong_form_is_told_at_its_place() {
    let cases: [(&str, (&str, &str, u32)); 33] = [
        ("descripton: x", ("UNKNOWN_FIELD", "/descripton", 6)),
        ("x/y~z: 1", ("UNKNOWN_FIELD", "/x~1y~0z", 6)),
        ("description: 5", ("WRONG_TYPE", "/description", 6)),
        ("description:", ("WRONG_TYPE", "/description", 6)),
        ("retryPolicy:", ("WRONG_TYPE", "/retryPolicy", 6)),
        ("retryPolicy: {}", ("MISSING_FIELD", "/retryPolicy", 6)),
        (
            "retryPolicy: {maxRetries: -1}",
            ("OUT_OF_RANGE", "/retryPolicy/maxRetries", 6),
        ),
        (
            "retryPolicy: {maxRetries: 100001}",
            ("OUT_OF_RANGE", "/retryPolicy/maxRetries", 6),
        ),
        (
            "retryPolicy: {maxRetries: 1.5}",
            ("WRONG_TYPE", "/retryPolicy/maxRetries", 6),
        ),
        (
            "retryPolicy: {maxRetries: '3'}",
            ("WRONG_TYPE", "/retryPolicy/maxRetries", 6),
        ),
        (
            "retryPolicy: {maxRetries: 3,\n retryInterval: -5}",
            ("OUT_OF_RANGE", "/retryPolicy/retryInterval", 7),
        ),
        (
            "retryPolicy: {maxRetries: 3,\n backoffMultiplier: 0.99}",
            ("OUT_OF_RANGE", "/retryPolicy/backoffMultiplier", 7),
        ),
        (
            "retryPolicy: {maxRetries: 3,\n maxRetryInterval: -1}",
            ("OUT_OF_RANGE", "/retryPolicy/maxRetryInterval", 7),
        ),
        (
            "retryPolicy: {maxRetries: 3,\n jitter: SOME}",
            ("WRONG_TYPE", "/retryPolicy/jitter", 7),
        ),
        (
            "retryPolicy: {maxRetries: 3,\n retryableErrors: [1]}",
            ("WRONG_TYPE", "/retryPolicy/retryableErrors/0", 7),
        ),
        (
            "retryPolicy: {maxRetries: 3,\n rules: [{errorCodes: [], maxRetries: 1}]}",
            ("EMPTY", "/retryPolicy/rules/0/errorCodes", 7),
        ),
        (
            "retryPolicy: {maxRetries: 3,\n rules: [{errorCodes: [A], maxRetry: 1, maxRetries: 1}]}",
            ("UNKNOWN_FIELD", "/retryPolicy/rules/0/maxRetry", 7),
        ),
        ("timeout: 0", ("OUT_OF_RANGE", "/timeout", 6)),
        ("timeout: -1", ("OUT_OF_RANGE", "/timeout", 6)),
        ("timeout: 31622400001", ("OUT_OF_RANGE", "/timeout", 6)),
        ("timeout: 1h", ("WRONG_TYPE", "/timeout", 6)),
        (
            "timeouts: {startToClose: 0}",
            ("OUT_OF_RANGE", "/timeouts/startToClose", 6),
        ),
        (
            "timeouts: {startToClos: 1}",
            ("UNKNOWN_FIELD", "/timeouts/startToClos", 6),
        ),
        (
            "continueOnFailure: yes",
            ("WRONG_TYPE", "/continueOnFailure", 6),
        ),
        ("createdAt: yesterday", ("BAD_TIME", "/createdAt", 6)),
        (
            "updatedAt: 2026-02-30T00:00:00Z",
            ("BAD_TIME", "/updatedAt", 6),
        ),
        ("metadata: [1]", ("WRONG_TYPE", "/metadata", 6)),
        ("inputSchema: 5", ("WRONG_TYPE", "/inputSchema", 6)),
        (
            "inputSchema: {type: strin}",
            ("BAD_SCHEMA", "/inputSchema/type", 6),
        ),
        (
            "outputSchema: {properties: {a: {minLength: -1}}}",
            ("BAD_SCHEMA", "/outputSchema/properties/a/minLength", 6),
        ),
        (
            "outputSchema: {pattern: '('}",
            ("BAD_SCHEMA", "/outputSchema/pattern", 6),
        ),
        (
            "securityRequirements: {securityLevel: EXTREME}",
            ("WRONG_TYPE", "/securityRequirements/securityLevel", 6),
        ),
        (
            "securityRequirements: {dataClassification: ''}",
            ("EMPTY", "/securityRequirements/dataClassification", 6),
        ),
    ];
    for (fields, expected) in cases {
        check(&task(fields), &[expected]);
    }
}

#[test]
fn what_a_task_must_have_is_missed() {
    let cases: [(&str, &[Expected<'_>]); 8] = [
        ("{}", &[("MISSING_FIELD", "", 1); 5]),
        ("type: AUTOMATED\n", &[("MISSING_FIELD", "", 1); 4]),
        (
            "id: ''\nversion: 1.0.0\nname: ''\ntype: AUTOMATED\nexecutionConfig: {executor: ''}\n",
            &[
                ("EMPTY", "/id", 1),
                ("EMPTY", "/name", 3),
                ("EMPTY", "/executionConfig/executor", 5),
            ],
        ),
        (
            "id: a b\nversion: 1.0\nname: n\ntype: automated\nexecutionConfig: {}\n",
            &[
                ("WRONG_TYPE", "/id", 1),
                ("WRONG_TYPE", "/version", 2),
                ("WRONG_TYPE", "/type", 4),
                ("MISSING_FIELD", "/executionConfig", 5),
            ],
        ),
        (
            "id: a\nversion: 01.0.0\nname: n\ntype: AUTOMATED\nexecutionConfig: {executor: 'builtin:noop'}\n",
            &[("WRONG_TYPE", "/version", 2)],
        ),
        (
            "id: a\nversion: 1.0.99999999999999999999\nname: n\ntype: AUTOMATED\nexecutionConfig: {executor: 'builtin:noop'}\n",
            &[("WRONG_TYPE", "/version", 2)],
        ),
        ("[]", &[("WRONG_TYPE", "", 1)]),
        ("just words", &[("WRONG_TYPE", "", 1)]),
    ];
    for (text, expected) in cases {
        check(text, expected);
    }
}

#[test]
fn executors_must_exist_and_be_ones_that_run_here() {
    let cases = [
        ("builtin:ecoh", "EXECUTOR_NOT_FOUND"),
        ("docker:alpine", "EXECUTOR_NOT_FOUND"),
        ("sqs:a b", "WRONG_TYPE"),
        ("events:", "WRONG_TYPE"),
        ("states:machine", "WRONG_TYPE"),
        ("worker:a b", "WRONG_TYPE"),
        ("process:", "WRONG_TYPE"),
        ("process:echo 'open", "WRONG_TYPE"),
        ("https://user@example.com/", "WRONG_TYPE"),
    ];
    for (executor, code) in cases {
        let text = config(&format!("  executor: \"{executor}\""));
        check(&text, &[(code, "/executionConfig/executor", 6)]);
    }
    let text = config("  executor: 'bultin:echo'");
    assert_eq!(nearest(&text).as_deref(), Some("builtin:echo"));
}

#[test]
fn what_an_executor_cannot_honour_is_refused_and_the_rest_is_not() {
    let environment = "environmentVariables: {A: b}";
    let request = "request: {method: PUT}";
    let body = "request: {body: input.n}";
    let callback = "callback: true";
    let cpu = "resourceRequirements: {cpu: '0.5'}";
    let memory = "resourceRequirements: {memory: 512Mi}";
    let disk = "resourceRequirements: {disk: 1Gi}";
    let seconds = "resourceRequirements: {timeoutSeconds: 5}";
    let nobody = "securityContext: {securityLevel: LOW, permissions: [p]}";
    let role = "securityContext: {securityLevel: LOW, runAs: 'arn:aws:iam::123456789012:role/x'}";
    let secret = "securityContext: {securityLevel: LOW, runAs: '{{secret:TOKEN}}'}";
    let everywhere = [seconds, nobody];
    /// An executor, what it honours, and what it does not, with its place.
    type Row<'a> = (&'a str, &'a [&'a str], &'a [(&'a str, &'a str)]);
    let cases: [Row<'_>; 7] = [
        (
            "process:true",
            &[environment, cpu, memory, disk],
            &[
                (request, "/request"),
                (callback, "/callback"),
                (role, "/securityContext/runAs"),
                (secret, "/securityContext/runAs"),
            ],
        ),
        (
            "lambda:f",
            &[environment, cpu, memory, role],
            &[
                (request, "/request"),
                (callback, "/callback"),
                (disk, "/resourceRequirements/disk"),
            ],
        ),
        (
            "sqs:orders",
            &[body, callback, role],
            &[
                (request, "/request/method"),
                (environment, "/environmentVariables"),
                (cpu, "/resourceRequirements/cpu"),
            ],
        ),
        (
            "events:orders",
            &[body, callback, role],
            &[
                (request, "/request/method"),
                (environment, "/environmentVariables"),
                (cpu, "/resourceRequirements/cpu"),
            ],
        ),
        (
            "https://example.com",
            &[request, body, callback, secret],
            &[
                (environment, "/environmentVariables"),
                (cpu, "/resourceRequirements/cpu"),
                (memory, "/resourceRequirements/memory"),
                (disk, "/resourceRequirements/disk"),
            ],
        ),
        (
            "worker:gpu",
            &[cpu, memory, disk],
            &[
                (request, "/request"),
                (callback, "/callback"),
                (environment, "/environmentVariables"),
                (role, "/securityContext/runAs"),
                (secret, "/securityContext/runAs"),
            ],
        ),
        (
            "builtin:noop",
            &[],
            &[
                (request, "/request"),
                (callback, "/callback"),
                (environment, "/environmentVariables"),
                (cpu, "/resourceRequirements/cpu"),
                (memory, "/resourceRequirements/memory"),
                (disk, "/resourceRequirements/disk"),
                (role, "/securityContext/runAs"),
                (secret, "/securityContext/runAs"),
            ],
        ),
    ];
    for (executor, honoured, refused) in cases {
        let text = |field: &str| config(&format!("  executor: \"{executor}\"\n  {field}"));
        for field in honoured.iter().chain(&everywhere) {
            good(&text(field));
        }
        for (field, place) in refused {
            check(
                &text(field),
                &[("NOT_SUPPORTED", &format!("/executionConfig{place}"), 7)],
            );
            assert!(
                message(&text(field)).starts_with("not supported with "),
                "{field}"
            );
        }
    }
}

#[test]
fn a_heartbeat_is_for_executors_that_can_give_one() {
    let task = |executor: &str| {
        let config = config(&format!("  executor: '{executor}'\n"));
        format!("{}\ntimeouts: {{heartbeat: 1000}}\n", config.trim_end())
    };
    good(&task("process:true"));
    good(&task("worker:gpu"));
    for executor in ["lambda:f", "https://example.com", "builtin:sleep"] {
        check(
            &task(executor),
            &[("NOT_SUPPORTED", "/timeouts/heartbeat", 7)],
        );
    }
}

#[test]
fn what_goes_to_the_executor_has_a_form() {
    let http = "  executor: 'https://example.com'\n  ";
    let lambda = "  executor: 'lambda:f'\n  ";
    let cases = [
        (
            http,
            "securityContext: {securityLevel: LOW, runAs: token}",
            "WRONG_TYPE",
            "/securityContext/runAs",
        ),
        (
            http,
            "securityContext: {securityLevel: LOW, runAs: '{{secret:}}'}",
            "WRONG_TYPE",
            "/securityContext/runAs",
        ),
        (
            http,
            "securityContext: {permissions: [a]}",
            "MISSING_FIELD",
            "/securityContext",
        ),
        (
            http,
            "request: {method: POS}",
            "WRONG_TYPE",
            "/request/method",
        ),
        (
            http,
            "request: {body: '1 +'}",
            "BAD_EXPRESSION",
            "/request/body",
        ),
        (http, "request: {body: ''}", "EMPTY", "/request/body"),
        (
            http,
            "request: {method: GET, body: input}",
            "NOT_SUPPORTED",
            "/request/body",
        ),
        (
            http,
            "request: {method: DELETE, body: input}",
            "NOT_SUPPORTED",
            "/request/body",
        ),
        (
            http,
            "request: {headers: {'a b': c}}",
            "WRONG_TYPE",
            "/request/headers/a b",
        ),
        (
            http,
            "request: {headers: {a: \"b\\r\\nc: d\"}}",
            "WRONG_TYPE",
            "/request/headers/a",
        ),
        (
            http,
            "request: {headers: {a: 1}}",
            "WRONG_TYPE",
            "/request/headers/a",
        ),
        (
            http,
            "request: {query: {a: 1}}",
            "UNKNOWN_FIELD",
            "/request/query",
        ),
        (
            lambda,
            "securityContext: {securityLevel: LOW, runAs: admin}",
            "WRONG_TYPE",
            "/securityContext/runAs",
        ),
        (
            lambda,
            "environmentVariables: {'A=B': c}",
            "WRONG_TYPE",
            "/environmentVariables/A=B",
        ),
        (
            lambda,
            "environmentVariables: {A: \"a\\0b\"}",
            "WRONG_TYPE",
            "/environmentVariables/A",
        ),
        (
            lambda,
            "environmentVariables: {A: 1}",
            "WRONG_TYPE",
            "/environmentVariables/A",
        ),
        (
            lambda,
            "resourceRequirements: {cpu: '0'}",
            "WRONG_TYPE",
            "/resourceRequirements/cpu",
        ),
        (
            lambda,
            "resourceRequirements: {cpu: 1}",
            "WRONG_TYPE",
            "/resourceRequirements/cpu",
        ),
        (
            lambda,
            "resourceRequirements: {memory: 512 MB}",
            "WRONG_TYPE",
            "/resourceRequirements/memory",
        ),
        (
            lambda,
            "resourceRequirements: {memory: 999999999999999Ti}",
            "WRONG_TYPE",
            "/resourceRequirements/memory",
        ),
        (
            lambda,
            "resourceRequirements: {timeoutSeconds: 0}",
            "OUT_OF_RANGE",
            "/resourceRequirements/timeoutSeconds",
        ),
    ];
    for (executor, field, code, place) in cases {
        let text = config(&format!("{executor}{field}"));
        check(&text, &[(code, &format!("/executionConfig{place}"), 7)]);
    }
}

#[test]
fn a_rate_is_a_number_of_tasks_that_begin_in_a_period() {
    for good in ["{limit: 1, per: PT1S}", "{limit: 10000, per: P1D}"] {
        check(&task(&format!("rateLimit: {good}")), &[]);
    }
    let cases = [
        ("{limit: 0, per: PT1S}", "OUT_OF_RANGE", "/rateLimit/limit"),
        (
            "{limit: 10001, per: PT1S}",
            "OUT_OF_RANGE",
            "/rateLimit/limit",
        ),
        ("{limit: 1}", "MISSING_FIELD", "/rateLimit"),
        ("{limit: 1, per: 1000}", "WRONG_TYPE", "/rateLimit/per"),
        ("{limit: 1, per: a minute}", "WRONG_TYPE", "/rateLimit/per"),
        ("{limit: 1, per: PT0.5S}", "WRONG_TYPE", "/rateLimit/per"),
        ("{limit: 1, per: P2D}", "WRONG_TYPE", "/rateLimit/per"),
        (
            "{limit: 1, perSecond: 1, per: PT1S}",
            "UNKNOWN_FIELD",
            "/rateLimit/perSecond",
        ),
    ];
    for (value, code, pointer) in cases {
        check(&task(&format!("rateLimit: {value}")), &[(code, pointer, 6)]);
    }
    let text = task("rateLimit: {limit: 1, per: P2D}");
    assert!(message(&text).contains("from PT1S to P1D"));
}

#[test]
fn a_limit_of_concurrency_is_a_number_of_tasks_that_run() {
    for good in ["{limit: 1}", "{limit: 100}"] {
        check(&task(&format!("concurrency: {good}")), &[]);
    }
    let cases = [
        ("{limit: 0}", "OUT_OF_RANGE", "/concurrency/limit"),
        ("{limit: 101}", "OUT_OF_RANGE", "/concurrency/limit"),
        ("{limit: many}", "WRONG_TYPE", "/concurrency/limit"),
        ("{}", "MISSING_FIELD", "/concurrency"),
        (
            "{limit: 1, limits: 2}",
            "UNKNOWN_FIELD",
            "/concurrency/limits",
        ),
        ("5", "WRONG_TYPE", "/concurrency"),
    ];
    for (value, code, pointer) in cases {
        check(
            &task(&format!("concurrency: {value}")),
            &[(code, pointer, 6)],
        );
    }
}

#[test]
fn the_nearest_name_is_one_of_that_place() {
    let cases = [
        ("timeot: 1", Some("timeout")),
        ("retry_policy: {}", Some("retryPolicy")),
        (
            "retryPolicy: {maxRetries: 1, retryintervall: 1}",
            Some("retryInterval"),
        ),
        ("timeouts: {starttoclose: 1}", Some("startToClose")),
        ("retryPolicy: {maxRetries: 1, jitter: ful}", Some("FULL")),
        ("steps_: 1", None),
        ("colour: red", None),
    ];
    for (field, expected) in cases {
        assert_eq!(nearest(&task(field)).as_deref(), expected, "{field}");
    }
}

#[test]
fn everything_is_told_at_once() {
    check(
        "id: no spaces\nversion: one\nname: T\ntyp: AUTOMATED\ninputSchema: {type: strin}\ntimeout: 0\n\
         executionConfig:\n  executor: proces:ls\n  environmentVariables: {A: 5}\n  request: {body: '('}\n",
        &[
            ("MISSING_FIELD", "", 1),
            ("WRONG_TYPE", "/id", 1),
            ("WRONG_TYPE", "/version", 2),
            ("UNKNOWN_FIELD", "/typ", 4),
            ("BAD_SCHEMA", "/inputSchema/type", 5),
            ("OUT_OF_RANGE", "/timeout", 6),
            ("EXECUTOR_NOT_FOUND", "/executionConfig/executor", 8),
            ("WRONG_TYPE", "/executionConfig/environmentVariables/A", 9),
            ("BAD_EXPRESSION", "/executionConfig/request/body", 10),
        ],
    );
}
