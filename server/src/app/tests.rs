//! The features together, on a hub without any door or bridge.

mod crowd;
mod forgotten;
mod identity;
mod names;
mod private;
mod resume;

use super::{Answer, App, MQTT, Session, chat, device, presence, room};
use crate::{
    hub::Delivery,
    identity::User,
    store::{Archive, REMEMBERED},
};
use futures_util::FutureExt;
use std::{cell::Cell, sync::Arc, time::Duration};
use tertulia_shared::{
    Code, Event, Reject, Topic,
    chat::{ChatEnter, ChatMessage, ChatSend, Receipt},
    device::DeviceCommand,
    presence::{Change, PresenceChange, PresenceList},
    room::{Joined, RoomJoin, RoomLeave},
    sensor::Value,
};

thread_local! {
    static NOW: Cell<u64> = const { Cell::new(5) };
}

fn app() -> (Arc<App>, device::Carrier) {
    let (commands, carrier) = device::commands();
    let archive = Archive::in_memory(|| NOW.get()).unwrap();
    (App::new(archive, commands).unwrap(), carrier)
}

fn join(session: &Session, room: &str) -> Result<u64, Reject> {
    joined(session, RoomJoin::new(room)).map(|joined| joined.epoch)
}

/// Joins, and waits for the disk where there is one: another thread writes to it.
fn joined(session: &Session, request: RoomJoin) -> Result<Joined, Reject> {
    match room::join(session, request)? {
        Answer::Now(joined) => Ok(joined),
        Answer::Later(mut done) => loop {
            if let Some(joined) = (&mut done).now_or_never() {
                return joined;
            }
            std::thread::yield_now();
        },
    }
}

fn leave(session: &Session, room: &str) {
    room::leave(session, RoomLeave { room: room.into() }).unwrap();
}

fn enter(session: &Session, name: &str) -> String {
    chat::enter(session, ChatEnter { name: name.into() })
        .unwrap()
        .peer
}

fn send(session: &Session, room: &str, text: &str, id: &str) -> Result<Receipt, Reject> {
    let (room, text, id) = (room.into(), text.into(), Some(id.into()));
    let sent = chat::send(session, ChatSend { room, text, id })?;
    // In memory nothing is waited for.
    sent.done().now_or_never().unwrap()
}

fn names(session: &Session, room: &str) -> Vec<String> {
    let people = presence::list(session, PresenceList { room: room.into() })
        .unwrap()
        .people;
    people.into_iter().map(|author| author.name).collect()
}

/// The events of type `E` that wait for a session.
async fn heard<E: Event>(session: &Session) -> Vec<E> {
    let mut all = Vec::new();
    while let Ok(Some(delivery)) = tokio::time::timeout(Duration::ZERO, session.reader.next()).await
    {
        if let Delivery::Message(message) = delivery {
            all.extend(message.decode());
        }
    }
    all
}

#[tokio::test]
async fn a_message_reaches_its_room_and_its_sender() {
    let (app, _carrier) = app();
    let (ada, bob) = (
        Session::new(Arc::clone(&app), User::stranger()),
        Session::new(Arc::clone(&app), User::stranger()),
    );
    let peer = enter(&ada, " Ada ");
    assert_eq!(join(&ada, "chat/lobby"), Ok(5));
    assert_eq!(join(&bob, "chat/lobby"), Ok(5));
    assert_eq!(
        send(&ada, "chat/lobby", "¡hola!", "1"),
        Ok(Receipt { seq: 1, at: 5 })
    );
    for session in [&ada, &bob] {
        let [message] = &heard::<ChatMessage>(session).await[..] else {
            panic!("one message");
        };
        assert_eq!(
            (message.from.name.as_str(), message.from.peer.as_str()),
            ("Ada", peer.as_str())
        );
        assert_eq!(
            (message.text.as_str(), message.id.as_deref(), message.seq),
            ("¡hola!", Some("1"), 1)
        );
    }
}

#[tokio::test]
async fn the_same_id_again_gives_the_same_receipt_and_says_nothing() {
    let (app, _carrier) = app();
    let ada = Session::new(app, User::stranger());
    join(&ada, "chat/lobby").unwrap();
    let first = send(&ada, "chat/lobby", "once", "1").unwrap();
    assert_eq!(send(&ada, "chat/lobby", "once", "1"), Ok(first.clone()));
    assert_eq!(
        send(&ada, "chat/other", "elsewhere", "1").map(|receipt| receipt.seq),
        Ok(1)
    );
    assert_eq!(heard::<ChatMessage>(&ada).await.len(), 1);
    let day = u64::try_from(REMEMBERED.as_millis()).unwrap();
    NOW.set(4 + day);
    assert_eq!(send(&ada, "chat/lobby", "once", "1"), Ok(first));
    NOW.set(5 + day);
    let forgotten = send(&ada, "chat/lobby", "forgotten by now", "1").unwrap();
    assert_eq!(forgotten.seq, 2);
}

