//! The three tables, as data: the one place that says which keys, indexes and projections exist.
//!
//! [`create_all`] makes them in an emulator; a SAM template is compared with the same data. What
//! the attributes mean is the business of `store/*_item.rs`.
//!
//! Attribute names are short because every stored byte of a head counts against its one write
//! unit: `sb` status bucket, `at` created at, `wf` workflow instance, `sc` status and created at,
//! `ds`/`da` due shard and due at, `df` definition, `ip`/`ik` inbox of a person or group and place
//! in it.

use aws_sdk_dynamodb::Client;
use aws_sdk_dynamodb::operation::create_table::CreateTableError;
use aws_sdk_dynamodb::types::{
    AttributeDefinition, BillingMode, GlobalSecondaryIndex, KeySchemaElement, KeyType,
    Projection as SdkProjection, ProjectionType, ScalarAttributeType, TimeToLiveSpecification,
};

use crate::store::Error;

/// What the tables of one deployment are called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableNames {
    /// Task instances and their parts.
    pub tasks: String,
    /// Workflow instances and their parts.
    pub workflows: String,
    /// Definitions of both kinds, and the lists of them.
    pub definitions: String,
}

impl Default for TableNames {
    fn default() -> Self {
        Self {
            tasks: TASKS.name.to_owned(),
            workflows: WORKFLOWS.name.to_owned(),
            definitions: DEFINITIONS.name.to_owned(),
        }
    }
}

/// Over how many partitions a busy index key is spread.
///
/// A partition takes 1,000 writes a second, and a hot index throttles its table. One shard is
/// right for a deployment that stays below about 400 changes of status a second per tenant: every
/// further one is a further query for each list and each sweep. A record's shard stands in its
/// keys, so a count may be raised at any time, and older records are still found. Lowering one
/// would hide the records of the shards that are no longer asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shards {
    /// Partitions for each status (and day, for terminal ones) and each definition of a tenant.
    pub status: u8,
    /// Partitions of the due index, all tenants together; the sweep fans out over them.
    pub due: u8,
}

impl Default for Shards {
    fn default() -> Self {
        Self { status: 1, due: 1 }
    }
}

/// One table.
#[derive(Debug, PartialEq, Eq)]
pub struct TableSpec {
    /// Its name, to which a deployment may add.
    pub name: &'static str,
    /// Its partition and sort key.
    pub key: KeySpec,
    /// Its global secondary indexes.
    pub indexes: &'static [IndexSpec],
    /// The attribute, in epoch seconds, after which an item may be deleted.
    pub time_to_live: Option<&'static str>,
    /// Whether changes are streamed with new and old images.
    pub stream: bool,
    /// Whether any second of the last 35 days can be restored.
    pub point_in_time_recovery: bool,
    /// Whether it refuses to be deleted.
    pub deletion_protection: bool,
}

/// A partition key and a sort key.
#[derive(Debug, PartialEq, Eq)]
pub struct KeySpec {
    /// The partition key.
    pub partition: Attribute,
    /// The sort key.
    pub sort: Attribute,
}

/// One global secondary index.
#[derive(Debug, PartialEq, Eq)]
pub struct IndexSpec {
    /// Its name.
    pub name: &'static str,
    /// Its key; items without both attributes are not in it.
    pub key: KeySpec,
    /// What it holds besides the keys of index and table.
    pub projection: Projection,
}

/// A key attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: AttributeKind,
}

/// The types that a key may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttributeKind {
    /// `S`.
    Text,
    /// `N`.
    Number,
    /// `B`.
    Binary,
}

/// What an index holds besides keys.
#[derive(Debug, PartialEq, Eq)]
pub enum Projection {
    /// Nothing.
    KeysOnly,
    /// These attributes.
    Include(&'static [&'static str]),
}

/// The index of tasks, and of workflows, by tenant and status.
pub const STATUS_INDEX: &str = "status-index";
/// The index of a workflow's tasks.
pub const WORKFLOW_STATUS_INDEX: &str = "workflow-status-index";
/// The index of people's inboxes.
pub const ASSIGNEE_INDEX: &str = "assignee-index";
/// The index of a definition's workflows.
pub const DEFINITION_INDEX: &str = "definition-index";
/// The index of what must be looked at again.
pub const DUE_INDEX: &str = "due-index";

