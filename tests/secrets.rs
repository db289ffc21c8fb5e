//! A secret that a program was given is in no record and in no view, whatever the program does
//! with it by accident. With real programs, in real time.

use std::collections::HashMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use aws_sdk_dynamodb::types::AttributeValue;
use serde_json::{Value, json};
use taskmill::task::tenants::TenantLimits;
use taskmill::task::{TaskInstance, TaskStatus};
use taskmill::workflow::WorkflowStatus;
use taskmill_aws::clock::Clock;
use taskmill_aws::executor::{Executors, codes};
use taskmill_aws::secrets::{SecretFile, Secrets};
use taskmill_aws::tables::TableNames;
use taskmill_local::process::{ProcessConfig, ProcessExecutor, inherited};
use taskmill_local::service::Options;
use taskmill_local::{LocalAws, Service};

use crate::support::{Records, create, register, start};

/// The value of the secret `TOKEN`.
const TOKEN: &str = "tok-5f1c9a77-d2";
/// What stands in its place.
const MASK: &str = "***";

/// Programs that show what they were given, each in its own way. Its length shows that they saw
/// it.
const PROGRAMS: [(&str, &str); 4] = [
    (
        "report",
        r#"
printf '{"error": {"code": "LEAK", "message": "it is %s", "details": {"token": "%s", "length": %d}, "stackTrace": "at %s"}}' "$TOKEN" "$TOKEN" "${#TOKEN}" "$TOKEN"
echo "it is $TOKEN" >&2
exit 1
"#,
    ),
    (
        "fail",
        r#"
printf '{"token": "%s"}' "$TOKEN"
echo "$AUTH of ${#TOKEN}" >&2
exit 3
"#,
    ),
    (
        "tell",
        r#"
echo "it is $TOKEN" >&2
printf '{"token": "%s", "%s": [true], "auth": "%s", "length": %d}' "$TOKEN" "$TOKEN" "$AUTH" "${#TOKEN}"
"#,
    ),
    (
        "large",
        r#"
filling=$(head -c 20000 /dev/zero | tr '\0' x)
printf '{"token": "%s%s", "length": %d}' "$filling" "$TOKEN" "${#TOKEN}"
"#,
    ),
];

const WORKFLOW: &str = "
id: hand-on
name: Hand on
version: 1.0.0
steps:
  - name: tell
    taskDefinitionId: tell
    variableMappings: [{type: DIRECT, source: taskOutput, target: told}]
  - name: again
    taskDefinitionId: tell
    inputMappings: [{type: DIRECT, source: told, target: told}]
output: workflowVariables.told
";

/// The definition of the task of a program.
fn definition(program: &str) -> String {
    format!(
        "
id: {program}
name: Program
version: 1.0.0
type: AUTOMATED
retryPolicy: {{maxRetries: 1, retryInterval: 1, jitter: NONE}}
executionConfig:
  executor: 'process:sh ./{program}.sh'
  environmentVariables: {{TOKEN: '{{{{secret:TOKEN}}}}', AUTH: 'Bearer {{{{secret:TOKEN}}}}'}}
"
    )
}

/// A service that runs the programs of a folder, as the command has it.
async fn service(aws: &LocalAws, folder: &Path) -> Service {
    let variable = (
        OsString::from("TASKMILL_SECRET_TOKEN"),
        OsString::from(TOKEN),
    );
    let secrets = Secrets::single([variable], SecretFile::default());
    let config = ProcessConfig {
        root: folder.to_owned(),
        inherited: inherited(std::env::vars_os()),
    };
    let process = ProcessExecutor::new(config, secrets.clone(), aws.clock());
    let options = Options {
        executors: Executors::local(aws.clock(), secrets, Arc::new(process)),
        worker: "here/1".to_owned(),
        batch_size: 10,
        concurrency: 2,
        callbacks: None,
        tenant_limits: TenantLimits::default(),
    };
    let service = Service::start(aws.clone(), options).await.unwrap();
    for (program, script) in PROGRAMS {
        std::fs::write(folder.join(format!("{program}.sh")), script).unwrap();
        register(service.app(), &definition(program)).await;
    }
    register(service.app(), WORKFLOW).await;
    service
}

/// Whether a text occurs in an attribute.
fn holds(value: &AttributeValue, text: &str) -> bool {
    match value {
        AttributeValue::S(value) | AttributeValue::N(value) => value.contains(text),
        AttributeValue::B(bytes) => String::from_utf8_lossy(bytes.as_ref()).contains(text),
        AttributeValue::L(values) => values.iter().any(|value| holds(value, text)),
        AttributeValue::M(values) => any_holds(values, text),
        AttributeValue::Ss(values) => values.iter().any(|value| value.contains(text)),
        AttributeValue::Bool(_) | AttributeValue::Null(_) => false,
        other => panic!("no attribute is of this type: {other:?}"),
    }
}

