//! `taskmill dev`: the HTTP API on a port of this machine, an AWS on another, and the functions on
//! it, until somebody stops it.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::pin::pin;

use taskmill::security::Caller;
use taskmill_api::{Api, Authority, ClaimNames, DevelopmentKey, Keys, Verifier, router};
use taskmill_app::App;
use taskmill_aws::callbacks::Callbacks;
use taskmill_local::functions::{Function, Functions, Remote};
use taskmill_local::service::Prepared;
use taskmill_local::{Endpoint, LocalAws, Service};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::session::tell_skipped;
use crate::args::DevArgs;
use crate::definitions::{Set, root_of};
use crate::exit::{Error, Exit};
use crate::interrupt::Interrupts;
use crate::{defining, development, local, output};

/// Seconds for which the printed token is good: a day.
const TOKEN_SECONDS: u32 = 24 * 60 * 60;

/// The ports that are open.
struct Doors {
    aws: Option<Endpoint>,
    api: Option<TcpListener>,
}

/// Whose tokens the API takes.
enum Tokens {
    Development(DevelopmentKey),
    Issued(Verifier),
}

/// Serves until Ctrl-C. What other programs need to find it is printed as variables of an
/// environment, once everything is there.
///
/// # Errors
/// A port is taken, or the service does not start.
pub async fn dev(args: &DevArgs, verbose: u8) -> Result<Exit, Error> {
    let mut interrupts = Interrupts::listen().map_err(Error::Runtime)?;
    let set = definitions(args.path.as_deref(), verbose)?;
    let aws = local::aws(args.data.as_deref())?;
    let doors = Doors::open(&aws, args).await?;
    let tokens = tokens(args)?;
    let callbacks = callbacks(&doors, args)?;
    let prepared = prepare(args, aws, set.as_ref(), callbacks).await?;
    let app = prepared.app().clone();
    let environment = environment(&doors, &prepared, &tokens, args);
    let service = prepared.begin_with(functions(args).await).await?;
    tell(&doors, &environment, args)?;
    serve(
        doors,
        Api::new(app, tokens.authority()),
        service,
        &mut interrupts,
    )
    .await
}

impl Doors {
    async fn open(aws: &LocalAws, args: &DevArgs) -> Result<Self, Error> {
        let taken = |port| move |source| Error::Port { port, source };
        let aws = match args.aws_port {
            None => None,
            Some(port) => {
                let endpoint = Endpoint::bind(aws.clone(), port).await;
                Some(endpoint.map_err(taken(port))?)
            }
        };
        let api = match args.api_port() {
            None => None,
            Some(port) => {
                let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await;
                Some(listener.map_err(taken(port))?)
            }
        };
        Ok(Self { aws, api })
    }

    /// The address of the API, as clients are told it.
    fn api_url(&self) -> Option<String> {
        let address = self.api.as_ref()?.local_addr().ok()?;
        Some(format!("http://{address}"))
    }
}

fn tokens(args: &DevArgs) -> Result<Tokens, Error> {
    let (Some(issuer), Some(audience), Some(place)) =
        (&args.jwt_issuer, &args.jwt_audience, &args.jwks)
    else {
        return development::key(args.data.as_deref()).map(Tokens::Development);
    };
    let names = ClaimNames::read(|name| std::env::var(name).ok());
    Ok(Tokens::Issued(Verifier::new(
        issuer,
        audience,
        keys(place)?,
        names,
    )))
}

fn keys(place: &str) -> Result<Keys, Error> {
    let unusable = |why: String| Error::Usage(format!("--jwks {place}: {why}"));
    if place.starts_with("https://") || place.starts_with("http://") {
        return Keys::published(place).map_err(|error| unusable(error.to_string()));
    }
    let text = std::fs::read_to_string(place).map_err(|error| unusable(error.to_string()))?;
    Keys::given(&text).map_err(|error| unusable(error.to_string()))
}

impl Tokens {
    fn authority(self) -> Authority {
        Authority::Router(match self {
            Self::Development(key) => key.verifier().into(),
            Self::Issued(verifier) => verifier.into(),
        })
    }
}

/// What other programs need to find what is served.
fn environment(
    doors: &Doors,
    prepared: &Prepared,
    tokens: &Tokens,
    args: &DevArgs,
) -> Vec<(String, String)> {
    let mut environment = match &doors.aws {
        None => Vec::new(),
        Some(endpoint) => prepared.environment(&endpoint.url()),
    };
    if let Some(url) = doors.api_url() {
        environment.push(("TASKMILL_API_URL".to_owned(), url));
        if let Tokens::Development(key) = tokens {
            let token = key.token(&somebody(args), now(prepared.app()), TOKEN_SECONDS);
            environment.push(("TASKMILL_TOKEN".to_owned(), token));
        }
    }
    environment
}

