//! The MQTT bridge: chat in both directions, readings and device status in, commands out.
//!
//! Not here: what comes in (`inward`), what a payload means (`mapping`) and trying again (`supervise`).

#[cfg(test)]
mod tests;

use super::{
    Bridge,
    inward::Inward,
    link::{Confirmation, Link, LinkError, Unconfirmed, options},
    local::{Local, Outgoing},
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
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};
use tertulia_shared::{
    Code, Filter, Reject, Topic,
    chat::{ChatMessage, is_short_id},
};
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
/// How long what waits may still go out, and come in, after the stop.
const FINISH: Duration = Duration::from_secs(2);
/// How long nothing comes from our own broker once it has nothing more.
const QUIET: Duration = Duration::from_millis(250);

/// The bridge between the hub and a broker.
#[derive(Debug)]
pub struct MqttBridge {
    broker: BrokerUrl,
    /// Where the broker is in this process.
    local: Option<Arc<dyn Local>>,
    client_id: String,
    /// Where our own broker is told that nothing more is to come; nobody else knows it.
    last: String,
    carrier: Carrier,
    app: Arc<App>,
    inbound: Inward,
    /// What goes out.
    rooms: Filter,
    reader: Reader,
    /// Sent or to be sent first: what the broker did not confirm before the link broke.
    unconfirmed: VecDeque<Arc<Message>>,
    overflow: Overflow,
    refusals: Overflow,
}

impl MqttBridge {
    /// A bridge that is not yet connected.
    pub fn new(
        app: Arc<App>,
        (broker, local): (BrokerUrl, Option<Arc<dyn Local>>),
        carrier: Carrier,
        rooms: &Filter,
    ) -> Self {
        Self {
            inbound: Inward::new(Arc::clone(&app), broker.own),
            broker,
            local,
            client_id: format!("tertulia-{:08x}", rand::random::<u32>()),
            last: format!("$tertulia/{:032x}", rand::random::<u128>()),
            carrier,
            reader: reader(&app, rooms),
            rooms: rooms.clone(),
            app,
            unconfirmed: VecDeque::new(),
            overflow: Overflow::default(),
            refusals: Overflow::default(),
        }
    }

    /// Dials and subscribes.
    async fn dial(&self) -> Result<Link, LinkError> {
        let mut link = Link::dial(options(self.client_id.clone(), &self.broker)).await?;
        let inbound = &self.inbound;
        let last = self.local.is_some().then_some(self.last.as_str());
        let filters: Vec<_> = FILTERS.into_iter().chain(last).collect();
        link.subscribe(&filters, |publish| inbound.take(publish))
            .await?;
        Ok(link)
    }

    /// Sends first what is unconfirmed, then what comes, each confirmed before it is forgotten; after the stop, until
    /// nothing waits.
    async fn pump(&mut self, link: &mut Link, stop: &CancellationToken) -> Result<(), LinkError> {
        let mut sent = VecDeque::new();
        let mut commands = JoinSet::new();
        for chat in self.unconfirmed.iter().filter_map(|it| it.decode()) {
            sent.push_back(self.send_chat(link, chat)?);
        }
        let mut is_stopping = false;
        loop {
            if is_stopping && sent.is_empty() && self.reader.is_empty() {
                return self.take_last(link).await;
            }
            tokio::select! {
                () = stop.cancelled(), if !is_stopping => is_stopping = true,
                publish = link.next() => self.inbound.take(publish?),
                Some(command) = self.carrier.queue.recv(), if commands.len() < COMMAND_WINDOW => {
                    commands.spawn(send_command(link, command)?);
                }
                Some(_) = commands.join_next() => {}
                confirmed = first(&mut sent), if !sent.is_empty() => {
                    match confirmed {
                        Ok(()) => {}
                        Err(Unconfirmed::Lost(_)) => return Err(link.broken().await),
                        Err(error @ Unconfirmed::Refused(_)) => self.refused(&error),
                    }
                    sent.pop_front();
                    self.unconfirmed.pop_front();
                }
                delivery = self.reader.next(), if sent.len() < OUTBOUND_WINDOW => {
                    let Some(delivery) = delivery else {
                        self.begin_anew();
                        continue;
                    };
                    if let Some((message, chat)) = self.outbound(delivery) {
                        self.unconfirmed.push_back(message);
                        sent.push_back(self.send_chat(link, chat)?);
                    }
                }
            }
        }
    }
}

