//! Who is who, as clients meet it: sessions by HTTP, tokens in the handshake, accounts, and who must stay outside.

mod accounts;
mod look_alikes;
mod private;
mod rules;
mod start;

use crate::world::{
    client::{connected_with, emit, join, next, say},
    http::http,
    official::only,
    peer::Peer,
    server::{Server, program},
    soon,
    watch::until_lost,
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::{path::Path, process::Stdio};
use tempfile::TempDir;
use tertulia_client::connection::{Auth, Connection, Link, Options, Reason, Transport};
use tertulia_shared::{
    Reject,
    chat::{ChatMessage, Receipt},
    presence::{Change, PresenceChange, PresenceList},
    wire::json::Json,
};
use tokio::{io::AsyncWriteExt, process::Command};

const LOBBY: &str = "chat/lobby";
const BOTH: [Transport; 2] = [Transport::Polling, Transport::WebSocket];

/// Asks for a session; gives the status and the body.
async fn ask(origin: &str, body: &Value, bearer: Option<&str>) -> (u16, Value) {
    let mut request = http()
        .post(format!("{origin}/session"))
        .body(body.to_string());
    if let Some(token) = bearer {
        request = request.bearer_auth(token);
    }
    let response = soon("a session", request.send()).await.unwrap();
    let (status, text) = (response.status().as_u16(), response.text().await.unwrap());
    (status, serde_json::from_str(&text).unwrap_or(Value::Null))
}

/// A session that is given.
async fn session(origin: &str, body: Value) -> Value {
    let (status, session) = ask(origin, &body, None).await;
    assert_eq!(status, 200, "{session}");
    session
}

/// Takes a token back; gives the status.
async fn revoke(origin: &str, token: &str) -> u16 {
    let request = http()
        .delete(format!("{origin}/session"))
        .bearer_auth(token);
    let response = soon("the end of a session", request.send()).await.unwrap();
    response.status().as_u16()
}

fn token(session: &Value) -> &str {
    session["token"].as_str().unwrap()
}

pub(crate) fn with_token(token: &str, transport: Transport) -> Options {
    let auth = Json::encode(&json!({ "token": token })).unwrap();
    Options {
        force_new: true,
        auth: Auth::Value(auth),
        ..only(transport)
    }
}

/// A connection of whom a session was given to.
async fn connected(origin: &str, session: &Value) -> Connection {
    connected_with(origin, with_token(token(session), Transport::WebSocket)).await
}

/// Why a connection is refused.
async fn refused(origin: &str, options: Options) -> Reject {
    let connection = Connection::connect_with(origin, options).unwrap();
    let refusal = until_refused(&connection).await;
    let data: Reject = refusal.data().unwrap();
    assert_eq!(refusal.message(), data.message);
    data
}

async fn until_refused(connection: &Connection) -> tertulia_client::connection::Refusal {
    let mut statuses = connection.watch();
    let refused = async {
        while let Some(status) = statuses.next().await {
            if let Link::Disconnected(Reason::Refused(refusal)) = status.link {
                return refusal;
            }
        }
        panic!("the driver has stopped");
    };
    soon("a refusal", refused).await
}

/// Runs `tertulia user` on a directory with a line on standard input; gives what it printed, on failure its complaint.
async fn user(directory: &Path, arguments: &[&str], input: &str) -> Result<String, String> {
    let mut command: Command = program();
    command
        .arg("user")
        .args(arguments)
        .arg("--data-dir")
        .arg(directory)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // One that wants no password may have ended by now.
    let _ = stdin.write_all(format!("{input}\n").as_bytes()).await;
    drop(stdin);
    let output = soon("tertulia user", child.wait_with_output())
        .await
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    match output.status.success() {
        true => Ok(text(output.stdout)),
        false => Err(text(output.stderr)),
    }
}

/// A directory in which these are registered, all with the password `correct horse`.
async fn registered(names: &[&str]) -> TempDir {
    let directory = TempDir::new().unwrap();
    for name in names {
        let added = user(directory.path(), &["add", name], "correct horse").await;
        assert_eq!(added, Ok(format!("{name} is registered\n")));
    }
    directory
}

async fn serve(directory: &Path, more: &[&str]) -> Server {
    let directory = directory.to_str().unwrap();
    let options = [&["--no-host-metrics", "--data-dir", directory], more].concat();
    Server::with(&options).await
}

/// Breaks when: a token is not asked for its signature, another key signs the same, or a refusal does not say why.
#[tokio::test]
async fn a_token_is_good_for_the_server_that_gave_it_and_no_other() {
    let (server, other) = (Server::start().await, Server::start().await);
    let origin = server.origin();
    let given = session(&origin, json!({"name": " Ada "})).await;
    assert_eq!(
        (&given["name"], &given["registered"]),
        (&json!("Ada"), &json!(false))
    );
    let good = token(&given);
    let none = "eyJhbGciOiJub25lIn0";
    let claims = good.split('.').nth(1).unwrap();
    let forged = [
        good[..good.len() - 2].to_owned(),
        format!("{none}.{claims}."),
        token(&session(&other.origin(), json!({"name": "Ada"})).await).to_owned(),
        "secret".to_owned(),
        String::new(),
    ];
    for transport in BOTH {
        connected_with(&origin, with_token(good, transport)).await;
        for forged in &forged {
            let refused = refused(&origin, with_token(forged, transport)).await;
            assert_eq!(json!(refused.code), "bad-token");
            assert!(refused.message.contains("none of this server"), "{refused}");
        }
    }
    for forged in &forged {
        let (status, body) = ask(&origin, &json!({}), Some(forged)).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (401, &json!("bad-token")),
            "{body}"
        );
    }
    // Without a token everybody is a guest here, as always.
    connected_with(&origin, only(Transport::WebSocket)).await;
}

