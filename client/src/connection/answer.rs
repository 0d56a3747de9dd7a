//! Answering events that the server emits with acknowledgement.

use super::{Ask, Connection};
use futures_channel::mpsc;
use futures_core::Stream;
use serde::Serialize;
use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};
use tertulia_shared::{
    Reject, Reply, ServerToClient,
    wire::{
        args::{Args, ArgsError},
        socket::AckId,
    },
};

/// The events of one kind, each with its responder. Dropping it ends the listening.
#[derive(Debug)]
pub struct Answers<E> {
    receiver: mpsc::UnboundedReceiver<(Args, Option<AckId>)>,
    connection: Connection,
    event: PhantomData<fn() -> E>,
}

impl<E> Answers<E> {
    pub(super) fn new(
        receiver: mpsc::UnboundedReceiver<(Args, Option<AckId>)>,
        connection: Connection,
    ) -> Self {
        Self {
            receiver,
            connection,
            event: PhantomData,
        }
    }
}

impl<E: ServerToClient> Stream for Answers<E> {
    type Item = (Result<E, ArgsError>, Responder<E::Ack>);

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.receiver).poll_next(context);
        next.map(|event| {
            event.map(|(args, ack)| {
                let responder = Responder {
                    connection: self.connection.clone(),
                    ack,
                    answer: PhantomData,
                };
                (args.at(1), responder)
            })
        })
    }
}

/// Answers one event, once. Dropping it answers nothing: the server waits until its own time is over.
#[derive(Debug)]
pub struct Responder<A> {
    connection: Connection,
    ack: Option<AckId>,
    answer: PhantomData<fn(A)>,
}

impl<A: Serialize> Responder<A> {
    /// Whether the server waits for an answer.
    pub fn is_awaited(&self) -> bool {
        self.ack.is_some()
    }

    /// Answers; nothing happens where the server does not wait for it, or the connection is gone.
    ///
    /// # Errors
    /// When the answer does not encode.
    pub fn answer(self, answer: Result<A, Reject>) -> Result<(), serde_json::Error> {
        if let Some(ack) = self.ack {
            let args = Args::ack(&Reply::from(answer))?;
            self.connection.ask(Ask::Reply(ack, args));
        }
        Ok(())
    }
}
