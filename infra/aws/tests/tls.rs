//! A real handshake: what speaks to AWS, and what speaks to services, trusts the authorities that
//! the machine trusts and no others.
//!
//! Trust comes from the environment of the process (`SSL_CERT_FILE`), so the client is a process
//! of its own: this test, run by itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use taskmill_aws::sdk;

const ANSWER: &str = r#"{"TableNames":["told over TLS"]}"#;

/// An authority of the test's own.
fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

fn kept(name: &str, authority: &CertifiedIssuer<'_, KeyPair>) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&path, authority.pem()).unwrap();
    path
}

/// A server on loopback that this authority vouches for; gives its port.
fn serve(authority: &CertifiedIssuer<'_, KeyPair>) -> u16 {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let ring = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(ring)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.into()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let config = Arc::new(config);
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A client that does not trust the server breaks off.
            let _ = answer(stream, Arc::clone(&config));
        }
    });
    port
}

fn answer(stream: TcpStream, config: Arc<ServerConfig>) -> std::io::Result<()> {
    let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    let mut stream = StreamOwned::new(connection, stream);
    let mut request = Vec::new();
    while !request.windows(4).any(|end| end == b"\r\n\r\n") {
        let mut some = [0; 4096];
        let read = stream.read(&mut some)?;
        request.extend_from_slice(&some[..read]);
        if read == 0 {
            break;
        }
    }
    let length = ANSWER.len();
    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: application/x-amz-json-1.0";
    write!(stream, "{head}\r\ncontent-length: {length}\r\n\r\n{ANSWER}")?;
    stream.flush()
}

/// Runs a client that trusts these authorities, and gives whether it succeeded and what it said.
fn client(port: u16, trusted: &Path) -> (bool, String) {
    let ran = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "the_client", "--nocapture"])
        .env("SSL_CERT_FILE", trusted)
        .env_remove("SSL_CERT_DIR")
        .env("AWS_REGION", "us-east-1")
        .env("AWS_ACCESS_KEY_ID", "none")
        .env("AWS_SECRET_ACCESS_KEY", "none")
        .env("AWS_ENDPOINT_URL", format!("https://localhost:{port}"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stderr).into_owned();
    (ran.status.success(), said)
}

#[test]
fn a_server_is_trusted_by_the_authorities_of_the_machine_alone() {
    let (ours, other) = (authority("ours"), authority("other"));
    let port = serve(&ours);
    let (is_done, said) = client(port, &kept("ours.pem", &ours));
    assert!(is_done, "{said}");
    let (is_done, said) = client(port, &kept("other.pem", &other));
    assert!(!is_done);
    assert!(said.contains("UnknownIssuer"), "{said}");
}

#[tokio::test]
#[ignore = "it is a process of the test above"]
async fn the_client() {
    let variable = |name: &str| std::env::var(name).ok();
    let dynamodb = aws_sdk_dynamodb::Client::new(&sdk::of_function(variable));
    let tables = dynamodb.list_tables().send().await.unwrap();
    assert_eq!(tables.table_names(), ["told over TLS"]);
    let services = sdk::http().build().unwrap();
    let url = variable("AWS_ENDPOINT_URL").unwrap();
    let told = services.get(url).send().await.unwrap();
    assert_eq!(told.text().await.unwrap(), ANSWER);
}
