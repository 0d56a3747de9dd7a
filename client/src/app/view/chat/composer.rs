//! Where to write: Enter sends, Shift+Enter begins a new line. The draft of each room survives a reload.

use super::actions;
use crate::app::{
    browser::storage,
    text,
    view::{
        frame::icons,
        state::{App, app},
    },
};
use leptos::{ev, prelude::*};
use tertulia_shared::chat::MAX_TEXT_CHARS;

/// How many characters before the limit the counter appears.
const COUNTER_FROM: usize = 400;
/// The most lines that the field grows to.
const MAX_LINES: usize = 6;

/// The field for the next message; sets `renaming` when the reader wants another name.
#[component]
pub(crate) fn Composer(renaming: RwSignal<bool>) -> impl IntoView {
    let app = app();
    let (chat, texts) = (app.chat, app.texts());
    let draft = draft(app);
    let length = Memo::new(move |_| draft.with(|draft| draft.chars().count()));
    let can_send =
        move || length.get() <= MAX_TEXT_CHARS && !draft.with(|draft| draft.trim().is_empty());
    let send = move || {
        if can_send() {
            actions::say(app, &draft.get_untracked());
            draft.set(String::new());
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Enter" && !event.shift_key() && !event.is_composing() {
            event.prevent_default();
            send();
        }
    };
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        send();
    };
    let lines = move || {
        draft
            .with(|draft| draft.matches('\n').count() + 1)
            .min(MAX_LINES)
    };
    view! {
        <form class="composer" on:submit=submit>
            <label for="message-input" class="hidden">{texts.message}</label>
            <div class="line">
                <textarea
                    id="message-input"
                    data-testid="message-input"
                    enterkeyhint="send"
                    rows=move || lines().to_string()
                    placeholder=move || text::fill(texts.message_placeholder, &[&chat.room.get()])
                    aria-describedby="message-counter"
                    prop:value=move || draft.get()
                    on:input=move |event| draft.set(event_target_value(&event))
                    on:keydown=on_key
                />
                <button
                    class="primary send"
                    type="submit"
                    data-testid="message-send"
                    aria-label=texts.send
                    title=texts.send
                    disabled=move || !can_send()
                >
                    {icons::send()}
                </button>
            </div>
            <p class="below">
                <span>
                    {texts.writing_as} " " <strong data-testid="own-name">{move || chat.name.get()}</strong> " · "
                    <button type="button" class="link" data-testid="name-change" on:click=move |_| renaming.set(true)>
                        {texts.change_name}
                    </button>
                </span>
                <span
                    id="message-counter"
                    role="status"
                    class:over=move || { length.get() > MAX_TEXT_CHARS }
                    data-testid="counter"
                >
                    {move || counter(app, length.get())}
                </span>
            </p>
        </form>
    }
}

/// The draft of the current room, remembered.
fn draft(app: App) -> RwSignal<String> {
    let draft = RwSignal::new(String::new());
    let key = move || app.chat.room.with_untracked(|room| format!("draft.{room}"));
    Effect::new(move |_| {
        app.chat.room.track();
        draft.set(storage::get(&key()).unwrap_or_default());
    });
    Effect::new(move |before: Option<()>| {
        let text = draft.get();
        if before.is_some() {
            storage::set(&key(), &text);
        }
    });
    draft
}

fn counter(app: App, length: usize) -> Option<String> {
    let texts = app.texts();
    match MAX_TEXT_CHARS.checked_sub(length) {
        None => Some(text::fill(
            texts.characters_over,
            &[&(length - MAX_TEXT_CHARS).to_string()],
        )),
        Some(left) if left <= COUNTER_FROM => {
            Some(text::fill(texts.characters_left, &[&left.to_string()]))
        }
        Some(_) => None,
    }
}