/// Breaks when: two strangers who count their messages refuse or swallow each other's.
#[tokio::test]
async fn a_short_id_counts_for_its_sender_only() {
    let (app, _carrier) = app();
    let stranger = || Session::new(Arc::clone(&app), User::stranger());
    let (ada, bob) = (stranger(), stranger());
    let seq = |session: &Session, text: &str, id: &str| {
        let sent = send(session, "chat/lobby", text, id);
        sent.map(|receipt| receipt.seq)
            .map_err(|reject| reject.code)
    };
    assert_eq!(seq(&ada, "hello", "1"), Ok(1));
    assert_eq!(seq(&bob, "hello", "1"), Ok(2));
    assert_eq!(seq(&bob, "other", "1"), Err(Code::BadId));
    assert_eq!(seq(&ada, "hello", "1"), Ok(1));
    let long = "sixteen-letters!";
    assert_eq!(seq(&ada, "hello", long), Ok(3));
    assert_eq!(seq(&bob, "hello", long), Ok(3));
    let token = app.identity.guest(Some("Zoë")).unwrap().token;
    let zoe = || Session::new(Arc::clone(&app), app.admit(Some(&token), true).unwrap());
    assert_eq!(seq(&zoe(), "hello", "1"), Ok(4));
    assert_eq!(seq(&zoe(), "hello", "1"), Ok(4));
}

#[tokio::test]
async fn without_an_id_every_message_is_a_new_one() {
    let (app, _carrier) = app();
    let ada = Session::new(Arc::clone(&app), User::stranger());
    join(&ada, "chat/lobby").unwrap();
    for seq in 1..=2 {
        let (room, text, id) = ("chat/lobby".into(), "again".into(), None);
        let sent = chat::send(&ada, ChatSend { room, text, id }).unwrap();
        assert_eq!(sent.done().now_or_never().unwrap().unwrap().seq, seq);
    }
    let heard = heard::<ChatMessage>(&ada).await;
    assert!(heard.len() == 2 && heard.iter().all(|it| it.id.is_none()));
}

#[tokio::test]
async fn an_id_that_was_used_for_another_text_is_refused_and_from_a_broker_replaced() {
    let (app, _carrier) = app();
    let ada = Session::new(Arc::clone(&app), User::stranger());
    let bob = Session::new(Arc::clone(&app), User::stranger());
    join(&ada, "chat/lobby").unwrap();
    let id = "an-id-of-the-room";
    send(&ada, "chat/lobby", "hers", id).unwrap();
    let refused = send(&bob, "chat/lobby", "his", id);
    assert_eq!(refused.map_err(|reject| reject.code), Err(Code::BadId));
    let lobby = Topic::new("chat/lobby").unwrap();
    for _ in 0..2 {
        chat::relay(
            &app,
            &lobby,
            chat::Speaker::Called(None),
            id.into(),
            "from elsewhere".into(),
        )
        .unwrap();
    }
    let heard = heard::<ChatMessage>(&ada).await;
    let texts: Vec<_> = heard.iter().map(|message| message.text.as_str()).collect();
    assert_eq!(texts, ["hers", "from elsewhere"]);
    assert_ne!(heard[0].id, heard[1].id);
}

#[tokio::test]
async fn what_a_broker_brings_is_said_once() {
    let (app, _carrier) = app();
    let ada = Session::new(Arc::clone(&app), User::stranger());
    join(&ada, "chat/lobby").unwrap();
    let lobby = Topic::new("chat/lobby").unwrap();
    for _ in 0..2 {
        chat::relay(
            &app,
            &lobby,
            chat::Speaker::Called(Some("Bob")),
            "7".into(),
            "hello".into(),
        )
        .unwrap();
    }
    chat::relay(
        &app,
        &lobby,
        chat::Speaker::Called(None),
        "8".into(),
        "hello".into(),
    )
    .unwrap();
    let heard = heard::<ChatMessage>(&ada).await;
    let from: Vec<_> = heard
        .iter()
        .map(|message| message.from.name.as_str())
        .collect();
    assert_eq!(from, ["Bob", MQTT.0]);
    let empty = chat::relay(
        &app,
        &lobby,
        chat::Speaker::Called(None),
        "9".into(),
        String::new(),
    );
    assert_eq!(empty.map_err(|reject| reject.code), Err(Code::BadText));
}

#[tokio::test]
async fn presence_tells_who_comes_renames_and_goes() {
    let (app, _carrier) = app();
    let (ada, bob) = (
        Session::new(Arc::clone(&app), User::stranger()),
        Session::new(Arc::clone(&app), User::stranger()),
    );
    join(&ada, "chat/lobby").unwrap();
    enter(&bob, "Bob");
    for _ in 0..2 {
        join(&bob, "chat/lobby").unwrap();
    }
    enter(&bob, "Robert");
    enter(&bob, "Robert");
    leave(&bob, "chat/lobby");
    leave(&bob, "chat/lobby");
    join(&bob, "chat/lobby").unwrap();
    bob.end();
    let changes = heard::<PresenceChange>(&ada).await;
    let changes: Vec<_> = changes
        .iter()
        .map(|change| (change.name.as_str(), change.change))
        .collect();
    let guest = format!("guest-{}", &ada.peer()[..4]);
    let expected = [
        (guest.as_str(), Change::Entered),
        ("Bob", Change::Entered),
        ("Robert", Change::Renamed),
        ("Robert", Change::Left),
        ("Robert", Change::Entered),
        ("Robert", Change::Left),
    ];
    assert_eq!(changes, expected);
    assert_eq!(names(&ada, "chat/lobby"), [guest]);
}

