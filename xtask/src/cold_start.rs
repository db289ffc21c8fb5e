//! What a cold start of each function takes, as far as it is the function's own.
//!
//! A release binary is started as Lambda starts it, with a Runtime API on loopback, and the time is
//! taken from its start to its first `GET …/invocation/next`: by then it has read its configuration
//! and made its clients, and no call of AWS was made. What Lambda adds (the machine, the download,
//! the first TLS connection) is not in it.

use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// The functions, by the names of their binaries.
const FUNCTIONS: [&str; 7] = [
    "api",
    "api-operations",
    "create-task",
    "execute-task",
    "process-result",
    "schedule-retry",
    "sweep",
];
/// Starts of each function.
const STARTS: usize = 21;
/// The longest that a start is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// The most bytes of a deployment package: 5 MB as Lambda counts them in its own limits.
const MAX_PACKAGE: usize = 5 * 1024 * 1024;
/// How hard a package is compressed: as SAM does it.
const COMPRESSION: Compression = Compression::new(6);

/// What is done about limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Limits {
    /// They are told.
    Told,
    /// Being over one is a failure.
    Kept,
}

/// A function cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not built.
    #[error("{} cannot be read ({source}): build it with cargo build --release", path.display())]
    Binary {
        /// Where it was looked for.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Something of this machine fails.
    #[error(transparent)]
    Machine(#[from] io::Error),
    /// It did not ask for its first event.
    #[error("{function} did not ask for an event: {said}")]
    Silent {
        /// The function.
        function: &'static str,
        /// What it wrote on standard error.
        said: String,
    },
}

/// One start.
#[derive(Debug, Clone, Copy)]
struct Start {
    init: Duration,
    /// The most memory that it had, in KiB.
    memory: u64,
}

/// What was found of one function.
#[derive(Debug)]
struct Found {
    function: &'static str,
    fastest: Duration,
    median: Duration,
    /// KiB.
    memory: u64,
    binary: usize,
    package: usize,
}

/// Measures every function and prints what was found. False when a limit is not kept.
///
/// # Errors
/// A function is not built, or does not start.
pub fn report(folder: &Path, limits: Limits) -> Result<bool, Error> {
    let found: Vec<Found> = FUNCTIONS
        .into_iter()
        .map(|function| measure(folder, function))
        .collect::<Result<_, _>>()?;
    println!("{}", table(&found));
    if limits == Limits::Told {
        return Ok(true);
    }
    let over: Vec<String> = found.iter().filter_map(over).collect();
    over.iter().for_each(|line| eprintln!("{line}"));
    Ok(over.is_empty())
}

fn measure(folder: &Path, function: &'static str) -> Result<Found, Error> {
    let path = folder.join(function);
    let path = if path.is_dir() {
        path.join("bootstrap")
    } else {
        path
    };
    let bytes = fs::read(&path).map_err(|source| Error::Binary {
        path: path.clone(),
        source,
    })?;
    let starts: Vec<Start> = (0..STARTS)
        .map(|_| start(function, &path))
        .collect::<Result<_, _>>()?;
    let mut times: Vec<Duration> = starts.iter().map(|start| start.init).collect();
    times.sort();
    Ok(Found {
        function,
        fastest: times[0],
        median: times[STARTS / 2],
        memory: starts.iter().map(|start| start.memory).max().unwrap_or(0),
        binary: bytes.len(),
        package: deflated(&bytes)?,
    })
}

/// Where `cargo build --release` leaves the functions.
#[must_use]
pub fn release_folder() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target
        .unwrap_or_else(|| root.join("target"))
        .join("release")
}

/// Starts a function once, and ends it when it asks for its first event.
fn start(function: &'static str, path: &Path) -> Result<Start, Error> {
    let runtime_api = TcpListener::bind("127.0.0.1:0")?;
    let address = runtime_api.local_addr()?.to_string();
    let (asked, answer) = mpsc::channel();
    std::thread::spawn(move || {
        let request = runtime_api.accept().and_then(|(stream, _)| read(stream));
        // Nobody waits any more when the start took too long.
        let _ = asked.send((Instant::now(), request));
    });
    let began = Instant::now();
    let mut child = command(function, path, &address).spawn()?;
    let waited = answer.recv_timeout(PATIENCE);
    let memory = peak_memory(&child);
    let said = end(&mut child)?;
    match waited {
        Ok((at, Ok(request))) if request.line.contains("/invocation/next") => Ok(Start {
            init: at.duration_since(began),
            memory: memory?,
        }),
        Ok((_, Err(error))) => Err(error.into()),
        Ok((_, Ok(_))) | Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
            Err(Error::Silent { function, said })
        }
    }
}

