//! Places for the tasks of a definition with `concurrency`: asking for one, giving one back, and
//! calling those who wait.
//!
//! What is asked of a line is decided by the core on what is stored, and written under a condition
//! until the write wins; then those are sent for who were called by it, and taken out of the line.
//! A crash in between leaves them in line with a place: whoever looks at the line next calls them
//! again. Who has to wait joins the line first and looks once more after: a place that was given
//! back before they joined is free then, and one that is given back later is given to them.
//!
//! Tasks without `concurrency` cost nothing here.

use futures::future::try_join_all;
use taskmill::Timestamp;
use taskmill::ids::{ExecutionId, LineId};
use taskmill::task::TaskInstance;
use taskmill::task::concurrency::{self, Answer, Ask, Beginner, Turn, Waiter};
use taskmill::task::lifecycle::Event;
use taskmill_aws::queues::{Execute, Message};
use tokio::sync::{Mutex, MutexGuard};

use crate::app::App;
use crate::refusal::Fault;

/// How often a turn is taken anew when others were first. Each time one of them got on.
const ATTEMPTS: u32 = 64;
/// Locks that the lines of a process share.
const LOCKS: usize = 16;

/// The lines of a process, of each of which it takes one turn at a time: its own attempts would
/// otherwise pay for the writes that they lose against each other.
#[derive(Debug, Default)]
pub(crate) struct Lines([Mutex<()>; LOCKS]);

impl Lines {
    async fn lock(&self, id: LineId) -> MutexGuard<'_, ()> {
        let [.., last] = *id.uuid().as_bytes();
        self.0[usize::from(last) % LOCKS].lock().await
    }
}

/// What becomes of an attempt that is to begin.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Entry {
    /// It begins, at this time.
    Began(Timestamp),
    /// It waits in line, and is called.
    Waits,
    /// It began before: this time ends its lease.
    HeldUntil(Timestamp),
}

/// Asks for a place for the next attempt of a task.
pub(crate) async fn enter(app: &App, task: &TaskInstance) -> Result<Entry, Fault> {
    for joined in [false, true] {
        let now = app.now();
        let Some(beginner) = Beginner::of(task, now) else {
            return Ok(Entry::Began(now));
        };
        if joined {
            let id = line_of(task);
            app.store().join_line(id, beginner.waiter()).await?;
        }
        match ask(app, task, Ask::Begin(Box::new(beginner)), now).await? {
            Answer::Began => return Ok(Entry::Began(now)),
            Answer::Held(until) => return Ok(Entry::HeldUntil(until)),
            Answer::Waits | Answer::Done => {}
        }
    }
    tracing::debug!(task.id = %task.id, attempt = task.attempt(), "an attempt waits for a place");
    Ok(Entry::Waits)
}

/// Gives back the place of an attempt that is over.
pub(crate) async fn over(
    app: &App,
    task: &TaskInstance,
    execution_id: ExecutionId,
    began_at: Timestamp,
) -> Result<(), Fault> {
    let over = Ask::Over {
        execution_id,
        began_at,
    };
    tell(app, task, over).await
}

/// Gives back the place of an attempt that will not begin, because its task is beyond it.
pub(crate) async fn leave(
    app: &App,
    task: &TaskInstance,
    execution_id: ExecutionId,
) -> Result<(), Fault> {
    let leave = Ask::Leave {
        execution_id,
        waiter: None,
    };
    tell(app, task, leave).await
}

/// Gives back the place of an attempt that a worker polled for, and that is over.
pub(crate) async fn ended(
    app: &App,
    task: &TaskInstance,
    execution_id: ExecutionId,
) -> Result<(), Fault> {
    tell(app, task, Ask::Lost(execution_id)).await
}

/// Tells the line of a task what an event means for it that is written.
pub(crate) async fn follow(
    app: &App,
    before: &TaskInstance,
    after: &TaskInstance,
    event: &Event,
) -> Result<(), Fault> {
    match concurrency::after(before, after, event) {
        Some(ask) => tell(app, after, ask).await,
        None => Ok(()),
    }
}

/// Gives back all places of a task's line that were taken, but for those of workers that poll: the
/// process that took them has ended.
pub(crate) async fn restarted(app: &App, task: &TaskInstance) -> Result<(), Fault> {
    tell(app, task, Ask::Restarted).await
}

/// Whether an attempt has a place.
pub(crate) async fn has_place(
    app: &App,
    task: &TaskInstance,
    execution_id: ExecutionId,
) -> Result<bool, Fault> {
    if task.concurrency_limit.is_none() {
        return Ok(false);
    }
    let seen = app.store().line(line_of(task)).await?;
    let mut places = seen.line.places.iter();
    Ok(places.any(|place| place.execution_id == execution_id))
}

fn line_of(task: &TaskInstance) -> LineId {
    LineId::of(&task.tenant_id, &task.task_definition_id)
}

async fn tell(app: &App, task: &TaskInstance, what: Ask) -> Result<(), Fault> {
    match task.concurrency_limit {
        Some(_) => ask(app, task, what, app.now()).await.map(drop),
        None => Ok(()),
    }
}

/// Asks something of a task's line, and calls whom that gives a place.
async fn ask(app: &App, task: &TaskInstance, ask: Ask, now: Timestamp) -> Result<Answer, Fault> {
    let mut turn = take_turn(app, line_of(task), &ask, now).await?;
    let answer = turn.answer;
    loop {
        perform(app, task, &turn).await?;
        if !turn.again {
            return Ok(answer);
        }
        turn = take_turn(app, line_of(task), &Ask::Look, now).await?;
    }
}

async fn take_turn(app: &App, id: LineId, ask: &Ask, now: Timestamp) -> Result<Turn, Fault> {
    let _turn = app.inner.lines.lock(id).await;
    for _ in 0..ATTEMPTS {
        let seen = app.store().line(id).await?;
        let turn = concurrency::turn(&seen, ask, now);
        let Some(after) = &turn.line else {
            return Ok(turn);
        };
        match app.store().replace_line(id, seen.line.version, after).await {
            Ok(()) => return Ok(turn),
            Err(error) if error.is_version_conflict() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::Contended {
        record: format!("line {id}"),
        attempts: ATTEMPTS,
    })
}

/// Sends for those who were called, and takes them out of the line, with those who stand there in
/// vain.
async fn perform(app: &App, task: &TaskInstance, turn: &Turn) -> Result<(), Fault> {
    let calls: Vec<Message> = turn.called.iter().map(|one| call(task, one)).collect();
    app.queues().send(&calls).await?;
    let id = line_of(task);
    let out = turn.called.iter().chain(&turn.gone);
    try_join_all(out.map(|waiter| app.store().leave_line(id, waiter))).await?;
    Ok(())
}

/// The message that has the attempt run of one who waits in the line of a task.
fn call(task: &TaskInstance, waiter: &Waiter) -> Message {
    Message::Execute(Execute {
        task_id: waiter.task_id,
        tenant_id: task.tenant_id.clone(),
        priority: waiter.priority,
        attempt: waiter.attempt,
        perhaps_begun: false,
    })
}
