//! Going on over WebSocket while events travel both ways: nothing is lost, nothing is doubled, nothing overtakes.

use super::{Tick, Tock, binary};
use crate::world::{
    client::{next, until_transport},
    official::{Node, ask, event, only, retrying, tell},
    watch::{until_linked, until_lost},
};
use serde_json::{Value, json};
use tertulia_client::connection::{Connection, Delivery, Options, Reason, Transport};

/// How many events go each way.
const MANY: u32 = 1_000;

/// Emits that many numbered events, every third one with a binary, with a pause after each few so that they are under
/// way in every phase of the upgrade.
async fn emit_many(connection: &Connection) {
    for n in 0..MANY {
        let args = tertulia_shared::Event::to_args(&Tock::number(n)).unwrap();
        let sent = connection.emit_args(args, Delivery::default());
        if n % 10 == 0 {
            sent.await.unwrap();
        }
    }
}

async fn hear_many(connection: &Connection) {
    let mut ticks = connection.listen::<Tick>();
    tell(connection, "test:flood", &[json!(MANY / 2)]).await;
    tell(
        connection,
        "test:flood",
        &[json!(MANY / 2), json!(MANY / 2)],
    )
    .await;
    for n in 0..MANY {
        let bytes = (n % 3 == 0).then(|| binary(&[(n % 256) as u8]));
        assert_eq!(next(&mut ticks).await, Tick { n, bytes });
    }
}

/// What breaks it: switching before the last poll has come back, or sending over WebSocket while a POST is under way.
#[tokio::test]
async fn a_thousand_events_each_way_stay_whole_and_in_order() {
    for held in [false, true] {
        let mut node = Node::with(json!({ "holds": held })).await;
        let connection = node.connect(Options {
            buffer: 2 * MANY as usize,
            ..Options::default()
        });
        let both_ways = async {
            tokio::join!(emit_many(&connection), hear_many(&connection));
        };
        if held {
            node.until("held").await;
        }
        let (_, _) = tokio::join!(both_ways, node.control("release", Value::Null));
        let heard = ask(&connection, "test:heard", &[]).await;
        let expected: Vec<_> = (0..MANY).collect();
        assert_eq!(heard, json!(expected));
        until_transport(&connection, Transport::WebSocket).await;
        assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
        assert_eq!(node.engines().await, 1);
        connection.disconnect();
        loop {
            match node.says().await {
                (step, why) if step == "disconnected" => {
                    assert_eq!(why, "client namespace disconnect");
                    break;
                }
                (step, value) => assert_ne!(step, "wrong bytes", "{value}"),
            }
        }
    }
}

/// The server holds the WebSocket back: the probe is surely under way.
#[tokio::test]
async fn a_close_in_the_middle_of_the_upgrade_is_clean() {
    let mut node = Node::with(json!({ "holds": true })).await;
    let connection = node.connect(Options::default());
    until_linked(&mut connection.watch()).await;
    node.until("held").await;
    for n in 0..10 {
        tell(&connection, "test:note", &[json!(n)]).await;
    }
    assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
    connection.disconnect();
    for n in 0..10 {
        assert_eq!(node.until("noted").await, n);
    }
    let goodbye = json!("client namespace disconnect");
    assert_eq!(node.says().await, ("disconnected".to_owned(), goodbye));
    node.control("release", Value::Null).await;
    connection.open();
    node.until("held").await;
    node.control("release", Value::Null).await;
    until_transport(&connection, Transport::WebSocket).await;
}

/// At each moment of an upgrade, which takes a few round trips. (That what was emitted last arrives too is shown with our
/// own server: the official one drops events that come in one piece with a DISCONNECT, whoever sends them.)
///
/// What breaks it: the packet that closes in one POST with others; the server says "transport close" then.
#[tokio::test]
async fn a_close_at_any_moment_of_the_upgrade_is_clean() {
    let mut node = Node::start().await;
    for rounds in 0..40 {
        let connection = node.connect(Options {
            force_new: true,
            ..Options::default()
        });
        until_linked(&mut connection.watch()).await;
        for _ in 0..rounds / 8 {
            ask(&connection, "test:echo", &[json!(1)]).await;
        }
        for _ in 0..rounds % 8 {
            tokio::task::yield_now().await;
        }
        connection.disconnect();
        let goodbye = node.until("disconnected").await;
        assert_eq!(goodbye, "client namespace disconnect", "{rounds}");
    }
}

/// The probe's WebSocket is never answered: polling carries on, both ways.
#[tokio::test]
async fn polling_carries_on_while_the_probe_has_no_answer() {
    let mut node = Node::with(json!({ "holds": true, "io": { "upgradeTimeout": 100 } })).await;
    let connection = node.connect(Options::default());
    node.until("held").await;
    hear_many(&connection).await;
    emit_many(&connection).await;
    let heard = ask(&connection, "test:heard", &[]).await;
    assert_eq!(heard.as_array().unwrap().len(), MANY as usize);
    until_transport(&connection, Transport::Polling).await;
}

/// The server closes while the probe is under way; the next session upgrades.
#[tokio::test]
async fn a_loss_in_the_middle_of_the_upgrade_is_a_loss() {
    let mut node = Node::with(json!({ "holds": true })).await;
    let connection = node.connect(retrying(10, Options::default()));
    let mut statuses = connection.watch();
    until_linked(&mut statuses).await;
    node.until("held").await;
    node.control("close", Value::Null).await;
    assert!(matches!(
        until_lost(&mut statuses).await,
        (Reason::TransportClose(_), true)
    ));
    node.until("held").await;
    node.control("release", Value::Null).await;
    until_transport(&connection, Transport::WebSocket).await;
    let args = event("test:note", &[json!("after")]);
    connection
        .emit_args(args, Delivery::default())
        .await
        .unwrap();
    assert_eq!(node.until("noted").await, "after");
    drop(node.connect(only(Transport::Polling)));
}
