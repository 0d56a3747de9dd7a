//! Where to write: Enter sends, Shift+Enter begins a new line. The draft of each room survives a reload.

use super::{notice::Answer, sending};
use crate::app::{
    browser::{self, storage},
    text,
    view::{
        content::content,
        frame::icons,
        parts::{effect, memo, plain_button, submit, typed, words},
        state::{App, app},
    },
};
use leptos::{ev, prelude::*};
use tertulia_shared::chat::MAX_TEXT_CHARS;

/// How many characters before the limit the counter appears.
const COUNTER_FROM: usize = 400;
/// The code of a key that goes to an input method.
const COMPOSING: u32 = 229;
/// The most lines that the field grows to.
const MAX_LINES: usize = 6;

/// The field for the next message; sets `renaming` when the reader wants another name.
#[component]
pub(crate) fn Composer(renaming: RwSignal<bool>) -> impl IntoView {
    let app = app();
    let (view, texts) = (app.chat.view, app.texts());
    let draft = draft(app);
    let length = move || draft.with(|draft| draft.chars().count());
    let can_send =
        memo(move || length() <= MAX_TEXT_CHARS && draft.with(|draft| browser::shows(draft)));
    let send = move || {
        if can_send.get_untracked() {
            let room = app.chat.room();
            if sending::say(app, &draft.get_untracked()) {
                // It may have led to another room, which has a draft of its own.
                storage::set(&draft_of(&room), "");
                draft.set(String::new());
            }
        }
    };
    let on_key = move |event: ev::KeyboardEvent| {
        // In Safari the key that ends a composition comes after it, told apart by its code alone.
        let composes = event.is_composing() || event.key_code() == COMPOSING;
        if event.key() == "Enter" && !event.shift_key() && !composes {
            event.prevent_default();
            send();
        }
    };
    let lines = move || draft.with(|draft| draft.matches('\n').count() + 1);
    let placeholder =
        move || view.with(|view| text::fill(texts.message_placeholder, &[&view.room]));
    let name = move || view.with(|view| view.name.clone()).unwrap_or_default();
    let class = move || {
        if length() > MAX_TEXT_CHARS {
            "over"
        } else {
            ""
        }
        .to_owned()
    };
    view! {
        <form class="composer" on:submit=submit(send)>
            <Answer />
            <label for="message-input" class="hidden">{texts.message}</label>
            <div class="line">
                <textarea
                    id="message-input"
                    data-testid="message-input"
                    dir="auto"
                    enterkeyhint="send"
                    rows=words(move || lines().min(MAX_LINES).to_string())
                    placeholder=words(placeholder)
                    aria-describedby="message-counter"
                    prop:value=words(move || draft.get())
                    on:input=typed(draft)
                    on:keydown=on_key
                />
                <button
                    class="primary send"
                    type="submit"
                    data-testid="message-send"
                    aria-label=texts.send
                    title=texts.send
                    aria-disabled=words(move || (!can_send.get()).to_string())
                >
                    {icons::send()}
                </button>
            </div>
            <p class="below">
                <span class="as">
                    <span>{texts.writing_as} " "
                    <strong dir="auto" translate="no" data-testid="own-name" prop:textContent=content(name)></strong></span>
                    {plain_button(["link", "name-change"], texts.change_name, move || renaming.set(true))}
                </span>
                <span
                    id="message-counter"
                    role="status"
                    data-testid="counter"
                    class=words(class)
                    prop:textContent=content(move || counter(app, length()))
                ></span>
            </p>
        </form>
    }
}

/// The draft of the current room, remembered.
fn draft(app: App) -> RwSignal<String> {
    let draft = RwSignal::new(String::new());
    let mut room = String::new();
    effect(move || {
        let current = app.chat.view.with(|view| view.room.clone());
        let text = draft.get();
        if room == current {
            storage::set(&draft_of(&room), &text);
        } else {
            draft.set(storage::get(&draft_of(&current)).unwrap_or_default());
            room = current;
        }
    });
    draft
}

/// Under which name the draft of a room is remembered.
fn draft_of(room: &str) -> String {
    ["draft.", room].concat()
}

/// What the counter says: nothing while the limit is far.
fn counter(app: App, length: usize) -> String {
    let texts = app.texts();
    match MAX_TEXT_CHARS.checked_sub(length) {
        None => text::fill(
            texts.characters_over,
            &[&(length - MAX_TEXT_CHARS).to_string()],
        ),
        Some(left) if left <= COUNTER_FROM => {
            text::fill(texts.characters_left, &[&left.to_string()])
        }
        Some(_) => String::new(),
    }
}
