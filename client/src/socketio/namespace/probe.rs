//! Asking the server whether it is there, beside what the application emits.
//!
//! Not here: when it is asked, and what follows from silence (`client/silence`).

use super::{Namespace, NamespaceOutput};
use tertulia_shared::wire::{
    args::Args,
    socket::{AckId, Kind},
};

impl Namespace {
    /// Emits an event ahead of what waits, only to have it acknowledged. Gives whether it was sent.
    pub(in crate::socketio) fn probe(&mut self, args: Args) -> bool {
        let ack = self.outbox.fresh_ack();
        self.probe = Some(ack);
        self.send(Kind::Event(Some(ack), args)).is_ok()
    }

    /// Whether this acknowledges the probe; then it is told.
    pub(super) fn answers_probe(&mut self, ack: AckId) -> bool {
        let answers = self.probe.take_if(|probe| *probe == ack).is_some();
        if answers {
            self.outputs.push_back(NamespaceOutput::Answered);
        }
        answers
    }

    /// Whether an acknowledgement of an emit is waited for.
    pub(in crate::socketio) fn waits(&self) -> bool {
        self.outbox.waits()
    }
}
