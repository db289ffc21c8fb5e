//! The arguments of the command, as users type them. What they mean is up to [`crate::commands`].

mod dead_letters;
mod dev;
mod export;
mod people;
mod place;
mod schedules;
mod verb;
mod who;
pub mod words;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use taskmill::ids::{BadId, DefinitionId, TenantId};

pub use dead_letters::{DeadLettersCommand, LetterArgs, LettersArgs, RedriveArgs};
pub use dev::{DevArgs, TokenArgs};
pub use export::{ExportArgs, ExportFormat};
pub use people::{
    AssignArgs, CommentArgs, CompleteArgs, FailArgs, FollowUpArgs, FormArgs, InboxArgs, OnesTask,
};
pub use place::{At, Named, PlaceArgs};
pub use schedules::{DefineSchedulesArgs, ListSchedulesArgs, ScheduleCommand, TriggerArgs};
pub use verb::{DefineArgs, ListArgs, Request, ShowArgs, StartArgs, Verb, WatchArgs};
pub use who::{Actor, Who};

/// Runs tasks and workflows on this machine, with nothing but this program, and works on those of
/// a service or a deployment.
///
/// Everything that runs on AWS runs here too: the same handlers, over an embedded database and
/// embedded queues.
#[derive(Debug, Parser)]
#[command(name = "taskmill", version, after_help = EXIT_STATUS, propagate_version = true)]
pub struct Cli {
    /// Says more on standard error: -v what is skipped and what happens, -vv each step, -vvv all.
    ///
    /// RUST_LOG, where it is set, says what is logged instead.
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Where to work, for the commands that take --data as well.
    #[command(flatten)]
    pub named: Named,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The variable of the environment that names the tenant.
pub const TENANT: &str = "TASKMILL_TENANT";

const EXIT_STATUS: &str = "\
Exit status:
    0  the workflow or task is COMPLETED, what was asked is done, or no definition has a problem
    1  it is FAILED, CANCELLED or TIMED_OUT
    2  bad usage, an invalid definition or input, a place that cannot be used, or what was asked is
       refused
    3  Taskmill itself failed, or a service or AWS did
    4  what is open is paused, or waits for a signal or a person
  130  it was stopped by Ctrl-C";

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Runs a workflow to its end and prints it, with its tasks.
    Run(RunArgs),
    /// Finds everything that is wrong with definitions, without running them.
    Validate(ValidateArgs),
    /// Goes on with everything that is open in a data folder.
    Continue(ContinueArgs),
    /// Works on what a service, a data folder or a stack holds.
    #[command(flatten)]
    Verb(Verb),
    /// Runs single tasks.
    Task {
        /// What to do with the task.
        #[command(subcommand)]
        command: TaskCommand,
    },
    /// Serves the HTTP API, or DynamoDB, SQS and S3, on ports of this machine, with the functions
    /// at work.
    Dev(DevArgs),
    /// Prints a development token for the HTTP API of a data folder.
    Token(TokenArgs),
    /// Runs workflow tests: cases as data, on the real engine in virtual time.
    Test(TestArgs),
    /// Tries an expression, with the functions and limits of the engine.
    Eval(EvalArgs),
    /// Prints a workflow definition as a picture.
    Graph(GraphArgs),
    /// Writes a workflow definition in another language.
    Export(ExportArgs),
    /// Prints the JSON Schema of definitions, for editors.
    Schema(SchemaArgs),
    /// Prints a script by which a shell completes this command.
    Completions {
        /// The shell.
        shell: Shell,
    },
    /// Measures throughput, latency, and what a task and a workflow cost on AWS.
    Bench(BenchArgs),
}

impl Command {
    /// Whether it works on what a place holds, which may be a service or a stack.
    #[must_use]
    pub fn is_at_a_place(&self) -> bool {
        matches!(self, Self::Verb(_))
    }
}

/// What to do with a single task.
#[derive(Debug, Subcommand)]
pub enum TaskCommand {
    /// Runs one task that stands alone to its end and prints it.
    Run(Box<TaskRunArgs>),
}

