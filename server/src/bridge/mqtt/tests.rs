//! The bridge and what waits in it: nothing is asked for ever, and at the end nothing is lost without a count.

use super::{Link, MqttBridge, options, outgoing_id};
use crate::{
    app::{App, CLIENT, Session, chat, device},
    bridge::{
        Bridge,
        link::{Confirmation, Unconfirmed},
        local::{Local, Outgoing},
        supervise,
    },
    broker::{Broker, Embedded},
    config::BrokerUrl,
    identity::User,
    store::Archive,
};
use rumqttc::PubAckReason;
use std::{
    future::ready,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tertulia_shared::{
    Filter, Topic,
    chat::{Author, ChatMessage, ChatSend},
    sensor::SensorFault,
};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

const PATIENCE: Duration = Duration::from_secs(30);

/// More topics than a queue keeps count of, beside the one message that it takes.
const TOPICS: u64 = 10_002;

fn flood(app: &App) {
    for number in 0..TOPICS {
        let topic = Topic::new(format!("sensors/{number}")).unwrap();
        let said = app.hub.publish(&topic, CLIENT, false, |stamp| SensorFault {
            topic: topic.clone(),
            device: String::new(),
            reason: String::new(),
            count: 1,
            at: stamp.at,
            seq: stamp.seq,
        });
        said.unwrap();
    }
}

/// An embedded broker that runs until `stop`, and its URL.
async fn broker(stop: &CancellationToken) -> BrokerUrl {
    let broker = Embedded::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let url = url(broker.address());
    tokio::spawn(broker.run(stop.clone()));
    url
}

fn url(address: SocketAddr) -> BrokerUrl {
    BrokerUrl {
        host: address.ip().to_string(),
        port: address.port(),
        login: None,
        own: false,
    }
}

/// The features, and a bridge of all their topics that is not yet connected.
fn bridge(url: &BrokerUrl) -> (Arc<App>, MqttBridge) {
    let (commands, carrier) = device::commands();
    let app = App::new(Archive::in_memory(|| 5).unwrap(), commands).unwrap();
    let all = Filter::new("#").unwrap();
    let bridge = MqttBridge::new(Arc::clone(&app), (url.clone(), None), carrier, &all);
    (app, bridge)
}

/// Says a text, and waits until it is acknowledged.
async fn say(session: &Session, text: &str) {
    let send = ChatSend {
        room: "chat/lobby".into(),
        text: text.into(),
        id: None,
    };
    chat::send(session, send).unwrap().done().await.unwrap();
}

async fn heard(listener: &mut Link) -> String {
    let heard = tokio::time::timeout(PATIENCE, listener.next()).await;
    String::from_utf8(heard.unwrap().unwrap().payload.to_vec()).unwrap()
}

/// Breaks when: a bridge whose queue was given up asks it for ever, and sends nothing more.
#[tokio::test]
async fn a_bridge_that_missed_too_much_begins_anew_and_counts_it() {
    let stop = CancellationToken::new();
    let url = broker(&stop).await;
    let (app, mut bridge) = bridge(&url);
    bridge.reader = app.hub.reader(1);
    bridge.reader.subscribe(&Filter::new("#").unwrap());
    flood(&app);
    let mut listener = Link::dial(options("listener", &url)).await.unwrap();
    listener.subscribe(&["chat/#"], drop).await.unwrap();
    // On a thread of its own: one that asks for ever would not let the rest be.
    let carried = std::thread::spawn({
        let stop = stop.clone();
        move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            let runtime = runtime.enable_all().build().unwrap();
            runtime.block_on(bridge.carry(&stop, || {}))
        }
    });
    let begun = async {
        while app.counts.unsent.load(Ordering::Relaxed) < TOPICS - 1 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(PATIENCE, begun).await.unwrap();
    let ada = Session::new(Arc::clone(&app), User::stranger());
    say(&ada, "after the flood").await;
    assert_eq!(heard(&mut listener).await, "after the flood");
    stop.cancel();
    carried.join().unwrap().unwrap();
}

/// Takes the first message and refuses the rest.
#[derive(Debug, Default)]
struct Refusing(AtomicBool);

impl Local for Refusing {
    fn publish(&self, _: &str, _: Outgoing) -> Confirmation {
        let refused = Unconfirmed::Refused(PubAckReason::QuotaExceeded);
        let is_first = !self.0.swap(true, Ordering::Relaxed);
        Box::pin(ready(if is_first { Ok(()) } else { Err(refused) }))
    }
}

/// Breaks when: what a broker refuses is only logged.
#[tokio::test]
async fn what_the_broker_refuses_is_counted() {
    let stop = CancellationToken::new();
    let (app, mut bridge) = bridge(&broker(&stop).await);
    bridge.local = Some(Arc::new(Refusing::default()));
    let ada = Session::new(Arc::clone(&app), User::stranger());
    for number in 0..5 {
        say(&ada, &number.to_string()).await;
    }
    // It ends when nothing waits.
    let stop_bridge = CancellationToken::new();
    stop_bridge.cancel();
    let ended = tokio::time::timeout(PATIENCE, supervise(bridge, stop_bridge, |_| {}));
    ended.await.unwrap();
    assert_eq!(app.counts.unsent.load(Ordering::Relaxed), 4);
    stop.cancel();
}

/// Breaks when: a stop drops what was acknowledged and waits for the broker.
#[tokio::test]
async fn what_waits_at_the_stop_goes_out_before_the_end() {
    let stop_broker = CancellationToken::new();
    let url = broker(&stop_broker).await;
    let (app, bridge) = bridge(&url);
    let mut listener = Link::dial(options("listener", &url)).await.unwrap();
    listener.subscribe(&["chat/#"], drop).await.unwrap();
    let ada = Session::new(Arc::clone(&app), User::stranger());
    for number in 0..200 {
        say(&ada, &number.to_string()).await;
    }
    let stop = CancellationToken::new();
    stop.cancel();
    let ended = tokio::time::timeout(PATIENCE, supervise(bridge, stop, |_| {}));
    ended.await.unwrap();
    for number in 0..200 {
        assert_eq!(heard(&mut listener).await, number.to_string());
    }
    assert_eq!(app.counts.unsent.load(Ordering::Relaxed), 0);
    stop_broker.cancel();
}

/// Breaks when: a broker that says nothing holds the end up, or what it did not get is not counted.
#[tokio::test]
async fn what_the_broker_does_not_take_at_the_stop_is_counted() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (app, mut bridge) = bridge(&url(silent.local_addr().unwrap()));
    let ada = Session::new(Arc::clone(&app), User::stranger());
    for number in 0..5 {
        say(&ada, &number.to_string()).await;
    }
    // Two of them were sent on a link that broke before they were confirmed.
    for _ in 0..2 {
        let delivery = bridge.reader.next().await.unwrap();
        let (message, _) = bridge.outbound(delivery).unwrap();
        bridge.unconfirmed.push_back(message);
    }
    let stop = CancellationToken::new();
    stop.cancel();
    let ended = tokio::time::timeout(PATIENCE, supervise(bridge, stop, |_| {}));
    ended.await.unwrap();
    assert_eq!(app.counts.unsent.load(Ordering::Relaxed), 5);
}

/// Breaks when: the same short id of two senders makes another server of the broker drop one of their messages.
#[test]
fn an_id_that_counts_for_its_sender_only_goes_out_as_the_messages_number() {
    let message = |id: Option<&str>| ChatMessage {
        room: Topic::new("chat/lobby").unwrap(),
        seq: 7,
        id: id.map(str::to_owned),
        from: Author::new("p", "Ada"),
        text: "hello".to_owned(),
        at: 5,
        via: None,
    };
    for (id, out) in [
        (None, "tertulia-9-7"),
        (Some("1"), "tertulia-9-7"),
        (Some("sixteen-letters!"), "sixteen-letters!"),
    ] {
        assert_eq!(outgoing_id(&message(id), 9), out);
    }
}
