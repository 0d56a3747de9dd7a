//! Between the machine and its handles: requests in, events out to who listens. It does no I/O; its driver does.

use super::Request;
use crate::{
    ordered::Ordered,
    socketio::{Action, Client, Command, EmitId, Event, Input, Link, Output, Settled, Status},
};
use futures_channel::{mpsc, oneshot};
use std::time::Duration;
use tertulia_shared::wire::args::Args;

/// A client and who waits for what of it.
#[derive(Debug)]
pub struct Dispatcher {
    client: Client,
    next_emit: EmitId,
    emits: Ordered<EmitId, oneshot::Sender<Settled>>,
    listeners: Vec<(&'static str, mpsc::UnboundedSender<Args>)>,
    watchers: Vec<mpsc::UnboundedSender<Status>>,
}

impl Dispatcher {
    /// A dispatcher that does nothing before its first request.
    pub fn new(client: Client) -> Self {
        Self {
            client,
            next_emit: 0,
            emits: Ordered::new(),
            listeners: Vec::new(),
            watchers: Vec::new(),
        }
    }

    /// Takes what a handle asks for.
    pub fn handle_request(&mut self, now: Duration, request: Request) {
        match request {
            Request::Connect => self.client.handle_command(now, Command::Connect),
            Request::Disconnect => self.client.handle_command(now, Command::Disconnect),
            Request::Retry => {
                if matches!(self.client.status().link, Link::Waiting { .. }) {
                    self.client.handle_command(now, Command::Connect);
                }
            }
            Request::Emit {
                args,
                ack_within,
                settled,
            } => self.emit(now, args, ack_within, settled),
            Request::Listen(name, sender) => {
                self.listeners.retain(|(_, listener)| !listener.is_closed());
                self.listeners.push((name, sender));
            }
            Request::Watch(sender) => {
                if sender.unbounded_send(self.client.status()).is_ok() {
                    self.watchers.push(sender);
                }
            }
        }
    }

    /// Takes what happened to an action.
    pub fn handle_input(&mut self, now: Duration, input: Input) {
        self.client.handle_input(now, input);
    }

    /// Takes the passing of time; calling it early is harmless.
    pub fn handle_timeout(&mut self, now: Duration) {
        self.client.handle_timeout(now);
    }

    /// When [`Dispatcher::handle_timeout`] is to be called next.
    pub fn poll_timeout(&self) -> Option<Duration> {
        self.client.poll_timeout()
    }

    /// Tells everybody what there is to tell, up to the next thing that the driver has to do.
    ///
    /// A driver calls it until it gives `None`, after each `handle_*`.
    pub fn poll_action(&mut self) -> Option<Action> {
        loop {
            match self.client.poll_output()? {
                Output::Action(action) => return Some(action),
                Output::Event(Event::Status(status)) => {
                    self.watchers
                        .retain(|watcher| watcher.unbounded_send(status.clone()).is_ok());
                }
                Output::Event(Event::Settled(id, settled)) => self.settle(id, settled),
                Output::Event(Event::Received(args, _)) => self.deliver(args),
            }
        }
    }

    fn emit(
        &mut self,
        now: Duration,
        args: Args,
        ack_within: Duration,
        settled: oneshot::Sender<Settled>,
    ) {
        let id = self.next_emit;
        self.next_emit += 1;
        self.emits.insert(id, settled);
        let emit = Command::Emit {
            id,
            args,
            ack_within: Some(ack_within),
        };
        self.client.handle_command(now, emit);
    }

    /// Nobody waits any more where the future of the emit was dropped.
    fn settle(&mut self, id: EmitId, settled: Settled) {
        if let Some(waiting) = self.emits.remove(id) {
            let _ = waiting.send(settled);
        }
    }

    /// An event that nobody listens to is ignored, as in every Socket.IO client.
    fn deliver(&mut self, args: Args) {
        let Ok(name) = args.name() else {
            return;
        };
        self.listeners.retain(|(listens_to, listener)| {
            *listens_to != name || listener.unbounded_send(args.clone()).is_ok()
        });
    }
}
