//! Lists of people's inboxes: the urgent first, then what is due soonest, whatever the status and
//! whosever the inbox.
//!
//! Each inbox and status is a range of the index, read by one query; their pages are merged, and
//! a task that stands in several of a person's inboxes is shown once. Where in an inbox a task
//! stands is the business of `inbox.rs`. Indexes follow their table with a delay of usually
//! milliseconds.

use std::collections::VecDeque;

use futures::stream::{self, StreamExt, TryStreamExt};
use semver::Version;
use serde::{Deserialize, Serialize};
use taskmill::Timestamp;
use taskmill::ids::{DefinitionId, TaskId, TenantId, WorkflowId};
use taskmill::task::{TaskPriority, TaskStatus};
use uuid::Uuid;

use super::codec::{Item, Reader, text};
use super::inbox::{Inbox, digits, urgency};
use super::pages::{Page, PageRequest};
use super::parts::record_name;
use super::task_item::PRIORITIES;
use super::{Error, Store};
use crate::cursor::{Cursor, Entry};
use crate::payloads::PayloadKind;
use crate::tables::ASSIGNEE_INDEX;

/// Ranges that are read side by side.
const SIDE_BY_SIDE: usize = 16;
/// Entries of one range that are read at a time, at most.
const AT_ONCE: usize = 100;
/// The statuses of open tasks of people.
const STATUSES: [TaskStatus; 3] = [
    TaskStatus::Running,
    TaskStatus::Assigned,
    TaskStatus::Pending,
];

/// What an inbox shows of a task. Texts that are too long for the task's head are not shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InboxEntry {
    /// The task.
    pub id: TaskId,
    /// What it is.
    pub task_definition_id: DefinitionId,
    /// The version that was resolved at creation.
    pub task_definition_version: Version,
    /// The workflow that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_instance_id: Option<WorkflowId>,
    /// The definition of that workflow.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub workflow_definition_id: Option<DefinitionId>,
    /// The path of its step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_path: Option<String>,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// How urgent it is.
    pub priority: TaskPriority,
    /// A name for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_reference: Option<String>,
    /// The person who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<String>,
    /// When it is overdue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub due_date: Option<Timestamp>,
    /// Until when its assignee put it off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub put_off_until: Option<Timestamp>,
    /// When it was accepted.
    pub created_at: Timestamp,
}

/// Which tasks of an inbox are listed: those that meet everything that is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct InboxFilter {
    /// Tasks of this status.
    pub status: Option<TaskStatus>,
    /// Tasks of this priority.
    pub priority: Option<TaskPriority>,
    /// Tasks that are due before this time.
    pub due_before: Option<Timestamp>,
    /// Tasks that nobody put off beyond this time.
    pub visible_at: Option<Timestamp>,
}

impl InboxFilter {
    /// The statuses that are looked at.
    fn statuses(&self) -> impl Iterator<Item = TaskStatus> {
        let asked = self.status;
        let is_asked = move |status: &TaskStatus| asked.is_none_or(|asked| asked == *status);
        STATUSES.into_iter().filter(is_asked)
    }

    /// The places in a status that are looked at, each from a first to a last.
    fn bounds(&self) -> Vec<(String, String)> {
        let last = |of: char| match self.due_before {
            Some(due) => format!("{of}#{}", digits(due)),
            None => format!("{of}#~~"),
        };
        let of = |priority| {
            let of = urgency(priority);
            (format!("{of}#"), last(of))
        };
        match (self.priority, self.due_before) {
            (Some(priority), _) => vec![of(priority)],
            (None, Some(_)) => PRIORITIES.into_iter().map(of).collect(),
            (None, None) => vec![(String::new(), "~".to_owned())],
        }
    }
}

impl Store {
    /// A page of what stands in these inboxes of a tenant.
    ///
    /// # Errors
    /// [`Error::BadCursor`], [`Error::Corrupt`], [`Error::Aws`].
    pub async fn inbox(
        &self,
        tenant: &TenantId,
        inboxes: &[Inbox<'_>],
        filter: &InboxFilter,
        request: &PageRequest,
    ) -> Result<Page<InboxEntry>, Error> {
        // What is put off now need not be on the next page.
        let asked = InboxFilter {
            visible_at: None,
            ..*filter
        };
        let description = format!("{ASSIGNEE_INDEX} {tenant} {inboxes:?} {asked:?}");
        let mut last = request.start(&description)?;
        let ranges = ranges(tenant, inboxes, filter, last.as_deref());
        let mut merged = Merged {
            store: self,
            ranges,
            at_once: request.limit().min(AT_ONCE),
        };
        let mut items = Vec::new();
        while items.len() < request.limit() {
            let Some(found) = merged.next().await? else {
                return Ok(Page { items, next: None });
            };
            let is_repeated = last.as_ref() == Some(&found.place);
            last = Some(found.place.clone());
            let entry = found.entry()?;
            let put_off = entry.put_off_until.zip(filter.visible_at);
            if !is_repeated && put_off.is_none_or(|(until, now)| until <= now) {
                items.push(entry);
            }
        }
        let after = items.last().zip(last).map(|(entry, sort)| Entry {
            sort,
            id: entry.id.uuid(),
        });
        let next = Cursor::new(&description, 0, after).encode();
        Ok(Page {
            items,
            next: Some(next),
        })
    }
}

impl PageRequest {
    /// The place after which the page begins.
    fn start(&self, description: &str) -> Result<Option<String>, Error> {
        let cursor = self.cursor().map(|text| Cursor::decode(text, description));
        let after = cursor.transpose()?.and_then(|cursor| cursor.after);
        Ok(after.map(|entry| entry.sort))
    }
}

/// The ranges of the index that hold what is asked for, behind a place.
fn ranges(
    tenant: &TenantId,
    inboxes: &[Inbox<'_>],
    filter: &InboxFilter,
    after: Option<&str>,
) -> Vec<Range> {
    let mut ranges = Vec::new();
    for inbox in inboxes {
        for status in filter.statuses() {
            for (first, to) in filter.bounds() {
                let behind = after.map(behind).unwrap_or_default();
                ranges.push(Range {
                    partition: inbox.partition(tenant),
                    status,
                    from: first.max(behind),
                    to,
                    found: VecDeque::new(),
                    has_more: true,
                });
            }
        }
    }
    ranges
}

/// The first place behind this one: none that there is lies between.
fn behind(place: &str) -> String {
    format!("{place}~")
}

/// What is read of several ranges, as one list.
struct Merged<'s> {
    store: &'s Store,
    ranges: Vec<Range>,
    at_once: usize,
}

impl Merged<'_> {
    /// The entry that comes next.
    async fn next(&mut self) -> Result<Option<Found>, Error> {
        let (store, at_once) = (self.store, self.at_once);
        // A stream of closures over the ranges could not be sent to another thread.
        let mut reads = Vec::new();
        for range in &mut self.ranges {
            if range.found.is_empty() && range.has_more {
                reads.push(range.read(store, at_once));
            }
        }
        stream::iter(reads)
            .buffer_unordered(SIDE_BY_SIDE)
            .try_collect::<()>()
            .await?;
        let first = self.ranges.iter_mut();
        let first = first.filter(|range| !range.found.is_empty());
        let first = first.min_by(|a, b| a.found[0].place.cmp(&b.found[0].place));
        Ok(first.and_then(|range| range.found.pop_front()))
    }
}

