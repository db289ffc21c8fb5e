//! `http:` and `https:` executors: one request, whose response is the outcome.
//!
//! A success with JSON is the output; 408, 429, 5xx and broken connections may be mended by
//! another attempt and honour Retry-After; everything else is permanent. What a request may
//! reach is decided in `guard`, how a response is read in `response`. The body is computed
//! by the caller, who knows expressions ([`Call::body`]). Of a definition with `callback` a 202
//! says that the end comes later, by the callback; else it is a success like any other.

mod guard;
mod response;
#[cfg(test)]
mod tests;

use std::error::Error as StdError;
use std::net::IpAddr;
use std::sync::OnceLock;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderMap, HeaderName,
    HeaderValue, TRANSFER_ENCODING, UPGRADE,
};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, Method, Response, StatusCode, Url};
use taskmill::codes::failure::PAYLOAD_TOO_LARGE;
use taskmill::limits;
use taskmill::task::Outcome;
use taskmill::task::definition::{HttpMethod, HttpRequest};
use taskmill::task::routing::ExecutorRef;
use tokio::time::Instant;

pub use guard::Reach;

use super::{Call, Execution, Executor, Failure, codes, redacted};
use crate::callbacks::Callback;
use crate::clock::Clock;
use crate::sdk;
use crate::secrets::{Revealer, Secrets};
use guard::{Guard, Refused};

/// How long a connection may take to come about. The time of the whole attempt is the caller's.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Redirects that one request follows.
const REDIRECTS: usize = 5;
/// Fields that belong to the connection, which a definition may not set.
const OF_THE_CONNECTION: [HeaderName; 5] =
    [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, UPGRADE];

/// Runs `http:` tasks.
#[derive(Debug, Clone)]
pub struct HttpExecutor {
    /// Made by the first request: it reads the machine's root certificates, which takes longer than
    /// all else that a function does at its start, and most functions make no request.
    client: OnceLock<Client>,
    reach: Reach,
    secrets: Secrets,
    clock: Clock,
}

impl HttpExecutor {
    /// An executor that may reach so far.
    #[must_use]
    pub const fn new(reach: Reach, secrets: Secrets, clock: Clock) -> Self {
        Self {
            client: OnceLock::new(),
            reach,
            secrets,
            clock,
        }
    }

    fn client(&self) -> Result<&Client, Failure> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        // A proxy would resolve names itself, past the guard.
        let built = sdk::http()
            .no_proxy()
            .dns_resolver(Guard::new(self.reach))
            .redirect(Policy::custom(follow))
            .referer(false)
            .connect_timeout(CONNECT_TIMEOUT)
            .user_agent(concat!("taskmill/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::transient(codes::HTTP_CONNECT, chain(error)))?;
        Ok(self.client.get_or_init(|| built))
    }

    /// What one request came to, free of the secrets that it was given.
    async fn run(&self, call: &Call, url: &str) -> Result<Outcome, Failure> {
        let mut revealer = self.secrets.revealer(&call.context.tenant_id);
        let request = self.request(call, url, &mut revealer).await;
        let redactor = revealer.into_redactor();
        let answered = match request {
            Ok(request) => self.send(request).await,
            Err(failure) => Err(failure),
        };
        let response = answered.map_err(|failure| failure.redacted(&redactor))?;
        if call.callback.is_some() && response.status() == StatusCode::ACCEPTED {
            return Ok(Outcome::HandedOver);
        }
        let output = response::read(response, &redactor, self.clock.now()).await;
        redacted(output, &redactor).map(|output| Outcome::Succeeded { output })
    }

    async fn request(
        &self,
        call: &Call,
        url: &str,
        revealer: &mut Revealer<'_>,
    ) -> Result<reqwest::Request, Failure> {
        let url = self.checked_url(url)?;
        let callback = call.wanted_callback()?;
        if let Some(callback) = callback {
            revealer.hide(&callback.token);
        }
        let default = HttpRequest::default();
        let asked = call
            .definition
            .execution_config
            .request
            .as_ref()
            .unwrap_or(&default);
        let mut request = reqwest::Request::new(method(asked.method), url);
        *request.headers_mut() = headers(call, asked, callback, revealer).await?;
        if has_body(asked.method) {
            let body = call.body.as_ref().unwrap_or(&call.input).to_string();
            *request.body_mut() = Some(body.into());
        }
        Ok(request)
    }

    /// The URL, if it may be asked at all. Names are checked when they are resolved; an address
    /// in the URL is resolved by nobody, so it is checked here.
    fn checked_url(&self, url: &str) -> Result<Url, Failure> {
        let bad = |why: String| Failure::permanent(codes::HTTP_BAD_REQUEST, why);
        let url =
            Url::parse(url).map_err(|error| bad(format!("the URL cannot be read: {error}")))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(bad(format!(
                "the URL's scheme {:?} is not http or https",
                url.scheme()
            )));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(bad(
                "the URL holds credentials; use runAs or a header".to_owned()
            ));
        }
        let host = url.host_str().unwrap_or_default();
        match host.trim_matches(['[', ']']).parse::<IpAddr>() {
            Ok(address) if !self.reach.allows(address) => Err(refused(&Refused::address(address))),
            Ok(_) | Err(_) => Ok(url),
        }
    }

    async fn send(&self, request: reqwest::Request) -> Result<Response, Failure> {
        self.client()?.execute(request).await.map_err(unsent)
    }
}