/// The function with the environment that Lambda and the template give it.
fn command(function: &str, path: &Path, runtime_api: &str) -> Command {
    let mut command = Command::new(path);
    command
        .env_clear()
        .env("AWS_LAMBDA_RUNTIME_API", runtime_api)
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env("AWS_LAMBDA_LOG_STREAM_NAME", "2026/01/01/[1]0")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "none")
        .env("AWS_SECRET_ACCESS_KEY", "none")
        .env("TASKMILL_TASKS_TABLE", "tasks")
        .env("TASKMILL_WORKFLOWS_TABLE", "workflows")
        .env("TASKMILL_DEFINITIONS_TABLE", "definitions")
        .env("TASKMILL_PAYLOAD_BUCKET", "payloads")
        .env("TASKMILL_FUNCTION_PREFIX", "taskmill-")
        .env("TASKMILL_STATUS_SHARDS", "1")
        .env("TASKMILL_DUE_SHARDS", "1")
        .env("TASKMILL_RETENTION_DAYS", "90")
        .env("RUST_LOG", "info")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    for queue in ["CREATE", "EXECUTE", "EXECUTE_URGENT", "RESULT", "RETRY"] {
        for what in ["QUEUE", "DEAD_LETTERS"] {
            command.env(format!("TASKMILL_{queue}_{what}_URL"), "https://queue");
        }
    }
    command
}

/// A request that is not answered: whoever made it waits for as long as this is kept.
struct Request {
    line: String,
    _unanswered: BufReader<TcpStream>,
}

fn read(stream: TcpStream) -> io::Result<Request> {
    let (mut line, mut stream) = (String::new(), BufReader::new(stream));
    stream.read_line(&mut line)?;
    Ok(Request {
        line,
        _unanswered: stream,
    })
}

/// The most memory that a process had resident, in KiB.
fn peak_memory(child: &Child) -> io::Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id()))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = peak.and_then(|rest| rest.trim().strip_suffix(" kB")?.trim().parse().ok());
    kib.ok_or_else(|| io::Error::other("the system does not tell a process's peak memory"))
}

/// Ends a process, and gives what it wrote on standard error.
fn end(child: &mut Child) -> io::Result<String> {
    child.kill()?;
    child.wait()?;
    let said = child.stderr.take().map(io::read_to_string);
    said.unwrap_or_else(|| Ok(String::new()))
}

/// Bytes of a deployment package: a zip is its file deflated, and a few bytes of names.
fn deflated(bytes: &[u8]) -> io::Result<usize> {
    let mut encoder = DeflateEncoder::new(Vec::new(), COMPRESSION);
    io::copy(&mut &bytes[..], &mut encoder)?;
    Ok(encoder.finish()?.len())
}

fn table(found: &[Found]) -> String {
    let mut text = "| function | start, fastest ms | median ms | memory, MiB | binary, MiB | zip, MiB |\n|---|---|---|---|---|---|".to_owned();
    for one in found {
        let row = write!(
            text,
            "\n| `{}` | {:.1} | {:.1} | {:.1} | {:.1} | {:.1} |",
            one.function,
            millis(one.fastest),
            millis(one.median),
            mebi(one.memory * 1024),
            mebi(one.binary as u64),
            mebi(one.package as u64),
        );
        row.expect("a text takes what is written to it");
    }
    text
}

/// What of a function is over its limit. Times are told, and nobody's limit: they depend on the
/// machine and on what else it does.
fn over(found: &Found) -> Option<String> {
    let (function, bytes) = (found.function, found.package);
    let is_large = bytes > MAX_PACKAGE;
    is_large.then(|| format!("{function} has a package of {bytes} bytes, limit {MAX_PACKAGE}"))
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

fn mebi(bytes: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "sizes of programs are far below 2^53"
    )]
    let bytes = bytes as f64;
    bytes / 1_048_576.0
}
