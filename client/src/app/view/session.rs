//! The page's side of the conversation: connects, takes its name and joins its rooms again after each gap, and feeds
//! what comes to the models.
//!
//! Not here: what the reader asks for (`chat::actions`, `dashboard::actions`).

use super::{chat, dashboard, parts::run, refresh, sign, state::App};
use crate::{
    app::{
        browser,
        model::{chat_log::missed_count, failure::Failure, room_name},
    },
    connection::{Accepted, Connection, Link, Options, Reason, Received, Status},
    rooms::Positions,
    sign_in,
};
use futures_util::StreamExt as _;
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tertulia_shared::{
    ClientToServer, ServerToClient,
    bridge::BridgeStatus,
    chat::ChatMessage,
    device::{DeviceState, DeviceStatus},
    presence::PresenceChange,
    room::{DEVICES, RoomInvited},
    sensor::{SensorFault, SensorReading},
    stream::StreamMissed,
    wire::args::{Args, ArgsError},
};

/// How often charts may move, in milliseconds.
const MOMENT_MS: u64 = 250;
/// How many moments make a second.
const MOMENTS_A_SECOND: u32 = 4;

/// Connects and listens for the life of the page.
pub(crate) fn start(app: App) {
    tick(app);
    let options = Options {
        auth: sign::auth(),
        ..Options::default()
    };
    let Ok(connection) = Connection::connect_with(&browser::server_origin(), options) else {
        return;
    };
    listen(app, &connection, take_message);
    listen(app, &connection, take_presence);
    listen(app, &connection, take_missed);
    listen(app, &connection, take_invited);
    listen(app, &connection, take_reading);
    listen(app, &connection, take_fault);
    listen(app, &connection, take_device_status);
    listen(app, &connection, take_device_state);
    listen(app, &connection, take_bridge);
    let mut statuses = connection.watch();
    run(async move {
        while let Some(status) = statuses.next().await {
            take_status(app, status);
            refresh::soon(app);
        }
    });
    app.link.connection.set_value(Some(connection));
}

/// Feeds the events of one kind to `take` for the life of the page. What follows them is made once for all kinds: a stream
/// of each would weigh 2 kB in the page.
fn listen<E: ServerToClient>(app: App, connection: &Connection, take: fn(App, E)) {
    let take = move |args: &Args| match E::from_args(args) {
        Ok(event) => take(app, event),
        Err(error) => warn(E::NAME, &error),
    };
    run(follow(app, connection.listen_to(E::NAME), Box::new(take)));
}

/// A payload that does not decode is for whoever looks at the console: the page lives on.
fn warn(event: &str, error: &ArgsError) {
    leptos::logging::warn!("{event}: {error}");
}

async fn follow(app: App, mut events: Received, take: Box<dyn Fn(&Args)>) {
    while let Some((args, _)) = events.next().await {
        take(&args);
        refresh::soon(app);
    }
}

fn take_status(app: App, status: Status) {
    let now = browser::now();
    let was_up = app.link.is_up();
    let is_up = status.link == Link::Connected;
    let refusal = match &status.link {
        Link::Disconnected(Reason::Refused(refusal)) => sign_in::reject(refusal),
        _ => None,
    };
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
        app.link.positions.update_value(Positions::lost);
        chat::actions::connected(app);
        dashboard::actions::connected(app);
    } else if !is_up && was_up {
        app.chat.view.update(|view| view.peer = None);
    }
    if let Some(reject) = refusal {
        sign::refused(app, reject);
    }
}

fn take_message(app: App, message: ChatMessage) {
    if !app.link.is_new(message.room.as_str(), message.seq) {
        return;
    }
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
    if !app.link.is_new(missed.topic.as_str(), missed.to) {
        return;
    }
    match room_name::of_topic(missed.topic.as_str()) {
        Some(room) => {
            app.chat.change_log(room, |log| log.missed(&missed));
        }
        None => {
            let count = missed_count(&missed);
            app.dash
                .devices
                .update_value(|devices| devices.missed(count));
        }
    }
}

fn take_invited(app: App, invited: RoomInvited) {
    if let Some(room) = room_name::of_topic(invited.room.as_str()) {
        let invitation = [room, &invited.from.name].join("\n");
        app.chat.view.update(|view| {
            view.invitations.retain(|known| *known != invitation);
            view.invitations.push(invitation);
        });
    }
}

fn take_reading(app: App, reading: SensorReading) {
    if !app.link.is_new(reading.topic.as_str(), reading.seq) {
        return;
    }
    let (at, arrived) = (reading.at as f64, browser::now());
    app.dash
        .clock
        .update_value(|clock| clock.observe(at, arrived));
    app.dash
        .devices
        .update_value(|devices| devices.reading(reading));
}

fn take_fault(app: App, fault: SensorFault) {
    if !app.link.is_new(fault.topic.as_str(), fault.seq) {
        return;
    }
    app.dash
        .devices
        .update_value(|devices| devices.fault(fault));
}

fn take_device_status(app: App, status: DeviceStatus) {
    let topic = [DEVICES, &status.device, "status"].join("/");
    if !app.link.is_new(&topic, status.seq) {
        return;
    }
    app.dash
        .devices
        .update_value(|devices| devices.status(&status));
}

fn take_device_state(app: App, state: DeviceState) {
    let topic = [DEVICES, &state.device, "state", &state.target].join("/");
    if !app.link.is_new(&topic, state.seq) {
        return;
    }
    let now = browser::now();
    app.dash
        .devices
        .update_value(|devices| devices.state(state, now));
}

fn take_bridge(app: App, status: BridgeStatus) {
    app.link
        .lights
        .update(|lights| lights.bridge = Some(status));
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

/// Does something later, unless there is another connection by then, which does all again by itself.
pub(crate) fn later(app: App, wait_ms: u64, act: impl FnOnce() + 'static) {
    later_of(app, wait_ms, Box::new(act));
}

fn later_of(app: App, wait_ms: u64, act: Box<dyn FnOnce()>) {
    let generation = app.link.generation.get_value();
    set_timeout(
        move || {
            if app.link.generation.get_value() == generation {
                act();
            }
        },
        Duration::from_millis(wait_ms),
    );
}

/// Emits an event at once, and gives what the server answers to `then`.
pub(crate) fn ask<E: ClientToServer>(
    app: App,
    event: &E,
    then: impl FnOnce(Result<E::Ack, Failure>) + 'static,
) {
    app.link.connection.with_value(|connection| {
        if let Some(connection) = connection {
            let answer = connection.emit(event).untyped();
            run(answered(answer, decoding(Box::new(then))));
        }
    });
}

/// What is done with an answer: here once for each kind of acknowledgement, [`answered`] once for all.
type Then<T> = Box<dyn FnOnce(Result<T, Failure>)>;

fn decoding<A: DeserializeOwned + 'static>(then: Then<A>) -> Then<Args> {
    Box::new(move |accepted| {
        then(accepted.and_then(|ack| ack.at(0).map_err(|_| Failure::Unreadable)));
    })
}

async fn answered(accepted: Accepted, then: Then<Args>) {
    then(accepted.await.map_err(Failure::from));
}
