//! The name of the page, its status line, the switches for language and theme, and a phone's tabs.

use super::{icons, status::StatusLine, tabs::Tabs};
use crate::app::{
    browser,
    view::{
        parts::{live, memo, press, words},
        state::app,
    },
};
use leptos::prelude::*;

/// The head of the page.
#[component]
pub(crate) fn Header() -> impl IntoView {
    let prefs = app().prefs;
    let texts = app().texts();
    let other = prefs.look.get_untracked().lang.other();
    let change_lang = press(move || {
        prefs.choose_lang(other);
        browser::focus("[data-testid=lang-switch]");
    });
    let is_dark = memo(move || prefs.look.get().is_dark());
    let change_theme = press(move || prefs.choose_dark(!is_dark.get_untracked()));
    view! {
        <header class="head">
            <h1 translate="no">{icons::logo()} <span>"Tertulia"</span></h1>
            <StatusLine />
            <div class="switches">
                <button
                    type="button"
                    class="quiet"
                    translate="no"
                    lang=other.tag()
                    data-testid="lang-switch"
                    title=texts.switch_language
                    on:click=change_lang
                >
                    {other.label()}
                </button>
                <button
                    type="button"
                    class="quiet"
                    data-testid="theme-switch"
                    aria-label=texts.theme_dark
                    title=texts.theme_dark
                    aria-pressed=words(move || is_dark.get().to_string())
                    on:click=change_theme
                >
                    {live(move || if is_dark.get() { icons::sun() } else { icons::moon() })}
                </button>
            </div>
            <Tabs />
        </header>
    }
}
