//! A caller of the API, who knows its document.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Method, Request};
use serde_json::{Value, json};
use taskmill::ids::TenantId;
use taskmill::security::{ADMINISTER_DEAD_LETTERS, ADMINISTER_TASKS, Caller};
use taskmill_api::{Api, Authority, DevelopmentKey, document, router};
use taskmill_local::{LocalAws, Service};
use tower::ServiceExt;

use crate::support::{Answer as Said, Script, aws, caller, register, service};

/// Bytes of an answer.
const MOST: usize = 16 * 1024 * 1024;

/// A service with its API.
pub struct World {
    pub aws: LocalAws,
    pub service: Service,
    router: Router,
    key: DevelopmentKey,
    document: Value,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Value,
}

/// What is asked.
pub struct Ask<'w> {
    world: &'w World,
    request: axum::http::request::Builder,
    method: Method,
    path: String,
    body: Body,
}

impl World {
    /// A service on which these definitions are registered, and `wait` never ends.
    pub async fn of(definitions: &str) -> Self {
        Self::answering(definitions, Script::new(|_| Said::Hang)).await
    }

    /// A service on which these definitions are registered, and this script answers.
    pub async fn answering(definitions: &str, script: Script) -> Self {
        let aws = aws();
        let service = service(&aws, &script).await;
        if !definitions.is_empty() {
            register(service.app(), definitions).await;
        }
        Self::around(aws, service)
    }

    /// The world that a new process finds: the same records, and no queues.
    pub async fn restarted(self) -> Self {
        let aws = self.aws.restarted();
        drop(self.service);
        let service = service(&aws, &Script::new(|_| Said::Hang)).await;
        Self::around(aws, service)
    }

    fn around(aws: LocalAws, service: Service) -> Self {
        let key = DevelopmentKey::new([7; 32]);
        let authority = Authority::Router(key.verifier().into());
        Self {
            router: router(Api::new(service.app().clone(), authority)),
            aws,
            service,
            key,
            document: document::openapi(),
        }
    }

    /// The document.
    pub fn document(&self) -> &Value {
        &self.document
    }

    /// A token of this caller.
    pub fn token(&self, caller: &Caller) -> String {
        self.key.token(caller, self.aws.clock().now(), 3_600)
    }

    /// A request of nobody.
    pub fn nobody(&self, method: &str, path: &str) -> Ask<'_> {
        Ask {
            world: self,
            request: Request::builder(),
            method: method.parse().unwrap(),
            path: path.to_owned(),
            body: Body::empty(),
        }
    }

    /// A request of this caller.
    pub fn by(&self, caller: &Caller, method: &str, path: &str) -> Ask<'_> {
        let token = format!("Bearer {}", self.token(caller));
        self.nobody(method, path).header("authorization", &token)
    }

    /// What is served to nobody, as text.
    pub async fn raw(&self, path: &str) -> String {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
        let body = to_bytes(response.into_body(), MOST).await.unwrap();
        String::from_utf8(body.into()).unwrap()
    }

    /// Ann reads.
    pub async fn get(&self, path: &str) -> Answer {
        self.by(&caller(), "GET", path).answer().await
    }

    /// Ann asks for something without saying more.
    pub async fn post(&self, path: &str) -> Answer {
        self.by(&caller(), "POST", path).answer().await
    }

    /// Ann asks for something.
    pub async fn send(&self, path: &str, body: Value) -> Answer {
        self.by(&caller(), "POST", path).json(body).answer().await
    }
}

/// Eve of another tenant, who may do anything there.
pub fn stranger() -> Caller {
    Caller {
        tenant_id: TenantId::new("umbrella").unwrap(),
        ..person(
            "eve",
            &[],
            &[
                ADMINISTER_TASKS,
                ADMINISTER_DEAD_LETTERS,
                "taskmill:work:gpu",
            ],
        )
    }
}

/// Somebody of Ann's tenant.
pub fn person(name: &str, roles: &[&str], permissions: &[&str]) -> Caller {
    let owned = |texts: &[&str]| texts.iter().map(ToString::to_string).collect();
    Caller {
        user_id: name.to_owned(),
        roles: owned(roles),
        permissions: owned(permissions),
        ..caller()
    }
}

