//! Following a workflow or a task at a place until it is over: looked at again and again, and what
//! was not told yet is told. It stops nothing, and asks nothing but what it is.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;
use taskmill::ids::{TaskId, WorkflowId};
use taskmill_aws::clock::Clock;
use taskmill_aws::store::PageRequest;
use tokio::time::Instant;
use uuid::Uuid;

use crate::exit::Error;
use crate::interrupt::Interrupts;
use crate::place::Opened;
use crate::progress::display::FRAME;
use crate::progress::{Counts, Display, Record, TaskRecord, Tracker, WorkflowRecord};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// Looks in a row that may fail: so many seconds a place may be away.
const PATIENCE: u32 = 60;

/// How often in a row a place that was there before could not be asked.
#[derive(Debug, Default)]
pub struct Patience(u32);

impl Patience {
    /// Bears one more failure, and tells of the first.
    ///
    /// # Errors
    /// It does not pass, or the place was away for too long.
    pub fn bear(&mut self, error: Error, display: &Display) -> Result<(), Error> {
        if self.0 == PATIENCE || !error.may_pass() {
            return Err(error);
        }
        if self.0 == 0 {
            display.say(&format!("{}; looking again", error.report()));
        }
        self.0 += 1;
        Ok(())
    }
}

/// What is followed.
pub struct Follow<'a> {
    place: &'a Opened,
    id: Uuid,
    display: &'a Display,
    tracker: Tracker,
    /// Whether it was seen at all.
    is_there: bool,
    /// The workflow's version at the last look.
    seen: Option<u64>,
    /// Tasks whose end was told.
    over: HashSet<TaskId>,
    /// Whether so many tasks are there that they are listed only when the workflow changed.
    is_large: bool,
}

impl<'a> Follow<'a> {
    /// Of a workflow or a task of this id, told as is said.
    pub fn of(place: &'a Opened, id: Uuid, display: &'a Display) -> Self {
        Self {
            place,
            id,
            display,
            tracker: Tracker::default(),
            is_there: false,
            seen: None,
            over: HashSet::new(),
            is_large: false,
        }
    }

    /// What its run did so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.tracker.counts()
    }

    /// Follows it to its end; none when somebody wishes to stop looking.
    ///
    /// # Errors
    /// There is nothing of this id, or the place fails.
    pub async fn until_over(&mut self) -> Result<Option<Record>, Error> {
        let mut interrupts = Interrupts::listen().map_err(Error::Runtime)?;
        let over = tokio::select! {
            over = self.look_until_over() => over.map(Some),
            () = interrupts.next() => Ok(None),
        };
        self.display.clear();
        over
    }

    async fn look_until_over(&mut self) -> Result<Record, Error> {
        let mut patience = Patience::default();
        loop {
            match self.look().await {
                Ok(record) if record.is_over() => return Ok(record),
                Ok(_) => patience = Patience::default(),
                Err(error) if self.is_there => patience.bear(error, self.display)?,
                Err(error) => return Err(error),
            }
            self.pause().await;
        }
    }

    /// Looks at it once, and tells what was not told.
    ///
    /// # Errors
    /// There is nothing of this id, or the place fails.
    pub async fn look(&mut self) -> Result<Record, Error> {
        let record = Record::of_view(&self.place.look(self.id).await?)?;
        self.is_there = true;
        match &record {
            Record::Task(task) => self.tell(task),
            Record::Workflow(workflow) => self.look_at_tasks(workflow).await?,
        }
        Ok(record)
    }

    async fn look_at_tasks(&mut self, workflow: &WorkflowRecord) -> Result<(), Error> {
        if self.is_large && self.seen == Some(workflow.version) {
            return Ok(());
        }
        let (id, course) = (workflow.id, &workflow.course);
        self.display
            .tell(&self.tracker.observe_course("", id, course));
        let tasks = self.place.tasks_of(WorkflowId::new(self.id)).await?;
        self.is_large = tasks.len() > PageRequest::MOST;
        for task in tasks {
            if !self.over.contains(&task.id) {
                self.tell_task(&self.place.task(task.id).await?)?;
            }
        }
        self.seen = Some(workflow.version);
        Ok(())
    }

    fn tell_task(&mut self, view: &Value) -> Result<(), Error> {
        let task = TaskRecord::of_view(view)?;
        self.tell(&task);
        if task.status.is_terminal() {
            self.over.insert(task.id);
        }
        Ok(())
    }

    fn tell(&mut self, task: &TaskRecord) {
        self.display.tell(&self.tracker.observe_task("", task));
    }

    /// Until the next look; meanwhile a terminal is drawn.
    async fn pause(&mut self) {
        let clock = Clock::system();
        if !self.display.is_animated() {
            self.display.tell(&self.tracker.observe_time(clock.now()));
            return tokio::time::sleep(LOOK).await;
        }
        let until = Instant::now() + LOOK;
        while Instant::now() < until {
            self.display.draw(self.tracker.active(), clock.now());
            tokio::time::sleep(FRAME).await;
        }
    }
}
