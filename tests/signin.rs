//! Who somebody is in the page: a guest by name, a registered name by its password, nobody after signing out; and the
//! private rooms that come with it.

use crate::world::{
    browser::{Browser, DESK, PHONE, test_id},
    client::{connected, enter, join, next},
    server::{Server, program},
    soon,
};
use serde_json::{Value, json};
use std::{path::Path, process::Stdio, time::Duration};
use tempfile::TempDir;
use tertulia_shared::{chat::ChatMessage, presence::PresenceList, room::RoomJoin};
use tokio::io::AsyncWriteExt;

const MESSAGE: &str = "[data-testid=message]";
const PERSON: &str = "[data-testid=person]";
const FAILURE: &str = "[data-testid=name-failure]";
const PASSWORD: &str = "correct horse battery";

/// A server that keeps its data, and where.
async fn keeping(options: &[&str]) -> (Server, TempDir) {
    let folder = TempDir::new().unwrap();
    let data = folder.path().to_str().unwrap();
    let mut all = vec!["--no-host-metrics", "--data-dir", data];
    all.extend(options);
    (Server::with(&all).await, folder)
}

/// Registers a user, as its administrator does while the server runs.
async fn register(name: &str, data: &Path) {
    let mut command = program();
    command.args(["user", "add", name, "--data-dir"]).arg(data);
    let mut adding = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = adding.stdin.take().unwrap();
    let line = format!("{PASSWORD}\n");
    input.write_all(line.as_bytes()).await.unwrap();
    drop(input);
    assert!(adding.wait().await.unwrap().success());
}

/// What the page keeps of its token.
async fn token(page: &Browser) -> Value {
    let script = "return localStorage.getItem('tertulia.session.' + location.origin)";
    page.run(script, vec![]).await
}

