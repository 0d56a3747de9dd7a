//! What the official server holds clients to, and how sessions end: seen from outside, byte by byte.

use super::{Answer, POLLING, ask, websocket};
use crate::world::{prometheus::Metrics, server::Server, soon};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::time::Duration;
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::Message;

/// An id for which the library has no place.
const LARGE_ID: &str = "9223372036854775808";

/// A polling session that is connected.
struct Session<'a> {
    address: &'a str,
    /// Path and query.
    target: String,
}

impl<'a> Session<'a> {
    async fn begin(address: &'a str) -> Self {
        let begun = ask(address, POLLING, "").await;
        assert_eq!(begun.header("cache-control"), Some("no-store"));
        let open: Value = serde_json::from_str(&begun.body[1..]).unwrap();
        let sid = open["sid"].as_str().unwrap();
        let target = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        let session = Self { address, target };
        assert_eq!(session.post("40").await.status, 200);
        let mut heard = String::new();
        while !(heard.contains("40{") && heard.contains("bridge:status")) {
            let polled = session.poll().await;
            assert_eq!(polled.header("cache-control"), Some("no-store"));
            heard += &polled.body;
        }
        session
    }

    async fn post(&self, packets: &str) -> Answer {
        let head = format!("POST {} HTTP/1.1\r\n", self.target);
        ask(self.address, &head, packets).await
    }

    async fn poll(&self) -> Answer {
        ask(
            self.address,
            &format!("GET {} HTTP/1.1\r\n", self.target),
            "",
        )
        .await
    }

    /// A connection on which a request was begun and is not answered.
    async fn begun(&self, method: &str, rest: &str) -> TcpStream {
        let (address, target) = (self.address, &self.target);
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!("{method} {target} HTTP/1.1\r\nhost: {address}\r\n{rest}");
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    /// A connection whose poll waits: behind what there was to be told.
    async fn waiting(&self) -> TcpStream {
        loop {
            let stream = self.begun("GET", "\r\n").await;
            let answered = timeout(Duration::from_millis(200), stream.readable()).await;
            if answered.is_err() {
                return stream;
            }
        }
    }

    /// Waits until the server knows the session no more.
    async fn is_over(&self) {
        let over = async {
            let unknown = r#"{"code":1,"message":"Session ID unknown"}"#;
            while self.post("3").await.body != unknown {
                sleep(Duration::from_millis(20)).await;
            }
        };
        soon("the end of the session", over).await;
    }
}

/// Breaks when: an error's code is a text, or says something else than the official server's.
#[tokio::test]
async fn errors_are_those_of_the_official_server() {
    let server = Server::start().await;
    for (request, error) in [
        (
            "GET /socket.io/?EIO=4",
            r#"{"code":0,"message":"Transport unknown"}"#,
        ),
        (
            "GET /socket.io/?EIO=4&transport=polling&sid=AAAAAAAAAAAAAAAA",
            r#"{"code":1,"message":"Session ID unknown"}"#,
        ),
        (
            "POST /socket.io/?EIO=4&transport=polling&sid=no",
            r#"{"code":1,"message":"Session ID unknown"}"#,
        ),
        (
            "POST /socket.io/?EIO=4&transport=polling",
            r#"{"code":2,"message":"Bad handshake method"}"#,
        ),
        (
            "GET /socket.io/?EIO=2&transport=polling",
            r#"{"code":5,"message":"Unsupported protocol version"}"#,
        ),
    ] {
        let answer = ask(&server.address, &format!("{request} HTTP/1.1\r\n"), "").await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (400, error),
            "{request}"
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
    }
}

/// Breaks when: packets of two POSTs are taken at once, in nobody knows which order.
#[tokio::test]
async fn overlapping_posts_end_the_session() {
    let server = Server::start().await;
    let session = Session::begin(&server.address).await;
    for _ in 0..3 {
        assert_eq!(session.post("3").await.status, 200);
    }
    let _first = session.begun("POST", "content-length: 9\r\n\r\n4").await;
    let refused = async {
        while session.post("3").await.status == 200 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    soon("a refusal", refused).await;
    drop(_first);
    session.is_over().await;
}

/// Breaks when: who gave up a poll stays in its rooms until its heartbeat is missed.
#[tokio::test]
async fn an_aborted_poll_ends_the_session() {
    let server = Server::start().await;
    let (gone, stays) = (
        Session::begin(&server.address).await,
        Session::begin(&server.address).await,
    );
    let waiting = gone.waiting().await;
    assert_eq!(gone.post("3").await.status, 200);
    drop(waiting);
    gone.is_over().await;
    assert_eq!(stays.post("3").await.status, 200);
}

/// Breaks when: the packet that means the end to clients in Python comes before the close frame.
#[tokio::test]
async fn a_websocket_ends_with_the_close_frame_alone() {
    let mut server = Server::start().await;
    let mut socket = websocket(&server.address).await;
    let (status, heard) = tokio::join!(server.terminate(), async {
        let mut heard = Vec::new();
        while let Some(Ok(message)) = soon("the end", socket.next()).await {
            heard.push(message);
        }
        heard
    });
    assert!(status.success());
    assert!(matches!(heard.last(), Some(Message::Close(_))), "{heard:?}");
    assert!(!heard.contains(&Message::text("1")), "{heard:?}");
    let closing = heard
        .iter()
        .any(|message| message.to_string().contains("server:closing"));
    assert!(closing, "{heard:?}");
}

/// Breaks when: an event whose acknowledgement cannot be sent is dropped without a word.
#[tokio::test]
async fn an_acknowledgement_id_that_is_too_large_is_refused() {
    let server = Server::start().await;
    let event = format!(r#"42{LARGE_ID}["chat:enter",{{"name":"Ada"}}]"#);
    let mut socket = websocket(&server.address).await;
    socket.send(Message::text(event.clone())).await.unwrap();
    let last = async {
        while let Some(Ok(message)) = socket.next().await {
            if let Message::Close(last) = message {
                return last;
            }
        }
        None
    };
    let last = soon("the end", last).await.unwrap();
    assert_eq!(u16::from(last.code), 1008);
    let why = "an acknowledgement id is over 9223372036854775807";
    assert_eq!(last.reason.as_str(), why);
    let session = Session::begin(&server.address).await;
    session.post(&event).await;
    let told = session.poll().await;
    assert_eq!(told.status, 400);
    assert_eq!(told.body, format!("this connection is closed: {why}\n"));
    let metrics = Metrics::of(&server.origin()).await;
    assert_eq!(
        metrics.get("tertulia_rejects_total{code=\"bad-payload\"}"),
        2.0
    );
}
