//! Tables and queues.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use taskmill_aws::queues::QueueName;
use taskmill_aws::queues::create::{DEAD_LETTER_RETENTION_SECONDS, name_of};
use taskmill_aws::tables::{
    Attribute, AttributeKind, IndexSpec, KeySpec, Projection, TableNames, TableSpec,
};

use super::text::{in_production, name_in_stack, resource_of, resources, template};

#[test]
fn the_tables_are_those_of_the_code() {
    let template = template();
    let found = resources(&template, "AWS::DynamoDB::Table");
    let expected: BTreeMap<&str, Value> = TableNames::default()
        .specs()
        .map(|(_, spec)| (spec.name, table(spec)))
        .into();
    let found: BTreeMap<&str, Value> = found
        .values()
        .map(|resource| {
            let properties = &resource["Properties"];
            let mut found = properties.clone();
            found.as_object_mut().unwrap().remove("TableName");
            found["DeletionProtectionEnabled"] =
                in_production(&properties["DeletionProtectionEnabled"]).clone();
            (name_in_stack(&properties["TableName"]), found)
        })
        .collect();
    assert_eq!(found, expected);
}

/// A table as CloudFormation describes it.
fn table(spec: &TableSpec) -> Value {
    let mut attributes: Vec<Attribute> = Vec::new();
    let keys = std::iter::once(&spec.key).chain(spec.indexes.iter().map(|index| &index.key));
    for attribute in keys.flat_map(|key| [key.partition, key.sort]) {
        if !attributes.contains(&attribute) {
            attributes.push(attribute);
        }
    }
    let attributes: Vec<Value> = attributes.into_iter().map(attribute).collect();
    let mut table = json!({
        "BillingMode": "PAY_PER_REQUEST",
        "AttributeDefinitions": attributes,
        "KeySchema": key(&spec.key),
        "PointInTimeRecoverySpecification": {
            "PointInTimeRecoveryEnabled": spec.point_in_time_recovery,
        },
        "DeletionProtectionEnabled": spec.deletion_protection,
    });
    if spec.stream {
        table["StreamSpecification"] = json!({"StreamViewType": "NEW_AND_OLD_IMAGES"});
    }
    if let Some(attribute) = spec.time_to_live {
        table["TimeToLiveSpecification"] = json!({"AttributeName": attribute, "Enabled": true});
    }
    if !spec.indexes.is_empty() {
        table["GlobalSecondaryIndexes"] = spec.indexes.iter().map(index).collect();
    }
    table
}

fn attribute(attribute: Attribute) -> Value {
    let kind = match attribute.kind {
        AttributeKind::Text => "S",
        AttributeKind::Number => "N",
        AttributeKind::Binary => "B",
    };
    json!({"AttributeName": attribute.name, "AttributeType": kind})
}

fn key(key: &KeySpec) -> Value {
    json!([
        {"AttributeName": key.partition.name, "KeyType": "HASH"},
        {"AttributeName": key.sort.name, "KeyType": "RANGE"},
    ])
}

fn index(index: &IndexSpec) -> Value {
    let projection = match index.projection {
        Projection::KeysOnly => json!({"ProjectionType": "KEYS_ONLY"}),
        Projection::Include(names) => {
            json!({"ProjectionType": "INCLUDE", "NonKeyAttributes": names})
        }
    };
    json!({"IndexName": index.name, "KeySchema": key(&index.key), "Projection": projection})
}

#[test]
fn the_queues_are_those_of_the_code() {
    let template = template();
    let found: BTreeMap<String, Value> = resources(&template, "AWS::SQS::Queue")
        .into_iter()
        .map(|(name, resource)| {
            let mut properties = resource["Properties"].clone();
            if let Some(redrive) = properties.get_mut("RedrivePolicy") {
                redrive["deadLetterTargetArn"] =
                    json!(resource_of(&redrive["deadLetterTargetArn"]));
            }
            (name.to_owned(), properties)
        })
        .collect();
    let expected: BTreeMap<String, Value> = QueueName::ALL
        .into_iter()
        .flat_map(|queue| {
            [
                (resource_name(queue, "Queue"), working(queue)),
                (resource_name(queue, "DeadLetters"), dead(queue)),
            ]
        })
        .collect();
    assert_eq!(found, expected);
}

/// `ExecuteUrgentQueue`.
pub fn resource_name(queue: QueueName, suffix: &str) -> String {
    let words = queue.as_str().split('-').map(|word| {
        let (first, rest) = word.split_at(1);
        first.to_uppercase() + rest
    });
    words.collect::<String>() + suffix
}

fn working(queue: QueueName) -> Value {
    let settings = queue.settings();
    let mut made = kind(queue, "");
    made["VisibilityTimeout"] = json!(settings.visibility_seconds);
    made["RedrivePolicy"] = json!({
        "deadLetterTargetArn": resource_name(queue, "DeadLetters"),
        "maxReceiveCount": settings.max_receive_count,
    });
    made
}

fn dead(queue: QueueName) -> Value {
    let mut made = kind(queue, "-dead-letters");
    made["MessageRetentionPeriod"] = json!(DEAD_LETTER_RETENTION_SECONDS);
    made
}

fn kind(queue: QueueName, suffix: &str) -> Value {
    let mut made = json!({
        "QueueName": {"Fn::Sub": format!("${{AWS::StackName}}-{}", name_of(queue, suffix))},
        "SqsManagedSseEnabled": true,
    });
    if queue.settings().fifo {
        made["FifoQueue"] = json!(true);
        made["DeduplicationScope"] = json!("messageGroup");
        made["FifoThroughputLimit"] = json!("perMessageGroupId");
    }
    made
}
