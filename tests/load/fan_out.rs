//! Fan-out: what one message in a room costs the server for each of its readers.

use crate::{
    process::Server,
    socket::{Out, Packets, Socket},
};
use anyhow::{Context, Result, ensure};
use std::{
    cell::Cell,
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

/// A room with its readers.
pub(crate) struct Room {
    local: LocalSet,
    sender: Out,
    readers: usize,
    heard: Rc<Heard>,
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
    pub(crate) async fn fill(server: &Server, readers: usize) -> Result<Self> {
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
                    tokio::task::spawn_local(read(packets, out, Rc::clone(&heard)));
                }
                let (out, mut packets) = Socket::connect(&server.address).await?.split();
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
            sent,
        } = self;
        local
            .run_until(async {
                run(sender, *readers, heard, sent, (WARM_UP, window)).await?;
                let (cpu, began, bytes) = (server.cpu()?, Instant::now(), heard.bytes.get());
                let messages = DELIVERIES.div_ceil(*readers);
                run(sender, *readers, heard, sent, (messages, window)).await?;
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
    readers: usize,
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
        let event =
            format!(r#"42{id}["chat:send",{{"room":"{ROOM}","text":"{TEXT}","id":"m{id}"}}]"#);
        sender.send(event).await?;
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

async fn read(mut packets: Packets, mut out: Out, heard: Rc<Heard>) {
    while let Ok(packet) = packets.next().await {
        if packet.starts_with(r#"42["chat:message""#) {
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
