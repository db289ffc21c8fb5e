//! A deployed stack as a caller has it: by its name for the `taskmill` command, by its outputs for
//! the code, and with the caller's own credentials. Each test has a tenant of its own.

use std::collections::BTreeMap;
use std::process::{Command, Output};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_lambda::primitives::Blob;
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use aws_sdk_sfn::types::ExecutionStatus;
use serde_json::{Value, json};
use taskmill::ids::{TaskId, TenantId, WorkflowId};
use taskmill::security::Caller;
use taskmill::task::TaskInstance;
use taskmill::workflow::WorkflowInstance;
use taskmill_app::{App, boot};
use taskmill_aws::clock::Clock;
use taskmill_aws::config::{Config, output_of};
use taskmill_aws::executor::Executors;
use taskmill_aws::queues::QueueName;
use taskmill_aws::sdk;

/// Between two looks at what is waited for.
const LOOK: Duration = Duration::from_millis(200);
/// Longer than anything takes that these tests wait for; a sweep comes once in a minute.
const PATIENCE: Duration = Duration::from_secs(240);

pub struct Stack {
    pub app: App,
    sdk: SdkConfig,
    tenant: TenantId,
    create_task: String,
    /// Where the emulator has the HTTP API: it is reached by a path there, as names below
    /// `localhost` do not resolve everywhere.
    api: String,
}

/// What the HTTP API answered.
pub struct Answer {
    pub status: u16,
    pub body: Value,
}

impl Stack {
    /// The stack, with the definitions of the checks registered for a tenant.
    pub async fn of(tenant: &str) -> Self {
        let outputs = outputs();
        let config = Config::read(|name| outputs.get(&output_of(name)).cloned()).unwrap();
        let sdk = sdk::of_machine().await;
        let clock = Clock::system();
        let stack = Self {
            app: boot::assemble(config, &sdk, Executors::builtin(clock), clock),
            sdk,
            tenant: TenantId::new(tenant).unwrap(),
            create_task: outputs["CreateTaskFunction"].clone(),
            api: api(&outputs["ApiUrl"]),
        };
        stack.define(include_str!("definitions.yaml"));
        stack
    }

    /// The command on the stack, for the tenant.
    pub fn command(&self, arguments: &[&str]) -> Output {
        let command = variable("TASKMILL_COMMAND");
        let mut command = Command::new(command);
        command.args(["--stack", &variable("TASKMILL_STACK")]);
        command.env("TASKMILL_TENANT", self.tenant.as_str());
        command.env("USER", "ann").args(arguments).output().unwrap()
    }

    /// What the command prints that does what it is asked.
    pub fn says(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{arguments:?}: {stderr}");
        serde_json::from_slice(&output.stdout).unwrap()
    }

    /// Registers a text of definitions, and gives what is said of each.
    pub fn define(&self, text: &str) -> Value {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("definitions.yaml");
        std::fs::write(&file, text).unwrap();
        self.says(&["define", file.to_str().unwrap()])
    }

    pub fn caller(&self) -> Caller {
        Caller {
            tenant_id: self.tenant.clone(),
            user_id: "ann".to_owned(),
            roles: Vec::new(),
            permissions: Vec::new(),
            environment_id: None,
        }
    }

