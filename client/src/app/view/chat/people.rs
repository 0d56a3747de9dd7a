//! Who is in the room.

use super::hue;
use crate::app::{
    model::people::label,
    view::{content::content, frame::icons, parts::list, state::app},
};
use leptos::prelude::*;

/// The people in the room, by name.
#[component]
pub(crate) fn People() -> impl IntoView {
    let app = app();
    let (view, texts) = (app.chat.view, app.texts());
    // One entry a peer; the name stands first, so that another name or tag is another entry.
    let entries = move || {
        view.with(|view| {
            let people = view.present.iter();
            people
                .map(|person| {
                    let is_me = view.peer.as_ref() == Some(&person.peer);
                    let you = if is_me { texts.you } else { "" };
                    let label = label(&person.name, person.tag.as_deref());
                    format!("{label}\n{you}\n{}", person.peer)
                })
                .collect()
        })
    };
    let person = move |entry: String| {
        let mut parts = entry.split('\n');
        let name = parts.next().unwrap_or_default().to_owned();
        let class = format!("person hue-{}", hue(&name));
        let name = match parts.next() {
            None | Some("") => name,
            Some(you) => format!("{name} ({you})"),
        };
        view! { <li class=class dir="auto" data-testid="person">{name}</li> }.into_any()
    };
    let count = move || view.with(|view| view.people).to_string();
    view! {
        <div class="people">
            <span class="count" aria-hidden="true">
                {icons::people()} <span prop:textContent=content(count)></span>
            </span>
            <ul translate="no" tabindex="0" aria-label=texts.people>{list(entries, person)}</ul>
        </div>
    }
}
