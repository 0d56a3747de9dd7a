//! The MQTT bridge: chat in both directions, readings and device status in, commands out.
//!
//! Not here: what comes in (`inward`), what a payload means (`mapping`) and trying again (`supervise`).

use super::{
    Bridge,
    inward::Inward,
    link::{Confirmation, Link, LinkError, Unconfirmed, options},
    mapping::{FROM, ID},
    overflow::Overflow,
};
use crate::{
    app::{
        App, MQTT,
        device::{Carrier, Command},
        policy::is_private,
    },
    config::BrokerUrl,
    hub::{Delivery, Message, Reader},
};
use rumqttc::{PublishOptions, PublishProperties, QoS};
use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tertulia_shared::{Code, Filter, Reject, chat::ChatMessage};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// What the bridge reads of the broker.
const FILTERS: [&str; 4] = [
    "chat/#",
    "sensors/#",
    "devices/+/status",
    "devices/+/state/+",
];
/// The chat messages that wait while the broker is away; what comes beyond is counted and logged.
const OUTBOUND_CAPACITY: usize = 10_000;
/// The chat messages that are sent and not yet confirmed.
const OUTBOUND_WINDOW: usize = 64;
/// The commands that are sent and not yet confirmed; further ones wait in their queue, which refuses when it is full.
const COMMAND_WINDOW: usize = 64;
/// How long a command waits for the broker's confirmation.
const COMMAND_PATIENCE: Duration = Duration::from_secs(10);

/// The bridge between the hub and a broker.
#[derive(Debug)]
pub struct MqttBridge {
    broker: BrokerUrl,
    client_id: String,
    carrier: Carrier,
    app: Arc<App>,
    inbound: Inward,
    /// What goes out.
    rooms: Filter,
    reader: Reader,
    /// Sent or to be sent first: what the broker did not confirm before the link broke.
    unconfirmed: VecDeque<Arc<Message>>,
    overflow: Overflow,
}

impl MqttBridge {
    /// A bridge that is not yet connected.
    pub fn new(app: Arc<App>, broker: BrokerUrl, carrier: Carrier, rooms: &Filter) -> Self {
        Self {
            inbound: Inward::new(Arc::clone(&app), broker.own),
            broker,
            client_id: format!("tertulia-{:08x}", rand::random::<u32>()),
            carrier,
            reader: reader(&app, rooms),
            rooms: rooms.clone(),
            app,
            unconfirmed: VecDeque::new(),
            overflow: Overflow::default(),
        }
    }

    /// Sends first what is unconfirmed, then what comes, each confirmed before it is forgotten.
    async fn pump(&mut self, link: &mut Link, stop: &CancellationToken) -> Result<(), LinkError> {
        let mut sent = VecDeque::new();
        let mut commands = JoinSet::new();
        for message in &self.unconfirmed {
            sent.extend(send_chat(link, message)?);
        }
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                publish = link.next() => self.inbound.take(publish?),
                Some(command) = self.carrier.queue.recv(), if commands.len() < COMMAND_WINDOW => {
                    commands.spawn(send_command(link, command)?);
                }
                Some(_) = commands.join_next() => {}
                confirmed = first(&mut sent), if !sent.is_empty() => {
                    match confirmed {
                        Ok(()) => {}
                        Err(Unconfirmed::Lost(_)) => return Err(link.broken().await),
                        Err(error) => tracing::warn!(%error, "a chat message does not reach the broker"),
                    }
                    sent.pop_front();
                    self.unconfirmed.pop_front();
                }
                delivery = self.reader.next(), if sent.len() < OUTBOUND_WINDOW => {
                    let Some(delivery) = delivery else {
                        self.begin_anew();
                        continue;
                    };
                    if let Some(message) = self.outbound(delivery) {
                        self.unconfirmed.push_back(Arc::clone(&message));
                        sent.extend(send_chat(link, &message)?);
                    }
                }
            }
        }
    }
}

impl MqttBridge {
    /// The chat message that is to go out; not what came through a broker, nor what was said in private.
    fn outbound(&mut self, delivery: Delivery) -> Option<Arc<Message>> {
        match delivery {
            Delivery::Message(message) => {
                let own = message.origin == MQTT || is_private(&message.topic);
                (!own && message.decode::<ChatMessage>().is_some()).then_some(message)
            }
            Delivery::Missed { from, to, .. } => {
                self.missed(to - from + 1);
                None
            }
        }
    }

    /// Reads again, after so much was missed that the hub keeps no count of it.
    fn begin_anew(&mut self) {
        self.reader = reader(&self.app, &self.rooms);
        // At least one: how many more there were nobody knows.
        self.missed(1);
    }

