//! What each function may do: all of it, one line for each thing that it may do something with.
//!
//! That it is enough is shown by the checks of a deployment, on an emulator that refuses what a
//! role does not allow. That it is no more than enough is shown here alone: a right that is added
//! to the template has to be added to its list, where it can be held against what the function
//! does in `functions/app`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::text::{resource_of, resources, template};

/// A statement's value, whether it is one or several.
fn several(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(values) => values.iter().collect(),
        value => vec![value],
    }
}

/// The statements of a role, those under a condition as if it held.
fn statements<'t>(template: &'t Value, role: &str) -> Vec<&'t Value> {
    let role = &template["Resources"][role]["Properties"];
    let policies = role["Policies"].as_array().unwrap();
    assert_eq!(policies.len(), 1, "one policy says it all");
    assert!(role["ManagedPolicyArns"].is_null(), "and nobody else's");
    let statements = several(&policies[0]["PolicyDocument"]["Statement"]);
    let met = |statement: &'t Value| match statement["Fn::If"].as_array() {
        Some(branches) => &branches[1],
        None => statement,
    };
    statements.into_iter().map(met).collect()
}

/// `Resource: action action`, one line each, of the statements with this effect.
fn rights(role: &str, effect: &str) -> String {
    let template = template();
    let mut rights: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for statement in statements(&template, role) {
        if statement["Effect"] != effect {
            continue;
        }
        let actions = several(&statement["Action"]);
        for resource in several(&statement["Resource"]) {
            let actions = actions.iter().map(|action| action.as_str().unwrap());
            rights
                .entry(resource_of(resource))
                .or_default()
                .extend(actions);
        }
    }
    let lines = rights.into_iter().map(|(resource, actions)| {
        let actions: Vec<&str> = actions.into_iter().collect();
        format!("{resource}: {}\n", actions.join(" "))
    });
    lines.collect()
}

fn check(function: &str, expected: &str) {
    let expected: Vec<&str> = expected
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    let found = rights(&format!("{function}Role"), "Allow");
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "{function}");
}

