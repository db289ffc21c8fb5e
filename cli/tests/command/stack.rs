//! `--stack`: the same commands on a deployment as on a folder. What is deployed is `taskmill dev`
//! on a port, and what Lambda says of its functions a few answers on another.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command};

use serde_json::{Map, Value, json};

use crate::support::{Ended, FLOW, Folder};

/// How often a test looks for what must come; each look takes a second by itself.
const LOOKS: usize = 60;

/// Both ports, as a deployment has its tables and its API.
const DEV: [&str; 7] = ["dev", "--aws-port", "0", "--port", "0", "--data", "kept"];

/// A deployment, and who works on it.
pub struct Deployed {
    folder: Folder,
    dev: Child,
    environment: Vec<(String, String)>,
    lambda: String,
}

impl Drop for Deployed {
    fn drop(&mut self) {
        // It has ended by itself already when this fails.
        let _ = self.dev.kill();
        let _ = self.dev.wait();
    }
}

impl Deployed {
    pub fn new() -> Self {
        let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
        let mut dev = folder.command(&DEV).spawn().unwrap();
        let mut ready = String::new();
        let mut said = BufReader::new(dev.stderr.take().unwrap());
        said.read_line(&mut ready).unwrap();
        assert!(ready.contains("Ctrl-C stops"), "{ready}");
        // By then all of it is written.
        let mut text = [0; 65_536];
        let length = dev.stdout.as_mut().unwrap().read(&mut text).unwrap();
        let text = String::from_utf8(text[..length].to_vec()).unwrap();
        let environment: Vec<(String, String)> = text
            .lines()
            .map(|line| line.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let lambda = lambda(&environment);
        Self {
            folder,
            dev,
            environment,
            lambda,
        }
    }

    fn variable(&self, name: &str) -> &str {
        let found = self.environment.iter().find(|(known, _)| known == name);
        &found.unwrap().1
    }

    /// The command as somebody has it who knows where AWS is, and who they are there.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.folder.command(arguments);
        let aws = self
            .environment
            .iter()
            .filter(|(name, _)| name.starts_with("AWS_"));
        command
            .envs(aws.map(|(name, value)| (name, value)))
            .env("AWS_ENDPOINT_URL_LAMBDA", &self.lambda)
            .env("AWS_CONFIG_FILE", "none")
            .env("AWS_SHARED_CREDENTIALS_FILE", "none")
            .env("AWS_EC2_METADATA_DISABLED", "true");
        command
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// The command on the stack, for a tenant.
    pub fn acme(&self, arguments: &[&str]) -> Ended {
        self.run(&[&["--stack", "live"], arguments, &["--tenant", "acme"]].concat())
    }

    /// The command at its API, as who administers the dead letters of a tenant.
    fn service(&self, tenant: &str, arguments: &[&str]) -> Ended {
        let permission = ["--permission", "taskmill:administer-dead-letters"];
        let token = [
            &["token", "--data", "kept", "--tenant", tenant][..],
            &permission,
        ];
        let token = self.folder.run(&token.concat());
        let url = self.variable("TASKMILL_API_URL");
        let service = ["--url", url, "--token", token.expect(0).stdout.trim()];
        self.run(&[arguments, &service].concat())
    }

    /// Puts a text on the queue `create`.
    fn send(&self, body: &str) {
        let address = self
            .variable("AWS_ENDPOINT_URL")
            .trim_start_matches("http://");
        let request = json!({
            "QueueUrl": self.variable("TASKMILL_CREATE_QUEUE_URL"),
            "MessageBody": body,
        });
        let request = request.to_string();
        let mut stream = TcpStream::connect(address).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {address}\r\nX-Amz-Target: AmazonSQS.SendMessage\r\n\
             Content-Type: application/x-amz-json-1.0\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{request}",
            request.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    /// The dead letters, once there are any.
    fn dead_letters(&self) -> Value {
        for _ in 0..LOOKS {
            let list = self.run(&["dead-letters", "list", "--stack", "live"]);
            let found = list.expect(0).json();
            if found != json!([]) {
                return found;
            }
        }
        panic!("no dead letter comes");
    }
}

/// A Lambda with the functions of a stack `live` that are told these variables, and of some that
/// nobody can work on.
fn lambda(environment: &[(String, String)]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let variables = environment.iter().cloned();
    let variables: Map<String, Value> = variables
        .map(|(name, value)| (name, Value::String(value)))
        .collect();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            answer(&mut stream.unwrap(), &variables);
        }
    });
    url
}

