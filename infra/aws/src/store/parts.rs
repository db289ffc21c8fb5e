//! Which of a record's values stand in its head, which beside it, and which in the bucket.
//!
//! A head that DynamoDB counts at no more than [`HEAD_BYTES`] costs one write unit. Values that
//! do not fit move out, the largest first, into immutable parts named by their content; values
//! over [`INLINE_BYTES`] go to the payload bucket, and the head itself holds the reference, which
//! saves the write of a part. A writer that comes late can thus overwrite nothing, and the head's
//! write is what commits.
//!
//! **When parts expire.** A part outlives every write of its head by two to three years: its
//! time to live is the end of the second year (of 365 days) after the one it was written in, a
//! head that is written in a later year than its predecessor renews the parts that it points to,
//! and a head that outlives them (`expiresAt` is later, or the record has ended and is kept for
//! ever) takes them along. So an orphan (its head's write failed, or a later head points
//! elsewhere) is gone after three years at most, and no live record loses a part. Deleting the
//! parts of a deleted head earlier, and objects of the bucket, is the archive's business.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::Value;
use taskmill::ids::TenantId;
use taskmill::task::instance::VariablesSnapshot;
use taskmill::{JsonObject, Timestamp, limits};
use uuid::Uuid;

use super::Error;
use super::codec::{Item, key, number, text};
use super::size::item_size;
use crate::payloads::{ContentHash, INLINE_BYTES, PayloadKey, PayloadKind};

/// Bytes of a head that is one write unit, with some room below DynamoDB's 1,024.
pub const HEAD_BYTES: usize = 1_000;

/// Bytes of variables, as compact JSON, up to which they are copied into each task; larger ones
/// stand beside their workflow, once, and tasks point to them.
pub const SNAPSHOT_BYTES: usize = 200;

/// The attribute of a workflow's variables, and of a task's copy of them.
pub(crate) const VARIABLES: &str = "vs";

/// The name of a record's head.
pub(crate) const HEAD: &str = "head";
/// The last name that a part of this file may have. Heads sort before parts, so that a query
/// reads the head first: what it points to was written before it.
pub(crate) const LAST_PART: &str = "p#~";

/// The first byte of a reference to a part of the same partition.
const IN_PART: u8 = b'p';
/// The first byte of a reference to an object of the payload bucket.
const IN_BUCKET: u8 = b'b';
/// The first byte of a reference to an object of another record of the same kind.
const OF_OTHER: u8 = b'o';

/// Values around a value that can still be read: the JSON library stops at 128.
const MOST_NESTED: usize = 120;

const YEAR_SECONDS: i64 = 365 * 24 * 60 * 60;

/// A value that may stand beside its head.
pub(crate) struct Movable {
    /// The attribute that holds the value, or the reference to it.
    pub(crate) attribute: &'static str,
    /// The value as text.
    pub(crate) text: String,
    /// What the text is.
    pub(crate) form: Form,
    /// The size above which it never stands in the head.
    pub(crate) most_inline: usize,
}

/// What a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Json,
    Plain,
}

impl Movable {
    pub(crate) const fn json(attribute: &'static str, text: String) -> Self {
        Self {
            attribute,
            text,
            form: Form::Json,
            most_inline: INLINE_BYTES,
        }
    }

    pub(crate) const fn plain(attribute: &'static str, text: String) -> Self {
        Self {
            attribute,
            text,
            form: Form::Plain,
            most_inline: INLINE_BYTES,
        }
    }
}

/// A value that stands beside its head.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) attribute: &'static str,
    pub(crate) place: Place,
    pub(crate) text: String,
}

/// Where a value stands that is not in the head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In a part of the same partition.
    Part(ContentHash),
    /// In the payload bucket.
    Bucket(ContentHash),
    /// In the payload bucket, as part of another record of the same kind.
    OfOther(ContentHash, Uuid),
}

/// When a record's parts expire, in epoch seconds. Never is later than any time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Expiry {
    At(i64),
    Never,
}

