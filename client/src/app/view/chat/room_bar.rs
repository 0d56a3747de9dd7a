//! The name of the room, which can be changed for another, and the rooms used last.

use super::actions;
use crate::app::{
    model::{failure::Failure, room_name},
    view::state::app,
};
use leptos::{ev, prelude::*};
use tertulia_shared::{Code, Reject};

/// The room at the head of the chat.
#[component]
pub(crate) fn RoomBar() -> impl IntoView {
    let app = app();
    let (chat, texts) = (app.chat, app.texts());
    let typed = RwSignal::new(String::new());
    Effect::new(move |_| typed.set(chat.room.get()));
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        match room_name::parse(&typed.get_untracked()) {
            Some(name) => actions::go(app, name),
            None => {
                let reject = Reject::new(Code::BadRoom, texts.bad_room);
                chat.room_failure.set(Some(Failure::Refused(reject)));
            }
        }
    };
    let failure = move || {
        chat.room_failure
            .with(|failure| failure.as_ref().map(|failure| texts.failure(failure)))
    };
    let is_other = move || {
        chat.room
            .with(|room| typed.with(|typed| room_name::parse(typed).as_ref() != Some(room)))
    };
    view! {
        <form class="room-bar" on:submit=submit>
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
                aria-invalid=move || failure().is_some().to_string()
                prop:value=move || typed.get()
                on:input=move |event| typed.set(event_target_value(&event))
            />
            <button type="submit" data-testid="room-submit" class:primary=is_other>
                {texts.go}
            </button>
        </form>
        <p id="room-failure" class="failure" role="alert" data-testid="room-failure">{failure}</p>
        <Recent />
    }
}

/// The rooms used last, other than the current one.
#[component]
fn Recent() -> impl IntoView {
    let app = app();
    let (chat, texts) = (app.chat, app.texts());
    let others = move || {
        let current = chat.room.get();
        let mut recent = chat.recent.get();
        recent.retain(|room| *room != current);
        recent
    };
    view! {
        <Show when=move || !others().is_empty()>
            <ul class="recent" aria-label=texts.recent_rooms data-testid="recent-rooms">
                <For each=others key=Clone::clone let:room>
                    <li>
                        <button type="button" on:click={
                            let room = room.clone();
                            move |_| actions::go(app, room.clone())
                        }>"#" {room.clone()}</button>
                    </li>
                </For>
            </ul>
        </Show>
    }
}