/// Breaks when: an official client is not told why it is refused, or cannot come with another token after that.
#[tokio::test]
async fn an_official_client_is_told_why_it_is_refused() {
    let server = Server::start().await;
    let origin = server.origin();
    let given = session(&origin, json!({"name": "Ada"})).await;
    for transport in BOTH {
        let name = transport.to_string();
        let mut peer = Peer::start("token.mjs", &[&origin, &name, "secret", token(&given)]);
        let refused = peer.says().await["value"].clone();
        assert_eq!(refused["data"]["code"], "bad-token", "{name}: {refused}");
        assert_eq!(refused["data"]["message"], refused["message"]);
        assert_eq!(refused["active"], false);
        assert_eq!(peer.says().await["value"], given["peer"], "{name}");
        peer.ended_well().await;
    }
}

/// Breaks when: who is closed is not told why, in what official clients show.
#[tokio::test]
async fn an_official_client_is_told_why_it_is_closed() {
    let server = Server::start().await;
    let origin = server.origin();
    for transport in BOTH {
        let given = session(&origin, json!({"name": "Ada"})).await;
        let name = transport.to_string();
        let mut peer = Peer::start("ended.mjs", &[&origin, &name, token(&given)]);
        assert_eq!(peer.says().await["step"], "connected");
        assert_eq!(revoke(&origin, token(&given)).await, 204);
        let ended = peer.says().await["value"].clone();
        let expected = match transport {
            Transport::WebSocket => {
                json!({"reason": "transport close", "code": 1008, "why": "no longer let in",
                "description": "websocket connection closed"})
            }
            _ => json!({"reason": "transport error", "status": 400, "description": 400,
                "responseText": "this connection is closed: no longer let in\n"}),
        };
        assert_eq!(ended, expected, "{name}");
    }
}

/// Breaks when: what the server says when it closes is read by the official client only.
#[tokio::test]
async fn our_client_is_told_why_it_is_closed() {
    let server = Server::start().await;
    let origin = server.origin();
    for transport in BOTH {
        let given = session(&origin, json!({"name": "Ada"})).await;
        let connection = connected_with(&origin, with_token(token(&given), transport)).await;
        let mut statuses = connection.watch();
        assert_eq!(revoke(&origin, token(&given)).await, 204);
        let expected = match transport {
            Transport::WebSocket => {
                Reason::TransportClose("closed with code 1008: no longer let in".to_owned())
            }
            Transport::Polling => Reason::TransportError(
                "HTTP status 400: this connection is closed: no longer let in".to_owned(),
            ),
        };
        assert_eq!(until_lost(&mut statuses).await, (expected, true));
    }
}

/// Breaks when: a token's end is not looked for, at the door or in a live connection.
#[tokio::test]
async fn an_expired_token_is_refused_and_its_live_connection_is_closed() {
    for transport in BOTH {
        let server = Server::with(&["--no-host-metrics", "--session-for", "10s"]).await;
        let origin = server.origin();
        let given = session(&origin, json!({"name": "Ada"})).await;
        let connection = connected_with(&origin, with_token(token(&given), transport)).await;
        // It is closed such that its client comes back, and finds why it may not.
        let refusal = until_refused(&connection).await;
        let why: Reject = refusal.data().unwrap();
        assert!(why.message.contains("expired"), "{why}");
        let (status, _) = ask(&origin, &json!({}), Some(token(&given))).await;
        assert_eq!(status, 401);
    }
}

