//! The components, and the state that they share.
//!
//! `state` holds the signals, `session` feeds them from the connection, `chat`, `dashboard` and `frame` show them.

#![expect(unreachable_pub, reason = "the component macro generates pub items")]

mod chat;
mod content;
mod dashboard;
mod frame;
mod hint;
mod parts;
mod refresh;
mod session;
mod sign;
mod state;

use leptos::prelude::*;
use state::App;

/// Puts the page into the document and connects it to its server.
pub fn mount() {
    mount_to_body(|| {
        provide_context(App::new());
        let app = state::app();
        app.prefs.apply();
        session::start(app);
        remove_placeholder();
        view! { <Page /> }
    });
}

/// The whole page; a change of language builds it anew, so that components read each text once.
#[component]
fn Page() -> impl IntoView {
    let app = state::app();
    let lang = move || vec![app.prefs.look.get().lang.tag().to_owned()];
    parts::list(lang, |_| view! { <frame::Frame /> }.into_any())
}

/// Removes what index.html shows until the page has started.
fn remove_placeholder() {
    if let Some(placeholder) = document().get_element_by_id("loading") {
        placeholder.remove();
    }
}
