//! Idle connections: what each takes of the server's memory.

use crate::{http::Poller, process::Server, socket::Socket};
use anyhow::Result;
use futures_util::future::try_join_all;
use std::{fmt, time::Duration};

/// The connections.
const CONNECTIONS: usize = 1_500;
/// How many connect at once.
const AT_ONCE: usize = 50;
/// How long the server settles before it is looked at: empty, and with all connections.
const SETTLES: [Duration; 2] = [Duration::from_millis(1_000), Duration::from_millis(5_000)];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Transport {
    WebSocket,
    Polling,
}

impl fmt::Display for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::WebSocket => "WebSocket",
            Self::Polling => "polling",
        })
    }
}

/// A connection that only answers pings.
enum Idle {
    WebSocket(Box<Socket>),
    Polling(Poller),
}

impl Idle {
    async fn connect(server: &Server, transport: Transport) -> Result<Self> {
        Ok(match transport {
            Transport::WebSocket => {
                Self::WebSocket(Box::new(Socket::connect(&server.address).await?))
            }
            Transport::Polling => Self::Polling(Poller::connect(&server.address).await?),
        })
    }

    async fn idle(&mut self, time: Duration) -> Result<()> {
        match self {
            Self::WebSocket(socket) => socket.idle(time).await,
            Self::Polling(poller) => poller.idle(time).await,
        }
    }
}

/// The bytes of each connection.
pub(crate) async fn measure(server: &Server, transport: Transport) -> Result<f64> {
    tokio::time::sleep(SETTLES[0]).await;
    let before = server.memory()?;
    let mut connections = Vec::with_capacity(CONNECTIONS);
    while connections.len() < CONNECTIONS {
        let some = (0..AT_ONCE).map(|_| Idle::connect(server, transport));
        connections.extend(try_join_all(some).await?);
    }
    try_join_all(connections.iter_mut().map(|one| one.idle(SETTLES[1]))).await?;
    let grown = server.memory()?.saturating_sub(before);
    Ok(grown as f64 / connections.len() as f64)
}
