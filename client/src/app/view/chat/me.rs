//! The public ids under which the reader writes: always the same one with a session token, a new one for each connection
//! without. A message from one of them is the reader's own, also after a reload and in another tab.

use crate::app::view::state::ChatState;
use leptos::prelude::*;

impl ChatState {
    /// The reader writes under this public id from now on.
    pub(crate) fn be(self, peer: &str) {
        if !peer.is_empty() && !self.is_mine(peer) {
            self.mine.update_value(|mine| mine.push(peer.to_owned()));
            self.changed.set_value(true);
        }
    }

    /// Whether the reader writes, or has written, under that public id.
    pub(crate) fn is_mine(self, peer: &str) -> bool {
        self.mine
            .with_value(|mine| mine.iter().any(|it| it == peer))
    }
}
