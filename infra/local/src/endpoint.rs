//! The embedded AWS on a port of this machine, for whoever speaks HTTP: the AWS CLI, any SDK,
//! functions under development.
//!
//! The answers are those within the process, with what only a network has: request ids, checksums
//! and limits of bodies. Signatures are not checked: who reaches the port may do everything. So it
//! is open on the loopback address alone, and only to requests that ask for it by a name of
//! loopback: a web page cannot get in by pointing a name of its own here.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_types::body::SdkBody;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http;
use axum::response::Response;
use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::sync::watch;
use uuid::Uuid;

use crate::LocalAws;
use crate::call::Call;
use crate::wire::{Answer, Protocol};

/// Bytes of a request to DynamoDB, whose limit this is, or to SQS.
const MAX_REQUEST_BYTES: usize = 16 * 1024 * 1024;
/// Bytes of an object: of the largest payload there is, and what is around it.
const MAX_OBJECT_BYTES: usize = 65 * 1024 * 1024;

/// An open port.
#[derive(Debug)]
pub struct Endpoint {
    aws: LocalAws,
    listener: TcpListener,
    address: SocketAddr,
}

/// What every request finds.
#[derive(Debug, Clone)]
struct Door {
    aws: LocalAws,
    stopping: watch::Receiver<bool>,
}

impl Endpoint {
    /// Opens the port; 0 is any that is free.
    ///
    /// # Errors
    /// The port is taken, or may not be opened.
    pub async fn bind(aws: LocalAws, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            aws,
            listener,
            address,
        })
    }

    /// The address, as clients are told it.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers until `stop` is over, and then ends when every request under way is answered. A
    /// receive that waits for messages ends at once, with none.
    ///
    /// # Errors
    /// The port fails.
    pub async fn serve(self, stop: impl Future<Output = ()> + Send + 'static) -> io::Result<()> {
        let (stopping, stopped) = watch::channel(false);
        let door = Door {
            aws: self.aws,
            stopping: stopped,
        };
        let router = Router::new().fallback(enter).with_state(door);
        let stop = async move {
            stop.await;
            stopping.send_replace(true);
        };
        axum::serve(self.listener, router)
            .with_graceful_shutdown(stop)
            .await
    }
}

async fn enter(State(door): State<Door>, request: Request) -> Response {
    let (request, body) = match read(request) {
        Ok(read) => read,
        Err(refused) => return respond(refused, Protocol::Json),
    };
    let call = Call::of(&request);
    let protocol = call.protocol();
    let answer = match whole(&call, &request, body).await {
        Ok(body) => {
            let mut request = request;
            *request.body_mut() = SdkBody::from(body);
            door.answer(call, request).await
        }
        Err(refused) => refused,
    };
    respond(answer, protocol)
}

impl Door {
    async fn answer(mut self, call: Call, request: HttpRequest) -> Answer {
        let waits = matches!(&call, Call::Sqs(action) if action == "ReceiveMessage");
        let protocol = call.protocol();
        let answer = self.aws.visited(call, request);
        let answered = if waits {
            tokio::select! {
                answered = answer => answered,
                // An error means that nobody is left to say so.
                _ = self.stopping.wait_for(|stopping| *stopping) => Ok(Answer::json(200, "{}")),
            }
        } else {
            answer.await
        };
        answered.unwrap_or_else(|error| {
            let code = "InternalFailure";
            refusal(protocol, 500, code, &error.to_string())
        })
    }
}

/// A request as the SDK's connector has it, and its body, which is still to come.
fn read(request: Request) -> Result<(HttpRequest, Body), Answer> {
    let (mut parts, body) = request.into_parts();
    let host = parts.headers.get(http::header::HOST);
    let host = host.and_then(|host| host.to_str().ok()).unwrap_or_default();
    if !is_loopback(host) {
        return Err(Answer::json_error(
            403,
            "com.amazonaws#AccessDeniedException",
            &format!("The host is 127.0.0.1 or localhost, not {host:?}."),
        ));
    }
    let path = parts
        .uri
        .path_and_query()
        .map_or("/", http::uri::PathAndQuery::as_str);
    let uri = format!("http://{host}{path}").parse();
    parts.uri = uri.map_err(|_| malformed("The request's address cannot be read."))?;
    let request = http::Request::from_parts(parts, SdkBody::empty());
    let request = HttpRequest::try_from(request);
    let request = request.map_err(|_| malformed("The request's headers cannot be read."))?;
    Ok((request, body))
}

/// The body, if it is not too large.
async fn whole(call: &Call, request: &HttpRequest, body: Body) -> Result<Bytes, Answer> {
    let most = match call {
        Call::S3(_) => MAX_OBJECT_BYTES,
        Call::DynamoDb(_)
        | Call::Sqs(_)
        | Call::StepFunctions(_)
        | Call::Unknown(_)
        | Call::Untold
        | Call::Query => MAX_REQUEST_BYTES,
    };
    let protocol = call.protocol();
    let header = |name| request.headers().get(name).unwrap_or_default();
    if header("content-encoding").contains("aws-chunked") {
        let message = "The embedded S3 takes no bodies in chunks with checksums of their own.";
        return Err(refusal(protocol, 501, "NotImplemented", message));
    }
    let told = header("content-length").parse().unwrap_or(0);
    let too_large = || {
        let message = format!("The request is larger than {most} bytes.");
        let (status, code) = match protocol {
            Protocol::Json => (413, "RequestEntityTooLargeException"),
            Protocol::Xml => (400, "EntityTooLarge"),
        };
        refusal(protocol, status, code, &message)
    };
    if most < told {
        return Err(too_large());
    }
    // The other reason is that the client broke off, and nobody reads the answer.
    to_bytes(body, most).await.map_err(|_| too_large())
}

/// Whether a Host header names this machine; below `localhost`, a bucket may stand in front.
fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "127.0.0.1" || name == "localhost" || name.ends_with(".localhost")
}

fn malformed(message: &str) -> Answer {
    refusal(Protocol::Json, 400, "SerializationException", message)
}

fn refusal(protocol: Protocol, status: u16, code: &str, message: &str) -> Answer {
    match protocol {
        Protocol::Json => {
            let kind = format!("com.amazon.coral.service#{code}");
            Answer::json_error(status, &kind, message)
        }
        Protocol::Xml => Answer::xml_error(status, code, message),
    }
}

fn respond(answer: Answer, protocol: Protocol) -> Response {
    let id = Uuid::now_v7().to_string();
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    response = match protocol {
        Protocol::Json => response
            .header("x-amzn-requestid", id)
            .header("x-amz-crc32", crc32fast::hash(&answer.body)),
        Protocol::Xml => response.header("x-amz-request-id", id),
    };
    response
        .body(Body::from(answer.body))
        .expect("statuses and headers are our own")
}
