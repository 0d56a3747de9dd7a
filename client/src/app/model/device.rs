//! One device of the dashboard: what it measured, what went wrong, and what it is set to.
//!
//! Bounded: names that do not fit are counted. Not here: the table of all devices (`devices`). Times are those of the page
//! (`clock`), in milliseconds.

use super::{
    age::is_stale,
    clock::{Clock, Compared, Seen},
    command::{Command, is_on},
    series::Series,
    table::Table,
};
use tertulia_shared::sensor::{SensorReading, Value};

/// The most metrics, targets and faulty topics of one device, each.
pub const MAX_PER_DEVICE: usize = 24;
/// The most names that are told apart among what is not shown.
pub const MAX_HIDDEN: usize = 999;
/// How many values, apart in time, make a habit whose end is worth telling.
const REGULAR: usize = 4;
/// How many usual intervals without a value are a silence.
const SILENT_INTERVALS: f64 = 10.0;
/// The shortest silence, in milliseconds.
const SILENT_MS: f64 = 300_000.0;

/// What a device measured last, and before.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The last value.
    pub value: Value,
    /// The unit as the device named it.
    pub unit: Option<String>,
    /// When the value was seen; `None` where nobody knows: it was there before anybody looked.
    pub seen: Option<f64>,
    /// The recent numbers.
    pub series: Series,
    /// The stamp of a value that contradicts what is known of the clocks.
    doubt: Option<Doubt>,
}

/// A stamp that waits for a comparison of the clocks.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Doubt {
    at: u64,
    arrived: f64,
    is_ahead: bool,
}

impl Metric {
    /// A metric of which nothing is known yet.
    pub(super) fn new() -> Self {
        Self {
            value: Value::Flag(false),
            unit: None,
            seen: None,
            series: Series::default(),
            doubt: None,
        }
    }

    /// Takes the next reading. A value whose age nobody knows is not charted, nor is one stamped in the future.
    pub(super) fn take(&mut self, reading: SensorReading, seen: Seen, room: usize) {
        let unit = reading.unit.filter(|unit| !unit.is_empty());
        let is_same = self.value == reading.value && self.unit == unit;
        if reading.retained && is_same && self.seen.is_some() {
            // The broker gave it again.
            return;
        }
        (self.value, self.unit) = (reading.value, unit);
        if reading.retained {
            (self.seen, self.doubt) = (None, None);
            return;
        }
        // The numbers are in order: a later one was not seen earlier, unless the former stamp was worth nothing.
        let was_ahead = self.doubt.is_some_and(|doubt| doubt.is_ahead);
        let floor = self.seen.filter(|_| !was_ahead);
        self.seen = Some(floor.map_or(seen.at, |floor| seen.at.max(floor)));
        self.doubt = seen.doubt.map(|arrived| Doubt {
            at: reading.at,
            arrived,
            is_ahead: seen.is_ahead,
        });
        if !seen.is_ahead {
            self.chart(room);
        }
    }

    /// The clocks were compared: a value that was in doubt has its right place now. Gives whether it is another one.
    pub(super) fn settle(&mut self, clock: &Clock, compared: Compared, room: usize) -> bool {
        let Some(doubt) = self.doubt.take() else {
            return false;
        };
        if !compared.has_moved {
            if doubt.is_ahead {
                self.seen = None;
            }
            return doubt.is_ahead;
        }
        let seen = clock.seen_by(doubt.at, doubt.arrived + compared.slept);
        let floor = self.seen.filter(|_| !doubt.is_ahead);
        self.seen = Some(floor.map_or(seen.at, |floor| seen.at.max(floor)));
        if doubt.is_ahead {
            self.chart(room);
        }
        true
    }

    /// Whether the last value is older than the metric's cadence explains, or of unknown age.
    pub fn is_stale(&self, now: f64) -> bool {
        self.seen
            .is_none_or(|seen| is_stale(now - seen, self.series.interval()))
    }

