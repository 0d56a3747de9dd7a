//! The messages of one room: what came, what is on its way, what was missed.
//!
//! Own messages appear at once and are reconciled by their id with the acknowledgement or the broadcast, whichever
//! comes first. Not here: what was seen before or missed (`Rooms`), sending, and how messages are grouped (`rows`).

use super::failure::Failure;
use std::{collections::VecDeque, sync::Arc};
use tertulia_shared::{
    chat::{ChatMessage, Receipt},
    stream::StreamMissed,
};

/// The most entries kept of a room; older ones are dropped and counted, but for what was written here and not sent.
pub const MAX_ENTRIES: usize = 500;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Waits until the link is there, the name is taken, and the server takes more.
    Queued,
    /// Sent, not yet answered.
    Sending,
    /// In the room.
    Sent,
    /// Not accepted; the person may try again or discard it.
    Failed(Failure),
}

/// A message as the page shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The id that its sender made; empty where it made none.
    pub id: Arc<str>,
    /// The public id of the sender's peer; empty for own messages that are not in the room yet.
    pub peer: Arc<str>,
    /// The sender's name.
    pub name: Arc<str>,
    /// The text.
    pub text: Arc<str>,
    /// When the server accepted it, or when it was written while that is not known, in milliseconds since 1970.
    pub at: u64,
    /// Whether it was written on this page.
    pub own: bool,
    /// What became of it.
    pub delivery: Delivery,
    /// Whether the broadcast came.
    settled: bool,
}

/// What an entry shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// A message.
    Message(Message),
    /// So many messages of the room did not reach this page; 0 where nobody knows how many.
    Missed(u64),
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Stays the same for the life of the entry.
    pub key: u64,
    /// Grows with each change of the entry.
    pub revision: u32,
    /// What it shows.
    pub content: Content,
}

/// The log of one room.
#[derive(Clone, Debug, Default)]
pub struct ChatLog {
    entries: VecDeque<Entry>,
    next_key: u64,
    dropped: u64,
    received: u64,
}

impl ChatLog {
    /// The entries, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many old entries were dropped to keep the page fast.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many messages of others arrived so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Shows a message that is written on this page, before it is sent.
    pub fn write(&mut self, id: &str, name: &str, text: &str, now: u64) {
        self.push(Content::Message(Message {
            id: id.into(),
            peer: "".into(),
            name: name.into(),
            text: text.into(),
            at: now,
            own: true,
            delivery: Delivery::Queued,
            settled: false,
        }));
    }

    /// The ids and texts that wait to be sent, oldest first; they count as under way from now on.
    pub fn take_queued(&mut self) -> Vec<(Arc<str>, Arc<str>)> {
        let mut queued = Vec::new();
        for entry in &mut self.entries {
            let Content::Message(message) = &mut entry.content else {
                continue;
            };
            if message.delivery == Delivery::Queued {
                message.delivery = Delivery::Sending;
                queued.push((message.id.clone(), message.text.clone()));
            }
        }
        queued
    }

    /// The server accepted the own message `id`.
    pub fn accepted(&mut self, id: &str, receipt: &Receipt) {
        self.change(id, |message| {
            message.delivery = Delivery::Sent;
            message.at = receipt.at;
        });
    }

    /// The own message `id` was not accepted. It waits for the link, or for what refused it to pass, when that can help,
    /// unless it is in the room.
    pub fn failed(&mut self, id: &str, failure: Failure, link_is_up: bool) {
        let again = failure.wait().is_some() || (failure.is_transient() && !link_is_up);
        self.change(id, |message| {
            if message.delivery == Delivery::Sending {
                message.delivery = if again {
                    Delivery::Queued
                } else {
                    Delivery::Failed(failure)
                };
            }
        });
    }

