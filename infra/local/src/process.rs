//! `process:` executors: a task that is a program of this machine. Local mode alone.
//!
//! The command line is split as a shell would, without running one. The program runs in the
//! folder of the definitions, in a process group of its own:
//!
//! - stdin is the input as JSON; the environment is described in `environment`;
//! - stdout is the output as JSON, null when empty, at most [`limits::PAYLOAD_BYTES`];
//! - a line of stderr that begins with [`HEARTBEAT`] is a sign of life;
//! - exit status 0 is success, anything else a failure, see `verdict`; stderr is for people,
//!   its last [`STDERR_BYTES`] are kept with a failure.
//!
//! The attempt ends when the program does. What it started and left behind in its group is
//! killed then, and the whole group is killed when the future is dropped, as happens at a time
//! limit. A process that left the group (`setsid`) escapes, and so does everything when this
//! process is itself killed by SIGKILL.
//!
//! `resourceRequirements` become limits of the program, see `command`. Processor time and peak
//! memory are reported as far as `/proc` tells, see `usage`.
//!
//! A child knows nothing of virtual time: under a paused clock, time stands still while it runs.

mod command;
mod environment;
mod group;
mod heartbeat;
mod pipes;
mod usage;
mod verdict;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::time::Duration;

use async_trait::async_trait;
use rustix::process::Pid;
use serde_json::Value;
use taskmill::codes::failure::{EXECUTOR_NOT_FOUND, PAYLOAD_TOO_LARGE};
use taskmill::limits;
use taskmill::metrics::ExecutionMetrics;
use taskmill::task::routing::ExecutorRef;
use taskmill_aws::clock::Clock;
use taskmill_aws::executor::{Call, Execution, Executor, Failure, Used, codes, redacted};
use taskmill_aws::secrets::{Redactor, Revealer, Secrets};
use tokio::time::Instant;

use group::{Ended, Group};
use heartbeat::Lines;
use pipes::{Bounded, Pipes, Tail, TooLarge};

/// Bytes of stderr that a failure shows.
pub const STDERR_BYTES: usize = 4_096;
/// How long the pipes of a program that ended may stay open, held by what it left behind.
const GRACE: Duration = Duration::from_secs(1);
/// The shortest and longest time between two looks at what a program uses.
const SAMPLE: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(500));

/// What a `process:` executor is set up with.
#[derive(Debug, Clone)]
pub struct ProcessConfig {
    /// The folder in which programs run: that of the definitions.
    pub root: PathBuf,
    /// What programs inherit of the environment; see [`inherited`].
    pub inherited: BTreeMap<OsString, OsString>,
}

pub use environment::inherited;
pub use heartbeat::HEARTBEAT;

/// Runs `process:` tasks.
#[derive(Debug, Clone)]
pub struct ProcessExecutor {
    config: ProcessConfig,
    secrets: Secrets,
    clock: Clock,
}

/// What came of one run.
struct Run {
    result: Result<Value, Failure>,
    metrics: ExecutionMetrics,
}

impl ProcessExecutor {
    /// An executor of this machine's programs.
    #[must_use]
    pub fn new(config: ProcessConfig, secrets: Secrets, clock: Clock) -> Self {
        Self {
            config,
            secrets,
            clock,
        }
    }

    async fn run(&self, call: &Call, line: &str) -> Run {
        let mut revealer = self.secrets.revealer(&call.context.tenant_id);
        let command = self.prepared(call, line, &mut revealer).await;
        let redactor = revealer.into_redactor();
        let run = match command {
            Ok(command) => run(command, call, &redactor).await,
            Err(failure) => Run::unstarted(failure),
        };
        Run {
            result: redacted(run.result, &redactor),
            ..run
        }
    }

    async fn prepared(
        &self,
        call: &Call,
        line: &str,
        revealer: &mut Revealer<'_>,
    ) -> Result<Command, Failure> {
        if !self.config.root.is_dir() {
            let message = format!("the folder {} is not there", self.config.root.display());
            return Err(Failure::transient(codes::PROCESS_NOT_STARTED, message));
        }
        let mut variables = self.config.inherited.clone();
        variables.extend(environment::variables(call, revealer).await?);
        let limits = command::Limits::of(call, self.clock.now());
        let mut command = command::build(line, &self.config.root, &variables, &limits)?;
        command
            .env_clear()
            .envs(variables)
            .current_dir(&self.config.root);
        Ok(command)
    }
}

