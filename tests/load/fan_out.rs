//! Fan-out: what one message in a room costs the server for each of its readers.

use crate::{
    process::Server,
    socket::{Out, Packets, Socket},
};
use anyhow::{Context, Result, ensure};
use std::{
    cell::Cell,
    fmt,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::LocalSet};

/// The room, as long a name as a real one's.
const ROOM: &str = "chat/measured";
/// The text of a message.
const TEXT: &str = "a text as people write it: not long, not short, and the same for both servers";
/// The deliveries of one measurement, at least.
const DELIVERIES: usize = 100_000;
/// The messages before it.
const WARM_UP: usize = 20;

/// Which event it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum What {
    /// `chat:enter`: a name is taken, which the room is told. In memory.
    Memory,
    /// `chat:send`: ours is on disk before it is told and acknowledged, and goes to the broker too.
    Durable,
}

impl What {
    pub(crate) const ALL: [Self; 2] = [Self::Memory, Self::Durable];

    /// The event that a client emits.
    fn event(self, id: usize) -> String {
        match self {
            Self::Memory => format!(r#"["chat:enter",{{"name":"name {id}"}}]"#),
            Self::Durable => {
                format!(r#"["chat:send",{{"room":"{ROOM}","text":"{TEXT}","id":"m{id}"}}]"#)
            }
        }
    }

    /// Whether this is what its readers get.
    fn is_told_by(self, packet: &str) -> bool {
        match self {
            Self::Memory => {
                packet.starts_with(r#"42["presence:change""#) && packet.contains("renamed")
            }
            Self::Durable => packet.starts_with(r#"42["chat:message""#),
        }
    }
}

impl fmt::Display for What {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Memory => "chat:enter, in memory",
            Self::Durable => "chat:send, ours on disk",
        })
    }
}

/// A room with its readers.
pub(crate) struct Room {
    local: LocalSet,
    sender: Out,
    readers: usize,
    heard: Rc<Heard>,
    what: What,
    sent: usize,
}

/// What all readers have got.
#[derive(Default)]
struct Heard {
    deliveries: Cell<usize>,
    bytes: Cell<usize>,
    /// When to wake who waits.
    wanted: Cell<usize>,
    all: Notify,
    failed: Cell<bool>,
}

/// What was measured.
pub(crate) struct FanOut {
    /// The server's processor time.
    pub(crate) cpu: Duration,
    pub(crate) time: Duration,
    pub(crate) deliveries: usize,
    /// What the readers got, of Socket.IO.
    pub(crate) bytes: usize,
}

impl Room {
    pub(crate) async fn fill(server: &Server, what: What, readers: usize) -> Result<Self> {
        let local = LocalSet::new();
        let heard = Rc::<Heard>::default();
        let sender = local
            .run_until(async {
                for _ in 0..readers {
                    let mut reader = Socket::connect(&server.address).await?;
                    let joined = reader
                        .ask(&format!(r#"["room:join",{{"room":"{ROOM}"}}]"#))
                        .await?;
                    ensure!(joined.contains("\"ok\""), "{joined}");
                    let (out, packets) = reader.split();
                    tokio::task::spawn_local(read(what, packets, out, Rc::clone(&heard)));
                }
                let mut sender = Socket::connect(&server.address).await?;
                if what == What::Memory {
                    sender
                        .ask(&format!(r#"["room:join",{{"room":"{ROOM}"}}]"#))
                        .await?;
                }
                let (out, mut packets) = sender.split();
                // Its acknowledgements are not what is measured; they must be taken.
                tokio::task::spawn_local(async move { while packets.next().await.is_ok() {} });
                anyhow::Ok(out)
            })
            .await?;
        Ok(Self {
            local,
            sender,
            readers,
            heard,
            what,
            sent: 0,
        })
    }

    /// Sends with at most `window` messages under way.
    pub(crate) async fn measure(&mut self, server: &Server, window: usize) -> Result<FanOut> {
        let Self {
            local,
            sender,
            readers,
            heard,
            what,
            sent,
        } = self;
        local
            .run_until(async {
                run(sender, (*what, *readers), heard, sent, (WARM_UP, window)).await?;
                let (cpu, began, bytes) = (server.cpu()?, Instant::now(), heard.bytes.get());
                let messages = DELIVERIES.div_ceil(*readers);
                run(sender, (*what, *readers), heard, sent, (messages, window)).await?;
                Ok(FanOut {
                    cpu: server.cpu()? - cpu,
                    time: began.elapsed(),
                    deliveries: messages * *readers,
                    bytes: heard.bytes.get() - bytes,
                })
            })
            .await
    }
}

/// Sends so many messages, and waits until all of them are heard.
async fn run(
    sender: &mut Out,
    (what, readers): (What, usize),
    heard: &Heard,
    sent: &mut usize,
    (messages, window): (usize, usize),
) -> Result<()> {
    let end = *sent + messages;
    while *sent < end {
        until(heard, (*sent + 1).saturating_sub(window) * readers).await?;
        *sent += 1;
        // An acknowledgement id has one length: both servers answer with as many bytes.
        let id = 1_000_000 + *sent;
        sender.send(format!("42{id}{}", what.event(id))).await?;
    }
    until(heard, end * readers).await
}

/// Waits until so many deliveries were heard.
async fn until(heard: &Heard, deliveries: usize) -> Result<()> {
    heard.wanted.set(deliveries);
    let patience = Duration::from_secs(60);
    while heard.deliveries.get() < deliveries {
        ensure!(!heard.failed.get(), "a reader was lost");
        tokio::time::timeout(patience, heard.all.notified())
            .await
            .context("messages are missing")?;
    }
    Ok(())
}

async fn read(what: What, mut packets: Packets, mut out: Out, heard: Rc<Heard>) {
    while let Ok(packet) = packets.next().await {
        if what.is_told_by(&packet) {
            heard.bytes.set(heard.bytes.get() + packet.len());
            heard.deliveries.set(heard.deliveries.get() + 1);
            if heard.deliveries.get() >= heard.wanted.get() {
                heard.all.notify_one();
            }
        } else if packet.as_str() == "2" && out.send("3".to_owned()).await.is_err() {
            break;
        }
    }
    heard.failed.set(true);
    heard.all.notify_one();
}
