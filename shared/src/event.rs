//! Typed events: a payload struct, its wire name, its direction and its acknowledgement.
//!
//! Not here: the payloads themselves (one file a feature) and how they travel (`wire`). An event name is written
//! once, in an [`events!`](crate::events) table.

use crate::wire::args::{Args, ArgsError};
use schemars::{JsonSchema, Schema, schema_for};
use serde::{Serialize, de::DeserializeOwned};

/// A named, typed payload that one side emits and the other listens to.
///
/// Implemented only by the [`events!`](crate::events) table.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not in an `events!` table",
    label = "this payload has no event name",
    note = "add a line `\"noun:verb\": {Self};` to the `events!` table of its feature"
)]
pub trait Event: Serialize + DeserializeOwned + JsonSchema + Send + 'static {
    /// The name on the wire: `noun:verb`, lower case.
    const NAME: &'static str;
    /// What an acknowledgement carries when the event was accepted; [`NoAck`] where none is expected.
    type Ack: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
    /// Whether the payload is a sequence whose elements are the arguments, instead of being the one argument.
    const SPREAD: bool;

    /// The arguments that travel.
    ///
    /// # Errors
    /// When the payload does not encode.
    fn to_args(&self) -> Result<Args, serde_json::Error> {
        match Self::SPREAD {
            true => Args::spread(Self::NAME, self),
            false => Args::event(Self::NAME, self),
        }
    }

    /// The payload of what came.
    ///
    /// # Errors
    /// When it has not the shape of this event.
    fn from_args(args: &Args) -> Result<Self, ArgsError> {
        match Self::SPREAD {
            true => args.rest(),
            false => args.at(1),
        }
    }
}

/// An event that a client emits and the server listens to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event that a client emits",
    label = "a client cannot emit this, and a server cannot listen to it",
    note = "only lines under `client emits` in an `events!` table can be emitted by a client"
)]
pub trait ClientToServer: Event {}

/// An event that the server emits and a client listens to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an event that the server emits",
    label = "the server cannot emit this, and a client cannot listen to it",
    note = "only lines under `server emits` in an `events!` table can be emitted by the server"
)]
pub trait ServerToClient: Event {}

/// The acknowledgement type of an event that is never acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
pub enum NoAck {}

/// Which side emits an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The client emits, the server listens.
    ClientToServer,
    /// The server emits, the client listens.
    ServerToClient,
}

/// One line of an [`events!`](crate::events) table, as data: what exporters and documentation read.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The name on the wire.
    pub name: &'static str,
    /// Who emits it.
    pub direction: Direction,
    /// The JSON Schema of the payload.
    pub payload: fn() -> Schema,
    /// The JSON Schema of the acknowledgement's `ok` value, where there is one.
    pub ack: Option<fn() -> Schema>,
}

impl Entry {
    /// The entry of an event that a client emits.
    pub const fn client<E: ClientToServer>() -> Self {
        Self {
            name: E::NAME,
            direction: Direction::ClientToServer,
            payload: schema::<E>,
            ack: Some(schema::<E::Ack>),
        }
    }

    /// The entry of an event that the server emits, with the schema of its answer where it expects one.
    pub const fn server<E: ServerToClient>(ack: Option<fn() -> Schema>) -> Self {
        Self {
            name: E::NAME,
            direction: Direction::ServerToClient,
            payload: schema::<E>,
            ack,
        }
    }
}

/// The JSON Schema of a type.
pub fn schema<T: JsonSchema>() -> Schema {
    schema_for!(T)
}

/// Names that Socket.IO keeps for itself (`RESERVED_EVENTS` of the official server and client, version 4).
pub(crate) const RESERVED: &[&str] = &[
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
];

/// Whether Socket.IO keeps this name for itself.
pub const fn is_reserved(name: &str) -> bool {
    position(RESERVED, name) < RESERVED.len()
}

/// Checks the names of a table while it compiles.
///
/// # Panics
/// At compile time, with the offending name, when a name stands twice, is reserved by Socket.IO, or is not a
/// lower-case `noun:verb`.
pub const fn check_names(names: &[&str]) {
    let mut at = 0;
    while at < names.len() {
        if !is_noun_verb(names[at]) {
            refuse("event name is not a lower-case `noun:verb`: ", names[at]);
        }
        if is_reserved(names[at]) {
            refuse("event name is reserved by Socket.IO: ", names[at]);
        }
        if position(names, names[at]) < at {
            refuse("event name is written twice: ", names[at]);
        }
        at += 1;
    }
}

