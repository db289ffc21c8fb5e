//! Asking a service over HTTP.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use reqwest::{Method, RequestBuilder, Url, redirect};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use taskmill_aws::sdk;

use super::{Address, Error, answer};
use crate::exit;

/// How long a connection may take to be there.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take: API Gateway gives up after half of it.
const ANSWER: Duration = Duration::from_secs(60);
/// How often something is read that a service cannot tell at the moment.
const TRIES: u32 = 3;
/// The longest pause between two tries, whatever the service says.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Statuses that may be others soon.
const PASSING: [u16; 4] = [429, 502, 503, 504];

/// A client of a service.
pub struct Client {
    http: reqwest::Client,
    url: Url,
    token: String,
}

/// A page of a list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Page<T> {
    items: Vec<T>,
    #[serde(default)]
    next_cursor: Option<String>,
}

/// What came back.
struct Answer {
    status: u16,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Client {
    /// A client of the service at an address. Nothing is asked yet.
    ///
    /// # Errors
    /// There is no token, or no client can be made.
    pub fn open(address: Address) -> Result<Self, Error> {
        let Address { url, token } = address;
        let http = sdk::http()
            .connect_timeout(CONNECT)
            .timeout(ANSWER)
            // Whoever it sends elsewhere would take the token along.
            .redirect(redirect::Policy::none())
            .build();
        let http = http.map_err(|error| Error::NoAnswer {
            url: url.to_string(),
            source: error,
        })?;
        Ok(Self {
            http,
            url,
            token: token.get()?,
        })
    }

    /// What is at a path.
    ///
    /// # Errors
    /// It is refused, or the service cannot be asked.
    pub async fn get(&self, path: &[&str], query: &[(&str, String)]) -> Result<Value, exit::Error> {
        let mut tries = 1;
        loop {
            let answer = self.send(self.request(Method::GET, path, query)).await?;
            if tries == TRIES || !PASSING.contains(&answer.status) {
                return self.read(&answer);
            }
            tokio::time::sleep(pause(&answer.headers)).await;
            tries += 1;
        }
    }

    /// A list, page after page, until it is so long.
    ///
    /// # Errors
    /// As of [`get`](Self::get).
    pub async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, String)],
        most: usize,
    ) -> Result<Vec<T>, exit::Error> {
        let mut found = Vec::new();
        let mut query = query.to_vec();
        loop {
            let page: Page<T> = self.parsed(self.get(path, &query).await?)?;
            found.extend(page.items);
            query.retain(|(name, _)| *name != "cursor");
            match page.next_cursor.filter(|_| found.len() < most) {
                None => break,
                Some(cursor) => query.push(("cursor", cursor)),
            }
        }
        found.truncate(most);
        Ok(found)
    }

    /// What comes of sending a body to a path, once for one key.
    ///
    /// # Errors
    /// It is refused, or the service cannot be asked: then it may have been done all the same.
    pub async fn post(
        &self,
        path: &[&str],
        key: Option<&str>,
        body: &Value,
    ) -> Result<Value, exit::Error> {
        self.send_body(Method::POST, path, key, body).await
    }

    /// The same by another method.
    ///
    /// # Errors
    /// As of [`post`](Self::post).
    pub async fn send_body(
        &self,
        method: Method,
        path: &[&str],
        key: Option<&str>,
        body: &Value,
    ) -> Result<Value, exit::Error> {
        let mut request = self.request(method, path, &[]).json(body);
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        self.read(&self.send(request).await?)
    }

    /// A value that the service gave, as what it should be.
    ///
    /// # Errors
    /// It is something else.
    pub fn parsed<T: DeserializeOwned>(&self, value: Value) -> Result<T, exit::Error> {
        let parsed = serde_json::from_value(value);
        Ok(parsed.map_err(|error| Error::Strange {
            url: self.url.to_string(),
            detail: error.to_string(),
        })?)
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, String)]) -> RequestBuilder {
        let mut url = self.url.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push("v1").extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.http.request(method, url).bearer_auth(&self.token)
    }

    async fn send(&self, request: RequestBuilder) -> Result<Answer, Error> {
        let failed = |source: reqwest::Error| {
            let url = self.url.to_string();
            let source = source.without_url();
            match source.is_connect() {
                true => Error::Unreachable { url, source },
                false => Error::NoAnswer { url, source },
            }
        };
        let response = request.send().await.map_err(failed)?;
        Ok(Answer {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.map_err(failed)?.to_vec(),
        })
    }

    fn read(&self, answer: &Answer) -> Result<Value, exit::Error> {
        answer::read(self.url.as_str(), answer.status, &answer.body)
    }
}

/// What the service asks for, within reason.
fn pause(headers: &HeaderMap) -> Duration {
    let asked = headers.get(RETRY_AFTER).and_then(|text| text.to_str().ok());
    let seconds = asked.and_then(|text| text.parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds).min(LONGEST_PAUSE)
}
