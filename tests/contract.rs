//! The contract that other programs rely on: events, acknowledgements, rejects, order.

use crate::world::{
    client::{code, connected, emit, enter, join, long_id, next, say, send},
    server::Server,
    soon,
};
use futures_util::{StreamExt, stream::FuturesUnordered};
use tertulia_client::connection::{Connection, EmitError};
use tertulia_shared::{
    chat::{ChatEnter, ChatMessage, ChatSend},
    presence::{Change, PresenceChange, PresenceList},
    room::{RoomJoin, RoomLeave},
    server::ServerTime,
};

const LOBBY: &str = "chat/lobby";

async fn people(connection: &Connection) -> Vec<String> {
    let room = LOBBY.to_owned();
    let people = emit(connection, &PresenceList { room }).await.unwrap();
    people
        .people
        .into_iter()
        .map(|person| person.name)
        .collect()
}

#[tokio::test]
async fn two_people_read_each_other_and_the_sender_reads_itself() {
    let server = Server::start().await;
    let (ada, bob) = (
        connected(&server.origin()).await,
        connected(&server.origin()).await,
    );
    let (mut to_ada, mut to_bob) = (ada.listen::<ChatMessage>(), bob.listen::<ChatMessage>());
    let peer = enter(&ada, "Ada").await;
    join(&ada, LOBBY).await;
    join(&bob, LOBBY).await;
    let receipt = say(&ada, LOBBY, "hola", "id-1").await;
    for listener in [&mut to_ada, &mut to_bob] {
        let message = next(listener).await;
        assert_eq!((message.room.as_str(), message.seq), (LOBBY, receipt.seq));
        assert_eq!(
            (message.id.as_deref(), message.text.as_str()),
            (Some(long_id("id-1").as_str()), "hola")
        );
        assert_eq!(
            (&message.from.peer, message.from.name.as_str()),
            (&peer, "Ada")
        );
        assert_eq!(message.at, receipt.at);
    }
}

/// Breaks when: two strangers who count their messages refuse or swallow each other's, or an id must be given.
#[tokio::test]
async fn a_short_id_counts_within_its_connection_and_none_for_nothing() {
    let server = Server::start().await;
    let send = async |connection: &Connection, id: Option<&str>| {
        let [room, text] = [LOBBY, "hello"].map(str::to_owned);
        let id = id.map(str::to_owned);
        let sent = emit(connection, &ChatSend { room, text, id }).await;
        sent.unwrap().seq
    };
    let mut connections = Vec::new();
    for _ in 0..3 {
        connections.push(connected(&server.origin()).await);
    }
    let [ada, bob, listener] = &connections[..] else {
        panic!("three");
    };
    let mut heard = listener.listen::<ChatMessage>();
    join(listener, LOBBY).await;
    let uuid = Some("0196f3a2-5d1c-7c7e-9d57-0a1b2c3d4e5f");
    for (connection, id, seq) in [
        (ada, Some("1"), 1),
        (bob, Some("1"), 2),
        (ada, Some("1"), 1),
        (bob, uuid, 3),
        (ada, uuid, 3),
        (ada, None, 4),
        (ada, None, 5),
    ] {
        assert_eq!(send(connection, id).await, seq, "{id:?}");
    }
    for id in [Some("1"), Some("1"), uuid, None, None] {
        assert_eq!(next(&mut heard).await.id.as_deref(), id);
    }
}

#[tokio::test]
async fn the_servers_time_is_that_of_its_messages() {
    let server = Server::start().await;
    let ada = connected(&server.origin()).await;
    let before = emit(&ada, &ServerTime {}).await.unwrap().at;
    join(&ada, LOBBY).await;
    let said = say(&ada, LOBBY, "hola", "id-1").await.at;
    let after = emit(&ada, &ServerTime {}).await.unwrap().at;
    assert!(
        before <= said && said <= after,
        "{before} <= {said} <= {after}"
    );
}

#[tokio::test]
async fn a_room_that_was_left_is_silent() {
    let server = Server::start().await;
    let connection = connected(&server.origin()).await;
    let mut messages = connection.listen::<ChatMessage>();
    join(&connection, LOBBY).await;
    join(&connection, "chat/other").await;
    let room = LOBBY.to_owned();
    emit(&connection, &RoomLeave { room }).await.unwrap();
    say(&connection, LOBBY, "unheard", "1").await;
    say(&connection, "chat/other", "heard", "2").await;
    assert_eq!(next(&mut messages).await.text, "heard");
}

#[tokio::test]
async fn who_is_there_is_listed_and_told() {
    let server = Server::start().await;
    let (ada, bob) = (
        connected(&server.origin()).await,
        connected(&server.origin()).await,
    );
    let own = enter(&ada, "Ada").await;
    let mut changes = ada.listen::<PresenceChange>();
    join(&ada, LOBBY).await;
    let peer = enter(&bob, "Bob").await;
    join(&bob, LOBBY).await;
    join(&bob, LOBBY).await;
    let mut names = people(&ada).await;
    names.sort();
    assert_eq!(names, ["Ada", "Bob"]);
    enter(&bob, "Bea").await;
    drop(bob);
    for (change, name, peer) in [
        (Change::Entered, "Ada", &own),
        (Change::Entered, "Bob", &peer),
        (Change::Renamed, "Bea", &peer),
        (Change::Left, "Bea", &peer),
    ] {
        let told = next(&mut changes).await;
        assert_eq!((told.change, told.name.as_str()), (change, name));
        assert_eq!((&told.peer, told.room.as_str()), (peer, LOBBY));
    }
    assert_eq!(people(&ada).await, ["Ada"]);
}

