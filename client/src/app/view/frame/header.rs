//! The name of the page, its status line, and the switches for language and theme.

use super::{icons, status::StatusLine};
use crate::app::{browser, view::state::app};
use leptos::prelude::*;

/// The head of the page.
#[component]
pub(crate) fn Header() -> impl IntoView {
    let prefs = app().prefs;
    let texts = app().texts();
    let other = prefs.lang.get_untracked().other();
    let change_lang = move |_| {
        prefs.choose_lang(other);
        browser::focus("[data-testid=lang-switch]");
    };
    let change_theme = move |_| prefs.choose_dark(!untrack(move || prefs.is_dark()));
    view! {
        <header class="head">
            <h1>{icons::logo()} "Tertulia"</h1>
            <StatusLine />
            <div class="switches">
                <button
                    type="button"
                    class="quiet"
                    data-testid="lang-switch"
                    aria-label=texts.switch_language
                    title=texts.switch_language
                    on:click=change_lang
                >
                    {other.tag().to_uppercase()}
                </button>
                <button
                    type="button"
                    class="quiet"
                    data-testid="theme-switch"
                    aria-label=texts.theme_dark
                    title=texts.theme_dark
                    aria-pressed=move || prefs.is_dark().to_string()
                    on:click=change_theme
                >
                    {move || if prefs.is_dark() { icons::sun() } else { icons::moon() }}
                </button>
            </div>
        </header>
    }
}