fn any_holds(item: &HashMap<String, AttributeValue>, text: &str) -> bool {
    item.iter()
        .any(|(name, value)| name.contains(text) || holds(value, text))
}

/// How many items of a table hold a text.
async fn items_with(aws: &LocalAws, table: &str, text: &str) -> usize {
    let client = aws_sdk_dynamodb::Client::new(&aws.background_sdk_config());
    let (mut count, mut start) = (0, None);
    loop {
        let scan = client
            .scan()
            .table_name(table)
            .set_exclusive_start_key(start);
        let page = scan.send().await.unwrap();
        let items = page.items.unwrap_or_default();
        count += items.iter().filter(|item| any_holds(item, text)).count();
        start = page.last_evaluated_key;
        if start.is_none() {
            return count;
        }
    }
}

/// The task of a program after its end, and how it is shown.
async fn ended(service: &Service, records: &Records, program: &str) -> (TaskInstance, Value) {
    let id = create(service.app(), program, json!({}), program).await;
    let task = tokio::time::timeout(Duration::from_secs(120), records.ended_task(id));
    let task = task.await.unwrap();
    let view = records.task_view(id).await;
    assert!(!view.to_string().contains(TOKEN), "{program}: {view}");
    (task, view)
}

async fn check_failures(service: &Service, records: &Records) {
    let (task, _) = ended(service, records, "report").await;
    assert_eq!((task.status, task.attempts.len()), (TaskStatus::Failed, 2));
    let error = task.error.unwrap();
    assert_eq!(error.code, "LEAK");
    assert_eq!(error.message, format!("it is {MASK}"));
    assert_eq!(
        Value::Object(error.details),
        json!({"token": MASK, "length": TOKEN.len()})
    );
    assert_eq!(error.stack_trace, Some(format!("at {MASK}")));

    let (task, view) = ended(service, records, "fail").await;
    assert_eq!((task.status, task.attempts.len()), (TaskStatus::Failed, 2));
    let error = task.error.unwrap();
    let said = format!("Bearer {MASK} of {}", TOKEN.len());
    assert_eq!(error.code, codes::PROCESS_FAILED);
    assert!(error.message.ends_with(&said), "{}", error.message);
    assert_eq!(error.details["stderr"], format!("{said}\n"));
    let first = &view["attempts"][0]["error"]["details"]["stderr"];
    assert_eq!(first, &format!("{said}\n"));
}

async fn check_successes(service: &Service, records: &Records) {
    let told = json!({
        "token": MASK, MASK: [true], "auth": format!("Bearer {MASK}"), "length": TOKEN.len(),
    });
    let (task, _) = ended(service, records, "tell").await;
    assert_eq!(task.output.as_ref(), Some(&told));

    let (task, view) = ended(service, records, "large").await;
    let token = format!("{}{MASK}", "x".repeat(20_000));
    let large = json!({"token": token, "length": TOKEN.len()});
    assert_eq!(task.output.as_ref(), Some(&large));
    assert_eq!(view["output"], large);

    let id = start(service.app(), "hand-on", json!({}), "k").await;
    let workflow = tokio::time::timeout(Duration::from_secs(120), records.ended_workflow(id));
    let workflow = workflow.await.unwrap();
    assert_eq!(workflow.status, WorkflowStatus::Completed);
    assert_eq!(workflow.output.as_ref(), Some(&told));
    assert_eq!(records.step(id, "again").await.input, json!({"told": told}));
    let view = records.workflow_view(id).await;
    assert!(!view.to_string().contains(TOKEN), "{view}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_is_seen_by_its_program_and_by_nobody_else() {
    let aws = LocalAws::in_memory(Clock::anchored_now()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let service = service(&aws, folder.path()).await;
    let records = Records::of(&aws);
    check_failures(&service, &records).await;
    check_successes(&service, &records).await;

    let tables = TableNames::default();
    for table in [&tables.tasks, &tables.workflows, &tables.definitions] {
        assert_eq!(items_with(&aws, table, TOKEN).await, 0, "{table}");
    }
    // The search finds what is there: what stands in the value's place, and the reference.
    assert!(items_with(&aws, &tables.tasks, MASK).await > 0);
    assert!(items_with(&aws, &tables.workflows, MASK).await > 0);
    assert!(items_with(&aws, &tables.definitions, "{{secret:TOKEN}}").await > 0);
    service.shutdown().await;
}
