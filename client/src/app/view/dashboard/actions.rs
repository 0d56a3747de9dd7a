//! What the reader asks of the devices: to see them, and to do something.

use crate::app::{
    model::failure::Failure,
    view::{refresh, session::ask, state::App},
};
use leptos::prelude::*;
use tertulia_shared::{
    device::DeviceCommand,
    room::{DEVICES, SENSORS},
    sensor::Value,
};

/// How many of the newest readings of each metric come first: ten minutes of one that comes each second. The server gives
/// fewer of each where there are many.
const HISTORY: u32 = 600;

/// Joins what the dashboard shows, once the clocks are compared: history has its place in time then.
pub(crate) fn start(app: App) {
    let has_started = app.dash.has_started;
    if has_started.try_update_value(|it| std::mem::replace(it, true)) != Some(false) {
        return;
    }
    // What is retained says it all of devices' states; of what they measured the charts show the past.
    for (prefix, history) in [(DEVICES, 0), (SENSORS, HISTORY)] {
        app.link.want(&[prefix, "/#"].concat(), history);
    }
}

/// What became of joining it.
pub(crate) fn joined(app: App, joined: Result<(), Failure>) {
    match joined.err() {
        // It is joined again by itself.
        Some(Failure::LinkLost | Failure::NoAnswer) => {}
        failure => app.dash.view.update(|view| view.failure = failure),
    }
}

/// Tells `device` to set `target` to `value`, and follows what becomes of it.
pub(crate) fn command(app: App, device: &str, target: &str, value: Value) {
    let now = app.dash.now();
    let devices = app.dash.devices;
    devices.update_value(|devices| devices.command(device, target, value.clone(), now));
    refresh::soon(app);
    let command = DeviceCommand {
        device: device.to_owned(),
        target: target.to_owned(),
        value,
    };
    ask(app, &command.clone(), move |answer| {
        let (place, now) = ((&*command.device, &*command.target), app.dash.now());
        let answer = answer.map(|_| ());
        devices.update_value(|devices| devices.answered(place, &command.value, answer, now));
        refresh::soon(app);
    });
}
