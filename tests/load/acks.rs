//! Acknowledged emits: how many a second, and what each costs the server.

use crate::{fan_out::What, process::Server, socket::Socket};
use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use std::{
    cell::Cell,
    time::{Duration, Instant},
};

/// The connections that emit.
const CONNECTIONS: usize = 16;
/// The emits that each has under way.
const WINDOW: usize = 16;
/// How long is measured, after a warm-up.
const TIMES: [Duration; 2] = [Duration::from_millis(500), Duration::from_millis(2_000)];

/// What was measured.
pub(crate) struct Acks {
    /// The server's processor time.
    pub(crate) cpu: Duration,
    pub(crate) time: Duration,
    pub(crate) acks: usize,
}

pub(crate) async fn measure(server: &Server, what: What) -> Result<Acks> {
    let acks = Cell::new(0);
    let began = Instant::now();
    let end = began + TIMES[0] + TIMES[1];
    let measured = async {
        tokio::time::sleep(TIMES[0]).await;
        let (cpu, began, before) = (server.cpu()?, Instant::now(), acks.get());
        tokio::time::sleep(TIMES[1]).await;
        anyhow::Ok(Acks {
            cpu: server.cpu()? - cpu,
            time: began.elapsed(),
            acks: acks.get() - before,
        })
    };
    let emits = (0..CONNECTIONS).map(|number| emit(server, what, number, end, &acks));
    let (measured, emitted) = tokio::join!(measured, try_join_all(emits));
    emitted?;
    measured
}

async fn emit(
    server: &Server,
    what: What,
    number: usize,
    end: Instant,
    acks: &Cell<usize>,
) -> Result<()> {
    let (mut out, mut packets) = Socket::connect(&server.address).await?.split();
    let (mut sent, mut taken) = (0, 0);
    while Instant::now() < end {
        while sent < taken + WINDOW {
            let id = 1_000_000 + sent;
            out.feed(format!("42{id}{}", event(what, number, id)))
                .await?;
            sent += 1;
        }
        out.flush().await?;
        let packet = packets.next().await?;
        if packet.as_str() == "2" {
            out.send("3".to_owned()).await?;
        } else if let Some(ack) = packet.strip_prefix("43") {
            ensure!(ack.contains("\"ok\""), "{ack}");
            taken += 1;
            acks.set(acks.get() + 1);
        }
    }
    Ok(())
}

fn event(what: What, number: usize, id: usize) -> String {
    match what {
        What::Memory => format!(r#"["chat:enter",{{"name":"name {number} {id}"}}]"#),
        What::Durable => format!(
            r#"["chat:send",{{"room":"chat/measured {number}","text":"a text as people write it","id":"{number} {id}"}}]"#
        ),
    }
}
