//! MQTT clients have users, passwords and the same rules as all others on the embedded broker.

mod reach;

use crate::identity::with_token;
use crate::world::{
    client::{connected_with, join, next},
    mosquitto::{self, subscribe_as},
    official::only,
    process::Process,
    server::{Server, program},
    soon,
};
use serde_json::{Value, json};
use std::{fs, path::Path, process::Stdio};
use tempfile::TempDir;
use tertulia_client::connection::Transport;
use tertulia_shared::chat::ChatMessage;
use tokio::{io::AsyncWriteExt, process::Command};

const RULES: &str = r#"
[[rule]]
who = "guests"
may = ["join", "publish"]
topic = "chat/staff/#"
allow = false

[[rule]]
who = "registered"
may = ["join", "publish"]
topic = "home/#"
allow = true

[[rule]]
who = "Bob"
may = "publish"
topic = "home/door"
allow = false
"#;

async fn user(directory: &Path, arguments: &[&str]) {
    let mut command = program();
    command
        .arg("user")
        .args(arguments)
        .arg("--data-dir")
        .arg(directory);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(b"correct horse\n").await;
    drop(stdin);
    assert!(soon("tertulia user", child.wait()).await.unwrap().success());
}

/// A server on which Ada and Bob are registered.
async fn serve(more: &[&str]) -> (TempDir, Server) {
    let directory = TempDir::new().unwrap();
    user(directory.path(), &["add", "Ada"]).await;
    user(directory.path(), &["add", "Bob"]).await;
    let rules = directory.path().join("rules.toml");
    fs::write(&rules, RULES).unwrap();
    let (at, rules) = (directory.path().to_str().unwrap(), rules.to_str().unwrap());
    let options = [
        &["--no-host-metrics", "--data-dir", at, "--policy", rules],
        more,
    ]
    .concat();
    let server = Server::with(&options).await;
    (directory, server)
}

/// Whether a publish is taken, as `mosquitto_pub` at QoS 1 says.
async fn publishes(port: &str, topic: &str, options: &[&str]) -> bool {
    let mut command = Command::new("mosquitto_pub");
    command.args(["-t", topic, "-m", "x", "-q", "1"]);
    is_granted(command, port, options).await
}

/// Whether a subscription is granted, as `mosquitto_sub` says.
async fn subscribes(port: &str, filter: &str, options: &[&str]) -> bool {
    let mut command = Command::new("mosquitto_sub");
    command.args(["-t", filter, "-E"]);
    is_granted(command, port, options).await
}

async fn is_granted(mut command: Command, port: &str, options: &[&str]) -> bool {
    command.args(["-h", "127.0.0.1", "-p", port, "-V", "mqttv5"]);
    let output = soon("mosquitto", command.args(options).output());
    let output = output.await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr).to_lowercase();
    output.status.success() && !said.contains("denied") && !said.contains("not authorized")
}

const ADA: [&str; 4] = ["-u", "Ada", "-P", "correct horse"];
const BOB: [&str; 4] = ["-u", "Bob", "-P", "correct horse"];

/// Breaks when: a rule is not asked for a publish, a subscription, or one that several share.
#[tokio::test]
async fn the_rules_hold_by_mqtt_too() {
    let (_directory, server) = serve(&[]).await;
    let port = server.mqtt_port();
    for (topic, options, expected) in [
        ("chat/lobby", &[][..], true),
        ("chat/staff/today", &[], false),
        ("home/light", &[], false),
        ("tertulia/bridge", &[], false),
        ("chat/staff/today", &ADA, true),
        ("home/light", &BOB, true),
        ("home/door", &ADA, true),
        ("home/door", &BOB, false),
        ("elsewhere", &ADA, false),
        ("chat/private/plans", &ADA, false),
        ("sensors/kitchen/temperature", &["-r"], true),
        ("chat/staff/retained", &["-r"], false),
    ] {
        assert_eq!(
            publishes(port, topic, options).await,
            expected,
            "{topic} {options:?}"
        );
    }
    for (filter, options, expected) in [
        ("chat/lobby", &[][..], true),
        ("chat/staff/#", &[], false),
        ("chat/#", &[], false),
        ("sensors/+/temperature", &[], true),
        ("$share/group/sensors/#", &[], true),
        ("$share/group/chat/#", &[], false),
        ("#", &[], false),
        ("$SYS/#", &[], false),
        ("chat/#", &ADA, true),
        ("home/#", &ADA, true),
        ("#", &ADA, false),
        ("chat/private/plans", &ADA, false),
    ] {
        assert_eq!(
            subscribes(port, filter, options).await,
            expected,
            "{filter} {options:?}"
        );
    }
}

