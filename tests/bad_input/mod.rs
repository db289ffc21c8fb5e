//! What comes in wrong is refused, fails or is put aside, each with its code and its place, and
//! nothing else suffers from it.

mod messages;
mod requests;
mod runs;

use std::collections::BTreeSet;

use serde_json::{Value, json};
use taskmill::limits;
use taskmill_local::{LocalAws, Service};

use crate::support::{Answer, Script, register, service};

const DEFINITIONS: &str = "
id: echo
name: Echo
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'builtin:echo'}
---
id: strict
name: Strict
version: 1.0.0
type: AUTOMATED
retryPolicy: {maxRetries: 3, retryInterval: 1, jitter: NONE}
inputSchema:
  type: object
  required: [name, lines]
  properties:
    name: {type: string, maxLength: 5}
    lines: {type: array, items: {type: object, properties: {qty: {type: integer, minimum: 1}}}}
  additionalProperties: false
outputSchema: {type: object, required: [done], properties: {count: {type: integer}}}
executionConfig: {executor: 'lambda:script'}
---
id: guarded
name: Guarded
version: 1.0.0
type: AUTOMATED
securityRequirements: {requiredPermissions: [read, approve]}
executionConfig: {executor: 'builtin:noop', securityContext: {permissions: [sign], securityLevel: LOW}}
---
id: elsewhere
name: Elsewhere
version: 1.0.0
type: INTEGRATION
retryPolicy: {maxRetries: 3, retryInterval: 1, jitter: NONE}
executionConfig: {executor: 'events:nobodys-bus'}
---
id: deep
name: Deep
version: 1.0.0
type: AUTOMATED
retryPolicy: {maxRetries: 3, retryInterval: 1, jitter: NONE}
executionConfig: {executor: 'lambda:script'}
---
id: plain
name: Plain
version: 1.0.0
inputSchema: {type: object, required: [order], properties: {order: {type: object, required: [id]}}}
steps: [{name: echo, taskDefinitionId: echo}]
";

/// Arrays inside each other, one more than is allowed.
fn too_deep() -> Value {
    (0..=limits::DOCUMENT_DEPTH).fold(json!(1), |inner, _| json!([inner]))
}

fn script() -> Script {
    Script::new(|call| match call.definition.id.as_str() {
        "deep" => Answer::Succeed(too_deep()),
        "strict" => Answer::Succeed(json!({"count": "many"})),
        _ => Answer::Succeed(call.input.clone()),
    })
}

async fn started(aws: &LocalAws, script: &Script) -> Service {
    let service = service(aws, script).await;
    register(service.app(), DEFINITIONS).await;
    service
}

/// The pointers of the violations that an error's details tell.
fn pointers(details: &Value) -> BTreeSet<&str> {
    let violations = details["violations"].as_array().into_iter().flatten();
    violations.filter_map(|v| v["pointer"].as_str()).collect()
}