    /// The reader is somebody else from now on, in whose name nothing goes out that was written before: it is told as
    /// failed. What the server took nevertheless comes back from the room. Of a private room nothing else stays here.
    pub fn disown(&mut self, is_private: bool) {
        for entry in &mut self.entries {
            if let Content::Message(message) = &mut entry.content
                && matches!(message.delivery, Delivery::Queued | Delivery::Sending)
            {
                message.delivery = Delivery::Failed(Failure::LinkLost);
                entry.revision += 1;
            }
        }
        if is_private {
            self.entries.retain(|entry| match &entry.content {
                Content::Message(message) => matches!(message.delivery, Delivery::Failed(_)),
                Content::Missed(_) => false,
            });
        }
    }

    /// Sends the failed message `id` again: as the same one, so that it is not doubled, but as a `fresh` one where that
    /// id is somebody else's.
    pub fn retry(&mut self, id: &str, fresh: &str) {
        self.change(id, |message| {
            if let Delivery::Failed(failure) = &message.delivery
                && failure.is_of_somebody_else()
            {
                message.id = fresh.into();
            }
            message.delivery = Delivery::Queued;
        });
    }

    /// Removes the own message `id`.
    pub fn discard(&mut self, id: &str) {
        self.entries.retain(|entry| !is_own(entry, id));
    }

    /// A message came from the room.
    pub fn receive(&mut self, message: ChatMessage) {
        let id = message.id.as_deref();
        let own = id.and_then(|id| self.position_of_own(id));
        let entry = match own.and_then(|at| self.entries.remove(at)) {
            Some(mut entry) => {
                entry.revision += 1;
                entry.content = Content::Message(settled(message, true));
                entry
            }
            None => {
                self.received += 1;
                self.entry(Content::Message(settled(message, false)))
            }
        };
        self.insert(entry);
    }

    /// The server says that it could not deliver some messages.
    pub fn missed(&mut self, missed: &StreamMissed) {
        let entry = self.entry(Content::Missed(missed_count(missed)));
        self.insert(entry);
    }

    fn position_of_own(&self, id: &str) -> Option<usize> {
        self.entries.iter().position(|entry| is_own(entry, id))
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Message)) {
        let at = self.position_of_own(id);
        if let Some(entry) = at.and_then(|at| self.entries.get_mut(at)) {
            entry.revision += 1;
            if let Content::Message(message) = &mut entry.content {
                change(message);
            }
        }
    }

    fn entry(&mut self, content: Content) -> Entry {
        self.next_key += 1;
        Entry {
            key: self.next_key,
            revision: 0,
            content,
        }
    }

    fn push(&mut self, content: Content) {
        let entry = self.entry(content);
        self.entries.push_back(entry);
        self.trim();
    }

    /// Puts what the room ordered before the own messages at the end that the room has not ordered yet.
    fn insert(&mut self, entry: Entry) {
        let floating = self.entries.iter().rev().take_while(|entry| floats(entry));
        let at = self.entries.len() - floating.count();
        self.entries.insert(at, entry);
        self.trim();
    }

    fn trim(&mut self) {
        while self.entries.len() > MAX_ENTRIES {
            // What is not in the room yet nobody else has.
            let Some(oldest) = self.entries.iter().position(|entry| !is_unsent(entry)) else {
                return;
            };
            self.entries.remove(oldest);
            self.dropped += 1;
        }
    }
}

/// How many messages were missed; 0 where nobody knows.
pub fn missed_count(missed: &StreamMissed) -> u64 {
    (missed.to + 1).saturating_sub(missed.from.max(1))
}

fn settled(message: ChatMessage, own: bool) -> Message {
    Message {
        id: message.id.unwrap_or_default().into(),
        peer: message.from.peer.into(),
        name: message.from.name.into(),
        text: message.text.into(),
        at: message.at,
        own,
        delivery: Delivery::Sent,
        settled: true,
    }
}

fn is_own(entry: &Entry, id: &str) -> bool {
    matches!(&entry.content, Content::Message(message) if message.own && *message.id == *id)
}

fn is_unsent(entry: &Entry) -> bool {
    matches!(&entry.content, Content::Message(message) if message.delivery != Delivery::Sent)
}

fn floats(entry: &Entry) -> bool {
    matches!(&entry.content, Content::Message(message)
        if !message.settled && !matches!(message.delivery, Delivery::Failed(_)))
}

#[cfg(test)]
#[path = "chat_log_tests.rs"]
mod tests;