const ID: Attribute = Attribute {
    name: "id",
    kind: AttributeKind::Binary,
};
const PART: Attribute = Attribute {
    name: "part",
    kind: AttributeKind::Text,
};
const STATUS_BUCKET: Attribute = Attribute {
    name: "sb",
    kind: AttributeKind::Text,
};
const CREATED_AT: Attribute = Attribute {
    name: "at",
    kind: AttributeKind::Number,
};
const DUE: IndexSpec = IndexSpec {
    name: DUE_INDEX,
    key: KeySpec {
        partition: Attribute {
            name: "ds",
            kind: AttributeKind::Number,
        },
        sort: Attribute {
            name: "da",
            kind: AttributeKind::Number,
        },
    },
    projection: Projection::KeysOnly,
};

/// Task instances. Nothing that an index projects changes while the status stays.
pub static TASKS: TableSpec = TableSpec {
    name: "TaskInstances",
    key: KeySpec {
        partition: ID,
        sort: PART,
    },
    indexes: &[
        IndexSpec {
            name: STATUS_INDEX,
            key: KeySpec {
                partition: STATUS_BUCKET,
                sort: CREATED_AT,
            },
            projection: Projection::Include(&[
                "d", "wd", "wf", "ty", "pr", "pa", "ref", "as", "st", "et",
            ]),
        },
        IndexSpec {
            name: WORKFLOW_STATUS_INDEX,
            key: KeySpec {
                partition: Attribute {
                    name: "wf",
                    kind: AttributeKind::Binary,
                },
                sort: Attribute {
                    name: "sc",
                    kind: AttributeKind::Text,
                },
            },
            projection: Projection::Include(&[
                "sb", "at", "d", "wd", "ty", "pr", "pa", "ref", "as", "st", "et",
            ]),
        },
        IndexSpec {
            name: ASSIGNEE_INDEX,
            key: KeySpec {
                partition: Attribute {
                    name: "ip",
                    kind: AttributeKind::Text,
                },
                sort: Attribute {
                    name: "ik",
                    kind: AttributeKind::Text,
                },
            },
            projection: Projection::Include(&["d", "wd", "wf", "pa", "ref", "as", "fu"]),
        },
        DUE,
    ],
    time_to_live: Some("ttl"),
    stream: true,
    point_in_time_recovery: true,
    deletion_protection: true,
};

/// Workflow instances. The definition index holds keys alone, so that no change of a workflow
/// ever costs a write in it.
pub static WORKFLOWS: TableSpec = TableSpec {
    name: "WorkflowInstances",
    key: KeySpec {
        partition: ID,
        sort: PART,
    },
    indexes: &[
        IndexSpec {
            name: STATUS_INDEX,
            key: KeySpec {
                partition: STATUS_BUCKET,
                sort: CREATED_AT,
            },
            projection: Projection::Include(&["d", "co", "st", "et"]),
        },
        IndexSpec {
            name: DEFINITION_INDEX,
            key: KeySpec {
                partition: Attribute {
                    name: "df",
                    kind: AttributeKind::Text,
                },
                sort: CREATED_AT,
            },
            projection: Projection::KeysOnly,
        },
        DUE,
    ],
    time_to_live: Some("ttl"),
    stream: true,
    point_in_time_recovery: true,
    deletion_protection: true,
};

/// Definitions: `owner` is the tenant and the definition's id for a version, the tenant alone for
/// the lists; `entry` is the kind with the version, or with the id.
pub static DEFINITIONS: TableSpec = TableSpec {
    name: "Definitions",
    key: KeySpec {
        partition: Attribute {
            name: "owner",
            kind: AttributeKind::Text,
        },
        sort: Attribute {
            name: "entry",
            kind: AttributeKind::Text,
        },
    },
    indexes: &[],
    time_to_live: None,
    stream: true,
    point_in_time_recovery: true,
    deletion_protection: true,
};

