//! The library for workers, against the API on a port: in real time, since its connections are.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use taskmill::ids::TaskId;
use taskmill::security::Caller;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill_api::{Api, Authority, DevelopmentKey, router};
use taskmill_aws::clock::Clock;
use taskmill_local::{LocalAws, Service};
use taskmill_worker::{Client, Failure, Task, Worker};
use tokio::sync::{Barrier, Notify, oneshot};
use tokio::task::JoinHandle;

use super::machine;
use crate::support::{Records, Script, create, pass, register, service, task_of};

const QUICK: &str = "
id: quick
name: Quick
version: 1.0.0
type: AUTOMATED
timeout: 60000
retryPolicy: {maxRetries: 3, retryInterval: 0}
timeouts: {heartbeat: 600}
executionConfig: {executor: 'worker:gpu'}
";

/// A service of this machine with its API on a port.
struct Served {
    aws: LocalAws,
    service: Service,
    url: String,
    token: String,
}

impl Served {
    async fn start() -> Self {
        let aws = LocalAws::in_memory(Clock::system()).unwrap();
        let service = service(&aws, &Script::echo()).await;
        register(service.app(), QUICK).await;
        let key = DevelopmentKey::new([7; 32]);
        let token = key.token(&machine(), aws.clock().now(), 3_600);
        let authority = Authority::Router(key.verifier().into());
        let router = router(Api::new(service.app().clone(), authority));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            aws,
            service,
            url,
            token,
        }
    }

    fn worker(&self) -> Worker {
        let token = self.token.clone();
        Worker::new(Client::new(&self.url, "gpu", move || token.clone()).unwrap())
    }

    async fn create(&self, key: &str) -> TaskId {
        create(self.service.app(), "quick", json!({"key": key}), key).await
    }

    async fn ended(&self, key: &str) -> TaskInstance {
        Records::of(&self.aws).ended_task(task_of(key)).await
    }
}

/// A worker that runs until it is told to stop.
struct Running {
    stop: oneshot::Sender<()>,
    ended: JoinHandle<()>,
}

