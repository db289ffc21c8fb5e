//! `taskmill bench`: how fast it is here, and what a task and a workflow would cost on AWS.
//!
//! The load is closed: each client submits the next when its last one is done, so that the times
//! are those of a service that is busy, not of a queue that grows. Figures of cost are counts,
//! which do not depend on the machine; where a count must be turned into time, the assumption is
//! a named constant in [`prices`].

mod constructs;
mod cost;
mod idle;
mod load;
mod paths;
mod prices;
mod report;
mod scale;
mod work;

use taskmill_local::Service;
use tokio::runtime::Builder;

use crate::args::{BenchArgs, BenchFormat};
use crate::exit::{Error, Exit};
use crate::{local, output};
use load::Load;
use report::Report;
use work::Kind;

/// Measures and prints.
///
/// # Errors
/// The service does not start, or what it ran did not complete.
pub fn bench(args: &BenchArgs) -> Result<Exit, Error> {
    let report = if args.costs {
        Report::Costs {
            paths: Time::Real.block_on(paths::measure())?,
            constructs: Time::Virtual.block_on(constructs::measure())?,
            idle: Time::Virtual.block_on(idle::measure())?,
        }
    } else if let Some(counts) = &args.scale {
        Report::Scale(scale::measure(counts, args)?)
    } else {
        Report::Load(Box::new(Time::Real.block_on(under_load(args))?))
    };
    output::print_text(&match args.output {
        BenchFormat::Table => report.text(),
        BenchFormat::Json => format!("{:#}", report.json()),
    })?;
    Ok(Exit::Done)
}

/// By which time something is measured.
#[derive(Debug, Clone, Copy)]
enum Time {
    /// The machine's, on all its processors.
    Real,
    /// One that passes while nothing is left to do, and stands still otherwise: on one processor,
    /// so that what happens together is the same in every run.
    Virtual,
}

impl Time {
    fn block_on<T>(self, measured: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let runtime = match self {
            Self::Real => Builder::new_multi_thread().enable_all().build(),
            Self::Virtual => Builder::new_current_thread()
                .enable_all()
                .start_paused(true)
                .build(),
        };
        runtime.map_err(Error::Runtime)?.block_on(measured)
    }
}

async fn under_load(args: &BenchArgs) -> Result<load::Figures, Error> {
    let service = service(args.data.as_deref()).await?;
    let work = work::Work::register(&service, args.payload).await?;
    let service = std::sync::Arc::new(service);
    let load = Load {
        service: service.clone(),
        work,
        concurrency: args.concurrency,
    };
    let tasks = load.run(Kind::Task, args.tasks).await?;
    let workflows = load.run(Kind::Workflow, args.workflows).await?;
    Ok(load::Figures {
        concurrency: args.concurrency,
        payload_bytes: args.payload,
        kept_on_disk: args.data.is_some(),
        tasks,
        workflows,
        peak_memory_bytes: load::peak_memory(),
    })
}

/// A service whose programs run in the current folder.
async fn service(data: Option<&std::path::Path>) -> Result<Service, Error> {
    let aws = local::aws(data)?;
    let clock = aws.clock();
    let root = std::path::PathBuf::from(".");
    let secrets = local::secrets(None, &root)?;
    let executors = local::executors(clock, secrets, root);
    Ok(local::prepare(aws, executors).await?.begin().await?)
}
