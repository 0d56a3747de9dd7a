//! Commands to devices and what devices say of themselves.
//!
//! The topics: `devices/<device>/set/<target>` (commands), `devices/<device>/state/<target>` (the device's echo,
//! retained) and `devices/<device>/status` (`online` or `offline`, retained, the device's last will).

use crate::{Topic, events, sensor::Value};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Tells a device to set a target to a value; accepted when the broker has it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCommand {
    /// The device, one topic level.
    pub device: String,
    /// What to set, one topic level.
    pub target: String,
    /// The value to set, sent as bare text.
    pub value: Value,
}

/// The broker accepted the command.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Commanded {
    /// The topic to which it was published.
    pub topic: Topic,
}

/// A device went online or offline.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceStatus {
    /// The device, one topic level.
    pub device: String,
    /// Whether it is connected to the broker.
    pub online: bool,
    /// When the server learned it, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// The place of this event in its topic, from 1.
    pub seq: u64,
}

/// A device says what a target is set to now.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceState {
    /// The device, one topic level.
    pub device: String,
    /// The target, one topic level.
    pub target: String,
    /// The value that the device has set.
    pub value: Value,
    /// When the server learned it, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// The place of this event in its topic, from 1.
    pub seq: u64,
}

/// The retained status or state of a device was deleted (an empty payload): nothing is known of it any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceCleared {
    /// The device, one topic level.
    pub device: String,
    /// The target whose state was deleted, one topic level; absent where it was the device's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// When the server learned it, in milliseconds since 1970-01-01 UTC.
    pub at: u64,
    /// The place of this event in its topic, from 1.
    pub seq: u64,
}

events! {
    /// The events of devices.
    pub DEVICE;
    client emits {
        "device:command": DeviceCommand => Commanded;
    }
    server emits {
        "device:status": DeviceStatus;
        "device:state": DeviceState;
        "device:cleared": DeviceCleared;
    }
}
