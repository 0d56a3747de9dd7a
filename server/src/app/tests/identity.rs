//! The features as users with tokens meet them: several tabs, private rooms, rules.

use super::{App, Session, app, enter, heard, join, joined, leave, names, room, send};
use crate::{
    app::{
        chat::{self, Speaker},
        device,
        policy::file,
    },
    identity::User,
    store::{Archive, DataDir, Limits},
};
use serde_json::json;
use std::{
    cell::Cell,
    sync::{Arc, Barrier},
    thread,
    time::Duration,
};
use tertulia_shared::{
    Code, Topic,
    chat::{ChatEnter, ChatMessage, ChatSend},
    device::DeviceCommand,
    presence::{Change, PresenceChange, PresenceList},
    room::{RoomInvite, RoomInvited, RoomJoin},
    sensor::Value,
};

/// How often two things are tried at once.
const ROUNDS: usize = 2_000;

/// A connection of a guest with a token.
fn guest(app: &Arc<App>, name: &str) -> (Arc<Session>, User) {
    let issued = app.identity.guest(Some(name)).unwrap();
    let user = app.admit(Some(&issued.token), true).unwrap();
    (Session::new(Arc::clone(app), user.clone()), user)
}

fn code<T>(result: Result<T, tertulia_shared::Reject>) -> Option<Code> {
    result.err().map(|reject| reject.code)
}

#[tokio::test]
async fn several_tabs_are_one_peer_that_enters_with_the_first_and_leaves_with_the_last() {
    let (app, _carrier) = app();
    let bob = Session::new(Arc::clone(&app), User::stranger());
    join(&bob, "chat/lobby").unwrap();
    heard::<PresenceChange>(&bob).await;
    let (first, user) = guest(&app, "Ada");
    let second = Session::new(Arc::clone(&app), user);
    assert_eq!(first.peer(), second.peer());
    join(&first, "chat/lobby").unwrap();
    join(&second, "chat/lobby").unwrap();
    enter(&second, "Countess");
    leave(&first, "chat/lobby");
    join(&first, "chat/lobby").unwrap();
    first.end();
    assert_eq!(names(&bob, "chat/lobby").len(), 2);
    send(&second, "chat/lobby", "still here", "1").unwrap();
    second.end();
    let changes = heard::<PresenceChange>(&bob).await;
    let changes: Vec<_> = changes
        .iter()
        .map(|change| (change.name.as_str(), change.change))
        .collect();
    let expected = [
        ("Ada", Change::Entered),
        ("Countess", Change::Renamed),
        ("Countess", Change::Left),
    ];
    assert_eq!(changes, expected);
}

#[tokio::test]
async fn a_retry_is_the_same_users_in_another_tab_and_nobody_elses() {
    let (app, _carrier) = app();
    let (first, user) = guest(&app, "Ada");
    let second = Session::new(Arc::clone(&app), user);
    let (other, _) = guest(&app, "Bob");
    let once = |session| send(session, "chat/lobby", "once", "sixteen-letters!");
    let receipt = once(&first).unwrap();
    assert_eq!(once(&second), Ok(receipt));
    assert_eq!(code(once(&other)), Some(Code::BadId));
}

