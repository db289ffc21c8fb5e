//! Lists, a page at a time: one query over the partitions of an index, in order, until the page
//! is full.
//!
//! Indexes follow their table with a delay of usually milliseconds: a list may miss the last
//! change. With more than one shard, a list is in order within each shard.

use aws_sdk_dynamodb::types::AttributeValue;
use taskmill::Timestamp;
use uuid::Uuid;

use super::codec::{Item, Reader, id, number, text};
use super::parts::HEAD;
use super::{Error, Store};
use crate::cursor::{BadCursor, Cursor, Entry};

/// Queries that one page may take. A page of a rare definition, or over many empty days, ends
/// here, with a cursor to go on from.
const QUERIES: usize = 40;
/// Entries that a filter looks at in one query.
const FILTERED_AT_ONCE: usize = 500;
/// Days that a list of ended records may cover.
const MOST_DAYS: u64 = 10 * 366;
const DAY_MILLIS: u64 = 24 * 60 * 60 * 1000;

/// How much of a list, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageRequest {
    pub(super) limit: usize,
    pub(super) cursor: Option<String>,
}

impl PageRequest {
    /// Entries that a page has at most.
    pub const MOST: usize = 1_000;

    /// The first page, of so many entries (at least one, at most [`Self::MOST`]).
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self {
            limit: limit.clamp(1, Self::MOST),
            cursor: None,
        }
    }

    /// The page after another, by its `next`.
    #[must_use]
    pub fn after(limit: usize, cursor: impl Into<String>) -> Self {
        Self {
            cursor: Some(cursor.into()),
            ..Self::first(limit)
        }
    }

    /// Entries that the page has at most.
    pub(crate) const fn limit(&self) -> usize {
        self.limit
    }

    /// Where it begins.
    pub(crate) fn cursor(&self) -> Option<&str> {
        self.cursor.as_deref()
    }
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries. There may be fewer than were asked for, even none, and yet more to come.
    pub items: Vec<T>,
    /// Where the list goes on; none at its end.
    pub next: Option<String>,
}

/// When what is listed was created: from `from` on, before `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DateRange {
    /// The first instant of the range.
    pub from: Timestamp,
    /// The first instant after it.
    pub to: Timestamp,
}

impl DateRange {
    /// The range that ends just after `now` and begins so many days before it.
    #[must_use]
    pub fn last_days(now: Timestamp, days: u32) -> Self {
        let back = i64::from(days) * 24 * 60 * 60 * 1000;
        Self {
            from: Timestamp::from_millis(now.millis().saturating_sub(back)),
            to: now.plus_millis(1),
        }
    }

    fn bounds(self) -> (AttributeValue, AttributeValue) {
        (number(self.from.millis()), number(self.to.millis() - 1))
    }

    /// The days that it touches, newest first, as dates.
    fn dates(self) -> Result<Vec<String>, Error> {
        let days = self.to.millis_since(self.from).div_ceil(DAY_MILLIS);
        if days > MOST_DAYS {
            return Err(Error::RangeTooWide {
                days,
                limit: MOST_DAYS,
            });
        }
        let mut dates = Vec::new();
        let mut day = self.from.millis() - self.from.millis().rem_euclid(DAY_MILLIS.cast_signed());
        while day < self.to.millis() {
            dates.push(Timestamp::from_millis(day).date());
            day += DAY_MILLIS.cast_signed();
        }
        dates.reverse();
        Ok(dates)
    }
}

/// What a list asks of an index.
pub(crate) struct IndexQuery<'a> {
    pub(crate) table: &'a str,
    pub(crate) index: &'static str,
    pub(crate) partition_key: &'static str,
    pub(crate) partitions: Vec<AttributeValue>,
    pub(crate) sort_key: SortKey,
    /// The first and the last sort key.
    pub(crate) bounds: (AttributeValue, AttributeValue),
    pub(crate) order: Order,
    pub(crate) filter: Filter,
}

/// Which entries of a partition a list shows.
#[derive(Debug)]
pub(crate) enum Filter {
    /// All.
    None,
    /// Those that pass, perhaps few.
    Selective(Expression),
    /// All or none: whether the caller may see them.
    Guard(Expression),
}