#[async_trait]
impl Executor for ProcessExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let started = Instant::now();
        let ExecutorRef::Process { command } = &call.executor else {
            return Execution::ending(started, Err(call.misrouted()), self.clock.now());
        };
        let run = self.run(call, command).await;
        let mut execution = Execution::ending(started, run.result, self.clock.now());
        execution.metrics.cpu_time = run.metrics.cpu_time;
        execution.metrics.memory_usage = run.metrics.memory_usage;
        execution
    }
}

impl Run {
    fn unstarted(failure: Failure) -> Self {
        Self {
            result: Err(failure),
            metrics: ExecutionMetrics::default(),
        }
    }
}

/// Starts the program and sees it to its end. Dropping the future kills the program's group.
async fn run(mut command: Command, call: &Call, redactor: &Redactor) -> Run {
    let mut child = match start(&mut command) {
        Ok(child) => child,
        Err(error) => return Run::unstarted(not_started(&error)),
    };
    let pipes = Pipes::of(&mut child);
    let mut group = Group::watch(child);
    let pipes = match pipes {
        Ok(pipes) => pipes,
        Err(error) => return Run::unstarted(not_started(&error)),
    };
    let mut stdout = Bounded::new(limits::PAYLOAD_BYTES);
    let mut stderr = Tail::new(STDERR_BYTES + redactor.margin());
    let mut beats = Lines::of(&call.beats);
    let watch = Watch {
        leader: group.leader(),
        used: &call.used,
    };
    let input = call.input.to_string();
    let transfer = pipes.transfer(input.as_bytes(), &mut stdout, &mut stderr, &mut beats);
    let ended = tokio::select! {
        ended = seen_to_the_end(&mut group, transfer) => ended,
        never = watch.go_on() => match never {},
    };
    drop(watch);
    drop(group);
    let stderr = stderr.excerpt(STDERR_BYTES, redactor);
    if let Ok(ended) = &ended {
        call.used.seen(ExecutionMetrics {
            cpu_time: ended.cpu_millis,
            ..ExecutionMetrics::default()
        });
    }
    let result = ended.and_then(|ended| verdict::of(ended.exit, &stdout.bytes, &stderr, redactor));
    Run {
        result,
        metrics: call.used.told(),
    }
}

fn start(command: &mut Command) -> io::Result<std::process::Child> {
    use std::os::unix::process::CommandExt;
    command
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
}

/// Waits for the program's end and for what it wrote; for the latter no longer than it is
/// reasonable once the program is gone.
async fn seen_to_the_end(
    group: &mut Group,
    transfer: impl Future<Output = Result<(), TooLarge>>,
) -> Result<Ended, Failure> {
    let mut transfer = pin!(transfer);
    let ended = tokio::select! {
        done = &mut transfer => {
            done.map_err(too_large)?;
            group.ended().await
        }
        ended = group.ended() => {
            // Not done in time means that something else holds the pipes: what came is all.
            if let Ok(done) = tokio::time::timeout(GRACE, transfer).await {
                done.map_err(too_large)?;
            }
            ended
        }
    };
    ended.map_err(|error| {
        let message = format!("the program's end was not seen: {error}");
        Failure::transient(codes::PROCESS_FAILED, message)
    })
}

/// Tells what a program uses. It must be dropped before the program's group is killed, as it is
/// when the attempt is: a last look is what is known of an attempt whose time is over.
struct Watch<'a> {
    leader: Pid,
    used: &'a Used,
}

impl Watch<'_> {
    /// Looks more and more rarely.
    async fn go_on(&self) -> Infallible {
        let (mut pause, longest) = SAMPLE;
        loop {
            tokio::time::sleep(pause).await;
            self.look();
            pause = longest.min(pause * 2);
        }
    }

    fn look(&self) {
        self.used.seen(usage::so_far(self.leader));
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.look();
    }
}

fn too_large(TooLarge { limit }: TooLarge) -> Failure {
    let message = format!("the program wrote more than {limit} bytes to stdout and was killed");
    Failure::permanent(PAYLOAD_TOO_LARGE, message)
}

fn not_started(error: &io::Error) -> Failure {
    let message = format!("the program cannot be started: {error}");
    match error.kind() {
        // The program was there: what is missing is the interpreter that its first line names.
        io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied => {
            Failure::permanent(EXECUTOR_NOT_FOUND, message)
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::ArgumentListTooLong => {
            Failure::permanent(codes::PROCESS_NOT_STARTED, message)
        }
        _ => Failure::transient(codes::PROCESS_NOT_STARTED, message),
    }
}
