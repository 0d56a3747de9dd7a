//! The program's options: what it prints when it is ready, and what it says when something has to be changed.

mod cuts;
mod echo;
mod emit;
mod listen;

use crate::world::{http::get, process::Process, server::Server, server::program, soon};
use std::process::Output;
use tokio::net::TcpListener;

/// Runs the program to its end.
async fn run(arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let output = program()
        .args(arguments)
        .envs(variables.iter().copied())
        .kill_on_drop(true)
        .output();
    soon("the end of the program", output).await.unwrap()
}

/// The one line on standard error of a program that ends with exit code 2.
async fn complaint(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let output = run(arguments, variables).await;
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert_eq!(output.stdout, b"", "{arguments:?}");
    assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    error
}

#[tokio::test]
async fn a_mistake_is_one_line_that_says_what_to_change() {
    for (arguments, part) in [
        (&["serve", "--lisen", "127.0.0.1:0"][..], "--listen"),
        (&["serve", "--listen", "nowhere"], "--listen"),
        (&["serve", "--mqtt-listen", "1883"], "--mqtt-listen"),
        (&["serve", "--mqtt-url", "http://127.0.0.1"], "mqtt://"),
        (&["serve", "--mqtt-url", "mqtt://:1883"], "--mqtt-url"),
        (&["serve", "--ping-interval", "soon"], "--ping-interval"),
        (&["serve", "--ping-timeout", "0s"], "--ping-timeout"),
        (&["server"], "serve"),
    ] {
        let error = complaint(arguments, &[]).await;
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
}

#[tokio::test]
async fn a_mistake_in_a_variable_names_it_or_its_option() {
    let error = complaint(&["serve"], &[("TERTULIA_LISTEN", "nowhere")]).await;
    assert!(error.contains("listen"), "{error}");
    let error = complaint(&["serve"], &[("TERTULIA_MQTT_URL", "nowhere")]).await;
    assert!(error.contains("mqtt"), "{error}");
}

#[tokio::test]
async fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = [
        "serve",
        "--mqtt-listen",
        "127.0.0.1:0",
        "--listen",
        &address,
    ];
    let error = complaint(&listen, &[]).await;
    assert!(
        error.contains(&address) && error.contains("--listen"),
        "{error}"
    );
}

#[tokio::test]
async fn a_taken_mqtt_port_says_how_to_use_the_broker_that_is_there() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--mqtt-listen",
        &address,
    ];
    let error = complaint(&listen, &[]).await;
    let hint = format!("--mqtt-url mqtt://{address}");
    assert!(error.contains(&hint), "{error}");
}

#[tokio::test]
async fn variables_do_what_options_do() {
    let mut process = Process::start(program().envs([
        ("TERTULIA_LISTEN", "127.0.0.1:0"),
        ("TERTULIA_MQTT_LISTEN", "127.0.0.1:0"),
        ("TERTULIA_NO_HOST_METRICS", "true"),
        ("TERTULIA_PING_INTERVAL", "1s"),
        ("TERTULIA_PING_TIMEOUT", "2s"),
    ]));
    let line = process.line().await;
    let address = line
        .strip_prefix("tertulia ready: page ")
        .and_then(|rest| rest.split(',').next())
        .unwrap();
    let url = format!("{address}/socket.io/?EIO=4&transport=polling");
    let handshake = get(url).await.unwrap().text().await.unwrap();
    assert!(handshake.contains(r#""pingInterval":1000"#), "{handshake}");
    assert!(handshake.contains(r#""pingTimeout":2000"#), "{handshake}");
}

#[tokio::test]
async fn help_and_version_end_well() {
    for argument in ["--help", "--version"] {
        let output = run(&[argument], &[]).await;
        assert_eq!(output.status.code(), Some(0));
        assert!(
            String::from_utf8(output.stdout)
                .unwrap()
                .contains("tertulia")
        );
    }
}

#[tokio::test]
async fn a_terminated_server_ends_well_and_soon() {
    let mut server = Server::start().await;
    let connection = crate::world::client::connected(&server.origin()).await;
    let status = server.terminate().await;
    assert_eq!(status.code(), Some(0));
    drop(connection);
}

#[tokio::test]
async fn health_is_told() {
    let server = Server::start().await;
    let response = get(format!("{}/healthz", server.origin())).await.unwrap();
    assert_eq!(response.status(), 200);
    let health: serde_json::Value = serde_json::from_str(&response.text().await.unwrap()).unwrap();
    assert_eq!(health["status"], "ok");
}