impl Ask<'_> {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub fn json(self, body: Value) -> Self {
        self.text("application/json", body.to_string())
    }

    pub fn text(mut self, kind: &str, body: String) -> Self {
        self = self.header("content-type", kind);
        self.body = Body::from(body);
        self
    }

    /// The answer, which is one that the document describes.
    pub async fn answer(self) -> Answer {
        let request = self.request.method(self.method.clone()).uri(&self.path);
        let request = request.body(self.body).unwrap();
        let response = self.world.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, MOST).await.unwrap();
        let answer = Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: serde_json::from_slice(&body).unwrap_or(Value::Null),
        };
        check(&self.world.document, &self.method, &self.path, &answer);
        answer
    }
}

impl Answer {
    /// The answer, whose status is this.
    #[track_caller]
    pub fn is(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// The answer, which is a problem with this status and code.
    #[track_caller]
    pub fn refused(self, status: u16, code: &str) -> Self {
        let answer = self.is(status);
        assert_eq!(answer.body["code"], code, "{}", answer.body);
        answer
    }

    pub fn header(&self, name: &str) -> &str {
        let header = self.headers.get(name);
        header.map_or("", |header| header.to_str().unwrap())
    }

    /// The `id` of what was answered.
    pub fn id(&self) -> String {
        self.text("id").to_owned()
    }

    pub fn text(&self, field: &str) -> &str {
        self.body[field].as_str().unwrap_or_default()
    }

    /// A field of each entry of a list.
    pub fn each(&self, field: &str) -> Vec<String> {
        let items = self.body["items"].as_array().unwrap().iter();
        items
            .map(|item| item[field].as_str().unwrap().to_owned())
            .collect()
    }
}

/// Holds an answer against the document.
fn check(document: &Value, method: &Method, path: &str, answer: &Answer) {
    assert!(!answer.header("x-request-id").is_empty());
    let path = path.split('?').next().unwrap_or_default();
    let operation = operation_of(document, method, path);
    if answer.status >= 400 {
        assert_eq!(answer.header("content-type"), "application/problem+json");
        assert_eq!(answer.body["status"], answer.status);
        assert_eq!(answer.body["requestId"], answer.header("x-request-id"));
        assert_eq!(answer.body["instance"], path);
    }
    let Some(operation) = operation else {
        assert!([404, 405].contains(&answer.status), "{method} {path}");
        return;
    };
    let described = &operation["responses"][answer.status.to_string()];
    assert!(described.is_object(), "{method} {path}: {answer:?}");
    if answer.status == 204 {
        assert_eq!(
            (&described["content"], &answer.body),
            (&Value::Null, &Value::Null)
        );
        return;
    }
    let kind = answer.header("content-type");
    let schema = &described["content"][kind]["schema"];
    assert!(schema.is_object(), "{method} {path}: {kind} {answer:?}");
    let mut whole = json!({"components": document["components"]});
    whole["allOf"] = json!([schema]);
    let validator = jsonschema::validator_for(&whole).unwrap();
    let wrong: Vec<String> = validator
        .iter_errors(&answer.body)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert_eq!(wrong, [""; 0], "{method} {path}: {}", answer.body);
    for name in described["headers"]
        .as_object()
        .into_iter()
        .flat_map(|all| all.keys())
    {
        // What a request must ask for is there when it does.
        let is_there = name == "Preference-Applied" || answer.headers.contains_key(name.as_str());
        assert!(is_there, "{method} {path}: no {name}");
    }
}

/// The operation that an address is of.
fn operation_of<'d>(document: &'d Value, method: &Method, path: &str) -> Option<&'d Value> {
    let parts: Vec<&str> = path.split('/').collect();
    let is_at = |template: &&String| {
        let template: Vec<&str> = template.split('/').collect();
        let same = |(part, own): (&&str, &&str)| part == own || part.starts_with('{');
        template.len() == parts.len() && template.iter().zip(&parts).all(same)
    };
    let paths = document["paths"].as_object().unwrap();
    let exact = paths.get(path);
    let item = exact.or_else(|| paths.keys().find(is_at).map(|template| &paths[template]))?;
    item.get(method.as_str().to_lowercase())
}

/// The header of a change that is wanted of one version alone.
pub const IF_MATCH: &str = "if-match";
