//! A deployment that nobody listens in: requests are accepted and swept, and every message stays
//! where it was sent.

use taskmill_app::{App, boot};
use taskmill_aws::config::Config;
use taskmill_aws::queues::create::create_all as create_queues;
use taskmill_aws::tables::{self, TableNames};
use taskmill_local::LocalAws;

use super::fleet::config;
use super::script::Script;

/// The one process of such a deployment.
pub async fn deaf(aws: &LocalAws, script: &Script) -> App {
    let sdk = aws.background_sdk_config();
    let database = aws_sdk_dynamodb::Client::new(&sdk);
    tables::create_all(&database, &TableNames::default())
        .await
        .unwrap();
    let urls = create_queues(&aws_sdk_sqs::Client::new(&sdk))
        .await
        .unwrap();
    let config = Config {
        sweep_horizon: 0,
        ..config(urls)
    };
    boot::assemble(
        config,
        &aws.sdk_config(),
        script.executors(aws),
        aws.clock(),
    )
}

/// Somebody beside a deployment, who asks for things in its queues and tables: neither metered
/// nor counted.
pub async fn beside(aws: &LocalAws, script: &Script) -> App {
    let sdk = aws.background_sdk_config();
    let urls = create_queues(&aws_sdk_sqs::Client::new(&sdk))
        .await
        .unwrap();
    let config = Config {
        sweep_horizon: 0,
        ..config(urls)
    };
    boot::assemble(config, &sdk, script.executors(aws), aws.clock())
}
