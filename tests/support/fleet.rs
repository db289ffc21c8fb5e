//! Taskmill as it is deployed: a function for each queue, each a process of its own, and a sweep
//! every minute. A fleet that dies leaves its queues as they are, and the one that follows looks
//! at nothing until a message or the sweep tells it to.

use std::sync::Arc;

use futures::FutureExt as _;
use taskmill::task::targets::Targets;
use taskmill::task::tenants::TenantLimits;
use taskmill_app::{App, boot, create_task, execute_task, process_result, schedule_retry, sweep};
use taskmill_aws::config::{Config, DEFAULT_RETENTION};
use taskmill_aws::queues::create::create_all as create_queues;
use taskmill_aws::queues::{QueueName, QueueUrls};
use taskmill_aws::tables::{self, Shards, TableNames};
use taskmill_local::{EventSource, Handler, LocalAws, Pollers};
use tokio::task::JoinSet;

use super::script::Script;
use super::{MINUTE, callbacks};

/// A deployment. Dropping it is the crash of all its functions.
pub struct Fleet {
    front: App,
    _pollers: Pollers,
    _sweeps: JoinSet<()>,
}

impl Fleet {
    pub async fn start(aws: &LocalAws, script: &Script) -> Self {
        Self::limited(aws, script, TenantLimits::default()).await
    }

    /// The same, where tenants have limits.
    pub async fn limited(aws: &LocalAws, script: &Script, tenant_limits: TenantLimits) -> Self {
        let sdk = aws.background_sdk_config();
        let database = aws_sdk_dynamodb::Client::new(&sdk);
        tables::create_all(&database, &TableNames::default())
            .await
            .unwrap();
        let urls = create_queues(&aws_sdk_sqs::Client::new(&sdk))
            .await
            .unwrap();
        let process = |name: &str| {
            let config = Config {
                worker: format!("{name}/1"),
                tenant_limits: tenant_limits.clone(),
                ..config(urls.clone())
            };
            let executors = script.executors(aws);
            boot::assemble(config, &aws.sdk_config(), executors, aws.clock())
        };
        let sources = QueueName::ALL.map(|queue| EventSource {
            queue_url: urls.of(queue).to_owned(),
            handler: handler(process(queue.as_str()), queue),
            batch_size: 10,
            concurrency: 2,
        });
        let mut minutes = JoinSet::new();
        minutes.spawn(sweeps(process("sweep")));
        Self {
            front: process("create-task"),
            _pollers: Pollers::start(aws, sources),
            _sweeps: minutes,
        }
    }

    /// What a caller invokes.
    pub fn app(&self) -> &App {
        &self.front
    }
}

/// The function of a queue.
fn handler(app: App, queue: QueueName) -> Handler {
    Arc::new(move |event| {
        let app = app.clone();
        async move {
            Ok(match queue {
                QueueName::Create => create_task::handle(&app, event).await,
                QueueName::Execute | QueueName::ExecuteUrgent => {
                    execute_task::handle(&app, event).await
                }
                QueueName::Result => process_result::handle(&app, event).await,
                QueueName::Retry => schedule_retry::handle(&app, event).await,
            })
        }
        .boxed()
    })
}

async fn sweeps(app: App) {
    loop {
        let next = app.clock().now().plus_millis(MINUTE);
        app.clock().sleep_until(next).await;
        // What fails here is for the next minute.
        let _ = sweep::sweep(&app).await;
    }
}

/// The configuration of a function.
pub fn config(queues: QueueUrls) -> Config {
    Config {
        tables: TableNames::default(),
        shards: Shards::default(),
        queues,
        bucket: "payloads".to_owned(),
        retention: DEFAULT_RETENTION,
        sweep_horizon: 75_000,
        longest_attempt: Some(14 * MINUTE),
        worker: "function".to_owned(),
        execution_environment: "local/1".to_owned(),
        targets: Targets::default(),
        tenant_limits: TenantLimits::default(),
        sender: None,
        callbacks: Some(callbacks()),
        vault: None,
    }
}
