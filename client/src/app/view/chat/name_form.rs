//! Choosing a name, at first and later.

use super::actions;
use crate::app::view::state::app;
use leptos::{ev, prelude::*};
use tertulia_shared::chat::MAX_NAME_CHARS;

/// Asks for a name; `renaming` is whether there is one already.
#[component]
pub(crate) fn NameForm(renaming: RwSignal<bool>) -> impl IntoView {
    let app = app();
    let (chat, texts) = (app.chat, app.texts());
    let has_name = chat.name.with_untracked(Option::is_some);
    let typed = RwSignal::new(chat.name.get_untracked().unwrap_or_default());
    // The form goes when the name is taken; a refusal leaves it, with the reason.
    let submit = move |event: ev::SubmitEvent| {
        event.prevent_default();
        actions::enter(app, typed.get_untracked().trim().to_owned());
    };
    let asked = StoredValue::new(chat.name.get_untracked());
    Effect::new(move |_| {
        let name = chat.name.get();
        if name != asked.get_value() {
            renaming.set(false);
        }
    });
    let failure = move || {
        chat.name_failure
            .with(|failure| failure.as_ref().map(|failure| texts.failure(failure)))
    };
    let cancel = move |_| {
        chat.name_failure.set(None);
        renaming.set(false);
    };
    view! {
        <form class="name-form" on:submit=submit>
            <label for="name-input">{if has_name { texts.name } else { texts.name_question }}</label>
            <div class="line">
                <input
                    id="name-input"
                    data-testid="name-input"
                    type="text"
                    autocomplete="nickname"
                    placeholder=texts.name_placeholder
                    maxlength=MAX_NAME_CHARS * 2
                    aria-describedby="name-failure"
                    aria-invalid=move || failure().is_some().to_string()
                    prop:value=move || typed.get()
                    on:input=move |event| typed.set(event_target_value(&event))
                />
                <button class="primary" type="submit" data-testid="name-submit">
                    {if has_name { texts.save } else { texts.enter }}
                </button>
                {has_name.then(|| view! { <button type="button" on:click=cancel>{texts.cancel}</button> })}
            </div>
            <p id="name-failure" class="failure" role="alert" data-testid="name-failure">{failure}</p>
        </form>
    }
}
