//! `--url` and `--profile`: the same commands on a service as on a folder or a stack. The service is
//! `taskmill dev` on a port.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command};

use serde_json::{Value, json};

use crate::support::{Ended, FLOW, Folder};

/// Waits for a signal, then for a person.
const ASKING: &str = r#"
id: sign
version: 1.0.0
name: Sign
type: MANUAL
outputSchema: {type: object, required: [signed]}
assignment: {candidateUsers: [ann], candidateGroups: [heads]}
retryPolicy: {maxRetries: 1, retryInterval: 1000}
---
id: asking
version: 1.0.0
name: Asking
variables: {colour: red}
steps:
  - name: approve
    type: SIGNAL
    signal: approved
    variableMappings: [{type: DIRECT, source: by, target: by}]
  - name: sign
    taskDefinitionId: sign
    variableMappings: [{type: DIRECT, source: signed, target: signed}]
output: "{'by': workflowVariables.by, 'signed': workflowVariables.signed, 'colour': workflowVariables.colour}"
"#;

/// A service, and who works with it.
pub struct Served {
    folder: Folder,
    dev: Child,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        // It has ended by itself already when this fails.
        let _ = self.dev.kill();
        let _ = self.dev.wait();
    }
}

impl Served {
    pub fn new() -> Self {
        let folder = Folder::new(&[("flow/flow.yaml", FLOW), ("asking/asking.yaml", ASKING)]);
        let arguments = ["dev", "--port", "0", "--data", "kept"];
        let mut dev = folder.command(&arguments).spawn().unwrap();
        let mut told = BufReader::new(dev.stdout.take().unwrap()).lines();
        let line = told.next().unwrap().unwrap();
        let url = line.strip_prefix("TASKMILL_API_URL=").unwrap().to_owned();
        Self { folder, dev, url }
    }

    /// A token of a person.
    fn token(&self, person: &str, more: &[&str]) -> String {
        let arguments = [&["token", "--data", "kept", "--user", person], more].concat();
        let printed = self.folder.run(&arguments);
        printed.expect(0).stdout.trim().to_owned()
    }

    /// The command as somebody has it whose environment names the service and a token.
    fn command(&self, token: &str, arguments: &[&str]) -> Command {
        let mut command = self.folder.command(arguments);
        command
            .env("TASKMILL_API_URL", &self.url)
            .env("TASKMILL_TOKEN", token);
        command
    }

    /// The command of somebody.
    fn run_as(&self, token: &str, arguments: &[&str]) -> Ended {
        Ended::of(self.command(token, arguments).output().unwrap())
    }

