//! Answering events that the server emits with acknowledgement.

use super::{EmitError, Received, line::WeakConnection};
use crate::socketio::ReplyTo;
use futures_core::Stream;
use serde::Serialize;
use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};
use tertulia_shared::{
    Reject, Reply, ServerToClient,
    wire::args::{Args, ArgsError},
};

/// The events of one kind, each with its responder. Dropping it ends the listening.
#[derive(Debug)]
pub struct Answers<E> {
    receiver: Received,
    connection: WeakConnection,
    event: PhantomData<fn() -> E>,
}

impl<E> Answers<E> {
    pub(super) fn new(receiver: Received, connection: WeakConnection) -> Self {
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
                (E::from_args(&args), responder)
            })
        })
    }
}

/// Answers one event, once. Dropping it answers nothing: the server waits until its own time is over.
#[derive(Debug)]
pub struct Responder<A> {
    connection: WeakConnection,
    ack: Option<ReplyTo>,
    answer: PhantomData<fn(A)>,
}

impl<A: Serialize> Responder<A> {
    /// Whether the server waits for an answer.
    pub fn is_awaited(&self) -> bool {
        self.ack.is_some()
    }

    /// Answers at once, not at the first `await`; where the server does not wait for it, that is all.
    ///
    /// # Errors
    /// When the answer does not encode, is longer than the server takes, the connection that brought the event is gone,
    /// or its last handle is.
    pub fn answer(
        self,
        answer: Result<A, Reject>,
    ) -> impl Future<Output = Result<(), EmitError>> + use<A> {
        let args = match self.connection.plain_acks {
            false => Args::ack(&Reply::from(answer)),
            true => answer.map_or_else(|reject| Args::ack(&reject), |value| Args::ack(&value)),
        };
        let replied = args.map(|args| self.reply(args));
        async move {
            match replied.map_err(|error| EmitError::Encode(error.to_string()))? {
                Some(replied) => replied?.await,
                None => Ok(()),
            }
        }
    }

    /// `None` where the server does not wait for an answer.
    fn reply(
        &self,
        args: Args,
    ) -> Option<Result<impl Future<Output = Result<(), EmitError>> + use<A>, EmitError>> {
        let to = self.ack?;
        let connection = self.connection.upgrade().ok_or(EmitError::Stopped);
        Some(connection.map(|connection| connection.reply(to, args)))
    }
}
