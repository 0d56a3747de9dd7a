//! What devices say: readings, faults, status and the echo of commands, published to the hub.

use super::{App, MQTT};
use crate::hub::{PublishError, Stamp};
use tertulia_shared::{
    Topic,
    device::{DeviceCleared, DeviceState, DeviceStatus},
    sensor::{SensorCleared, SensorFault, SensorReading, Value},
};

/// A reading without its stamp.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// The topic, `sensors/<device>/<metric>`.
    pub topic: Topic,
    /// The device, one level.
    pub device: String,
    /// The metric, one level or more.
    pub metric: String,
    /// The value.
    pub value: Value,
    /// The unit, where the device named one.
    pub unit: Option<String>,
    /// Whether the broker had kept it before the server subscribed.
    pub retained: bool,
}

/// Publishes a reading; it stays for those who come later.
///
/// # Errors
/// When the hub does not take it.
pub fn reading(app: &App, reading: Reading) -> Result<Stamp, PublishError> {
    let topic = reading.topic.clone();
    app.hub.publish(&topic, MQTT, true, |stamp| SensorReading {
        topic: reading.topic,
        device: reading.device,
        metric: reading.metric,
        value: reading.value,
        unit: reading.unit,
        retained: reading.retained,
        at: stamp.at,
        seq: stamp.seq,
    })
}

/// Publishes that the retained value of a metric was deleted, where there was one: who comes later does not get it.
///
/// # Errors
/// When the event does not encode.
pub fn clear(
    app: &App,
    topic: &Topic,
    device: String,
    metric: String,
) -> Result<Option<Stamp>, PublishError> {
    app.hub.clear(topic, MQTT, |stamp| SensorCleared {
        topic: topic.clone(),
        device,
        metric,
        at: stamp.at,
        seq: stamp.seq,
    })
}

/// Publishes that the retained state of a target, or the status of a device, was deleted, where there was one.
///
/// # Errors
/// When the event does not encode.
pub fn clear_device(
    app: &App,
    topic: &Topic,
    device: String,
    target: Option<String>,
) -> Result<Option<Stamp>, PublishError> {
    app.hub.clear(topic, MQTT, |stamp| DeviceCleared {
        device,
        target,
        at: stamp.at,
        seq: stamp.seq,
    })
}

/// Publishes that a payload of a device did not decode, for the `count`th time on this topic.
///
/// # Errors
/// When the hub does not take it.
pub fn fault(
    app: &App,
    topic: &Topic,
    device: String,
    reason: String,
    count: u64,
) -> Result<Stamp, PublishError> {
    app.hub.publish(topic, MQTT, true, |stamp| SensorFault {
        topic: topic.clone(),
        device,
        reason,
        count,
        at: stamp.at,
        seq: stamp.seq,
    })
}

/// Publishes that a device went online or offline; it stays for those who come later.
///
/// # Errors
/// When the hub does not take it.
pub fn status(
    app: &App,
    topic: &Topic,
    device: String,
    online: bool,
) -> Result<Stamp, PublishError> {
    app.hub.publish(topic, MQTT, true, |stamp| DeviceStatus {
        device,
        online,
        at: stamp.at,
        seq: stamp.seq,
    })
}

/// Publishes what a device says that a target is set to; it stays for those who come later.
///
/// # Errors
/// When the hub does not take it.
pub fn state(
    app: &App,
    topic: &Topic,
    device: String,
    target: String,
    value: Value,
) -> Result<Stamp, PublishError> {
    app.hub.publish(topic, MQTT, true, |stamp| DeviceState {
        device,
        target,
        value,
        at: stamp.at,
        seq: stamp.seq,
    })
}