/// A filter expression and its values.
#[derive(Debug, Default)]
pub(crate) struct Expression {
    pub(crate) text: String,
    pub(crate) values: Vec<(&'static str, AttributeValue)>,
}

/// The sort key of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SortKey {
    Number(&'static str),
    Text(&'static str),
}

/// Which end of a partition comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    OldestFirst,
    NewestFirst,
}

impl<'a> IndexQuery<'a> {
    /// Records by their creation, newest first.
    pub(crate) fn by_creation(
        table: &'a str,
        index: &'static str,
        partition_key: &'static str,
        partitions: impl IntoIterator<Item = String>,
        range: DateRange,
    ) -> Self {
        // The database refuses a range that ends before it begins.
        let partitions = partitions.into_iter().filter(|_| range.from < range.to);
        Self {
            table,
            index,
            partition_key,
            partitions: partitions.map(text).collect(),
            sort_key: SortKey::Number("at"),
            bounds: range.bounds(),
            order: Order::NewestFirst,
            filter: Filter::None,
        }
    }

    /// Everything that makes this query give what it gives.
    fn description(&self) -> String {
        let Self {
            index,
            partitions,
            bounds,
            order,
            filter,
            ..
        } = self;
        format!("{index} {partitions:?} {bounds:?} {order:?} {filter:?}")
    }
}

/// The partitions of a terminal status: newest day first, each with its shards.
pub(crate) fn by_day(
    range: DateRange,
    shards: u8,
    partition: impl Fn(u8, &str) -> String,
) -> Result<Vec<String>, Error> {
    let dates = range.dates()?;
    let of_day = |date: &String| {
        (0..shards.max(1))
            .map(|shard| partition(shard, date))
            .collect()
    };
    Ok(dates
        .iter()
        .flat_map(|date| -> Vec<String> { of_day(date) })
        .collect())
}

/// A page of what the query finds, each entry read by `read`.
pub(crate) async fn page<T>(
    store: &Store,
    query: &IndexQuery<'_>,
    request: &PageRequest,
    read: impl Fn(&Item) -> Result<T, Error>,
) -> Result<Page<T>, Error> {
    let description = query.description();
    let start = match &request.cursor {
        Some(cursor) => Cursor::decode(cursor, &description)?,
        None => Cursor::new(&description, 0, None),
    };
    let (mut partition, mut after) = (start.partition, start.after);
    let mut items = Vec::new();
    let mut left = QUERIES;
    while let Some(key) = query.partitions.get(partition) {
        if left == 0 || items.len() == request.limit {
            let next = Cursor::new(&description, partition, after).encode();
            return Ok(Page {
                items,
                next: Some(next),
            });
        }
        left -= 1;
        let room = request.limit - items.len();
        let found = ask(store, query, key, after.as_ref(), room).await?;
        after = found.next;
        if after.is_none() {
            partition += 1;
        }
        for entry in &found.entries {
            items.push(read(entry)?);
        }
    }
    Ok(Page { items, next: None })
}

struct Found {
    entries: Vec<Item>,
    next: Option<Entry>,
}

async fn ask(
    store: &Store,
    query: &IndexQuery<'_>,
    partition: &AttributeValue,
    after: Option<&Entry>,
    room: usize,
) -> Result<Found, Error> {
    let (SortKey::Number(sort) | SortKey::Text(sort)) = query.sort_key;
    let (filter, at_once) = match &query.filter {
        Filter::None => (None, room),
        Filter::Selective(filter) => (Some(filter), FILTERED_AT_ONCE.max(room)),
        Filter::Guard(filter) => (Some(filter), room),
    };
    let mut request = store
        .client
        .query()
        .table_name(query.table)
        .index_name(query.index)
        .key_condition_expression("#p = :p AND #s BETWEEN :low AND :high")
        .expression_attribute_names("#p", query.partition_key)
        .expression_attribute_names("#s", sort)
        .expression_attribute_values(":p", partition.clone())
        .expression_attribute_values(":low", query.bounds.0.clone())
        .expression_attribute_values(":high", query.bounds.1.clone())
        .scan_index_forward(query.order == Order::OldestFirst)
        .limit(i32::try_from(at_once).unwrap_or(i32::MAX))
        .set_filter_expression(filter.map(|filter| filter.text.clone()));
    for (name, value) in filter.iter().flat_map(|filter| &filter.values) {
        request = request.expression_attribute_values(*name, value.clone());
    }
    if let Some(entry) = after {
        request = request.set_exclusive_start_key(Some(start_key(query, partition, entry)?));
    }
    let answer = request
        .send()
        .await
        .map_err(|error| Error::aws("Query", error))?;
    let mut entries = answer.items.unwrap_or_default();
    let mut last = answer.last_evaluated_key;
    if entries.len() > room {
        entries.truncate(room);
        last = entries.last().cloned();
    }
    let next = last.map(|key| entry_of(query, &key)).transpose()?;
    Ok(Found { entries, next })
}

/// An entry's place, of its key or of the entry itself.
fn entry_of(query: &IndexQuery<'_>, item: &Item) -> Result<Entry, Error> {
    let read = Reader::new(item, query.index);
    let sort = match query.sort_key {
        SortKey::Number(name) => read.number::<i64>(name)?.to_string(),
        SortKey::Text(name) => read.text(name)?.to_owned(),
    };
    Ok(Entry {
        sort,
        id: read.id("id")?,
    })
}

/// The key to go on from. Its partition is the query's own, whatever the cursor says, and its
/// sort key is one that the query could have found.
fn start_key(
    query: &IndexQuery<'_>,
    partition: &AttributeValue,
    entry: &Entry,
) -> Result<Item, BadCursor> {
    let (low, high) = &query.bounds;
    let (sort, value) = match query.sort_key {
        SortKey::Number(name) => {
            let place: i64 = entry.sort.parse().map_err(|_| BadCursor)?;
            let bound = |value: &AttributeValue| value.as_n().ok().and_then(|n| n.parse().ok());
            if bound(low).is_some_and(|low: i64| place < low)
                || bound(high).is_some_and(|high: i64| place > high)
            {
                return Err(BadCursor);
            }
            (name, number(place))
        }
        SortKey::Text(name) => {
            let bound = |value: &AttributeValue| value.as_s().cloned().unwrap_or_default();
            if entry.sort < bound(low) || entry.sort > bound(high) {
                return Err(BadCursor);
            }
            (name, text(entry.sort.clone()))
        }
    };
    Ok(Item::from([
        (query.partition_key.to_owned(), partition.clone()),
        (sort.to_owned(), value),
        ("id".to_owned(), id(entry.id)),
        ("part".to_owned(), text(HEAD)),
    ]))
}

/// The record that an entry is of.
pub(crate) fn record_of(item: &Item, index: &str) -> Result<Uuid, Error> {
    Reader::new(item, index).id("id")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn check(from: &str, to: &str, expected: &[&str]) {
        let range = DateRange {
            from: at(from),
            to: at(to),
        };
        assert_eq!(range.dates().unwrap(), expected);
    }

    #[test]
    fn a_range_touches_the_days_it_has_an_instant_of() {
        check("2026-11-21T00:00:00Z", "2026-11-21T00:00:00Z", &[]);
        check(
            "2026-11-21T00:00:00Z",
            "2026-11-22T00:00:00Z",
            &["2026-11-21"],
        );
        check(
            "2026-11-20T23:59:59.999Z",
            "2026-11-22T00:00:00.001Z",
            &["2026-11-22", "2026-11-21", "2026-11-20"],
        );
        check(
            "1969-12-31T12:00:00Z",
            "1970-01-01T12:00:00Z",
            &["1970-01-01", "1969-12-31"],
        );
        check("2026-11-22T00:00:00Z", "2026-11-21T00:00:00Z", &[]);
    }

    #[test]
    fn a_range_over_the_limit_is_refused() {
        let range = DateRange {
            from: at("0000-01-01T00:00:00Z"),
            to: at("9999-12-31T00:00:00Z"),
        };
        assert_eq!(range.dates().unwrap_err().code(), Some("OUT_OF_RANGE"));
    }
}