impl Running {
    fn start<F>(worker: Worker, handler: impl Fn(Task) -> F + Clone + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Value, Failure>> + Send + 'static,
    {
        let (stop, stopped) = oneshot::channel::<()>();
        let stopped = async move { drop(stopped.await) };
        let ended = tokio::spawn(worker.run(handler, stopped));
        Self { stop, ended }
    }

    async fn stop(self) {
        self.stop.send(()).unwrap();
        self.ended.await.unwrap();
    }
}

#[tokio::test]
async fn tasks_are_done_side_by_side_and_told_how_they_ended() {
    let served = Served::start().await;
    for key in ["a", "b", "fails", "panics"] {
        served.create(key).await;
    }
    // Nobody goes on before three are there.
    let together = Arc::new(Barrier::new(4));
    let worker = Running::start(served.worker().concurrency(4), move |task| {
        let together = Arc::clone(&together);
        async move {
            if task.attempt == 1 {
                together.wait().await;
            }
            match task.input["key"].as_str() {
                Some("fails") => Err(Failure::new("BAD", "never").permanent()),
                Some("panics") if task.attempt == 1 => panic!("the handler is broken"),
                _ => Ok(task.input.clone()),
            }
        }
    });
    assert_eq!(served.ended("a").await.output, Some(json!({"key": "a"})));
    assert_eq!(served.ended("b").await.status, TaskStatus::Completed);
    let failed = served.ended("fails").await;
    assert_eq!((failed.status, failed.attempt()), (TaskStatus::Failed, 1));
    assert_eq!(failed.error.unwrap().code, "BAD");
    let broken = served.ended("panics").await;
    assert_eq!(
        (broken.status, broken.attempt()),
        (TaskStatus::Completed, 2)
    );
    let first = broken.attempts[0].error.as_ref().unwrap();
    assert_eq!(first.code, "WORKER_FAILED");
    worker.stop().await;
}

#[tokio::test]
async fn a_long_task_is_kept_by_signs_of_life_that_tell_its_progress() {
    let served = Served::start().await;
    let (records, id) = (Records::of(&served.aws), served.create("long").await);
    let seen = Arc::new(Notify::new());
    let go_on = Arc::clone(&seen);
    let worker = Running::start(served.worker(), move |task| {
        let go_on = Arc::clone(&go_on);
        async move {
            task.progress(json!({"half": true}));
            go_on.notified().await;
            Ok(json!("done"))
        }
    });
    let told = async {
        loop {
            let task = records.task(id).await;
            let lease = task.lease();
            if lease.is_some_and(|lease| lease.progress == Some(json!({"half": true}))) {
                return task;
            }
            pass(&served.aws, 20).await;
        }
    };
    let told = tokio::time::timeout(Duration::from_secs(60), told)
        .await
        .unwrap();
    assert_eq!(told.attempt(), 1);
    seen.notify_one();
    let ended = served.ended("long").await;
    assert_eq!(
        (ended.output, ended.retries.total()),
        (Some(json!("done")), 0)
    );
    worker.stop().await;
}

#[tokio::test]
async fn what_a_dead_worker_had_another_does() {
    let served = Served::start().await;
    served.create("one").await;
    let (begun, beginning) = oneshot::channel();
    let begun = Arc::new(std::sync::Mutex::new(Some(begun)));
    let dying = Running::start(served.worker(), move |_| {
        let begun = begun.lock().unwrap().take();
        async move {
            begun.unwrap().send(()).unwrap();
            std::future::pending().await
        }
    });
    beginning.await.unwrap();
    dying.ended.abort();
    let worker = Running::start(served.worker(), async move |task: Task| {
        Ok(json!(task.attempt))
    });
    let ended = served.ended("one").await;
    assert_eq!(ended.output, Some(json!(2)));
    let first = ended.attempts[0].error.as_ref().unwrap();
    assert_eq!(first.details["kind"], "HEARTBEAT");
    worker.stop().await;
}

#[tokio::test]
async fn what_does_not_end_in_time_is_given_back() {
    let served = Served::start().await;
    served.create("one").await;
    let (begun, beginning) = oneshot::channel();
    let begun = Arc::new(std::sync::Mutex::new(Some(begun)));
    let slow = served.worker().grace(Duration::ZERO);
    let slow = Running::start(slow, move |_| {
        let begun = begun.lock().unwrap().take();
        async move {
            begun.unwrap().send(()).unwrap();
            std::future::pending().await
        }
    });
    beginning.await.unwrap();
    slow.stop().await;
    let worker = Running::start(served.worker(), async move |task: Task| {
        Ok(json!(task.attempt))
    });
    // It is the first attempt still: nothing failed.
    assert_eq!(served.ended("one").await.output, Some(json!(1)));
    worker.stop().await;
}

#[tokio::test]
async fn a_worker_asks_again_until_a_definition_names_its_group() {
    let served = Served::start().await;
    let permitted = Caller {
        permissions: vec!["taskmill:work".to_owned()],
        ..machine()
    };
    let now = served.aws.clock().now();
    let token = DevelopmentKey::new([7; 32]).token(&permitted, now, 3_600);
    let asked = Arc::new(Notify::new());
    let asking = Arc::clone(&asked);
    let client = Client::new(&served.url, "late", move || {
        asking.notify_one();
        token.clone()
    });
    let worker = Running::start(Worker::new(client.unwrap()), async |_| Ok(json!(null)));
    asked.notified().await;
    let late = QUICK.replace("quick", "late").replace("gpu", "late");
    register(served.service.app(), &late).await;
    create(served.service.app(), "late", json!({}), "late").await;
    assert_eq!(served.ended("late").await.status, TaskStatus::Completed);
    worker.stop().await;
}