#[test]
fn a_connection_that_is_dropped_or_ended_is_in_no_room() {
    let (app, _carrier) = app();
    let ada = Session::new(Arc::clone(&app), User::stranger());
    let bob = Session::new(Arc::clone(&app), User::stranger());
    enter(&bob, "Bob");
    join(&bob, "chat/lobby").unwrap();
    drop(bob);
    assert!(names(&ada, "chat/lobby").is_empty());
    ada.end();
    join(&ada, "chat/lobby").unwrap();
    assert!(names(&ada, "chat/lobby").is_empty());
}

#[test]
fn rooms_of_one_connection_are_bounded() {
    let (app, _carrier) = app();
    let ada = Session::new(app, User::stranger());
    for number in 0..super::policy::MAX_ROOMS {
        join(&ada, &format!("sensors/{number}")).unwrap();
    }
    let refused = join(&ada, "chat/lobby").map_err(|reject| reject.code);
    assert_eq!(refused, Err(Code::TooManyRooms));
    assert!(join(&ada, "sensors/0").is_ok());
    leave(&ada, "sensors/0");
    assert!(join(&ada, "chat/lobby").is_ok());
}

#[test]
fn rooms_that_one_connection_begins_are_bounded() {
    let (app, _carrier) = app();
    let (ada, bob) = (
        Session::new(Arc::clone(&app), User::stranger()),
        Session::new(Arc::clone(&app), User::stranger()),
    );
    for number in 0..super::policy::MAX_BEGUN {
        send(&ada, &format!("chat/{number}"), "first", "1").unwrap();
    }
    let refused = send(&ada, "chat/one-more", "first", "1").map_err(|reject| reject.code);
    assert_eq!(refused, Err(Code::ServerFull));
    assert!(send(&ada, "chat/0", "second", "2").is_ok());
    assert!(send(&bob, "chat/one-more", "first", "1").is_ok());
    assert!(send(&ada, "chat/one-more", "second", "2").is_ok());
}

#[test]
fn a_room_that_is_empty_takes_no_place() {
    let (app, _carrier) = app();
    let [ada, bea] = [(); 2].map(|()| Session::new(Arc::clone(&app), User::stranger()));
    join(&ada, "chat/lobby").unwrap();
    let presence = super::policy::presence_topic(&Topic::new("chat/lobby").unwrap());
    let seen = app.hub.reader(10);
    seen.subscribe(&presence.into());
    let seq = || match seen.next().now_or_never() {
        Some(Some(Delivery::Message(message))) => message.stamp.seq,
        other => panic!("{other:?}"),
    };
    join(&bea, "chat/lobby").unwrap();
    assert_eq!(seq(), 2);
    leave(&bea, "chat/lobby");
    assert_eq!(seq(), 3);
    leave(&ada, "chat/lobby");
    // Nothing is left of it: it is numbered anew.
    join(&ada, "chat/lobby").unwrap();
    assert_eq!(seq(), 1);
}

#[tokio::test]
async fn a_command_waits_for_the_broker_and_is_refused_without_one() {
    let (app, mut carrier) = app();
    let ada = Session::new(app, User::stranger());
    let command = || DeviceCommand {
        device: "lamp".into(),
        target: "power".into(),
        value: Value::Number(1.5),
    };
    let down =
        |result: Result<device::Pending, Reject>| result.map(drop).map_err(|reject| reject.code);
    assert_eq!(
        down(device::command(&ada, command())),
        Err(Code::BridgeDown)
    );
    carrier.open();
    let pending = device::command(&ada, command()).unwrap();
    let carried = carrier.queue.recv().await.unwrap();
    assert_eq!(
        (carried.topic.as_str(), carried.payload.as_str()),
        ("devices/lamp/set/power", "1.5")
    );
    carried.outcome.send(Ok(())).unwrap();
    assert_eq!(
        pending.done().await.unwrap().topic.as_str(),
        "devices/lamp/set/power"
    );
    let stuck = device::command(&ada, command()).unwrap();
    carrier.close();
    assert_eq!(
        stuck.done().await.map_err(|reject| reject.code),
        Err(Code::BridgeDown)
    );
    let odd = DeviceCommand {
        device: "a/b".into(),
        ..command()
    };
    assert_eq!(down(device::command(&ada, odd)), Err(Code::BadDevice));
}

#[test]
fn peers_are_random_and_not_short() {
    let (app, _carrier) = app();
    let (ada, bob) = (
        Session::new(Arc::clone(&app), User::stranger()),
        Session::new(app, User::stranger()),
    );
    assert_eq!(ada.peer().len(), 22);
    assert_ne!(ada.peer(), bob.peer());
}
