//! A command to any target of a device, also to one that the device never spoke of.

use super::{actions, card::Watched};
use crate::app::{
    browser,
    view::parts::{submit, typed, words},
};
use leptos::{ev, prelude::*};
use tertulia_shared::sensor::Value;

/// A folded form: target, value, send.
#[component]
pub(super) fn CommandForm(device: Watched) -> impl IntoView {
    let app = device.app;
    let texts = app.texts();
    let (target, value) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let name = device.name.clone();
    let send = submit(move || {
        let (to, text) = (target.get_untracked(), value.get_untracked());
        if !to.trim().is_empty() && !text.trim().is_empty() {
            actions::command(app, &name, to.trim(), Value::Text(text.trim().to_owned()));
            value.set(String::new());
        }
    });
    let input = move |signal: RwSignal<String>, label: &'static str, test: &'static str| {
        view! {
            <input
                type="text"
                data-testid=test
                aria-label=label
                placeholder=label
                autocapitalize="none"
                prop:value=words(move || signal.get())
                on:input=typed(signal)
            />
        }
        .into_any()
    };
    // Esc closes what is open, and the focus goes back to what opened it.
    let on_key = move |event: ev::KeyboardEvent| {
        if event.key() == "Escape" && !event.is_composing() {
            browser::fold(&event);
        }
    };
    view! {
        <details class="command" data-testid="command" on:keydown=on_key>
            <summary>{texts.send_command}</summary>
            <form on:submit=send>
                {input(target, texts.target, "command-target")}
                {input(value, texts.value, "command-value")}
                <button type="submit" data-testid="command-send">{texts.send}</button>
            </form>
        </details>
    }
}
