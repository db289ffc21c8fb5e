//! Where a service is, and what tells it who asks.

use std::fmt;
use std::net::IpAddr;
use std::process::{Command, Stdio};

use reqwest::Url;

use super::Error;

/// The address of a service, and the token.
#[derive(Debug, PartialEq, Eq)]
pub struct Address {
    pub(super) url: Url,
    pub(super) token: Token,
}

/// What tells a service who asks.
#[derive(PartialEq, Eq)]
pub enum Token {
    /// The token itself.
    Text(String),
    /// The program that prints it, with its arguments.
    Command(Vec<String>),
}

/// Nobody reads a token in a log.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text(_) => "Text",
            Self::Command(_) => "Command",
        })
    }
}

impl Address {
    /// An address of this text. A token is sent in the clear over HTTP, so that is for this machine
    /// alone.
    ///
    /// # Errors
    /// It is no address of HTTP, or leads through a network without TLS.
    pub fn new(text: &str, token: Token) -> Result<Self, Error> {
        let bad = |why: &str| Error::BadAddress {
            url: text.to_owned(),
            why: why.to_owned(),
        };
        let url = Url::parse(text).map_err(|error| bad(&error.to_string()))?;
        if url.query().is_some() || url.fragment().is_some() || !url.username().is_empty() {
            return Err(bad("it has more than a host, a port and a path"));
        }
        match url.scheme() {
            "https" => Ok(Self { url, token }),
            "http" if is_this_machine(&url) => Ok(Self { url, token }),
            "http" => Err(bad(
                "another machine is asked over https, or anybody reads the token",
            )),
            _ => Err(bad("it begins with https://")),
        }
    }
}

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || address
            .parse()
            .is_ok_and(|address: IpAddr| address.is_loopback())
}

impl Token {
    /// The token; what a program prints is taken without the blanks around it.
    ///
    /// # Errors
    /// The program cannot be run, fails, or prints nothing.
    pub(super) fn get(self) -> Result<String, Error> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Command(command) => printed_by(&command),
        }
    }
}

/// It may ask the person at the terminal for something.
fn printed_by(command: &[String]) -> Result<String, Error> {
    let bad = |why: String| Error::NoToken {
        command: command.join(" "),
        why,
    };
    let [program, arguments @ ..] = command else {
        return Err(bad("token_command is empty".to_owned()));
    };
    let printed = Command::new(program)
        .args(arguments)
        .stdin(Stdio::inherit())
        .stderr(Stdio::inherit())
        .output();
    let printed = printed.map_err(|error| bad(error.to_string()))?;
    if !printed.status.success() {
        return Err(bad(printed.status.to_string()));
    }
    match String::from_utf8_lossy(&printed.stdout).trim() {
        "" => Err(bad("it prints nothing".to_owned())),
        token => Ok(token.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_of_tls_or_of_this_machine() {
        let is_good = |text: &str| Address::new(text, Token::Text("t".to_owned())).is_ok();
        for good in [
            "https://tasks.example.com",
            "https://tasks.example.com/stage/",
            "http://localhost:8080",
            "http://127.0.0.1:8080/",
            "http://[::1]:8080",
        ] {
            assert!(is_good(good), "{good}");
        }
        for bad in [
            "tasks.example.com",
            "http://tasks.example.com",
            "http://127.0.0.1.example.com",
            "ftp://localhost",
            "https://ann:secret@tasks.example.com",
            "https://tasks.example.com?a=b",
        ] {
            assert!(!is_good(bad), "{bad}");
        }
    }

    #[test]
    fn a_token_may_be_what_a_program_prints_and_is_in_no_log() {
        let command = |words: &[&str]| {
            let words = words.iter().map(|word| (*word).to_owned());
            Token::Command(words.collect()).get()
        };
        assert_eq!(command(&["echo", " t "]).unwrap(), "t");
        for bad in [&["false"][..], &["true"], &["/nowhere/at/all"], &[]] {
            let refused = command(bad).unwrap_err().to_string();
            assert!(refused.starts_with("there is no token of"), "{refused}");
        }
        let address = Address::new("http://localhost", Token::Text("hidden".to_owned()));
        assert!(!format!("{address:?}").contains("hidden"));
    }
}
