//! A folder with files, and the command run in it.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// A folder of a test's own.
pub struct Folder(TempDir);

/// What the command said, and how it ended.
#[derive(Debug)]
pub struct Ended {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Folder {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// The command with these arguments, in this folder, with nothing of the test's surroundings
    /// that could change what it says.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_taskmill"));
        command
            .args(arguments)
            .current_dir(self.0.path())
            .env_remove("RUST_LOG")
            .env_remove("TASKMILL_API_URL")
            .env_remove("TASKMILL_CONFIG")
            .env_remove("TASKMILL_PROFILE")
            .env_remove("TASKMILL_STACK")
            .env_remove("TASKMILL_TENANT")
            .env_remove("TASKMILL_TOKEN")
            .env("XDG_CONFIG_HOME", self.0.path())
            .env("USER", "tester")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }
}

impl Ended {
    pub fn of(output: std::process::Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The lines of progress, each with single blanks.
    pub fn progress(&self) -> Vec<String> {
        let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
        self.stderr.lines().map(words).collect()
    }

    #[track_caller]
    pub fn expect(&self, status: i32) -> &Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }

    #[track_caller]
    pub fn says(&self, text: &str) -> &Self {
        assert!(self.stderr.contains(text), "no {text:?} in {self:?}");
        self
    }
}

/// Three steps: one that is skipped unless the input says otherwise, one that fails as often as
/// it is told to, one that ends as the input says.
pub const FLOW: &str = r#"
id: copy
version: 1.0.0
name: Copy
type: AUTOMATED
executionConfig: {executor: "builtin:echo"}
---
id: fail
version: 1.0.0
name: Fail
type: AUTOMATED
executionConfig: {executor: "builtin:fail"}
retryPolicy: {maxRetries: 2, retryInterval: 5, jitter: NONE}
---
id: flow
version: 1.0.0
name: Flow
inputSchema:
  type: object
  required: [times]
  properties:
    times: {type: integer}
    greet: {type: boolean}
steps:
  - name: greet
    taskDefinitionId: copy
    condition: workflowInput.greet
  - name: try
    taskDefinitionId: fail
    inputMappings: [{type: DIRECT, source: workflowInput.times, target: times}]
    variableMappings: [{type: DIRECT, source: times, target: tried}]
  - name: last
    taskDefinitionId: copy
    inputMappings: [{type: DIRECT, source: tried, target: tried}]
output: "{'tried': workflowVariables.tried}"
"#;
