//! The page's side of the conversation: connects, takes its name after each gap, and feeds what comes to the models, in
//! the order in which it came.
//!
//! Not here: how far the rooms were read, and joining them again (`Rooms`), and what the reader asks for
//! (`chat::actions`, `dashboard::actions`).

use super::{chat, dashboard, parts::run, refresh, sign, state::App};
use crate::{
    app::{
        browser,
        model::{
            announce::Announcer, chat_log::missed_count, devices::Devices, failure::Failure,
            people::label, room_name,
        },
    },
    connection::{Connection, EmitError, Encoded, Link, Options, Reason, Status, Tap, Tapped},
    rooms::Rooms,
    sign_in,
};
use futures_util::StreamExt as _;
use leptos::prelude::*;
use serde::de::DeserializeOwned;
use std::time::Duration;
use tertulia_shared::{
    ClientToServer, Event as _, ServerToClient,
    bridge::BridgeStatus,
    chat::ChatMessage,
    device::{DeviceCleared, DeviceState, DeviceStatus},
    presence::{PresenceChange, PresenceChanges},
    room::RoomInvited,
    sensor::{SensorCleared, SensorFault, SensorReading},
    server::ServerTime,
    stream::StreamMissed,
    wire::args::{Args, ArgsError},
};

/// The path of Socket.IO below the server's.
const SOCKET_IO: &str = "/socket.io/";
/// How often charts may move, in milliseconds.
const MOMENT_MS: u64 = 250;
/// How many moments make a second.
const MOMENTS_A_SECOND: u32 = 4;

/// Connects and listens for the life of the page.
pub(crate) fn start(app: App) {
    tick(app);
    let options = Options {
        auth: sign::auth(app),
        path: [&*browser::server_path(), SOCKET_IO].concat(),
        probe: ServerTime {}.to_args().ok(),
        ..Options::default()
    };
    let Ok(connection) = Connection::connect_with(&browser::server_origin(), options) else {
        return;
    };
    let rooms = Rooms::new(&connection);
    run(hear(app, connection.tap()));
    let mut resumes = rooms.resumes();
    run(async move {
        while let Some(resumed) = resumes.next().await {
            let joined = resumed.joined.map(|_| ()).map_err(Failure::from);
            match room_name::of_topic(&resumed.room) {
                Some(name) => chat::actions::joined(app, name, joined),
                None => dashboard::actions::joined(app, joined),
            }
        }
    });
    let mut statuses = connection.watch();
    run(async move {
        while let Some(status) = statuses.next().await {
            take_status(app, status);
            refresh::soon(app);
        }
    });
    app.link.rooms.set_value(Some(rooms));
    app.link.connection.set_value(Some(connection));
    sign::start(app);
    chat::actions::start(app);
}

/// Feeds the events to the models. One stream for all kinds: streams of each would lose the order between them.
async fn hear(app: App, mut tap: Tap) {
    while let Some(tapped) = tap.next().await {
        if let Tapped::In(args, _) = tapped {
            take(app, &args);
            refresh::soon(app);
        }
    }
}

fn take(app: App, args: &Args) {
    let name = args.name().unwrap_or_default();
    let taken = match &*name {
        ChatMessage::NAME => decoded(args).map(|message| take_message(app, message)),
        PresenceChange::NAME => decoded(args).map(|change| take_presence(app, change)),
        PresenceChanges::NAME => decoded(args).map(|batch| take_batch(app, batch)),
        StreamMissed::NAME => decoded(args).map(|missed| take_missed(app, &missed)),
        RoomInvited::NAME => decoded(args).map(|invited| take_invited(app, &invited)),
        SensorReading::NAME => decoded(args).map(|it| dashboard::intake::reading(app, it)),
        SensorCleared::NAME => decoded(args).map(|it| change(app, |devices| devices.cleared(&it))),
        SensorFault::NAME => decoded(args).map(|fault| change(app, |it| it.fault(fault))),
        DeviceStatus::NAME => decoded(args).map(|status| change(app, |it| it.status(&status))),
        DeviceState::NAME => decoded(args).map(|state| {
            let now = app.dash.now();
            change(app, |it| it.state(state, now));
        }),
        DeviceCleared::NAME => {
            decoded(args).map(|it| change(app, |devices| devices.device_cleared(&it)))
        }
        BridgeStatus::NAME => decoded(args).map(|status| take_bridge(app, status)),
        _ => Ok(()),
    };
    // A payload that does not decode is for whoever looks at the console: the page lives on.
    if let Err(error) = taken {
        leptos::logging::warn!("{name}: {error}");
    }
}