    fn missed(&mut self, messages: u64) {
        self.app
            .counts
            .unsent
            .fetch_add(messages, Ordering::Relaxed);
        if let Some(messages) = self.overflow.add(messages, Instant::now()) {
            tracing::warn!(
                messages,
                "more is said than the broker takes: it does not get these chat messages"
            );
        }
    }
}

impl Bridge for MqttBridge {
    type Error = LinkError;

    fn peer(&self) -> String {
        self.broker.to_string()
    }

    async fn carry(
        &mut self,
        stop: &CancellationToken,
        mut up: impl FnMut() + Send,
    ) -> Result<(), LinkError> {
        let mut link = Link::dial(options(self.client_id.clone(), &self.broker)).await?;
        let inbound = &self.inbound;
        link.subscribe(&FILTERS, |publish| inbound.take(publish))
            .await?;
        self.carrier.open();
        up();
        let result = self.pump(&mut link, stop).await;
        self.carrier.close();
        link.hang_up().await;
        result
    }
}

fn reader(app: &App, rooms: &Filter) -> Reader {
    let reader = app.hub.reader(OUTBOUND_CAPACITY);
    reader.subscribe(rooms);
    reader
}

fn send_chat(link: &Link, message: &Message) -> Result<Option<Confirmation>, LinkError> {
    let Some(chat) = message.decode::<ChatMessage>() else {
        return Ok(None);
    };
    let properties = PublishProperties {
        user_properties: vec![(FROM.to_owned(), chat.from.name), (ID.to_owned(), chat.id)],
        ..PublishProperties::default()
    };
    let options = PublishOptions::new(QoS::AtLeastOnce).properties(properties);
    link.publish(chat.room.as_str(), &chat.text, options)
        .map(Some)
}

async fn first(sent: &mut VecDeque<Confirmation>) -> Result<(), Unconfirmed> {
    match sent.front_mut() {
        Some(confirmation) => confirmation.await,
        None => std::future::pending().await,
    }
}

/// Sends a command; what comes back tells who asked what became of it.
fn send_command(
    link: &Link,
    command: Command,
) -> Result<impl Future<Output = ()> + use<>, LinkError> {
    let options = PublishOptions::new(QoS::AtLeastOnce);
    let confirmation = link.publish(command.topic.as_str(), &command.payload, options)?;
    Ok(async move {
        let outcome = match tokio::time::timeout(COMMAND_PATIENCE, confirmation).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error @ Unconfirmed::Refused(_))) => {
                Err(Reject::new(Code::BrokerRefused, error.to_string()))
            }
            Ok(Err(error @ Unconfirmed::Lost(_))) => {
                Err(Reject::new(Code::BridgeDown, error.to_string()))
            }
            Err(_) => {
                let seconds = COMMAND_PATIENCE.as_secs();
                Err(Reject::new(
                    Code::BridgeDown,
                    format!("the broker did not confirm within {seconds} s"),
                ))
            }
        };
        // Whoever asked may have gone.
        let _ = command.outcome.send(outcome);
    })
}

#[cfg(test)]
mod tests {
    use super::{Link, MqttBridge, options};
    use crate::{
        app::{App, CLIENT, Session, chat, device},
        bridge::Bridge,
        broker::{Broker, Embedded},
        config::BrokerUrl,
        identity::User,
        store::Archive,
    };
    use std::{sync::Arc, sync::atomic::Ordering, time::Duration};
    use tertulia_shared::{Filter, Topic, chat::ChatSend, sensor::SensorFault};
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

    /// Breaks when: a bridge whose queue was given up asks it for ever, and sends nothing more.
    #[tokio::test]
    async fn a_bridge_that_missed_too_much_begins_anew_and_counts_it() {
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
        let (commands, carrier) = device::commands();
        let app = App::new(Archive::in_memory(|| 5).unwrap(), commands).unwrap();
        let all = Filter::new("#").unwrap();
        let mut bridge = MqttBridge::new(Arc::clone(&app), url.clone(), carrier, &all);
        bridge.reader = app.hub.reader(1);
        bridge.reader.subscribe(&all);
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
        let send = ChatSend {
            room: "chat/lobby".into(),
            text: "after the flood".into(),
            id: "1".into(),
        };
        chat::send(&ada, send).unwrap().done().await.unwrap();
        let heard = tokio::time::timeout(PATIENCE, listener.next()).await;
        assert_eq!(&heard.unwrap().unwrap().payload[..], b"after the flood");
        stop.cancel();
        carried.join().unwrap().unwrap();
    }
}