/// The place of `name` in `names`, or their count.
const fn position(names: &[&str], name: &str) -> usize {
    let mut at = 0;
    while at < names.len() && !same(names[at].as_bytes(), name.as_bytes()) {
        at += 1;
    }
    at
}

const fn same(left: &[u8], right: &[u8]) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() && left[at] == right[at] {
        at += 1;
    }
    at == left.len()
}

/// `[a-z0-9-]+:[a-z0-9-]+`
const fn is_noun_verb(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut colons = 0;
    let mut run = 0;
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'a'..=b'z' | b'0'..=b'9' | b'-' => run += 1,
            b':' if run > 0 => {
                colons += 1;
                run = 0;
            }
            _ => return false,
        }
        at += 1;
    }
    colons == 1 && run > 0
}

/// Fails the build with `reason` and `name` in one text.
#[expect(
    clippy::panic,
    reason = "runs while compiling only: this is how a table is refused"
)]
const fn refuse(reason: &str, name: &str) -> ! {
    let mut text = [0_u8; 160];
    let length = append(&mut text, 0, reason.as_bytes());
    let length = append(&mut text, length, name.as_bytes());
    match core::str::from_utf8(text.split_at(length).0) {
        Ok(text) => panic!("{}", text),
        Err(_) => panic!("{}", reason),
    }
}

const fn append(text: &mut [u8; 160], from: usize, part: &[u8]) -> usize {
    let mut at = 0;
    while at < part.len() && from + at < text.len() {
        text[from + at] = part[at];
        at += 1;
    }
    from + at
}

/// Names the events of one feature: the only place where an event name is written.
///
/// ```
/// # use tertulia_shared::{events, Event, Direction};
/// # use schemars::JsonSchema;
/// # use serde::{Deserialize, Serialize};
/// /// Somebody votes.
/// #[derive(Serialize, Deserialize, JsonSchema)]
/// pub struct Vote { pub choice: u8 }
/// /// How the votes stand.
/// #[derive(Serialize, Deserialize, JsonSchema)]
/// pub struct Tally { pub votes: Vec<u32> }
///
/// events! {
///     /// The events of a poll.
///     pub POLL;
///     client emits {
///         "poll:vote": Vote => Tally;
///     }
///     server emits {
///         "poll:tally": Tally;
///     }
/// }
/// assert_eq!(Vote::NAME, "poll:vote");
/// assert_eq!(POLL[1].direction, Direction::ServerToClient);
/// ```
///
/// A name that stands twice, is reserved by Socket.IO or is not a lower-case `noun:verb` does not compile.
///
/// `"board:move": Move => Receipt, spread;` is an event of several arguments: `Move` is then a tuple struct (or another
/// sequence), and each of its elements is an argument.
#[macro_export]
macro_rules! events {
    (
        $(#[$doc:meta])*
        $visibility:vis $table:ident;
        client emits { $($client:literal : $ask:ty $(=> $ack:ty)? $(, $ask_spread:ident)?;)* }
        server emits { $($server:literal : $tell:ty $(=> $answer:ty)? $(, $tell_spread:ident)?;)* }
    ) => {
        $(
            impl $crate::event::Event for $ask {
                const NAME: &'static str = $client;
                type Ack = $crate::events!(@ack $($ack)?);
                const SPREAD: bool = $crate::events!(@spread $($ask_spread)?);
            }
            impl $crate::event::ClientToServer for $ask {}
        )*
        $(
            impl $crate::event::Event for $tell {
                const NAME: &'static str = $server;
                type Ack = $crate::events!(@answer $($answer)?);
                const SPREAD: bool = $crate::events!(@spread $($tell_spread)?);
            }
            impl $crate::event::ServerToClient for $tell {}
        )*
        $(#[$doc])*
        $visibility const $table: &[$crate::event::Entry] = {
            const NAMES: &[&str] = &[$($client,)* $($server,)*];
            $crate::event::check_names(NAMES);
            &[
                $($crate::event::Entry::client::<$ask>(),)*
                $($crate::event::Entry::server::<$tell>($crate::events!(@schema $($answer)?)),)*
            ]
        };
    };
    (@spread spread) => { true };
    (@spread) => { false };
    (@ack $ack:ty) => { $ack };
    (@ack) => { () };
    (@answer $answer:ty) => { $answer };
    (@answer) => { $crate::event::NoAck };
    (@schema $answer:ty) => { Some($crate::event::schema::<$answer>) };
    (@schema) => { None };
}
