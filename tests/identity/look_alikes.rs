//! Names that look the same, as clients meet them by every door.

use super::{LOBBY, ask, connected, registered, serve, session, token, user};
use crate::world::{
    client::{code, connected_with, emit, enter, join, next, say},
    mosquitto,
    official::only,
};
use serde_json::{Value, json};
use tertulia_client::connection::{Connection, EmitError, Transport};
use tertulia_shared::{
    chat::{ChatEnter, ChatMessage, Via},
    presence::{Change, PresenceChange, PresenceList},
    room::{RoomInvite, RoomInvited},
};

const PLANS: &str = "chat/private/plans";

/// Breaks when: a guest looks like a registered user, or a server's name, by whatever door it takes the name.
#[tokio::test]
async fn nobody_looks_like_a_registered_user() {
    let directory = registered(&["admin"]).await;
    let server = serve(directory.path(), &[]).await;
    let origin = server.origin();
    let stranger = connected_with(&origin, only(Transport::WebSocket)).await;
    let mut heard = stranger.listen::<ChatMessage>();
    join(&stranger, LOBBY).await;
    for (name, status, refused, shown) in [
        ("admin\u{2800}", 400, "bad-name", "mqtt"),
        ("admin\u{fe0f}", 400, "bad-name", "mqtt"),
        ("аdmin", 409, "name-taken", "mqtt"),
        ("ɑdmin", 409, "name-taken", "mqtt"),
        ("admln", 409, "name-taken", "mqtt"),
        ("ADMlN", 409, "name-taken", "mqtt"),
        ("Ana·3f2a", 400, "bad-name", "mqtt"),
        ("ѕystem", 409, "name-reserved", "mqtt"),
        ("Админка", 200, "", "Админка"),
        ("آدم", 200, "", "آدم"),
    ] {
        let (answered, body) = ask(&origin, &json!({ "name": name }), None).await;
        assert_eq!(answered, status, "{name}: {body}");
        let taken = emit(&stranger, &ChatEnter { name: name.into() }).await;
        if status == 200 {
            taken.unwrap();
        } else {
            assert_eq!(body["error"]["code"], refused, "{name}");
            assert_eq!(code(taken), refused, "{name}");
        }
        let from = [
            "-V",
            "mqttv5",
            "-q",
            "1",
            "-D",
            "publish",
            "user-property",
            "from",
            name,
        ];
        mosquitto::publish(server.mqtt_port(), LOBBY, name, &from).await;
        let message = next(&mut heard).await;
        assert_eq!((&*message.text, &*message.from.name), (name, shown));
        assert_eq!(
            (&*message.from.peer, message.via),
            ("mqtt", Some(Via::Mqtt))
        );
    }
    let error = user(directory.path(), &["add", "adm1n"], "correct horse").await;
    assert!(error.is_err_and(|error| error.contains("looks like one that is")));
}

/// Breaks when: two guests of the same look cannot be told apart, in presence, in messages, or by who invites one of them.
#[tokio::test]
async fn guests_of_the_same_look_have_tags_by_which_they_are_invited() {
    let directory = tempfile::TempDir::new().unwrap();
    let server = serve(directory.path(), &[]).await;
    let origin = server.origin();
    let guest = async |name: &str| {
        let given = session(&origin, json!({ "name": name })).await;
        let connection = connected(&origin, &given).await;
        join(&connection, LOBBY).await;
        (connection, given["peer"].as_str().unwrap().to_owned())
    };
    let (ada, _) = guest("Ada").await;
    join(&ada, PLANS).await;
    let (ana, peer) = guest("Ana").await;
    let mut changes = ada.listen::<PresenceChange>();
    let mut messages = ada.listen::<ChatMessage>();
    let (other, others) = guest("Eva").await;
    enter(&other, "Аna").await;
    let mut tags = Vec::new();
    while tags.len() < 2 {
        let change = next(&mut changes).await;
        if let (Change::Renamed, Some(tag)) = (change.change, change.tag) {
            tags.push((change.peer, tag));
        }
    }
    let tags: std::collections::BTreeMap<_, _> = tags.into_iter().collect();
    assert_ne!(tags[&peer], tags[&others]);
    for (connection, peer) in [(&ana, &peer), (&other, &others)] {
        say(
            connection,
            LOBBY,
            "which one?",
            &format!("a long id of {peer}"),
        )
        .await;
        let message = next(&mut messages).await;
        let (tag, via) = (message.from.tag, message.via);
        assert_eq!(
            (&message.from.peer, tag.as_ref(), via),
            (peer, Some(&tags[peer]), None)
        );
    }
    let room = LOBBY.to_owned();
    let listed = emit(&ada, &PresenceList { room }).await.unwrap().people;
    for (peer, tag) in &tags {
        let is_it = |it: &&tertulia_shared::chat::Author| it.peer == *peer;
        assert_eq!(listed.iter().find(is_it).unwrap().tag.as_ref(), Some(tag));
    }
    let mut invitations = other.listen::<RoomInvited>();
    let invited = invite(&ada, "ana").await;
    let Err(EmitError::Rejected(refused)) = invited else {
        panic!("not refused: {invited:?}");
    };
    assert_eq!(json!(refused.code), "ambiguous-name");
    let tagged = format!("Аna·{}", tags[&others]);
    let mut expected = [format!("Ana·{}", tags[&peer]), tagged.clone()];
    let mut choices = refused.choices;
    choices.sort();
    expected.sort();
    assert_eq!(choices, expected);
    invite(&ada, &tagged).await.unwrap();
    assert_eq!(next(&mut invitations).await.from.name, "Ada");
    join(&other, PLANS).await;
    let refused = emit(&ana, &tertulia_shared::room::RoomJoin::new(PLANS)).await;
    assert_eq!(code(refused), "room-not-allowed");
}

async fn invite(connection: &Connection, name: &str) -> Result<(), EmitError> {
    let (room, name) = (PLANS.to_owned(), name.to_owned());
    emit(connection, &RoomInvite { room, name }).await
}

/// Breaks when: a registered user who writes through a broker is not marked, or marked as a guest.
#[tokio::test]
async fn a_registered_user_is_marked_where_it_writes_through_a_broker() {
    let directory = registered(&["admin"]).await;
    let server = serve(directory.path(), &[]).await;
    let login = json!({"name": "admin", "password": "correct horse"});
    let admin: Value = session(&server.origin(), login).await;
    assert!(!token(&admin).is_empty());
    let reader = connected(&server.origin(), &admin).await;
    let mut heard = reader.listen::<ChatMessage>();
    join(&reader, LOBBY).await;
    let options = ["-u", "admin", "-P", "correct horse", "-q", "1"];
    mosquitto::publish(server.mqtt_port(), LOBBY, "by mqtt", &options).await;
    let by_mqtt = next(&mut heard).await;
    say(&reader, LOBBY, "by socket", "a long id of its own").await;
    let by_socket = next(&mut heard).await;
    for (message, via) in [(by_mqtt, Some(Via::Mqtt)), (by_socket, None)] {
        assert_eq!(
            (json!(message.from.peer), message.via),
            (admin["peer"].clone(), via)
        );
    }
}
