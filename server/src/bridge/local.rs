//! The broker inside this process, as who publishes much to it has it: without a connection between them, which was a third
//! of what a chat message cost.

use super::link::Confirmation;
use std::fmt;
use tertulia_shared::Topic;

/// A message for the broker.
#[derive(Clone, Debug)]
pub struct Outgoing {
    /// The topic to which it is published.
    pub topic: Topic,
    /// What it says.
    pub payload: String,
    /// Its user properties, names and values.
    pub properties: Vec<(String, String)>,
}

/// A broker in this process.
pub trait Local: fmt::Debug + Send + Sync {
    /// Publishes with QoS 1 as the client `from`, whose own subscriptions get nothing of it. The confirmation does it: it
    /// comes once all subscribers' queues have the message.
    fn publish(&self, from: &str, message: Outgoing) -> Confirmation;
}
