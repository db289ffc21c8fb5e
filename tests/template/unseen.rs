//! What no emulator shows, one place after the other: what expires, what can be restored, what
//! refuses to be deleted, what is encrypted, what raises an alarm, and what Lambda would stop.

use serde_json::{Value, json};
use taskmill_aws::queues::QueueName;

use super::storage::resource_name;
use super::text::{in_production, resource_of, resources, template};

/// Places of the template and what stands there in production.
const UNSEEN: &[(&str, &str)] = &[
    (
        "TaskInstances/Properties/TimeToLiveSpecification/Enabled",
        "true",
    ),
    (
        "TaskInstances/Properties/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled",
        "true",
    ),
    ("TaskInstances/Properties/DeletionProtectionEnabled", "true"),
    ("TaskInstances/UpdateReplacePolicy", "\"Retain\""),
    (
        "WorkflowInstances/Properties/TimeToLiveSpecification/Enabled",
        "true",
    ),
    (
        "WorkflowInstances/Properties/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled",
        "true",
    ),
    (
        "WorkflowInstances/Properties/DeletionProtectionEnabled",
        "true",
    ),
    ("WorkflowInstances/UpdateReplacePolicy", "\"Retain\""),
    (
        "Definitions/Properties/PointInTimeRecoverySpecification/PointInTimeRecoveryEnabled",
        "true",
    ),
    ("Definitions/Properties/DeletionProtectionEnabled", "true"),
    ("Definitions/UpdateReplacePolicy", "\"Retain\""),
    ("Payloads/UpdateReplacePolicy", "\"Retain\""),
    (
        "Payloads/Properties/PublicAccessBlockConfiguration/BlockPublicAcls",
        "true",
    ),
    (
        "Payloads/Properties/PublicAccessBlockConfiguration/BlockPublicPolicy",
        "true",
    ),
    (
        "Payloads/Properties/PublicAccessBlockConfiguration/IgnorePublicAcls",
        "true",
    ),
    (
        "Payloads/Properties/PublicAccessBlockConfiguration/RestrictPublicBuckets",
        "true",
    ),
    (
        "Payloads/Properties/BucketEncryption/ServerSideEncryptionConfiguration/0/ServerSideEncryptionByDefault/SSEAlgorithm",
        "\"AES256\"",
    ),
    (
        "PayloadsPolicy/Properties/PolicyDocument/Statement/0/Effect",
        "\"Deny\"",
    ),
    (
        "PayloadsPolicy/Properties/PolicyDocument/Statement/0/Condition/Bool/aws:SecureTransport",
        "\"false\"",
    ),
    // A task passes through these as often as its workflow has steps.
    ("CreateTask/Properties/RecursiveLoop", "\"Allow\""),
    ("ExecuteTask/Properties/RecursiveLoop", "\"Allow\""),
    ("ProcessResult/Properties/RecursiveLoop", "\"Allow\""),
    ("ScheduleRetry/Properties/RecursiveLoop", "\"Allow\""),
    (
        "Sweep/Properties/EventInvokeConfig/MaximumRetryAttempts",
        "0",
    ),
    (
        "Sweep/Properties/EventInvokeConfig/MaximumEventAgeInSeconds",
        "60",
    ),
    ("OverdueAlarm/Properties/Threshold", "300"),
    ("OverdueAlarm/Properties/TreatMissingData", "\"breaching\""),
];

#[test]
fn what_no_emulator_shows_stands_in_the_template() {
    let template = template();
    for (place, expected) in UNSEEN {
        let found = template["Resources"].pointer(&format!("/{}", place));
        let found = found.map(in_production);
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(found, Some(&expected), "{place}");
    }
}

#[test]
fn every_dead_letter_raises_an_alarm_that_somebody_can_hear() {
    let template = template();
    for queue in QueueName::ALL {
        let dead = resource_name(queue, "DeadLetters");
        let alarm = &template["Resources"][format!("{dead}Alarm")]["Properties"];
        assert_eq!(
            alarm["MetricName"], "ApproximateNumberOfMessagesVisible",
            "{dead}"
        );
        assert_eq!(alarm["Dimensions"][0]["Name"], "QueueName");
        assert_eq!(
            alarm["Dimensions"][0]["Value"],
            json!({"Fn::GetAtt": [dead, "QueueName"]})
        );
        assert_eq!(alarm["Threshold"], 0);
        assert_eq!(alarm["ComparisonOperator"], "GreaterThanThreshold");
    }
    for (name, alarm) in resources(&template, "AWS::CloudWatch::Alarm") {
        assert_eq!(
            alarm["Properties"]["AlarmActions"],
            json!([{"Ref": "AlarmTopic"}]),
            "{name}"
        );
    }
}

#[test]
fn logs_are_kept_for_as_long_as_they_are_asked_to_be() {
    let template = template();
    for (name, function) in resources(&template, "AWS::Serverless::Function") {
        let group = resource_of(&function["Properties"]["LoggingConfig"]["LogGroup"]);
        let group = &template["Resources"][&group];
        assert_eq!(group["Type"], "AWS::Logs::LogGroup", "{name}");
        assert_eq!(
            group["Properties"]["RetentionInDays"],
            json!({"Ref": "LogRetentionDays"})
        );
    }
}
