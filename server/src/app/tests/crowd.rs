//! Presence in a large room.

use super::{App, Session, app, enter, heard, join};
use crate::identity::User;
use std::{sync::Arc, time::Duration};
use tertulia_shared::presence::{
    BATCH, Change, LISTED, PresenceChange, PresenceChanges, PresenceList,
};
use tokio::time::advance;

const LOBBY: &str = "chat/lobby";

fn stranger(app: &Arc<App>) -> Arc<Session> {
    let session = Session::new(Arc::clone(app), User::stranger());
    join(&session, LOBBY).unwrap();
    session
}

/// Lets a second pass, and what is due in it be told.
async fn second() {
    advance(Duration::from_secs(1)).await;
    tokio::task::yield_now().await;
}

/// Breaks when: the changes of a large room are told one by one, which costs the square of its people, or are lost.
#[tokio::test(start_paused = true)]
async fn a_large_room_is_told_in_bounded_batches() {
    let (app, _carrier) = app();
    let told = tokio::spawn(Arc::clone(&app).tell_presence());
    tokio::task::yield_now().await;
    let witness = stranger(&app);
    let mut others: Vec<_> = (1..LISTED).map(|_| stranger(&app)).collect();
    assert_eq!(heard::<PresenceChange>(&witness).await.len(), LISTED);
    second().await;
    assert!(heard::<PresenceChanges>(&witness).await.is_empty());

    others.extend((0..100).map(|_| stranger(&app)));
    let last = others.last().unwrap();
    enter(&last.clone(), "Zoe");
    assert!(heard::<PresenceChange>(&witness).await.is_empty());
    let list = PresenceList { room: LOBBY.into() };
    let people = super::presence::list(&witness, list).unwrap();
    assert_eq!(people.people.len(), LISTED);
    assert_eq!(people.count as usize, LISTED + 100);
    second().await;
    let [batch] = &heard::<PresenceChanges>(&witness).await[..] else {
        panic!("one batch a second");
    };
    assert_eq!(batch.count as usize, LISTED + 100);
    assert_eq!(batch.changes.len(), BATCH);
    // The last one is left out twice: as it comes, and as it takes its name.
    assert_eq!(batch.left_out as usize, 101 - BATCH);
    second().await;
    assert!(heard::<PresenceChanges>(&witness).await.is_empty());

    // Half of them leave: the others are told one by one again.
    others.truncate(LISTED / 2);
    second().await;
    let batches = heard::<PresenceChanges>(&witness).await;
    assert_eq!(batches[0].count as usize, LISTED / 2 + 1);
    others.pop();
    let changes = heard::<PresenceChange>(&witness).await;
    assert_eq!(changes[0].change, Change::Left);

    app.silence_presence();
    drop(others);
    second().await;
    assert!(heard::<PresenceChange>(&witness).await.is_empty());
    told.abort();
}

#[tokio::test(start_paused = true)]
async fn the_last_change_of_a_peer_is_told() {
    let (app, _carrier) = app();
    let told = tokio::spawn(Arc::clone(&app).tell_presence());
    tokio::task::yield_now().await;
    let _others: Vec<_> = (0..LISTED).map(|_| stranger(&app)).collect();
    let witness = stranger(&app);
    let (ana, gone) = (stranger(&app), stranger(&app));
    enter(&ana, "Ana");
    drop(gone);
    second().await;
    let batches = heard::<PresenceChanges>(&witness).await;
    let changes = batches[0].changes.iter();
    let of = |peer: &str| {
        let mut changes = changes.clone().filter(|change| change.peer == peer);
        changes.next().map(|it| (it.change, it.name.clone()))
    };
    assert_eq!(
        of(ana.peer()),
        Some((Change::Entered, "Ana".to_owned())),
        "not only renamed"
    );
    assert_eq!(batches[0].left_out, 0);
    told.abort();
}
