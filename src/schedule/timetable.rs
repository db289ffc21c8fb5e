//! The times of a cron expression on the clock of a zone.
//!
//! The expression is read by `croner`, the zone by `jiff`, from the database of time zones that is
//! built in: neither looks at the machine. Where a clock is put forward or back the rule is
//! `croner`'s, which is near that of Vixie cron: one minute of one hour is a time of day, which
//! comes when the clock goes on if it is skipped, and once, the first time, if it is repeated;
//! everything else comes whenever the clock shows it.

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Zoned;
use jiff::tz::{TimeZone, TimeZoneDatabase};

use crate::problem;
use crate::time::Timestamp;

/// When a schedule comes.
#[derive(Debug, Clone)]
pub struct Timetable {
    cron: Cron,
    zone: TimeZone,
}

/// Why there is no timetable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The expression cannot be read.
    #[error("{0}")]
    Cron(String),
    /// There is no such zone.
    #[error("the database of time zones has no {0:?}")]
    Zone(String),
}

impl Timetable {
    /// The timetable of an expression and a zone.
    ///
    /// # Errors
    /// One of them cannot be read.
    pub fn new(cron: &str, zone: &str) -> Result<Self, Error> {
        Ok(Self {
            cron: read(cron)?,
            zone: zone_of(zone)?,
        })
    }

    /// The first time after another; none when there is none before the year 5000.
    #[must_use]
    pub fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let after = self.on_the_clock(after)?;
        let next = self.cron.find_next_occurrence(&after, false).ok()?;
        Some(instant(&next))
    }

    /// The last time that is not after another; none when there is none.
    #[must_use]
    pub fn last(&self, until: Timestamp) -> Option<Timestamp> {
        let until = self.on_the_clock(until)?;
        let last = self.cron.find_previous_occurrence(&until, true).ok()?;
        Some(instant(&last))
    }

    /// What the clock of the zone shows at a time, with its distance from UTC.
    #[must_use]
    pub fn local(&self, at: Timestamp) -> String {
        self.on_the_clock(at).map_or_else(
            || at.to_string(),
            |at| at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(),
        )
    }

    /// A time to the whole second, because times of an expression have no parts of one.
    fn on_the_clock(&self, at: Timestamp) -> Option<Zoned> {
        let at = jiff::Timestamp::from_second(at.epoch_seconds()).ok()?;
        Some(at.to_zoned(self.zone.clone()))
    }
}

/// Why an expression cannot be read.
#[must_use]
pub fn cron_error(cron: &str) -> Option<String> {
    read(cron).err().map(|error| error.to_string())
}

/// Why a zone is none.
#[must_use]
pub fn zone_error(zone: &str) -> Option<String> {
    zone_of(zone).err().map(|error| error.to_string())
}

/// The zone whose name is most like one that there is not.
#[must_use]
pub fn nearest_zone(name: &str) -> Option<String> {
    let database = TimeZoneDatabase::bundled();
    let zones: Vec<_> = database.available().collect();
    let known = zones.iter().map(|zone| zone.as_str());
    problem::nearest(name, known).map(str::to_owned)
}

/// Seconds and years are no part of it: what comes every second is no schedule.
fn read(cron: &str) -> Result<Cron, Error> {
    let parser = CronParser::builder()
        .seconds(Seconds::Disallowed)
        .year(Year::Disallowed)
        .build();
    parser.parse(cron).map_err(|error| {
        let message = error.to_string();
        Error::Cron(message.trim_end_matches('.').to_owned())
    })
}

fn zone_of(zone: &str) -> Result<TimeZone, Error> {
    let found = TimeZoneDatabase::bundled().get(zone);
    found.map_err(|_| Error::Zone(zone.to_owned()))
}

fn instant(zoned: &Zoned) -> Timestamp {
    Timestamp::from_millis(zoned.timestamp().as_millisecond())
}
