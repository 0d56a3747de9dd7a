//! A hint in an empty panel: the command by which the reader can fill it, to be copied.
//!
//! Not here: the command itself (`model::reach`).

use super::{
    content::Content,
    parts::{button, live, nothing},
    state::{App, Lights},
};
use crate::app::{browser, model::reach};
use leptos::{html, prelude::*};
use std::sync::Arc;

/// Words and the command that publishes `message()`, a topic and a text; the second words where the broker cannot be
/// reached.
pub(crate) fn publish(
    app: App,
    words: [&'static str; 2],
    message: impl Fn() -> (String, &'static str) + Send + Sync + 'static,
) -> AnyView {
    publish_of(app, words, Arc::new(message))
}

type Message = Arc<dyn Fn() -> (String, &'static str) + Send + Sync>;

fn publish_of(app: App, [with, alone]: [&'static str; 2], message: Message) -> AnyView {
    let reach = Memo::new(move |_| {
        app.link.lights.with(|lights| {
            let bridge = lights.bridge.as_ref();
            let reach = bridge.and_then(|bridge| bridge.reach.clone());
            reach.filter(|_| Lights::bridge_is_up(lights))
        })
    });
    live(move || {
        let reach = reach.get();
        let login = reach.as_ref().is_some_and(|reach| reach.login);
        let command = reach.and_then(|reach| {
            let (topic, text) = message();
            reach::publish(&reach, &browser::server_host(), &topic, text)
        });
        match command {
            None => view! { <p>{alone}</p> }.into_any(),
            Some(command) => view! {
                <p>{with}</p>
                {line(app, command)}
                {if login { login_note(app) } else { nothing() }}
            }
            .into_any(),
        }
    })
}

fn login_note(app: App) -> AnyView {
    view! { <p>{app.texts().broker_login}</p> }.into_any()
}

/// A command and the button that copies it.
fn line(app: App, command: String) -> AnyView {
    let shown = NodeRef::<html::Code>::new();
    let is_copied = RwSignal::new(false);
    let label = move || {
        let texts = app.texts();
        if is_copied.get() {
            texts.copied
        } else {
            texts.copy
        }
        .to_owned()
    };
    let copy = button(["", "copy"], label, move || {
        is_copied.set(
            shown
                .get_untracked()
                .is_some_and(|shown| browser::copy(&shown)),
        );
    });
    view! {
        <div class="command-line">
            <code
                node_ref=shown
                translate="no"
                data-testid="command"
                prop:textContent=Content::from(command)
            ></code>
            {copy}
        </div>
    }
    .into_any()
}
