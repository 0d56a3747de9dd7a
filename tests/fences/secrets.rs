//! What the log never says, however much it is asked to say.

use super::{POLLING, ask};
use crate::world::{
    client::{enter, join, say, until_connected},
    mosquitto::publish,
    official::only,
    process::Process,
    server::program,
};
use serde_json::json;
use tertulia_client::connection::{Connection, Transport};

/// Breaks when: anything logs a request's query, a packet, a header or a CONNECT as it came.
#[tokio::test]
async fn the_log_says_no_secret_even_when_it_says_all() {
    let mut process = Process::start(
        program()
            .args(["serve", "--no-host-metrics", "--listen", "127.0.0.1:0"])
            .args(["--mqtt-listen", "127.0.0.1:0"])
            .env("TERTULIA_LOG", "trace"),
    );
    let line = process.line().await;
    let (page, mqtt) = line.split_once(", mqtt ").unwrap();
    let address = page.rsplit('/').next().unwrap();
    let origin = format!("http://{address}");
    for transport in [Transport::Polling, Transport::WebSocket] {
        let ada = Connection::connect_with(&origin, only(transport)).unwrap();
        until_connected(&ada).await;
        enter(&ada, "Ada").await;
        join(&ada, "chat/lobby").await;
        say(&ada, "chat/lobby", "s3cret-text", "1").await;
    }
    let open = ask(address, POLLING, "").await.body;
    let open: serde_json::Value = serde_json::from_str(&open[1..]).unwrap();
    let sid = open["sid"].as_str().unwrap().to_owned();
    let path = format!("/socket.io/?EIO=4&transport=polling&sid={sid}");
    ask(
        address,
        &format!("POST {path} HTTP/1.1\r\n"),
        r#"40{"token":"s3cret-token"}"#,
    )
    .await;
    ask(address, &format!("GET {path} HTTP/1.1\r\n"), "").await;
    let body = json!({ "name": "ada", "password": "s3cret-password" }).to_string();
    let session = "POST /session HTTP/1.1\r\nauthorization: Bearer s3cret-bearer\r\n";
    ask(address, session, &body).await;
    let port = mqtt.rsplit(':').next().unwrap();
    let login = ["-u", "ada", "-P", "s3cret-mqtt"];
    let _ = tokio::spawn({
        let port = port.to_owned();
        async move { publish(&port, "sensors/a/b", "1", &login).await }
    })
    .await;
    process.terminate().await;
    let log = process.rest().await;
    assert!(
        log.contains("TRACE") || log.contains("DEBUG"),
        "it says nothing:\n{log}"
    );
    for secret in [sid.as_str(), "s3cret"] {
        let told: Vec<_> = log
            .lines()
            .filter(|line| line.contains(secret))
            .take(5)
            .collect();
        assert!(told.is_empty(), "{secret}: {told:#?}");
    }
}
