//! Sending together what is sent at one time.
//!
//! Whoever sends joins the lane of its queue. The one whose turn it is sends all that wait by
//! then; what joins meanwhile goes with the next. Nobody waits for company longer than until those
//! of the same moment have joined, and each learns what became of its own messages.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot::{self, error::TryRecvError};

use super::route::Outgoing;
use super::send::Error;

/// Messages on their way to one queue, in the order in which they joined.
#[derive(Debug, Default)]
pub(super) struct Lane {
    waiting: Mutex<Vec<Waiting>>,
    turn: tokio::sync::Mutex<()>,
}

/// What one sender sends.
#[derive(Debug)]
struct Waiting {
    messages: Vec<Outgoing>,
    told: oneshot::Sender<Result<(), Error>>,
}

impl Lane {
    /// Sends messages together with those of others. `send` says of each message that it is given
    /// what became of it.
    ///
    /// # Errors
    /// The first of what became of these messages that is one, or [`Error::Abandoned`].
    pub(super) async fn join<F>(
        &self,
        messages: Vec<Outgoing>,
        send: impl FnOnce(Vec<Outgoing>) -> F,
    ) -> Result<(), Error>
    where
        F: Future<Output = Vec<Result<(), Error>>>,
    {
        let (told, mut news) = oneshot::channel();
        self.lock().push(Waiting { messages, told });
        tokio::task::yield_now().await;
        let _turn = self.turn.lock().await;
        match news.try_recv() {
            Ok(told) => return told,
            Err(TryRecvError::Closed) => return Err(Error::Abandoned),
            Err(TryRecvError::Empty) => {}
        }
        let mut all = Vec::new();
        let mut senders = Vec::new();
        for waiting in std::mem::take(&mut *self.lock()) {
            senders.push((waiting.messages.len(), waiting.told));
            all.extend(waiting.messages);
        }
        let mut results = send(all).await.into_iter();
        for (count, told) in senders {
            let own: Vec<_> = results.by_ref().take(count).collect();
            // A sender that is gone wants to know nothing.
            let _ = told.send(own.into_iter().collect());
        }
        news.try_recv().unwrap_or(Err(Error::Abandoned))
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use futures::future::{join_all, join3, pending};
    use tokio::sync::Mutex;

    use super::*;
    use crate::queues::QueueName;

    fn message(body: &str) -> Outgoing {
        Outgoing {
            queue: QueueName::Execute,
            body: body.to_owned(),
            group: None,
            deduplication_id: None,
            due_at: None,
            first_id: None,
        }
    }

    fn refused() -> Error {
        Error::Refused {
            queue: "execute",
            reason: "no".to_owned(),
        }
    }

    /// Lets a queue take every message but those of which the body is `bad`.
    async fn take(
        sent: &Mutex<Vec<Vec<String>>>,
        messages: Vec<Outgoing>,
    ) -> Vec<Result<(), Error>> {
        let bodies: Vec<String> = messages.into_iter().map(|message| message.body).collect();
        // Meanwhile others join.
        tokio::task::yield_now().await;
        tokio::task::yield_now().await;
        let answers = bodies.iter().map(|body| match body.as_str() {
            "bad" => Err(refused()),
            _ => Ok(()),
        });
        let answers = answers.collect();
        sent.lock().await.push(bodies);
        answers
    }

    #[tokio::test]
    async fn what_is_sent_at_one_moment_goes_together_and_each_learns_of_its_own() {
        let (lane, sent) = (Lane::default(), Mutex::default());
        let senders = [vec!["a", "b"], vec!["c", "bad"], vec!["d"]].map(|bodies| {
            let messages = bodies.into_iter().map(message).collect();
            lane.join(messages, |all| take(&sent, all))
        });
        let results = join_all(senders).await;
        assert_eq!(results, [Ok(()), Err(refused()), Ok(())]);
        assert_eq!(sent.into_inner(), [["a", "b", "c", "bad", "d"]]);
    }

    #[tokio::test]
    async fn what_comes_while_others_are_sent_goes_with_the_next_in_order() {
        let (lane, sent) = (Lane::default(), Mutex::default());
        let first = lane.join(vec![message("a")], |all| take(&sent, all));
        let late = |body| {
            let lane = &lane;
            let sent = &sent;
            async move {
                tokio::task::yield_now().await;
                tokio::task::yield_now().await;
                lane.join(vec![message(body)], |all| take(sent, all)).await
            }
        };
        let (first, second, third) = join3(first, late("b"), late("c")).await;
        assert_eq!([first, second, third], [Ok(()), Ok(()), Ok(())]);
        assert_eq!(sent.into_inner(), [vec!["a"], vec!["b", "c"]]);
    }

    #[tokio::test]
    async fn one_who_gives_up_while_it_sends_for_others_leaves_them_with_an_error() {
        let (lane, sent) = (Lane::default(), Mutex::default());
        {
            let never = lane.join(vec![message("a")], |_| pending());
            let other = lane.join(vec![message("b")], |all| take(&sent, all));
            let mut other = std::pin::pin!(other);
            tokio::select! {
                biased;
                _ = never => unreachable!("it is never answered"),
                _ = &mut other => unreachable!("it waits for the other"),
                () = async { for _ in 0..9 { tokio::task::yield_now().await } } => {}
            }
            let told = other.await;
            assert_eq!(told, Err(Error::Abandoned));
        }
        let after = lane.join(vec![message("c")], |all| take(&sent, all)).await;
        assert_eq!(after, Ok(()));
        assert_eq!(sent.into_inner(), [["c"]]);
    }
}