/// Breaks when: a wrong password or a bad token is let in, or a token is not as good as the password.
#[tokio::test]
async fn a_password_or_a_token_lets_in_and_nothing_else() {
    let (_directory, server) = serve(&["--guests", "nowhere"]).await;
    let port = server.mqtt_port();
    let asked = json!({"name": "Ada", "password": "correct horse"}).to_string();
    let asked = crate::world::http::http()
        .post(format!("{}/session", server.origin()))
        .body(asked);
    let given = soon("a session", asked.send())
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let given: Value = serde_json::from_str(&given).unwrap();
    let token = given["token"].as_str().unwrap();
    let cut = &token[..token.len() - 3];
    for (options, expected) in [
        (&ADA[..], true),
        (&["-u", "ada", "-P", "correct horse"], true),
        (&["-u", "Ada", "-P", token], true),
        (&["-u", "token", "-P", token], true),
        (&["-u", "Ada", "-P", "battery staple"], false),
        (&["-u", "Ada", "-P", cut], false),
        (&["-u", "Eve", "-P", "correct horse"], false),
        (&["-u", "tertulia", "-P", "tertulia"], false),
        (&["-u", "Ada"], false),
        (&[], false),
    ] {
        assert_eq!(
            publishes(port, "chat/lobby", options).await,
            expected,
            "{options:?}"
        );
    }
    // The server's own link is let in all the same.
    let options = with_token(token, Transport::WebSocket);
    let reader = connected_with(&server.origin(), options).await;
    let mut heard = reader.listen::<ChatMessage>();
    join(&reader, "chat/lobby").await;
    mosquitto::publish(
        port,
        "chat/lobby",
        "by mqtt",
        &[&ADA[..], &["-q", "1"]].concat(),
    )
    .await;
    loop {
        let message = next(&mut heard).await;
        if message.text == "by mqtt" {
            // Who published by a password is who it is.
            assert_eq!(
                (message.from.name.as_str(), json!(message.from.peer)),
                ("Ada", given["peer"].clone())
            );
            break;
        }
    }
}

/// Breaks when: a guest speaks by MQTT in a registered user's name.
#[tokio::test]
async fn nobody_speaks_in_anothers_name() {
    let (_directory, server) = serve(&[]).await;
    let port = server.mqtt_port();
    let reader = connected_with(&server.origin(), only(Transport::WebSocket)).await;
    let mut heard = reader.listen::<ChatMessage>();
    join(&reader, "chat/lobby").await;
    let from = |name: &'static str| {
        [
            "-V",
            "mqttv5",
            "-q",
            "1",
            "-D",
            "publish",
            "user-property",
            "from",
            name,
        ]
    };
    for (name, shown) in [("Zoë", "Zoë"), ("ada", "mqtt"), ("Bob", "mqtt")] {
        mosquitto::publish(port, "chat/lobby", name, &from(name)).await;
        let message = next(&mut heard).await;
        assert_eq!(
            (message.text.as_str(), message.from.name.as_str()),
            (name, shown)
        );
    }
    let forged = [
        "-V",
        "mqttv5",
        "-q",
        "1",
        "-D",
        "publish",
        "user-property",
        "x-mqtt-sender",
        "tertulia",
    ];
    mosquitto::publish(port, "chat/lobby", "forged", &forged).await;
    assert_eq!(next(&mut heard).await.from.name, "mqtt");
}

/// Breaks when: a will or a retained message gets round the rules.
#[tokio::test]
async fn a_will_obeys_the_rules() {
    let (_directory, server) = serve(&[]).await;
    let port = server.mqtt_port();
    let mut staff = subscribe_as(port, "chat/staff/#", &ADA).await;
    for (will, options) in [
        ("chat/staff/refused", &[][..]),
        ("chat/staff/allowed", &BOB),
    ] {
        let mut command = mosquitto::subscriber(port, "chat/lobby");
        command.args([
            "-V",
            "mqttv311",
            "--will-topic",
            will,
            "--will-payload",
            "gone",
            "--will-qos",
            "1",
        ]);
        let mut dying = Process::start(command.args(options));
        dying.line_with("Subscribed").await;
        dying.kill().await;
    }
    // Of the two only the second comes; the first was refused before.
    let line = staff.line_with("gone").await;
    assert_eq!(line, "chat/staff/allowed gone");
}

