//! The Socket.IO client as a pure state machine: no sockets, no clock, no tasks, no randomness.
//!
//! Time is an argument: a [`Duration`](std::time::Duration) since an epoch that the caller chose and never changes.
//! A driver does, in a loop: drain [`Client::poll_output`], arm one timer for [`Client::poll_timeout`], and feed one
//! [`Client::handle_command`], [`Client::handle_input`] or [`Client::handle_timeout`].
//!
//! Source: the Engine.IO protocol document (revision 4) and the Socket.IO protocol document (revision 5).

mod auth;
mod backoff;
mod client;
mod endpoint;
mod io;
mod namespace;
mod options;
mod session;
mod status;
mod timers;

pub use auth::{AskAuth, Asked, Auth};
pub use backoff::Backoff;
pub use client::{Client, Command, Event, NamespaceId, Output};
pub use endpoint::{Endpoint, EndpointError};
pub use io::{Action, Frame, Input, IoId};
pub use namespace::{Delivery, EmitId, ReplyTo, Settled, Unsettled};
pub use options::Options;
pub use status::{Link, Reason, Refusal, Status, Transport};
