//! How many connections there may be, in all and of one address.

use super::{POLLING, WEBSOCKET, ask, kept_out};
use crate::world::{server::Server, soon};
use std::time::Duration;
use tokio::{io::AsyncReadExt, net::TcpStream};

/// Begins by polling and gives the path of the session.
async fn begin(server: &Server, lines: &str) -> Result<String, super::Answer> {
    let answer = ask(&server.address, &format!("{POLLING}{lines}"), "").await;
    if answer.status != 200 {
        return Err(answer);
    }
    let open: serde_json::Value = serde_json::from_str(&answer.body[1..]).unwrap();
    let sid = open["sid"].as_str().unwrap();
    Ok(format!("/socket.io/?EIO=4&transport=polling&sid={sid}"))
}

/// Breaks when: connections are not counted, or one that has ended is counted on.
#[tokio::test]
async fn there_are_so_many_connections_and_a_place_that_is_left_is_taken() {
    let server = Server::with(&["--no-host-metrics", "--max-connections", "3"]).await;
    let mut paths = Vec::new();
    for _ in 0..3 {
        paths.push(begin(&server, "").await.unwrap());
    }
    for way in [POLLING, WEBSOCKET] {
        let full = ask(&server.address, way, "").await;
        assert_eq!((full.status, full.header("retry-after")), (503, Some("5")));
        assert!(full.body.contains("server-full") && full.retry_after() == 5_000);
    }
    assert_eq!(kept_out(&server.origin(), "connections").await, 2.0);
    // Who leaves leaves a place, however it leaves.
    for (path, packets) in paths.iter().zip(["1", "41\u{1e}1"]) {
        let (post, poll) = (
            format!("POST {path} HTTP/1.1\r\n"),
            format!("GET {path} HTTP/1.1\r\n"),
        );
        assert_eq!(ask(&server.address, &post, "40").await.status, 200);
        while !ask(&server.address, &poll, "").await.body.contains("40{") {}
        assert_eq!(ask(&server.address, &post, packets).await.status, 200);
        let next = async {
            while begin(&server, "").await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        soon("the place", next).await;
        assert!(begin(&server, "").await.is_err());
    }
}

#[tokio::test]
async fn one_address_has_so_many() {
    let options = [
        "--no-host-metrics",
        "--max-connections-per-address",
        "2",
        "--trust-proxy",
        "127.0.0.1",
    ];
    let server = Server::with(&options).await;
    let [ada, bob] =
        ["203.0.113.1", "203.0.113.2"].map(|who| format!("x-forwarded-for: {who}\r\n"));
    for _ in 0..2 {
        begin(&server, &ada).await.unwrap();
    }
    let full = begin(&server, &ada).await.unwrap_err();
    assert_eq!((full.status, full.header("retry-after")), (429, Some("5")));
    begin(&server, &bob).await.unwrap();
    for _ in 0..5 {
        begin(&server, "").await.unwrap();
    }
    assert_eq!(
        kept_out(&server.origin(), "connections-of-address").await,
        1.0
    );
}

/// Breaks when: who opens connections and says nothing takes the last file that the server may open.
#[tokio::test]
async fn who_only_opens_connections_is_turned_away_at_once() {
    let server = Server::with(&["--no-host-metrics", "--max-connections", "1"]).await;
    let mut open = Vec::new();
    for _ in 0..102 {
        open.push(TcpStream::connect(&server.address).await.unwrap());
    }
    let mut next = TcpStream::connect(&server.address).await.unwrap();
    let mut told = String::new();
    soon("an answer", next.read_to_string(&mut told))
        .await
        .unwrap();
    assert!(
        told.starts_with("HTTP/1.1 503 ") && told.contains("retry-after: 5"),
        "{told}"
    );
    drop(open);
    let back = async {
        while ask(&server.address, "GET /healthz HTTP/1.1\r\n", "")
            .await
            .status
            != 200
        {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    soon("a place", back).await;
}