#[tokio::test]
async fn a_private_room_is_closed_to_all_who_are_not_invited_whether_it_is_there_or_not() {
    let (app, _carrier) = app();
    let (ada, _) = guest(&app, "Ada");
    let (bob, _) = guest(&app, "Bob");
    let stranger = Session::new(Arc::clone(&app), User::stranger());
    join(&ada, "chat/private/plans").unwrap();
    send(&ada, "chat/private/plans", "psst", "1").unwrap();
    let tries = |session: &Session, at: &str| {
        let with_history = |history, last| {
            let room = at.to_owned();
            let room = RoomJoin {
                room,
                history,
                last,
            };
            joined(session, room).map(drop).unwrap_err()
        };
        let last = json!({"epoch": 5, "seq": 0});
        let listed = PresenceList { room: at.into() };
        [
            with_history(0, None),
            with_history(10, None),
            with_history(0, serde_json::from_value(last).unwrap()),
            send(session, at, "hello", "2").unwrap_err(),
            super::presence::list(session, listed).unwrap_err(),
        ]
    };
    for session in [&bob, &stranger] {
        let texts = |at: &str| {
            tries(session, at).map(|reject| {
                assert_eq!(reject.code, Code::RoomNotAllowed);
                reject.message.replace(at, "")
            })
        };
        let closed = texts("chat/private/plans");
        assert!(closed.iter().all(|text| *text == closed[0]), "{closed:?}");
        assert!(heard::<ChatMessage>(session).await.is_empty());
    }
    // To a stranger a room that nobody began is no other one.
    let there = tries(&stranger, "chat/private/plans").map(|it| it.message);
    let not_there = tries(&stranger, "chat/private/nobody").map(|it| it.message);
    assert_eq!(
        there.map(|it| it.replace("plans", "")),
        not_there.map(|it| it.replace("nobody", ""))
    );
    for wild in [
        "chat/private/+",
        "chat/private/#",
        "chat/#",
        "#",
        "presence/#",
        "user/#",
    ] {
        assert_eq!(code(join(&bob, wild)), Some(Code::RoomNotAllowed), "{wild}");
    }
    let room = Topic::new("chat/private/plans").unwrap();
    let relayed = chat::relay(&app, &room, Speaker::Called(None), "3".into(), "x".into());
    assert_eq!(code(relayed), Some(Code::RoomNotAllowed));
}

/// Both at once, as often as is needed to meet each other.
fn at_once<A: Send, B: Send>(
    first: impl FnOnce() -> A + Send,
    second: impl FnOnce() -> B + Send,
) -> (A, B) {
    let both = Barrier::new(2);
    thread::scope(|scope| {
        let first = scope.spawn(|| {
            both.wait();
            first()
        });
        both.wait();
        let second = second();
        (first.join().unwrap(), second)
    })
}

/// Breaks when: a room is joined by rules that were read before others were made, and looked at before it was joined.
#[test]
fn nobody_joins_by_rules_that_have_just_been_replaced() {
    let (app, _carrier) = app();
    let closed = "[[rule]]\nwho = 'guests'\nmay = 'join'\ntopic = 'chat/lobby'\nallow = false\n";
    for round in 0..100 {
        app.set_policy(file::read("").unwrap());
        let session = Session::new(Arc::clone(&app), User::stranger());
        let joined = thread::scope(|scope| {
            // As long as somebody looks at its rooms, it joins none.
            let looking = session.state();
            let joining = scope.spawn(|| join(&session, "chat/lobby"));
            thread::sleep(Duration::from_micros(round * 10));
            *app.policy.write().unwrap() = Arc::new(file::read(closed).unwrap());
            drop(looking);
            joining.join().unwrap()
        });
        assert_eq!(code(joined), Some(Code::RoomNotAllowed), "round {round}");
    }
}

/// Breaks when: a token is revoked after it was read, and before its connection is known.
#[test]
fn nobody_comes_in_by_a_token_that_has_just_been_revoked() {
    let (app, _carrier) = app();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.unwrap();
    for round in 0..ROUNDS {
        let token = app.identity.guest(None).unwrap().token;
        let (begun, revoked) = at_once(
            || Session::begin(&app, Some(&token), true),
            || runtime.block_on(app.identity.revoke(&token)),
        );
        revoked.unwrap();
        let stays = begun.is_ok_and(|session| !session.over().is_cancelled());
        assert!(!stays, "round {round}: it stays");
    }
}

/// Breaks when: a token is renewed while it is revoked, and the other one is good.
#[test]
fn nobody_keeps_a_renewal_of_a_token_that_is_being_revoked() {
    let (app, _carrier) = app();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.unwrap();
    for round in 0..ROUNDS {
        let token = app.identity.guest(None).unwrap().token;
        let user = app.admit(Some(&token), true).unwrap();
        let (renewed, revoked) = at_once(
            || app.identity.renew(&user, None),
            || runtime.block_on(app.identity.revoke(&token)),
        );
        revoked.unwrap();
        let is_good = renewed.is_ok_and(|renewed| app.admit(Some(&renewed.token), true).is_ok());
        assert!(!is_good, "round {round}: it is good");
    }
}

