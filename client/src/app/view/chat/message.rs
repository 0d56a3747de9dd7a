//! One line of the log.

use super::{hue, sending};
use crate::app::{
    model::{
        message::{Content, Delivery, Message},
        people::label,
        rows::Row,
    },
    text,
    view::{
        parts::{note, nothing, plain_button},
        state::{App, app},
    },
};
use leptos::prelude::*;
use std::sync::Arc;

/// A message with what stands before it, or a line that tells what was missed.
pub(crate) fn line(row: Row) -> AnyView {
    let app = app();
    match row.entry.content {
        Content::Missed(count) => missed(app, count),
        Content::Message(message) => {
            let day = match row.first_of_day {
                true => day(app, message.at),
                false => nothing(),
            };
            let sender = sender(app, &message, row.tag, (row.is_own, row.first_of_group));
            (
                day,
                bubble(app, message, sender, (row.is_own, row.first_of_group)),
            )
                .into_any()
        }
    }
}

fn missed(app: App, count: u64) -> AnyView {
    let texts = app.texts();
    let words = match count {
        0 => texts.missed_unknown.to_owned(),
        _ => text::plural(count, texts.missed_one, texts.missed_many),
    };
    note("missed", words)
}

fn day(app: App, at: u64) -> AnyView {
    let words = app.prefs.intl.with_value(|intl| intl.day(at as f64));
    note("day", words)
}

/// The sender: visible at the head of a group, for screen readers only elsewhere. An own message has a visible head only if it
/// came through a broker.
fn sender(app: App, message: &Message, tag: Option<Arc<str>>, shape: (bool, bool)) -> AnyView {
    let label = label(&message.name, tag.as_deref());
    let color = hue(&label);
    let (class, named) = match shape {
        (false, true) => (format!("author hue-{color}"), ""),
        (true, true) if message.by_broker => ("author".to_owned(), "hidden"),
        _ => ("hidden".to_owned(), ""),
    };
    let mark = match message.by_broker {
        true => mark(app),
        false => nothing(),
    };
    view! { <span class=class dir="auto" translate="no"><span class=named>{label}</span> " " {mark}</span> }
        .into_any()
}

/// The mark of what came through a broker.
fn mark(app: App) -> AnyView {
    let sent = app.texts().sent_through;
    view! {
        <span class="via" data-testid="via"><span class="hidden">{sent} " "</span> "MQTT"</span>
    }
    .into_any()
}

fn bubble(app: App, message: Message, sender: AnyView, (is_own, leads): (bool, bool)) -> AnyView {
    let time = app
        .prefs
        .intl
        .with_value(|intl| intl.time(message.at as f64));
    let own = if is_own { " own" } else { "" };
    let group = if leads { " leads" } else { "" };
    view! {
        <div class=format!("message{own}{group}") data-testid="message" data-state=state(&message.delivery)>
            {sender}
            <div class="bubble">
                <span class="text" dir="auto">{message.text.to_string()}</span>
                <time translate="no">{time}</time>
            </div>
            {delivery(app, &message)}
        </div>
    }
    .into_any()
}

fn state(delivery: &Delivery) -> &'static str {
    match delivery {
        Delivery::Queued | Delivery::Sending => "pending",
        Delivery::Sent => "sent",
        Delivery::Failed(_) => "failed",
    }
}

/// What stands below a message that is not in the room yet.
fn delivery(app: App, message: &Message) -> AnyView {
    let texts = app.texts();
    let pending = |words: &'static str| note("pending", words.to_owned());
    match &message.delivery {
        Delivery::Sent => nothing(),
        Delivery::Sending => pending(texts.pending),
        Delivery::Queued => pending(texts.queued),
        Delivery::Failed(failure) => {
            let words = text::fill(texts.not_sent, &[&texts.failure(failure)]);
            let (again, never) = (message.id.clone(), message.id.clone());
            view! {
                <p class="failure" role="alert">
                    {words}
                    {plain_button(["", "retry"], texts.retry, move || sending::retry(app, &again))}
                    {plain_button(["", "discard"], texts.discard, move || sending::discard(app, &never))}
                </p>
            }
            .into_any()
        }
    }
}
