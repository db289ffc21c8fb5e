//! People's inboxes: in whose an open task stands, and where in it.
//!
//! A task stands in the inbox of whoever has it, by its head. While nobody has it, it stands in
//! those of all who may claim it: everybody's by its head, and each named person's and group's by
//! a small item of its own beside the head. Whom an overdue task was escalated to sees it there
//! as well, whoever has it. Golden items in the tests pin the format.
//!
//! | attribute | holds |
//! |---|---|
//! | `ip` | tenant`#a#`assignee, tenant`#u#`candidate, tenant`#g#`group, tenant`#*` for everybody |
//! | `ik` | status`#`priority`#`due`#`created`#`id: in its status the urgent come first, then what is due soonest, then the oldest |
//! | `fu` | until when its assignee put it off |
//!
//! The priority is 1 for CRITICAL to 4 for LOW, times are milliseconds in 15 digits, and what has
//! no due date has a `~`, which sorts last. An item beside the head is called `c#u#` or `c#g#` and
//! a hash of the name; it has what a list shows, and the version `v` of the head that it was
//! written for.
//!
//! **What is true is decided on the head.** Items are put before the head that needs them, and
//! deleted after the one that does not: so a task that can be claimed is never missing from an
//! inbox, and one that cannot may be seen in it for a moment, or until somebody tries, when the
//! process died in between. An item of a later version than one's own is neither replaced nor
//! deleted: whoever is late hides nothing. [`Store::mend_inbox`] puts right what a death left; where
//! that was put for a version that was never written, it writes that version first.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::operation::delete_item::DeleteItemError;
use aws_sdk_dynamodb::operation::put_item::PutItemError;
use futures::future::try_join_all;
use taskmill::Timestamp;
use taskmill::ids::TenantId;
use taskmill::task::{TaskInstance, TaskPriority};
use uuid::Uuid;

use super::codec::{Item, Reader, Writer, id, key, number, text};
use super::parts::{Expiry, open_expiry, record_name, set_expiry};
use super::{Error, Store};
use crate::payloads::{ContentHash, PayloadKind};

/// What the items beside a head are called. They sort before it, so that reading a record does not
/// read them.
const CANDIDATE: &str = "c#";

/// Somebody's inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inbox<'a> {
    /// What a person has.
    Assignee(&'a str),
    /// What a person may claim by name, or was escalated to them.
    User(&'a str),
    /// What the members of a group may claim, or was escalated to them.
    Group(&'a str),
    /// What everybody may claim.
    Everybody,
}

impl Inbox<'_> {
    /// The partition. A tenant holds no `#`, and a name stands last.
    pub(super) fn partition(self, tenant: &TenantId) -> String {
        match self {
            Self::Assignee(name) => format!("{tenant}#a#{name}"),
            Self::User(name) => format!("{tenant}#u#{name}"),
            Self::Group(name) => format!("{tenant}#g#{name}"),
            Self::Everybody => format!("{tenant}#*"),
        }
    }
}

/// The place of an open task in every inbox, behind its status.
fn place(task: &TaskInstance) -> String {
    let due = task.handling.as_ref().and_then(|people| people.due_date);
    let due = due.map_or_else(|| "~".to_owned(), digits);
    let (urgency, created) = (urgency(task.priority), digits(task.created_at));
    format!("{urgency}#{due}#{created}#{}", task.id.uuid().simple())
}

/// A time as text of one length.
pub(super) fn digits(time: Timestamp) -> String {
    format!("{:015}", time.millis().max(0))
}

/// A priority as the digit by which the urgent come first.
pub(super) const fn urgency(priority: TaskPriority) -> char {
    match priority {
        TaskPriority::Critical => '1',
        TaskPriority::High => '2',
        TaskPriority::Medium => '3',
        TaskPriority::Low => '4',
    }
}

/// Writes where a head stands, if it is that of an open task of a person.
pub(super) fn head_keys(task: &TaskInstance, head: &mut Writer) {
    let Some(handling) = &task.handling else {
        return;
    };
    let inbox = match &task.assignee {
        _ if task.status.is_terminal() => return,
        Some(name) => Inbox::Assignee(name),
        None if handling.is_for_everybody() => Inbox::Everybody,
        None => return,
    };
    keys(task, inbox, head);
    head.time("fu", handling.put_off_until);
}

fn keys(task: &TaskInstance, inbox: Inbox<'_>, item: &mut Writer) {
    item.text("ip", inbox.partition(&task.tenant_id));
    item.text("ik", format!("{}#{}", task.status.as_str(), place(task)));
}

/// Those who see an open task in their inbox although it is not theirs.
fn candidates(task: &TaskInstance) -> Vec<Inbox<'_>> {
    let open = task
        .handling
        .as_ref()
        .filter(|_| !task.status.is_terminal());
    let Some(handling) = open else {
        return Vec::new();
    };
    let mut found = Vec::new();
    if task.assignee.is_none() {
        found.extend(
            handling
                .candidate_users
                .iter()
                .map(|name| Inbox::User(name)),
        );
        found.extend(
            handling
                .candidate_groups
                .iter()
                .map(|name| Inbox::Group(name)),
        );
    }
    let escalated = handling.escalated_to().into_iter();
    found.extend(escalated.flat_map(|to| [Inbox::User(to), Inbox::Group(to)]));
    found
}

