//! Functions: what they are built from, what calls them, how long they may take, and what they are
//! told.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill_app::sweep::Swept;
use taskmill_aws::config::{Config, output_of, queue_variable};
use taskmill_aws::queues::QueueName;
use taskmill_aws::secrets::VaultPlace;

use super::storage::resource_name;
use super::text::{name_in_stack, resource_of, resources, template};

const FUNCTION: &str = "AWS::Serverless::Function";

/// Each function with the queues that it consumes.
const FUNCTIONS: [(&str, &str, &[QueueName]); 7] = [
    ("Api", "api", &[]),
    ("ApiOperations", "api-operations", &[]),
    ("CreateTask", "create-task", &[QueueName::Create]),
    (
        "ExecuteTask",
        "execute-task",
        &[QueueName::Execute, QueueName::ExecuteUrgent],
    ),
    ("ProcessResult", "process-result", &[QueueName::Result]),
    ("ScheduleRetry", "schedule-retry", &[QueueName::Retry]),
    ("Sweep", "sweep", &[]),
];

/// What a function is made with: its own properties over those of all.
fn property<'t>(template: &'t Value, function: &str, name: &str) -> &'t Value {
    let own = &template["Resources"][function]["Properties"][name];
    if own.is_null() {
        &template["Globals"]["Function"][name]
    } else {
        own
    }
}

fn timeout(template: &Value, function: &str) -> u64 {
    property(template, function, "Timeout").as_u64().unwrap()
}

#[test]
fn every_function_is_built_from_its_own_binary() {
    let template = template();
    let found: Vec<&str> = resources(&template, FUNCTION).into_keys().collect();
    assert_eq!(found, FUNCTIONS.map(|(name, ..)| name));
    for (name, binary, _) in FUNCTIONS {
        let function = &template["Resources"][name];
        let built =
            json!({"BuildMethod": "rust-cargolambda", "BuildProperties": {"Binary": binary}});
        assert_eq!(function["Metadata"], built);
        assert_eq!(
            name_in_stack(property(&template, name, "FunctionName")),
            binary
        );
        assert_eq!(property(&template, name, "Handler"), "bootstrap");
        assert_eq!(property(&template, name, "Runtime"), "provided.al2023");
        let member = format!("    \"functions/{binary}\",\n");
        let workspace = include_str!("../../Cargo.toml");
        assert_eq!(
            workspace.matches(&member).count(),
            2,
            "{binary} is a default member"
        );
    }
}

/// `cargo lambda` chooses abort where nothing is said, and a panic of an expression that strangers
/// wrote would end the process of all.
#[test]
fn a_function_survives_the_panic_of_an_expression() {
    let workspace = include_str!("../../Cargo.toml");
    let (_, profile) = workspace.split_once("[profile.release]\n").unwrap();
    let profile = profile.split("\n[").next().unwrap();
    assert!(profile.contains("panic = \"unwind\"\n"), "{profile}");
}

#[test]
fn every_queue_has_one_consumer_with_partial_failures_and_a_limit() {
    let template = template();
    for (name, _, queues) in FUNCTIONS {
        let events = property(&template, name, "Events").as_object();
        let sources: BTreeMap<String, &Value> = events
            .into_iter()
            .flat_map(|events| events.values())
            .filter(|event| event["Type"] == "SQS")
            .map(|event| {
                (
                    resource_of(&event["Properties"]["Queue"]),
                    &event["Properties"],
                )
            })
            .collect();
        let expected = queues.iter().map(|queue| resource_name(*queue, "Queue"));
        assert_eq!(
            sources.keys().cloned().collect::<BTreeSet<_>>(),
            expected.collect()
        );
        for (queue, source) in sources {
            assert_eq!(
                source["FunctionResponseTypes"],
                json!(["ReportBatchItemFailures"]),
                "{queue}"
            );
            let limit = queue.replace("Queue", "Concurrency");
            assert_eq!(
                source["ScalingConfig"]["MaximumConcurrency"],
                json!({"Ref": limit})
            );
            // More would need a time to wait for them.
            assert_eq!(source["BatchSize"], 10, "{queue}");
        }
    }
}

