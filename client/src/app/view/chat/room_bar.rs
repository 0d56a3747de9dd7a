//! The name of the room, which can be changed for another, and the rooms used last.

use super::actions;
use crate::app::{
    model::{failure::Failure, room_name},
    text,
    view::{
        content::content,
        parts::{button, effect, list, plain_button, submit, typed, words},
        state::app,
    },
};
use leptos::{ev, prelude::*};
use tertulia_shared::{Code, Reject};

/// The room at the head of the chat.
#[component]
pub(crate) fn RoomBar() -> impl IntoView {
    let app = app();
    let (view, texts) = (app.chat.view, app.texts());
    let room = RwSignal::new(String::new());
    let mut shown = String::new();
    effect(move || {
        let current = view.with(|view| view.room.clone());
        if shown != current {
            room.set(current.clone());
            shown = current;
        }
    });
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" {
            view.update(|view| view.room_failure = None);
            room.set(view.with_untracked(|view| view.room.clone()));
        }
    };
    let go = submit(move || match room_name::parse(&room.get_untracked()) {
        Some(name) => actions::go(app, name),
        None => {
            let failure = Failure::Refused(Reject::new(Code::BadRoom, texts.bad_room));
            view.update(|view| view.room_failure = Some(failure));
        }
    });
    let failure = move || {
        view.with(|view| {
            let failure = view.room_failure.as_ref();
            failure
                .map(|failure| texts.failure(failure))
                .unwrap_or_default()
        })
    };
    let class = move || {
        let other = room.with(|room| room_name::parse(room));
        let is_other = view.with(|view| other.as_ref() != Some(&view.room));
        if is_other { "primary" } else { "" }.to_owned()
    };
    view! {
        <form class="room-bar" on:submit=go>
            <label for="room-input" class="hash" title=texts.room>
                <span aria-hidden="true">"#"</span>
                <span class="hidden">{texts.room}</span>
            </label>
            <input
                id="room-input"
                data-testid="room-input"
                type="text"
                autocomplete="off"
                autocapitalize="none"
                spellcheck="false"
                aria-describedby="room-failure"
                aria-invalid=words(move || (!failure().is_empty()).to_string())
                prop:value=words(move || room.get())
                translate="no"
                on:input=typed(room)
                on:keydown=on_key
            />
            <button type="submit" data-testid="room-submit" class=words(class)>
                {texts.go}
            </button>
        </form>
        <p
            id="room-failure"
            class="failure"
            role="alert"
            data-testid="room-failure"
            prop:textContent=content(failure)
        ></p>
        <Invitations />
        <Recent />
    }
}

/// The rooms that the reader was invited to.
#[component]
fn Invitations() -> impl IntoView {
    let app = app();
    let view = app.chat.view;
    let entry = move |invitation: String| {
        let (room, from) = invitation.split_once('\n').unwrap_or_default();
        let words = text::fill(app.texts().invited, &[from, room]);
        let room = room.to_owned();
        let join = plain_button(
            ["primary", "invitation-join"],
            app.texts().enter,
            move || {
                actions::go(app, room.clone());
            },
        );
        view! { <li><span dir="auto">{words}</span> " " {join}</li> }.into_any()
    };
    view! {
        <ul class="invitations" aria-live="polite" data-testid="invitations">
            {list(move || view.with(|view| view.invitations.clone()), entry)}
        </ul>
    }
}

/// The rooms used last, other than the current one.
#[component]
fn Recent() -> impl IntoView {
    let app = app();
    let view = app.chat.view;
    let others = move || {
        view.with(|view| {
            let others = view.recent.iter().filter(|room| **room != view.room);
            others.cloned().collect()
        })
    };
    let entry = move |room: String| {
        let name = format!("#{room}");
        let go = button(
            ["", "recent-room"],
            move || name.clone(),
            move || actions::go(app, room.clone()),
        );
        view! { <li>{go}</li> }.into_any()
    };
    view! {
        <ul class="recent" translate="no" aria-label=app.texts().recent_rooms data-testid="recent-rooms">
            {list(others, entry)}
        </ul>
    }
}