/// Breaks when: who is removed goes on to hear, or other rules do not reach who is connected.
#[tokio::test]
async fn a_removed_user_is_cut_off() {
    let (directory, mut server) = serve(&[]).await;
    let port = server.mqtt_port().to_owned();
    let mut bobs = subscribe_as(&port, "chat/staff/#", &BOB).await;
    let mut adas = subscribe_as(&port, "chat/lobby", &ADA).await;
    user(directory.path(), &["remove", "Bob"]).await;
    // Where guests may come it is one from now on, and guests may not hear this.
    bobs.error_with("denied").await;
    mosquitto::publish(&port, "chat/lobby", "for those who stay", &["-q", "1"]).await;
    adas.line_with("for those who stay").await;
    let mut guest = subscribe_as(&port, "chat/staff", &ADA).await;
    let rules = directory.path().join("rules.toml");
    let closed = "[[rule]]\nwho='everybody'\nmay='join'\ntopic='chat/staff'\nallow=false\n";
    fs::write(rules, closed).unwrap();
    server.reload("there are other rules now").await;
    // It subscribes anew and is told that it may not any more.
    guest.error_with("denied").await;
}

/// Breaks when: a user's client id, which others see, is taken from it while it is away, and what waits for it is lost or
/// heard by somebody else.
#[tokio::test]
async fn a_client_id_is_its_users_as_long_as_its_session() {
    let (_directory, server) = serve(&[]).await;
    let port = server.mqtt_port();
    let session = ["-i", "lamp", "-c", "-x", "600", "-q", "1"];
    let adas = [&ADA[..], &session].concat();
    assert!(subscribes(port, "chat/staff/today", &adas).await);
    for (who, login) in [("Bob", &BOB[..]), ("a guest", &[])] {
        let anew = [login, &["-i", "lamp"]].concat();
        assert!(!publishes(port, "chat/lobby", &anew).await, "{who}");
        let again = [login, &session].concat();
        assert!(!subscribes(port, "chat/lobby", &again).await, "{who}");
    }
    let bobs = [&BOB[..], &["-q", "1"]].concat();
    mosquitto::publish(port, "chat/staff/today", "for Ada", &bobs).await;
    let mut ada = Process::start(mosquitto::subscriber(port, "chat/lobby").args(adas));
    ada.line_with("chat/staff/today for Ada").await;
    ada.kill().await;
    // An id that nobody keeps anything for is free.
    let once = [&ADA[..], &["-i", "switch"]].concat();
    assert!(publishes(port, "chat/lobby", &once).await);
    let next = [&BOB[..], &["-i", "switch"]].concat();
    assert!(publishes(port, "chat/lobby", &next).await);
}

/// Breaks when: other rules do not reach who is away, and it is handed out later what it may not hear.
#[tokio::test]
async fn who_is_away_hears_no_more_than_who_is_here() {
    let (directory, mut server) = serve(&[]).await;
    let port = server.mqtt_port().to_owned();
    let session = ["-i", "lamp", "-c", "-x", "600", "-q", "1"];
    let adas = [&ADA[..], &session].concat();
    let both = [&adas[..], &["-t", "chat/lobby"]].concat();
    assert!(subscribes(&port, "chat/staff/today", &both).await);
    let mut witness = subscribe_as(&port, "chat/staff/today", &BOB).await;
    let bobs = [&BOB[..], &["-q", "1"]].concat();
    let say = async |round: &str| {
        for room in ["chat/staff/today", "chat/lobby"] {
            mosquitto::publish(&port, room, round, &bobs).await;
        }
    };
    say("before").await;
    let closed = "[[rule]]\nwho='everybody'\nmay='join'\ntopic='chat/staff/#'\nallow=false\n";
    fs::write(directory.path().join("rules.toml"), closed).unwrap();
    server.reload("there are other rules now").await;
    witness.error_with("denied").await;
    say("after").await;
    let mut ada = Process::start(mosquitto::subscriber(&port, "chat/lobby").args(&adas));
    let mut heard = Vec::new();
    while heard.last().is_none_or(|last| last != "chat/lobby after") {
        let line = ada.line().await;
        if line.starts_with("chat/") {
            heard.push(line);
        }
    }
    assert_eq!(heard, ["chat/lobby before", "chat/lobby after"]);
}