#[async_trait]
impl Executor for HttpExecutor {
    async fn execute(&self, call: &Call) -> Execution {
        let started = Instant::now();
        let ExecutorRef::Http { url } = &call.executor else {
            return Execution::ending(started, Err(call.misrouted()), self.clock.now());
        };
        match self.run(call, url).await {
            Ok(outcome) => Execution::so_far(started, outcome),
            Err(failure) => Execution::ending(started, Err(failure), self.clock.now()),
        }
    }
}

fn method(method: HttpMethod) -> Method {
    match method {
        HttpMethod::Get => Method::GET,
        HttpMethod::Post => Method::POST,
        HttpMethod::Put => Method::PUT,
        HttpMethod::Patch => Method::PATCH,
        HttpMethod::Delete => Method::DELETE,
    }
}

fn has_body(method: HttpMethod) -> bool {
    match method {
        HttpMethod::Get | HttpMethod::Delete => false,
        HttpMethod::Post | HttpMethod::Put | HttpMethod::Patch => true,
    }
}

/// The header: ours, which a definition may override; its own; and what names the attempt,
/// which nothing overrides.
async fn headers(
    call: &Call,
    asked: &HttpRequest,
    callback: Option<&Callback>,
    revealer: &mut Revealer<'_>,
) -> Result<HeaderMap, Failure> {
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(ACCEPT, json.clone());
    if has_body(asked.method) {
        headers.insert(CONTENT_TYPE, json);
    }
    set(
        &mut headers,
        "idempotency-key",
        &call.execution_id.to_string(),
    )?;
    for (name, value) in &asked.headers {
        set(&mut headers, name, &revealer.reveal(value).await?)?;
    }
    if let Some(run_as) = run_as(call) {
        let credential = format!("Bearer {}", revealer.reveal(run_as).await?);
        set(&mut headers, AUTHORIZATION.as_str(), &credential)?;
    }
    set(
        &mut headers,
        "x-taskmill-task-id",
        &call.task_id.to_string(),
    )?;
    set(
        &mut headers,
        "x-taskmill-execution-id",
        &call.execution_id.to_string(),
    )?;
    set(
        &mut headers,
        "x-taskmill-attempt",
        &call.attempt.to_string(),
    )?;
    if let Some(deadline) = call.deadline {
        set(&mut headers, "x-taskmill-deadline", &deadline.to_string())?;
    }
    if let Some(callback) = callback {
        set(&mut headers, "x-taskmill-callback-url", &callback.url)?;
    }
    if let Some(traceparent) = &call.traceparent {
        set(&mut headers, "traceparent", traceparent)?;
    }
    Ok(headers)
}

fn run_as(call: &Call) -> Option<&str> {
    let security = call.definition.execution_config.security_context.as_ref()?;
    security.run_as.as_deref()
}

/// Sets a field. No error quotes the value: it may be a secret.
fn set(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), Failure> {
    let bad = |why: &str| {
        let message = format!("the header field {name:?} {why}");
        Failure::permanent(codes::HTTP_BAD_REQUEST, message)
    };
    let field: HeaderName = name.parse().map_err(|_| bad("has no valid name"))?;
    if OF_THE_CONNECTION.contains(&field) {
        return Err(bad("belongs to the connection and cannot be set"));
    }
    let mut value = HeaderValue::from_str(value)
        .map_err(|_| bad("has a value with characters that a header cannot carry"))?;
    value.set_sensitive(true);
    headers.insert(field, value);
    Ok(())
}

/// Follows redirects within one origin, and from `http:` to `https:` of one host: the request
/// carries credentials, and the guard checked this host. Any other response is the answer.
fn follow(attempt: Attempt<'_>) -> reqwest::redirect::Action {
    let stays = attempt
        .previous()
        .last()
        .is_some_and(|from| same_place(from, attempt.url()));
    if stays && attempt.previous().len() <= REDIRECTS {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

fn same_place(from: &Url, to: &Url) -> bool {
    let upgrade = from.scheme() == "http"
        && to.scheme() == "https"
        && from.port().is_none()
        && to.port().is_none();
    from.host_str() == to.host_str() && (from.origin() == to.origin() || upgrade)
}

/// The failure of a request that got no response.
fn unsent(error: reqwest::Error) -> Failure {
    if let Some(refusal) = cause::<Refused>(&error) {
        return refused(refusal);
    }
    let code = if error.is_connect() {
        codes::HTTP_CONNECT
    } else {
        codes::HTTP_INTERRUPTED
    };
    Failure::transient(code, chain(error))
}

fn refused(refusal: &Refused) -> Failure {
    Failure::permanent(codes::HTTP_ADDRESS_REFUSED, refusal.to_string())
}

/// A body over the limit of payloads.
fn too_large() -> Failure {
    let message = format!("the response is over {} bytes", limits::PAYLOAD_BYTES);
    Failure::permanent(PAYLOAD_TOO_LARGE, message)
}

/// The first cause of this type.
fn cause<'a, E: StdError + 'static>(error: &'a (dyn StdError + 'static)) -> Option<&'a E> {
    causes(error).find_map(|error| error.downcast_ref())
}

/// All causes in one line, without the URL: its query may hold more than a message should show.
fn chain(error: reqwest::Error) -> String {
    let error = error.without_url();
    let texts: Vec<String> = causes(&error).map(ToString::to_string).collect();
    texts.join(": ")
}

fn causes<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}