/// The items beside a task's head, by name, with what a list shows of it.
fn items(task: &TaskInstance) -> BTreeMap<String, Item> {
    let item = |inbox| {
        let name = part_name(inbox)?;
        let mut item = Writer::new(key(task.id.uuid(), &name));
        keys(task, inbox, &mut item);
        let version = &task.task_definition_version;
        item.text("d", format!("{}@{version}", task.task_definition_id));
        item.id("wf", task.context.workflow_instance_id.map(|id| id.uuid()));
        let texts = [
            (
                "wd",
                task.workflow_definition_id.as_ref().map(|id| id.as_str()),
            ),
            ("pa", task.context.task_path.as_deref()),
            ("ref", task.task_reference.as_deref()),
            ("as", task.assignee.as_deref()),
        ];
        for (name, value) in texts {
            value.into_iter().for_each(|value| item.text(name, value));
        }
        Some((name, item.finish()))
    };
    candidates(task).into_iter().filter_map(item).collect()
}

/// The name of the item by which a task stands in an inbox; none where its head does.
fn part_name(inbox: Inbox<'_>) -> Option<String> {
    match inbox {
        Inbox::User(name) => Some(format!("{CANDIDATE}u#{}", ContentHash::of(name))),
        Inbox::Group(name) => Some(format!("{CANDIDATE}g#{}", ContentHash::of(name))),
        Inbox::Assignee(_) | Inbox::Everybody => None,
    }
}

/// What the items beside a head take to be those of its next version.
pub(super) struct Change {
    put: Vec<Item>,
    gone: Vec<String>,
}

impl Change {
    /// What a new task takes.
    pub(super) fn to(after: &TaskInstance) -> Self {
        Self::between(&BTreeMap::new(), after)
    }

    /// What it takes from one version of a task to another.
    pub(super) fn from(before: &TaskInstance, after: &TaskInstance) -> Self {
        Self::between(&items(before), after)
    }

    fn between(before: &BTreeMap<String, Item>, after: &TaskInstance) -> Self {
        let after = items(after);
        let gone = before.keys().filter(|name| !after.contains_key(*name));
        let gone = gone.cloned().collect();
        let put = after.into_iter();
        let put = put.filter(|(name, item)| before.get(name) != Some(item));
        let put = put.map(|(_, item)| item).collect();
        Self { put, gone }
    }

    /// Whether anything is put, which stays when the head's write fails.
    pub(super) fn puts(&self) -> bool {
        !self.put.is_empty()
    }

    /// Puts what the head is going to need.
    pub(super) async fn put(&self, store: &Store, after: &TaskInstance) -> Result<(), Error> {
        let expiry = open_expiry(after.updated_at);
        let put = self.put.iter();
        let put = put.map(|item| put_item(store, item.clone(), after.version, expiry));
        try_join_all(put).await.map(drop)
    }

    /// Deletes what no head since this version needs.
    pub(super) async fn delete(&self, store: &Store, id: Uuid, until: u64) -> Result<(), Error> {
        let gone = self.gone.iter();
        let gone = gone.map(|name| delete_item(store, id, name, until));
        try_join_all(gone).await.map(drop)
    }
}

