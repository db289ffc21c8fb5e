//! What became of what a workflow told to end: whether it is over, and how it ended when it was
//! over before.

use taskmill::Timestamp;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill::workflow::decider::Event;
use taskmill::workflow::frontier::Cancelling;
use taskmill_aws::queues::Message;

use crate::children::Asked;
use crate::tasks::Applied;
use crate::workflows;

/// What became of what was told to end.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// What is over.
    over: Vec<Cancelling>,
    /// What is not there.
    missing: Vec<Cancelling>,
    /// The news of what was over before, and when that was.
    ended: Vec<(Option<Timestamp>, Event)>,
}

impl Told {
    /// Notes what became of the cancellation of a task.
    pub(crate) fn note_task(&mut self, id: TaskId, applied: Applied) {
        let cancelling = Cancelling::Task(id);
        match applied {
            Applied::Missing => self.missing.push(cancelling),
            Applied::Owes(..) => self.over.push(cancelling),
            Applied::Rejected(task, _) => {
                let end = Event::TaskEnded(Box::new((&*task).into()));
                self.ended.push((task.end_time, end));
                self.over.push(cancelling);
            }
        }
    }

    /// Notes what became of asking a child or a batch, and gives the message that follows.
    pub(crate) fn note_asked(
        &mut self,
        id: WorkflowId,
        event: &Event,
        asked: Asked,
    ) -> Option<Message> {
        let is_cancel = workflows::asks_to_cancel(event);
        let cancelling = is_cancel.then_some(Cancelling::Child(id));
        match asked {
            Asked::Missing => self.missing.extend(cancelling),
            Asked::Told => self.over.extend(cancelling),
            Asked::Ended(at, news) => {
                self.ended.extend(news.map(|news| (at, *news)));
                self.over.extend(cancelling);
            }
            Asked::Send(message) => return Some(*message),
        }
        None
    }

    /// What the workflow is to take note of: what was over before comes first, in the order of
    /// time. What is not there counts as over when it is final that it never came.
    pub(crate) fn into_events(mut self, is_final: bool) -> Vec<Event> {
        self.ended.sort_by_key(|(at, _)| *at);
        if is_final {
            self.over.append(&mut self.missing);
        }
        let ended = self.ended.into_iter().map(|(_, event)| event);
        let over = (!self.over.is_empty()).then_some(Event::CancelsDone(self.over));
        ended.chain(over).collect()
    }
}
