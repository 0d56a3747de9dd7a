//! Streams of typed events and of statuses.

use crate::socketio::Status;
use futures_channel::mpsc;
use futures_core::Stream;
use std::{
    marker::PhantomData,
    pin::Pin,
    task::{Context, Poll},
};
use tertulia_shared::{
    ServerToClient,
    wire::args::{Args, ArgsError},
};

/// The events of one kind; a payload that does not decode is an item, not a panic. Dropping it ends the listening.
#[derive(Debug)]
pub struct Listener<E> {
    receiver: mpsc::UnboundedReceiver<Args>,
    event: PhantomData<fn() -> E>,
}

impl<E> Listener<E> {
    pub(super) fn new(receiver: mpsc::UnboundedReceiver<Args>) -> Self {
        Self {
            receiver,
            event: PhantomData,
        }
    }
}

impl<E: ServerToClient> Stream for Listener<E> {
    type Item = Result<E, ArgsError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.receiver).poll_next(context);
        next.map(|args| args.map(|args| args.at(1)))
    }
}

/// The status now, and at each change.
#[derive(Debug)]
pub struct Watcher(mpsc::UnboundedReceiver<Status>);

impl Watcher {
    pub(super) fn new(receiver: mpsc::UnboundedReceiver<Status>) -> Self {
        Self(receiver)
    }
}

impl Stream for Watcher {
    type Item = Status;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Status>> {
        Pin::new(&mut self.0).poll_next(context)
    }
}
