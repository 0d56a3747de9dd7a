//! One line of the log.

use super::{actions, hue};
use crate::app::{
    model::{
        chat_log::{Content, Delivery, Message},
        rows::Row,
    },
    text,
    view::state::{App, app},
};
use leptos::prelude::*;

/// A message with what stands before it, or a line that tells what was missed.
#[component]
pub(crate) fn Line(row: Row) -> impl IntoView {
    let app = app();
    match row.entry.content {
        Content::Missed(count) => missed(app, count),
        Content::Message(message) => {
            let day = row.first_of_day.then(|| day(app, message.at));
            (day, bubble(app, message, row.first_of_group)).into_any()
        }
    }
}

fn missed(app: App, count: u64) -> AnyView {
    let texts = app.texts();
    let words = text::plural(count, texts.missed_one, texts.missed_many);
    view! { <p class="missed" data-testid="missed">{words}</p> }.into_any()
}

fn day(app: App, at: u64) -> AnyView {
    let words = app.prefs.intl.with_value(|intl| intl.day(at as f64));
    view! { <p class="day"><span>{words}</span></p> }.into_any()
}

fn bubble(app: App, message: Message, leads: bool) -> AnyView {
    let time = app
        .prefs
        .intl
        .with_value(|intl| intl.time(message.at as f64));
    let name = message.name.to_string();
    let author = (leads && !message.own).then(|| {
        let class = format!("author hue-{}", hue(&name));
        view! { <span class=class>{name.clone()}</span> }
    });
    view! {
        <div
            class="message"
            class:own=message.own
            class:leads=leads
            data-testid="message"
            data-state=state(&message.delivery)
        >
            {author}
            <div class="bubble">
                <span class="hidden">{message.own.then_some(name)}</span>
                <span class="text">{message.text.to_string()}</span>
                <time>{time}</time>
            </div>
            {note(app, &message)}
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
fn note(app: App, message: &Message) -> Option<AnyView> {
    let texts = app.texts();
    let pending = |words: &'static str| view! { <p class="pending">{words}</p> }.into_any();
    match &message.delivery {
        Delivery::Sent => None,
        Delivery::Sending => Some(pending(texts.pending)),
        Delivery::Queued => Some(pending(texts.queued)),
        Delivery::Failed(failure) => {
            let words = text::fill(texts.not_sent, &[&texts.failure(failure)]);
            let (again, never) = (message.id.clone(), message.id.clone());
            let note = view! {
                <p class="failure" role="alert">
                    {words}
                    <button type="button" data-testid="retry" on:click=move |_| actions::retry(app, &again)>
                        {texts.retry}
                    </button>
                    <button type="button" data-testid="discard" on:click=move |_| actions::discard(app, &never)>
                        {texts.discard}
                    </button>
                </p>
            };
            Some(note.into_any())
        }
    }
}
