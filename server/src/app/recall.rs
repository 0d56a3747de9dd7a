//! The start: what is kept for readers who come back, and the chat's share of it out of the store.

use super::{App, chat};
use crate::{hub::History, store::StoreError};

/// The most stored messages that are in memory right after the start; with many rooms, each has fewer.
const MAX_RECALLED: usize = 100_000;

impl App {
    /// Says what is kept for readers who come back, and recalls what was said before the server started: for the start,
    /// before anybody reads or publishes.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn recall(&self, history: History) -> Result<(), StoreError> {
        self.hub.keep(history.clone());
        let rooms = self.store.rooms();
        let share = (MAX_RECALLED / rooms.len().max(1)).max(1);
        for (room, position) in rooms {
            let limit = history.of(&room).count.min(share);
            let said = self.store.history(&room, limit as u64)?;
            self.hub.number(&room, position.last);
            for saved in said {
                let born = saved.born;
                if let Some(message) = chat::message(saved) {
                    self.hub.deliver_stored(message, born);
                }
            }
        }
        Ok(())
    }
}
