//! Private rooms: who is not invited learns nothing of them, by whatever door.

use super::{connected, session};
use crate::{
    durable::Disk,
    world::{
        client::{code, connected_with, emit, join, next, say, send},
        mosquitto,
        official::only,
        server::Server,
        soon,
    },
};
use serde_json::json;
use std::time::Duration;
use tertulia_client::connection::{Connection, EmitError, Transport};
use tertulia_shared::{
    Code,
    chat::ChatMessage,
    presence::PresenceList,
    room::{Last, RoomInvite, RoomInvited, RoomJoin},
};

const PLANS: &str = "chat/private/plans";

async fn guest(server: &Server, name: &str) -> Connection {
    let given = session(&server.origin(), json!({ "name": name })).await;
    connected(&server.origin(), &given).await
}

async fn invite(connection: &Connection, name: &str) {
    let (room, name) = (PLANS.to_owned(), name.to_owned());
    emit(connection, &RoomInvite { room, name }).await.unwrap();
}

/// Breaks when: a private room is read, listed or spoken in by somebody who was not invited.
#[tokio::test]
async fn who_is_not_invited_learns_nothing() {
    let server = Server::start().await;
    let (ada, eve) = (guest(&server, "Ada").await, guest(&server, "Eve").await);
    let stranger = connected_with(&server.origin(), only(Transport::Polling)).await;
    let epoch = join(&ada, PLANS).await.epoch;
    say(&ada, PLANS, "psst", "1").await;
    for (outsider, number) in [(&eve, 1), (&stranger, 2)] {
        let mut heard = outsider.listen::<ChatMessage>();
        let seq = Some(0);
        let resume = RoomJoin {
            last: Some(Last {
                epoch,
                seq,
                ..Last::default()
            }),
            ..RoomJoin::new(PLANS)
        };
        let history = RoomJoin {
            history: 10,
            ..RoomJoin::new(PLANS)
        };
        for request in [RoomJoin::new(PLANS), history, resume] {
            assert_eq!(code(emit(outsider, &request).await), "room-not-allowed");
        }
        for wild in [
            "chat/private/#",
            "chat/private/+",
            "chat/+/plans",
            "chat/#",
            "#",
        ] {
            let refused = emit(outsider, &RoomJoin::new(wild)).await;
            assert_eq!(code(refused), "room-not-allowed", "{wild}");
        }
        let room = PLANS.to_owned();
        assert_eq!(
            code(emit(outsider, &PresenceList { room }).await),
            "room-not-allowed"
        );
        assert_eq!(
            code(emit(outsider, &send(PLANS, "hi", "2")).await),
            "room-not-allowed"
        );
        let (room, name) = (PLANS.to_owned(), "Eve".to_owned());
        let invited = emit(outsider, &RoomInvite { room, name }).await;
        assert_eq!(code(invited), "room-not-allowed");
        // What is heard first is what is said where all may listen.
        join(outsider, "chat/lobby").await;
        say(&ada, PLANS, "again", &format!("again-{number}")).await;
        say(&ada, "chat/lobby", "public", &number.to_string()).await;
        assert_eq!(next(&mut heard).await.text, "public");
    }
}

/// Breaks when: an invitation is not told, not kept, or opens more than its room.
#[tokio::test]
async fn the_invited_hear_of_it_and_come_in() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut server = super::serve(directory.path(), &[]).await;
    let (ada, bob) = (
        guest(&server, "Ada").await,
        session(&server.origin(), json!({"name": "Bob"})).await,
    );
    join(&ada, PLANS).await;
    say(&ada, PLANS, "psst", "1").await;
    let tab = connected(&server.origin(), &bob).await;
    let mut invitations = tab.listen::<RoomInvited>();
    invite(&ada, "bob").await;
    let invited = next(&mut invitations).await;
    assert_eq!(
        (invited.room.as_str(), invited.from.name.as_str()),
        (PLANS, "Ada")
    );
    server.kill().await;
    let server = server.restart().await;
    let tab = connected(&server.origin(), &bob).await;
    let mut messages = tab.listen::<ChatMessage>();
    emit(
        &tab,
        &RoomJoin {
            history: 5,
            ..RoomJoin::new(PLANS)
        },
    )
    .await
    .unwrap();
    assert_eq!(next(&mut messages).await.text, "psst");
    let eve = guest(&server, "Eve").await;
    assert_eq!(
        code(emit(&eve, &RoomJoin::new(PLANS)).await),
        "room-not-allowed"
    );
}

