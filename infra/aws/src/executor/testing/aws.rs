//! An AWS of JSON protocols whose answers a test scripts, and which hands out roles.

use std::sync::{Arc, Mutex};

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_sqs::config::{Credentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::http::StatusCode;
use aws_smithy_types::body::SdkBody;
use serde_json::Value;

/// What an operation is answered: a status and a body. It is told how often the operation was
/// asked before.
pub(crate) type Answers = fn(operation: &str, before: usize) -> (u16, Value);

/// What STS answers.
const ROLE: &str = "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <AssumeRoleResult><Credentials><AccessKeyId>KEY</AccessKeyId>\
    <SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>\
    <Expiration>2100-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult>\
    </AssumeRoleResponse>";

/// An AWS that remembers what it was asked.
#[derive(Debug, Clone)]
pub(crate) struct Aws {
    answers: Answers,
    seen: Arc<Mutex<Vec<HttpRequest>>>,
}

impl Aws {
    pub(crate) fn answering(answers: Answers) -> Self {
        Self {
            answers,
            seen: Arc::default(),
        }
    }

    /// A configuration whose calls come here.
    pub(crate) fn sdk(&self) -> SdkConfig {
        let credentials = Credentials::new("OWN", "own-key", None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-central-1"))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.clone())
            .build()
    }

    /// The bodies with which an operation was asked.
    pub(crate) fn asked(&self, operation: &str) -> Vec<Value> {
        let seen = self.seen.lock().unwrap();
        let asked = seen.iter().filter(|request| of(request) == operation);
        asked
            .map(|request| serde_json::from_slice(bytes(request)).unwrap())
            .collect()
    }

    /// What was asked, but for roles.
    pub(crate) fn requests(&self) -> Vec<HttpRequest> {
        let seen = self.seen.lock().unwrap();
        let calls = seen.iter().filter(|request| !of(request).is_empty());
        calls.map(|request| request.try_clone().unwrap()).collect()
    }

    /// What STS was asked first.
    pub(crate) fn assumed(&self) -> String {
        let seen = self.seen.lock().unwrap();
        let asked = seen.iter().find(|request| of(request).is_empty());
        asked.map_or_else(String::new, |request| {
            String::from_utf8_lossy(bytes(request)).into_owned()
        })
    }
}

/// The operation of a request; empty for STS, which has another protocol.
fn of(request: &HttpRequest) -> &str {
    let target = request.headers().get("x-amz-target").unwrap_or_default();
    target.split('.').nth(1).unwrap_or_default()
}

fn bytes(request: &HttpRequest) -> &[u8] {
    request.body().bytes().unwrap_or_default()
}

impl HttpClient for Aws {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for Aws {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let operation = of(&request).to_owned();
        let seen = |seen: &[HttpRequest]| seen.iter().filter(|one| of(one) == operation).count();
        let before = seen(&self.seen.lock().unwrap());
        self.seen.lock().unwrap().push(request);
        let (status, body) = if operation.is_empty() {
            (200, ROLE.to_owned())
        } else {
            let (status, body) = (self.answers)(&operation, before);
            (status, body.to_string())
        };
        let status = StatusCode::try_from(status).unwrap();
        let response = HttpResponse::new(status, SdkBody::from(body));
        HttpConnectorFuture::ready(Ok(response))
    }
}
