//! The dead letters of a deployment: those of all its tenants for who may use its queues, and at a
//! service those of one's own tenant.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use taskmill::Timestamp;
use taskmill_app::App;
use taskmill_app::dead_letters::{self, LetterSummary};
use taskmill_aws::queues::{QueueName, Which};

use super::service::Client;
use super::verbs::{is_not_there, missing};
use crate::exit::Error;
use crate::output::{self, Listed};

/// A place's dead letters.
pub enum Letters {
    /// Of a stack.
    Stack(Box<App>),
    /// Of a service.
    Service(Box<Client>),
}

/// What lists show of a letter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Letter(Value);

/// What is there.
#[derive(Debug, Default, Deserialize)]
pub struct Looked {
    /// The letters, by queue and the oldest first.
    #[serde(rename = "items")]
    pub letters: Vec<Letter>,
    /// The queues that may hold more than what can be seen at one time.
    pub more: BTreeSet<String>,
}

/// What is back on its queue.
#[derive(Debug, Default)]
pub struct Sent {
    /// The letters.
    pub letters: Vec<Letter>,
    /// How many were left because they came back after they had been sent.
    pub came_back: usize,
    /// What ended it early.
    pub stopped: Option<Error>,
}

impl Letters {
    /// Messages that could not be handled, of these queues, or of all when none is named.
    ///
    /// # Errors
    /// They may not be seen, or the queues fail.
    pub async fn list(&self, queues: &[QueueName]) -> Result<Looked, Error> {
        match self {
            Self::Stack(app) => {
                let listed = dead_letters::list(app, &named(queues)).await?;
                let more = listed.more.iter().map(|queue| queue.as_str().to_owned());
                Ok(Looked {
                    letters: listed.letters.iter().map(Letter::of).collect(),
                    more: more.collect(),
                })
            }
            Self::Service(client) => {
                let mut all = Looked::default();
                for query in queries(queues) {
                    let found = client.get(&["dead-letters"], &query).await?;
                    let found: Looked = client.parsed(found)?;
                    all.letters.extend(found.letters);
                    all.more.extend(found.more);
                }
                Ok(all)
            }
        }
    }

    /// One of them, whole.
    ///
    /// # Errors
    /// It is not there, it may not be seen, or the queues fail.
    pub async fn show(&self, queues: &[QueueName], id: &str) -> Result<Value, Error> {
        match self {
            Self::Stack(app) => Ok(dead_letters::show(app, &named(queues), id).await?),
            Self::Service(client) => {
                for query in queries(queues) {
                    let answer = client.get(&["dead-letters", id], &query).await;
                    if !answer.as_ref().is_err_and(is_missing) {
                        return answer;
                    }
                }
                Err(missing(format!("there is no dead letter {id}")).into())
            }
        }
    }

    /// Sends them back to their queue, and says what became of it.
    ///
    /// # Errors
    /// Those of a service cannot be listed.
    pub async fn redrive(&self, queues: &[QueueName], which: &Which) -> Result<Sent, Error> {
        match self {
            Self::Stack(app) => {
                let redriven = dead_letters::redrive(app, &named(queues), which).await;
                let sent = dead_letters::summaries(&redriven.sent);
                Ok(Sent {
                    letters: sent.iter().map(Letter::of).collect(),
                    came_back: redriven.came_back,
                    stopped: redriven.stopped.map(Error::Queues),
                })
            }
            Self::Service(client) => {
                let ids: Vec<String> = match which {
                    Which::Ids(ids) => ids.iter().cloned().collect(),
                    Which::All => {
                        let letters = self.list(queues).await?.letters;
                        letters.iter().map(Letter::id).collect()
                    }
                };
                Ok(redrive_each(client, &ids).await)
            }
        }
    }
}

/// One by one. What is not there any more is left out.
async fn redrive_each(client: &Client, ids: &[String]) -> Sent {
    let mut sent = Sent::default();
    for id in ids {
        let path = ["dead-letters", id, "redrive"];
        match client.post(&path, None, &json!({})).await {
            Ok(letter) => sent.letters.push(Letter(letter)),
            Err(error) if is_missing(&error) => {}
            Err(error) => {
                sent.stopped = Some(error);
                break;
            }
        }
    }
    sent
}

fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Refused(refusal) if is_not_there(refusal))
}

/// These queues, or all.
fn named(queues: &[QueueName]) -> Vec<QueueName> {
    match queues.is_empty() {
        true => QueueName::ALL.to_vec(),
        false => queues.to_vec(),
    }
}

/// The questions to a service: one for each queue that is named, or one for all.
fn queries(queues: &[QueueName]) -> Vec<Vec<(&'static str, String)>> {
    let of = |queue: &QueueName| vec![("queue", queue.as_str().to_owned())];
    match queues.is_empty() {
        true => vec![Vec::new()],
        false => queues.iter().map(of).collect(),
    }
}

impl Letter {
    fn of(letter: &LetterSummary) -> Self {
        Self(json!(letter))
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> String {
        self.text("/id")
    }

    /// The queue that it was on.
    #[must_use]
    pub fn queue(&self) -> String {
        self.text("/queue")
    }

    /// When it was sent, where that is known.
    #[must_use]
    pub fn sent_at(&self) -> Option<Timestamp> {
        self.text("/sentAt").parse().ok()
    }

    fn text(&self, pointer: &str) -> String {
        let value = self.0.pointer(pointer).and_then(Value::as_str);
        value.unwrap_or_default().to_owned()
    }

    /// The ids that its message names.
    fn about(&self) -> String {
        const NAMED: [(&str, &str); 5] = [
            ("tenant", "/message/tenantId"),
            ("definition", "/message/definitionId"),
            ("task", "/message/taskId"),
            ("workflow", "/message/workflowId"),
            ("child", "/message/childId"),
        ];
        let named = NAMED.iter().filter_map(|(what, pointer)| {
            let id = self.0.pointer(pointer)?.as_str()?;
            Some(format!("{what} {id}"))
        });
        named.collect::<Vec<_>>().join(", ")
    }
}

impl Listed for Letter {
    const HEADER: &[&str] = &["ID", "QUEUE", "SENT", "KIND", "ABOUT", "REASON"];

    fn row(&self) -> Vec<String> {
        vec![
            self.id(),
            self.queue(),
            output::time(self.sent_at()),
            self.text("/message/kind"),
            self.about(),
            self.text("/reason"),
        ]
    }
}
