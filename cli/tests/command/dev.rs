//! `dev`: what it says, and how it ends. What it serves is tested where it is made.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::net::TcpListener;

use rustix::process::{Pid, Signal, kill_process};

use crate::support::{FLOW, Folder};

#[test]
fn tells_the_environment_once_it_is_there_and_stops_when_asked() {
    let folder = Folder::new(&[("flow.yaml", FLOW)]);
    let arguments = ["dev", "flow.yaml", "--aws-port", "0", "--data", "kept"];
    let mut child = folder.command(&arguments).spawn().unwrap();
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = said.next().unwrap().unwrap();
    assert!(ready.starts_with("DynamoDB, SQS and S3 at http://127.0.0.1:"));
    assert!(ready.ends_with("kept in kept; Ctrl-C stops"), "{ready}");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));

    let mut environment = String::new();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_to_string(&mut environment).unwrap();
    let port = environment
        .lines()
        .find_map(|line| line.strip_prefix("AWS_ENDPOINT_URL="));
    assert!(ready.contains(port.unwrap()), "{environment}");
    assert!(environment.contains("\nTASKMILL_RESULT_QUEUE_URL=http://127.0.0.1:"));
}

#[test]
fn a_port_that_is_taken_is_named_before_anything_moves() {
    let folder = Folder::new(&[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ended = folder.run(&["dev", "--aws-port", &port]);
    ended.expect(2);
    ended.says(&format!("port {port} of 127.0.0.1 cannot be opened"));
    assert_eq!(ended.stdout, "");
}

#[test]
fn functions_are_run_by_somebody_or_nobody() {
    let folder = Folder::new(&[]);
    let both = [
        "dev",
        "--aws-port",
        "0",
        "--no-functions",
        "--lambda-url=http://x",
    ];
    folder.run(&both).expect(2).says("cannot be used with");
    let unknown = ["--lambda-url=http://x", "--lambda=archive"];
    let unknown = ["dev", "--aws-port", "0", unknown[0], unknown[1]];
    folder
        .run(&unknown)
        .expect(2)
        .says("no function is called \"archive\"");
}
