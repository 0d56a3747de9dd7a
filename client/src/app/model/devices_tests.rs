//! What the devices of the dashboard promise.

use super::{Devices, MAX_DEVICES, MAX_PER_DEVICE};
use crate::app::model::command::Progress;
use tertulia_shared::{
    Topic,
    device::{DeviceState, DeviceStatus},
    sensor::{SensorFault, SensorReading, Value},
};

fn reading(device: &str, metric: &str, value: f64, at: u64) -> SensorReading {
    SensorReading {
        topic: Topic::new(format!("sensors/{device}/{metric}")).unwrap(),
        device: device.to_owned(),
        metric: metric.to_owned(),
        value: Value::Number(value),
        unit: None,
        retained: false,
        at,
        seq: at,
    }
}

fn fault(device: &str, topic: &str, count: u64) -> SensorFault {
    SensorFault {
        topic: Topic::new(topic).unwrap(),
        device: device.to_owned(),
        reason: "not a number".to_owned(),
        count,
        at: 1,
        seq: count,
    }
}

fn state(value: &str) -> DeviceState {
    DeviceState {
        device: "lamp".to_owned(),
        target: "power".to_owned(),
        value: Value::Text(value.to_owned()),
        at: 1,
        seq: 1,
    }
}

#[test]
fn a_device_appears_by_itself() {
    let mut devices = Devices::default();
    devices.reading(reading("kitchen", "temperature", 21.5, 1_000));
    assert_eq!(devices.names(), ["kitchen"]);
    let kitchen = devices.get("kitchen").unwrap();
    assert_eq!(kitchen.online, None);
    assert_eq!(
        kitchen.metrics.get("temperature").unwrap().value,
        Value::Number(21.5)
    );
    assert_eq!(kitchen.candidates(), [("temperature", None)]);
    assert_eq!(devices.take_changed().len(), 1);
    assert!(devices.take_changed().is_empty());
}

#[test]
fn a_retained_value_again_changes_nothing_older() {
    let mut devices = Devices::default();
    devices.reading(reading("kitchen", "temperature", 22.0, 2_000));
    devices.reading(reading("kitchen", "temperature", 21.0, 1_000));
    let metric = &devices
        .get("kitchen")
        .unwrap()
        .metrics
        .get("temperature")
        .unwrap();
    assert_eq!(metric.value, Value::Number(22.0));
    assert_eq!(metric.series.buckets().count(), 1);
}

#[test]
fn a_flood_is_bounded_and_counted() {
    let mut devices = Devices::default();
    for index in 0..MAX_DEVICES + 5 {
        devices.reading(reading(&format!("d{index:03}"), "x", 1.0, 1));
        devices.reading(reading(&format!("d{index:03}"), "x", 1.0, 2));
    }
    assert_eq!(devices.names().len(), MAX_DEVICES);
    assert_eq!(devices.hidden(), 5);
    for index in 0..MAX_PER_DEVICE + 7 {
        devices.reading(reading("d000", &format!("m{index}"), 1.0, 3));
        devices.fault(fault("d000", &format!("sensors/d000/f{index}"), 1));
    }
    let device = devices.get("d000").unwrap();
    assert_eq!(device.metrics.len(), MAX_PER_DEVICE);
    assert_eq!(device.faults.len(), MAX_PER_DEVICE);
    assert_eq!(device.hidden.count(), 8 + 7);
}

#[test]
fn a_fault_shows_its_last_reason_and_count() {
    let mut devices = Devices::default();
    devices.fault(fault("kitchen", "sensors/kitchen/temperature", 1));
    devices.fault(fault("kitchen", "sensors/kitchen/temperature", 2));
    let faults = &devices.get("kitchen").unwrap().faults;
    assert_eq!(faults.get("sensors/kitchen/temperature").unwrap().count, 2);
}

#[test]
fn online_devices_are_counted() {
    let mut devices = Devices::default();
    for (device, online) in [("a", true), ("b", false), ("c", true)] {
        devices.status(&DeviceStatus {
            device: device.to_owned(),
            online,
            at: 1,
            seq: 1,
        });
    }
    assert_eq!(devices.count(), (3, 2));
}

#[test]
fn a_switch_follows_the_echo() {
    let mut devices = Devices::default();
    devices.state(state("off"), 0.0);
    let on = Value::Text("on".to_owned());
    devices.command("lamp", "power", on.clone(), 0.0);
    devices.answered(("lamp", "power"), &on, Ok(()), 10.0);
    let progress = |devices: &Devices| {
        let target = devices
            .get("lamp")
            .unwrap()
            .targets
            .get("power")
            .unwrap()
            .clone();
        (
            target.switch(),
            target.command.map(|command| command.progress),
        )
    };
    assert_eq!(progress(&devices), (Some(false), Some(Progress::Accepted)));
    devices.state(state("on"), 20.0);
    assert_eq!(progress(&devices), (Some(true), Some(Progress::Done)));
    devices.take_changed();
    devices.tick(9_000.0);
    assert_eq!(progress(&devices), (Some(true), None));
    assert_eq!(devices.take_changed().len(), 1);
}

#[test]
fn a_target_that_never_echoed_is_known_by_its_command() {
    let mut devices = Devices::default();
    devices.reading(reading("lamp", "power", 1.0, 1));
    let on = Value::Text("on".to_owned());
    devices.command("lamp", "blink", on.clone(), 0.0);
    devices.answered(("lamp", "blink"), &on, Ok(()), 1.0);
    devices.tick(6_000.0);
    let target = &devices.get("lamp").unwrap().targets.get("blink").unwrap();
    assert_eq!(target.value, None);
    let command = target.command.as_ref().unwrap();
    assert_eq!(command.progress, Progress::TimedOut);
    devices.tick(60_000.0);
    assert!(devices.get("lamp").unwrap().targets.is_empty());
}

#[test]
fn a_level_at_zero_is_no_switch() {
    let switch = |values: &[f64]| {
        let mut devices = Devices::default();
        for value in values {
            let value = Value::Number(*value);
            devices.state(DeviceState { value, ..state("") }, 0.0);
        }
        let lamp = devices.get("lamp").unwrap();
        lamp.targets.get("power").unwrap().switch()
    };
    assert_eq!(switch(&[0.0]), Some(false));
    assert_eq!(switch(&[0.0, 1.0]), Some(true));
    assert_eq!(switch(&[0.0, 40.0]), None);
    assert_eq!(switch(&[40.0, 0.0]), None);
}
