//! The devices of the dashboard: what they measured, what went wrong, and what they are set to.
//!
//! Bounded: what does not fit is counted and told. Not here: drawing, and sending commands.

use super::{
    command::{Command, is_on},
    failure::Failure,
    series::{MAX_BUCKETS, Series},
    table::Table,
};
use tertulia_shared::{
    device::{DeviceState, DeviceStatus},
    sensor::{SensorFault, SensorReading, Value},
};

/// The most devices shown.
pub const MAX_DEVICES: usize = 48;
/// The most metrics, targets and faulty topics of one device, each.
pub const MAX_PER_DEVICE: usize = 24;
/// The most names that are told apart among what is not shown.
pub const MAX_HIDDEN: usize = 999;

/// What a device measured last, and before.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    /// The last value.
    pub value: Value,
    /// The unit as the device named it.
    pub unit: Option<String>,
    /// When the server received it, in milliseconds since 1970.
    pub at: u64,
    /// The recent numbers.
    pub series: Series,
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
    fn tick(&mut self, now: f64) -> bool {
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
    changed: bool,
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

    fn add(&mut self, name: &str) {
        if self.hashes.len() < MAX_HIDDEN {
            let hash = hash(name);
            if let Err(at) = self.hashes.binary_search(&hash) {
                self.hashes.insert(at, hash);
            }
        }
    }
}

/// All devices by name, and which changed since they were last drawn.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    devices: Table<Device>,
    hidden: Hidden,
    skipped: u64,
}

impl Devices {
    /// The names, in order.
    pub fn names(&self) -> Vec<String> {
        self.devices.names()
    }

    /// The device of that name.
    pub fn get(&self, name: &str) -> Option<&Device> {
        self.devices.get(name)
    }

    /// How many devices are not shown because there are too many, at most [`MAX_HIDDEN`].
    pub fn hidden(&self) -> usize {
        self.hidden.count()
    }

    /// How many events of devices did not reach this page because it was too slow.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// How many devices are shown, and how many of them say that they are online.
    pub fn count(&self) -> (usize, usize) {
        let online = |(_, device): &(&str, &Device)| device.online == Some(true);
        let count = self.devices.iter().filter(online).count();
        (self.devices.len(), count)
    }

    /// The devices that changed since the last call.
    pub fn take_changed(&mut self) -> Vec<String> {
        self.devices
            .iter_mut()
            .filter_map(|(name, device)| std::mem::take(&mut device.changed).then_some(name))
            .map(str::to_owned)
            .collect()
    }

    /// A device measured something.
    pub fn reading(&mut self, reading: SensorReading) {
        if matches!(reading.value, Value::Number(number) if !number.is_finite()) {
            return self.unusable(reading);
        }
        let Some(device) = self.change(&reading.device) else {
            return;
        };
        if !device.has_room(|device| &device.metrics, &reading.metric) {
            return device.hidden.add(&reading.metric);
        }
        let metric = device.metrics.get_or_insert(&reading.metric, || Metric {
            value: Value::Flag(false),
            unit: None,
            at: 0,
            series: Series::default(),
        });
        if reading.at < metric.at {
            return;
        }
        if let Value::Number(number) = reading.value {
            metric.series.push(reading.at as f64, number, MAX_BUCKETS);
        }
        metric.value = reading.value;
        metric.unit = reading.unit.filter(|unit| !unit.is_empty());
        metric.at = reading.at;
    }

    /// A number that is NaN or infinite. JSON has no such numbers, so only another kind of server could send one.
    fn unusable(&mut self, reading: SensorReading) {
        let known = self.get(&reading.device);
        let fault = known.and_then(|device| device.faults.get(reading.topic.as_str()));
        self.fault(SensorFault {
            reason: format!("not a finite number: {}", reading.metric),
            count: fault.map_or(0, |fault| fault.count) + 1,
            topic: reading.topic,
            device: reading.device,
            at: reading.at,
            seq: reading.seq,
        });
    }

    /// A device sent something that does not decode.
    pub fn fault(&mut self, fault: SensorFault) {
        let topic = String::from(fault.topic);
        let Some(device) = self.change(&fault.device) else {
            return;
        };
        if !device.has_room(|device| &device.faults, &topic) {
            return device.hidden.add(&topic);
        }
        let (reason, count) = (fault.reason, fault.count);
        device.faults.insert(topic, Fault { reason, count });
    }

    /// A device went online or offline.
    pub fn status(&mut self, status: &DeviceStatus) {
        if let Some(device) = self.change(&status.device) {
            device.online = Some(status.online);
        }
    }

    /// A device said what a target is set to; it is `now` by the browser's clock.
    pub fn state(&mut self, state: DeviceState, now: f64) {
        let Some(device) = self.change(&state.device) else {
            return;
        };
        if !device.has_room(|device| &device.targets, &state.target) {
            return device.hidden.add(&state.target);
        }
        let target = device.targets.get_or_insert(&state.target, Target::default);
        if let Some(command) = &mut target.command {
            command.echoed(&state.value, now);
        }
        target.is_level |= matches!(state.value, Value::Number(_)) && is_on(&state.value).is_none();
        target.value = Some(state.value);
    }

    /// A command is sent.
    pub fn command(&mut self, device: &str, target: &str, value: Value, now: f64) {
        let Some(device) = self.change(device) else {
            return;
        };
        if device.has_room(|device| &device.targets, target) {
            let target = device.targets.get_or_insert(target, Target::default);
            target.command = Some(Command::new(value, now));
        }
    }

    /// The server answered the command for `target` that asked for `value`.
    pub fn answered(
        &mut self,
        (device, target): (&str, &str),
        value: &Value,
        answer: Result<(), Failure>,
        now: f64,
    ) {
        let target = self
            .change(device)
            .and_then(|device| device.targets.get_mut(target));
        if let Some(command) = target.and_then(|target| target.command.as_mut())
            && command.value == *value
        {
            command.answered(answer, now);
        }
    }

    /// Lets time pass for the commands under way.
    pub fn tick(&mut self, now: f64) {
        for (_, device) in self.devices.iter_mut() {
            let mut changed = false;
            device.targets.retain(|_, target| {
                changed |= target.tick(now);
                target.value.is_some() || target.command.is_some()
            });
            device.changed |= changed;
        }
    }

    /// So many events did not reach this page.
    pub fn missed(&mut self, count: u64) {
        self.skipped += count;
    }

    /// The device of that name, made when it is new; `None` when there are too many.
    fn change(&mut self, name: &str) -> Option<&mut Device> {
        if self.devices.len() == MAX_DEVICES && !self.devices.contains(name) {
            self.hidden.add(name);
            return None;
        }
        let device = self.devices.get_or_insert(name, Device::default);
        device.changed = true;
        Some(device)
    }
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

    fn has_room<T>(&self, of: impl Fn(&Self) -> &Table<T>, name: &str) -> bool {
        let known = of(self);
        known.len() < MAX_PER_DEVICE || known.contains(name)
    }
}

/// FNV-1a: enough to tell names apart in a count.
fn hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
#[path = "devices_tests.rs"]
mod tests;
