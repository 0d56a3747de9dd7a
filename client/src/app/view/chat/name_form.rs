//! Choosing a name, at first and later.

use super::actions;
use crate::app::{
    browser::{self, storage},
    model::failure::Failure,
    view::{
        content::content,
        parts::{effect, nothing, plain_button, submit, typed, when, words},
        sign,
        state::{App, app},
    },
};
use leptos::{ev, prelude::*};
use tertulia_shared::{Code, chat::MAX_NAME_CHARS};

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
    let remembered = current.clone().or_else(|| storage::get("name"));
    let name = RwSignal::new(remembered.unwrap_or_default());
    let password = RwSignal::new(String::new());
    let take = submit(move || {
        let name = name.get_untracked().trim().to_owned();
        let password = password.get_untracked();
        let is_same = view.with_untracked(|view| view.name.as_ref() == Some(&name));
        if is_same && password.is_empty() {
            renaming.set(false);
        } else {
            actions::enter(app, name, password);
        }
    });
    let secret = when(
        move || view.with(|view| view.asks_password),
        move || {
            browser::focus("#password-input");
            secret(texts.password, password)
        },
    );
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
                .map(|failure| refusal(app, failure))
                .unwrap_or_default()
        })
    };
    let has_name = current.is_some();
    let close = move || {
        view.update(|view| view.name_failure = None);
        renaming.set(false);
    };
    let cancel = match has_name {
        true => plain_button(["", "name-cancel"], texts.cancel, close),
        false => nothing(),
    };
    let on_key = move |event: ev::KeyboardEvent| {
        if has_name && event.key() == "Escape" && !event.is_composing() {
            close();
        }
    };
    let leave = match app.chat.who.with_value(String::is_empty) {
        false => plain_button(["", "sign-out"], texts.sign_out, move || {
            sign::sign_out(app)
        }),
        true => nothing(),
    };
    view! {
        <form class="name-form" on:submit=take on:keydown=on_key>
            <label for="name-input">{question}</label>
            <div class="line">
                <input
                    id="name-input"
                    data-testid="name-input"
                    type="text"
                    dir="auto"
                    autocomplete="username"
                    placeholder=texts.name_placeholder
                    maxlength=MAX_NAME_CHARS * 2
                    aria-describedby="name-failure"
                    aria-invalid=words(move || (!failure().is_empty()).to_string())
                    prop:value=words(move || name.get())
                    on:input=typed(name)
                />
                <button class="primary" type="submit" data-testid="name-submit">{enter}</button>
                {cancel}
                {leave}
            </div>
            {secret}
            <p
                id="name-failure"
                class="failure"
                role="alert"
                data-testid="name-failure"
                prop:textContent=content(failure)
            ></p>
        </form>
    }
}

/// Why the name was refused. Only a registered user is refused a valid name.
fn refusal(app: App, failure: &Failure) -> String {
    let is_bad = matches!(failure, Failure::Refused(reject) if reject.code == Code::BadName);
    if is_bad && sign::pass().is_some_and(|pass| pass.registered) {
        return app.texts().name_kept.to_owned();
    }
    app.texts().failure(failure)
}

/// The field for the password, where the name is to be proved.
fn secret(label: &'static str, password: RwSignal<String>) -> AnyView {
    view! {
        <label for="password-input">{label}</label>
        <div class="line">
            <input
                id="password-input"
                data-testid="password-input"
                type="password"
                autocomplete="current-password"
                aria-describedby="name-failure"
                on:input=typed(password)
            />
        </div>
    }
    .into_any()
}
