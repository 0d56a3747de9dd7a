//! The messages of one room: what came, what is on its way, what was missed.
//!
//! Own messages appear at once and are reconciled by their id with the acknowledgement or the broadcast, whichever
//! comes first. They go out one after the other, so that a refusal that passes cannot swap two of them. Not here: what was
//! seen before or missed (`Rooms`), sending, where what waits is kept (`outbox`), and how messages are grouped (`rows`).

use super::{
    failure::Failure,
    message::{Content, Delivery, Entry, Message},
    outbox::Waiting,
};
use std::{collections::VecDeque, sync::Arc};
use tertulia_shared::{
    chat::{ChatMessage, Receipt},
    stream::StreamMissed,
};

/// The most entries kept of a room while its reader follows the end. Older messages are dropped and counted; what is not
/// sent yet and the lines that tell a gap stay.
pub const MAX_ENTRIES: usize = 500;
/// The most entries kept while the reader looks at older ones. Then nothing is removed above or where the reader is: what
/// came since is dropped instead, and a line tells how much.
pub const MAX_HELD: usize = 2_000;

/// The log of one room.
#[derive(Clone, Debug, Default)]
pub struct ChatLog {
    entries: VecDeque<Entry>,
    next_key: u64,
    dropped: u64,
    received: u64,
    /// The key of the last entry that was there when the reader began to look at older ones.
    held: Option<u64>,
    /// The ids of own messages that no longer wait.
    ended: Vec<Arc<str>>,
}

