//! What the reader asks of the devices: to see them, and to do something.

use crate::app::{
    browser,
    model::failure::Failure,
    view::{refresh, session::ask, state::App},
};
use leptos::prelude::*;
use tertulia_shared::{
    device::DeviceCommand,
    room::{DEVICES, SENSORS},
    sensor::Value,
};

/// Wants what the dashboard shows.
pub(crate) fn start(app: App) {
    for prefix in [DEVICES, SENSORS] {
        app.link.want(&[prefix, "/#"].concat(), 0);
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
    let now = browser::now();
    let devices = app.dash.devices;
    devices.update_value(|devices| devices.command(device, target, value.clone(), now));
    refresh::soon(app);
    let command = DeviceCommand {
        device: device.to_owned(),
        target: target.to_owned(),
        value,
    };
    ask(app, &command.clone(), move |answer| {
        let (place, now) = ((&*command.device, &*command.target), browser::now());
        let answer = answer.map(|_| ());
        devices.update_value(|devices| devices.answered(place, &command.value, answer, now));
        refresh::soon(app);
    });
}