fn now(app: &App) -> taskmill::Timestamp {
    app.clock().now()
}

/// Whose token is printed.
fn somebody(args: &DevArgs) -> Caller {
    Caller {
        tenant_id: args.tenant.clone(),
        user_id: "local".to_owned(),
        roles: Vec::new(),
        permissions: Vec::new(),
        environment_id: None,
    }
}

fn definitions(path: Option<&Path>, verbose: u8) -> Result<Option<Set>, Error> {
    let Some(path) = path else {
        return Ok(None);
    };
    let set = Set::of_path(path, None)?;
    tell_skipped(&set, verbose);
    set.checked().map(Some)
}

/// Callbacks to the API that is served, whoever issues the tokens of its callers.
fn callbacks(doors: &Doors, args: &DevArgs) -> Result<Option<Callbacks>, Error> {
    let Some(url) = doors.api_url() else {
        return Ok(None);
    };
    let key = development::key(args.data.as_deref())?;
    Ok(Some(key.callbacks(&url)))
}

async fn prepare(
    args: &DevArgs,
    aws: LocalAws,
    set: Option<&Set>,
    callbacks: Option<Callbacks>,
) -> Result<Prepared, Error> {
    let root = args.path.as_deref().map_or(PathBuf::from("."), root_of);
    let clock = aws.clock();
    let secrets = local::secrets(args.secrets.as_deref(), &root)?;
    let executors = local::executors(clock, secrets.clone(), root);
    let executors = match set {
        Some(set) => local::with_aws(executors, set, secrets).await,
        None => executors,
    };
    let prepared = local::prepare_with(aws, executors, callbacks).await?;
    if let Some(set) = set {
        defining::with_app(prepared.app(), &args.tenant, set).await?;
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

fn tell(doors: &Doors, environment: &[(String, String)], args: &DevArgs) -> Result<(), Error> {
    let lines = environment
        .iter()
        .map(|(name, value)| format!("{name}={value}\n"));
    output::print_text(&lines.collect::<String>())?;
    let kept = args.data.as_deref().map_or_else(
        || "in memory".to_owned(),
        |data| format!("kept in {}", data.display()),
    );
    let api = doors.api_url().map(|url| format!("the API at {url}"));
    let aws = doors.aws.as_ref();
    let aws = aws.map(|endpoint| format!("DynamoDB, SQS and S3 at {}", endpoint.url()));
    let served: Vec<String> = aws.into_iter().chain(api).collect();
    output::note(&format!("{}, {kept}; Ctrl-C stops", served.join(", ")));
    Ok(())
}

/// Until the first wish to stop everybody is answered; then the API is closed and the functions
/// end, which may need answers themselves, and the port of the AWS is closed last.
async fn serve(
    doors: Doors,
    api: Api,
    service: Service,
    interrupts: &mut Interrupts,
) -> Result<Exit, Error> {
    let (close, closed) = oneshot::channel::<()>();
    let (stop, stopped) = oneshot::channel::<()>();
    // Each is over as well when nobody is left to say so.
    let api = serve_api(doors.api, api, async move { drop(closed.await) });
    let aws = serve_aws(doors.aws, async move { drop(stopped.await) });
    let mut serving = pin!(async move { tokio::try_join!(api, aws) });
    tokio::select! {
        served = &mut serving => return served.map(|_| Exit::Stopped).map_err(Error::Runtime),
        () = interrupts.next() => {}
    }
    output::note("stopping when the attempts under way have ended; Ctrl-C again stops them");
    drop(close);
    let ended = async {
        let shutdown = async {
            service.shutdown().await;
            drop(stop);
        };
        tokio::join!(serving, shutdown).0
    };
    tokio::select! {
        served = ended => drop(served.map_err(Error::Runtime)?),
        () = interrupts.next() => {}
    }
    Ok(Exit::Stopped)
}

async fn serve_api(
    listener: Option<TcpListener>,
    api: Api,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let Some(listener) = listener else {
        stop.await;
        return Ok(());
    };
    let served = axum::serve(listener, router(api));
    served.with_graceful_shutdown(stop).await
}

async fn serve_aws(
    endpoint: Option<Endpoint>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    match endpoint {
        Some(endpoint) => endpoint.serve(stop).await,
        None => {
            stop.await;
            Ok(())
        }
    }
}
