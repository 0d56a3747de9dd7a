//! Private rooms on a disk: nobody is told that a room is its own before that is written.

use super::{Answer, App, Session, room};
use crate::{
    app::{chat, device},
    identity::User,
    store::{Archive, DataDir, Limits},
};
use rusqlite::Connection;
use std::{path::Path, sync::Arc, time::Duration};
use tempfile::TempDir;
use tertulia_shared::{
    Code, Reject,
    chat::ChatSend,
    room::{Joined, RoomInvite, RoomJoin},
};
use tokio::time::timeout;

const PLANS: &str = "chat/private/plans";
/// As long as something that waits for the disk is watched.
const A_WHILE: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);

fn app(directory: &Path) -> Arc<App> {
    let taken = DataDir::open(directory).unwrap();
    let archive = Archive::open(taken, || 5, Limits::default()).unwrap();
    App::new(archive, device::commands().0).unwrap()
}

fn guest(app: &Arc<App>, name: &str) -> User {
    let token = app.identity.guest(Some(name)).unwrap().token;
    app.admit(Some(&token), true).unwrap()
}

fn connected(app: &Arc<App>, user: &User) -> Arc<Session> {
    Session::new(Arc::clone(app), user.clone())
}

fn join(session: &Session) -> Result<Answer<Joined>, Reject> {
    room::join(session, RoomJoin::new(PLANS))
}

async fn joined(answer: Result<Answer<Joined>, Reject>) -> Result<Joined, Code> {
    let joined = match answer {
        Ok(Answer::Now(joined)) => Ok(joined),
        Ok(Answer::Later(done)) => timeout(PATIENCE, done).await.unwrap(),
        Err(reject) => Err(reject),
    };
    joined.map_err(|reject| reject.code)
}

fn say(session: &Session, text: &str) -> chat::Sent {
    let (room, text, id) = (PLANS.to_owned(), text.to_owned(), None);
    chat::send(session, ChatSend { room, text, id }).unwrap()
}

/// Breaks when: a join is acknowledged that a crash would take back, or what follows it overtakes it.
#[tokio::test]
async fn a_private_room_is_acknowledged_once_its_owner_is_on_disk() {
    let folder = TempDir::new().unwrap();
    let app = app(folder.path());
    let (ada, eve) = (guest(&app, "Ada"), guest(&app, "Eve"));
    let tabs = [connected(&app, &ada), connected(&app, &ada)];
    let busy = Connection::open(folder.path().join("tertulia.db")).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answers = [&tabs[0], &tabs[1], &tabs[0]].map(|tab| join(tab).unwrap());
    let mut answers = answers.map(|answer| match answer {
        Answer::Later(done) => done,
        Answer::Now(joined) => panic!("{joined:?}"),
    });
    for answer in &mut answers {
        assert!(timeout(A_WHILE, answer).await.is_err());
    }
    let said = ["first", "second"].map(|text| say(&tabs[0], text));
    let refused = joined(join(&connected(&app, &eve))).await;
    assert_eq!(refused, Err(Code::RoomNotAllowed));
    let (room, name) = (PLANS.to_owned(), "Eve".to_owned());
    let _eve = connected(&app, &eve);
    let invited = room::invite(&tabs[0], RoomInvite { room, name });
    assert_eq!(invited.err().map(|it| it.code), Some(Code::ServerBusy));
    busy.execute_batch("ROLLBACK").unwrap();
    for answer in answers {
        timeout(PATIENCE, answer).await.unwrap().unwrap();
    }
    for (said, seq) in said.into_iter().zip(1..) {
        assert_eq!(said.done().await.unwrap().seq, seq);
    }
    assert!(matches!(join(&tabs[1]), Ok(Answer::Now(_))));
}

/// Breaks when: a room whose owner could not be written is owned all the same, or is nobody's to have any more.
#[tokio::test]
async fn a_private_room_that_cannot_be_written_is_refused_and_free() {
    let folder = TempDir::new().unwrap();
    let app = app(folder.path());
    let (ada, eve) = (guest(&app, "Ada"), guest(&app, "Eve"));
    let (first, second) = (connected(&app, &ada), connected(&app, &ada));
    let other = Connection::open(folder.path().join("tertulia.db")).unwrap();
    other
        .execute_batch("ALTER TABLE member RENAME TO away; BEGIN IMMEDIATE")
        .unwrap();
    let answers = [join(&first), join(&second)];
    let said = say(&first, "lost");
    other.execute_batch("ROLLBACK").unwrap();
    for answer in answers {
        assert_eq!(joined(answer).await, Err(Code::StorageFailed));
    }
    let said = said.done().await.map_err(|reject| reject.code);
    assert_eq!(said, Err(Code::StorageFailed));
    for session in [&first, &second] {
        assert!(session.state().rooms.is_empty());
    }
    let (room, text, id) = (PLANS.to_owned(), "hello".to_owned(), None);
    let said = chat::send(&first, ChatSend { room, text, id });
    assert_eq!(said.err().map(|it| it.code), Some(Code::RoomNotAllowed));
    other
        .execute_batch("ALTER TABLE away RENAME TO member")
        .unwrap();
    joined(join(&connected(&app, &eve))).await.unwrap();
    assert_eq!(joined(join(&first)).await, Err(Code::RoomNotAllowed));
    assert_eq!(app.store.flush().await, ());
    assert!(
        !app.store
            .knows(&tertulia_shared::Topic::new(PLANS).unwrap())
    );
}