/// The arguments of `schema`.
#[derive(Debug, Args)]
pub struct SchemaArgs {
    /// Prints the OpenAPI document of the HTTP API instead, to make clients of.
    #[arg(long)]
    pub api: bool,
}

/// The arguments of `run`.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// A folder of definitions, or one file of them.
    ///
    /// Of a folder, every *.yaml, *.yml and *.json is read, but not those in folders inside it,
    /// nor hidden files, nor *.test.*, nor the input. A file of which no document has `steps`, an
    /// `executionConfig`, or both `id` and `version` is no definition and is skipped (-v names
    /// it). Programs of `process:` tasks run in the folder.
    pub path: PathBuf,
    /// The workflow to run; not needed when there is only one.
    #[arg(long, value_name = "ID", value_parser = definition_id)]
    pub workflow: Option<DefinitionId>,
    /// Prints the definition as a picture instead, with what became of each step.
    #[arg(
        long,
        value_enum,
        value_name = "FORMAT",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "mermaid"
    )]
    pub graph: Option<GraphFormat>,
    /// What every run is given.
    #[command(flatten)]
    pub common: Common,
}

/// The arguments of `task run`.
#[derive(Debug, Args)]
pub struct TaskRunArgs {
    /// A file that holds one task, FILE#ID for one of several, or an ID with --definitions.
    pub definition: String,
    /// The folder, or file, that holds the task with this ID.
    #[arg(long, value_name = "PATH")]
    pub definitions: Option<PathBuf>,
    /// What every run is given.
    #[command(flatten)]
    pub common: Common,
}

/// What every run is given.
#[derive(Debug, Args)]
pub struct Common {
    /// The input: JSON, a file of JSON or YAML, or - for standard input.
    #[arg(long, value_name = "FILE|JSON", default_value = "{}")]
    pub input: String,
    /// Keeps everything in this folder, so that a run that was killed goes on when it is started
    /// again with the same arguments.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The form of what is printed on standard output.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub output: Format,
    /// A file of secrets, {NAME: value} in JSON or NAME=value lines; `secrets.json` in the folder
    /// of the definitions is taken when it is there. The environment's TASKMILL_SECRET_NAME comes
    /// first.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Prints no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
    /// The tenant that everything belongs to.
    #[arg(long, value_name = "ID", env = TENANT, default_value = "local", value_parser = tenant_id)]
    pub tenant: TenantId,
    /// Who asks.
    #[command(flatten)]
    pub who: Who,
    /// An id of your own for the whole matter.
    #[arg(long, value_name = "ID")]
    pub correlation_id: Option<String>,
    /// Makes the start safe to repeat within --data: one key, one run.
    #[arg(long, value_name = "KEY")]
    pub idempotency_key: Option<String>,
}

/// The arguments of `continue`.
#[derive(Debug, Args)]
pub struct ContinueArgs {
    /// The folder of definitions, or one file of them; programs of `process:` tasks run in the
    /// folder.
    pub path: PathBuf,
    /// The folder that a run kept everything in. Nobody else may be using it.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The tenant that everything belongs to.
    #[arg(long, value_name = "ID", env = TENANT, default_value = "local", value_parser = tenant_id)]
    pub tenant: TenantId,
    /// The form of what is printed on standard output.
    #[arg(long, value_enum, default_value_t = Format::Json)]
    pub output: Format,
    /// A file of secrets, as for `run`.
    #[arg(long, value_name = "FILE")]
    pub secrets: Option<PathBuf>,
    /// Prints no progress and no summary.
    #[arg(long, short)]
    pub quiet: bool,
}

/// The form of a result.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON, indented.
    Json,
    /// YAML 1.2.
    Yaml,
    /// A summary and a row a task, for people.
    Table,
}

