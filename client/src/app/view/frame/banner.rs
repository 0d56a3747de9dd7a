//! The banner that tells a gap in the link, once it is long enough to bother anybody with.

use crate::{
    app::{
        text,
        view::state::{App, app},
    },
    socketio::Link,
};
use leptos::prelude::*;

/// Says that there is no link, when the next attempt comes, and lets the reader try now.
#[component]
pub(crate) fn Banner() -> impl IntoView {
    let app = app();
    let link = app.link;
    let texts = app.texts();
    let told = Memo::new(move |_| {
        let now = link.moment.get();
        link.gap.with(|gap| gap.is_told(now))
    });
    let retry = move |_| {
        link.connection.with_value(|connection| {
            if let Some(connection) = connection {
                connection.connect();
            }
        });
    };
    view! {
        <Show when=move || told.get()>
            <div class="banner" role="status" data-testid="banner">
                <span>{move || words(app)}</span>
                <span class="attempt" aria-hidden="true">{move || attempt(app)}</span>
                <button type="button" data-testid="retry-now" on:click=retry>
                    {texts.retry_now}
                </button>
            </div>
        </Show>
    }
}

fn words(app: App) -> String {
    let texts = app.texts();
    let now = app.link.second.get();
    if let Some(seconds) = app.link.gap.with(|gap| gap.countdown(now)) {
        return text::fill(texts.banner_waiting, &[&seconds.to_string()]);
    }
    let is_over = app.link.status.with(|status| {
        let link = status.as_ref().map(|status| &status.link);
        matches!(link, Some(Link::Disconnected(_)) | None)
    });
    let words = if is_over {
        texts.banner_disconnected
    } else {
        texts.banner_connecting
    };
    words.to_owned()
}

fn attempt(app: App) -> Option<String> {
    let attempt = app.link.gap.with(|gap| gap.attempt);
    (attempt > 0).then(|| text::fill(app.texts().attempt, &[&attempt.to_string()]))
}
