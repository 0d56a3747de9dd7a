//! Registered users: made by `tertulia user`, let in by their password, and nobody else in their name.

use super::{
    ask, connected, refused, registered, serve, session, token, until_refused, user, with_token,
};
use crate::world::{
    client::{code, connected_with, emit},
    http::http,
    official::only,
    server::Server,
    soon,
};
use serde_json::{Value, json};
use std::time::Duration;
use tempfile::TempDir;
use tertulia_client::connection::Transport;
use tertulia_shared::{Reject, chat::ChatEnter};

fn login(name: &str, password: &str) -> Value {
    json!({"name": name, "password": password})
}

/// Breaks when: a wrong password is let in, or a name is told from one that nobody has.
#[tokio::test]
async fn a_password_is_right_or_says_nothing() {
    let directory = registered(&["Ada"]).await;
    let server = serve(directory.path(), &[]).await;
    let origin = server.origin();
    let ada = session(&origin, login(" aDA", "correct horse")).await;
    assert_eq!(
        (&ada["name"], &ada["registered"]),
        (&json!("Ada"), &json!(true))
    );
    assert!(ada["expires"].as_u64().unwrap() > 1_700_000_000_000);
    let again = session(&origin, login("Ada", "correct horse")).await;
    assert_eq!(again["peer"], ada["peer"]);
    assert_ne!(again["token"], ada["token"]);
    connected(&origin, &ada).await;
    let wrong = ask(&origin, &login("Ada", "battery staple"), None).await;
    let unknown = ask(&origin, &login("Eve", "battery staple"), None).await;
    assert_eq!(wrong, unknown);
    assert_eq!(
        (wrong.0, &wrong.1["error"]["code"]),
        (401, &json!("bad-password"))
    );
}

/// Breaks when: a guest is called as a registered user, by HTTP or by `chat:enter`, in whatever writing.
#[tokio::test]
async fn a_registered_name_is_no_guests() {
    let directory = registered(&["Ada Lovelace"]).await;
    let server = serve(directory.path(), &[]).await;
    let origin = server.origin();
    let stranger = connected_with(&origin, only(Transport::WebSocket)).await;
    let bob = session(&origin, json!({"name": "Bob"})).await;
    let guest = connected(&origin, &bob).await;
    for name in [
        "Ada Lovelace",
        "ada  lovelace",
        "АdaLovelace",
        "ＡＤＡ LOVELACE",
    ] {
        let (status, body) = ask(&origin, &json!({"name": name}), None).await;
        assert_eq!(
            (status, &body["error"]["code"]),
            (409, &json!("name-taken"))
        );
        let (status, _) = ask(&origin, &json!({"name": name}), Some(token(&bob))).await;
        assert_eq!(status, 409);
        for connection in [&stranger, &guest] {
            let name = name.to_owned();
            assert_eq!(
                code(emit(connection, &ChatEnter { name }).await),
                "name-taken"
            );
        }
    }
    let ada = session(&origin, login("ada lovelace", "correct horse")).await;
    let ada = connected(&origin, &ada).await;
    let name = "ada lovelace".to_owned();
    emit(&ada, &ChatEnter { name }).await.unwrap();
    let name = "Eve".to_owned();
    assert_eq!(code(emit(&ada, &ChatEnter { name }).await), "bad-name");
}

/// Breaks when: a server does not see what another process changes, or tokens outlive their password or account.
#[tokio::test]
async fn accounts_are_changed_while_the_server_runs() {
    let directory = TempDir::new().unwrap();
    let at = directory.path();
    let server = serve(at, &[]).await;
    let origin = server.origin();
    user(at, &["add", "Ada"], "correct horse").await.unwrap();
    let ada = until(&origin, &login("Ada", "correct horse"), 200).await;
    let connection = connected(&origin, &ada).await;
    user(at, &["password", "ada"], "battery staple")
        .await
        .unwrap();
    let why: Reject = until_refused(&connection).await.data().unwrap();
    assert!(why.message.contains("another password"), "{why}");
    let (status, _) = ask(&origin, &login("Ada", "correct horse"), None).await;
    assert_eq!(status, 401);
    let ada = session(&origin, login("Ada", "battery staple")).await;
    let connection = connected(&origin, &ada).await;
    let listed = user(at, &["list"], "").await.unwrap();
    assert_eq!(listed, format!("Ada\t{}\n", ada["peer"].as_str().unwrap()));
    user(at, &["remove", "Ada"], "").await.unwrap();
    let why: Reject = until_refused(&connection).await.data().unwrap();
    assert!(why.message.contains("removed"), "{why}");
    until(&origin, &json!({"name": "Ada"}), 200).await;
}