impl TableNames {
    /// Each table with its name in this deployment.
    #[must_use]
    pub fn specs(&self) -> [(&str, &'static TableSpec); 3] {
        [
            (&self.tasks, &TASKS),
            (&self.workflows, &WORKFLOWS),
            (&self.definitions, &DEFINITIONS),
        ]
    }
}

/// Makes the tables that do not exist yet, in an emulator: without recovery and deletion
/// protection, which only the account's own tables have, and without streams, which nobody reads
/// there while the embedded database looks through all of a table's stream at every write.
///
/// # Errors
/// The endpoint refused a table for another reason than that it exists.
pub async fn create_all(client: &Client, names: &TableNames) -> Result<(), Error> {
    for (name, spec) in names.specs() {
        create(client, name, spec).await?;
    }
    Ok(())
}

async fn create(client: &Client, name: &str, spec: &TableSpec) -> Result<(), Error> {
    let indexes: Vec<_> = spec.indexes.iter().map(index).collect::<Result<_, _>>()?;
    let created = client
        .create_table()
        .table_name(name)
        .billing_mode(BillingMode::PayPerRequest)
        .set_attribute_definitions(Some(attribute_definitions(spec)?))
        .set_key_schema(Some(key_schema(&spec.key)?))
        .set_global_secondary_indexes(Some(indexes).filter(|indexes| !indexes.is_empty()))
        .send()
        .await;
    match created {
        Ok(_) => expire(client, name, spec).await,
        Err(error)
            if error
                .as_service_error()
                .is_some_and(CreateTableError::is_resource_in_use_exception) =>
        {
            Ok(())
        }
        Err(error) => Err(Error::aws("CreateTable", error)),
    }
}

async fn expire(client: &Client, name: &str, spec: &TableSpec) -> Result<(), Error> {
    let Some(attribute) = spec.time_to_live else {
        return Ok(());
    };
    let rule = TimeToLiveSpecification::builder()
        .enabled(true)
        .attribute_name(attribute)
        .build()
        .map_err(|error| Error::aws("UpdateTimeToLive", error))?;
    client
        .update_time_to_live()
        .table_name(name)
        .time_to_live_specification(rule)
        .send()
        .await
        .map_err(|error| Error::aws("UpdateTimeToLive", error))?;
    Ok(())
}

fn attribute_definitions(spec: &TableSpec) -> Result<Vec<AttributeDefinition>, Error> {
    let mut named: Vec<Attribute> = Vec::new();
    let keys = std::iter::once(&spec.key).chain(spec.indexes.iter().map(|index| &index.key));
    for attribute in keys.flat_map(|key| [key.partition, key.sort]) {
        if !named.contains(&attribute) {
            named.push(attribute);
        }
    }
    let definition = |attribute: Attribute| {
        AttributeDefinition::builder()
            .attribute_name(attribute.name)
            .attribute_type(match attribute.kind {
                AttributeKind::Text => ScalarAttributeType::S,
                AttributeKind::Number => ScalarAttributeType::N,
                AttributeKind::Binary => ScalarAttributeType::B,
            })
            .build()
            .map_err(|error| Error::aws("CreateTable", error))
    };
    named.into_iter().map(definition).collect()
}

fn key_schema(key: &KeySpec) -> Result<Vec<KeySchemaElement>, Error> {
    [(key.partition, KeyType::Hash), (key.sort, KeyType::Range)]
        .into_iter()
        .map(|(attribute, key_type)| {
            KeySchemaElement::builder()
                .attribute_name(attribute.name)
                .key_type(key_type)
                .build()
                .map_err(|error| Error::aws("CreateTable", error))
        })
        .collect()
}

fn index(spec: &IndexSpec) -> Result<GlobalSecondaryIndex, Error> {
    let projection = match spec.projection {
        Projection::KeysOnly => SdkProjection::builder().projection_type(ProjectionType::KeysOnly),
        Projection::Include(names) => SdkProjection::builder()
            .projection_type(ProjectionType::Include)
            .set_non_key_attributes(Some(names.iter().map(ToString::to_string).collect())),
    };
    GlobalSecondaryIndex::builder()
        .index_name(spec.name)
        .set_key_schema(Some(key_schema(&spec.key)?))
        .projection(projection.build())
        .build()
        .map_err(|error| Error::aws("CreateTable", error))
}