/// A record as it is to be written.
pub(crate) struct Encoded {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) kind: PayloadKind,
    pub(crate) version: u64,
    pub(crate) head: Item,
    pub(crate) outside: Vec<Outside>,
    pub(crate) expiry: Expiry,
}

impl Encoded {
    /// Kind and id, for errors.
    pub(crate) fn record(&self) -> String {
        record_name(self.kind, self.id)
    }
}

pub(crate) fn record_name(kind: PayloadKind, id: Uuid) -> String {
    match kind {
        PayloadKind::Task => format!("task {id}"),
        PayloadKind::Workflow => format!("workflow {id}"),
        PayloadKind::Message => format!("message {id}"),
    }
}

/// What a task of a workflow with these variables remembers of them. A workflow's write stores
/// what the snapshot names before any task can point to it.
#[must_use]
pub fn snapshot_of(variables: &JsonObject) -> VariablesSnapshot {
    let text = object_text(variables);
    if text.len() <= SNAPSHOT_BYTES {
        VariablesSnapshot::Inline(variables.clone())
    } else {
        VariablesSnapshot::OfWorkflow(ContentHash::of(&text).to_string())
    }
}

pub(crate) fn object_text(object: &JsonObject) -> String {
    Value::Object(object.clone()).to_string()
}

/// Puts the values into the head as far as they fit, largest out first.
///
/// # Errors
/// A value is over [`limits::PAYLOAD_BYTES`], or nested so deeply that it could not be read again.
pub(crate) fn fit(
    record: &str,
    mut head: Item,
    movables: Vec<Movable>,
) -> Result<(Item, Vec<Outside>), Error> {
    let mut outside = Vec::new();
    let mut inline = Vec::new();
    for movable in movables {
        check_size(record, &movable)?;
        let bytes = movable.text.len();
        if bytes > INLINE_BYTES {
            outside.push(move_out(&mut head, movable, Place::Bucket));
        } else if bytes > movable.most_inline {
            outside.push(move_out(&mut head, movable, Place::Part));
        } else {
            head.insert(movable.attribute.to_owned(), text(movable.text.clone()));
            inline.push(movable);
        }
    }
    inline.sort_by_key(|movable| movable.text.len());
    while item_size(&head) > HEAD_BYTES {
        match inline.pop() {
            Some(movable) if movable.text.len() > 1 + ContentHash::LENGTH => {
                outside.push(move_out(&mut head, movable, Place::Part));
            }
            // What is left would only grow by moving: a head may cost more than one unit.
            _ => break,
        }
    }
    Ok((head, outside))
}

fn check_size(record: &str, movable: &Movable) -> Result<(), Error> {
    let (record, what) = (record.to_owned(), field_name(movable.attribute));
    let bytes = movable.text.len();
    if bytes > limits::PAYLOAD_BYTES {
        return Err(Error::TooLarge {
            record,
            what,
            bytes,
            limit: limits::PAYLOAD_BYTES,
        });
    }
    if movable.form == Form::Json && nesting(&movable.text) > MOST_NESTED {
        return Err(Error::TooDeep {
            record,
            what,
            limit: MOST_NESTED,
        });
    }
    Ok(())
}

