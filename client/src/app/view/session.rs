//! The page's side of the conversation: connects, takes its name and joins its rooms again after each gap, and feeds
//! what comes to the models.
//!
//! Not here: what the reader asks for (`chat::actions`, `dashboard::actions`).

use super::{chat, dashboard, parts::run, refresh, state::App};
use crate::{
    app::{
        browser,
        model::{failure::Failure, room_name},
    },
    socketio::{Link, Options, Status},
    web,
};
use futures_util::StreamExt as _;
use leptos::prelude::*;
use std::time::Duration;
use tertulia_shared::{
    ClientToServer, ServerToClient,
    bridge::BridgeStatus,
    chat::ChatMessage,
    device::{DeviceState, DeviceStatus},
    presence::PresenceChange,
    sensor::{SensorFault, SensorReading},
    stream::StreamMissed,
};

/// How often charts may move, in milliseconds.
const MOMENT_MS: u64 = 250;
/// How many moments make a second.
const MOMENTS_A_SECOND: u32 = 4;

/// Connects and listens for the life of the page.
pub(crate) fn start(app: App) {
    tick(app);
    let Ok(connection) = web::connect(&browser::server_origin(), Options::default()) else {
        return;
    };
    app.link.connection.set_value(Some(connection));
    listen(app, take_message);
    listen(app, take_presence);
    listen(app, take_missed);
    listen(app, take_reading);
    listen(app, take_fault);
    listen(app, |app, status: DeviceStatus| {
        app.dash
            .devices
            .update_value(|devices| devices.status(&status));
    });
    listen(app, |app, state: DeviceState| {
        let now = browser::now();
        app.dash
            .devices
            .update_value(|devices| devices.state(state, now));
    });
    listen(app, |app, status: BridgeStatus| {
        app.link
            .lights
            .update(|lights| lights.bridge = Some(status))
    });
    follow_link(app);
}

/// Feeds the events of one kind to `take` for the life of the page.
fn listen<E: ServerToClient>(app: App, take: fn(App, E)) {
    let events = app.link.connection.with_value(|connection| {
        connection
            .as_ref()
            .map(|connection| connection.listen::<E>())
    });
    let Some(mut events) = events else { return };
    run(async move {
        while let Some(event) = events.next().await {
            match event {
                Ok(event) => {
                    take(app, event);
                    refresh::soon(app);
                }
                Err(error) => leptos::logging::warn!("{}: {error}", E::NAME),
            }
        }
    });
}

fn follow_link(app: App) {
    let watcher = app
        .link
        .connection
        .with_value(|connection| connection.as_ref().map(|connection| connection.watch()));
    let Some(mut watcher) = watcher else { return };
    run(async move {
        while let Some(status) = watcher.next().await {
            take_status(app, status);
        }
    });
}

fn take_status(app: App, status: Status) {
    let now = browser::now();
    let was_up = app.link.is_up();
    let is_up = status.link == Link::Connected;
    app.link.lights.update(|lights| {
        lights.gap = lights.gap.after(&status, now);
        lights.status = Some(status);
        if !is_up {
            lights.bridge = None;
        }
    });
    if is_up && !was_up {
        app.link
            .generation
            .update_value(|generation| *generation += 1);
        chat::actions::connected(app);
        dashboard::actions::connected(app);
    } else if !is_up && was_up {
        app.chat.view.update(|view| view.peer = None);
    }
}

fn take_message(app: App, message: ChatMessage) {
    if let Some(room) = room_name::of_topic(message.room.as_str()) {
        let room = room.to_owned();
        app.chat.change_log(&room, |log| log.receive(message));
    }
}

fn take_presence(app: App, change: PresenceChange) {
    let here = room_name::topic(&app.chat.room());
    if change.room.as_str() == here {
        app.chat.change_people(|people| people.apply(change));
    }
}

fn take_missed(app: App, missed: StreamMissed) {
    match room_name::of_topic(missed.topic.as_str()) {
        Some(room) => {
            app.chat.change_log(room, |log| log.missed(&missed));
        }
        None => {
            let count = missed.to.saturating_sub(missed.from) + 1;
            app.dash
                .devices
                .update_value(|devices| devices.missed(count));
        }
    }
}

fn take_reading(app: App, reading: SensorReading) {
    let (at, arrived) = (reading.at as f64, browser::now());
    app.dash
        .clock
        .update_value(|clock| clock.observe(at, arrived));
    app.dash
        .devices
        .update_value(|devices| devices.reading(reading));
}

fn take_fault(app: App, fault: SensorFault) {
    app.dash
        .devices
        .update_value(|devices| devices.fault(fault));
}

/// Lets the time of the page pass.
fn tick(app: App) {
    let moments = StoredValue::new_local(0_u32);
    set_interval(
        move || {
            let now = browser::now();
            app.link.moment.set(now);
            moments.update_value(|moments| *moments = (*moments + 1) % MOMENTS_A_SECOND);
            if moments.get_value() == 0 {
                app.link.second.set(now);
                app.dash.devices.update_value(|devices| devices.tick(now));
                refresh::soon(app);
            }
        },
        Duration::from_millis(MOMENT_MS),
    );
}

/// Emits an event at once; the result is what the server answers.
pub(crate) fn emit<E: ClientToServer>(
    app: App,
    event: &E,
) -> impl Future<Output = Result<E::Ack, Failure>> + use<E> {
    let sent = app
        .link
        .connection
        .with_value(|connection| connection.as_ref().map(|connection| connection.emit(event)));
    async move {
        match sent {
            Some(sent) => sent.await.map_err(Failure::from),
            None => Err(Failure::LinkLost),
        }
    }
}
