//! The MQTT bridge: chat in both directions, readings and device status in, commands out.
//!
//! Not here: what a payload means (`mapping`) and trying again (`supervise`).

use super::{
    Bridge,
    faults::Faults,
    link::{Confirmation, Link, LinkError, Unconfirmed, options},
    mapping::{self, FROM, ID, Inbound},
};
use crate::{
    app::{
        App, MQTT, chat,
        device::{Carrier, Command},
        sensor,
    },
    config::BrokerUrl,
    hub::{Delivery, Message, PublishError, Reader},
};
use rumqttc::{Publish, PublishOptions, PublishProperties, QoS};
use std::{
    collections::VecDeque,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tertulia_shared::{Code, Filter, Reject, Topic, chat::ChatMessage};
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
    inbound: Inward,
    reader: Reader,
    /// Sent or to be sent first: what the broker did not confirm before the link broke.
    unconfirmed: VecDeque<Arc<Message>>,
}

impl MqttBridge {
    /// A bridge that is not yet connected.
    pub fn new(app: Arc<App>, broker: BrokerUrl, carrier: Carrier, rooms: &Filter) -> Self {
        let reader = app.hub.reader(OUTBOUND_CAPACITY);
        reader.subscribe(rooms);
        Self {
            broker,
            client_id: format!("tertulia-{:08x}", rand::random::<u32>()),
            carrier,
            inbound: Inward {
                app,
                faults: Mutex::default(),
            },
            reader,
            unconfirmed: VecDeque::new(),
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
                    if let Some(message) = outbound(delivery) {
                        self.unconfirmed.push_back(Arc::clone(&message));
                        sent.extend(send_chat(link, &message)?);
                    }
                }
            }
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

/// The way from the broker to the hub.
#[derive(Debug)]
struct Inward {
    app: Arc<App>,
    faults: Mutex<Faults>,
}

impl Inward {
    /// Publishes what a publish says; what it does not say is counted and shown.
    fn take(&self, publish: Publish) {
        let name = String::from_utf8_lossy(&publish.topic).into_owned();
        let Ok(topic) = Topic::new(name.as_str()) else {
            self.fault(&name, None, "topic is no topic");
            return;
        };
        let properties = publish
            .properties
            .as_ref()
            .map_or(&[][..], |properties| &properties.user_properties);
        match mapping::map(&topic, &publish.payload, properties) {
            Ok(said) => {
                for inbound in said {
                    self.say(&publish, inbound);
                }
            }
            Err(fault) => self.fault(&name, Some(&topic), &fault.to_string()),
        }
    }

    fn say(&self, publish: &Publish, inbound: Inbound) {
        let app = &self.app;
        let said = match inbound {
            Inbound::Chat {
                room,
                text,
                from,
                id,
            } => {
                let id = id.unwrap_or_else(|| message_id(publish));
                let said = chat::relay(app, &room, from.as_deref(), id, text);
                if let Err(reject) = said {
                    self.fault(room.as_str(), None, &reject.message);
                }
                return;
            }
            Inbound::Reading(reading) => sensor::reading(app, reading),
            Inbound::Status {
                topic,
                device,
                online,
            } => sensor::status(app, &topic, device, online),
            Inbound::State {
                topic,
                device,
                target,
                value,
            } => sensor::state(app, &topic, device, target, value),
        };
        self.check(said);
    }

    fn fault(&self, name: &str, topic: Option<&Topic>, reason: &str) {
        let count = self
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(name);
        if count == 1 {
            tracing::warn!(
                topic = name,
                reason,
                "payload does not decode; further ones of this topic are only counted"
            );
        }
        let Some((topic, device)) = topic.and_then(|topic| Some((topic, mapping::device(topic)?)))
        else {
            return;
        };
        self.check(sensor::fault(
            &self.app,
            topic,
            device.to_owned(),
            reason.to_owned(),
            count,
        ));
    }

    fn check<T>(&self, published: Result<T, PublishError>) {
        let Err(error) = published else {
            return;
        };
        let count = self
            .faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add("");
        if count == 1 {
            tracing::warn!(%error, "dropped; further ones are only counted");
        }
    }
}

/// The id of a message that has none: a retained one, which comes again at each connection, keeps its own.
fn message_id(publish: &Publish) -> String {
    if !publish.retain {
        return format!("mqtt-{:032x}", rand::random::<u128>());
    }
    let mut hasher = DefaultHasher::new();
    (&publish.topic, &publish.payload).hash(&mut hasher);
    format!("retained-{:016x}", hasher.finish())
}

/// The chat message that is to go out; not what came through a broker.
fn outbound(delivery: Option<Delivery>) -> Option<Arc<Message>> {
    match delivery? {
        Delivery::Message(message) => {
            let own = message.origin == MQTT;
            (!own && message.decode::<ChatMessage>().is_some()).then_some(message)
        }
        Delivery::Missed { topic, from, to } => {
            tracing::warn!(%topic, from, to, "the broker was away for too long: it misses these messages");
            None
        }
    }
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