/// How many arrays and objects stand around the innermost value of a JSON text.
fn nesting(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// What users call the values that can be large.
fn field_name(attribute: &'static str) -> &'static str {
    match attribute {
        "in" => "input",
        "out" => "output",
        VARIABLES => "variables",
        other => other,
    }
}

fn move_out(head: &mut Item, movable: Movable, to: fn(ContentHash) -> Place) -> Outside {
    let place = to(ContentHash::of(&movable.text));
    head.insert(movable.attribute.to_owned(), reference(place));
    Outside {
        attribute: movable.attribute,
        place,
        text: movable.text,
    }
}

pub(crate) fn reference(place: Place) -> AttributeValue {
    let (tag, hash, other) = match place {
        Place::Part(hash) => (IN_PART, hash, None),
        Place::Bucket(hash) => (IN_BUCKET, hash, None),
        Place::OfOther(hash, other) => (OF_OTHER, hash, Some(other)),
    };
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&hash.bytes());
    bytes.extend(other.into_iter().flat_map(Uuid::into_bytes));
    AttributeValue::B(Blob::new(bytes))
}

/// The place that an attribute of a head refers to; none when it holds its value itself.
pub(crate) fn referred(value: &AttributeValue) -> Option<Result<Place, &'static str>> {
    let AttributeValue::B(bytes) = value else {
        return None;
    };
    let Some((tag, rest)) = bytes.as_ref().split_first() else {
        return Some(Err("it refers to nothing"));
    };
    let place = match rest.split_first_chunk::<{ ContentHash::LENGTH }>() {
        Some((hash, other)) => match (*tag, Uuid::from_slice(other)) {
            (IN_PART, Err(_)) if other.is_empty() => Ok(Place::Part((*hash).into())),
            (IN_BUCKET, Err(_)) if other.is_empty() => Ok(Place::Bucket((*hash).into())),
            (OF_OTHER, Ok(other)) => Ok(Place::OfOther((*hash).into(), other)),
            _ => Err("it refers to an unknown place"),
        },
        None => Err("it refers to an unknown place"),
    };
    Some(place)
}

/// The name of a part.
pub(crate) fn part_name(attribute: &str, hash: ContentHash) -> String {
    format!("p#{attribute}#{hash}")
}

/// The key of an object.
pub(crate) fn payload_key(
    tenant: &TenantId,
    kind: PayloadKind,
    record: Uuid,
    attribute: &'static str,
    hash: ContentHash,
) -> PayloadKey {
    PayloadKey::new(tenant, kind, record, field_name(attribute), hash)
}

/// The attribute of a part that holds its value.
pub(crate) const BODY: &str = "b";

/// A part as an item.
pub(crate) fn part_item(record: Uuid, name: String, body: &str, expiry: Expiry) -> Item {
    let mut item = key(record, name);
    item.insert(BODY.to_owned(), text(body));
    set_expiry(&mut item, expiry);
    item
}

/// Has an item expire at this time.
pub(crate) fn set_expiry(item: &mut Item, expiry: Expiry) {
    match expiry {
        Expiry::At(seconds) => item.insert("ttl".to_owned(), number(seconds)),
        Expiry::Never => item.remove("ttl"),
    };
}

/// When the parts of a record expire that was last written at `updated`.
pub(crate) fn open_expiry(updated: Timestamp) -> Expiry {
    let year = updated.epoch_seconds().div_euclid(YEAR_SECONDS);
    Expiry::At((year + 3) * YEAR_SECONDS)
}

