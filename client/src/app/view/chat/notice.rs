//! The result of the last command that was typed, and a choice if several people have the name that it named.
//!
//! Not here: the commands (`sending`).

use super::sending;
use crate::app::{
    browser,
    view::{
        content::content,
        parts::{button, list},
        state::app,
    },
};
use leptos::prelude::*;

/// What the page answers to a command.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Notice {
    pub(crate) words: String,
    /// The people who may be meant, each as name and tag.
    pub(crate) choices: Vec<String>,
}

impl From<String> for Notice {
    fn from(words: String) -> Self {
        let choices = Vec::new();
        Self { words, choices }
    }
}

/// The answer above the composer.
#[component]
pub(crate) fn Answer() -> impl IntoView {
    let app = app();
    let view = app.chat.view;
    let choice = move |name: String| {
        let label = name.clone();
        let choose = move || {
            browser::focus("#message-input");
            sending::choose(app, name.clone());
        };
        view! { <li>{button(["", "choice"], move || label.clone(), choose)}</li> }.into_any()
    };
    let choices = move || view.with(|view| view.notice.choices.clone());
    view! {
        <p
            id="notice"
            class="notice"
            role="status"
            data-testid="notice"
            prop:textContent=content(move || view.with(|view| view.notice.words.clone()))
        ></p>
        <ul class="choices" translate="no" aria-labelledby="notice">{list(choices, choice)}</ul>
    }
}
