//! `tertulia listen`, as users run it: against the official server and against ours.

use super::echo::Echo;
use crate::world::{
    client, mosquitto,
    process::{Process, signal},
    server::{Server, program},
    soon,
};
use serde_json::Value;
use std::{process::Stdio, time::Duration};
use tempfile::TempDir;
use tertulia_client::connection::{Connection, Delivery};
use tertulia_shared::{
    chat::ChatSend,
    wire::{args::Args, json::Json},
};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command,
};

fn listen(url: &str, arguments: &[&str]) -> Process {
    Process::start(program().args(["listen", url]).args(arguments))
}

/// Emits to the echo server, and waits until it has done it.
async fn ask(connection: &Connection, event: &str) {
    let args = Args::new(Json::parse(event).unwrap(), Vec::new()).unwrap();
    let delivery = Delivery {
        ack_within: Some(crate::world::PATIENCE),
        volatile: false,
        retries: 0,
    };
    connection.emit_args(args, delivery).await.unwrap().unwrap();
}

/// Waits until it has that exit code.
async fn ends(process: &mut Process, code: i32) {
    let status = process.ended().await;
    assert_eq!(status.code(), Some(code), "{}", process.errors());
}

#[tokio::test]
async fn every_event_is_a_line() {
    for transport in ["polling", "websocket"] {
        let echo = Echo::start(&[]).await;
        let only = ["--transport", transport, "--count", "5"];
        let mut listener = listen(&echo.url, &only);
        let connected = listener.error_with("connected").await;
        assert_eq!(connected, format!("connected ({transport})"));
        ask(&client::connected(&echo.url).await, r#"["play",2]"#).await;
        for line in [
            r#"note 1 {"name":"é"}"#,
            r#"note 2 {"name":"é"}"#,
            r#""two words""#,
            r#"file {"bytes":{"base64":"AQL/"}}"#,
            "question []",
        ] {
            assert_eq!(listener.line().await, line, "{transport}");
        }
        ends(&mut listener, 0).await;
    }
}

#[tokio::test]
async fn chosen_events_are_json_objects() {
    let echo = Echo::start(&[]).await;
    let chosen = ["note", "question", "--json", "-C", "2", "--quiet"];
    let mut listener = listen(&echo.url, &chosen);
    let asker = client::connected(&echo.url).await;
    // Quiet as it is, only what it prints tells that it is there.
    let first = repeated(&asker, listener.line()).await;
    let read = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let first = read(&first);
    assert_eq!(first["event"], "note");
    assert_eq!(first["args"], serde_json::json!([1, {"name": "é"}]));
    assert_eq!(first["ack"], false);
    assert!(first["at"].as_u64().unwrap() > 1_700_000_000_000);
    let second = read(&listener.line().await);
    assert_eq!(second["event"], "question");
    assert_eq!(second["ack"], true);
    ends(&mut listener, 0).await;
    assert_eq!(listener.errors(), "");
}

#[tokio::test]
async fn a_lost_connection_is_made_again_and_an_ended_one_is_not() {
    let mut echo = Echo::start(&[]).await;
    let mut listener = listen(&format!("{}/", echo.url), &["note"]);
    listener.error_with("connected").await;
    let asker = client::connected(&echo.url).await;
    ask(&asker, r#"["cut"]"#).await;
    let lost = listener.error_with("disconnected").await;
    let (why, when) = lost.split_once(", retrying in ").unwrap();
    // By WebSocket it is told with which code.
    assert!(why.starts_with("disconnected: transport close"), "{why}");
    assert!(when.ends_with(" s (attempt 1)"), "{lost}");
    listener.error_with("connected (").await;
    drop(asker);
    ask(&client::connected(&echo.url).await, r#"["dismiss"]"#).await;
    assert_eq!(listener.line().await, "note \"last\"");
    assert_eq!(
        listener.error_with("error").await,
        "error: disconnected: io server disconnect"
    );
    ends(&mut listener, 1).await;
    echo.says("disconnected").await;
}

#[tokio::test]
async fn the_time_and_a_signal_end_it() {
    let mut echo = Echo::start(&[]).await;
    let mut listener = listen(&echo.url, &["-W", "0.3"]);
    ends(&mut listener, 27).await;
    let websocket = ["--transport", "websocket"];
    let mut listener = listen(&echo.url, &websocket);
    listener.error_with("connected").await;
    listener.terminate().await;
    ends(&mut listener, 0).await;
    while echo.says("disconnected").await != "client namespace disconnect" {}
}

#[tokio::test]
async fn a_reader_that_goes_ends_it_quietly() {
    let echo = Echo::start(&[]).await;
    let mut command = program();
    command.args(["listen", &echo.url, "--quiet"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.kill_on_drop(true).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let asker = client::connected(&echo.url).await;
    let first = repeated(&asker, lines.next_line()).await;
    assert_eq!(first.unwrap().unwrap(), r#"note 1 {"name":"é"}"#);
    drop(lines);
    // It notices at the next line.
    let output = repeated(&asker, child.wait_with_output()).await.unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(output.stderr, b"");
}

/// Lets the echo server play again and again until that has happened.
async fn repeated<T>(asker: &Connection, happens: impl Future<Output = T>) -> T {
    let play = async {
        loop {
            ask(asker, r#"["play",1]"#).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::select! {
        happened = soon("what is played for", happens) => happened,
        () = play => unreachable!("it plays without end"),
    }
}

/// A reader that does not read holds up what is written, but no signal: a write in the way of it would.
#[tokio::test]
async fn a_signal_ends_it_while_nobody_reads() {
    let echo = Echo::start(&[]).await;
    let mut command = program();
    command.args(["listen", &echo.url, "--transport", "websocket"]);
    let (unread, output) = std::io::pipe().unwrap();
    command.stderr(Stdio::null());
    let mut child = command.stdout(output).kill_on_drop(true).spawn().unwrap();
    drop(command);
    // More than a pipe holds.
    let asker = client::connected(&echo.url).await;
    for _ in 0..4 {
        ask(&asker, r#"["play",4000]"#).await;
    }
    let id = child.id().unwrap().to_string();
    let sent = Command::from(signal("TERM", &id)).status().await;
    assert!(sent.unwrap().success());
    let status = soon("the end of the command", child.wait()).await.unwrap();
    assert_eq!(status.code(), Some(0));
    drop(unread);
}

#[tokio::test]
async fn a_server_that_refuses_or_is_not_there_is_given_up() {
    let echo = Echo::start(&[]).await;
    let mut refused = listen(&echo.url, &["--auth", r#"{"token":"wrong"}"#]);
    let line = refused.error_with("error").await;
    assert_eq!(line, "error: refused by the server: not you {\"code\":7}");
    ends(&mut refused, 1).await;
    let mut absent = listen("http://127.0.0.1:1", &["--connect-timeout", "0.3"]);
    let line = absent.error_with("error: not").await;
    assert!(
        line.starts_with("error: not connected within 0.3 s: transport error"),
        "{line}"
    );
    ends(&mut absent, 1).await;
}

#[tokio::test]
async fn rooms_of_ours_are_joined_after_each_connect() {
    let server = Server::start().await;
    let rooms = ["--join", "chat/lobby", "--join", "sensors/#"];
    let mut listener = listen(&server.origin(), &rooms);
    listener.error_with("joined sensors/#").await;
    let port = server.mqtt_port().to_owned();
    mosquitto::publish(&port, "sensors/lab1/temperature", "21.5", &[]).await;
    let reading = listener.line_with("sensors/lab1/temperature").await;
    assert!(reading.contains("21.5"), "{reading}");
    let mut server = server;
    server.kill().await;
    listener.error_with("disconnected").await;
    let server = server.restart().await;
    listener.error_with("joined chat/lobby").await;
    let text = ChatSend {
        room: "chat/lobby".to_owned(),
        text: "again".to_owned(),
        id: None,
    };
    let ada = client::connected(&server.origin()).await;
    soon("the receipt", ada.emit(&text)).await.unwrap();
    listener.line_with("\"text\":\"again\"").await;
}

#[tokio::test]
async fn a_room_that_is_refused_ends_it() {
    let server = Server::start().await;
    let mut listener = listen(&server.origin(), &["--join", "secrets/#"]);
    let line = listener.error_with("error").await;
    assert!(
        line.starts_with("error: secrets/# was not joined: "),
        "{line}"
    );
    ends(&mut listener, 1).await;
}

/// Breaks when: a room is joined anew after a loss, so that what was said meanwhile is never printed, or twice.
#[tokio::test]
async fn a_room_goes_on_where_it_was_read_to() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().to_str().unwrap().to_owned();
    let mut server = Server::with(&["--no-host-metrics", "--data-dir", &data]).await;
    let only = ["chat:message", "--join", "chat/lobby", "--json"];
    let mut listener = listen(&server.origin(), &only);
    listener.error_with("joined chat/lobby").await;
    let mut said = 0;
    for _ in 0..3 {
        said = say_three(&server, said).await;
        server.kill().await;
        listener.error_with("disconnected").await;
        server = server.restart().await;
        // It comes back a moment later.
        said = say_three(&server, said).await;
        listener.error_with("joined chat/lobby").await;
    }
    for number in 1..=said {
        let line: Value = serde_json::from_str(&listener.line().await).unwrap();
        assert_eq!(line["args"][0]["text"], number.to_string());
    }
}

async fn say_three(server: &Server, said: u32) -> u32 {
    let ada = client::connected(&server.origin()).await;
    for number in said + 1..=said + 3 {
        let number = number.to_string();
        client::say(&ada, "chat/lobby", &number, &number).await;
    }
    said + 3
}
