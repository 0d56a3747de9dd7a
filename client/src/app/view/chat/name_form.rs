//! Choosing a name, at first and later.

use super::actions;
use crate::app::view::{
    parts::{effect, nothing, plain_button, submit, typed, words},
    state::app,
};
use leptos::prelude::*;
use tertulia_shared::chat::MAX_NAME_CHARS;

/// Asks for a name; `renaming` is whether there is one already.
#[component]
pub(crate) fn NameForm(renaming: RwSignal<bool>) -> impl IntoView {
    let app = app();
    let (view, texts) = (app.chat.view, app.texts());
    let current = view.with_untracked(|view| view.name.clone());
    let (question, enter) = match current {
        Some(_) => (texts.name, texts.save),
        None => (texts.name_question, texts.enter),
    };
    let name = RwSignal::new(current.clone().unwrap_or_default());
    let before = current.clone();
    let take = submit(move || {
        let name = name.get_untracked().trim().to_owned();
        if before.as_ref() == Some(&name) {
            renaming.set(false);
        } else {
            actions::enter(app, name);
        }
    });
    // The form goes when the name is taken; a refusal leaves it, with the reason.
    let before = current.clone();
    effect(move || {
        if view.with(|view| view.name != before) {
            renaming.set(false);
        }
    });
    let failure = move || {
        view.with(|view| {
            let failure = view.name_failure.as_ref();
            failure
                .map(|failure| texts.failure(failure))
                .unwrap_or_default()
        })
    };
    let cancel = current.map_or_else(nothing, |_| {
        plain_button(["", "name-cancel"], texts.cancel, move || {
            view.update(|view| view.name_failure = None);
            renaming.set(false);
        })
    });
    view! {
        <form class="name-form" on:submit=take>
            <label for="name-input">{question}</label>
            <div class="line">
                <input
                    id="name-input"
                    data-testid="name-input"
                    type="text"
                    autocomplete="nickname"
                    placeholder=texts.name_placeholder
                    maxlength=MAX_NAME_CHARS * 2
                    aria-describedby="name-failure"
                    aria-invalid=words(move || (!failure().is_empty()).to_string())
                    prop:value=words(move || name.get())
                    on:input=typed(name)
                />
                <button class="primary" type="submit" data-testid="name-submit">{enter}</button>
                {cancel}
            </div>
            <p id="name-failure" class="failure" role="alert" data-testid="name-failure">{words(failure)}</p>
        </form>
    }
}