/// Asks until the answer has that status.
async fn until(origin: &str, body: &Value, status: u16) -> Value {
    let answered = async {
        loop {
            let (found, answer) = ask(origin, body, None).await;
            if found == status {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    soon("the change", answered).await
}

#[tokio::test]
async fn the_command_says_what_is_wrong() {
    let directory = registered(&["Ada"]).await;
    let at = directory.path();
    for (arguments, input, part) in [
        (&["add", "a d a"][..], "correct horse", "taken"),
        (&["add", "Bob"], "1234567", "8 characters"),
        (&["add", ""], "correct horse", "name is empty"),
        (
            &["password", "Bob"],
            "correct horse",
            "nobody is registered as `Bob`",
        ),
        (&["remove", "Bob"], "", "nobody is registered as `Bob`"),
        (&["add"], "", "<NAME>"),
    ] {
        let error = user(at, arguments, input).await.unwrap_err();
        assert!(error.contains(part), "{arguments:?}: {error}");
        assert_eq!(error.trim_end().lines().count(), 1, "{error}");
    }
    let error = user("none".as_ref(), &["list"], "").await.unwrap_err();
    assert!(error.contains("--data-dir"), "{error}");
}

/// Breaks when: passwords are hashed where others are served, or without bound.
#[tokio::test]
async fn many_logins_at_once_do_not_starve_the_server() {
    let directory = registered(&["Ada"]).await;
    let server = serve(directory.path(), &["--rate-limit", "off"]).await;
    let origin = server.origin();
    let mut logins = tokio::task::JoinSet::new();
    let (mut begun, mut checks, mut told_to_wait) = (0, 0, 0);
    let crowd = async {
        // As many at once as are more than may wait, for as long as it takes until one is too many.
        while told_to_wait == 0 || checks < 20 {
            while told_to_wait == 0 && logins.len() < 100 {
                begun += 1;
                // Tries for one name are counted; of a name that nobody has a password is hashed all the same.
                let body = login(&format!("user {begun}"), "wrong password");
                let origin = origin.clone();
                logins.spawn(async move { ask(&origin, &body, None).await });
            }
            let checked = http().get(format!("{origin}/healthz")).send();
            let health = soon("the health", checked).await.unwrap();
            assert!(health.status().is_success());
            checks += 1;
            while let Some(done) = logins.try_join_next() {
                let (status, body) = done.unwrap();
                assert!(matches!(status, 401 | 429), "{body}");
                told_to_wait += usize::from(status == 429);
                let retry_after = &body["error"]["retry_after"];
                assert_eq!(retry_after.is_u64(), status == 429, "{body}");
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("a login that is one too many", crowd).await;
}

#[tokio::test]
async fn what_is_no_request_is_refused_in_its_own_words() {
    let server = Server::start().await;
    let origin = server.origin();
    for (body, code) in [
        (json!([1]), "bad-payload"),
        (json!({"name": 7}), "bad-payload"),
        (json!({"name": ""}), "bad-name"),
        (json!({"name": "x".repeat(41)}), "bad-name"),
    ] {
        let (status, answer) = ask(&origin, &body, None).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (400, &json!(code)),
            "{body}"
        );
    }
    let nameless = session(&origin, json!({})).await;
    assert!(nameless["name"].as_str().unwrap().starts_with("guest-"));
    let basic = http()
        .post(format!("{origin}/session"))
        .basic_auth("Ada", Some("x"));
    assert_eq!(soon("an answer", basic.send()).await.unwrap().status(), 401);
    let nothing = http().delete(format!("{origin}/session"));
    assert_eq!(
        soon("an answer", nothing.send()).await.unwrap().status(),
        401
    );
    let stranger = http()
        .post(format!("{origin}/session"))
        .header("origin", "https://evil.example");
    assert_eq!(
        soon("an answer", stranger.send()).await.unwrap().status(),
        403
    );
}

/// Breaks when: guests are let in where they may not come.
#[tokio::test]
async fn without_guests_only_accounts_are_let_in() {
    let directory = registered(&["Ada"]).await;
    let mut server = serve(directory.path(), &[]).await;
    let guest = session(&server.origin(), json!({"name": "Bob"})).await;
    server.kill().await;
    let server = serve(directory.path(), &["--guests", "nowhere"]).await;
    let origin = server.origin();
    let (status, body) = ask(&origin, &json!({"name": "Bob"}), None).await;
    assert_eq!(
        (status, &body["error"]["code"]),
        (403, &json!("account-needed"))
    );
    let (status, _) = ask(&origin, &json!({}), Some(token(&guest))).await;
    assert_eq!(status, 403);
    for transport in super::BOTH {
        let without = crate::world::official::only(transport);
        let with = with_token(token(&guest), transport);
        for options in [without, with] {
            assert_eq!(
                json!(refused(&origin, options).await.code),
                "account-needed"
            );
        }
    }
    let ada = session(&origin, login("Ada", "correct horse")).await;
    connected(&origin, &ada).await;
}
