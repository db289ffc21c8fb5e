//! The start of a function on AWS: configuration, clients, and the parts put together.

use aws_config::SdkConfig;
use taskmill_aws::clock::Clock;
use taskmill_aws::config::{self, Config};
use taskmill_aws::executor::{AwsReach, Executors};
use taskmill_aws::payloads::Payloads;
use taskmill_aws::queues::Queues;
use taskmill_aws::sdk;
use taskmill_aws::secrets::{Secrets, Vault};
use taskmill_aws::store::Store;
use taskmill_aws::task_tokens::TaskTokens;

use crate::app::App;

/// Puts a function together from its environment that runs no attempts: the programs of most
/// functions are without the executors, and smaller for it.
///
/// # Errors
/// The environment is not complete.
pub fn function() -> Result<App, config::Error> {
    let (config, sdk) = environment()?;
    let clock = Clock::system();
    Ok(assemble(config, &sdk, Executors::builtin(clock), clock))
}

/// Puts a function together from its environment that runs attempts.
///
/// # Errors
/// The environment is not complete.
pub fn worker() -> Result<App, config::Error> {
    let (config, sdk) = environment()?;
    let clock = Clock::system();
    let mut secrets = Secrets::shared(std::env::vars_os());
    if let Some(place) = &config.vault {
        secrets = secrets.and_in(Vault::new(place.clone(), &sdk, clock));
    }
    let aws = AwsReach {
        sdk: sdk.clone(),
        sender: config.sender.clone(),
    };
    let executors = Executors::cloud(clock, secrets, &aws);
    Ok(assemble(config, &sdk, executors, clock))
}

fn environment() -> Result<(Config, SdkConfig), config::Error> {
    let variable = |name: &str| std::env::var(name).ok();
    Ok((Config::read(variable)?, sdk::of_function(variable)))
}

/// Puts a process together: clients of this SDK configuration, and the given parts.
#[must_use]
pub fn assemble(config: Config, sdk: &SdkConfig, executors: Executors, clock: Clock) -> App {
    let payloads = Payloads::new(sdk, &config.bucket);
    let store = Store::new(
        aws_sdk_dynamodb::Client::new(sdk),
        config.tables.clone(),
        config.shards,
        payloads.clone(),
    );
    let queues = Queues::new(aws_sdk_sqs::Client::new(sdk), config.queues.clone(), clock);
    let tokens = TaskTokens::new(aws_sdk_sfn::Client::new(sdk));
    App::new(config, store, queues, payloads, executors, tokens, clock)
}