async fn put_item(store: &Store, item: Item, version: u64, expiry: Expiry) -> Result<(), Error> {
    let mut item = item;
    item.insert("v".to_owned(), number(version));
    set_expiry(&mut item, expiry);
    let put = store
        .client
        .put_item()
        .table_name(&store.tables.tasks)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(id) OR v <= :version")
        .expression_attribute_values(":version", number(version))
        .send()
        .await;
    match put {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            // Somebody put it for a later version.
            Some(PutItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(Error::aws("PutItem", error)),
        },
    }
}

async fn delete_item(store: &Store, of: Uuid, name: &str, until: u64) -> Result<(), Error> {
    let deleted = store
        .client
        .delete_item()
        .table_name(&store.tables.tasks)
        .set_key(Some(key(of, name)))
        .condition_expression("v <= :version")
        .expression_attribute_values(":version", number(until))
        .send()
        .await;
    match deleted {
        Ok(_) => Ok(()),
        Err(error) => match error.as_service_error() {
            // It is gone, or somebody put it for a later version.
            Some(DeleteItemError::ConditionalCheckFailedException(_)) => Ok(()),
            _ => Err(Error::aws("DeleteItem", error)),
        },
    }
}

impl Store {
    /// Makes the inboxes show what a task is now, as it was just loaded: a death between a head
    /// and the items beside it leaves one too many, or of a new task too few.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Payload`], [`Error::Aws`].
    pub async fn mend_inbox(&self, task: &TaskInstance) -> Result<(), Error> {
        match task.handling {
            Some(_) => Box::pin(self.mend(task)).await,
            None => Ok(()),
        }
    }

    async fn mend(&self, task: &TaskInstance) -> Result<(), Error> {
        let (found, versions) = self.items_beside(task).await?;
        let change = Change::between(&found, task);
        let is_ahead = |name: &String| versions.get(name) > Some(&task.version);
        if change.gone.iter().any(is_ahead) {
            return self.mend_ahead(task).await;
        }
        self.change_inbox(change, task).await
    }

    /// Mends what was put for a version that is not there. Whoever put it died, or is about to
    /// write that version: it is written here instead, so that they have to decide again.
    async fn mend_ahead(&self, task: &TaskInstance) -> Result<(), Error> {
        let next = TaskInstance {
            version: task.version + 1,
            ..task.clone()
        };
        match self.replace_task(task, &next).await {
            Ok(()) => self.mend_inbox(&next).await,
            Err(error) if error.is_version_conflict() => self.mend_inbox_of(task.id).await,
            Err(error) => Err(error),
        }
    }

    /// Makes a change that no write of the head follows.
    pub(super) async fn change_inbox(
        &self,
        change: Change,
        task: &TaskInstance,
    ) -> Result<(), Error> {
        change.put(self, task).await?;
        change.delete(self, task.id.uuid(), task.version).await?;
        if change.put.is_empty() {
            return Ok(());
        }
        // Whoever changed the task in the meantime did not see what was put.
        match self.task(task.id).await? {
            Some(now) if now.version != task.version => self.mend_inbox(&now).await,
            Some(_) | None => Ok(()),
        }
    }

    /// The items that stand beside a task's head, and for which version each was put.
    async fn items_beside(
        &self,
        task: &TaskInstance,
    ) -> Result<(BTreeMap<String, Item>, BTreeMap<String, u64>), Error> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.tables.tasks)
            .consistent_read(true)
            .key_condition_expression("id = :id AND begins_with(part, :candidate)")
            .expression_attribute_values(":id", id(task.id.uuid()))
            .expression_attribute_values(":candidate", text(CANDIDATE))
            .into_paginator()
            .items()
            .send();
        let record = record_name(PayloadKind::Task, task.id.uuid());
        let (mut items, mut versions) = (BTreeMap::new(), BTreeMap::new());
        while let Some(item) = pages.next().await {
            let mut item = item.map_err(|error| Error::aws("Query", error))?;
            let read = Reader::new(&item, &record);
            let (name, version) = (read.text("part")?.to_owned(), read.number("v")?);
            item.retain(|attribute, _| attribute != "v" && attribute != "ttl");
            versions.insert(name.clone(), version);
            items.insert(name, item);
        }
        Ok((items, versions))
    }
}