#[tokio::test]
async fn who_is_in_a_private_room_may_invite_and_the_invited_one_hears_of_it() {
    let (app, _carrier) = app();
    let (ada, _) = guest(&app, "Ada");
    let (bob, user) = guest(&app, "Bob");
    let tab = Session::new(Arc::clone(&app), user);
    let invite = |session: &Session, at: &str, name: &str| {
        let (room, name) = (at.to_owned(), name.to_owned());
        room::invite(session, RoomInvite { room, name })
    };
    join(&ada, "chat/private/plans").unwrap();
    let plans = "chat/private/plans";
    assert_eq!(code(invite(&bob, plans, "Bob")), Some(Code::RoomNotAllowed));
    assert_eq!(
        code(invite(&ada, "chat/lobby", "Bob")),
        Some(Code::RoomNotAllowed)
    );
    assert_eq!(code(invite(&ada, plans, "Eve")), Some(Code::BadName));
    invite(&ada, plans, "bob").unwrap().done().await.unwrap();
    for session in [&bob, &tab] {
        let invited = heard::<RoomInvited>(session).await;
        assert_eq!(invited.len(), 1);
        assert_eq!(
            (invited[0].room.as_str(), invited[0].from.name.as_str()),
            (plans, "Ada")
        );
    }
    assert!(heard::<RoomInvited>(&ada).await.is_empty());
    join(&bob, plans).unwrap();
    assert_eq!(names(&ada, plans).len(), 2);
    send(&bob, plans, "here", "1").unwrap();
    assert_eq!(heard::<ChatMessage>(&ada).await.len(), 1);
    // Who is there is not told again.
    for (name, session) in [("Ada", &ada), ("Bob", &bob)] {
        invite(&ada, plans, name).unwrap().done().await.unwrap();
        assert!(heard::<RoomInvited>(session).await.is_empty());
    }
}

#[tokio::test]
async fn rules_hold_for_join_send_list_and_commands_and_new_ones_end_who_breaks_them() {
    let (app, carrier) = app();
    carrier.open();
    let (ada, _) = guest(&app, "Ada");
    let bob = Session::new(Arc::clone(&app), User::stranger());
    join(&ada, "chat/staff").unwrap();
    join(&bob, "chat/lobby").unwrap();
    let rules = file::read(
        "[[rule]]\nwho = 'guests'\nmay = ['join', 'publish']\ntopic = 'chat/staff'\nallow = false\n\
         [[rule]]\nwho = 'guests'\nmay = 'publish'\ntopic = 'devices/lamp/#'\nallow = false\n",
    );
    app.set_policy(rules.unwrap());
    assert!(ada.over().is_cancelled() && !bob.over().is_cancelled());
    let closed = Some(Code::RoomNotAllowed);
    assert_eq!(code(join(&bob, "chat/staff")), closed);
    assert_eq!(code(send(&bob, "chat/staff", "hello", "1")), closed);
    let listed = PresenceList {
        room: "chat/staff".into(),
    };
    assert_eq!(code(super::presence::list(&bob, listed)), closed);
    let command = |device: &str| {
        let (device, target) = (device.to_owned(), "power".to_owned());
        let value = Value::Number(1.0);
        device::command(
            &bob,
            DeviceCommand {
                device,
                target,
                value,
            },
        )
    };
    assert_eq!(code(command("lamp")), closed);
    assert!(command("fan").is_ok());
}

