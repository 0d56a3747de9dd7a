//! What the server tells of devices goes to the model, each reading with the moment at which it was seen; and the server is
//! asked for its time when the clocks are to be compared.

use super::actions;
use crate::app::{
    browser,
    view::{refresh, session::ask, state::App},
};
use leptos::prelude::*;
use tertulia_shared::{sensor::SensorReading, server::ServerTime};

/// A device measured something.
pub(crate) fn reading(app: App, reading: SensorReading) {
    let clock = app.dash.clock;
    let seen = clock.try_update_value(|clock| clock.seen(reading.at, browser::clocks()));
    if let Some(seen) = seen {
        app.dash
            .devices
            .update_value(|devices| devices.reading(reading, seen));
    }
    compare(app);
}

/// There is a new connection.
pub(crate) fn connected(app: App) {
    app.dash.clock.update_value(|clock| clock.connected());
    compare(app);
}

/// A second has passed.
pub(crate) fn tick(app: App) {
    compare(app);
    let now = app.dash.now();
    app.dash.devices.update_value(|devices| devices.tick(now));
}

/// Looks at the browser's clocks, and compares them with the server's when it is time.
fn compare(app: App) {
    let clock = app.dash.clock;
    let asks = clock.try_update_value(|clock| {
        let now = browser::clocks();
        clock.look(now);
        app.link.is_up() && clock.asks(now)
    });
    if asks == Some(true) {
        ask(app, &ServerTime {}, move |answer| {
            let at = answer.ok().map(|time| time.at);
            take(app, at);
        });
    }
}

fn take(app: App, at: Option<u64>) {
    let dash = app.dash;
    let compared = dash
        .clock
        .try_update_value(|clock| clock.answered(at, browser::clocks()));
    if let Some(compared) = compared.flatten() {
        dash.clock.with_value(|clock| {
            dash.devices
                .update_value(|devices| devices.settle(clock, compared));
        });
        refresh::soon(app);
    }
    actions::start(app);
}