    /// Whether values came again and again, and have not come for long. Two in a row say nothing: a door opens and closes.
    fn is_silent(&self, now: f64) -> bool {
        let usual = self.series.interval().unwrap_or_default();
        let limit = (SILENT_INTERVALS * usual).max(SILENT_MS);
        self.series.buckets().count() >= REGULAR && self.seen.is_some_and(|seen| now - seen > limit)
    }

    fn chart(&mut self, room: usize) {
        if let (Value::Number(number), Some(seen)) = (&self.value, self.seen) {
            self.series.push(seen, *number, room);
        }
    }
}

/// Payloads of one topic that did not decode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why the last one did not.
    pub reason: String,
    /// How many since the server started.
    pub count: u64,
}

/// A target that a device obeys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// What the device says that it is set to; `None` when it never said.
    pub value: Option<Value>,
    /// The last command, while it is worth showing.
    pub command: Option<Command>,
    /// Whether it was set to a number other than 0 and 1 once: 0 is no switch then.
    pub is_level: bool,
}

impl Target {
    /// Whether a switch fits it, and how it stands.
    pub fn switch(&self) -> Option<bool> {
        let value = self.value.as_ref().filter(|_| !self.is_level);
        value.and_then(is_on)
    }

    /// Lets time pass for the command. Gives whether anything changed.
    pub(super) fn tick(&mut self, now: f64) -> bool {
        let Some(command) = &mut self.command else {
            return false;
        };
        let before = command.progress.clone();
        let is_shown = command.tick(now);
        let changed = !is_shown || command.progress != before;
        if !is_shown {
            self.command = None;
        }
        changed
    }
}

/// One device.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Device {
    /// Whether it is connected to the broker, where it says so.
    pub online: Option<bool>,
    /// Its metrics by name.
    pub metrics: Table<Metric>,
    /// Its faults by topic.
    pub faults: Table<Fault>,
    /// Its targets by name.
    pub targets: Table<Target>,
    /// What is not shown because there is too much of it.
    pub hidden: Hidden,
    /// Whether it changed since it was last drawn.
    pub(super) changed: bool,
}

impl Device {
    /// The metrics that can be charted, with their units.
    pub fn candidates(&self) -> Vec<(&str, Option<&str>)> {
        self.metrics
            .iter()
            .filter(|(_, metric)| !metric.series.is_empty())
            .map(|(name, metric)| (name, metric.unit.as_deref()))
            .collect()
    }

    /// Whether somebody should look at it: it is offline, sends what nobody understands, or fell silent.
    pub fn has_problem(&self, now: f64) -> bool {
        let is_silent = || self.metrics.iter().all(|(_, metric)| metric.is_silent(now));
        self.online == Some(false)
            || !self.faults.is_empty()
            || (!self.metrics.is_empty() && is_silent())
    }

    /// Whether nothing is known of it.
    pub(super) fn is_empty(&self) -> bool {
        self.online.is_none()
            && self.metrics.is_empty()
            && self.faults.is_empty()
            && self.targets.is_empty()
    }

    pub(super) fn has_room<T>(&self, of: impl Fn(&Self) -> &Table<T>, name: &str) -> bool {
        let known = of(self);
        known.len() < MAX_PER_DEVICE || known.contains(name)
    }
}

/// Names that are not shown, told apart up to [`MAX_HIDDEN`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hidden {
    /// In order.
    hashes: Vec<u64>,
}

impl Hidden {
    /// How many, at most [`MAX_HIDDEN`].
    pub fn count(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn add(&mut self, name: &str) {
        if self.hashes.len() < MAX_HIDDEN {
            let hash = hash(name);
            if let Err(at) = self.hashes.binary_search(&hash) {
                self.hashes.insert(at, hash);
            }
        }
    }
}

/// FNV-1a: enough to tell names apart in a count.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
