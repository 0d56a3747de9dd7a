//! Somebody who publishes by MQTT until it is cut off, and remembers what was confirmed: MQTT 3.1.1 on a bare connection.

use crate::world::soon;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::mpsc,
    task::JoinHandle,
};

/// What is published and not yet confirmed, in messages: so few that a slow machine stores them before the end of a stop.
const UNDER_WAY: usize = 20;
/// The messages after which there is no further packet id.
const MOST: u16 = 60_000;

/// A flood of texts.
pub(super) struct Flood {
    confirmed: mpsc::UnboundedReceiver<u16>,
    task: JoinHandle<()>,
}

impl Flood {
    /// Publishes the numbers from 1 to a room.
    pub(super) async fn of(port: &str, room: &'static str) -> Self {
        let stream = TcpStream::connect(format!("127.0.0.1:{port}"))
            .await
            .unwrap();
        let (mut near, mut on) = stream.into_split();
        // CONNECT with a clean session and no client id.
        let connect = b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00";
        on.write_all(connect).await.unwrap();
        let connack = soon("CONNACK", packet(&mut near)).await;
        assert_eq!(connack, Some([0x20, 2, 0, 0]));
        let (tell, confirmed) = mpsc::unbounded_channel();
        let task = tokio::spawn(run(near, on, room, tell));
        Self { confirmed, task }
    }

    /// Waits until so many more are confirmed.
    pub(super) async fn confirmed(&mut self, count: usize) -> Vec<u16> {
        let mut confirmed = Vec::new();
        while confirmed.len() < count {
            confirmed.push(soon("PUBACK", self.confirmed.recv()).await.unwrap());
        }
        confirmed
    }

    /// Waits until it is cut off; gives what was confirmed until then.
    pub(super) async fn cut(mut self) -> Vec<u16> {
        soon("the cut", self.task).await.unwrap();
        let mut confirmed = Vec::new();
        while let Ok(number) = self.confirmed.try_recv() {
            confirmed.push(number);
        }
        confirmed
    }
}

async fn run(
    mut near: OwnedReadHalf,
    mut on: OwnedWriteHalf,
    room: &str,
    tell: mpsc::UnboundedSender<u16>,
) {
    let mut next = 1;
    let mut under_way = 0;
    loop {
        while under_way < UNDER_WAY && next <= MOST {
            if on.write_all(&publish(room, next)).await.is_err() {
                break;
            }
            (next, under_way) = (next + 1, under_way + 1);
        }
        let Some([0x40, 2, high, low]) = packet(&mut near).await else {
            return;
        };
        under_way -= 1;
        tell.send(u16::from_be_bytes([high, low])).unwrap();
    }
}

/// PUBLISH with QoS 1: the number is the packet id and the text.
fn publish(room: &str, number: u16) -> Vec<u8> {
    let text = number.to_string();
    let length = 2 + room.len() + 2 + text.len();
    let mut packet = vec![0x32, u8::try_from(length).unwrap(), 0, room.len() as u8];
    packet.extend(room.as_bytes());
    packet.extend(number.to_be_bytes());
    packet.extend(text.as_bytes());
    packet
}

/// The next packet; all that come have four bytes.
async fn packet(near: &mut OwnedReadHalf) -> Option<[u8; 4]> {
    let mut packet = [0; 4];
    near.read_exact(&mut packet).await.ok()?;
    Some(packet)
}