fn answer(stream: &mut TcpStream, variables: &Map<String, Value>) {
    let asked = head_of(stream);
    let told = |state: &str, variables: &Map<String, Value>| {
        let told = json!({"State": state, "Environment": {"Variables": variables}});
        ("200 OK", "none", told)
    };
    let refused = |status, code, message: &str| (status, code, json!({"Message": message}));
    let (_, name) = asked.split_once("/functions/").unwrap();
    let (status, code, text) = match name.split_once("-create-task/configuration").unwrap().0 {
        "live" => told("Active", variables),
        "newborn" => told("Pending", variables),
        "older" => told("Active", &Map::new()),
        "secret" => refused("403 Forbidden", "AccessDeniedException", "not for you"),
        _ => refused("404 Not Found", "ResourceNotFoundException", "not found"),
    };
    let text = text.to_string();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nx-amzn-ErrorType: {code}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n{text}",
        text.len()
    )
    .unwrap();
}

/// The head of a request that has no body.
fn head_of(stream: &TcpStream) -> String {
    let mut head = String::new();
    let mut reader = BufReader::new(stream);
    while !head.ends_with("\r\n\r\n") {
        reader.read_line(&mut head).unwrap();
    }
    head
}

#[test]
fn a_stack_is_worked_on_by_the_commands_of_a_folder() {
    let deployed = Deployed::new();
    let defined = deployed.acme(&["define", "flow"]).expect(0).json();
    let registered: Vec<_> = defined.as_array().unwrap().iter().collect();
    assert_eq!(registered.len(), 3);
    assert!(
        registered.iter().all(|one| one["registered"] == "NEW"),
        "{defined}"
    );
    let again = deployed.acme(&["define", "flow"]).expect(0).json();
    assert_eq!(again[2]["registered"], "SAME");
    assert_eq!(
        (&again[2]["kind"], &again[2]["id"]),
        (&json!("WORKFLOW"), &json!("flow"))
    );

    let start = ["start", "flow", "--version", "^1", "--idempotency-key", "k"];
    let input = ["--input", r#"{"times": 1}"#];
    let waited = deployed.acme(&[&start[..], &input, &["--wait"]].concat());
    waited.expect(0).says("greet").says("COMPLETED in");
    assert_eq!(waited.json()["output"]["tried"], 1);
    let id = waited.json()["id"].as_str().unwrap().to_owned();
    // The same key is the same workflow, answered at once.
    let started = deployed.acme(&[&start[..], &input, &["--quiet"]].concat());
    assert_eq!(started.expect(0).json()["id"], json!(id));
    assert_eq!(started.stderr, "");

    let shown = deployed.acme(&["show", &id]).expect(0).json();
    assert_eq!(shown["createdBy"], "tester");
    let task = shown["taskInstances"][0]["id"].as_str().unwrap();
    let task = deployed.acme(&["show", task]).expect(0).json();
    assert_eq!(task["taskDefinitionId"], "fail");
    let listed = deployed
        .acme(&["list", "--status", "completed"])
        .expect(0)
        .json();
    assert_eq!(listed[0]["id"], json!(id));
    let tasks = deployed.acme(&["list", "--tasks", "--workflow", "flow"]);
    assert_eq!(tasks.expect(0).json().as_array().unwrap().len(), 2);

    // Named by the environment, and of another tenant.
    let mut other = deployed.command(&["show", &id]);
    other
        .env("TASKMILL_STACK", "live")
        .env("TASKMILL_TENANT", "other");
    let other = Ended::of(other.output().unwrap());
    other
        .expect(2)
        .says(&format!("NOT_FOUND: there is no workflow or task {id}"));
    let rerun = deployed.run(&["rerun", &id, "--tenant", "acme", "--stack", "live"]);
    let rerun = rerun.expect(0);
    assert_eq!(rerun.json()["status"], "RUNNING");
    assert!(!rerun.stderr.contains("continue"), "{rerun:?}");
}

#[test]
fn a_workflow_that_fails_is_waited_for_and_ends_with_1() {
    let deployed = Deployed::new();
    deployed.acme(&["define", "flow"]).expect(0);
    let start = ["start", "flow", "--input", r#"{"times": 9}"#, "--wait"];
    let failed = deployed.acme(&start);
    failed.expect(1).says("failed as asked");
    assert_eq!(failed.json()["status"], "FAILED");
    deployed.acme(&["start", "flow"]).expect(2).says("--input");
    deployed
        .acme(&["start", "nothing"])
        .expect(2)
        .says("NOT_FOUND");
}

#[test]
fn dead_letters_are_listed_shown_and_sent_back() {
    let deployed = Deployed::new();
    deployed.acme(&["define", "flow"]).expect(0);
    let none = deployed.run(&["dead-letters", "list", "--stack", "live"]);
    assert_eq!(none.expect(0).json(), json!([]));
    let caller = json!({
        "tenantId": "acme", "userId": "ann", "roles": [], "permissions": [], "environmentId": null,
    });
    let request = json!({"workflowDefinitionId": "late", "input": {"n": 7}});
    let message = json!({"v": 1, "kind": "startWorkflow", "caller": caller, "request": request});
    deployed.send(&message.to_string());
    let letters = deployed.dead_letters();
    let letter = &letters[0];
    assert_eq!(letter["queue"], "create");
    assert_eq!(letter["message"]["tenantId"], "acme");
    assert!(
        letter["reason"].as_str().unwrap().starts_with("NOT_FOUND"),
        "{letter}"
    );
    let id = letter["id"].as_str().unwrap();
    let table = [
        "dead-letters",
        "list",
        "--stack",
        "live",
        "--output",
        "table",
    ];
    let table = deployed.run(&[&table[..], &["--queue", "create"]].concat());
    assert!(
        table
            .expect(0)
            .stdout
            .contains("startWorkflow  tenant acme, definition late")
    );
    let elsewhere = [
        "dead-letters",
        "list",
        "--stack",
        "live",
        "--queue",
        "retry",
    ];
    assert_eq!(deployed.run(&elsewhere).expect(0).json(), json!([]));
    table.says("create: 1, the oldest for ");
    let shown = deployed.run(&["dead-letters", "show", id, "--stack", "live"]);
    assert_eq!(shown.expect(0).json()["body"]["request"], request);
    // At its API, a tenant sees its own.
    let own = |what: &[&str]| deployed.service("acme", &[&["dead-letters"], what].concat());
    assert_eq!(own(&["list"]).expect(0).json(), letters);
    assert_eq!(
        own(&["list", "--queue", "retry"]).expect(0).json(),
        json!([])
    );
    // Nobody can tell there what the input of an unknown definition holds.
    let mut hidden = shown.json();
    hidden["body"]["request"]["input"] = json!("***");
    let seen = own(&["show", id, "--queue", "create"]);
    assert_eq!(seen.expect(0).json(), hidden);
    let others = |what: &[&str]| deployed.service("other", &[&["dead-letters"], what].concat());
    assert_eq!(others(&["list"]).expect(0).json(), json!([]));
    others(&["show", id]).expect(2).says("NOT_FOUND");
    others(&["redrive", id])
        .expect(2)
        .says("there is no dead letter");
    assert_eq!(others(&["redrive", "--all"]).expect(0).json(), json!([]));

    let late = FLOW.replace("id: flow", "id: late");
    deployed.folder.write("late/late.yaml", &late);
    deployed.acme(&["define", "late"]).expect(0);
    let redriven = own(&["redrive", id, "nobody"]);
    redriven
        .expect(2)
        .says("1 dead letter is on its queue again")
        .says("there is no dead letter nobody that can be seen now");
    assert_eq!(redriven.json()[0]["id"], json!(id));
    let all = deployed.run(&["dead-letters", "redrive", "--all", "--stack", "live", "-q"]);
    // What is asked for breaks the schema of its input: it came back, for another reason.
    let more = all.expect(0).json();
    let reason = deployed.dead_letters()[0]["reason"].clone();
    assert!(
        reason.as_str().unwrap().starts_with("INVALID_INPUT"),
        "{more}, {reason}"
    );
}

#[test]
fn a_stack_that_cannot_be_worked_on_is_told_from_one_that_is_not_there() {
    let deployed = Deployed::new();
    let check = |name: &str, status: i32, expected: &str| {
        let ended = deployed.run(&["list", "--tenant", "acme", "--stack", name]);
        ended.expect(status).says(expected);
        assert_eq!(ended.stdout, "");
    };
    check("nobody", 2, "there is no stack nobody of Taskmill in ");
    check(
        "newborn",
        2,
        "the stack newborn cannot be worked on: its functions are Pending",
    );
    check(
        "older",
        2,
        "the stack older is no Taskmill of this version: the environment lacks TASKMILL_",
    );
    check("secret", 3, "the stack secret cannot be looked at");
    deployed
        .run(&["list", "--stack", "live"])
        .expect(2)
        .says("the stack live has many tenants: --tenant ID");
    for (variables, expected) in [
        (&["AWS_REGION"][..], "there is no AWS region"),
        (
            &["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
            "there are no AWS credentials for the stack live",
        ),
    ] {
        let mut command = deployed.command(&["list", "--tenant", "acme", "--stack", "live"]);
        for name in variables {
            command.env_remove(name);
        }
        Ended::of(command.output().unwrap())
            .expect(2)
            .says(expected);
    }
}

#[test]
fn a_place_is_named_once_and_by_those_that_have_one() {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
    let cases: [(&[&str], &str); 6] = [
        (
            &["list"],
            "where? --url URL (or TASKMILL_API_URL) names a service",
        ),
        (
            &["list", "--data", "data", "--stack", "live"],
            "not several",
        ),
        (
            &["run", "flow", "--stack", "live"],
            "works on this machine alone",
        ),
        (
            &["--stack", "live", "continue", "flow", "--data", "data"],
            "works on this machine alone",
        ),
        (
            &["start", "flow", "--data", "data", "--wait"],
            "nothing runs in a folder",
        ),
        (
            &["dead-letters", "redrive", "--stack", "live"],
            "required arguments",
        ),
    ];
    for (case, expected) in cases {
        folder.run(case).expect(2).says(expected);
    }
}

#[test]
fn a_folder_is_defined_in_and_started_in_without_a_run() {
    let folder = Folder::new(&[("flow/flow.yaml", FLOW)]);
    let defined = folder.run(&["define", "flow", "--data", "data", "--output", "table"]);
    assert!(
        defined
            .expect(0)
            .stdout
            .contains("WORKFLOW  flow  1.0.0    NEW"),
        "{defined:?}"
    );
    let start = [
        "start",
        "flow",
        "--data",
        "data",
        "--input",
        r#"{"times": 0}"#,
    ];
    let started = folder.run(&start);
    started
        .expect(0)
        .says("taskmill continue PATH --data data goes on with it");
    assert_eq!(started.json()["status"], "RUNNING");
    folder
        .run(&["continue", "flow", "--data", "data"])
        .expect(0);
    let id = started.json()["id"].as_str().unwrap().to_owned();
    let shown = folder
        .run(&["show", &id, "--data", "data"])
        .expect(0)
        .json();
    assert_eq!(shown["status"], "COMPLETED");
    folder
        .run(&["dead-letters", "list", "--data", "data"])
        .expect(2)
        .says("a folder keeps no queues");
    let limited = folder.run(&["list", "--tasks", "--limit", "1", "--data", "data"]);
    assert_eq!(limited.expect(0).json().as_array().unwrap().len(), 1);
    limited.says("the newest 1: --limit N shows more");
}
