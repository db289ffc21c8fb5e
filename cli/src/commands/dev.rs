//! `taskmill dev`: an AWS on a port of this machine, and the functions on it, until somebody stops
//! it.

use std::path::{Path, PathBuf};
use std::pin::pin;

use taskmill_local::functions::{Function, Functions, Remote};
use taskmill_local::service::Prepared;
use taskmill_local::{Endpoint, LocalAws, Service};
use tokio::sync::oneshot;

use super::session::tell_skipped;
use crate::args::DevArgs;
use crate::definitions::{Set, root_of};
use crate::exit::{Error, Exit};
use crate::interrupt::Interrupts;
use crate::{local, output};

/// Serves until Ctrl-C. What other programs need to find it is printed as variables of an
/// environment, once everything is there.
///
/// # Errors
/// The port is taken, or the service does not start.
pub async fn dev(args: &DevArgs, verbose: u8) -> Result<Exit, Error> {
    let mut interrupts = Interrupts::listen().map_err(Error::Runtime)?;
    let set = definitions(args.path.as_deref(), verbose)?;
    let aws = local::aws(args.data.as_deref())?;
    let endpoint = Endpoint::bind(aws.clone(), args.aws_port).await;
    let endpoint = endpoint.map_err(|source| Error::Port {
        port: args.aws_port,
        source,
    })?;
    let prepared = prepare(args, aws, set.as_ref()).await?;
    let environment = prepared.environment(&endpoint.url());
    let service = prepared.begin_with(functions(args).await).await?;
    tell(&endpoint, &environment, args)?;
    serve(endpoint, service, &mut interrupts).await
}

fn definitions(path: Option<&Path>, verbose: u8) -> Result<Option<Set>, Error> {
    let Some(path) = path else {
        return Ok(None);
    };
    let set = Set::of_path(path, None)?;
    tell_skipped(&set, verbose);
    set.checked().map(Some)
}

async fn prepare(args: &DevArgs, aws: LocalAws, set: Option<&Set>) -> Result<Prepared, Error> {
    let root = args.path.as_deref().map_or(PathBuf::from("."), root_of);
    let clock = aws.clock();
    let secrets = local::secrets(args.secrets.as_deref(), &root)?;
    let executors = local::executors(clock, secrets.clone(), root)?;
    let executors = match set {
        Some(set) => local::with_aws(executors, set, clock, secrets).await,
        None => executors,
    };
    let prepared = local::prepare(aws, executors).await?;
    if let Some(set) = set {
        local::register(prepared.app(), &args.tenant, set).await?;
    }
    Ok(prepared)
}

async fn functions(args: &DevArgs) -> Functions {
    match &args.lambda_url {
        _ if args.no_functions => Functions::nobodys(),
        None => Functions::default(),
        Some(url) => {
            let all = args.lambdas.is_empty();
            let named = if all {
                &Function::ALL
            } else {
                &args.lambdas[..]
            };
            Functions::elsewhere(named, &Remote::at(url).await)
        }
    }
}

fn tell(
    endpoint: &Endpoint,
    environment: &[(String, String)],
    args: &DevArgs,
) -> Result<(), Error> {
    let lines = environment
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"));
    output::print_text(&lines.collect::<String>())?;
    let kept = args.data.as_deref().map_or_else(
        || "in memory".to_owned(),
        |data| format!("kept in {}", data.display()),
    );
    let url = endpoint.url();
    output::note(&format!(
        "DynamoDB, SQS and S3 at {url}, {kept}; Ctrl-C stops"
    ));
    Ok(())
}

/// Until the first wish to stop everybody is answered; then the functions end, which may need
/// answers themselves, and the port is closed last.
async fn serve(
    endpoint: Endpoint,
    service: Service,
    interrupts: &mut Interrupts,
) -> Result<Exit, Error> {
    let (stop, stopped) = oneshot::channel::<()>();
    let stopped = async move {
        // It is over as well when nobody is left to say so.
        let _ = stopped.await;
    };
    let mut serving = pin!(endpoint.serve(stopped));
    tokio::select! {
        served = &mut serving => return served.map(|()| Exit::Stopped).map_err(Error::Runtime),
        () = interrupts.next() => {}
    }
    output::note("stopping when the attempts under way have ended; Ctrl-C again stops them");
    let ended = async {
        let shutdown = async {
            service.shutdown().await;
            drop(stop);
        };
        tokio::join!(serving, shutdown).0
    };
    tokio::select! {
        served = ended => served.map_err(Error::Runtime)?,
        () = interrupts.next() => {}
    }
    Ok(Exit::Stopped)
}