/// It alone takes from dead letters, and lists; of queues it consumes none.
#[test]
fn api_serves_whoever_asks() {
    check(
        "Api",
        "
        ApiLogs: logs:CreateLogStream logs:PutLogEvents
        CreateDeadLetters: sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:ReceiveMessage
        CreateQueue: sqs:SendMessage
        Definitions: dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem
        ExecuteDeadLetters: sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:ReceiveMessage
        ExecuteQueue: sqs:SendMessage
        ExecuteUrgentDeadLetters: sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:ReceiveMessage
        ExecuteUrgentQueue: sqs:SendMessage
        Payloads: s3:ListBucket
        Payloads/*: s3:GetObject s3:PutObject
        ResultDeadLetters: sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:ReceiveMessage
        ResultQueue: sqs:SendMessage
        RetryDeadLetters: sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:ReceiveMessage
        RetryQueue: sqs:SendMessage
        TaskInstances: dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query
        TaskInstances/index/assignee-index: dynamodb:Query
        TaskInstances/index/status-index: dynamodb:Query
        TaskInstances/index/workflow-status-index: dynamodb:Query
        WorkflowInstances: dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query
        WorkflowInstances/index/definition-index: dynamodb:Query
        WorkflowInstances/index/status-index: dynamodb:Query
        arn:AWS::Partition:sqs:AWS::Region:AWS::AccountId:AWS::StackName-worker-*: sqs:CreateQueue sqs:DeleteMessage sqs:ReceiveMessage
        ",
    );
}

/// It takes nothing from any queue, and registers nothing.
#[test]
fn api_operations_serves_whoever_asks_of_workflows() {
    check(
        "ApiOperations",
        "
        ApiOperationsLogs: logs:CreateLogStream logs:PutLogEvents
        Definitions: dynamodb:GetItem dynamodb:Query
        ExecuteQueue: sqs:SendMessage
        ExecuteUrgentQueue: sqs:SendMessage
        Payloads: s3:ListBucket
        Payloads/*: s3:GetObject s3:PutObject
        ResultQueue: sqs:SendMessage
        RetryQueue: sqs:SendMessage
        TaskInstances: dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query
        TaskInstances/index/status-index: dynamodb:Query
        TaskInstances/index/workflow-status-index: dynamodb:Query
        WorkflowInstances: dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query
        WorkflowInstances/index/definition-index: dynamodb:Query
        WorkflowInstances/index/status-index: dynamodb:Query
        ",
    );
}

#[test]
fn create_task_accepts() {
    check(
        "CreateTask",
        "
        *: states:SendTaskFailure
        CreateDeadLetters: sqs:SendMessage
        CreateQueue: sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage
        CreateTaskLogs: logs:CreateLogStream logs:PutLogEvents
        Definitions: dynamodb:GetItem dynamodb:Query
        ExecuteDeadLetters: sqs:SendMessage
        ExecuteQueue: sqs:SendMessage
        ExecuteUrgentDeadLetters: sqs:SendMessage
        ExecuteUrgentQueue: sqs:SendMessage
        Payloads: s3:ListBucket
        Payloads/*: s3:GetObject s3:PutObject
        ResultDeadLetters: sqs:SendMessage
        ResultQueue: sqs:SendMessage
        RetryDeadLetters: sqs:SendMessage
        RetryQueue: sqs:SendMessage
        TaskInstances: dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query
        TaskInstances/index/workflow-status-index: dynamodb:Query
        WorkflowInstances: dynamodb:GetItem dynamodb:PutItem dynamodb:Query
        ",
    );
}

/// It writes no workflow, and asks for no version of a definition but the one that is pinned.
#[test]
fn execute_task_runs_attempts() {
    check(
        "ExecuteTask",
        "
        *: states:SendTaskHeartbeat
        Definitions: dynamodb:GetItem
        ExecuteDeadLetters: sqs:SendMessage
        ExecuteQueue: sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage sqs:SendMessage
        ExecuteTaskLogs: logs:CreateLogStream logs:PutLogEvents
        ExecuteUrgentDeadLetters: sqs:SendMessage
        ExecuteUrgentQueue: sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage sqs:SendMessage
        Payloads: s3:ListBucket
        Payloads/*: s3:GetObject s3:PutObject
        ResultDeadLetters: sqs:SendMessage
        ResultQueue: sqs:SendMessage
        RetryDeadLetters: sqs:SendMessage
        RetryQueue: sqs:SendMessage
        RunAsRoleArns: sts:AssumeRole
        TaskFunctionArns: lambda:InvokeFunction
        TaskInstances: dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query
        TaskStateMachineArns: states:StartExecution
        WorkflowInstances: dynamodb:GetItem dynamodb:Query
        arn:AWS::Partition:sqs:AWS::Region:AWS::AccountId:AWS::StackName-worker-*: sqs:SendMessage
        arn:AWS::Partition:states:AWS::Region:AWS::AccountId:execution:*: states:DescribeExecution states:StopExecution
        ",
    );
    let own = "arn:AWS::Partition:lambda:*:AWS::AccountId:function:AWS::StackName-*";
    assert_eq!(
        rights("ExecuteTaskRole", "Deny"),
        format!("{own}: lambda:InvokeFunction\n")
    );
}

/// What a task sends it sends as a role that may send to none of the queues of Taskmill, whatever
/// the parameters allow.
#[test]
fn tasks_send_where_they_may_and_never_to_taskmill() {
    let expected = "TaskEventBusArns: events:PutEvents\n\
        TaskQueueArns: sqs:GetQueueUrl sqs:SendMessage\n";
    assert_eq!(rights("TaskSenderRole", "Allow"), expected);
    let own = "arn:AWS::Partition:sqs:*:AWS::AccountId:AWS::StackName-*";
    assert_eq!(
        rights("TaskSenderRole", "Deny"),
        format!("{own}: sqs:SendMessage\n")
    );
    let template = template();
    let trust = &template["Resources"]["TaskSenderRole"]["Properties"]["AssumeRolePolicyDocument"];
    let principal = &trust["Statement"][0]["Principal"];
    assert_eq!(resource_of(&principal["AWS"]), "ExecuteTaskRole");
    let variables = &template["Resources"]["ExecuteTask"]["Properties"]["Environment"]["Variables"];
    let sender = &variables["TASKMILL_SENDER_ROLE_ARN"]["Fn::If"];
    assert_eq!(sender[0], "SendsForTasks");
    assert_eq!(resource_of(&sender[1]), "TaskSenderRole");
}

#[test]
fn process_result_moves_everything_on() {
    check(
        "ProcessResult",
        "
        *: states:SendTaskFailure states:SendTaskHeartbeat states:SendTaskSuccess
        Definitions: dynamodb:GetItem dynamodb:Query
        ExecuteDeadLetters: sqs:SendMessage
        ExecuteQueue: sqs:SendMessage
        ExecuteUrgentDeadLetters: sqs:SendMessage
        ExecuteUrgentQueue: sqs:SendMessage
        Payloads: s3:ListBucket
        Payloads/*: s3:GetObject s3:PutObject
        ProcessResultLogs: logs:CreateLogStream logs:PutLogEvents
        ResultDeadLetters: sqs:SendMessage
        ResultQueue: sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage sqs:SendMessage
        RetryDeadLetters: sqs:SendMessage
        RetryQueue: sqs:SendMessage
        TaskInstances: dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query
        TaskInstances/index/status-index: dynamodb:Query
        TaskInstances/index/workflow-status-index: dynamodb:Query
        WorkflowInstances: dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query
        WorkflowInstances/index/definition-index: dynamodb:Query
        WorkflowInstances/index/status-index: dynamodb:Query
        ",
    );
}

/// It touches no record.
#[test]
fn schedule_retry_sends_on() {
    check(
        "ScheduleRetry",
        "
        CreateDeadLetters: sqs:SendMessage
        CreateQueue: sqs:SendMessage
        ExecuteDeadLetters: sqs:SendMessage
        ExecuteQueue: sqs:SendMessage
        ExecuteUrgentDeadLetters: sqs:SendMessage
        ExecuteUrgentQueue: sqs:SendMessage
        ResultDeadLetters: sqs:SendMessage
        ResultQueue: sqs:SendMessage
        RetryDeadLetters: sqs:SendMessage
        RetryQueue: sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage sqs:SendMessage
        ScheduleRetryLogs: logs:CreateLogStream logs:PutLogEvents
        ",
    );
}

/// It alone asks for what is due, and puts off by an update what it cannot read.
#[test]
fn sweep_looks_at_what_is_due() {
    check(
        "Sweep",
        "
        Definitions: dynamodb:GetItem dynamodb:Query
        ExecuteQueue: sqs:SendMessage
        ExecuteUrgentQueue: sqs:SendMessage
        Payloads: s3:ListBucket
        Payloads/*: s3:GetObject s3:PutObject
        ResultQueue: sqs:SendMessage
        RetryQueue: sqs:SendMessage
        SweepLogs: logs:CreateLogStream logs:PutLogEvents
        TaskInstances: dynamodb:DeleteItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem
        TaskInstances/index/due-index: dynamodb:Query
        TaskInstances/index/status-index: dynamodb:Query
        TaskInstances/index/workflow-status-index: dynamodb:Query
        WorkflowInstances: dynamodb:BatchGetItem dynamodb:GetItem dynamodb:PutItem dynamodb:Query dynamodb:UpdateItem
        WorkflowInstances/index/definition-index: dynamodb:Query
        WorkflowInstances/index/due-index: dynamodb:Query
        WorkflowInstances/index/status-index: dynamodb:Query
        ",
    );
}

#[test]
fn every_role_is_one_functions_own() {
    let template = template();
    let functions = resources(&template, "AWS::Serverless::Function");
    let roles: BTreeSet<&str> = resources(&template, "AWS::IAM::Role").into_keys().collect();
    let mut taken = BTreeSet::new();
    for (name, function) in functions {
        let role = resource_of(&function["Properties"]["Role"]);
        assert_eq!(role, format!("{name}Role"));
        assert!(
            function["Properties"]["Policies"].is_null(),
            "{name} has no other rights"
        );
        taken.insert(role);
        let trust =
            &template["Resources"][format!("{name}Role")]["Properties"]["AssumeRolePolicyDocument"];
        assert_eq!(
            trust["Statement"][0]["Principal"]["Service"],
            "lambda.amazonaws.com"
        );
    }
    // But for that of tasks which send.
    taken.insert("TaskSenderRole".to_owned());
    assert_eq!(
        taken.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        roles
    );
}