/// The arguments of `validate`.
#[derive(Debug, Args)]
pub struct ValidateArgs {
    /// Files or folders of definitions.
    ///
    /// A step must find its task: in its own folder, or in one of the files that are named beside
    /// its own. Of a folder, the same files are read as by `run`.
    #[arg(required = true, value_name = "FILE")]
    pub paths: Vec<PathBuf>,
    /// The form of the problems.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub output: ReportFormat,
}

/// The form of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// A line a problem: `FILE:LINE: CODE POINTER: MESSAGE`.
    Text,
    /// `{"problems": […], "warnings": […]}`.
    Json,
}

/// The arguments of `test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Files of workflow tests, or folders that hold *.test.yaml or *.test.json at any depth.
    #[arg(required = true, value_name = "FILE|DIR")]
    pub paths: Vec<PathBuf>,
    /// Runs only the cases whose names hold this text.
    #[arg(long, value_name = "TEXT")]
    pub filter: Option<String>,
    /// First rewrites what cases expect to what is found now.
    ///
    /// Only what a case states is rewritten, each key by itself; everything else of the file
    /// stays as it is. A case without `expect` gets none.
    #[arg(long)]
    pub update: bool,
    /// Also writes the results to this file, in JUnit's form.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// The arguments of `eval`.
#[derive(Debug, Args)]
pub struct EvalArgs {
    /// The expression: JSONata.
    pub expression: String,
    /// What it sees, as `$` and by the names of its members: JSON, a file of JSON or YAML, or -
    /// for standard input.
    #[arg(long, value_name = "FILE|JSON", default_value = "{}")]
    pub input: String,
}

/// The arguments of `graph`.
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// A file of definitions, or a folder of them.
    pub path: PathBuf,
    /// The workflow; not needed when there is only one.
    #[arg(long, value_name = "ID", value_parser = definition_id)]
    pub workflow: Option<DefinitionId>,
    /// The language of the picture.
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub format: GraphFormat,
}

/// The language of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// Mermaid.
    Mermaid,
    /// Graphviz.
    Dot,
}

/// The arguments of `bench`.
#[derive(Debug, Args)]
pub struct BenchArgs {
    /// How many tasks to run.
    #[arg(long, value_name = "N", default_value_t = 2000)]
    pub tasks: u64,
    /// How many workflows of three steps to run.
    #[arg(long, value_name = "N", default_value_t = 500)]
    pub workflows: u64,
    /// How many clients there are; each submits the next when its last one is done.
    #[arg(long, value_name = "C", default_value_t = 16, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub concurrency: u16,
    /// Keeps everything in this folder instead of in memory.
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// The size of input and output in bytes; 0 is a task that does nothing with nothing.
    #[arg(long, value_name = "BYTES", default_value_t = 0, value_parser = clap::value_parser!(u32).range(0..=16_777_216))]
    pub payload: u32,
    /// Only counts what each path and each construct costs, one task or workflow at a time.
    #[arg(long)]
    pub costs: bool,
    /// Only runs large LOOPs and MAPs, of so many turns and items, in virtual time.
    ///
    /// Each runs alone, on a database in a file.
    #[arg(
        long,
        value_name = "N,…",
        num_args = 0..,
        value_delimiter = ',',
        default_missing_values = ["1000", "10000", "100000"],
        value_parser = clap::value_parser!(u32).range(1..=1_000_000),
        conflicts_with = "costs"
    )]
    pub scale: Option<Vec<u32>>,
    /// Of these, only those whose names contain this text.
    #[arg(long, value_name = "TEXT", requires = "scale")]
    pub filter: Option<String>,
    /// The form of the figures.
    #[arg(long, value_enum, default_value_t = BenchFormat::Table)]
    pub output: BenchFormat,
}

/// The form of figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum BenchFormat {
    /// For people.
    Table,
    /// For programs.
    Json,
}

fn definition_id(text: &str) -> Result<DefinitionId, BadId> {
    DefinitionId::new(text)
}

fn tenant_id(text: &str) -> Result<TenantId, BadId> {
    TenantId::new(text)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn are_consistent() {
        Cli::command().debug_assert();
    }
}
