//! Functions that others run: invoked by the event sources, or by nobody.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName};
use serde_json::Value;
use taskmill::task::tenants::TenantLimits;
use taskmill_aws::clock::Clock;
use taskmill_aws::executor::Executors;
use taskmill_aws::queues::QueueName;
use taskmill_local::functions::{Function, Functions, Remote};
use taskmill_local::service::{Options, Prepared, prepare};
use taskmill_local::{LocalAws, Service};
use tokio::net::TcpListener;
use tokio::sync::mpsc;

/// An Invoke API that answers each invocation as it is told to, and keeps what it got.
#[derive(Clone)]
struct Lambda {
    answers: Arc<Mutex<Vec<Answer>>>,
    invoked: mpsc::UnboundedSender<(String, Value)>,
}

type Answer = (HeaderMap, &'static str);

fn well() -> Answer {
    (HeaderMap::new(), r#"{"batchItemFailures": []}"#)
}

fn badly() -> Answer {
    let name = HeaderName::from_static("x-amz-function-error");
    let headers = [(name, "Unhandled".parse().unwrap())];
    (headers.into_iter().collect(), r#"{"errorType": "Broken"}"#)
}

/// The address, and what is invoked there. The last answer is given first.
async fn lambda(answers: Vec<Answer>) -> (String, mpsc::UnboundedReceiver<(String, Value)>) {
    let (invoked, invocations) = mpsc::unbounded_channel();
    let answers = Arc::new(Mutex::new(answers));
    let path = "/2015-03-31/functions/{function}/invocations";
    let router = Router::new()
        .route(path, axum::routing::post(invoke))
        .with_state(Lambda { answers, invoked });
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    (url, invocations)
}

async fn invoke(
    State(lambda): State<Lambda>,
    Path(function): Path<String>,
    event: String,
) -> Answer {
    let answer = lambda.answers.lock().unwrap().pop().unwrap_or_else(well);
    let event = serde_json::from_str(&event).unwrap();
    lambda.invoked.send((function, event)).unwrap();
    answer
}

async fn service(functions: Functions) -> Service {
    prepared().await.begin_with(functions).await.unwrap()
}

async fn prepared() -> Prepared {
    let aws = LocalAws::in_memory(Clock::anchored_now()).unwrap();
    let options = Options {
        executors: Executors::builtin(aws.clock()),
        worker: "test".to_owned(),
        batch_size: 10,
        concurrency: 1,
        callbacks: None,
        tenant_limits: TenantLimits::default(),
    };
    prepare(aws, options).await.unwrap()
}

async fn send(service: &Service, queue: QueueName, body: &str) {
    let client = aws_sdk_sqs::Client::new(&service.aws().background_sdk_config());
    let url = service.app().queues().urls().of(queue);
    let send = client.send_message().queue_url(url).message_body(body);
    send.send().await.unwrap();
}

#[tokio::test]
async fn a_function_elsewhere_gets_the_event_of_its_queue() {
    let (url, mut invocations) = lambda(Vec::new()).await;
    let functions = Functions::elsewhere(&[Function::CreateTask], &Remote::at(&url).await);
    let service = service(functions).await;
    send(&service, QueueName::Create, "not for us").await;
    let (function, event) = invocations.recv().await.unwrap();
    assert_eq!(function, "create-task");
    let record = &event["Records"][0];
    assert_eq!(record["body"], "not for us");
    assert_eq!(record["eventSource"], "aws:sqs");
    assert_eq!(record["attributes"]["ApproximateReceiveCount"], "1");
    service.until_settled().await;
    assert!(service.dead_letters().await.unwrap().is_empty());

    // What this process runs, it runs itself: this function gives up what is no message.
    send(&service, QueueName::Retry, "not for us").await;
    service.until_settled().await;
    assert_eq!(service.dead_letters().await.unwrap().len(), 1);
    service.shutdown().await;
    assert!(invocations.try_recv().is_err());
}

#[tokio::test]
async fn a_message_of_a_function_that_fails_is_kept() {
    let (url, mut invocations) = lambda(vec![badly()]).await;
    let functions = Functions::elsewhere(&Function::ALL, &Remote::at(&url).await);
    let service = service(functions).await;
    send(&service, QueueName::Create, "one").await;
    invocations.recv().await.unwrap();
    let urls = service.app().queues().urls().clone();
    let aws = service.aws().clone();
    service.shutdown().await;
    let client = aws_sdk_sqs::Client::new(&aws.background_sdk_config());
    let hidden = "ApproximateNumberOfMessagesNotVisible";
    let asked = client
        .get_queue_attributes()
        .queue_url(urls.of(QueueName::Create))
        .attribute_names(hidden.into())
        .send()
        .await
        .unwrap();
    assert_eq!(asked.attributes.unwrap()[&hidden.into()], "1");
}

#[tokio::test]
async fn what_nobody_runs_stays_in_its_queue() {
    let service = service(Functions::nobodys()).await;
    send(&service, QueueName::Create, "one").await;
    let client = aws_sdk_sqs::Client::new(&service.aws().background_sdk_config());
    let url = service
        .app()
        .queues()
        .urls()
        .of(QueueName::Create)
        .to_owned();
    service.shutdown().await;
    let received = client
        .receive_message()
        .queue_url(url)
        .send()
        .await
        .unwrap();
    assert_eq!(received.messages().len(), 1);
}

#[tokio::test]
async fn the_environment_is_one_that_a_function_starts_with() {
    let prepared = prepared().await;
    let environment = prepared.environment("http://127.0.0.1:4566");
    let find = |name: &str| {
        let found = environment.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.clone())
    };
    let config = taskmill_aws::config::Config::read(find).unwrap();
    assert_eq!(
        config.queues.of(QueueName::Result),
        "http://127.0.0.1:4566/000000000000/result.fifo"
    );
    assert_eq!(
        find("AWS_ENDPOINT_URL").as_deref(),
        Some("http://127.0.0.1:4566")
    );
    assert_eq!(config.sweep_horizon, 0);
}

#[test]
fn functions_are_called_by_their_names_alone() {
    for function in Function::ALL {
        assert_eq!(function.to_string().parse::<Function>().unwrap(), function);
    }
    let error = "archive".parse::<Function>().unwrap_err();
    assert!(error.to_string().contains("\"archive\""), "{error}");
}
