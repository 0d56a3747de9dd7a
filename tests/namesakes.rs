//! The page tells people apart whose names look the same, and marks what came through a broker.

use crate::identity::with_token;
use crate::world::{
    browser::{Browser, DESK, test_id},
    client::{connected_with, join, next, say},
    http::http,
    mosquitto::publish,
    server::Server,
    soon,
};
use serde_json::{Value, json};
use tertulia_client::connection::{Connection, Transport};
use tertulia_shared::{
    presence::PresenceList,
    room::{RoomInvite, RoomInvited, RoomJoin},
};

const LOBBY: &str = "chat/lobby";
const PERSON: &str = "[data-testid=person]";
const MESSAGE: &str = "[data-testid=message]";
const HEAD: &str = "[data-testid=message] .author";

/// A guest with a token, in the lobby.
async fn guest(server: &Server, name: &str) -> (Connection, String) {
    let asked = http()
        .post(format!("{}/session", server.origin()))
        .body(json!({ "name": name }).to_string());
    let given = soon("a session", asked.send()).await.unwrap();
    let given: Value = serde_json::from_str(&given.text().await.unwrap()).unwrap();
    let options = with_token(given["token"].as_str().unwrap(), Transport::WebSocket);
    let connection = connected_with(&server.origin(), options).await;
    join(&connection, LOBBY).await;
    (connection, given["peer"].as_str().unwrap().to_owned())
}

/// How a peer of the lobby is shown: its name with its tag.
async fn shown(connection: &Connection, peer: &str) -> String {
    let room = LOBBY.to_owned();
    let listed = soon("the list", connection.emit(&PresenceList { room })).await;
    let people = listed.unwrap().people;
    let author = people.into_iter().find(|author| author.peer == peer);
    let author = author.unwrap();
    format!("{}·{}", author.name, author.tag.unwrap())
}

/// Breaks when: two people who look the same are one in the list, in the log, in an invitation, or to who invites.
#[tokio::test]
async fn people_of_the_same_look_have_tags_and_one_of_them_is_chosen() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.enter("Ada").await;
    let (ana, peer) = guest(&server, "Ana").await;
    say(&ana, LOBBY, "before the other came", "1").await;
    page.shows(MESSAGE, "before the other came").await;
    assert_eq!(page.texts(HEAD).await, ["Ana"]);
    let (other, others) = guest(&server, "Аna").await;
    let (first, second) = (shown(&ana, &peer).await, shown(&ana, &others).await);
    say(&other, LOBBY, "after that", "2").await;
    page.shows(MESSAGE, "after that").await;
    page.shows(PERSON, &first).await;
    page.shows(PERSON, &second).await;
    page.shows(HEAD, &first).await;
    assert_eq!(page.texts(HEAD).await, [first.clone(), second.clone()]);
    page.fill("room-input", "private/tea").await;
    page.press("room-submit").await;
    page.hides(PERSON, "na").await;
    let mut invitations = [ana.listen::<RoomInvited>(), other.listen()];
    page.say("/invite Ana").await;
    page.shows(&test_id("notice"), "Which one do you mean?")
        .await;
    let mut offered = page.texts(&test_id("choice")).await;
    offered.sort();
    let mut expected = [first.clone(), second.clone()];
    expected.sort();
    assert_eq!(offered, expected);
    let press = "const buttons = [...document.querySelectorAll('[data-testid=choice]')];
        buttons.find((button) => button.innerText === arguments[0]).click()";
    page.run(press, vec![json!(second)]).await;
    page.shows(&test_id("notice"), &format!("{second} can join now."))
        .await;
    page.hides(&test_id("choice"), "").await;
    let focused = "return document.activeElement.id";
    assert_eq!(page.run(focused, vec![]).await, json!("message-input"));
    assert_eq!(next(&mut invitations[1]).await.from.name, "Ada");
    let private = RoomJoin::new("chat/private/tea");
    assert!(ana.emit(&private).await.is_err(), "only the chosen one");
    page.say(&format!("/invite {first}")).await;
    assert_eq!(next(&mut invitations[0]).await.from.name, "Ada");
    // An invitation says who of the two it is from.
    join(&ana, "chat/private/coffee").await;
    let [room, name] = ["chat/private/coffee", "Ada"].map(str::to_owned);
    soon("an invitation", ana.emit(&RoomInvite { room, name }))
        .await
        .unwrap();
    page.shows(&test_id("invitations"), &format!("{first} invited you"))
        .await;
}

/// Breaks when: what came through a broker looks as if its sender had written it here.
#[tokio::test]
async fn what_came_through_a_broker_is_marked() {
    let server = Server::start().await;
    let page = Browser::open(&server.origin(), DESK).await;
    page.enter("Ada").await;
    let (zoe, _) = guest(&server, "Zoë").await;
    say(&zoe, LOBBY, "by hand", "1").await;
    page.shows(MESSAGE, "by hand").await;
    let named = [
        "-V",
        "mqttv5",
        "-D",
        "publish",
        "user-property",
        "from",
        "Zoë",
    ];
    publish(server.mqtt_port(), LOBBY, "by machine", &named).await;
    page.shows(MESSAGE, "by machine").await;
    let senders = "return [...document.querySelectorAll('[data-testid=message]')].map((message) =>
        message.querySelector('.author').textContent.replace(/\\s+/g, ' ').trim())";
    let senders = page.run(senders, vec![]).await;
    assert_eq!(senders, json!(["Zoë", "Zoë sent through MQTT"]));
    let marks = "return [...document.querySelectorAll('[data-testid=via]')].map((mark) => {
        const { width, height } = mark.getBoundingClientRect();
        return width > 20 && height > 10 })";
    assert_eq!(page.run(marks, vec![]).await, json!([true]));
}
