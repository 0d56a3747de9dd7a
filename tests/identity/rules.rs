//! The policy file: who may join and publish what, read at the start and at SIGHUP.

use super::{connected, registered, session};
use crate::world::{
    client::{code, connected_with, emit, join, say, send, until_connected},
    official::only,
    process::Process,
    server::{Server, program},
    soon,
};
use serde_json::json;
use std::{fs, path::Path, time::Duration};
use tempfile::TempDir;
use tertulia_client::connection::{Connection, Transport};
use tertulia_shared::{device::DeviceCommand, room::RoomJoin, sensor::Value};
use tokio::{
    io::AsyncWriteExt,
    net::unix::pipe::{self, Sender},
    process::Command,
};

const RULES: &str = r#"
[[rule]]
who = "guests"
may = ["join", "publish"]
topic = "chat/staff/#"
allow = false

[[rule]]
who = "everybody"
may = "publish"
topic = "devices/#"
allow = false

[[rule]]
who = ["Ada"]
may = "publish"
topic = "devices/lamp/set/+"
allow = true
"#;

async fn command(connection: &Connection, device: &str) -> String {
    let (device, target) = (device.to_owned(), "power".to_owned());
    let value = Value::Number(1.0);
    match emit(
        connection,
        &DeviceCommand {
            device,
            target,
            value,
        },
    )
    .await
    {
        Ok(_) => "ok".to_owned(),
        refused => code(refused).as_str().unwrap().to_owned(),
    }
}

async fn serve(directory: &Path, rules: &Path) -> Server {
    super::serve(directory, &["--policy", rules.to_str().unwrap()]).await
}

/// Breaks when: a rule is not asked at one of the events, or for whom it is.
#[tokio::test]
async fn rules_hold_for_whom_they_are() {
    let directory = registered(&["Ada", "Bob"]).await;
    let rules = directory.path().join("rules.toml");
    fs::write(&rules, RULES).unwrap();
    let server = serve(directory.path(), &rules).await;
    let origin = server.origin();
    let login = |name: &str| session(&origin, json!({"name": name, "password": "correct horse"}));
    let ada = connected(&origin, &login("Ada").await).await;
    let bob = connected(&origin, &login("Bob").await).await;
    let eve = connected_with(&origin, only(Transport::WebSocket)).await;
    for room in ["chat/staff", "chat/staff/today"] {
        join(&ada, room).await;
        assert_eq!(
            code(emit(&eve, &RoomJoin::new(room)).await),
            "room-not-allowed"
        );
        assert_eq!(
            code(emit(&eve, &send(room, "hi", "1")).await),
            "room-not-allowed"
        );
        say(&bob, room, "hi", "2").await;
    }
    join(&eve, "devices/#").await;
    for (who, device, expected) in [
        (&ada, "lamp", "ok"),
        (&ada, "door", "room-not-allowed"),
        (&bob, "lamp", "room-not-allowed"),
        (&eve, "lamp", "room-not-allowed"),
    ] {
        let answered = async {
            loop {
                match command(who, device).await.as_str() {
                    // The bridge may still be coming up.
                    "bridge-down" => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
                    answer => return answer.to_owned(),
                }
            }
        };
        assert_eq!(soon("an answer", answered).await, expected, "{device}");
    }
}

/// Breaks when: a bad file is taken, stops the server, or a good one is not read.
#[tokio::test]
async fn rules_are_read_again_and_bad_ones_are_not_taken() {
    let directory = TempDir::new().unwrap();
    let rules = directory.path().join("rules.toml");
    fs::write(&rules, "").unwrap();
    let mut server = serve(directory.path(), &rules).await;
    let guest = connected_with(&server.origin(), only(Transport::WebSocket)).await;
    let lobby = connected_with(
        &server.origin(),
        super::Options {
            force_new: true,
            ..only(Transport::WebSocket)
        },
    )
    .await;
    join(&guest, "chat/staff").await;
    join(&lobby, "chat/lobby").await;
    fs::write(&rules, "[[rule]]\nwho = 'guests'\n").unwrap();
    server.reload("the old rules stay").await;
    say(&guest, "chat/staff", "still here", "1").await;
    fs::write(&rules, RULES).unwrap();
    server.reload("there are other rules now").await;
    let closed = async {
        loop {
            until_connected(&guest).await;
            let sent = emit(&guest, &send("chat/staff", "hi", "2")).await;
            if code_of(sent) == "room-not-allowed" {
                return;
            }
        }
    };
    soon("the new rules", closed).await;
    say(&lobby, "chat/lobby", "nothing happened here", "1").await;
}

/// Waits until somebody opens a FIFO to read it.
async fn opened(fifo: &Path) -> Sender {
    let opened = async {
        loop {
            match pipe::OpenOptions::new().open_sender(fifo) {
                Ok(sender) => return sender,
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    };
    soon("a reader", opened).await
}

/// Breaks when: a server that is told early to read again ends of it, or does not do it. The rules are a FIFO: its start
/// waits for them.
#[tokio::test]
async fn who_is_told_during_the_start_to_read_again_does() {
    let directory = TempDir::new().unwrap();
    let rules = directory.path().join("rules.toml");
    let made = Command::new("mkfifo").arg(&rules).status().await.unwrap();
    assert!(made.success());
    let mut command = program();
    command.args(["serve", "--no-host-metrics", "--listen", "127.0.0.1:0"]);
    command.args(["--mqtt-listen", "127.0.0.1:0", "--policy"]);
    let mut server = Process::start(command.arg(&rules));
    let first = opened(&rules).await;
    server.signal("HUP").await;
    drop(first);
    server.line_with("tertulia ready").await;
    let mut second = opened(&rules).await;
    second.write_all(RULES.as_bytes()).await.unwrap();
    drop(second);
    server.error_with("there are other rules now").await;
}

fn code_of<T: std::fmt::Debug>(
    result: Result<T, tertulia_client::connection::EmitError>,
) -> String {
    match result {
        Ok(_) => "ok".to_owned(),
        Err(error) => match error {
            tertulia_client::connection::EmitError::Rejected(_) => {
                code::<()>(Err(error)).as_str().unwrap().to_owned()
            }
            other => other.to_string(),
        },
    }
}

#[tokio::test]
async fn a_bad_file_is_one_line_with_its_place() {
    let directory = TempDir::new().unwrap();
    let rules = directory.path().join("rules.toml");
    fs::write(
        &rules,
        "[[rule]]\nwho = 'guests'\nmay = 'fly'\ntopic = 'a'\nallow = true\n",
    )
    .unwrap();
    for (file, part) in [
        (rules.as_path(), "line 3: `may`"),
        (Path::new("no/such.toml"), "no/such.toml"),
    ] {
        let output = program()
            .args([
                "serve",
                "--listen",
                "127.0.0.1:0",
                "--mqtt-listen",
                "127.0.0.1:0",
                "--policy",
            ])
            .arg(file)
            .output();
        let output = soon("the end", output).await.unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
        assert!(
            error.contains(part) && error.contains(file.to_str().unwrap()),
            "{error}"
        );
    }
}
