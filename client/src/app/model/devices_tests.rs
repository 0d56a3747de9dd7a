//! What the devices of the dashboard promise.

use super::{Devices, MAX_DEVICES};
use crate::app::model::{
    clock::Seen,
    command::Progress,
    device::{MAX_PER_DEVICE, Metric},
};
use tertulia_shared::{
    Topic,
    device::{DeviceCleared, DeviceState, DeviceStatus},
    sensor::{SensorCleared, SensorFault, SensorReading, Value},
};

fn topic(device: &str, metric: &str) -> Topic {
    Topic::new(format!("sensors/{device}/{metric}")).unwrap()
}

pub(super) fn reading(device: &str, metric: &str, value: f64, at: u64) -> SensorReading {
    SensorReading {
        topic: topic(device, metric),
        device: device.to_owned(),
        metric: metric.to_owned(),
        value: Value::Number(value),
        unit: None,
        retained: false,
        at,
        seq: at,
    }
}

fn seen(at: f64) -> Seen {
    Seen {
        at,
        is_ahead: false,
        doubt: None,
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

fn status(device: &str, online: bool) -> DeviceStatus {
    DeviceStatus {
        device: device.to_owned(),
        online,
        at: 1,
        seq: 1,
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

fn cleared(device: &str, metric: &str) -> SensorCleared {
    SensorCleared {
        topic: topic(device, metric),
        device: device.to_owned(),
        metric: metric.to_owned(),
        at: 9,
        seq: 9,
    }
}

fn device_cleared(device: &str, target: Option<&str>) -> DeviceCleared {
    DeviceCleared {
        device: device.to_owned(),
        target: target.map(str::to_owned),
        at: 9,
        seq: 9,
    }
}

pub(super) fn metric<'a>(devices: &'a Devices, device: &str, name: &str) -> &'a Metric {
    devices.get(device).unwrap().metrics.get(name).unwrap()
}

#[test]
fn a_device_appears_by_itself() {
    let mut devices = Devices::default();
    devices.reading(
        reading("kitchen", "temperature", 21.5, 1_000),
        seen(1_000.0),
    );
    assert_eq!(devices.len(), 1);
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
fn a_retained_value_is_of_unknown_age_until_the_device_speaks() {
    let mut devices = Devices::default();
    let retained = |value, at| SensorReading {
        retained: true,
        ..reading("kitchen", "t", value, at)
    };
    devices.reading(retained(21.0, 1), seen(1.0));
    assert_eq!(metric(&devices, "kitchen", "t").seen, None);
    assert!(metric(&devices, "kitchen", "t").series.is_empty());
    assert!(metric(&devices, "kitchen", "t").is_stale(1.0));
    devices.reading(reading("kitchen", "t", 21.0, 2), seen(2.0));
    assert_eq!(metric(&devices, "kitchen", "t").seen, Some(2.0));
    devices.reading(retained(21.0, 3), seen(3.0));
    assert_eq!(metric(&devices, "kitchen", "t").seen, Some(2.0));
    devices.reading(retained(22.0, 4), seen(4.0));
    assert_eq!(metric(&devices, "kitchen", "t").seen, None);
    assert_eq!(metric(&devices, "kitchen", "t").value, Value::Number(22.0));
}

#[test]
fn what_was_cleared_is_gone_and_a_device_without_anything_too() {
    let mut devices = Devices::default();
    devices.reading(reading("lamp", "t", 21.0, 1), seen(1.0));
    devices.fault(fault("lamp", "sensors/lamp/t", 1));
    devices.status(&status("lamp", false));
    devices.state(state("on"), 0.0);
    devices.take_changed();
    devices.cleared(&cleared("lamp", "t"));
    let lamp = devices.get("lamp").unwrap();
    assert!(lamp.metrics.is_empty() && lamp.faults.is_empty());
    assert_eq!(devices.take_changed(), ["lamp"]);
    devices.device_cleared(&device_cleared("lamp", Some("power")));
    assert!(devices.get("lamp").unwrap().targets.is_empty());
    devices.device_cleared(&device_cleared("lamp", None));
    assert!(devices.get("lamp").is_none());
    devices.cleared(&cleared("nobody", "t"));
    devices.device_cleared(&device_cleared("nobody", None));
    assert_eq!((devices.len(), devices.metrics), (0, 0));
}

#[test]
fn a_flood_is_bounded_and_counted() {
    let mut devices = Devices::default();
    for index in 0..MAX_DEVICES + 5 {
        devices.reading(reading(&format!("d{index:04}"), "x", 1.0, 1), seen(1.0));
        devices.reading(reading(&format!("d{index:04}"), "x", 1.0, 2), seen(2.0));
    }
    assert_eq!(devices.len(), MAX_DEVICES);
    assert_eq!(devices.hidden(), 5);
    for index in 0..MAX_PER_DEVICE + 7 {
        devices.reading(reading("d0000", &format!("m{index}"), 1.0, 3), seen(3.0));
        devices.fault(fault("d0000", &format!("sensors/d0000/f{index}"), 1));
    }
    let device = devices.get("d0000").unwrap();
    assert_eq!(device.metrics.len(), MAX_PER_DEVICE);
    assert_eq!(device.faults.len(), MAX_PER_DEVICE);
    assert_eq!(device.hidden.count(), 8 + 7);
}

/// Breaks when: each metric may keep as much as if it were the only one.
#[test]
fn all_charts_together_are_bounded() {
    let mut devices = Devices::default();
    let count = 1_000;
    for round in 0..400 {
        for index in 0..count {
            let at = f64::from(round) * 1_000.0;
            devices.reading(reading(&format!("d{index}"), "x", 1.0, 1), seen(at));
        }
    }
    let buckets = |(_, device): (&str, &crate::app::model::device::Device)| {
        let metrics = device.metrics.iter();
        metrics
            .map(|(_, metric)| metric.series.buckets().count())
            .sum::<usize>()
    };
    let all: usize = devices.iter().map(buckets).sum();
    assert!(all <= super::MAX_BUCKETS_IN_ALL, "{all}");
    assert!(all >= 100 * count, "{all}");
}

#[test]
fn a_number_that_is_none_is_told_and_not_charted() {
    let mut devices = Devices::default();
    devices.reading(reading("kitchen", "t", 21.0, 1), seen(1.0));
    for value in [f64::NAN, f64::INFINITY] {
        devices.reading(reading("kitchen", "t", value, 2), seen(2.0));
    }
    assert_eq!(metric(&devices, "kitchen", "t").value, Value::Number(21.0));
    let faults = &devices.get("kitchen").unwrap().faults;
    assert_eq!(faults.get("sensors/kitchen/t").unwrap().count, 2);
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
fn a_device_that_fell_silent_has_a_problem() {
    let mut devices = Devices::default();
    let mut measured = |device, times: &[f64]| {
        for at in times {
            devices.reading(reading(device, "t", 1.0, 1), seen(*at));
        }
    };
    let each_second: Vec<f64> = (0..10).map(|second| f64::from(second) * 1_000.0).collect();
    let each_hour: Vec<f64> = (0..10).map(|hour| f64::from(hour) * 3_600_000.0).collect();
    measured("often", &each_second);
    measured("rarely", &each_hour);
    measured("once", &[0.0]);
    measured("door", &[0.0, 2_000.0]);
    let has_problem = |name, now| devices.get(name).unwrap().has_problem(now);
    assert!(!has_problem("often", 60_000.0));
    assert!(has_problem("often", 400_000.0));
    assert!(!has_problem("rarely", 14.0 * 3_600_000.0));
    assert!(has_problem("rarely", 20.0 * 3_600_000.0));
    for name in ["once", "door"] {
        assert!(!has_problem(name, 1e9), "nobody knows how often it speaks");
    }
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
    devices.reading(reading("lamp", "power", 1.0, 1), seen(1.0));
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
