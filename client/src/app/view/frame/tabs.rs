//! The tabs with which a phone changes between the panels.

use crate::app::{
    browser,
    view::state::{Tab, app},
};
use leptos::{ev, prelude::*};

/// The tabs; a wide screen shows both panels and hides them.
#[component]
pub(crate) fn Tabs() -> impl IntoView {
    let app = app();
    let texts = app.texts();
    let prefs = app.prefs;
    // Two tabs: either arrow goes to the other one.
    let on_key = move |event: ev::KeyboardEvent| {
        if matches!(event.key().as_str(), "ArrowLeft" | "ArrowRight") {
            let (next, selector) = match prefs.tab.get_untracked() {
                Tab::Chat => (Tab::Dashboard, "#tab-dashboard"),
                Tab::Dashboard => (Tab::Chat, "#tab-chat"),
            };
            prefs.choose_tab(next);
            browser::focus(selector);
        }
    };
    let unseen = unseen();
    let tab = move |tab: Tab, id: &'static str, panel: &'static str, name: &'static str| {
        let is_open = move || prefs.tab.get() == tab;
        view! {
            <button
                type="button"
                role="tab"
                id=id
                data-testid=id
                aria-controls=panel
                aria-selected=move || is_open().to_string()
                tabindex=move || if is_open() { "0" } else { "-1" }
                on:click=move |_| prefs.choose_tab(tab)
            >
                {name}
                {move || (tab == Tab::Chat && unseen.get() > 0).then(|| view! { <span class="badge">{unseen.get()}</span> })}
            </button>
        }
    };
    view! {
        <div class="tabs" role="tablist" aria-label=texts.tabs on:keydown=on_key>
            {tab(Tab::Chat, "tab-chat", "panel-chat", texts.chat)}
            {tab(Tab::Dashboard, "tab-dashboard", "panel-dashboard", texts.dashboard)}
        </div>
    }
}

/// How many messages came while the other tab was open.
fn unseen() -> RwSignal<u64> {
    let app = app();
    let seen = StoredValue::new(0);
    let unseen = RwSignal::new(0);
    Effect::new(move |_| {
        let received = app.chat.received.get();
        if app.prefs.tab.get() == Tab::Chat {
            seen.set_value(received);
        }
        unseen.set(received.saturating_sub(seen.get_value()));
    });
    unseen
}
