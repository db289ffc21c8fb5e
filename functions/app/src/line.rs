//! Places for tasks that are limited, by their definition or by their tenant's deployment: asking for
//! one, giving one back, and calling those who wait.
//!
//! What is asked of a line is decided by the core on what is stored, and written under a condition
//! until the write wins; then those are sent for who were called by it, and taken out of the line.
//! A crash in between leaves them in line with a place: whoever looks at the line next calls them
//! again. Who has to wait joins the line first and looks once more after: a place that was given
//! back before they joined is free then, and one that is given back later is given to them.
//!
//! A task that is limited twice takes its definition's place first and its tenant's after that, so
//! that no two wait for each other. While it waits for its tenant's, its definition's is kept for
//! it. That holds nobody up, because whoever waits behind it needs a place of the same tenant; the
//! tenant's own, which others could use, is nobody's who is not about to begin.
//!
//! Tasks without limits cost nothing here.

use futures::future::try_join_all;
use taskmill::Timestamp;
use taskmill::ids::{ExecutionId, LineId, TaskId, TenantId};
use taskmill::task::concurrency::{self, Answer, Ask, Beginner, Limits, Seen, Turn, Waiter};
use taskmill::task::lifecycle::Event;
use taskmill::task::{TaskInstance, TaskType};
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

/// A line that a task needs a place of.
struct Line<'a> {
    id: LineId,
    tenant_id: &'a TenantId,
    limits: Limits,
    whose: Whose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    /// A definition's: who waits has the limits of its own version.
    Definition,
    /// A tenant's: who waits has the limits that the deployment gives it now.
    Tenant,
}

/// The lines that a task needs places of, in the order in which it asks for them.
fn lines_of<'a>(app: &App, task: &'a TaskInstance) -> Vec<Line<'a>> {
    let tenant_id = &task.tenant_id;
    let of_definition = Limits::of_definition(task).map(|limits| Line {
        id: LineId::of(tenant_id, &task.task_definition_id),
        tenant_id,
        limits,
        whose: Whose::Definition,
    });
    let of_tenant = match task.task_type {
        TaskType::Manual => None,
        TaskType::Automated | TaskType::Integration => app.config().tenant_limits.of(tenant_id),
    };
    let of_tenant = of_tenant.map(|limits| Line {
        id: LineId::of_tenant(tenant_id),
        tenant_id,
        limits,
        whose: Whose::Tenant,
    });
    of_definition.into_iter().chain(of_tenant).collect()
}

/// Asks for the places of the next attempt of a task.
pub(crate) async fn enter(app: &App, task: &TaskInstance) -> Result<Entry, Fault> {
    let lines = lines_of(app, task);
    let mut began: Vec<(&Line<'_>, Timestamp)> = Vec::new();
    for (nth, line) in lines.iter().enumerate() {
        match enter_line(app, task, line).await? {
            Entry::Began(at) => began.push((line, at)),
            stopped => {
                for (line, began_at) in began {
                    keep(app, task, line, began_at).await?;
                }
                if let Entry::Waits = stopped {
                    // It may have been called to one while its place in this one was lost.
                    for behind in &lines[nth + 1..] {
                        ask(app, behind, &leaving(task.execution_id())).await?;
                    }
                    tracing::debug!(task.id = %task.id, attempt = task.attempt(), "an attempt waits for a place");
                }
                return Ok(stopped);
            }
        }
    }
    let last = began.last().map(|(_, at)| *at);
    Ok(Entry::Began(last.unwrap_or_else(|| app.now())))
}

/// Asks for a place of one line.
async fn enter_line(app: &App, task: &TaskInstance, line: &Line<'_>) -> Result<Entry, Fault> {
    let beginner = Beginner::of(task, line.limits);
    let begin = Ask::Begin(Box::new(beginner.clone()));
    for joined in [false, true] {
        if joined {
            app.store().join_line(line.id, beginner.waiter()).await?;
        }
        match ask(app, line, &begin).await? {
            (Answer::Began, at) => return Ok(Entry::Began(at)),
            (Answer::Held(until), _) => return Ok(Entry::HeldUntil(until)),
            (Answer::Waits | Answer::Done, _) => {}
        }
    }
    Ok(Entry::Waits)
}

/// Keeps a place of an attempt that waits in another line.
async fn keep(
    app: &App,
    task: &TaskInstance,
    line: &Line<'_>,
    began_at: Timestamp,
) -> Result<(), Fault> {
    let waiter = Waiter::of(task, line.limits);
    let keep = Ask::Keep { waiter, began_at };
    ask(app, line, &keep).await.map(drop)
}

/// Gives back the places of an attempt that is over.
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
    tell(app, task, &over).await
}

/// Gives back the places of an attempt that will not begin, because its task is beyond it.
pub(crate) async fn leave(
    app: &App,
    task: &TaskInstance,
    execution_id: ExecutionId,
) -> Result<(), Fault> {
    tell(app, task, &leaving(execution_id)).await
}

const fn leaving(execution_id: ExecutionId) -> Ask {
    Ask::Leave {
        execution_id,
        waiter: None,
    }
}

/// Gives back the places of an attempt that a worker polled for, and that is over.
pub(crate) async fn ended(
    app: &App,
    task: &TaskInstance,
    execution_id: ExecutionId,
) -> Result<(), Fault> {
    tell(app, task, &Ask::Lost(execution_id)).await
}