#[tokio::test]
async fn a_broker_that_knows_who_publishes_lets_nobody_speak_as_a_registered_user() {
    let (app, _carrier) = app();
    let listener = Session::new(Arc::clone(&app), User::stranger());
    join(&listener, "chat/lobby").unwrap();
    let room = Topic::new("chat/lobby").unwrap();
    let said = |from, id: &str| chat::relay(&app, &room, from, id.into(), "x".into()).unwrap();
    said(Speaker::Known(None, Some("Zoë")), "1");
    said(Speaker::Known(Some("u-nobody"), None), "2");
    let heard = heard::<ChatMessage>(&listener).await;
    let names: Vec<_> = heard.iter().map(|it| it.from.name.as_str()).collect();
    assert_eq!(names, ["Zoë", "mqtt"]);
}

#[test]
fn a_guest_keeps_the_name_that_it_took_for_its_next_connection() {
    let (app, _carrier) = app();
    let issued = app.identity.guest(Some("Ada")).unwrap();
    let again = || {
        Session::new(
            Arc::clone(&app),
            app.admit(Some(&issued.token), true).unwrap(),
        )
    };
    let first = again();
    assert_eq!(first.author().name, "Ada");
    let name = "Countess".to_owned();
    chat::enter(&first, ChatEnter { name }).unwrap();
    drop(first);
    assert_eq!(again().author().name, "Countess");
}

/// Breaks when: whoever was away for long is locked out of what was said, or a restart forgets that something was.
#[tokio::test]
async fn a_guests_room_in_which_something_was_said_stays_theirs() {
    thread_local! {
        static NOW: Cell<u64> = const { Cell::new(1) };
    }
    let folder = tempfile::TempDir::new().unwrap();
    let start = || {
        let taken = DataDir::open(folder.path()).unwrap();
        let archive = Archive::open(taken, || NOW.get(), Limits::default()).unwrap();
        let (commands, _carrier) = crate::app::device::commands();
        App::new(archive, commands).unwrap()
    };
    let app = start();
    let (ada, user) = guest(&app, "Ada");
    for room in ["chat/private/used", "chat/private/unused"] {
        join(&ada, room).unwrap();
    }
    let [room, text] = ["chat/private/used", "psst"].map(str::to_owned);
    let id = None;
    let sent = chat::send(&ada, ChatSend { room, text, id }).unwrap();
    sent.done().await.unwrap();
    drop((ada, app));
    let app = start();
    NOW.set(61 * 24 * 60 * 60 * 1_000);
    app.identity.look().await;
    let eve = guest(&app, "Eve").0;
    let closed = Some(Code::RoomNotAllowed);
    assert_eq!(code(join(&eve, "chat/private/used")), closed);
    join(&eve, "chat/private/unused").unwrap();
    let ada = Session::new(Arc::clone(&app), user);
    join(&ada, "chat/private/used").unwrap();
    assert_eq!(code(join(&ada, "chat/private/unused")), closed);
}

/// Breaks when: a mistyped name counts for ever, or a room is another's while its owner still hears what is said there.
#[tokio::test]
async fn a_room_in_which_nothing_was_said_gives_way_to_one_too_many_unless_somebody_is_there() {
    let (app, _carrier) = app();
    let (ada, user) = guest(&app, "Ada");
    let tab = Session::new(Arc::clone(&app), user);
    join(&tab, "chat/private/0").unwrap();
    for number in 1..100 {
        let room = format!("chat/private/{number}");
        join(&ada, &room).unwrap();
        send(&ada, &room, "hello", "1").unwrap();
        leave(&ada, &room);
    }
    let one_too_many = |session| code(join(session, "chat/private/100"));
    assert_eq!(one_too_many(&ada), Some(Code::ServerFull));
    join(&ada, "chat/private/0").unwrap();
    leave(&ada, "chat/private/0");
    assert_eq!(one_too_many(&ada), Some(Code::ServerFull));
    tab.end();
    assert_eq!(one_too_many(&ada), None);
    let bob = guest(&app, "Bob").0;
    join(&bob, "chat/private/0").unwrap();
    assert_eq!(
        code(join(&bob, "chat/private/1")),
        Some(Code::RoomNotAllowed)
    );
}
