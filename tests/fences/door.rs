//! Pages and names: who may talk to the server at all.

use super::{POLLING, WEBSOCKET, ask, kept_out};
use crate::world::server::Server;
use serde_json::{Value, json};

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

/// What a client is told that connects by polling with this header line: why it is refused, or nothing.
async fn connects(address: &str, line: &str, auth: &str) -> Option<Value> {
    let begun = ask(address, &format!("{POLLING}{line}"), "").await;
    let open: Value = serde_json::from_str(&begun.body[1..]).unwrap();
    let sid = open["sid"].as_str().unwrap();
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\n{line}");
    let posted = ask(address, &format!("POST {path}"), &format!("40{auth}")).await;
    assert_eq!(posted.status, 200);
    loop {
        let polled = ask(address, &format!("GET {path}"), "").await.body;
        for packet in polled.split('\u{1e}') {
            if let Some(refused) = packet.strip_prefix("44") {
                let refused: Value = serde_json::from_str(refused).unwrap();
                return Some(refused["data"]["code"].clone());
            }
            if packet.starts_with("40{") {
                return None;
            }
        }
    }
}

/// Breaks when: a proxy of this machine makes everybody who comes through it a guest of this machine.
#[tokio::test]
async fn guests_through_a_proxy_are_no_guests_of_this_machine() {
    let trusting = ["--no-host-metrics", "--trust-proxy", "127.0.0.1"];
    let elsewhere = "x-forwarded-for: 203.0.113.9\r\n";
    let here = "x-forwarded-for: 127.0.0.1\r\n";
    let needed = Some(json!("account-needed"));
    for (options, here_is_told) in [(&trusting[..], None), (&trusting[..1], needed.clone())] {
        let server = Server::with(options).await;
        let address = &server.address;
        let own = ask(address, SESSION, "{}").await;
        let issued: Value = serde_json::from_str(&own.body).unwrap();
        let token = json!({"token": issued["token"]}).to_string();
        for auth in ["", &token] {
            assert_eq!(connects(address, "", auth).await, None);
            assert_eq!(connects(address, elsewhere, auth).await, needed);
            assert_eq!(connects(address, here, auth).await, here_is_told);
        }
        for (line, told) in [
            ("", None),
            (elsewhere, needed.clone()),
            (here, here_is_told),
        ] {
            let answer = ask(address, &format!("{SESSION}{line}"), "{}").await;
            let body: Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(body["error"].get("code").cloned(), told, "{line}");
        }
    }
}

/// Breaks when: a page of another site reaches the handshake as an image, a script or a form, which name no origin.
#[tokio::test]
async fn other_sites_reach_the_page_only() {
    let server = Server::start().await;
    let own = server.origin();
    for way in [POLLING, WEBSOCKET, SESSION] {
        for (site, origin, is_refused) in [
            ("cross-site", None, true),
            ("same-site", None, true),
            ("cross-site", Some("http://evil.example"), true),
            ("same-origin", None, false),
            ("none", None, false),
            ("same-site", Some(own.as_str()), false),
        ] {
            let origin = origin.map(|origin| format!("origin: {origin}\r\n"));
            let lines = format!("sec-fetch-site: {site}\r\n{}", origin.unwrap_or_default());
            let answer = ask(&server.address, &format!("{way}{lines}"), "{}").await;
            assert_eq!(answer.status == 403, is_refused, "{way}{lines}");
        }
    }
    let link = "GET / HTTP/1.1\r\nsec-fetch-site: cross-site\r\n";
    assert_eq!(ask(&server.address, link, "").await.status, 200);
}
