//! The tabs with which a phone changes between the panels.

use crate::app::{
    browser,
    view::{
        content::content,
        parts::{effect, nothing, press, when, words},
        state::{App, Tab, app},
    },
};
use leptos::{ev, prelude::*};
use std::cell::Cell;

/// The tabs; a wide screen shows both panels and hides them.
#[component]
pub(crate) fn Tabs() -> impl IntoView {
    let app = app();
    let texts = app.texts();
    let prefs = app.prefs;
    // Two tabs: either arrow goes to the other one.
    let on_key = move |event: ev::KeyboardEvent| {
        if matches!(event.key().as_str(), "ArrowLeft" | "ArrowRight") {
            let (next, selector) = match prefs.look.get_untracked().tab {
                Tab::Chat => (Tab::Dashboard, "#tab-dashboard"),
                Tab::Dashboard => (Tab::Chat, "#tab-chat"),
            };
            prefs.choose_tab(next);
            browser::focus(selector);
        }
    };
    let unseen = unseen();
    let badge = when(
        move || unseen.get() > 0,
        move || {
            let count = content(move || unseen.get().to_string());
            view! { <span class="badge" translate="no" prop:textContent=count></span> }.into_any()
        },
    );
    view! {
        <div class="tabs" role="tablist" aria-label=texts.tabs on:keydown=on_key>
            {tab(app, Tab::Chat, ["tab-chat", "panel-chat", texts.chat], badge)}
            {tab(app, Tab::Dashboard, ["tab-dashboard", "panel-dashboard", texts.devices], nothing())}
        </div>
    }
}

fn tab(app: App, tab: Tab, [id, panel, name]: [&'static str; 3], badge: AnyView) -> AnyView {
    let prefs = app.prefs;
    let is_open = move || prefs.look.get().tab == tab;
    view! {
        <button
            type="button"
            role="tab"
            id=id
            data-testid=id
            aria-controls=panel
            aria-selected=words(move || is_open().to_string())
            tabindex=words(move || if is_open() { "0" } else { "-1" }.to_owned())
            on:click=press(move || prefs.choose_tab(tab))
        >
            {name}
            {badge}
        </button>
    }
    .into_any()
}

/// How many messages came while the other tab was open.
fn unseen() -> RwSignal<u32> {
    let app = app();
    let seen = Cell::new(0);
    let unseen = RwSignal::new(0);
    effect(move || {
        let received = app.chat.view.with(|view| view.received);
        if app.prefs.look.get().tab == Tab::Chat {
            seen.set(received);
        }
        unseen.set(received.saturating_sub(seen.get()) as u32);
    });
    unseen
}
