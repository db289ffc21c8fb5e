//! Objects: the four calls that a payload store makes, over a directory or memory.
//!
//! Buckets need no creation. A key becomes a file name by its hash, so that no key reaches outside of
//! the directory or is too long for a file system; it is compared as the SDK encodes it. Content
//! types and metadata are not kept. A file is written beside its place, synced and renamed into it:
//! a reader sees all of an object or none, and what was answered survives a crash.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use sha2::{Digest as _, Sha256};

use crate::account::HOST;
use crate::sqs::md5_of_body;
use crate::wire::Answer;

/// The objects of one embedded AWS. Clones share them.
#[derive(Debug, Clone)]
pub(crate) enum Objects {
    Memory(Arc<Mutex<HashMap<Place, Bytes>>>),
    Directory(Arc<Directory>),
}

#[derive(Debug)]
pub(crate) struct Directory {
    root: PathBuf,
    /// Names of files that are being written, unique within the process that has the lock.
    written: AtomicU64,
}

/// A bucket and a key in it, as the wire spells them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    bucket: String,
    key: String,
}

/// One call, as far as it is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operation {
    PutObject,
    GetObject,
    HeadObject,
    DeleteObject,
    Unknown,
}

/// When a put may take effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Precondition {
    Always,
    /// `If-None-Match: *`
    Absent,
}

/// A request's target, read from its method and address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub operation: Operation,
    place: Option<Place>,
}

impl Operation {
    pub const fn name(self) -> &'static str {
        match self {
            Self::PutObject => "PutObject",
            Self::GetObject => "GetObject",
            Self::HeadObject => "HeadObject",
            Self::DeleteObject => "DeleteObject",
            Self::Unknown => "Unknown",
        }
    }
}

impl Target {
    /// Reads a target from either kind of address, `http://bucket.host/key` or `http://host/bucket/key`.
    pub fn of(method: &str, uri: &str) -> Self {
        let address = uri.split_once("://").map_or(uri, |(_, rest)| rest);
        let (host, path) = address.split_once('/').unwrap_or((address, ""));
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let place = place(host, path);
        let plain = query.is_empty() || query.starts_with("x-id=") && !query.contains('&');
        let operation = match (method, plain && place.is_some()) {
            ("PUT", true) => Operation::PutObject,
            ("GET", true) => Operation::GetObject,
            ("HEAD", true) => Operation::HeadObject,
            ("DELETE", true) => Operation::DeleteObject,
            (_, _) => Operation::Unknown,
        };
        Self { operation, place }
    }
}

impl Objects {
    pub fn in_memory() -> Self {
        Self::Memory(Arc::default())
    }

    pub fn open(root: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&root)?;
        Ok(Self::Directory(Arc::new(Directory {
            root,
            written: AtomicU64::new(0),
        })))
    }

    pub async fn answer(&self, target: Target, body: Bytes, precondition: Precondition) -> Answer {
        match self {
            Self::Memory(_) => self.act(target, body, precondition),
            Self::Directory(_) => {
                let objects = self.clone();
                let act = move || objects.act(target, body, precondition);
                let acted = tokio::task::spawn_blocking(act).await;
                acted.unwrap_or_else(|error| failed(&io::Error::other(error)))
            }
        }
    }

    fn act(&self, target: Target, body: Bytes, precondition: Precondition) -> Answer {
        let Some(place) = target.place else {
            return unknown();
        };
        let done = match target.operation {
            Operation::PutObject => self.put(&place, body, precondition),
            Operation::GetObject => self
                .get(&place)
                .map(|found| found.map_or_else(absent, whole)),
            Operation::HeadObject => self.get(&place).map(|found| found.map_or_else(gone, head)),
            Operation::DeleteObject => self.delete(&place).map(|()| empty(204)),
            Operation::Unknown => return unknown(),
        };
        done.unwrap_or_else(|error| failed(&error))
    }

    fn put(&self, place: &Place, body: Bytes, precondition: Precondition) -> io::Result<Answer> {
        let etag = etag(&body);
        let written = match self {
            Self::Memory(objects) => {
                let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
                let free = precondition == Precondition::Always || !objects.contains_key(place);
                if free {
                    objects.insert(place.clone(), body);
                }
                free
            }
            Self::Directory(directory) => directory.write(place, &body, precondition)?,
        };
        if !written {
            return Ok(Answer::xml_error(
                412,
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold",
            ));
        }
        let mut answer = empty(200);
        answer.headers.push(("etag", etag));
        Ok(answer)
    }

    fn get(&self, place: &Place) -> io::Result<Option<Bytes>> {
        match self {
            Self::Memory(objects) => {
                let objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(objects.get(place).cloned())
            }
            Self::Directory(directory) => found(fs::read(directory.file(place))),
        }
    }

    fn delete(&self, place: &Place) -> io::Result<()> {
        match self {
            Self::Memory(objects) => {
                let mut objects = objects.lock().unwrap_or_else(PoisonError::into_inner);
                objects.remove(place);
                Ok(())
            }
            Self::Directory(directory) => {
                let removed = fs::remove_file(directory.file(place)).map(|()| Vec::new());
                found(removed).map(|_| ())
            }
        }
    }
}