/// Breaks when: DELETE does not end live connections, those of a renewed token or of its renewal, or ends others than the
/// token's.
#[tokio::test]
async fn a_session_that_is_given_back_is_over_at_once_and_after_a_restart() {
    let directory = registered(&["Ada"]).await;
    let mut server = serve(directory.path(), &[]).await;
    let origin = server.origin();
    let sign_in = json!({"name": "Ada", "password": "correct horse"});
    let other = session(&origin, sign_in.clone()).await;
    let kept = connected(&origin, &other).await;
    let mut gone = Vec::new();
    for (transport, which) in BOTH.into_iter().zip([0, 1]) {
        let first = session(&origin, sign_in.clone()).await;
        let (status, second) = ask(&origin, &json!({}), Some(token(&first))).await;
        assert_eq!(
            (status, &second["peer"], &second["name"]),
            (200, &first["peer"], &first["name"])
        );
        let both = [first, second];
        let mut connections = Vec::new();
        for one in &both {
            connections.push(connected_with(&origin, with_token(token(one), transport)).await);
        }
        assert_eq!(revoke(&origin, token(&both[which])).await, 204);
        for connection in &connections {
            let why: Reject = until_refused(connection).await.data().unwrap();
            assert!(why.message.contains("revoked"), "{why}");
        }
        for one in &both {
            assert_eq!(revoke(&origin, token(one)).await, 401);
        }
        gone.extend(both);
    }
    say(&kept, LOBBY, "still here", "1").await;
    server.kill().await;
    let server = server.restart().await;
    for one in &gone {
        let options = with_token(token(one), Transport::Polling);
        let refused = refused(&server.origin(), options).await;
        assert!(refused.message.contains("revoked"), "{refused}");
    }
    connected(&server.origin(), &other).await;
}

/// Breaks when: presence counts connections, a restart forgets the user or its name, or a retry is not the user's.
#[tokio::test]
async fn two_tabs_are_one_peer_that_stays_the_same_over_a_restart() {
    let directory = TempDir::new().unwrap();
    let mut server = serve(directory.path(), &[]).await;
    let origin = server.origin();
    let given = session(&origin, json!({"name": "Ada"})).await;
    let peer = given["peer"].as_str().unwrap();
    let watcher = connected_with(&origin, only(Transport::WebSocket)).await;
    let mut changes = watcher.listen::<PresenceChange>();
    join(&watcher, LOBBY).await;
    assert_eq!(next(&mut changes).await.change, Change::Entered);
    let tabs = [
        connected(&origin, &given).await,
        connected(&origin, &given).await,
    ];
    for tab in &tabs {
        join(tab, LOBBY).await;
    }
    let entered = next(&mut changes).await;
    assert_eq!(
        (entered.peer.as_str(), entered.name.as_str()),
        (peer, "Ada")
    );
    let [first, second] = tabs;
    assert_eq!(crate::world::client::enter(&second, "Countess").await, peer);
    assert_eq!(next(&mut changes).await.change, Change::Renamed);
    let once: Receipt = say(&first, LOBBY, "once", "1").await;
    assert_eq!(say(&second, LOBBY, "once", "1").await, once);
    first.disconnect();
    let room = LOBBY.to_owned();
    let listed = emit(&second, &PresenceList { room }).await.unwrap();
    assert!(listed.people.iter().any(|author| author.peer == peer));
    second.disconnect();
    let left = next(&mut changes).await;
    assert_eq!(
        (left.change, left.peer.as_str(), left.name.as_str()),
        (Change::Left, peer, "Countess")
    );
    server.kill().await;
    let server = server.restart().await;
    let back = connected(&server.origin(), &given).await;
    let mut messages = back.listen::<ChatMessage>();
    join(&back, LOBBY).await;
    assert_eq!(say(&back, LOBBY, "once", "1").await, once);
    say(&back, LOBBY, "again", "2").await;
    let heard = next(&mut messages).await;
    assert_eq!(
        (heard.from.peer.as_str(), heard.from.name.as_str()),
        (peer, "Countess")
    );
}
