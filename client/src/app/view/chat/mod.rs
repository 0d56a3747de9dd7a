//! The chat panel: the room, who is there, what is said, and where to write.

pub(crate) mod actions;
mod composer;
mod message;
mod messages;
mod name_form;
mod people;
mod room_bar;

use super::{
    parts::{live, memo},
    state::app,
};
use crate::app::browser;
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
        <RoomBar />
        <People />
        <Messages />
        {live(foot)}
    }
}

/// A number from 0 to 7 for the colour of a name.
fn hue(name: &str) -> u32 {
    let sum = name.bytes().fold(5_u32, |sum, byte| {
        sum.wrapping_mul(31).wrapping_add(u32::from(byte))
    });
    // The golden ratio spreads names that differ little (Knuth); the upper bits are the mixed ones.
    sum.wrapping_mul(0x9e37_79b1) >> 29
}