impl Directory {
    fn file(&self, place: &Place) -> PathBuf {
        self.bucket(place).join(hashed(&place.key))
    }

    fn bucket(&self, place: &Place) -> PathBuf {
        self.root.join(hashed(&place.bucket))
    }

    /// Writes an object whole, and says whether its precondition held.
    fn write(&self, place: &Place, body: &[u8], precondition: Precondition) -> io::Result<bool> {
        let bucket = self.bucket(place);
        fs::create_dir_all(&bucket)?;
        let number = self.written.fetch_add(1, Ordering::Relaxed);
        let beside = bucket.join(format!("{number}.part"));
        let written = write_synced(&beside, body)
            .and_then(|()| into_place(&beside, &self.file(place), precondition));
        if matches!(written, Ok(true)) {
            fs::File::open(&bucket)?.sync_all()?;
        } else {
            // A leftover would be overwritten by a later process: nothing hangs on its removal.
            let _ = fs::remove_file(&beside);
        }
        written
    }
}

fn write_synced(file: &Path, body: &[u8]) -> io::Result<()> {
    let mut file = fs::File::create(file)?;
    file.write_all(body)?;
    file.sync_all()
}

fn into_place(from: &Path, to: &Path, precondition: Precondition) -> io::Result<bool> {
    match precondition {
        Precondition::Always => fs::rename(from, to).map(|()| true),
        // A link fails where a rename would replace.
        Precondition::Absent => match fs::hard_link(from, to) {
            Ok(()) => fs::remove_file(from).map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        },
    }
}

fn place(host: &str, path: &str) -> Option<Place> {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let bucket = host
        .strip_suffix(HOST)
        .or_else(|| host.strip_suffix("localhost"))
        .and_then(|rest| rest.strip_suffix('.'));
    let (bucket, key) = match bucket {
        Some(bucket) => (bucket, path),
        None => path.split_once('/')?,
    };
    (!bucket.is_empty() && !key.is_empty()).then(|| Place {
        bucket: bucket.to_owned(),
        key: key.to_owned(),
    })
}

fn found(result: io::Result<Vec<u8>>) -> io::Result<Option<Bytes>> {
    match result {
        Ok(bytes) => Ok(Some(bytes.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn hashed(name: &str) -> String {
    let digest = Sha256::digest(name.as_bytes());
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn etag(body: &[u8]) -> String {
    format!("\"{}\"", md5_of_body(body))
}

fn whole(body: Bytes) -> Answer {
    Answer {
        body: body.clone(),
        ..head(body)
    }
}

fn head(body: Bytes) -> Answer {
    let mut answer = empty(200);
    answer.headers.push(("etag", etag(&body)));
    let length = body.len().to_string();
    answer.headers.push(("content-length", length));
    answer
}

fn empty(status: u16) -> Answer {
    Answer {
        status,
        headers: Vec::new(),
        body: Bytes::new(),
    }
}

fn absent() -> Answer {
    Answer::xml_error(404, "NoSuchKey", "The specified key does not exist.")
}

/// What a HEAD answers: an error without a body.
fn gone() -> Answer {
    empty(404)
}

fn unknown() -> Answer {
    Answer::xml_error(
        501,
        "NotImplemented",
        "The embedded S3 puts, gets, heads and deletes objects, and nothing else.",
    )
}

fn failed(error: &io::Error) -> Answer {
    Answer::xml_error(500, "InternalError", &error.to_string())
}
