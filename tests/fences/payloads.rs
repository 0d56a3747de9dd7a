//! How large a payload may be: at the bound it comes through, one byte more does not.

use super::{POLLING, ask, kept_out};
use crate::world::{server::Server, soon};
use futures_util::{SinkExt, StreamExt};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_tungstenite::tungstenite::Message;

/// The largest request body, WebSocket message and MQTT packet, in bytes.
const MOST: usize = 1_000_000;

/// An event of so many bytes that no table has, with an acknowledgement id.
fn event(bytes: usize) -> String {
    let (head, tail) = (r#"421["no:such",""#, r#""]"#);
    format!(
        "{head}{}{tail}",
        "x".repeat(bytes - head.len() - tail.len())
    )
}

#[tokio::test]
async fn by_polling() {
    let server = Server::start().await;
    let open = ask(&server.address, POLLING, "").await.body;
    let open: serde_json::Value = serde_json::from_str(&open[1..]).unwrap();
    let sid = open["sid"].as_str().unwrap();
    let post = format!("POST /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\n");
    assert_eq!(ask(&server.address, &post, "40").await.status, 200);
    let poll = post.replace("POST", "GET");
    while !ask(&server.address, &poll, "").await.body.contains("40{") {}
    assert_eq!(ask(&server.address, &post, &event(MOST)).await.status, 200);
    assert_eq!(
        ask(&server.address, &post, &event(MOST + 1)).await.status,
        413
    );
    assert_eq!(kept_out(&server.origin(), "payload").await, 1.0);
}

/// A length that nobody says is counted as the bytes come.
#[tokio::test]
async fn by_polling_in_pieces() {
    let server = Server::start().await;
    for (bytes, expected) in [(MOST, 400), (MOST + 1, 413)] {
        let mut stream = TcpStream::connect(&server.address).await.unwrap();
        let head = format!(
            "POST /socket.io/?EIO=4&transport=polling&sid=x HTTP/1.1\r\nhost: {}\r\nconnection: close\r\n\
             transfer-encoding: chunked\r\n\r\n{bytes:x}\r\n",
            server.address
        );
        let request = format!("{head}{}\r\n0\r\n\r\n", event(bytes));
        // The server may answer, and close, before it has read all.
        let _ = stream.write_all(request.as_bytes()).await;
        assert_eq!(super::answer(&mut stream).await.status, expected, "{bytes}");
    }
}

#[tokio::test]
async fn by_websocket() {
    let server = Server::start().await;
    let mut socket = super::websocket(&server.address).await;
    socket.send(Message::text(event(MOST))).await.unwrap();
    let acknowledged = async {
        loop {
            let packet = socket.next().await.unwrap().unwrap().into_text().unwrap();
            if packet.starts_with("431[") {
                return packet;
            }
        }
    };
    let acknowledged = soon("an acknowledgement", acknowledged).await;
    assert!(acknowledged.contains("unknown-event"), "{acknowledged}");
    assert_eq!(kept_out(&server.origin(), "payload").await, 0.0);
    // The server may close before it has read all.
    let _ = socket.send(Message::text(event(MOST + 1))).await;
    let closed = async {
        while let Some(Ok(message)) = socket.next().await {
            let text = message.into_text().unwrap_or_default();
            assert!(!text.starts_with("431["), "{text}");
        }
    };
    soon("the end", closed).await;
    assert_eq!(kept_out(&server.origin(), "payload").await, 1.0);
}

/// A CONNECT and a PUBLISH of so many bytes by MQTT 3.1.1, section 3; what comes back after the CONNACK.
async fn publish(address: &str, bytes: usize) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let client = format!("size{bytes}");
    let mut connect = b"\x10\x00\x00\x04MQTT\x04\x02\x00\x3c\x00".to_vec();
    connect.push(client.len() as u8);
    connect.extend(client.as_bytes());
    connect[1] = connect.len() as u8 - 2;
    stream.write_all(&connect).await.unwrap();
    let mut connack = [0; 4];
    soon("CONNACK", stream.read_exact(&mut connack))
        .await
        .unwrap();
    assert_eq!(connack, [0x20, 2, 0, 0]);
    // A fixed header of one byte and a length in three.
    let rest = bytes - 4;
    let mut packet = vec![0x32];
    packet.extend([rest & 127 | 128, rest >> 7 & 127 | 128, rest >> 14].map(|part| part as u8));
    packet.extend(b"\x00\x09sensors/a\x00\x01");
    packet.resize(bytes, b'x');
    // The broker may close before it has read all.
    let _ = stream.write_all(&packet).await;
    let mut answer = vec![0; 64];
    let read = soon("an answer", stream.read(&mut answer))
        .await
        .unwrap_or(0);
    answer.truncate(read);
    answer
}

#[tokio::test]
async fn by_mqtt() {
    let server = Server::start().await;
    assert_eq!(publish(&server.mqtt, MOST).await, [0x40, 2, 0, 1]);
    assert!(publish(&server.mqtt, MOST + 1).await.is_empty());
}
