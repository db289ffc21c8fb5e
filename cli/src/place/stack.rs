//! Opening a deployed stack, with the caller's own credentials.
//!
//! Its configuration is what its functions are told, and is asked of one of them: so it is that of
//! the version that runs, and takes no client of AWS that the command does not have anyway.

use std::collections::HashMap;

use aws_config::SdkConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::ProvideCredentials;
use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::operation::get_function_configuration::{
    GetFunctionConfigurationError, GetFunctionConfigurationOutput,
};
use aws_sdk_lambda::types::{EnvironmentResponse, State};
use taskmill_app::{App, boot};
use taskmill_aws::clock::Clock;
use taskmill_aws::config::{self, Config};
use taskmill_aws::executor::Executors;
use taskmill_aws::sdk;

/// The function that is asked. Every one is told the same.
const FUNCTION: &str = "create-task";

/// A stack that cannot be worked on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nobody says where AWS is.
    #[error("there is no AWS region: AWS_REGION, or a profile, says where the stack {0} is")]
    NoRegion(String),
    /// Nobody says who asks.
    #[error("there are no AWS credentials for the stack {name}: {reason}")]
    NoCredentials {
        /// The stack.
        name: String,
        /// What the SDK says.
        reason: String,
    },
    /// There is none of this name, or it is of something else.
    #[error("there is no stack {name} of Taskmill in {region}: no function {name}-{FUNCTION}")]
    Missing {
        /// The name.
        name: String,
        /// Where it was looked for.
        region: String,
    },
    /// It is being made, or could not be.
    #[error("the stack {name} cannot be worked on: its functions are {state}")]
    NotReady {
        /// The stack.
        name: String,
        /// As Lambda has it.
        state: String,
    },
    /// It is of another version.
    #[error("the stack {name} is no Taskmill of this version")]
    Foreign {
        /// The stack.
        name: String,
        /// What its functions are not told.
        #[source]
        source: config::Error,
    },
    /// AWS does not tell.
    #[error("the stack {name} cannot be looked at: {reason}")]
    Aws {
        /// The stack.
        name: String,
        /// What the SDK says.
        reason: String,
    },
}

/// The use cases over a deployed stack. Nobody runs an attempt here: its functions do.
///
/// # Errors
/// It cannot be worked on, and why.
pub async fn open(name: &str) -> Result<App, Error> {
    let sdk = sdk::of_machine().await;
    let region = region(&sdk, name).await?;
    let function = function(&sdk, name, region).await?;
    let config = config_of(function, name)?;
    let clock = Clock::system();
    let executors = Executors::builtin(clock);
    Ok(boot::assemble(config, &sdk, executors, clock))
}

/// Where AWS is, once it is sure that there is somebody to ask as: without either, the SDK's own
/// errors say little.
async fn region(sdk: &SdkConfig, name: &str) -> Result<String, Error> {
    let region = sdk.region();
    let region = region.ok_or_else(|| Error::NoRegion(name.to_owned()))?;
    let no_credentials = |reason: String| Error::NoCredentials {
        name: name.to_owned(),
        reason,
    };
    let provider = sdk.credentials_provider();
    let provider = provider.ok_or_else(|| no_credentials("none are configured".to_owned()))?;
    let found = provider.provide_credentials().await;
    found.map_err(|error| no_credentials(DisplayErrorContext(&error).to_string()))?;
    Ok(region.to_string())
}

async fn function(
    sdk: &SdkConfig,
    name: &str,
    region: String,
) -> Result<GetFunctionConfigurationOutput, Error> {
    let function = format!("{name}-{FUNCTION}");
    let asked = Client::new(sdk).get_function_configuration();
    let told = asked.function_name(function).send().await;
    told.map_err(|error| {
        let name = name.to_owned();
        let is_missing = GetFunctionConfigurationError::is_resource_not_found_exception;
        match error.as_service_error().is_some_and(is_missing) {
            true => Error::Missing { name, region },
            false => Error::Aws {
                name,
                reason: DisplayErrorContext(&error).to_string(),
            },
        }
    })
}

/// What the function is told; Lambda may be unable to decrypt it for who asks.
fn variables_of(
    function: GetFunctionConfigurationOutput,
    name: &str,
) -> Result<HashMap<String, String>, Error> {
    let environment = function
        .environment
        .unwrap_or_else(|| EnvironmentResponse::builder().build());
    match environment.error {
        None => Ok(environment.variables.unwrap_or_default()),
        Some(error) => Err(Error::Aws {
            name: name.to_owned(),
            reason: error
                .message
                .unwrap_or_else(|| "its variables cannot be read".to_owned()),
        }),
    }
}

fn config_of(function: GetFunctionConfigurationOutput, name: &str) -> Result<Config, Error> {
    match function.state {
        Some(state @ (State::Pending | State::Failed)) => Err(Error::NotReady {
            name: name.to_owned(),
            state: state.to_string(),
        }),
        // A function that nobody called for weeks is Inactive; some emulators tell no state.
        Some(_) | None => {
            let variables = variables_of(function, name)?;
            let config = Config::read(|variable| variables.get(variable).cloned());
            config.map_err(|source| Error::Foreign {
                name: name.to_owned(),
                source,
            })
        }
    }
}