impl MqttBridge {
    /// Takes what our own broker has confirmed to others, which takes nothing more by now.
    async fn take_last(&self, link: &mut Link) -> Result<(), LinkError> {
        let (Some(broker), Ok(topic)) = (&self.local, Topic::new(self.last.as_str())) else {
            return Ok(());
        };
        let last = Outgoing {
            topic,
            payload: String::new(),
            properties: Vec::new(),
        };
        // It goes the way of all others, behind them.
        if broker.publish(&self.last, last).await.is_err() {
            return Ok(());
        }
        let mut publish = link.next().await?;
        while publish.topic != self.last {
            self.inbound.take(publish);
            publish = link.next().await?;
        }
        // Who was let publish before the doors were closed may have been slower.
        while let Ok(publish) = tokio::time::timeout(QUIET, link.next()).await {
            self.inbound.take(publish?);
        }
        Ok(())
    }

    fn say_not_all_came(&self) {
        if self.local.is_some() {
            tracing::warn!(
                "the server stops: chat messages that the broker confirmed last may be missing"
            );
        }
    }

    /// The chat message that is to go out; not what came through a broker, nor what was said in private.
    fn outbound(&mut self, delivery: Delivery) -> Option<(Arc<Message>, ChatMessage)> {
        match delivery {
            Delivery::Message(message) => {
                let own = message.origin == MQTT || is_private(&message.topic);
                let chat = message.decode().filter(|_| !own)?;
                Some((message, chat))
            }
            Delivery::Missed { from, to, .. } => {
                self.missed(to - from + 1);
                None
            }
        }
    }

    fn send_chat(&self, link: &Link, chat: ChatMessage) -> Result<Confirmation, LinkError> {
        let id = outgoing_id(&chat, self.app.hub.epoch_of(&self.rooms));
        let message = Outgoing {
            topic: chat.room,
            payload: chat.text,
            properties: vec![(FROM.to_owned(), chat.from.name), (ID.to_owned(), id)],
        };
        if let Some(broker) = &self.local {
            return Ok(broker.publish(&self.client_id, message));
        }
        let properties = PublishProperties {
            user_properties: message.properties,
            ..PublishProperties::default()
        };
        let options = PublishOptions::new(QoS::AtLeastOnce).properties(properties);
        link.publish(message.topic.as_str(), &message.payload, options)
    }

    /// Reads again, after so much was missed that the hub keeps no count of it.
    fn begin_anew(&mut self) {
        self.reader = reader(&self.app, &self.rooms);
        // At least one: how many more there were nobody knows.
        self.missed(1);
    }

    fn refused(&mut self, error: &Unconfirmed) {
        self.unsent(1);
        if let Some(messages) = self.refusals.add(1, Instant::now()) {
            tracing::warn!(messages, %error, "chat messages do not reach the broker");
        }
    }

    fn unsent(&self, messages: u64) {
        let unsent = &self.app.counts.unsent;
        unsent.fetch_add(messages, Ordering::Relaxed);
    }

    fn missed(&mut self, messages: u64) {
        self.unsent(messages);
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
        let mut too_late = pin!(too_late(stop));
        let mut link = tokio::select! {
            link = self.dial() => link?,
            () = &mut too_late => return Ok(()),
        };
        self.carrier.open();
        up();
        let result = tokio::select! {
            result = self.pump(&mut link, stop) => result,
            () = too_late => {
                self.say_not_all_came();
                Ok(())
            }
        };
        self.carrier.close();
        while let Some(publish) = link.waiting() {
            self.inbound.take(publish);
        }
        link.hang_up().await;
        result
    }

    fn give_up(&mut self) {
        let mut left = self.unconfirmed.len() as u64;
        while let Some((delivery, _)) = self.reader.try_next_measured() {
            left += u64::from(self.outbound(delivery).is_some());
        }
        if left > 0 {
            self.unsent(left);
            tracing::warn!(
                messages = left,
                "the server stops: the broker has not confirmed these chat messages"
            );
        }
    }
}

/// Waits until what waits may go out no longer.
async fn too_late(stop: &CancellationToken) {
    stop.cancelled().await;
    tokio::time::sleep(FINISH).await;
}

/// The id under which a message goes out. An id that counts for its sender only means nothing to a broker, which tells no
/// senders apart: the message's number stands in for it, and for none.
fn outgoing_id(chat: &ChatMessage, epoch: u64) -> String {
    let id = chat.id.clone().filter(|id| !is_short_id(id));
    id.unwrap_or_else(|| format!("tertulia-{epoch}-{}", chat.seq))
}

fn reader(app: &App, rooms: &Filter) -> Reader {
    let reader = app.hub.reader(OUTBOUND_CAPACITY);
    reader.subscribe(rooms);
    reader
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