/// Breaks when: a private room is acknowledged that a crash takes back, or one that was never acknowledged stays closed.
#[tokio::test]
async fn a_private_room_is_acknowledged_once_its_owner_is_on_disk() {
    let directory = tempfile::TempDir::new().unwrap();
    let mut server = super::serve(directory.path(), &[]).await;
    let ada = session(&server.origin(), json!({"name": "Ada"})).await;
    let tab = connected(&server.origin(), &ada).await;
    join(&tab, PLANS).await;
    // The other room waits for the disk, which another program keeps busy.
    let busy = rusqlite::Connection::open(directory.path().join("tertulia.db")).unwrap();
    busy.execute_batch("BEGIN IMMEDIATE").unwrap();
    let unkept = RoomJoin::new("chat/private/unkept");
    let mut answer = Box::pin(emit(&tab, &unkept));
    let answered = tokio::time::timeout(Duration::from_millis(500), &mut answer).await;
    assert!(answered.is_err(), "{answered:?}");
    server.kill().await;
    drop((answer, busy));
    let server = server.restart().await;
    let eve = guest(&server, "Eve").await;
    let closed = emit(&eve, &RoomJoin::new(PLANS)).await;
    assert_eq!(code(closed), "room-not-allowed");
    emit(&eve, &unkept).await.unwrap();
    let tab = connected(&server.origin(), &ada).await;
    emit(&tab, &RoomJoin::new(PLANS)).await.unwrap();
    assert_eq!(code(emit(&tab, &unkept).await), "room-not-allowed");
}

/// Breaks when: a private room is acknowledged whose owner is not on disk, or one that was refused stays closed.
#[tokio::test]
async fn a_private_room_on_a_full_disk_is_refused_and_is_nobodys() {
    let Some(disk) = Disk::mounted("1m") else {
        println!(
            "not tested: this user may not mount a small disk; the app's own tests break the table instead"
        );
        return;
    };
    let directory = disk.0.path().join("data");
    let server = super::serve(&directory, &[]).await;
    let ada = guest(&server, "Ada").await;
    let rest = disk.0.path().join("rest");
    // All that is left, and then the last pages of the log.
    assert!(std::fs::write(&rest, vec![0; 1 << 20]).is_err());
    let mut rooms = (0..100).map(|number| RoomJoin::new(format!("chat/private/{number}")));
    let refused = loop {
        let room = rooms.next().expect("100 rooms fit on a full disk");
        match soon("an answer", ada.emit(&room)).await {
            Ok(_) => {}
            Err(EmitError::Rejected(reject)) => break (room, reject.code),
            Err(error) => panic!("{error}"),
        }
    };
    assert_eq!(refused.1, Code::StorageFull);
    std::fs::remove_file(rest).unwrap();
    let eve = guest(&server, "Eve").await;
    soon("an answer", eve.emit(&refused.0)).await.unwrap();
    let closed = soon("an answer", ada.emit(&refused.0)).await;
    assert!(
        matches!(closed, Err(EmitError::Rejected(reject)) if reject.code == Code::RoomNotAllowed)
    );
}

/// Breaks when: the bridge carries a private room out or in.
#[tokio::test]
async fn nothing_of_it_is_carried_by_mqtt() {
    let server = Server::start().await;
    let ada = guest(&server, "Ada").await;
    join(&ada, PLANS).await;
    let mut heard = ada.listen::<ChatMessage>();
    let mut broker = mosquitto::subscribe(server.mqtt_port(), "chat/#").await;
    say(&ada, PLANS, "psst", "1").await;
    say(&ada, "chat/lobby", "public", "2").await;
    let line = soon("a line", broker.line_with("chat/")).await;
    let line = if line.contains("PUBLISH") {
        broker.line_with("chat/").await
    } else {
        line
    };
    assert!(
        line.contains("public") || line.contains("chat/lobby"),
        "{line}"
    );
    assert_eq!(next(&mut heard).await.text, "psst");
    mosquitto::publish(server.mqtt_port(), PLANS, "from outside", &[]).await;
    join(&ada, "chat/lobby").await;
    mosquitto::publish(server.mqtt_port(), "chat/lobby", "to all", &["-q", "1"]).await;
    loop {
        let message = next(&mut heard).await;
        assert_ne!(message.text, "from outside");
        if message.text == "to all" {
            break;
        }
    }
}
