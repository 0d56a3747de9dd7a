//! The chat panel: the room, who is there, what is said, and where to write.

pub(crate) mod actions;
mod composer;
mod me;
mod message;
mod messages;
mod name_form;
pub(crate) mod notice;
pub(crate) mod outbox;
mod people;
mod room_bar;
pub(crate) mod sending;

use super::{
    parts::{live, memo, plain_button, when},
    state::app,
};
use crate::app::browser::{self, storage};
use composer::Composer;
use leptos::prelude::*;
use messages::Messages;
use name_form::NameForm;
use people::People;
use room_bar::RoomBar;

/// The chat.
#[component]
pub(crate) fn ChatPanel() -> impl IntoView {
    let chat = app().chat;
    let renaming = RwSignal::new(false);
    let is_named = memo(move || chat.view.with(|view| view.name.is_some()));
    let (mut asked, mut renamed) = (false, false);
    let foot = move || {
        // Nobody is asked anew, as who has no name to keep and nothing to sign out of.
        if !is_named.get() {
            renaming.update_untracked(|renaming| *renaming = false);
        }
        let writes = is_named.get() && !renaming.get();
        let had_asked = std::mem::replace(&mut asked, !writes);
        let had_renamed = std::mem::replace(&mut renamed, renaming.get_untracked());
        match (writes, had_asked) {
            (false, _) => {
                if renamed {
                    browser::focus("#name-input");
                }
                return view! { <NameForm renaming=renaming /> }.into_any();
            }
            (true, true) if had_renamed => browser::focus("[data-testid=name-change]"),
            (true, true) => browser::focus("#message-input"),
            (true, false) => {}
        }
        view! { <Composer renaming=renaming /> }.into_any()
    };
    view! {
        <h2 class="hidden">{app().texts().chat}</h2>
        {when(storage::is_refused, nothing_kept)}
        <RoomBar />
        <People />
        <Messages />
        {live(foot)}
    }
}

/// Says that the browser stores nothing, until the reader closes it.
fn nothing_kept() -> AnyView {
    let texts = app().texts();
    let is_read = RwSignal::new(false);
    let close = move || {
        plain_button(["", "nothing-kept-close"], texts.understood, move || {
            is_read.set(true)
        })
    };
    when(
        move || !is_read.get(),
        move || {
            view! {
                <div class="nothing-kept" role="status" data-testid="nothing-kept">
                    <p>{texts.nothing_kept}</p>
                    {close()}
                </div>
            }
            .into_any()
        },
    )
}

/// A number from 0 to 7 for the colour of a name.
fn hue(name: &str) -> u32 {
    let sum = name.bytes().fold(5_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    // The golden ratio spreads names that differ little (Knuth); the upper bits are the mixed ones.
    sum.wrapping_mul(0x9e37_79b1) >> 29
}
