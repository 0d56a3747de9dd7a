//! From models to signals, at most once a frame and 15 times a second: a thousand events a second cost no more.
//!
//! Events change the models at once, which is cheap and bounded; only what the reader sees waits for the frame. A page
//! in the background draws nothing, and its models stay bounded.

use super::state::{App, ChatView};
use crate::app::{
    browser,
    model::{roster, rows},
    text,
};
use leptos::prelude::*;
use std::{cell::Cell, sync::Arc, time::Duration};

/// What the reader types in or points at: its card must not move away.
const HELD: &str = ".cards :is(input:focus, .switch:hover, .tile:active)";
/// The shortest time between two drawings while events pour in, in milliseconds: nobody reads faster.
const PAUSE_MS: f64 = 66.0;

thread_local! {
    /// Whether a drawing is asked for.
    static ASKED: Cell<bool> = const { Cell::new(false) };
    /// When the last one was.
    static LAST: Cell<f64> = const { Cell::new(0.0) };
}

/// Shows what changed in the models: with the next frame, or after the pause when the last drawing was just now.
pub(crate) fn soon(app: App) {
    if ASKED.replace(true) {
        return;
    }
    let wait = LAST.get() + PAUSE_MS - browser::now();
    if wait > 0.0 && wait <= PAUSE_MS {
        let wait = Duration::from_millis(wait as u64);
        set_timeout(move || request_animation_frame(move || show(app)), wait);
    } else {
        request_animation_frame(move || show(app));
    }
}

fn show(app: App) {
    ASKED.set(false);
    LAST.set(browser::now());
    show_chat(app);
    show_dashboard(app);
}

fn show_chat(app: App) {
    let chat = app.chat;
    if chat.changed.try_update_value(std::mem::take) != Some(true) {
        return;
    }
    let mut view = chat.view.get_untracked();
    fill(app, &mut view);
    if chat.view.with_untracked(|old| *old != view) {
        chat.view.set(view);
    }
    announce(app);
}

/// Has a screen reader read what came.
fn announce(app: App) {
    let many = app.texts().new_many;
    let lines = app.chat.announcer.try_update_value(|announcer| {
        let lines = announcer.take(|count| text::fill(many, &[&count.to_string()]));
        lines.map(<[String]>::to_vec)
    });
    if let Some(lines) = lines.flatten() {
        app.chat.announced.set(lines);
    }
}

/// Puts into `view` what the models have of its room.
pub(crate) fn fill(app: App, view: &mut ChatView) {
    let chat = app.chat;
    let zone = browser::time_zone();
    let shown = chat.logs.with_value(|logs| {
        let log = logs.get(&view.room)?;
        let rows = rows::rows(
            &view.room,
            log.entries(),
            |peer| chat.is_mine(peer),
            |message| {
                let people = chat.people;
                people.with_value(|it| it.tag_of(&message.peer, &message.name).map(Arc::from))
            },
            |at| zone.day_number(at),
        );
        Some((rows, log.dropped(), log.received()))
    });
    (view.rows, view.dropped, view.received) = shown.unwrap_or_default();
    (view.present, view.people) = chat
        .people
        .with_value(|people| (people.by_name(), people.count()));
}

fn show_dashboard(app: App) {
    let dash = app.dash;
    let changed = dash
        .devices
        .try_update_value(|devices| devices.take_changed())
        .unwrap_or_default();
    let mut view = dash.view.get_untracked();
    let (now, is_calm) = (dash.latest(), browser::finds(HELD));
    dash.devices.with_value(|devices| {
        let roster = roster::roster(
            devices,
            &view.query,
            now,
            (&view.names, is_calm),
            browser::lowercase,
        );
        view.names = roster.names;
        view.matching = roster.matching;
        view.count = (roster.all, roster.online);
        (view.problems, view.offline) = (roster.problems, roster.offline);
        view.hidden = devices.hidden();
        view.skipped = devices.skipped();
    });
    if dash.view.with_untracked(|old| *old != view) {
        dash.view.set(view);
    }
    for device in changed {
        dash.changed(&device);
    }
}
