//! Rooms of which nothing is kept any more: they take no place, and nobody misses anything of them without being told.

use super::{App, NOW, Session, join, joined, leave, send};
use crate::{
    app::{
        chat::{self, Speaker},
        device,
    },
    config::Config,
    hub::Delivery,
    identity::{User, new_account},
    store::{Accounts, Archive, DataDir, Limits, MAX_ROOMS},
};
use serde_json::{Value, json};
use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tertulia_shared::{Code, Topic, chat::ChatMessage, room::Joined};

const HOUR: u64 = 60 * 60 * 1_000;

/// One that keeps messages for an hour.
fn app() -> Arc<App> {
    let limits = Limits {
        messages: 100,
        age: Duration::from_millis(HOUR),
        receipts: 1_000,
    };
    let archive = Archive::in_memory(|| NOW.get()).unwrap().keeping(limits);
    let app = App::new(archive, device::commands().0).unwrap();
    app.recall(Config::default().kept()).unwrap();
    app
}

/// The store forgets what it may: where nothing is on disk, who says something has it do that.
fn forget(app: &Arc<App>, speaker: &Session) {
    NOW.set(NOW.get() + 26 * HOUR);
    let id = NOW.get().to_string();
    send(speaker, "chat/elsewhere", "x", &id).unwrap();
    assert!(!app.store.knows(&Topic::new("chat/lobby").unwrap()));
}

fn back(session: &Session, last: Value) -> Joined {
    let request = json!({"room": "chat/lobby", "last": last, "history": 9});
    joined(session, serde_json::from_value(request).unwrap()).unwrap()
}

/// What a session is sent of messages, as numbers, and of losses.
async fn told(session: &Session) -> Vec<String> {
    let mut all = Vec::new();
    while let Ok(Some(delivery)) = tokio::time::timeout(Duration::ZERO, session.reader.next()).await
    {
        match delivery {
            Delivery::Missed { from, to, .. } => all.push(format!("missed {from}-{to}")),
            Delivery::Message(message) => {
                let message = message.decode::<ChatMessage>();
                all.extend(message.map(|message| message.seq.to_string()));
            }
        }
    }
    all
}

/// Breaks when: a room that is begun anew begins its numbers anew too.
#[tokio::test]
async fn who_comes_back_to_a_room_that_was_forgotten_is_told_what_it_missed_and_nothing_else() {
    let app = app();
    let stranger = || Session::new(Arc::clone(&app), User::stranger());
    let (ada, bob) = (stranger(), stranger());
    join(&ada, "chat/lobby").unwrap();
    for id in ["1", "2", "3"] {
        send(&ada, "chat/lobby", "x", id).unwrap();
    }
    assert_eq!(told(&ada).await, ["1", "2", "3"]);
    forget(&app, &bob);
    let anew = async |say: bool, expected: [&[&str]; 4]| {
        if say {
            send(&bob, "chat/lobby", "x", "1").unwrap();
        }
        assert_eq!(told(&ada).await, expected[0]);
        for (last, expected) in [
            (json!({"epoch": 5, "seq": 3}), expected[1]),
            (json!({"epoch": 5, "seq": 2}), expected[2]),
            (Value::Null, expected[3]),
        ] {
            let session = stranger();
            let seq = last["seq"].as_u64();
            assert_eq!(back(&session, last).seq, seq.or(Some(3)));
            assert_eq!(told(&session).await, expected);
        }
    };
    anew(false, [&[], &[], &["missed 3-3"], &[]]).await;
    anew(true, [&["4"], &["4"], &["missed 3-3", "4"], &["4"]]).await;
}

/// Breaks when: the room of a guest in which something was said once stays its own for ever.
#[tokio::test]
async fn a_guests_private_room_is_free_again_once_nobody_comes_and_nothing_is_kept() {
    const PLANS: &str = "chat/private/plans";
    let app = app();
    let guest = || {
        let token = app.identity.guest(None).unwrap().token;
        let user = app.admit(Some(&token), true).unwrap();
        Session::new(Arc::clone(&app), user)
    };
    let (ada, bob, eve) = (guest(), guest(), guest());
    join(&ada, PLANS).unwrap();
    send(&ada, PLANS, "psst", "1").unwrap();
    leave(&ada, PLANS);
    let closed = |result: Result<u64, tertulia_shared::Reject>| {
        assert_eq!(result.map_err(|it| it.code), Err(Code::RoomNotAllowed));
    };
    closed(join(&bob, PLANS));
    forget(&app, &eve);
    app.identity.look().await;
    closed(join(&bob, PLANS));
    NOW.set(NOW.get() + 60 * 24 * HOUR);
    app.identity.look().await;
    join(&bob, PLANS).unwrap();
    assert_eq!(told(&bob).await, [""; 0]);
    closed(join(&ada, PLANS));
    // What is said there from now on keeps it.
    assert_eq!(send(&bob, PLANS, "mine", "1").unwrap().seq, 2);
    leave(&bob, PLANS);
    NOW.set(NOW.get() + HOUR);
    app.identity.look().await;
    closed(join(&ada, PLANS));
    join(&bob, PLANS).unwrap();
}

/// Breaks when: who has no account begins rooms until nobody else can, by any door.
#[tokio::test]
async fn guests_of_both_doors_leave_half_of_the_rooms_to_accounts() {
    let folder = tempfile::tempdir().unwrap();
    let taken = DataDir::open(folder.path()).unwrap();
    let archive = Archive::open(taken, || 5, Limits::default()).unwrap();
    let ada = new_account("Ada", String::new(), 0);
    let mut accounts = Accounts::beside(folder.path()).unwrap();
    assert!(accounts.add(&ada, |_| false).unwrap());
    let app = App::new(archive, device::commands().0).unwrap();
    let mut number = 0;
    let mut relay = |from| {
        number += 1;
        let room = Topic::new(format!("chat/{number}")).unwrap();
        chat::relay(&app, &room, from, "1".into(), "x".into()).unwrap();
    };
    let refused = || app.counts.faults.load(Ordering::Relaxed);
    for _ in 0..MAX_ROOMS / 4 {
        relay(Speaker::Called(Some("Ada")));
        relay(Speaker::Known(None, Some("Bob")));
    }
    app.store.flush().await;
    assert_eq!(refused(), 0);
    relay(Speaker::Called(None));
    relay(Speaker::Known(None, None));
    app.store.flush().await;
    assert_eq!(refused(), 2);
    relay(Speaker::Known(Some(&ada.id), None));
    app.store.flush().await;
    assert_eq!(refused(), 2);
    let user = User {
        id: ada.id,
        name: Some(ada.name),
        standing: crate::identity::Standing::Registered,
        pass: None,
    };
    let begin = async |user: User| {
        let room = format!("chat/of/{}", user.id);
        let session = Session::new(Arc::clone(&app), user);
        let (text, id) = ("x".into(), None);
        let sent = chat::send(&session, tertulia_shared::chat::ChatSend { room, text, id });
        sent.unwrap().done().await.map_err(|reject| reject.code)
    };
    assert_eq!(begin(User::stranger()).await, Err(Code::ServerFull));
    assert_eq!(begin(user).await.map(|receipt| receipt.seq), Ok(1));
}