    /// The command of ann.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        self.run_as(&self.token("ann", &[]), arguments)
    }

    /// A workflow that waits for its signal.
    fn asking(&self) -> String {
        self.run(&["define", "asking"]).expect(0);
        let started = self.run(&["start", "asking"]);
        text(&started.expect(0).says("is RUNNING").json()["id"])
    }

    /// The task of a workflow that waits for a person.
    fn signing(&self) -> String {
        let id = self.asking();
        let signal = ["signal", &id, "approved", "--input", r#"{"by": "zoe"}"#];
        self.run(&signal).expect(0);
        for _ in 0..100 {
            let waiting = self.run(&["list", "--tasks", "--type", "manual"]);
            let waiting = waiting.expect(0).json();
            if let Some(id) = waiting[0]["id"].as_str() {
                return id.to_owned();
            }
        }
        panic!("no task waits for a person");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

#[test]
fn a_service_is_worked_on_by_the_commands_of_a_folder() {
    let served = Served::new();
    let defined = served.run(&["define", "flow"]).expect(0).json();
    let registered: Vec<_> = defined.as_array().unwrap().iter().collect();
    assert_eq!(registered.len(), 3);
    assert!(registered.iter().all(|one| one["registered"] == "NEW"));
    let again = served.run(&["define", "flow"]).expect(0).json();
    assert_eq!(again[2]["registered"], "SAME");
    assert_eq!(
        (&again[2]["kind"], &again[2]["id"]),
        (&json!("WORKFLOW"), &json!("flow"))
    );

    let start = ["start", "flow", "--version", "^1", "--idempotency-key", "k"];
    let more = ["--correlation-id", "c-1", "--input", r#"{"times": 1}"#];
    let start = [&start[..], &more].concat();
    let waited = served.run(&[&start[..], &["--wait"]].concat());
    waited
        .expect(0)
        .says("greet")
        .says("COMPLETED in")
        .says("2 tasks, 1 skipped, 1 retry");
    let id = text(&waited.json()["id"]);
    let started = served.run(&[&start[..], &["--quiet"]].concat());
    assert_eq!(started.expect(0).json()["id"], json!(id));
    assert_eq!(started.stderr, "");

    let shown = served.run(&["show", &id]).expect(0).json();
    assert_eq!(
        (&shown["createdBy"], &shown["correlationId"]),
        (&json!("ann"), &json!("c-1"))
    );
    assert_eq!(shown, waited.json());
    let task = text(&shown["taskInstances"][0]["id"]);
    let task = served.run(&["show", &task]).expect(0).json();
    assert_eq!(task, shown["taskInstances"][0]);
    let listed = served.run(&["list", "--status", "completed"]);
    assert_eq!(listed.expect(0).json()[0]["id"], json!(id));
    let open = ["list", "--status", "running", "--workflow", "flow"];
    assert_eq!(served.run(&open).expect(0).json(), json!([]));
    let tasks = served.run(&["list", "--tasks", "--workflow", "flow", "--limit", "1"]);
    tasks.expect(0).says("the newest 1: --limit N shows more");
    let watched = served.run(&["watch", &id]);
    watched.expect(0).says("COMPLETED in");
    assert_eq!(watched.json(), shown);
    let logs = served.run(&["logs", &id]).expect(0).json();
    let last = logs
        .as_array()
        .unwrap()
        .iter()
        .rfind(|one| one["at"].is_string());
    assert_eq!(last.unwrap()["event"], "COMPLETED", "{logs}");
    let rerun = served.run(&["rerun", &id]);
    assert_eq!(rerun.expect(0).json()["status"], "RUNNING");
}

#[test]
fn what_a_service_shows_is_what_its_folder_shows() {
    let mut served = Served::new();
    let id = served.asking();
    let asked = |what: &[&str]| served.run(what).expect(0).json();
    let [shown, listed] = [asked(&["show", &id]), asked(&["list"])];
    let [tasks, logs] = [asked(&["list", "--tasks"]), asked(&["logs", &id])];
    served.dev.kill().unwrap();
    served.dev.wait().unwrap();
    let here = |what: &[&str]| {
        let all = [what, &["--data", "kept"]].concat();
        served.folder.run(&all).expect(0).json()
    };
    assert_eq!(here(&["show", &id]), shown);
    assert_eq!(here(&["list"]), listed);
    assert_eq!(here(&["list", "--tasks"]), tasks);
    assert_eq!(here(&["logs", &id]), logs);
}

#[test]
fn operations_are_asked_of_a_service() {
    let served = Served::new();
    let id = served.asking();
    let status = |arguments: &[&str]| text(&served.run(arguments).expect(0).json()["status"]);
    assert_eq!(status(&["pause", &id, "--request-id", "p"]), "PAUSED");
    assert_eq!(status(&["resume", &id]), "RUNNING");
    // The same request is done once.
    assert_eq!(status(&["pause", &id, "--request-id", "p"]), "RUNNING");
    let blue = served.run(&["variables", &id, r#"{"colour": "blue"}"#]);
    assert_eq!(blue.expect(0).json()["variables"]["colour"], "blue");
    let skip = ["skip", &id, "approve", "--result", r#"{"by": "nobody"}"#];
    assert_eq!(status(&skip), "RUNNING");
    served
        .run(&["retry", &id])
        .expect(2)
        .says("error: ILLEGAL_STATE: ");
    let cancel = ["cancel", &id, "--reason", "no need", "--compensate"];
    let cancelled = served.run(&cancel);
    cancelled.expect(0).says("is CANCELLED");
    assert_eq!(cancelled.json()["error"]["message"], "no need");
    let watched = served.run(&["watch", &id]);
    watched.expect(1).says("CANCELLED: no need");
}

#[test]
fn a_workflow_that_fails_is_waited_for_and_tried_again() {
    let served = Served::new();
    served.run(&["define", "flow"]).expect(0);
    let start = ["start", "flow", "--input", r#"{"times": 9}"#, "--wait"];
    let failed = served.run(&start);
    failed.expect(1).says("failed as asked");
    let id = text(&failed.json()["id"]);
    let retried = served.run(&["retry", &id]);
    assert_eq!(retried.expect(0).json()["status"], "RUNNING");
    let bad = served.run(&["start", "flow"]);
    bad.expect(2).says("--input: INVALID_INPUT");
    let none = served.run(&["start", "nothing"]);
    none.expect(2).says("NOT_FOUND");
}

#[test]
fn people_work_with_a_service_as_whom_their_tokens_name() {
    let served = Served::new();
    let id = served.signing();
    let [eve, hal] = [
        served.token("eve", &[]),
        served.token("hal", &["--permission", "taskmill:administer-tasks"]),
    ];
    let refused = served.run_as(&eve, &["claim", &id]);
    refused.expect(2).says("NOT_A_CANDIDATE");
    let inbox = |more: &[&str]| {
        let ended = served.run(&[&["inbox", "--priority", "medium"], more].concat());
        let listed = ended.expect(0).json();
        let ids = listed
            .as_array()
            .unwrap()
            .iter()
            .map(|one| text(&one["id"]));
        ids.collect::<Vec<_>>()
    };
    assert_eq!(inbox(&["--claimable"]), [id.as_str()]);
    assert_eq!(inbox(&["--mine"]), [""; 0]);
    assert_eq!(served.run_as(&eve, &["inbox"]).expect(0).json(), json!([]));
    let foreign = served.run(&["inbox", "--group", "heads"]);
    foreign.expect(2).says("PERMISSION_DENIED");
    let form = served.run(&["form", &id]).expect(0).json();
    assert_eq!(form["schema"]["required"], json!(["signed"]));
    let claimed = served.run(&["claim", &id]);
    claimed.expect(0).says("is ASSIGNED, with ann");
    assert_eq!(inbox(&["--status", "assigned"]), [id.as_str()]);
    assert_eq!(
        served.run(&["begin", &id]).expect(0).json()["status"],
        "RUNNING"
    );
    served
        .run(&["delegate", &id, "eve"])
        .expect(0)
        .says("with eve");
    served
        .run_as(&eve, &["comment", &id, "as you wish"])
        .expect(0);
    served
        .run_as(&eve, &["resolve", &id])
        .expect(0)
        .says("with ann");
    served.run(&["follow-up", &id]).expect(0);
    let late = ["follow-up", &id, "--until", "2099-01-31T12:00:00Z"];
    served.run(&late).expect(2).says("INVALID_INPUT");
    let released = served.run(&["release", &id]);
    assert_eq!(released.expect(0).json()["status"], "PENDING");
    let assigned = served.run_as(&hal, &["assign", &id, "ann"]);
    assert_eq!(assigned.expect(0).json()["assignee"], "ann");
    let failed = served.run(&["fail", &id, "ILL", "--message", "not today"]);
    assert_eq!(failed.expect(0).json()["retryCount"], 1);
    served.run(&["claim", &id]).expect(0);
    served
        .run(&["complete", &id, "--result", "{}"])
        .expect(2)
        .says("INVALID_INPUT");
    let complete = ["complete", &id, "--result", r#"{"signed": "gladly"}"#];
    let done = served.run(&complete).expect(0).json();
    assert_eq!(done["status"], "COMPLETED");
    let workflow = text(&done["workflowInstanceId"]);
    let watched = served.run(&["watch", &workflow]);
    watched.expect(0).says("sign").says("COMPLETED in");
    let output = json!({"by": "zoe", "signed": "gladly", "colour": "red"});
    assert_eq!(watched.json()["output"], output);
    let logs = served.run(&["logs", &workflow, "--output", "table"]);
    let logs = logs.expect(0).stdout.clone();
    for line in ["CLAIM", "as you wish", "to ann", "ILL", "COMPLETE"] {
        assert!(logs.contains(line), "no {line:?} in\n{logs}");
    }
}

#[test]
fn schedules_of_a_service_are_its_callers() {
    let served = Served::new();
    served.run(&["define", "flow"]).expect(0);
    let nightly = "id: nightly\nworkflowDefinitionId: flow\ncron: 30 2 * * *\ntimeZone: Europe/Berlin\nstartAt: 2036-07-01T00:00:00Z\ninput: {times: 0}\n";
    served.folder.write("nightly/nightly.yaml", nightly);
    let schedule = |what: &[&str]| served.run(&[&["schedule"], what].concat());
    let defined = schedule(&["define", "nightly"]).expect(0).json();
    assert_eq!(
        (&defined[0]["id"], &defined[0]["owner"]),
        (&json!("nightly"), &json!("ann"))
    );
    assert_eq!(schedule(&["list"]).expect(0).json(), defined);
    assert_eq!(schedule(&["show", "nightly"]).expect(0).json(), defined[0]);
    let named = schedule(&["define", "nightly", "--user", "bob"]);
    named.expect(2).says("a service knows by the token");
    let paused = schedule(&["pause", "nightly", "--output", "table"]);
    assert!(paused.expect(0).stdout.contains("PAUSED"), "{paused:?}");
    let resumed = schedule(&["resume", "nightly"]).expect(0).json();
    assert_eq!(resumed["status"], "ACTIVE");
    let trigger = ["trigger", "nightly", "--idempotency-key", "k"];
    let started = schedule(&trigger).expect(0).json();
    assert_eq!(started["workflowDefinitionId"], "flow");
    assert_eq!(schedule(&trigger).expect(0).json()["id"], started["id"]);
    schedule(&["delete", "nightly"])
        .expect(0)
        .says("is deleted");
    schedule(&["show", "nightly"]).expect(2).says("NOT_FOUND");
}

#[test]
fn a_definition_that_a_service_refuses_has_its_problems_by_line() {
    let served = Served::new();
    let lonely = "id: lonely\nversion: 1.0.0\nname: Lonely\nsteps:\n  - name: a\n    taskDefinitionId: nobodys\n";
    served.folder.write("lonely/lonely.yaml", lonely);
    let refused = served.run(&["define", "lonely"]);
    refused
        .expect(2)
        .says("lonely.yaml:6: UNKNOWN_TASK_DEFINITION /steps/0/taskDefinitionId");
    served.run(&["define", "asking"]).expect(0);
    let other = ASKING.replace("name: Sign", "name: Other");
    served.folder.write("asking/asking.yaml", &other);
    let taken = served.run(&["define", "asking"]);
    taken.expect(2).says("VERSION_EXISTS");
}

#[test]
fn a_profile_names_a_service_and_what_prints_its_token() {
    let served = Served::new();
    let taskmill = env!("CARGO_BIN_EXE_taskmill");
    let config = format!(
        "default = \"dev\"\n[profiles.dev]\nurl = {:?}\ntoken_command = [{taskmill:?}, \"token\", \"--data\", \"kept\", \"--user\", \"pat\"]\n\
         [profiles.kept]\ndata = \"kept\"\n",
        served.url
    );
    served.folder.write("taskmill/config.toml", &config);
    served.folder.run(&["define", "flow"]).expect(0);
    let start = ["start", "flow", "--input", r#"{"times": 0}"#];
    let named = [&start[..], &["--profile", "dev"]].concat();
    for arguments in [&start[..], &named] {
        let started = served.folder.run(arguments);
        assert_eq!(started.expect(0).json()["createdBy"], "pat");
    }
    // The file is in another folder than `kept`.
    let nowhere = served.folder.run(&["list", "--profile", "kept"]);
    nowhere.expect(2).says("taskmill/kept");
    let unknown = served.folder.run(&["list", "--profile", "deb"]);
    unknown.expect(2).says("did you mean \"dev\"?");
}

#[test]
fn who_watches_a_service_waits_for_it_when_it_is_away() {
    let mut served = Served::new();
    let id = served.asking();
    served.run(&["skip", &id, "approve"]).expect(0);
    let token = served.token("ann", &[]);
    let mut watching = served.command(&token, &["watch", &id]).spawn().unwrap();
    let mut said = BufReader::new(watching.stderr.take().unwrap()).lines();
    let skipped = said.next().unwrap().unwrap();
    assert!(skipped.starts_with("approve "), "{skipped}");
    served.dev.kill().unwrap();
    served.dev.wait().unwrap();
    let away = said.next().unwrap().unwrap();
    assert!(away.ends_with("looking again"), "{away}");
    let port = served.url.rsplit(':').next().unwrap();
    let arguments = ["dev", "--port", port, "--data", "kept"];
    served.dev = served.folder.command(&arguments).spawn().unwrap();
    let mut told = BufReader::new(served.dev.stdout.take().unwrap()).lines();
    told.next().unwrap().unwrap();
    served.run(&["cancel", &id]).expect(0);
    assert_eq!(watching.wait().unwrap().code(), Some(1));
}

#[test]
fn who_asks_is_said_by_the_token_alone() {
    let served = Served::new();
    let id = served.asking();
    for arguments in [
        &["show", &id, "--tenant", "other"][..],
        &["start", "asking", "--user", "bob"],
        &["claim", &id, "--as", "bob"],
    ] {
        served
            .run(arguments)
            .expect(2)
            .says("a service knows by the token");
    }
    // Where nobody is named who could not be, what the environment says is of no matter.
    let mut other = served.command(&served.token("ann", &[]), &["show", &id]);
    other.env("TASKMILL_TENANT", "other");
    Ended::of(other.output().unwrap()).expect(0);
    let foreign = served.token("ann", &["--tenant", "other"]);
    let foreign = served.run_as(&foreign, &["show", &id]);
    foreign
        .expect(2)
        .says(&format!("NOT_FOUND: there is no workflow or task {id}"));
}

#[test]
fn a_service_that_cannot_be_asked_is_told_from_one_that_does_not_know_who_asks() {
    let served = Served::new();
    let unknown = served.run_as("x.y.z", &["list"]);
    unknown.expect(2).says("the service does not know who asks");
    assert_eq!(unknown.stdout, "");
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = format!("http://{}", free.local_addr().unwrap());
    drop(free);
    let asked = |url: &str| {
        let arguments = ["list", "--url", url, "--token", "t"];
        served.folder.run(&arguments)
    };
    asked(&nobody).expect(2).says("cannot be reached");
    asked("http://tasks.example.com")
        .expect(2)
        .says("another machine is asked over https");
    let elsewhere = format!("{}/elsewhere", served.url);
    asked(&elsewhere).expect(2).says("NOT_FOUND");
    served
        .folder
        .run(&["list", "--url", &served.url])
        .expect(2)
        .says("asks for a token");
    served
        .run(&["dead-letters", "list"])
        .expect(2)
        .says("PERMISSION_DENIED");
    served
        .run(&["run", "flow", "--profile", "dev"])
        .expect(2)
        .says("works on this machine alone");
}