/// Tells the lines of a task what an event means for them that is written.
pub(crate) async fn follow(
    app: &App,
    before: &TaskInstance,
    after: &TaskInstance,
    event: &Event,
) -> Result<(), Fault> {
    for line in lines_of(app, before) {
        if let Some(said) = concurrency::after(before, after, event, line.limits) {
            tell_line(app, &line, &said).await?;
        }
    }
    Ok(())
}

/// Gives back all places of a task's lines that were taken, but for those of workers that poll: the
/// process that took them has ended.
pub(crate) async fn restarted(app: &App, task: &TaskInstance) -> Result<(), Fault> {
    tell(app, task, &Ask::Restarted).await
}

/// Looks at the lines that a task stands in, whatever became of the task: a rate lets somebody begin.
pub(crate) async fn look(app: &App, id: TaskId) -> Result<(), Fault> {
    match app.store().task(id).await? {
        Some(task) => tell(app, &task, &Ask::Look).await,
        None => Ok(()),
    }
}

/// Whether an attempt has a place.
pub(crate) async fn has_place(
    app: &App,
    task: &TaskInstance,
    execution_id: ExecutionId,
) -> Result<bool, Fault> {
    for line in lines_of(app, task) {
        let seen = app.store().line(line.id).await?;
        let mut places = seen.line.places.iter();
        if places.any(|place| place.execution_id == execution_id) {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn tell(app: &App, task: &TaskInstance, said: &Ask) -> Result<(), Fault> {
    for line in lines_of(app, task) {
        tell_line(app, &line, said).await?;
    }
    Ok(())
}

/// Tells a line something. One that counts starts alone has no place of an attempt that began.
async fn tell_line(app: &App, line: &Line<'_>, said: &Ask) -> Result<(), Fault> {
    match said {
        Ask::Over { .. } | Ask::Lost(_) | Ask::Stopping { .. }
            if line.limits.concurrency.is_none() =>
        {
            Ok(())
        }
        Ask::Begin(_)
        | Ask::Keep { .. }
        | Ask::Over { .. }
        | Ask::Leave { .. }
        | Ask::Lost(_)
        | Ask::Stopping { .. }
        | Ask::Restarted
        | Ask::Look => ask(app, line, said).await.map(drop),
    }
}

/// Asks something of a line, and calls whom that gives a place. Gives what is answered, and when it
/// was decided.
async fn ask(app: &App, line: &Line<'_>, what: &Ask) -> Result<(Answer, Timestamp), Fault> {
    let (mut turn, decided_at) = take_turn(app, line, what).await?;
    let answer = turn.answer;
    loop {
        perform(app, line, &turn).await?;
        if !turn.is_to_be_looked_at_again(app.now()) {
            return Ok((answer, decided_at));
        }
        (turn, _) = take_turn(app, line, &Ask::Look).await?;
    }
}

async fn take_turn(app: &App, line: &Line<'_>, what: &Ask) -> Result<(Turn, Timestamp), Fault> {
    let id = line.id;
    let _turn = app.inner.lines.lock(id).await;
    for _ in 0..ATTEMPTS {
        let mut seen = app.store().line(id).await?;
        let (turn, now) = loop {
            let now = app.now();
            let turn = concurrency::turn(&limited(&seen, line), what, now);
            if !turn.sees_too_little {
                break (turn, now);
            }
            app.store().see_on(id, &mut seen).await?;
        };
        if let Some((at, first)) = &turn.look {
            let look = look_at(line, first, *at);
            app.queues().send(&[look]).await?;
        }
        let Some(after) = &turn.line else {
            return Ok((turn, now));
        };
        match app.store().replace_line(id, seen.line.version, after).await {
            Ok(()) => return Ok((turn, now)),
            Err(error) if error.is_version_conflict() => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(Fault::Contended {
        record: format!("line {id}"),
        attempts: ATTEMPTS,
    })
}

/// What there is to see of a line, those who wait with the limits that they have now.
fn limited(seen: &Seen, line: &Line<'_>) -> Seen {
    let mut seen = seen.clone();
    if line.whose == Whose::Tenant {
        for waiter in &mut seen.waiting {
            waiter.limits = line.limits;
        }
    }
    seen
}

/// Sends for those who were called, and takes them out of the line, with those who stand there in
/// vain.
async fn perform(app: &App, line: &Line<'_>, turn: &Turn) -> Result<(), Fault> {
    let called = turn.called.iter();
    let calls: Vec<Message> = called
        .map(|one| Message::Execute(execute(line, one)))
        .collect();
    app.queues().send(&calls).await?;
    let out = turn.called.iter().chain(&turn.gone);
    try_join_all(out.map(|waiter| app.store().leave_line(line.id, waiter))).await?;
    Ok(())
}

/// The message that has the attempt run of one who waits in a line.
fn execute(line: &Line<'_>, waiter: &Waiter) -> Execute {
    Execute {
        task_id: waiter.task_id,
        tenant_id: line.tenant_id.clone(),
        priority: waiter.priority,
        attempt: waiter.attempt,
        perhaps_begun: false,
        line_only: false,
    }
}

/// The message that has the line looked at in which somebody waits for a rate.
fn look_at(line: &Line<'_>, first: &Waiter, at: Timestamp) -> Message {
    let then = Message::Execute(Execute {
        line_only: true,
        ..execute(line, first)
    });
    Message::Later {
        due_at: at,
        then: Box::new(then),
    }
}