fn decoded<E: ServerToClient>(args: &Args) -> Result<E, ArgsError> {
    E::from_args(args)
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
        dashboard::intake::connected(app);
        chat::actions::connected(app);
    } else if !is_up && was_up {
        app.chat.view.update(|view| view.peer = None);
        app.chat.announcer.update_value(Announcer::pause);
    }
    if let Some(reject) = refusal {
        sign::refused(app, reject);
    }
}

fn take_message(app: App, message: ChatMessage) {
    if let Some(room) = room_name::of_topic(message.room.as_str()) {
        let room = room.to_owned();
        let is_mine = app.chat.is_mine(&message.from.peer);
        if !is_mine {
            app.chat.announcer.update_value(|announcer| {
                let from = label(&message.from.name, message.from.tag.as_deref());
                announcer.receive(&room, &from, &message.text);
            });
        }
        app.chat
            .change_log(&room, |log| log.receive(message, is_mine));
    }
}

fn take_presence(app: App, change: PresenceChange) {
    let here = room_name::topic(&app.chat.room());
    if change.room.as_str() == here {
        let mut is_small_again = false;
        app.chat
            .change_people(|people| is_small_again = people.apply(change));
        if is_small_again {
            chat::actions::list_people(app, app.chat.room());
        }
    }
}

fn take_batch(app: App, batch: PresenceChanges) {
    if batch.room.as_str() == room_name::topic(&app.chat.room()) {
        app.chat.change_people(|people| people.apply_batch(batch));
    }
}

fn take_missed(app: App, missed: &StreamMissed) {
    match room_name::of_topic(missed.topic.as_str()) {
        Some(room) => {
            app.chat.change_log(room, |log| log.missed(missed));
        }
        None => change(app, |devices| devices.missed(missed_count(missed))),
    }
}

fn take_invited(app: App, invited: &RoomInvited) {
    if let Some(room) = room_name::of_topic(invited.room.as_str()) {
        let from = label(&invited.from.name, invited.from.tag.as_deref());
        let invitation = [room, &from].join("\n");
        app.chat.view.update(|view| {
            view.invitations.retain(|known| *known != invitation);
            view.invitations.push(invitation);
            // Of the room that was refused before, mostly.
            view.room_failure = None;
        });
    }
}

fn change(app: App, change: impl FnOnce(&mut Devices)) {
    app.dash.devices.update_value(change);
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
                dashboard::intake::tick(app);
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
    emit(app, event.to_args(), decoding(Box::new(then)));
}

fn emit(app: App, args: Encoded, then: Then<Args>) {
    app.link.connection.with_value(|connection| {
        if let Some(connection) = connection {
            run(answered(connection.accepted(args), then));
        }
    });
}

/// What is done with an answer: here once for each kind of acknowledgement, [`emit`] once for all.
type Then<T> = Box<dyn FnOnce(Result<T, Failure>)>;

fn decoding<A: DeserializeOwned + 'static>(then: Then<A>) -> Then<Args> {
    Box::new(move |accepted| {
        then(accepted.and_then(|ack| ack.at(0).map_err(|_| Failure::Unreadable)));
    })
}

async fn answered(accepted: impl Future<Output = Result<Args, EmitError>>, then: Then<Args>) {
    then(accepted.await.map_err(Failure::from));
}
