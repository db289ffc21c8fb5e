//! The HTTP API over the service of one machine, in virtual time. Whatever a test asks, the answer
//! is held against the OpenAPI document: a status or a body that it does not describe is a failure.

mod approval;
mod bulk;
mod callbacks;
mod classified;
mod client;
mod definitions;
mod gateway;
mod identity;
mod letters;
mod operations;
mod people;
mod repeats;
mod requests;
mod schedules;
mod tasks;
mod timeline;
mod workers;
mod workflows;

/// What most tests ask about.
const DEFINITIONS: &str = "
id: echo
name: Echo
version: 1.0.0
type: AUTOMATED
inputSchema: {type: object, properties: {n: {type: integer}}}
executionConfig: {executor: 'builtin:echo'}
---
id: wait
name: Wait
version: 1.0.0
type: AUTOMATED
executionConfig: {executor: 'process:script'}
---
id: guarded
name: Guarded
version: 1.0.0
type: AUTOMATED
securityRequirements: {requiredPermissions: [approve]}
executionConfig: {executor: 'builtin:noop'}
---
id: sign
name: Sign
version: 1.0.0
type: MANUAL
outputSchema: {type: object, required: [by]}
---
id: pair
name: Pair
version: 1.0.0
steps:
  - {name: one, taskDefinitionId: echo}
  - {name: two, taskDefinitionId: echo}
---
id: contract
name: Contract
version: 1.0.0
steps:
  - {name: sign, taskDefinitionId: sign}
  - name: seal
    type: SIGNAL
    signal: sealed
    variableMappings: [{type: DIRECT, source: taskOutput, target: seal}]
output: workflowVariables.seal
";