/// A part of one inbox: what has a status, from a place to another.
struct Range {
    partition: String,
    status: TaskStatus,
    from: String,
    to: String,
    found: VecDeque<Found>,
    has_more: bool,
}

/// An entry of the index.
struct Found {
    status: TaskStatus,
    place: String,
    item: Item,
}

impl Range {
    /// Reads the next entries.
    async fn read(&mut self, store: &Store, at_once: usize) -> Result<(), Error> {
        self.has_more = false;
        // The database refuses a range that ends before it begins.
        if self.from > self.to {
            return Ok(());
        }
        let status = self.status.as_str();
        let answer = store
            .client
            .query()
            .table_name(&store.tables.tasks)
            .index_name(ASSIGNEE_INDEX)
            .key_condition_expression("ip = :inbox AND ik BETWEEN :from AND :to")
            .expression_attribute_values(":inbox", text(&self.partition))
            .expression_attribute_values(":from", text(format!("{status}#{}", self.from)))
            .expression_attribute_values(":to", text(format!("{status}#{}", self.to)))
            .limit(i32::try_from(at_once).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(|error| Error::aws("Query", error))?;
        self.has_more = answer.last_evaluated_key.is_some();
        for item in answer.items.unwrap_or_default() {
            self.found.push_back(Found::of(self.status, item)?);
        }
        if let Some(last) = self.found.back() {
            self.from = behind(&last.place);
        }
        Ok(())
    }
}

impl Found {
    fn of(status: TaskStatus, item: Item) -> Result<Self, Error> {
        let read = Reader::new(&item, ASSIGNEE_INDEX);
        let sort = read.text("ik")?;
        let place = sort.split_once('#').map(|(_, place)| place.to_owned());
        let place = place.ok_or_else(|| read.corrupt(format!("ik cannot be {sort:?}")))?;
        Ok(Self {
            status,
            place,
            item,
        })
    }

    fn entry(&self) -> Result<InboxEntry, Error> {
        let id = Reader::new(&self.item, ASSIGNEE_INDEX).id("id")?;
        let name = record_name(PayloadKind::Task, id);
        let read = Reader::new(&self.item, &name);
        let corrupt = || read.corrupt(format!("ik cannot end in {:?}", self.place));
        let Placed {
            priority,
            due_date,
            created_at,
        } = placed(&self.place).ok_or_else(corrupt)?;
        let (task_definition_id, task_definition_version) = read.pinned("d")?;
        let workflow = read.opt_text("wd")?;
        let workflow = workflow.map(|text| read.definition_id("wd", text));
        Ok(InboxEntry {
            id: TaskId::new(id),
            task_definition_id,
            task_definition_version,
            workflow_instance_id: read.opt_id("wf")?.map(WorkflowId::new),
            workflow_definition_id: workflow.transpose()?,
            task_path: read.shown("pa"),
            status: self.status,
            priority,
            task_reference: read.shown("ref"),
            assignee: read.shown("as"),
            due_date,
            put_off_until: read.opt_time("fu")?,
            created_at,
        })
    }
}

/// What a place tells.
struct Placed {
    priority: TaskPriority,
    due_date: Option<Timestamp>,
    created_at: Timestamp,
}

fn placed(place: &str) -> Option<Placed> {
    let words: Vec<&str> = place.split('#').collect();
    let [priority, due, created, id] = words[..] else {
        return None;
    };
    Uuid::try_parse(id).ok()?;
    let time = |text: &str| text.parse().ok().map(Timestamp::from_millis);
    let is_meant = |found: &TaskPriority| *priority == *urgency(*found).encode_utf8(&mut [0; 4]);
    Some(Placed {
        priority: PRIORITIES.into_iter().find(is_meant)?,
        due_date: match due {
            "~" => None,
            due => Some(time(due)?),
        },
        created_at: time(created)?,
    })
}