#[test]
fn a_message_stays_hidden_for_longer_than_a_function_may_take() {
    let template = template();
    for (name, _, queues) in FUNCTIONS {
        for queue in queues {
            let visibility = u64::from(queue.settings().visibility_seconds);
            let timeout = timeout(&template, name);
            let least = match queue {
                // The worker hides its message itself, while it works.
                QueueName::Execute | QueueName::ExecuteUrgent => timeout,
                QueueName::Create | QueueName::Result | QueueName::Retry => 6 * timeout,
            };
            assert!(
                visibility >= least,
                "{queue:?}: {visibility} s, {name}: {timeout} s"
            );
        }
    }
}

#[test]
fn the_longest_attempt_leaves_its_function_a_minute_to_tell_its_end() {
    let config = Config::read(given).unwrap();
    let timeout = timeout(&template(), "ExecuteTask") * 1000;
    assert_eq!(config.longest_attempt, Some(timeout - 60_000));
}

#[test]
fn a_sweep_runs_before_the_one_before_it_ceases_to_look_ahead() {
    let template = template();
    let minute = &property(&template, "Sweep", "Events")["EveryMinute"];
    assert_eq!(minute["Type"], "Schedule");
    assert_eq!(minute["Properties"]["Schedule"], "rate(1 minute)");
    let without_horizon =
        |name: &str| given(name).filter(|_| name != "TASKMILL_SWEEP_HORIZON_MILLIS");
    assert!(Config::read(without_horizon).unwrap().sweep_horizon > 60_000);
}

/// A value for every variable.
fn given(name: &str) -> Option<String> {
    Some(match name {
        "TASKMILL_CALLBACK_KEYS" => "7".repeat(32),
        "TASKMILL_TARGETS" | "TASKMILL_TENANT_LIMITS" => "{}".to_owned(),
        "TASKMILL_SECRETS_FROM" => "ssm".to_owned(),
        _ => "7".to_owned(),
    })
}

/// What the configuration asks for.
fn asked() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    let read = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        given(name)
    });
    read.unwrap();
    asked.into_inner()
}

/// Variables of the configuration that a deployment leaves as they are, or tells only whom they are
/// for.
const LEFT: [&str; 6] = [
    "TASKMILL_CALLBACK_KEYS",
    "TASKMILL_CALLBACK_URL",
    "TASKMILL_SECRETS_FROM",
    "TASKMILL_SECRETS_PREFIX",
    "TASKMILL_SENDER_ROLE_ARN",
    "TASKMILL_SWEEP_HORIZON_MILLIS",
];

#[test]
fn a_function_is_told_what_its_configuration_asks_for() {
    let template = template();
    let variables = property(&template, "CreateTask", "Environment")["Variables"]
        .as_object()
        .unwrap();
    let told: BTreeSet<&str> = variables
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("TASKMILL_"))
        .collect();
    let asked = asked();
    let asked: BTreeSet<&str> = asked
        .iter()
        .map(String::as_str)
        .filter(|name| name.starts_with("TASKMILL_") && !LEFT.contains(name))
        .collect();
    assert_eq!(told, asked);
    // What the API is told besides is in `api.rs`.
    for (name, ..) in FUNCTIONS
        .into_iter()
        .filter(|(name, ..)| !name.starts_with("Api"))
    {
        let own = &template["Resources"][name]["Properties"]["Environment"]["Variables"];
        let own = own.as_object().into_iter().flat_map(|own| own.keys());
        let own: Vec<&String> = own.collect();
        let expected: &[&str] = match name {
            "ExecuteTask" => &[
                "TASKMILL_CALLBACK_URL",
                "TASKMILL_CALLBACK_KEYS",
                "TASKMILL_SECRETS_FROM",
                "TASKMILL_SECRETS_PREFIX",
                "TASKMILL_SENDER_ROLE_ARN",
            ],
            _ => &[],
        };
        assert_eq!(own, expected, "{name} is told what it alone has to know");
    }
    for queue in QueueName::ALL {
        for (suffix, resource) in [("QUEUE_URL", "Queue"), ("DEAD_LETTERS_URL", "DeadLetters")] {
            let expected = json!({"Ref": resource_name(queue, resource)});
            assert_eq!(variables[&queue_variable(queue, suffix)], expected);
        }
    }
    for (variable, resource) in [
        ("TASKMILL_TASKS_TABLE", "TaskInstances"),
        ("TASKMILL_WORKFLOWS_TABLE", "WorkflowInstances"),
        ("TASKMILL_DEFINITIONS_TABLE", "Definitions"),
        ("TASKMILL_PAYLOAD_BUCKET", "Payloads"),
        ("TASKMILL_STATUS_SHARDS", "StatusShards"),
        ("TASKMILL_DUE_SHARDS", "DueShards"),
        ("TASKMILL_RETENTION_DAYS", "RetentionDays"),
    ] {
        assert_eq!(variables[variable], json!({"Ref": resource}));
    }
}

