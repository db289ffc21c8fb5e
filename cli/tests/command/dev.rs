//! `dev`: what it says, and how it ends. What it serves is tested where it is made.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};

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
fn serves_the_api_to_whom_its_tokens_name() {
    let folder = Folder::new(&[("flow.yaml", FLOW)]);
    let arguments = ["dev", "flow.yaml", "--port", "0", "--data", "kept"];
    let mut child = folder.command(&arguments).spawn().unwrap();
    let mut told = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut told = |name: &str| {
        let line = told.next().unwrap().unwrap();
        line.strip_prefix(name).unwrap().to_owned()
    };
    let (url, printed) = (told("TASKMILL_API_URL="), told("TASKMILL_TOKEN="));
    let mut said = BufReader::new(child.stderr.take().unwrap()).lines();
    let ready = said.next().unwrap().unwrap();
    assert_eq!(
        ready,
        format!("the API at {url}, kept in kept; Ctrl-C stops")
    );

    let minted = folder.run(&["token", "--data", "kept", "--user", "ann"]);
    minted.expect(0);
    let address = url.strip_prefix("http://").unwrap();
    let status = |token: &str| {
        let mut stream = TcpStream::connect(address).unwrap();
        let path = "/v1/workflow-definitions";
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n").unwrap();
        write!(stream, "Authorization: Bearer {token}\r\n").unwrap();
        write!(stream, "Connection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().to_owned()
    };
    assert_eq!(status(&printed), "200");
    assert_eq!(status(minted.stdout.trim()), "200");
    assert_eq!(status("x.y.z"), "401");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn a_token_needs_the_key_of_a_folder() {
    let folder = Folder::new(&[]);
    let ended = folder.run(&["token", "--data", "nowhere"]);
    ended.expect(2).says("development.key cannot be read");
}

#[test]
fn tokens_of_an_issuer_need_their_audience_and_keys() {
    let folder = Folder::new(&[("keys.json", "[]")]);
    let issuer = ["dev", "--port", "0", "--jwt-issuer", "i"];
    folder.run(&issuer).expect(2).says("required arguments");
    let all = [&issuer[..], &["--jwt-audience", "a", "--jwks", "keys.json"]].concat();
    folder.run(&all).expect(2).says("--jwks keys.json");
}

#[test]
fn a_port_that_is_taken_is_named_before_anything_moves() {
    let folder = Folder::new(&[]);
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for which in ["--aws-port", "--port"] {
        let ended = folder.run(&["dev", which, &port]);
        ended.expect(2);
        ended.says(&format!("port {port} of 127.0.0.1 cannot be opened"));
        assert_eq!(ended.stdout, "");
    }
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
