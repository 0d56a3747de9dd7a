//! The start: where it is refused, what it leaves on the disk, and what it never writes into a log.

use super::{ask, connected, registered, serve, session, token, user};
use crate::world::{
    client::{join, say},
    mosquitto,
    official::only,
    process::Process,
    server::program,
    soon,
};
use serde_json::json;
use std::{fs, os::unix::fs::PermissionsExt, path::Path};
use tempfile::TempDir;
use tertulia_shared::Code;

const FREE: &str = "127.0.0.1:0";
const EVERYWHERE: &str = "0.0.0.0:0";

/// The one line with which a start is refused.
async fn complaint(directory: &Path, arguments: &[&str]) -> String {
    let output = program()
        .args(["serve", "--no-host-metrics", "--data-dir"])
        .arg(directory)
        .args(arguments)
        .kill_on_drop(true)
        .output();
    let output = soon("the end", output).await.unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    error
}

/// Breaks when: others reach a server that asks nobody who they are.
#[tokio::test]
async fn an_address_that_others_reach_is_refused_without_accounts() {
    let directory = TempDir::new().unwrap();
    let at = &directory.path().join("data");
    for arguments in [
        ["--listen", EVERYWHERE, "--mqtt-listen", FREE].as_slice(),
        &["--listen", FREE, "--mqtt-listen", EVERYWHERE],
        &[
            "--listen",
            EVERYWHERE,
            "--mqtt-listen",
            EVERYWHERE,
            "--guests",
            "nowhere",
        ],
    ] {
        let error = complaint(at, arguments).await;
        for part in ["0.0.0.0", "tertulia user add", "--guests everywhere"] {
            assert!(error.contains(part), "{error}");
        }
    }
    let starts = async |more: &[&str]| {
        let mut command = program();
        command.args(["serve", "--no-host-metrics", "--listen", EVERYWHERE]);
        command
            .args(["--mqtt-listen", EVERYWHERE, "--data-dir"])
            .arg(at);
        let mut process = Process::start(command.args(more));
        let line = process.line_with("tertulia ready").await;
        let address = line
            .split("http://")
            .nth(1)
            .unwrap()
            .split(',')
            .next()
            .unwrap();
        let port = address.rsplit(':').next().unwrap().to_owned();
        (process, format!("http://127.0.0.1:{port}"))
    };
    let (mut process, origin) = starts(&["--guests", "everywhere"]).await;
    session(&origin, json!({"name": "Bob"})).await;
    process.kill().await;
    user(at, &["add", "Ada"], "correct horse").await.unwrap();
    let (_process, origin) = starts(&[]).await;
    let (status, body) = ask(&origin, &json!({"name": "Bob"}), None).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (403, &json!("account-needed"))
    );
    for transport in super::BOTH {
        let refusal = super::refused(&origin, only(transport)).await;
        assert_eq!(refusal.code, Code::AccountNeeded, "{transport:?}");
    }
    let ada = session(&origin, json!({"name": "Ada", "password": "correct horse"})).await;
    connected(&origin, &ada).await;
}

/// Breaks when: the key is not the owner's alone, or one that may be known to others is used.
#[tokio::test]
async fn the_key_is_made_once_for_its_owner_and_checked() {
    let directory = TempDir::new().unwrap();
    let at = &directory.path().join("data");
    serve(at, &[]).await.kill().await;
    let key = at.join("session.key");
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&key), 0o600);
    let secret = fs::read(&key).unwrap();
    let both = ["--listen", FREE, "--mqtt-listen", FREE];
    fs::set_permissions(&key, fs::Permissions::from_mode(0o644)).unwrap();
    let error = complaint(at, &both).await;
    assert!(
        error.contains("session.key") && error.contains("chmod 600"),
        "{error}"
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, &secret[..10]).unwrap();
    let error = complaint(at, &both).await;
    assert!(
        error.contains("session.key") && error.contains("damaged"),
        "{error}"
    );
    fs::write(&key, &secret).unwrap();
    serve(at, &[]).await.kill().await;
    assert_eq!(fs::read(&key).unwrap(), secret);
}

/// Breaks when: a library or we ourselves log what lets somebody in.
#[tokio::test]
async fn no_secret_is_logged_even_at_trace() {
    let directory = registered(&["Ada"]).await;
    let mut command = program();
    command.env("TERTULIA_LOG", "trace");
    command.args([
        "serve",
        "--listen",
        FREE,
        "--mqtt-listen",
        FREE,
        "--data-dir",
    ]);
    let mut process = Process::start(command.arg(directory.path()));
    let line = process.line_with("tertulia ready").await;
    let mut parts = line.split("page ").nth(1).unwrap().split(", mqtt ");
    let (origin, mqtt) = (parts.next().unwrap().to_owned(), parts.next().unwrap());
    let port = mqtt.rsplit(':').next().unwrap();
    let ada = session(&origin, json!({"name": "Ada", "password": "correct horse"})).await;
    let (status, _) = ask(
        &origin,
        &json!({"name": "Ada", "password": "wrong-and-secret"}),
        None,
    )
    .await;
    assert_eq!(status, 401);
    ask(
        &origin,
        &json!({"name": "Ada", "password": ["list-and-secret"]}),
        None,
    )
    .await;
    for transport in super::BOTH {
        let options = super::with_token(token(&ada), transport);
        let connection = super::connected_with(&origin, options).await;
        join(&connection, "chat/lobby").await;
        say(&connection, "chat/lobby", "hello", "1").await;
    }
    connected(&origin, &ada).await;
    let login = ["-u", "Ada", "-P", "correct horse", "-q", "1"];
    mosquitto::publish(port, "chat/lobby", "by password", &login).await;
    let login = ["-u", "Ada", "-P", token(&ada), "-V", "mqttv5", "-q", "1"];
    mosquitto::publish(port, "chat/lobby", "by token", &login).await;
    let (_, renewed) = ask(&origin, &json!({}), Some(token(&ada))).await;
    assert_eq!(super::revoke(&origin, token(&ada)).await, 204);
    process.terminate().await;
    let log = soon("the log", process.rest()).await;
    assert!(log.lines().count() > 50, "{log}");
    let key = fs::read_to_string(directory.path().join("session.key")).unwrap();
    let signature =
        |session: &serde_json::Value| token(session).rsplit('.').next().unwrap().to_owned();
    for secret in [
        "correct horse".to_owned(),
        "wrong-and-secret".to_owned(),
        "list-and-secret".to_owned(),
        signature(&ada),
        signature(&renewed),
        key.trim().to_owned(),
    ] {
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}
