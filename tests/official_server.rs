//! Our client, natively, talks to the official Node server: one file a theme.
//!
//! Here is only what they share: the events of `peers/server.mjs`.

mod binary;
mod connections;
mod emitting;
mod listening;
mod page;
mod reasons;
mod reconnection;
mod recovery;
mod retries;
mod stopping;
mod tls;
mod transports;
mod upgrade;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tertulia_client::connection::Transport;
use tertulia_shared::{events, wire::binary::Binary};

/// What a test is run over where the transport may matter.
const BOTH: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

/// The server asks something.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Question {
    text: String,
}

/// The server tells something.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct News {
    n: u32,
}

/// One of many, in order; every third one carries a binary.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Tick {
    n: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Binary>,
}

/// One of many, in order, the other way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Tock {
    n: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Binary>,
}

impl Tock {
    fn number(n: u32) -> Self {
        let bytes = n.is_multiple_of(3).then(|| binary(&[(n % 256) as u8]));
        Self { n, bytes }
    }
}

/// Moves a piece: an event of two arguments, the first with a binary.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Move(Piece, String);

#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Piece {
    name: String,
    mark: Binary,
}

/// The server says that a piece has moved: an event of two arguments.
#[derive(Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Moved(Piece, String);

/// Comes back as it went.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Album {
    title: String,
    pictures: Vec<Picture>,
    cover: Binary,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Picture {
    pixels: Binary,
    note: Option<String>,
}

events! {
    /// The events of the test's server.
    TEST;
    client emits {
        "test:echo": Album => Album;
        "test:move": Move => String, spread;
        "test:tock": Tock => u32;
    }
    server emits {
        "test:question": Question => String;
        "test:news": News;
        "test:tick": Tick;
        "test:moved": Moved, spread;
    }
}

#[test]
fn the_events_of_the_server_are_a_table() {
    assert_eq!(TEST.len(), 7);
}

fn binary(bytes: &[u8]) -> Binary {
    Binary(bytes.to_vec().into())
}
