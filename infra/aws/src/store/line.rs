//! The line of a definition or a tenant that is limited: who has a place, and who waits.
//!
//! A line is a partition of its own in the table of tasks. Its places are one item, replaced under
//! a condition on its version, so that no two writers give the same place away. Each of those who
//! wait is an item of their own, named by where they stand: joining a line, however long it is, is
//! one small write that nobody else contends for, and the first of those who wait stand behind the
//! places and are read with them. Golden items in the tests pin the format.
//!
//! | item | `part` | attributes |
//! |---|---|---|
//! | places | `places` | `v`: version; `w`: the write, by a number of its own; `pl`: a list of execution id, until, when it began, and whether a worker that polls has it; `st`: of the starts that a rate counts, until when and how many, one after the other; `la`: when somebody looks at it |
//! | one who waits | `wait#`order | `t`: task; `n`: attempt; `pr`: priority; `cl`: how many at once its version allows; `rl`, `rm`: how many begin in so many milliseconds |

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::put_item::PutItemError;
use aws_sdk_dynamodb::types::{AttributeValue, ReturnValuesOnConditionCheckFailure};
use taskmill::Timestamp;
use taskmill::ids::{ExecutionId, LineId, TaskId};
use taskmill::task::TaskPriority;
use taskmill::task::concurrency::{Limits, Line, Place, Seen, Started, Waiter};
use uuid::Uuid;

use super::codec::{Item, Reader, Writer, id as id_value, key, number, text};
use super::task_item::{priority_of, rate, write_rate};
use super::{Error, Store};
use crate::unique::unique;

/// The part of the places. It sorts behind what a record may have, and before those who wait.
const PLACES: &str = "places";
/// What the parts of those who wait begin with.
const WAIT: &str = "wait#";
/// The last name that a part of one who waits may have.
const LAST: &str = "wait#~";
/// How many of those who wait are read at a time: most often one place is free.
const WAITING_AT_ONCE: usize = 8;

impl Store {
    /// A line: its places, and the first of those who wait.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn line(&self, id: LineId) -> Result<Seen, Error> {
        let limit = i32::try_from(WAITING_AT_ONCE + 1).unwrap_or(i32::MAX);
        let answer = self
            .client
            .query()
            .table_name(&self.tables.tasks)
            .consistent_read(true)
            .key_condition_expression("id = :id AND part BETWEEN :places AND :last")
            .expression_attribute_values(":id", id_value(id.uuid()))
            .expression_attribute_values(":places", text(PLACES))
            .expression_attribute_values(":last", text(LAST))
            .limit(limit)
            .send()
            .await
            .map_err(|error| Error::aws("Query", error))?;
        let name = name_of(id);
        let more = answer.last_evaluated_key.is_some();
        let mut seen = Seen {
            more,
            ..Seen::default()
        };
        for item in answer.items.unwrap_or_default() {
            let read = Reader::new(&item, &name);
            match read.text("part")?.strip_prefix(WAIT) {
                Some(order) => seen.waiting.push(decode_waiter(&read, order)?),
                None => seen.line = decode_line(&read, &item)?,
            }
        }
        Ok(seen)
    }

    /// Sees more of a line: those who stand behind the last that was seen.
    ///
    /// # Errors
    /// [`Error::Corrupt`], [`Error::Aws`].
    pub async fn see_on(&self, id: LineId, seen: &mut Seen) -> Result<(), Error> {
        let last = seen.waiting.last().map(|waiter| waiter.order.as_str());
        let limit = i32::try_from(WAITING_AT_ONCE).unwrap_or(i32::MAX);
        let answer = self
            .client
            .query()
            .table_name(&self.tables.tasks)
            .consistent_read(true)
            .key_condition_expression("id = :id AND part BETWEEN :wait AND :last")
            .expression_attribute_values(":id", id_value(id.uuid()))
            .expression_attribute_values(":wait", text(WAIT))
            .expression_attribute_values(":last", text(LAST))
            .set_exclusive_start_key(last.map(|order| key(id.uuid(), format!("{WAIT}{order}"))))
            .limit(limit)
            .send()
            .await
            .map_err(|error| Error::aws("Query", error))?;
        seen.more = answer.last_evaluated_key.is_some();
        let name = name_of(id);
        for item in answer.items.unwrap_or_default() {
            let read = Reader::new(&item, &name);
            let order = read.text("part")?.strip_prefix(WAIT).unwrap_or_default();
            seen.waiting.push(decode_waiter(&read, order)?);
        }
        Ok(())
    }

    /// Replaces a line by what it became. `after` must be the version that follows `before`.
    ///
    /// # Errors
    /// [`Error::VersionConflict`] when the stored line is not `before`, [`Error::Aws`].
    pub async fn replace_line(&self, id: LineId, before: u64, after: &Line) -> Result<(), Error> {
        let item = encode_line(id, after);
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.tasks)
            .set_item(Some(item.clone()));
        let put = match before {
            0 => put.condition_expression("attribute_not_exists(id)"),
            _ => put
                .condition_expression("v = :before")
                .expression_attribute_values(":before", number(before)),
        };
        let put = put
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .send()
            .await;
        let Err(error) = put else {
            self.chain.moved();
            return Ok(());
        };
        match error.as_service_error() {
            // The answer to our own write was lost and the SDK repeated it.
            Some(PutItemError::ConditionalCheckFailedException(conflict))
                if conflict.item.as_ref() == Some(&item) =>
            {
                self.chain.moved();
                Ok(())
            }
            Some(PutItemError::ConditionalCheckFailedException(_)) => Err(Error::VersionConflict {
                record: name_of(id),
                expected: before,
            }),
            _ => Err(Error::aws("PutItem", error)),
        }
    }

    /// Puts one who waits where they stand in line; once, however often it is done.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn join_line(&self, id: LineId, waiter: &Waiter) -> Result<(), Error> {
        let put = self
            .client
            .put_item()
            .table_name(&self.tables.tasks)
            .set_item(Some(encode_waiter(id, waiter)))
            .send()
            .await;
        put.map(drop).map_err(|error| Error::aws("PutItem", error))
    }

    /// Takes one who waits out of the line, if they stand there.
    ///
    /// # Errors
    /// [`Error::Aws`].
    pub async fn leave_line(&self, id: LineId, waiter: &Waiter) -> Result<(), Error> {
        let deleted = self
            .client
            .delete_item()
            .table_name(&self.tables.tasks)
            .set_key(Some(waiter_key(id, waiter)))
            .send()
            .await;
        deleted
            .map(drop)
            .map_err(|error| Error::aws("DeleteItem", error))
    }
}