#[tokio::test]
async fn bad_input_gets_a_typed_reject_and_the_connection_lives_on() {
    let server = Server::start().await;
    let connection = connected(&server.origin()).await;
    let name = |name: &str| ChatEnter {
        name: name.to_owned(),
    };
    for bad in ["", "   ", &"x".repeat(41), "a\u{7}b"] {
        assert_eq!(
            code(emit(&connection, &name(bad)).await),
            "bad-name",
            "{bad:?}"
        );
    }
    for bad in ["", " \n ", &"ñ".repeat(4_001)] {
        assert_eq!(
            code(emit(&connection, &send(LOBBY, bad, "1")).await),
            "bad-text"
        );
    }
    for bad in ["", &"x".repeat(65)] {
        let send = ChatSend {
            id: Some(bad.to_owned()),
            ..send(LOBBY, "a", "1")
        };
        assert_eq!(code(emit(&connection, &send).await), "bad-id");
    }
    for (bad, expected) in [
        ("", "bad-room"),
        ("chat/#/x", "bad-room"),
        ("sensors/a+", "bad-room"),
        ("chat/+", "room-not-allowed"),
        ("chat", "room-not-allowed"),
        ("#", "room-not-allowed"),
        ("$SYS/broker", "room-not-allowed"),
        ("presence/chat/lobby", "room-not-allowed"),
    ] {
        let room = bad.to_owned();
        assert_eq!(
            code(emit(&connection, &RoomJoin::new(room)).await),
            expected,
            "{bad:?}"
        );
    }
    assert_eq!(
        code(emit(&connection, &send("chat/+", "a", "1")).await),
        "room-not-allowed"
    );
    say(&connection, LOBBY, &"ñ".repeat(4_000), "2").await;
}

#[tokio::test]
async fn acknowledgements_come_back_in_order() {
    let server = Server::start().await;
    let connection = connected(&server.origin()).await;
    let mut settling: FuturesUnordered<_> = (0..2_000)
        .map(|n| connection.emit(&send(LOBBY, "a", &n.to_string())))
        .collect();
    for seq in 1..=2_000 {
        let receipt = soon("a receipt", settling.next()).await.unwrap().unwrap();
        assert_eq!(receipt.seq, seq);
    }
}

#[tokio::test]
async fn a_burst_arrives_whole_and_in_order() {
    let server = Server::start().await;
    let (ada, bob) = (
        connected(&server.origin()).await,
        connected(&server.origin()).await,
    );
    let mut messages = bob.listen::<ChatMessage>();
    join(&bob, LOBBY).await;
    let sends: Vec<_> = (0..1_000)
        .map(|n| ada.emit(&send(LOBBY, "a", &n.to_string())))
        .collect();
    for sent in sends {
        soon("a receipt", sent).await.unwrap();
    }
    for seq in 1..=1_000 {
        assert_eq!(next(&mut messages).await.seq, seq);
    }
}

#[tokio::test]
async fn the_same_id_is_one_message_with_one_receipt() {
    let server = Server::start().await;
    let connection = connected(&server.origin()).await;
    let mut messages = connection.listen::<ChatMessage>();
    join(&connection, LOBBY).await;
    let first = say(&connection, LOBBY, "once", "same").await;
    let again = say(&connection, LOBBY, "once", "same").await;
    assert_eq!(first, again);
    say(&connection, LOBBY, "then", "other").await;
    assert_eq!(next(&mut messages).await.text, "once");
    assert_eq!(next(&mut messages).await.text, "then");
}

#[tokio::test]
async fn events_right_after_connect_are_not_lost() {
    let server = Server::start().await;
    // Where handlers were registered too late, 2 to 5 connections of 100 lost events.
    for _ in 0..300 {
        let connection =
            tertulia_client::connection::Connection::connect(&server.origin()).unwrap();
        let sends: Vec<_> = (0..5)
            .map(|n| {
                connection.emit(&ChatEnter {
                    name: format!("n{n}"),
                })
            })
            .collect();
        for sent in sends {
            soon("an answer", sent).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_killed_and_restarted_server_is_found_again() {
    let mut server = Server::start().await;
    let connection = connected(&server.origin()).await;
    join(&connection, LOBBY).await;
    server.kill().await;
    let lost = emit(&connection, &send(LOBBY, "into the void", "1")).await;
    let _server = server.restart().await;
    let patience = std::time::Duration::from_secs(10);
    let expected = [EmitError::Disconnected, EmitError::Timeout(patience)];
    let error = lost.unwrap_err();
    assert!(expected.contains(&error), "{error}");
    say(&connection, LOBBY, "back", "2").await;
}