#[test]
fn whoever_looks_from_outside_is_told_the_same() {
    let template = template();
    let variables = &property(&template, "CreateTask", "Environment")["Variables"];
    for name in asked()
        .iter()
        .filter_map(|name| name.strip_prefix("TASKMILL_"))
    {
        let variable = format!("TASKMILL_{name}");
        if LEFT.contains(&variable.as_str()) {
            continue;
        }
        let output = output_of(&variable);
        assert_eq!(
            template["Outputs"][&output]["Value"], variables[&variable],
            "{output}"
        );
    }
}

#[test]
fn execute_task_is_told_where_secrets_are_kept() {
    let template = template();
    let own = &template["Resources"]["ExecuteTask"]["Properties"]["Environment"]["Variables"];
    for (variable, parameter) in [
        ("TASKMILL_SECRETS_FROM", "SecretsFrom"),
        ("TASKMILL_SECRETS_PREFIX", "SecretsPrefix"),
    ] {
        assert_eq!(own[variable], json!({"Ref": parameter}));
    }
    let parameters = &template["Parameters"];
    let prefix = parameters["SecretsPrefix"]["Default"].as_str().unwrap();
    for service in parameters["SecretsFrom"]["AllowedValues"]
        .as_array()
        .unwrap()
    {
        let place = VaultPlace::read(service.as_str().unwrap(), prefix).unwrap();
        assert_eq!(place.is_none(), service == "none");
    }
    let statements = &template["Resources"]["ExecuteTaskRole"]["Properties"]["Policies"][0]["PolicyDocument"]
        ["Statement"];
    for (condition, right) in [
        ("AsksSecretsManager", "secretsmanager:GetSecretValue"),
        ("AsksParameterStore", "ssm:GetParameter"),
    ] {
        let given = statements.as_array().unwrap().iter();
        let given = given.filter(|given| given.to_string().contains(right));
        let given: Vec<&Value> = given.map(|given| &given["Fn::If"][0]).collect();
        assert_eq!(given, [condition], "the right is there when it is of use");
    }
}

/// A key that stood in the template would be in the hands of all who read it.
#[test]
fn the_keys_of_callbacks_stay_where_secrets_are_kept() {
    let template = template();
    let own = &template["Resources"]["ExecuteTask"]["Properties"]["Environment"]["Variables"];
    let keys = json!({"Fn::If": [
        "TakesCallbacks",
        {"Fn::Sub": "{{resolve:secretsmanager:${CallbackKeysSecret}}}"},
        "",
    ]});
    assert_eq!(own["TASKMILL_CALLBACK_KEYS"], keys);
    assert_eq!(own["TASKMILL_CALLBACK_URL"], json!({"Ref": "CallbackUrl"}));
}

#[test]
fn no_task_may_call_a_function_of_the_deployment() {
    let template = template();
    let variables = &property(&template, "CreateTask", "Environment")["Variables"];
    let prefix = &variables["TASKMILL_FUNCTION_PREFIX"];
    assert_eq!(*prefix, json!({"Fn::Sub": "${AWS::StackName}-"}));
    for (name, ..) in FUNCTIONS {
        name_in_stack(property(&template, name, "FunctionName"));
    }
}

#[test]
fn the_alarm_on_overdue_records_takes_what_the_sweep_says() {
    let template = template();
    let alarm = &template["Resources"]["OverdueAlarm"]["Properties"];
    let said = Swept::default().metrics("sweep", Timestamp::from_millis(0));
    let metrics = &said["_aws"]["CloudWatchMetrics"][0];
    assert_eq!(alarm["Namespace"], metrics["Namespace"]);
    assert_eq!(alarm["MetricName"], metrics["Metrics"][0]["Name"]);
    assert_eq!(
        alarm["Dimensions"],
        json!([{"Name": metrics["Dimensions"][0][0], "Value": {"Ref": "Sweep"}}])
    );
    for name in [&metrics["Metrics"][0]["Name"], &metrics["Dimensions"][0][0]] {
        assert!(
            !said[name.as_str().unwrap()].is_null(),
            "{name} has a value"
        );
    }
}