impl ChatLog {
    /// The entries, oldest first.
    pub fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter()
    }

    /// How many old messages were dropped to keep the page fast.
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// How many messages of others arrived so far.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// The own messages that are not in the room.
    pub fn unsent(&self) -> impl Iterator<Item = &Message> {
        let messages = self.entries.iter().filter_map(Entry::message);
        messages.filter(|message| message.delivery != Delivery::Sent)
    }

    /// The ids of own messages that wait no longer, since this was asked last.
    pub fn take_ended(&mut self) -> Vec<Arc<str>> {
        std::mem::take(&mut self.ended)
    }

    /// The reader looks at older messages, or follows the end again.
    pub fn hold(&mut self, holds: bool) {
        if !holds {
            self.held = None;
            self.trim();
        } else if self.held.is_none() {
            self.held = Some(self.next_key);
        }
    }

    /// Shows a message that waits, before it is sent: one that was just written, or one that was kept since an earlier
    /// visit. Those that wait stand in the order in which they were written.
    pub fn write(&mut self, waiting: &Waiting) {
        if let Some(message) = self.find(&waiting.id) {
            match &message.delivery {
                // Its writer is back.
                Delivery::Failed(Failure::SignedOut) => {
                    self.change(&waiting.id, |message| message.delivery = Delivery::Queued);
                }
                Delivery::Sent => self.ended.push(waiting.id.as_str().into()),
                _ => {}
            }
            return;
        }
        let entry = self.entry(Content::Message(Message::waiting(waiting)));
        let is_later = |entry: &&Entry| {
            let message = entry.message();
            message.is_some_and(|message| message.waits() && message.at > waiting.at)
        };
        let later = self.entries.iter().rev().take_while(is_later).count();
        self.entries.insert(self.entries.len() - later, entry);
        self.trim();
    }

    /// The id and text of the next message to send, which is under way from now on. There is none while another one is.
    pub fn take_next(&mut self) -> Option<(Arc<str>, Arc<str>)> {
        if self.unsent().any(|it| it.delivery == Delivery::Sending) {
            return None;
        }
        let next = self
            .unsent()
            .find(|it| it.delivery == Delivery::Queued)
            .map(|it| (it.id.clone(), it.text.clone()))?;
        self.change(&next.0, |message| message.delivery = Delivery::Sending);
        Some(next)
    }

    /// The server accepted the own message `id`.
    pub fn accepted(&mut self, id: &str, receipt: &Receipt) {
        self.change(id, |message| {
            message.delivery = Delivery::Sent;
            (message.seq, message.at) = (receipt.seq, receipt.at);
        });
        self.ended.push(id.into());
    }

    /// The own message `id` was not accepted. It fails if the refusal is final. Otherwise it goes on waiting: nobody knows
    /// whether it arrived, and the server takes the same id only once.
    pub fn failed(&mut self, id: &str, failure: Failure) {
        self.change(id, |message| {
            if message.delivery == Delivery::Sending {
                message.delivery = if failure.is_transient() {
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
                && message.delivery != Delivery::Sent
            {
                message.delivery = Delivery::Failed(Failure::SignedOut);
                entry.revision += 1;
            }
        }
        self.entries.retain(|entry| match &entry.content {
            Content::Message(message) => match message.delivery {
                Delivery::Failed(_) => true,
                _ => message.settled && !is_private,
            },
            Content::Missed(_) => !is_private,
        });
    }

    /// Sends the failed message `id` again: as the same one, so that it is not doubled, but as a `fresh` one where that
    /// id is somebody else's. Gives the id under which it waits now.
    pub fn retry(&mut self, id: &str, fresh: &str) -> Option<Arc<str>> {
        let message = self.find(id)?;
        let Delivery::Failed(failure) = &message.delivery else {
            return None;
        };
        let is_anothers = failure.is_of_somebody_else();
        let now: Arc<str> = if is_anothers { fresh } else { id }.into();
        if is_anothers {
            self.ended.push(id.into());
        }
        self.change(id, |message| {
            message.id = now.clone();
            message.delivery = Delivery::Queued;
        });
        Some(now)
    }

    /// Removes the own message `id`.
    pub fn discard(&mut self, id: &str) {
        self.forget(id);
        self.ended.push(id.into());
    }

    /// Removes the own message `id`, which another tab sends.
    pub fn forget(&mut self, id: &str) {
        self.entries.retain(|entry| !entry.is_unsettled(id));
    }

    /// A message came from the room; `is_mine` is whether the reader wrote it, here or in another tab.
    pub fn receive(&mut self, message: ChatMessage, is_mine: bool) {
        let id: Arc<str> = message.id.as_deref().unwrap_or_default().into();
        let own = self.position_of_own(&id);
        let entry = match own.and_then(|at| self.entries.remove(at)) {
            Some(mut entry) => {
                self.ended.push(id);
                entry.revision += 1;
                entry.content = Content::Message(Message::of_room(message));
                entry
            }
            None => {
                self.received += u64::from(!is_mine);
                self.entry(Content::Message(Message::of_room(message)))
            }
        };
        self.insert(entry);
    }

    /// The server says that it could not deliver some messages.
    pub fn missed(&mut self, missed: &StreamMissed) {
        let entry = self.entry(Content::Missed(missed_count(missed)));
        self.insert(entry);
        self.merge_gaps();
    }

    fn find(&self, id: &str) -> Option<&Message> {
        let mut messages = self.entries.iter().filter_map(Entry::message);
        messages.find(|message| *message.id == *id)
    }

    fn position_of_own(&self, id: &str) -> Option<usize> {
        let mut entries = self.entries.iter();
        entries.position(|entry| entry.is_unsettled(id))
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

    /// Puts what the room ordered before the own messages at the end that the room has not ordered yet, or later.
    fn insert(&mut self, entry: Entry) {
        let seq = entry.message().map_or(0, |message| message.seq);
        let floats = |entry: &&Entry| entry.message().is_some_and(|it| it.floats_over(seq));
        let floating = self.entries.iter().rev().take_while(floats).count();
        self.entries.insert(self.entries.len() - floating, entry);
        self.trim();
    }

    /// Drops messages until the log is within its limit. Each round drops one, or ends the loop.
    fn trim(&mut self) {
        let most = if self.held.is_some() {
            MAX_HELD
        } else {
            MAX_ENTRIES
        };
        while self.entries.len() > most {
            let held = self.held.unwrap_or_default();
            let may_go = |entry: &Entry| entry.is_sent() && entry.key > held;
            let Some(at) = self.entries.iter().position(may_go) else {
                return;
            };
            match self.held {
                None => {
                    self.entries.remove(at);
                    self.dropped += 1;
                }
                // It was never shown, and stands between messages that are: a gap.
                Some(_) => self.change_at(at, Content::Missed(1)),
            }
            self.merge_gaps();
        }
    }

    /// Neighbouring gaps are one, or two: a count, and that more may be missing.
    fn merge_gaps(&mut self) {
        let mut at = 1;
        while at < self.entries.len() {
            match self.same_gap_before(at) {
                Some((before, count)) => {
                    self.change_at(before, Content::Missed(count));
                    self.entries.remove(at);
                }
                None => at += 1,
            }
        }
    }

    /// Where a gap of the same kind stands right before that at `at`, and what is missing in both.
    fn same_gap_before(&self, at: usize) -> Option<(usize, u64)> {
        let gap = |at: usize| self.entries.get(at)?.gap();
        let here = gap(at)?;
        for before in (0..at).rev() {
            let there = gap(before)?;
            if (there > 0) == (here > 0) {
                return Some((before, there + here));
            }
        }
        None
    }

    fn change_at(&mut self, at: usize, content: Content) {
        if let Some(entry) = self.entries.get_mut(at) {
            entry.content = content;
            entry.revision += 1;
        }
    }
}

/// How many messages were missed; 0 where nobody knows.
pub fn missed_count(missed: &StreamMissed) -> u64 {
    (missed.to + 1).saturating_sub(missed.from.max(1))
}

#[cfg(test)]
#[path = "chat_log_tests.rs"]
mod tests;
