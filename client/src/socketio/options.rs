//! How a client behaves; the defaults are those of the official client 4.8.

use super::{auth::Auth, status::Transport};
use std::time::Duration;
use tertulia_shared::wire::{args::Args, socket::MAIN};

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The path of the Engine.IO endpoint; slashes that lack at its ends are added. Default `/socket.io/`.
    pub path: String,
    /// The namespace, with or without its slash. Default `/`.
    pub namespace: String,
    /// Parameters that every request and WebSocket carries in its URL. Default none.
    pub query: Vec<(String, String)>,
    /// Headers that every request carries, and natively every WebSocket too. Default none.
    pub extra_headers: Vec<(String, String)>,
    /// Whether requests to another origin carry cookies, and cookies that the server sets come back: what a load
    /// balancer with sticky sessions may need. Default false.
    pub with_credentials: bool,
    /// Certificates (PEM, several in a row) of authorities to trust besides those of the system: for servers with a
    /// certificate of their own. Natively only; a browser has its own. Default none.
    pub certificate_authorities: String,
    /// What the CONNECT packet carries. Default nothing.
    pub auth: Auth,
    /// The transports to try, in order. Default polling, then WebSocket.
    pub transports: Vec<Transport>,
    /// Whether a polling session goes on over WebSocket when the server offers it. Default true.
    pub upgrade: bool,
    /// Whether a session that follows one that went over WebSocket to its end begins with WebSocket. Default false.
    pub remember_upgrade: bool,
    /// Whether not to share the connection of another namespace of the same server. Default false.
    pub force_new: bool,
    /// Whether to connect at once, without being told. Default true.
    pub auto_connect: bool,
    /// Whether to try again after a loss. Default true.
    pub reconnection: bool,
    /// The shortest and the longest delay before an attempt. Default 1 s and 5 s.
    pub reconnection_delay: (Duration, Duration),
    /// How much a delay varies at random, 0 to 1. Default 0.5.
    pub randomization: f64,
    /// How many attempts are made before giving up. Default `None`: without end.
    pub reconnection_attempts: Option<u32>,
    /// How long each transport that is tried may take to open, and after it the CONNECT reply to come. Default 20 s.
    pub timeout: Duration,
    /// How long an emit waits for its acknowledgement, the time in the buffer included; with `retries` each time that it
    /// is sent, and the waiting for a connection has no end. Default 10 s.
    pub ack_timeout: Duration,
    /// How often an emit is sent again when no acknowledgement came in `ack_timeout`. Default 0. With more, events are
    /// sent one after the other, at least once each, in strict order.
    pub retries: u32,
    /// The events that wait, at most, for a connection or, with retries, for the one before them. Default 1,000. For polling's
    /// request that is under way 100,000 packets may wait.
    pub buffer: usize,
    /// An event that the server acknowledges at once: a server that is silent while somebody looks at the page, or while an
    /// acknowledgement is out, is asked with it after 2 s. Without an answer the link is doubtful 1.5 s later
    /// ([`Status::is_silent`](super::Status::is_silent)) and given up after 8 s, both prolonged where round trips are long.
    /// A server that never acknowledged it is judged by its heartbeat alone. Default `None`: so is every server.
    pub probe: Option<Args>,
    /// The attachments of one event or acknowledgement, at most: the official server ends the connection over more than
    /// 10, which is the default.
    pub max_attachments: usize,
    /// Where the jitter starts. Default `None`: the driver draws one, so that many clients spread.
    pub seed: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            path: "/socket.io/".to_owned(),
            namespace: MAIN.to_owned(),
            query: Vec::new(),
            extra_headers: Vec::new(),
            with_credentials: false,
            certificate_authorities: String::new(),
            auth: Auth::None,
            transports: vec![Transport::Polling, Transport::WebSocket],
            upgrade: true,
            remember_upgrade: false,
            force_new: false,
            auto_connect: true,
            reconnection: true,
            reconnection_delay: (Duration::from_secs(1), Duration::from_secs(5)),
            randomization: 0.5,
            reconnection_attempts: None,
            timeout: Duration::from_secs(20),
            ack_timeout: Duration::from_secs(10),
            retries: 0,
            buffer: 1_000,
            probe: None,
            max_attachments: 10,
            seed: None,
        }
    }
}