/// Breaks when: a reload or another tab makes another person of somebody.
#[tokio::test]
async fn a_guest_is_one_person_over_reloads_and_in_all_tabs() {
    let (server, _folder) = keeping(&[]).await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.linked("websocket").await;
    page.enter("Ada").await;
    page.shows(PERSON, "Ada (you)").await;
    let bob = connected(&server.origin()).await;
    let me = enter(&bob, "Bob").await;
    join(&bob, "chat/lobby").await;
    let others = async || {
        let room = "chat/lobby".to_owned();
        let list = bob.emit(&PresenceList { room }).await.unwrap().people;
        let others = list.into_iter().filter(|person| person.peer != me);
        others.collect::<Vec<_>>()
    };
    let before = others().await;
    assert_eq!(before.len(), 1);
    page.go(&server.origin()).await;
    page.shows(PERSON, "Ada (you)").await;
    assert_eq!(others().await, before, "the same person");
    // A window of its own: a page in the background draws nothing.
    let another = "window.another = window.open(location.href, '', 'popup,width=500,height=500')";
    page.run(another, vec![]).await;
    let seen = "return window.another.document.querySelector('[data-testid=own-name]') !== null
                && window.another.document.querySelectorAll('[data-testid=person]').length";
    let both = async {
        while page.run(seen, vec![]).await != json!(2) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    soon("the other window", both).await;
    assert_eq!(others().await, before, "one person in two windows");
    page.run("window.another.close()", vec![]).await;
    page.say("still me").await;
    page.find(&format!("{MESSAGE}[data-state=sent]")).await;
}

/// Breaks when: a registered name is anybody's in the page, or its owner cannot get in.
#[tokio::test]
async fn a_registered_name_takes_its_password() {
    let (server, folder) = keeping(&[]).await;
    register("Ana", folder.path()).await;
    let page = Browser::open(&server.origin(), PHONE).await;
    page.linked("websocket").await;
    page.fill("name-input", "Ana").await;
    // The server knows of the new user within a second.
    loop {
        page.press("name-submit").await;
        if !page.texts(&test_id("password-input")).await.is_empty() {
            break;
        }
        if !page.texts(&test_id("name-change")).await.is_empty() {
            page.press("name-change").await;
            page.press("sign-out").await;
            page.fill("name-input", "Ana").await;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    page.shows(FAILURE, "Ese nombre está registrado").await;
    page.fill("password-input", "wrong password").await;
    page.press("name-submit").await;
    page.shows(FAILURE, "Nombre o contraseña incorrectos.")
        .await;
    page.fill("password-input", PASSWORD).await;
    page.press("name-submit").await;
    page.shows(PERSON, "Ana (tú)").await;
    page.shows(&test_id("own-name"), "Ana").await;
    page.say("hola").await;
    page.find(&format!("{MESSAGE}[data-state=sent]")).await;
    page.press("name-change").await;
    page.press("sign-out").await;
    page.find(&test_id("name-submit")).await;
    page.hides(PERSON, "Ana").await;
    page.hides(&test_id("sign-out"), "").await;
    page.hides(&test_id("name-cancel"), "").await;
    assert_eq!(token(&page).await, json!(null), "the token is forgotten");
}

/// Breaks when: what one person wrote goes out in the name of who signs in next, is lost, or is doubled.
#[tokio::test]
async fn what_waits_when_somebody_signs_out_goes_out_in_nobody_elses_name() {
    let (mut server, _folder) = keeping(&[]).await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.linked("websocket").await;
    page.enter("Ada").await;
    page.say("before").await;
    page.find(&format!("{MESSAGE}[data-state=sent]")).await;
    server.kill().await;
    page.find(&test_id("banner")).await;
    page.say("mine").await;
    page.find(&format!("{MESSAGE}[data-state=pending]")).await;
    page.press("name-change").await;
    page.press("sign-out").await;
    let server = server.restart().await;
    page.linked("websocket").await;
    page.enter("Bob").await;
    page.say("hello").await;
    page.find(&format!(
        "{MESSAGE}[data-state=sent] ~ {MESSAGE}[data-state=sent]"
    ))
    .await;
    page.shows(&format!("{MESSAGE}[data-state=failed]"), "mine")
        .await;
    let bob = connected(&server.origin()).await;
    let mut messages = bob.listen::<ChatMessage>();
    let mut room = RoomJoin::new("chat/lobby");
    room.history = 10;
    soon("the room", bob.emit(&room)).await.unwrap();
    let mut said = Vec::new();
    for _ in 0..2 {
        let message = next(&mut messages).await;
        said.push((message.from.name, message.text));
    }
    page.press("retry").await;
    let message = next(&mut messages).await;
    said.push((message.from.name, message.text));
    let by = |name: &str, text: &str| (name.to_owned(), text.to_owned());
    let expected = [by("Ada", "before"), by("Bob", "hello"), by("Bob", "mine")];
    assert_eq!(said, expected);
}

/// Breaks when: another tab makes somebody else of the reader, in whose name goes out what this one wrote before.
#[tokio::test]
async fn what_waits_when_another_tab_signs_in_goes_out_in_nobody_elses_name() {
    let (mut server, _folder) = keeping(&[]).await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.linked("websocket").await;
    page.enter("Ada").await;
    page.shows(PERSON, "Ada (you)").await;
    let (_, bob) = post(&page, "Bob").await;
    server.kill().await;
    page.find(&test_id("banner")).await;
    page.say("mine").await;
    page.find(&format!("{MESSAGE}[data-state=pending]")).await;
    let as_bob = "const {token, peer, expires} = arguments[0];
                  const pass = [token, peer, expires].join('\\n');
                  localStorage.setItem('tertulia.session.' + location.origin, pass);
                  localStorage.setItem('tertulia.name', 'Bob')";
    page.run(as_bob, vec![bob]).await;
    let _server = server.restart().await;
    page.linked("websocket").await;
    page.shows(&format!("{MESSAGE}[data-state=failed]"), "mine")
        .await;
    page.shows(PERSON, "Bob (you)").await;
    page.say("hello").await;
    page.shows(&format!("{MESSAGE}[data-state=sent]"), "hello")
        .await;
}

/// Breaks when: what a private room brought stays for who comes next, comes to who has left, or never comes back to who
/// may read it.
#[tokio::test]
async fn what_a_private_room_brought_is_for_who_is_signed_in() {
    let (server, folder) = keeping(&[]).await;
    register("Ana", folder.path()).await;
    let page = Browser::open(&server.origin(), DESK).await;
    let bob = Browser::open(&server.origin(), DESK).await;
    bob.enter("Bob").await;
    page.enter("Ada").await;
    page.shows(PERSON, "Ada (you)").await;
    let known = async { while post(&page, "Ana").await.0 != 409 {} };
    soon("the new user", known).await;
    page.fill("room-input", "private/ours").await;
    page.press("room-submit").await;
    page.hides(PERSON, "Bob").await;
    page.say("of Ada").await;
    page.find(&format!("{MESSAGE}[data-state=sent]")).await;
    // A password over a guest's token.
    page.press("name-change").await;
    sign_in(&page, "Ana").await;
    page.hides(MESSAGE, "of Ada").await;
    page.fill("room-input", "private/tea").await;
    page.press("room-submit").await;
    page.shows(PERSON, "Ana (you)").await;
    page.say("/invite Bob").await;
    bob.press("invitation-join").await;
    page.shows(PERSON, "Bob").await;
    page.say("milk?").await;
    bob.shows(MESSAGE, "milk?").await;
    // The server takes its time to take the token back.
    let slow = "const fetch = window.fetch;
                const let_go = new Promise(done => window.let_go = done);
                window.fetch = async (url, init) => {
                    if (init?.method === 'DELETE') await let_go;
                    return fetch.call(window, url, init);
                }";
    page.run(slow, vec![]).await;
    page.press("name-change").await;
    page.press("sign-out").await;
    bob.say("sugar?").await;
    bob.find(&format!("{MESSAGE}.own[data-state=sent]")).await;
    page.run("window.let_go()", vec![]).await;
    page.linked("websocket").await;
    page.hides(MESSAGE, "?").await;
    sign_in(&page, "Ana").await;
    page.shows(MESSAGE, "milk?").await;
    page.shows(MESSAGE, "sugar?").await;
}

/// Asks for a session by that name, as another tab may, and gives status and answer.
async fn post(page: &Browser, name: &str) -> (u64, Value) {
    let ask = "const headers = {'content-type': 'application/json'};
               const body = JSON.stringify({name: arguments[0]});
               return fetch('/session', {method: 'POST', headers, body})
                   .then(async answer => [answer.status, await answer.json()])";
    let answer = page.run(ask, vec![json!(name)]).await;
    (answer[0].as_u64().unwrap(), answer[1].clone())
}

/// Signs in by the form that asks for the name.
async fn sign_in(page: &Browser, name: &str) {
    page.fill("name-input", name).await;
    page.press("name-submit").await;
    page.fill("password-input", PASSWORD).await;
    page.press("name-submit").await;
    page.shows(&test_id("own-name"), name).await;
    page.linked("websocket").await;
}

/// Breaks when: a server that lets no guests in is asked again and again, or nobody is told what is needed.
#[tokio::test]
async fn where_an_account_is_needed_the_page_asks_for_it_and_lets_its_owner_in() {
    let (server, folder) = keeping(&["--guests", "nowhere"]).await;
    register("Ana", folder.path()).await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.shows(FAILURE, "You need an account.").await;
    page.find(&format!(
        "{}[data-link=disconnected]",
        test_id("status-link")
    ))
    .await;
    page.fill("name-input", "Ana").await;
    page.fill("password-input", PASSWORD).await;
    page.press("name-submit").await;
    page.linked("websocket").await;
    page.shows(PERSON, "Ana (you)").await;
    page.go(&server.origin()).await;
    page.shows(PERSON, "Ana (you)").await;
}

/// Breaks when: who was not invited gets in, who was cannot, or who signed out leaves it on the screen.
#[tokio::test]
async fn a_private_room_is_entered_by_invitation() {
    let (server, _folder) = keeping(&[]).await;
    let ada = Browser::open(&server.origin(), DESK).await;
    let bob = Browser::open(&server.origin(), DESK).await;
    ada.enter("Ada").await;
    bob.enter("Bob").await;
    ada.shows(PERSON, "Bob").await;
    ada.fill("room-input", "private/tea").await;
    ada.press("room-submit").await;
    ada.hides(PERSON, "Bob").await;
    bob.fill("room-input", "private/tea").await;
    bob.press("room-submit").await;
    bob.shows(
        &test_id("room-failure"),
        "You don’t have access to that room.",
    )
    .await;
    ada.say("/invite Bob").await;
    ada.shows(&test_id("notice"), "Bob can join now.").await;
    bob.shows(&test_id("invitations"), "Ada invited you to #private/tea")
        .await;
    bob.press("invitation-join").await;
    ada.shows(PERSON, "Bob").await;
    bob.hides(&test_id("invitations"), "Ada").await;
    ada.say("milk?").await;
    bob.shows(MESSAGE, "milk?").await;
    assert_eq!(
        ada.texts(MESSAGE).await.len(),
        1,
        "the command is no message"
    );
    ada.press("name-change").await;
    ada.press("sign-out").await;
    ada.hides(MESSAGE, "milk?").await;
}

/// Breaks when: a command comes as somebody else than its options say, or goes on as nobody when it is refused.
#[tokio::test]
async fn commands_come_as_who_their_options_say() {
    let (server, folder) = keeping(&["--guests", "nowhere"]).await;
    register("Ana", folder.path()).await;
    let say = async |id: &str, who: &[&str]| {
        let text = json!({"room": "chat/lobby", "text": "hi", "id": id}).to_string();
        let mut command = program();
        command.args(["emit", &server.origin(), "chat:send", &text, "--ack"]);
        let output = command.args(who).output().await.unwrap();
        let errors = String::from_utf8(output.stderr).unwrap();
        (output.status.code(), errors)
    };
    let by_password = ["--name", "Ana", "--password", PASSWORD];
    // The server knows of a new user within a second.
    let known = async {
        while say("1", &by_password).await != (Some(0), String::new()) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    soon("the new user", known).await;
    for (who, why) in [
        (
            &["--name", "Ana", "--password", "wrong"][..],
            "wrong name or password",
        ),
        (&["--token", "t.o.k"], "token"),
        (&[], "account"),
    ] {
        let (code, errors) = say("2", who).await;
        assert_eq!(code, Some(1), "{errors}");
        assert!(
            errors.starts_with("error: refused by the server: "),
            "{errors}"
        );
        assert!(errors.contains(why), "{errors}");
    }
    let nobody = say("3", &["--token", "t", "--name", "Ana"]).await;
    assert_eq!(nobody.0, Some(2), "{}", nobody.1);
}
