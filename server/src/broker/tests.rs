//! The embedded broker's own limits, as a client meets them.

use super::{Broker, Embedded, MAX_RETAINED_BYTES, MAX_SUBSCRIPTIONS};
use crate::{
    bridge::link::{Link, LinkError, Unconfirmed, options},
    config::BrokerUrl,
};
use rumqttc::{PubAckReason, PublishOptions, QoS, SubscribeReasonCode};
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};

const PATIENCE: Duration = Duration::from_secs(30);

/// A client of a broker that runs until the guard is dropped.
async fn client() -> (Link, DropGuard) {
    let broker = Embedded::bind(([127, 0, 0, 1], 0).into(), 10)
        .await
        .unwrap();
    let url = BrokerUrl {
        host: broker.address().ip().to_string(),
        port: broker.address().port(),
        login: None,
        own: false,
    };
    let stop = CancellationToken::new();
    tokio::spawn(broker.run(stop.clone()));
    let dialled = tokio::time::timeout(PATIENCE, Link::dial(options("client", &url)));
    (dialled.await.unwrap().unwrap(), stop.drop_guard())
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