/// When the parts of an ended record expire: never before the record.
pub(crate) fn ended_expiry(updated: Timestamp, expires: Option<Timestamp>) -> Expiry {
    match expires {
        Some(expires) => open_expiry(updated).max(Expiry::At(expires.epoch_seconds())),
        None => Expiry::Never,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fitted(sizes: &[usize]) -> (usize, Vec<&'static str>) {
        let names = ["in", "out", "er"];
        let movables = names.into_iter().zip(sizes);
        let movables = movables
            .map(|(name, size)| Movable::plain(name, "x".repeat(*size)))
            .collect();
        let (head, outside) = fit("task", key(Uuid::nil(), HEAD), movables).unwrap();
        (
            item_size(&head),
            outside.iter().map(|part| part.attribute).collect(),
        )
    }

    #[test]
    fn the_largest_values_leave_a_head_that_is_over_its_size() {
        // The key takes 26 bytes, a reference 17 and its name.
        assert_eq!(fitted(&[972]), (1_000, vec![]));
        assert_eq!(fitted(&[973]), (26 + 2 + 17, vec!["in"]));
        assert_eq!(fitted(&[400, 500, 67]), (1_000, vec![]));
        assert_eq!(
            fitted(&[400, 500, 70]),
            (26 + 402 + 3 + 17 + 72, vec!["out"])
        );
        assert_eq!(fitted(&[900, 950, 20]).1, ["out"]);
        assert_eq!(fitted(&[5_000, 9_000, 990]).1, ["out", "in", "er"]);
    }

    #[test]
    fn payloads_over_eight_kib_go_to_the_bucket() {
        for (size, in_bucket) in [(INLINE_BYTES, false), (INLINE_BYTES + 1, true)] {
            let movables = vec![Movable::plain("in", "x".repeat(size))];
            let (_, outside) = fit("task", Item::new(), movables).unwrap();
            assert_eq!(
                matches!(outside[0].place, Place::Bucket(_)),
                in_bucket,
                "{size}"
            );
        }
    }

    #[test]
    fn a_payload_over_the_limit_is_refused_by_name() {
        let movables = vec![Movable::plain("out", "x".repeat(limits::PAYLOAD_BYTES + 1))];
        let error = fit("task 1", Item::new(), movables).unwrap_err();
        assert_eq!(
            error.to_string(),
            "output of task 1 has 67108865 bytes, more than 67108864"
        );
        assert_eq!(error.code(), Some("PAYLOAD_TOO_LARGE"));
    }

    #[test]
    fn what_could_not_be_read_again_is_not_written() {
        for (text, depth) in [
            ("1", 0),
            ("[[]]", 2),
            (r#"{"a":["]}\"[",{}]}"#, 3),
            ("[[],[[]]]", 3),
        ] {
            assert_eq!(nesting(text), depth, "{text}");
        }
        for (depth, readable) in [(MOST_NESTED, true), (MOST_NESTED + 1, false)] {
            let text = "[".repeat(depth) + &"]".repeat(depth);
            assert!(serde_json::from_str::<Value>(&text).is_ok());
            let fitted = fit("task", Item::new(), vec![Movable::json("in", text)]);
            assert_eq!(fitted.is_ok(), readable, "{depth}");
        }
    }

    #[test]
    fn a_reference_survives_its_attribute() {
        let hash = ContentHash::of("x");
        let other = Place::OfOther(hash, Uuid::from_u128(7));
        for place in [Place::Part(hash), Place::Bucket(hash), other] {
            assert_eq!(referred(&reference(place)), Some(Ok(place)));
        }
        assert_eq!(referred(&text("x")), None);
        let bad = [
            &b""[..],
            b"p",
            b"x0123456789abcdef",
            b"b0123456789abcdefg",
            b"o0123456789abcdef",
        ];
        for bad in bad {
            let value = AttributeValue::B(Blob::new(bad));
            assert!(matches!(referred(&value), Some(Err(_))), "{bad:?}");
        }
    }

    #[test]
    fn heads_sort_before_their_parts() {
        assert!(HEAD < part_name("a", ContentHash::of("")).as_str());
        assert!(part_name("zz", ContentHash::of("")).as_str() < LAST_PART);
    }

    #[test]
    fn snapshots_are_copied_while_they_are_small() {
        let object =
            |size: usize| JsonObject::from_iter([("k".to_owned(), json!("x".repeat(size - 8)))]);
        let small = object(SNAPSHOT_BYTES);
        assert_eq!(snapshot_of(&small), VariablesSnapshot::Inline(small));
        let large = object(SNAPSHOT_BYTES + 1);
        let hash = ContentHash::of(&Value::Object(large.clone()).to_string()).to_string();
        assert_eq!(snapshot_of(&large), VariablesSnapshot::OfWorkflow(hash));
    }

    #[test]
    fn parts_outlive_the_last_write_of_their_head_by_two_years() {
        let day = 24 * 60 * 60;
        for days in [0, 1, 364, 365, 20_000, 20_439] {
            let written = Timestamp::from_millis(days * day * 1000);
            let Expiry::At(expiry) = open_expiry(written) else {
                panic!("{days}")
            };
            let left = expiry - written.epoch_seconds();
            assert!((2 * 365 * day < left) && (left <= 3 * 365 * day), "{days}");
            assert!(ended_expiry(written, None) > Expiry::At(expiry));
            let late = Timestamp::from_millis((expiry + day) * 1000);
            assert_eq!(ended_expiry(written, Some(late)), Expiry::At(expiry + day));
            assert_eq!(ended_expiry(written, Some(written)), Expiry::At(expiry));
        }
    }
}
