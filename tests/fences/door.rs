//! Pages and names: who may talk to the server at all.

use super::{POLLING, WEBSOCKET, ask, kept_out};
use crate::world::server::Server;
use serde_json::Value;

const SESSION: &str = "POST /session HTTP/1.1\r\ncontent-type: application/json\r\n";

/// Breaks when: one of the ways in forgets to look at the origin, or `null` or two origins pass.
#[tokio::test]
async fn a_page_of_a_stranger_gets_in_nowhere() {
    let server = Server::start().await;
    let own = server.origin();
    let mut refused = 0.0;
    for way in [POLLING, WEBSOCKET, SESSION] {
        for origins in [
            &["null"][..],
            &["http://evil.example"],
            &["http://127.0.0.1.evil.example"],
            &[&own, "http://evil.example"],
        ] {
            let lines: String = origins
                .iter()
                .map(|origin| format!("origin: {origin}\r\n"))
                .collect();
            let answer = ask(&server.address, &format!("{way}{lines}"), "{}").await;
            assert_eq!(answer.status, 403, "{way}{lines}");
            assert_eq!(answer.header("access-control-allow-origin"), None);
            refused += 1.0;
        }
        let answer = ask(&server.address, &format!("{way}origin: {own}\r\n"), "{}").await;
        assert_ne!(answer.status, 403, "{way}");
    }
    assert_eq!(kept_out(&own, "origin").await, refused);
}

/// Breaks when: only who begins a session is asked for its origin, and not who goes on with it.
#[tokio::test]
async fn a_page_of_a_stranger_takes_no_part_in_a_session_that_lives() {
    let server = Server::start().await;
    let begun = ask(&server.address, POLLING, "").await;
    let open: Value = serde_json::from_str(&begun.body[1..]).unwrap();
    let sid = open["sid"].as_str().unwrap();
    let way = |method: &str, origin: &str| {
        let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
        format!("{method} {path} HTTP/1.1\r\norigin: {origin}\r\n")
    };
    for (method, body) in [("POST", "40"), ("GET", ""), ("POST", "41"), ("GET", "")] {
        let strange = way(method, "http://evil.example");
        let answer = ask(&server.address, &strange, body).await;
        assert_eq!(answer.status, 403, "{method}");
        assert!(!answer.body.contains("40"), "{answer:?}");
    }
    let own = server.origin();
    assert_eq!(kept_out(&own, "origin").await, 4.0);
    // Nothing of it was taken: the session lives and is not yet connected.
    let posted = ask(&server.address, &way("POST", &own), "40").await;
    assert_eq!(posted.status, 200);
    // A heartbeat may come first.
    let mut polled = String::new();
    while !polled.contains("40{") {
        polled = ask(&server.address, &way("GET", &own), "").await.body;
        assert!(
            ["2", "40{"].iter().any(|it| polled.starts_with(it)),
            "{polled}"
        );
    }
}

/// Breaks when: a page that made its own name lead here is taken for the server's own page.
#[tokio::test]
async fn a_name_that_somebody_made_lead_here_is_not_the_servers() {
    let server = Server::start().await;
    let (_, port) = server.address.split_once(':').unwrap();
    let rebound = format!("host: evil.example:{port}\r\norigin: http://evil.example:{port}\r\n");
    let silent = format!("host: evil.example:{port}\r\n");
    for lines in [&rebound, &silent] {
        for way in [POLLING, WEBSOCKET, SESSION, "GET /metrics HTTP/1.1\r\n"] {
            let answer = ask(&server.address, &format!("{way}{lines}"), "{}").await;
            assert_eq!(answer.status, 421, "{way}{lines}");
        }
    }
    assert_eq!(kept_out(&server.origin(), "host").await, 8.0);
    let local = format!("{POLLING}host: localhost:{port}\r\n");
    assert_eq!(ask(&server.address, &local, "").await.status, 200);
    let named = Server::with(&["--no-host-metrics", "--allow-host", "evil.example"]).await;
    for way in [POLLING, WEBSOCKET] {
        let (_, port) = named.address.split_once(':').unwrap();
        let lines = format!("host: evil.example:{port}\r\norigin: http://evil.example:{port}\r\n");
        let answer = ask(&named.address, &format!("{way}{lines}"), "").await;
        assert!([200, 101].contains(&answer.status), "{answer:?}");
    }
}

/// A proxy that passes pages of its own machine on brings others than that machine.
#[tokio::test]
async fn pages_of_this_machine_are_let_in_from_this_machine() {
    let server = Server::start().await;
    let page = format!("{POLLING}origin: http://localhost:8080\r\n");
    assert_eq!(ask(&server.address, &page, "").await.status, 200);
    let passed_on = format!("{page}x-forwarded-for: 192.0.2.1\r\n");
    assert_eq!(ask(&server.address, &passed_on, "").await.status, 403);
}