fn name_of(id: LineId) -> String {
    format!("line {id}")
}

fn waiter_key(id: LineId, waiter: &Waiter) -> Item {
    key(id.uuid(), format!("{WAIT}{}", waiter.order))
}

fn encode_line(id: LineId, line: &Line) -> Item {
    let mut item = Writer::new(key(id.uuid(), PLACES));
    item.set("v", number(line.version));
    // Two writers may mean the very same line, and only one of them may believe that it was theirs.
    item.set("w", number(unique()));
    let places = line.places.iter().map(encode_place);
    item.set("pl", AttributeValue::L(places.collect()));
    if !line.starts.is_empty() {
        let starts = line.starts.iter();
        let starts = starts.flat_map(|one| [number(one.until.millis()), number(one.count)]);
        item.set("st", AttributeValue::L(starts.collect()));
    }
    item.time("la", line.look_at);
    item.finish()
}

fn encode_place(place: &Place) -> AttributeValue {
    let mut values = vec![
        id_value(place.execution_id.uuid()),
        number(place.until.millis()),
    ];
    values.extend(place.began_at.map(|at| number(at.millis())));
    let is_polled = place.began_at.is_some() && place.polled;
    values.extend(is_polled.then_some(AttributeValue::Bool(true)));
    AttributeValue::L(values)
}

fn decode_line(read: &Reader<'_>, item: &HashMap<String, AttributeValue>) -> Result<Line, Error> {
    let places = item.get("pl").and_then(|places| places.as_l().ok());
    let places = places.ok_or_else(|| read.corrupt("it has no places"))?;
    let place = |value| decode_place(value).ok_or_else(|| read.corrupt("pl holds no place"));
    let starts = item.get("st").and_then(|starts| starts.as_l().ok());
    let starts = starts.map(Vec::as_slice).unwrap_or_default();
    let start = |pair| decode_start(pair).ok_or_else(|| read.corrupt("st holds no start"));
    Ok(Line {
        version: read.number("v")?,
        places: places.iter().map(place).collect::<Result<_, _>>()?,
        starts: starts.chunks(2).map(start).collect::<Result<_, _>>()?,
        look_at: read.opt_time("la")?,
    })
}

fn decode_start(pair: &[AttributeValue]) -> Option<Started> {
    let [until, count] = pair else {
        return None;
    };
    Some(Started {
        until: Timestamp::from_millis(until.as_n().ok()?.parse().ok()?),
        count: count.as_n().ok()?.parse().ok()?,
    })
}

fn decode_place(value: &AttributeValue) -> Option<Place> {
    let values = value.as_l().ok()?;
    let execution_id = values.first()?.as_b().ok()?;
    let time = |value: &AttributeValue| {
        let millis = value.as_n().ok()?.parse().ok()?;
        Some(Timestamp::from_millis(millis))
    };
    Some(Place {
        execution_id: ExecutionId::new(Uuid::from_slice(execution_id.as_ref()).ok()?),
        until: time(values.get(1)?)?,
        began_at: match values.get(2) {
            Some(value) => Some(time(value)?),
            None => None,
        },
        polled: values.get(3).is_some(),
    })
}

fn encode_waiter(id: LineId, waiter: &Waiter) -> Item {
    let mut item = Writer::new(waiter_key(id, waiter));
    item.id("t", Some(waiter.task_id.uuid()));
    item.count("n", waiter.attempt);
    if waiter.priority != TaskPriority::default() {
        item.text("pr", waiter.priority.as_str());
    }
    item.count("cl", waiter.limits.concurrency.unwrap_or_default());
    write_rate(&mut item, waiter.limits.rate);
    item.finish()
}

fn decode_waiter(read: &Reader<'_>, order: &str) -> Result<Waiter, Error> {
    Ok(Waiter {
        order: order.to_owned(),
        task_id: TaskId::new(read.id("t")?),
        attempt: read.number("n")?,
        priority: priority_of(read)?,
        limits: Limits {
            concurrency: read.opt_number("cl")?,
            rate: rate(read)?,
        },
    })
}
