//! People whose names look the same, as others see them.

use super::{App, Session, app, enter, heard, join, send};
use crate::{
    app::{
        chat::{self, Speaker},
        presence, room,
    },
    identity::User,
};
use std::sync::Arc;
use tertulia_shared::{
    Code, Reject, Topic,
    chat::{Author, ChatEnter, ChatMessage, Via},
    presence::{Change, PresenceChange, PresenceList},
    room::{RoomInvite, RoomInvited},
};

const LOBBY: &str = "chat/lobby";
const PLANS: &str = "chat/private/plans";

fn stranger(app: &Arc<App>) -> Arc<Session> {
    Session::new(Arc::clone(app), User::stranger())
}

fn guest(app: &Arc<App>, name: &str) -> Arc<Session> {
    let issued = app.identity.guest(Some(name)).unwrap();
    Session::new(
        Arc::clone(app),
        app.admit(Some(&issued.token), true).unwrap(),
    )
}

fn people(session: &Session) -> Vec<Author> {
    let room = LOBBY.to_owned();
    presence::list(session, PresenceList { room })
        .unwrap()
        .people
}

fn invite(session: &Session, name: &str) -> Result<room::Inviting, Reject> {
    let (room, name) = (PLANS.to_owned(), name.to_owned());
    room::invite(session, RoomInvite { room, name })
}

/// Breaks when: two guests of the same look are one to a reader, in messages, in presence or in the list of people.
#[tokio::test]
async fn guests_who_look_the_same_have_the_same_tag_everywhere() {
    let (app, _carrier) = app();
    let (witness, ana) = (stranger(&app), guest(&app, "Ana"));
    join(&witness, LOBBY).unwrap();
    join(&ana, LOBBY).unwrap();
    heard::<PresenceChange>(&witness).await;
    send(&ana, LOBBY, "alone", "1").unwrap();
    assert_eq!(heard::<ChatMessage>(&witness).await[0].from.tag, None);
    let other = stranger(&app);
    join(&other, LOBBY).unwrap();
    enter(&other, "Аnа");
    let changes = heard::<PresenceChange>(&witness).await;
    let changes: Vec<_> = changes
        .iter()
        .map(|it| (&*it.peer, it.change, it.tag.clone()))
        .collect();
    let [tag, others] = [&ana, &other].map(|session| session.author().tag);
    assert!(tag.as_ref().is_some_and(|tag| tag.len() == 4) && others.is_some() && tag != others);
    let expected = [
        (other.peer(), Change::Entered, None),
        (ana.peer(), Change::Renamed, tag.clone()),
        (other.peer(), Change::Renamed, others.clone()),
    ];
    assert_eq!(changes, expected);
    let listed = people(&witness);
    for session in [&ana, &other] {
        send(session, LOBBY, "which?", session.peer()).unwrap();
        assert!(listed.contains(&session.author()));
        assert_eq!(
            heard::<ChatMessage>(&witness).await[0].from,
            session.author()
        );
    }
    enter(&other, "Eva");
    assert_eq!((other.author().tag, ana.author().tag), (None, tag));
}

/// Breaks when: a tag is only given to who takes a name, and not to who comes with one.
#[tokio::test]
async fn a_guest_who_comes_with_its_name_is_told_apart_at_once() {
    let (app, _carrier) = app();
    let (witness, ana) = (stranger(&app), guest(&app, "Ana"));
    join(&witness, LOBBY).unwrap();
    join(&ana, LOBBY).unwrap();
    heard::<PresenceChange>(&witness).await;
    let other = guest(&app, "ana");
    let changes = heard::<PresenceChange>(&witness).await;
    assert_eq!((changes.len(), &*changes[0].peer), (1, ana.peer()));
    assert!(changes[0].tag.is_some() && other.author().tag.is_some());
    let again = guest(&app, "Eva");
    assert_eq!(again.author().tag, None);
}

/// Breaks when: an invitation goes to a guest who only looks like the one that is meant.
#[tokio::test]
async fn an_ambiguous_name_is_asked_back_and_a_tag_answers() {
    let (app, _carrier) = app();
    let ada = guest(&app, "Ada");
    join(&ada, PLANS).unwrap();
    let (ana, other) = (guest(&app, "Ana"), guest(&app, "ana"));
    let refused = invite(&ada, "Ana").err().unwrap();
    let tagged = |session: &Session| {
        let Author { name, tag, .. } = session.author();
        format!("{name}·{}", tag.unwrap())
    };
    let mut choices = refused.choices.clone();
    choices.sort();
    let mut expected = [tagged(&ana), tagged(&other)];
    expected.sort();
    assert_eq!(
        (refused.code, choices),
        (Code::AmbiguousName, expected.to_vec())
    );
    assert!(refused.message.contains(&tagged(&other)), "{refused}");
    invite(&ada, &tagged(&other)).unwrap().done().await.unwrap();
    assert_eq!(heard::<RoomInvited>(&other).await.len(), 1);
    assert!(heard::<RoomInvited>(&ana).await.is_empty());
    for wrong in ["Ana·0000", "Eva·0000", "Eva"] {
        let code = invite(&ada, wrong).err().unwrap().code;
        assert_eq!(code, Code::BadName, "{wrong}");
    }
    // Somebody without a token cannot be invited, but can be taken for who is.
    drop(ana);
    let _stranger = stranger(&app);
    enter(&_stranger, "Ana");
    let refused = invite(&ada, "Ana").err().unwrap();
    assert_eq!(
        (refused.code, refused.choices),
        (Code::AmbiguousName, vec![tagged(&other)])
    );
}

/// Breaks when: a broker's message passes for a client's, or is shown in a name that only a registered user may have.
#[tokio::test]
async fn what_comes_through_a_broker_is_marked_and_in_no_kept_name() {
    let (app, _carrier) = app();
    let witness = stranger(&app);
    join(&witness, LOBBY).unwrap();
    let room = Topic::new(LOBBY).unwrap();
    for (number, name) in ["Zoë", "Аdmin", "server"].into_iter().enumerate() {
        for (door, from) in [
            Speaker::Called(Some(name)),
            Speaker::Known(None, Some(name)),
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("{number} {door}");
            chat::relay(&app, &room, from, id, "x".to_owned()).unwrap();
        }
    }
    send(&witness, LOBBY, "from a client", "1").unwrap();
    let heard = heard::<ChatMessage>(&witness).await;
    let said: Vec<_> = heard
        .iter()
        .map(|it| (it.from.name.as_str(), it.via))
        .collect();
    let mqtt = ("mqtt", Some(Via::Mqtt));
    let own = witness.author().name;
    let zoe = ("Zoë", Some(Via::Mqtt));
    assert_eq!(
        said,
        [zoe, zoe, mqtt, mqtt, mqtt, mqtt, (own.as_str(), None)]
    );
}

#[test]
fn a_name_of_the_server_is_no_guests() {
    let (app, _carrier) = app();
    let ada = stranger(&app);
    for name in ["admin", "ADMlN", "аdmin", "MQTT", "guest-1234"] {
        let name = name.to_owned();
        let refused = chat::enter(&ada, ChatEnter { name }).unwrap_err();
        assert_eq!(refused.code, Code::NameReserved, "{refused}");
    }
    let name = ada.author().name;
    chat::enter(&ada, ChatEnter { name }).unwrap();
}
