//! Who is in the room.

use super::hue;
use crate::app::view::{frame::icons, state::app};
use leptos::prelude::*;

/// The people in the room, by name.
#[component]
pub(crate) fn People() -> impl IntoView {
    let app = app();
    let (chat, texts) = (app.chat, app.texts());
    let is_me = move |peer: &str| chat.peer.with(|own| own.as_deref() == Some(peer));
    view! {
        <div class="people">
            <span class="count" aria-hidden="true">
                {icons::people()} {move || chat.present.with(Vec::len)}
            </span>
            <ul aria-label=texts.people>
                <For
                    each=move || chat.present.get()
                    key=|person| (person.peer.clone(), person.name.clone())
                    let:person
                >
                    <li class=format!("person hue-{}", hue(&person.name)) data-testid="person">
                        {person.name.clone()}
                        {move || is_me(&person.peer).then(|| format!(" ({})", texts.you))}
                    </li>
                </For>
            </ul>
        </div>
    }
}
