//! `tertulia emit`, as users run it: against the official server and against ours.

use super::echo::Echo;
use crate::world::{client, server::Server, server::program, soon};
use futures_util::StreamExt;
use std::{io::Write, process::Stdio};
use tempfile::NamedTempFile;
use tertulia_shared::{chat::ChatMessage, room::RoomJoin};
use tokio::{io::AsyncWriteExt, net::TcpListener, process::Child};

/// What a command printed, and its exit code.
#[derive(Debug, PartialEq)]
pub(super) struct Ended {
    pub(super) code: Option<i32>,
    pub(super) out: String,
    pub(super) error: String,
}

/// `tertulia emit`, at work.
pub(super) struct Emitting(Child);

impl Emitting {
    pub(super) fn start(url: &str, arguments: &[&str]) -> Self {
        let child = program()
            .args(["emit", url])
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn();
        Self(child.unwrap())
    }

    /// Writes lines to its standard input.
    pub(super) async fn write(&mut self, input: &str) {
        // It may end without reading all.
        let _ = self
            .0
            .stdin
            .as_mut()
            .unwrap()
            .write_all(input.as_bytes())
            .await;
    }

    /// Ends its standard input, and waits for its end.
    pub(super) async fn end(mut self) -> Ended {
        drop(self.0.stdin.take());
        let output = soon("the end of the command", self.0.wait_with_output()).await;
        let output = output.unwrap();
        Ended {
            code: output.status.code(),
            out: String::from_utf8(output.stdout).unwrap(),
            error: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Runs `tertulia emit` to its end, with these lines on its standard input.
async fn emit_lines(url: &str, arguments: &[&str], input: &str) -> Ended {
    let mut emitting = Emitting::start(url, arguments);
    emitting.write(input).await;
    emitting.end().await
}

async fn emit(url: &str, arguments: &[&str]) -> Ended {
    emit_lines(url, arguments, "").await
}

/// Expects an end with code 0, and gives what was printed.
#[track_caller]
fn good(ended: Ended) -> String {
    assert_eq!(
        (ended.code, ended.error.as_str()),
        (Some(0), ""),
        "{}",
        ended.out
    );
    ended.out
}

/// Expects an end with that code and one line on standard error, and gives that line.
#[track_caller]
fn bad(ended: &Ended, code: i32) -> &str {
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(code), ""),
        "{ended:?}"
    );
    assert_eq!(ended.error.lines().count(), 1, "{}", ended.error);
    &ended.error
}

#[tokio::test]
async fn an_acknowledgement_is_printed_as_one_line() {
    for transport in ["polling", "websocket"] {
        let echo = Echo::start(&["--transports", transport]).await;
        let only = ["--transport", transport, "--ack"];
        for (arguments, printed) in [
            (
                &["echo", r#"{"z":1, "a":[2]}"#][..],
                "{\"z\":1,\"a\":[2]}\n",
            ),
            (&["echo", "-5", "\"é\"", "null"], "[-5,\"é\",null]\n"),
            (&["echo"], "[]\n"),
        ] {
            let ended = emit(&echo.url, &[arguments, &only].concat()).await;
            assert_eq!(good(ended), printed, "{transport}");
        }
    }
}

#[tokio::test]
async fn a_refusal_in_the_acknowledgement_is_printed_and_fails() {
    let echo = Echo::start(&[]).await;
    let ended = emit(&echo.url, &["refuse", "--ack"]).await;
    assert_eq!(ended.code, Some(1));
    assert_eq!(
        ended.out,
        "{\"error\":{\"code\":\"busy\",\"message\":\"later\"}}\n"
    );
    assert_eq!(ended.error, "");
}

/// The official server drops the events that come together with the DISCONNECT: without waiting for it to have read them
/// some of the last ones are missing.
#[tokio::test]
async fn without_acknowledgement_every_line_arrives_in_order() {
    for transport in ["polling", "websocket"] {
        let mut echo = Echo::start(&["--transports", transport]).await;
        let lines: Vec<_> = (0..500).map(|n| format!("{n} \"x\"\n\n")).collect();
        let arguments = ["tell", "-", "true", "--transport", transport];
        good(emit_lines(&echo.url, &arguments, &lines.concat()).await);
        echo.says("connected").await;
        for n in 0..500 {
            assert_eq!(echo.says("told").await, serde_json::json!([n, "x", true]));
        }
    }
}

#[tokio::test]
async fn a_line_that_is_no_json_is_named_and_the_others_are_emitted() {
    let mut echo = Echo::start(&[]).await;
    let ended = emit_lines(&echo.url, &["tell", "-l"], "1\nhello\n2\n").await;
    assert!(
        bad(&ended, 1).starts_with("error: line 2: not JSON"),
        "{ended:?}"
    );
    for told in [1, 2] {
        assert_eq!(echo.says("told").await, serde_json::json!([told]));
    }
    echo.says("disconnected").await;
}

#[tokio::test]
async fn the_namespace_the_query_the_auth_and_the_headers_reach_the_server() {
    let mut echo = Echo::start(&[]).await;
    let url = format!("{}/admin?x=7", echo.url);
    let options = ["--auth", r#"{"token":"t"}"#, "--header", "X-Name: me"];
    for transport in ["polling", "websocket"] {
        let only = ["tell", "--transport", transport];
        good(emit(&url, &[&only[..], &options].concat()).await);
        let expected = serde_json::json!({
            "namespace": "/admin",
            "auth": {"token": "t"},
            "header": "me",
            "query": "7",
            "transport": transport,
        });
        assert_eq!(echo.says("connected").await, expected);
        assert_eq!(echo.says("told").await, serde_json::json!([]));
    }
}

#[tokio::test]
async fn a_file_is_a_binary_argument() {
    let echo = Echo::start(&[]).await;
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(&[0, 255, 10]).unwrap();
    let path = file.path().to_str().unwrap();
    let size = emit(&echo.url, &["size", "--binary", path, "--ack"]).await;
    assert_eq!(good(size), "3\n");
    let back = emit(&echo.url, &["echo", "1", "--binary", path, "--ack"]).await;
    assert_eq!(good(back), "[1,{\"base64\":\"AP8K\"}]\n");
    let absent = emit(&echo.url, &["size", "--binary", "/absent", "--ack"]).await;
    assert!(
        bad(&absent, 1).starts_with("error: /absent: "),
        "{absent:?}"
    );
}

#[tokio::test]
async fn what_the_server_refuses_is_one_line() {
    let echo = Echo::start(&[]).await;
    let auth = emit(&echo.url, &["echo", "--auth", r#"{"token":"wrong"}"#]).await;
    assert_eq!(
        bad(&auth, 1),
        "error: refused by the server: not you {\"code\":7}\n"
    );
    let nowhere = emit(&format!("{}/nowhere", echo.url), &["echo"]).await;
    assert_eq!(
        bad(&nowhere, 1),
        "error: refused by the server: Invalid namespace\n"
    );
    let silence = emit(&echo.url, &["silence", "--ack", "--timeout", "0.3"]).await;
    assert_eq!(
        bad(&silence, 1),
        "error: no acknowledgement came within 300 ms\n"
    );
}

#[tokio::test]
async fn a_server_that_is_not_there_is_given_up() {
    let quick = ["echo", "--connect-timeout", "0.5"];
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", free.local_addr().unwrap());
    // It takes the connection and never answers.
    let silent = emit(&url, &quick).await;
    assert_eq!(
        bad(&silent, 1),
        "error: not connected within 0.5 s: no answer\n"
    );
    drop(free);
    let gone = emit(&url, &quick).await;
    assert!(bad(&gone, 1).starts_with("error: not connected within 0.5 s: transport error"));
}

#[tokio::test]
async fn a_mistake_is_a_line_with_exit_code_2() {
    let url = "http://127.0.0.1:1";
    for (url, arguments, part) in [
        (url, &["chat:send", "hello"][..], "text needs quotes"),
        (url, &[], "<EVENT>"),
        (url, &["disconnect"], "keeps this name"),
        (url, &["a", "--auth", "\"token\""], "object"),
        (url, &["a", "--header", "nothing"], "Name: value"),
        (url, &["a", "--header", "b c: d"], "HTTP header"),
        (url, &["a", "--timeout", "0"], "write seconds"),
        (url, &["a", "--transport", "pigeon"], "polling or websocket"),
        ("127.0.0.1:3000", &["a"], "http://"),
        ("http://", &["a"], "no host"),
    ] {
        let ended = emit(url, arguments).await;
        assert!(bad(&ended, 2).contains(part), "{ended:?}");
    }
}

#[tokio::test]
async fn a_text_goes_to_a_room_of_ours() {
    let server = Server::start().await;
    let ada = client::connected(&server.origin()).await;
    let mut heard = ada.listen::<ChatMessage>();
    let room = "chat/lobby".to_owned();
    ada.emit(&RoomJoin::new(room)).await.unwrap();
    let text = r#"{"room":"chat/lobby","text":"hello","id":"1"}"#;
    let printed = good(emit(&server.origin(), &["chat:send", text, "--ack"]).await);
    assert!(printed.starts_with(r#"{"ok":{"#), "{printed}");
    let message = soon("the text", heard.next()).await.unwrap().unwrap();
    assert_eq!(message.text, "hello");
    let refused = emit(&server.origin(), &["chat:send", "{}", "--ack"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.out.contains(r#""code":"bad-payload""#),
        "{refused:?}"
    );
}
