//! A burst to one reader: how long until it has all, or has been told what it missed.

use crate::{process::Server, socket::Socket};
use anyhow::{Context, Result};
use serde_json::Value;
use std::time::{Duration, Instant};

const ROOM: &str = "chat/measured";
/// The messages.
const COUNT: u64 = 10_000;

/// What was measured.
pub(crate) struct Burst {
    pub(crate) time: Duration,
    /// The messages that the reader was told to have missed.
    pub(crate) missed: u64,
    /// The messages that the reader neither got nor was told of.
    pub(crate) lost: u64,
}

pub(crate) async fn measure(server: &Server) -> Result<Burst> {
    let mut reader = Socket::connect(&server.address).await?;
    reader
        .ask(&format!(r#"["room:join",{{"room":"{ROOM}"}}]"#))
        .await?;
    let (_out, mut packets) = reader.split();
    let (mut out, mut acks) = Socket::connect(&server.address).await?.split();
    let began = Instant::now();
    let send = async {
        for id in 1..=COUNT {
            let event = format!(
                r#"42{id}["chat:send",{{"room":"{ROOM}","text":"a text as people write it","id":"{id}"}}]"#
            );
            out.feed(event).await?;
        }
        out.flush().await
    };
    let acknowledged = async {
        let mut count = 0;
        while count < COUNT {
            count += u64::from(acks.next().await?.starts_with("43"));
        }
        anyhow::Ok(())
    };
    let heard = async {
        let (mut heard, mut missed, mut last) = (0, 0, 0);
        while last < COUNT {
            let packet = packets.next().await?;
            let Some(event) = packet.strip_prefix("42") else {
                continue;
            };
            let event: Value = serde_json::from_str(event)?;
            match event[0].as_str() {
                Some("chat:message") => {
                    last = event[1]["seq"].as_u64().context("seq")?;
                    heard += 1;
                }
                Some("stream:missed") if event[1]["topic"] == ROOM => {
                    let from = event[1]["from"].as_u64().context("from")?;
                    last = event[1]["to"].as_u64().context("to")?;
                    missed += last + 1 - from;
                }
                _ => {}
            }
        }
        anyhow::Ok((heard, missed, began.elapsed()))
    };
    let (sent, acknowledged, heard) = tokio::join!(send, acknowledged, heard);
    sent?;
    acknowledged?;
    let (heard, missed, time) = heard?;
    Ok(Burst {
        time,
        missed,
        lost: COUNT - heard - missed,
    })
}
