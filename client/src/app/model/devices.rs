//! The devices of the dashboard, fed with what the server tells of them, in the order of its numbers.
//!
//! Bounded: what does not fit is counted and told. Not here: one device (`device`), which of them are shown (`roster`), and
//! sending commands.

use super::{
    clock::{Clock, Compared, Seen},
    command::{Command, is_on},
    device::{Device, Fault, Hidden, Metric, Target},
    failure::Failure,
    series::MAX_BUCKETS,
    table::Table,
};
use tertulia_shared::{
    device::{DeviceCleared, DeviceState, DeviceStatus},
    sensor::{SensorCleared, SensorFault, SensorReading, Value},
};

/// The most devices.
pub const MAX_DEVICES: usize = 2_000;
/// The buckets of all charts together, about: 12 MB. The more metrics there are, the wider are the buckets.
const MAX_BUCKETS_IN_ALL: usize = 360_000;
/// The fewest buckets of one metric.
const MIN_BUCKETS: usize = 30;

/// All devices by name, and which changed since they were last drawn.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    devices: Table<Device>,
    /// The metrics of all devices.
    metrics: usize,
    hidden: Hidden,
    skipped: u64,
}

impl Devices {
    /// All devices, in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Device)> {
        self.devices.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.devices.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty()
    }

    /// The device of that name.
    pub fn get(&self, name: &str) -> Option<&Device> {
        self.devices.get(name)
    }

    /// How many devices are not there because there are too many, at most [`MAX_HIDDEN`](super::device::MAX_HIDDEN).
    pub fn hidden(&self) -> usize {
        self.hidden.count()
    }

    /// How many events of devices did not reach this page because it was too slow.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The devices that changed since the last call.
    pub fn take_changed(&mut self) -> Vec<String> {
        self.devices
            .iter_mut()
            .filter_map(|(name, device)| std::mem::take(&mut device.changed).then_some(name))
            .map(str::to_owned)
            .collect()
    }

    /// A device measured something, which was seen then.
    pub fn reading(&mut self, reading: SensorReading, seen: Seen) {
        if matches!(reading.value, Value::Number(number) if !number.is_finite()) {
            return self.unusable(reading);
        }
        let room = self.room();
        let Some(device) = self.change(&reading.device) else {
            return;
        };
        if !device.has_room(|device| &device.metrics, &reading.metric) {
            return device.hidden.add(&reading.metric);
        }
        let is_new = !device.metrics.contains(&reading.metric);
        let metric = device.metrics.get_or_insert(&reading.metric, Metric::new);
        metric.take(reading, seen, room);
        self.metrics += usize::from(is_new);
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

    /// A retained value was deleted, and with it what was wrong about its topic.
    pub fn cleared(&mut self, cleared: &SensorCleared) {
        let Some(device) = self.devices.get_mut(&cleared.device) else {
            return;
        };
        let before = device.metrics.len();
        device.metrics.retain(|name, _| name != cleared.metric);
        self.metrics -= before - device.metrics.len();
        let topic = cleared.topic.as_str();
        device.faults.retain(|name, _| name != topic);
        self.lost_something(&cleared.device);
    }

    /// A device went online or offline.
    pub fn status(&mut self, status: &DeviceStatus) {
        if let Some(device) = self.change(&status.device) {
            device.online = Some(status.online);
        }
    }

    /// A device said what a target is set to; it is `now` on the page's time line.
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

    /// The retained status or state of a device was deleted.
    pub fn device_cleared(&mut self, cleared: &DeviceCleared) {
        let Some(device) = self.devices.get_mut(&cleared.device) else {
            return;
        };
        match &cleared.target {
            None => device.online = None,
            Some(cleared) => device.targets.retain(|name, target| {
                let is_it = name == cleared;
                if is_it {
                    target.value = None;
                }
                !is_it || target.command.is_some()
            }),
        }
        self.lost_something(&cleared.device);
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

    /// The clocks were compared: values that were in doubt get their right places.
    pub fn settle(&mut self, clock: &Clock, compared: Compared) {
        let room = self.room();
        for (_, device) in self.devices.iter_mut() {
            for (_, metric) in device.metrics.iter_mut() {
                device.changed |= metric.settle(clock, compared, room);
            }
        }
    }

    /// So many events did not reach this page.
    pub fn missed(&mut self, count: u64) {
        self.skipped += count;
    }

    /// How many buckets a metric may keep.
    fn room(&self) -> usize {
        (MAX_BUCKETS_IN_ALL / self.metrics.max(1)).clamp(MIN_BUCKETS, MAX_BUCKETS)
    }

    /// A device of which nothing is known any more is none.
    fn lost_something(&mut self, name: &str) {
        if let Some(device) = self.devices.get_mut(name) {
            device.changed = true;
        }
        self.devices
            .retain(|known, device| known != name || !device.is_empty());
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

#[cfg(test)]
#[path = "devices_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "devices_clock_tests.rs"]
mod clock_tests;
