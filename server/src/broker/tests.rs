//! The embedded broker's own limits, as a client meets them.

use super::{
    Broker, Doorman, Embedded, Parts, SWEEP, keep_house,
    parts::{MAX_RETAINED_BYTES, MAX_SUBSCRIPTIONS},
};
use crate::{
    app::{App, device, policy::file},
    bridge::link::{Link, LinkError, Unconfirmed, options},
    config::{BrokerUrl, Guests},
    limits::{Allowed, Limits},
    store::Archive,
};
use mqtt5::broker::{
    StorageBackend,
    storage::{ClientSession, StoredSubscription},
};
use rumqttc::{PubAckReason, PublishOptions, QoS, SubscribeReasonCode};
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tokio_util::sync::{CancellationToken, DropGuard};

const PATIENCE: Duration = Duration::from_secs(30);

async fn bound() -> (Embedded, BrokerUrl) {
    let broker = Embedded::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = BrokerUrl {
        host: broker.address().ip().to_string(),
        port: broker.address().port(),
        login: None,
        own: false,
    };
    (broker, url)
}

/// It runs until the guard is dropped.
fn run(broker: Embedded) -> DropGuard {
    let stop = CancellationToken::new();
    tokio::spawn(broker.run(stop.clone()));
    stop.drop_guard()
}

/// A client of a broker that runs until the guard is dropped.
async fn client() -> (Link, DropGuard) {
    let (broker, url) = bound().await;
    let running = run(broker);
    let dialled = tokio::time::timeout(PATIENCE, Link::dial(options("client", &url)));
    (dialled.await.unwrap().unwrap(), running)
}

/// Breaks when: a client may have any number of filters.
#[tokio::test]
async fn a_client_has_so_many_filters_and_no_more() {
    let (mut client, _running) = client().await;
    let filters: Vec<_> = (0..=MAX_SUBSCRIPTIONS).map(|n| n.to_string()).collect();
    let filters: Vec<_> = filters.iter().map(String::as_str).collect();
    let asked = tokio::time::timeout(PATIENCE, client.subscribe(&filters, drop));
    match asked.await.unwrap() {
        Err(LinkError::SubscriptionRefused { filter, reason }) => {
            let last = MAX_SUBSCRIPTIONS.to_string();
            assert_eq!((filter, reason), (last, SubscribeReasonCode::QuotaExceeded));
        }
        other => panic!("{other:?}"),
    }
}

/// Breaks when: a value of any size is kept for those who come later.
#[tokio::test]
async fn a_value_that_is_kept_has_an_end_and_one_that_is_not_has_none() {
    let (client, _running) = client().await;
    for (bytes, retain, is_taken) in [
        (MAX_RETAINED_BYTES, true, true),
        (MAX_RETAINED_BYTES + 1, false, true),
        (MAX_RETAINED_BYTES + 1, true, false),
    ] {
        let options = PublishOptions::new(QoS::AtLeastOnce).retain(retain);
        let sent = client.publish("a", &"x".repeat(bytes), options).unwrap();
        let confirmed = tokio::time::timeout(PATIENCE, sent).await.unwrap();
        match confirmed {
            Err(Unconfirmed::Refused(PubAckReason::QuotaExceeded)) => assert!(!is_taken),
            other => assert!(is_taken, "{other:?}"),
        }
    }
}

/// Breaks when: who never says who it is takes no place, or its place is never free again.
#[tokio::test]
async fn who_says_nothing_takes_a_place_too() {
    let archive = Archive::in_memory(|| 0).unwrap();
    let app = App::new(archive, device::commands().0).unwrap();
    let limits = Limits::new(Allowed {
        connections: 2,
        ..Allowed::default()
    });
    let (broker, url) = bound().await;
    let address = broker.address();
    let _running = run(broker.guard(&app, &limits, Guests::Everywhere, &url));
    let connect = async || TcpStream::connect(address).await.unwrap();
    let mut silent = [connect().await, connect().await];
    let mut third = connect().await;
    let mut nothing = [0];
    let closed = tokio::time::timeout(PATIENCE, third.read(&mut nothing));
    assert!(matches!(closed.await.unwrap(), Ok(0) | Err(_)));
    let refused = limits
        .refusals
        .read()
        .find(|(fence, _)| *fence == "connections");
    assert_eq!(refused, Some(("connections", 1)));
    silent[0].shutdown().await.unwrap();
    let comes = async { while Link::dial(options("client", &url)).await.is_err() {} };
    tokio::time::timeout(PATIENCE, comes).await.unwrap();
}

/// Leaves the session of somebody who is away and hears `sensors/#`.
async fn leave(parts: &Parts, id: &str) {
    let mut session = ClientSession::new(id.to_owned(), true, Some(60));
    let stored = StoredSubscription::new(mqtt5::QoS::AtLeastOnce);
    session.add_subscription("sensors/#".to_owned(), stored);
    parts.storage.store_session(session).await.unwrap();
}

/// Breaks when: a session that somebody holds, and for which what has expired waits, holds up all looks.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_held_holds_nothing_else_up() {
    let archive = Archive::in_memory(|| 0).unwrap();
    let app = App::new(archive, device::commands().0).unwrap();
    let parts = Parts::new();
    let doorman = Doorman::new(Arc::clone(&app), (true, false), "", &parts);
    leave(&parts, "held").await;
    leave(&parts, "away").await;
    let _held = parts.router.lock_session("held").await;
    let look_on = async {
        tokio::time::sleep(2 * SWEEP).await;
        let rules = "[[rule]]\nwho='guests'\nmay='join'\ntopic='sensors/#'\nallow=false";
        app.set_policy(file::read(rules).unwrap());
        let hears = async || {
            let away = parts.storage.get_session("away").await;
            !away.unwrap().unwrap().subscriptions.is_empty()
        };
        while hears().await {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::select! {
        () = keep_house(&parts, Some(Arc::new(doorman))) => {}
        looked = tokio::time::timeout(3 * SWEEP, look_on) => looked.unwrap(),
    }
}
