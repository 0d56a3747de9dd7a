//! Streams of typed events, of all events and of statuses.

use super::Received;
use crate::socketio::{ReplyTo, Status};
use futures_channel::mpsc;
use futures_core::Stream;
use std::{
    future::Future,
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
    receiver: Received,
    event: PhantomData<fn() -> E>,
}

impl<E> Listener<E> {
    pub(super) fn new(receiver: Received) -> Self {
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
        next.map(|args| args.map(|(args, _)| E::from_args(&args)))
    }
}

/// The next event of a kind; `None` where the driver stops before it comes.
#[derive(Debug)]
pub struct Once<E>(Listener<E>);

impl<E> Once<E> {
    pub(super) fn new(listener: Listener<E>) -> Self {
        Self(listener)
    }
}

impl<E: ServerToClient> Future for Once<E> {
    type Output = Option<Result<E, ArgsError>>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll_next(context)
    }
}

/// An event as it passed.
#[derive(Clone, Debug, PartialEq)]
pub enum Tapped {
    /// The server emitted it; where it expects an acknowledgement, with what that is for.
    In(Args, Option<ReplyTo>),
    /// This side emitted it.
    Out(Args),
}

/// Every event, in and out, in order. Dropping it ends the listening.
#[derive(Debug)]
pub struct Tap(mpsc::UnboundedReceiver<Tapped>);

impl Tap {
    pub(super) fn new(receiver: mpsc::UnboundedReceiver<Tapped>) -> Self {
        Self(receiver)
    }
}

impl Stream for Tap {
    type Item = Tapped;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Tapped>> {
        Pin::new(&mut self.0).poll_next(context)
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