    /// Asks `create-task` for something, and gives what it answers.
    pub async fn invoke(&self, what: &str, request: Value) -> Value {
        let event = json!({"tenantId": self.tenant, "userId": "ann", what: request});
        let answer = aws_sdk_lambda::Client::new(&self.sdk)
            .invoke()
            .function_name(&self.create_task)
            .payload(Blob::new(event.to_string()))
            .send()
            .await
            .unwrap();
        let body = answer.payload.unwrap_or_else(|| Blob::new("")).into_inner();
        let body = String::from_utf8(body).unwrap();
        assert_eq!(answer.function_error, None, "{body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Creates a task, and gives it when it has ended.
    pub async fn task(&self, definition: &str, input: Value) -> TaskInstance {
        let request = json!({"taskDefinitionId": definition, "input": input});
        let created = self.invoke("createTask", request).await;
        self.ended_task(created["id"].as_str().unwrap().parse().unwrap())
            .await
    }

    /// Starts a workflow, and gives it when it has ended.
    pub async fn workflow(&self, definition: &str, input: Value) -> WorkflowInstance {
        let request = json!({"workflowDefinitionId": definition, "input": input});
        let started = self.invoke("startWorkflow", request).await;
        self.ended_workflow(started["id"].as_str().unwrap().parse().unwrap())
            .await
    }

    pub async fn ended_task(&self, id: TaskId) -> TaskInstance {
        until("the end of a task", async || {
            let found = self.app.store().task(id).await.unwrap();
            found.filter(|task| task.status.is_terminal())
        })
        .await
    }

    pub async fn ended_workflow(&self, id: WorkflowId) -> WorkflowInstance {
        until("the end of a workflow", async || {
            let found = self.app.store().workflow(id).await.unwrap();
            found.filter(|workflow| workflow.status.is_terminal())
        })
        .await
    }

    /// A token of the issuer, with these claims.
    pub async fn token(&self, claims: Value) -> String {
        let url = format!("{}/token", variable("TASKMILL_ISSUER"));
        let request = http().post(url).body(claims.to_string());
        request.send().await.unwrap().text().await.unwrap()
    }

    /// Reads something of the HTTP API; without a token when it is empty.
    pub async fn get(&self, token: &str, path: &str) -> Answer {
        answer(token, http().get(self.api.clone() + path)).await
    }

    /// Asks something of the HTTP API.
    pub async fn post(
        &self,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let request = http().post(self.api.clone() + path).json(body);
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        answer(token, request).await
    }

    /// Sends back the only dead letter that the bearer of a token sees.
    pub async fn redrive_over_http(&self, token: &str) {
        until("the end of a redrive", async || {
            let listed = self.get(token, "/v1/dead-letters?queue=create").await;
            assert_eq!(listed.status, 200, "{}", listed.body);
            // Another test may hold it just now.
            let id = listed.body["items"][0]["id"].as_str()?.to_owned();
            let path = format!("/v1/dead-letters/{id}/redrive?queue=create");
            let sent = self.post(token, &path, &[], &json!({})).await;
            (sent.status == 200).then_some(())
        })
        .await;
    }

    /// Runs a state machine to its end.
    pub async fn execution(&self, machine: &str, input: Value) -> DescribeExecutionOutput {
        let client = aws_sdk_sfn::Client::new(&self.sdk);
        let arn = format!("arn:aws:states:eu-central-1:000000000000:stateMachine:{machine}");
        let request = client.start_execution().state_machine_arn(arn);
        let started = request.input(input.to_string()).send().await.unwrap();
        until("the end of an execution", async || {
            let look = client.describe_execution();
            let seen = look.execution_arn(started.execution_arn()).send().await;
            let seen = seen.unwrap();
            (*seen.status() != ExecutionStatus::Running).then_some(seen)
        })
        .await
    }

    fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.sdk)
    }

    /// Puts a text on a queue, in the tenant's group.
    pub async fn send(&self, queue: QueueName, body: &str) {
        let request = self
            .sqs()
            .send_message()
            .queue_url(self.app.queues().urls().of(queue))
            .message_group_id(self.tenant.as_str())
            .message_body(body);
        let request = match queue.settings().fifo {
            true => request.message_deduplication_id(self.tenant.as_str()),
            false => request,
        };
        request.send().await.unwrap();
    }

    /// Waits for the dead letter of a queue that holds a text; it stays where it is.
    pub async fn dead_letter(&self, queue: QueueName, text: &str) -> Value {
        let queue = queue.as_str();
        until("a dead letter", async || {
            let letters = self.says(&["dead-letters", "list", "--queue", queue]);
            let letters = letters.as_array().unwrap().iter();
            let whole = letters.filter_map(|letter| {
                let id = letter["id"].as_str().unwrap();
                let shown = self.command(&["dead-letters", "show", id, "--queue", queue]);
                // Another test may hold it just now.
                serde_json::from_slice::<Value>(&shown.stdout).ok()
            });
            let mut whole = whole.filter(|letter| letter["body"].to_string().contains(text));
            whole.next()
        })
        .await
    }

    /// Sends a dead letter back to its queue.
    pub async fn redrive(&self, letter: &Value) {
        let id = letter["id"].as_str().unwrap();
        until("the end of a redrive", async || {
            let done = self.command(&["dead-letters", "redrive", id]);
            done.status.success().then_some(())
        })
        .await;
    }
}

fn http() -> reqwest::Client {
    sdk::http().build().unwrap()
}

/// The path of the emulator for an API, by the first part of its name.
fn api(url: &str) -> String {
    let (_, name) = url.split_once("://").unwrap();
    let id = name.split('.').next().unwrap();
    let emulator = variable("AWS_ENDPOINT_URL");
    format!("{emulator}/_aws/execute-api/{id}/$default")
}

async fn answer(token: &str, request: reqwest::RequestBuilder) -> Answer {
    let request = match token {
        "" => request,
        token => request.bearer_auth(token),
    };
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    Answer {
        status,
        body: serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is set by tests/aws/run"))
}

fn outputs() -> BTreeMap<String, String> {
    let file = variable("TASKMILL_OUTPUTS");
    serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()
}

async fn until<T>(what: &str, look: impl AsyncFn() -> Option<T>) -> T {
    let found = async {
        loop {
            match look().await {
                Some(found) => return found,
                None => tokio::time::sleep(LOOK).await,
            }
        }
    };
    let found = tokio::time::timeout(PATIENCE, found).await;
    found.unwrap_or_else(|_| panic!("{what} never comes"))
}
