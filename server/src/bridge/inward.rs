//! From the broker to the hub: maps publishes to events and publishes them; counts and tells what does not decode.
//!
//! A broker sends its retained values again at each subscribe: what is known of them already is not published again.
//!
//! Not here: what a payload means (`mapping`), and the connection (`mqtt`).

#[cfg(test)]
mod tests;

use super::{
    faults::Faults,
    mapping::{self, Inbound, Said},
    sources::Sources,
};
use crate::{
    app::{
        App, MQTT,
        chat::{self, Speaker},
        policy, sensor,
    },
    hub::PublishError,
};
use rumqttc::Publish;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};
use tertulia_shared::{
    Topic,
    chat::ChatMessage,
    device::{DeviceState, DeviceStatus},
    room::DEVICES,
    sensor::{SensorFault, SensorReading},
};

/// The user property in which our own broker says who published; it takes away what publishers say of that.
const SENDER: &str = "x-mqtt-sender";

/// The way from the broker to the hub.
#[derive(Debug)]
pub(super) struct Inward {
    app: Arc<App>,
    /// Whether the broker is our own, which says who published.
    own: bool,
    faults: Mutex<Faults>,
    sources: Mutex<Sources>,
}

impl Inward {
    /// The way to the hub of `app`, from a broker that is our `own` or another one.
    pub(super) fn new(app: Arc<App>, own: bool) -> Self {
        Self {
            app,
            own,
            faults: Mutex::default(),
            sources: Mutex::default(),
        }
    }

    /// Publishes what a publish says; what it does not say is counted and told.
    pub(super) fn take(&self, publish: Publish) {
        let name = String::from_utf8_lossy(&publish.topic).into_owned();
        let Ok(topic) = Topic::new(name.as_str()) else {
            self.fault(&name, None, "topic is no topic");
            return;
        };
        let properties = publish
            .properties
            .as_ref()
            .map_or(&[][..], |properties| &properties.user_properties);
        let Said { inbound, fault } = mapping::map(&topic, &publish.payload, properties);
        for inbound in inbound {
            if !publish.retain || !self.is_known(&inbound) {
                self.say(&publish, &topic, inbound);
            }
        }
        if let Some(fault) = fault {
            let reason = fault.to_string();
            let latest = || self.app.hub.latest(&topic);
            let is_known = |fault: SensorFault| fault.reason == reason;
            if !publish.retain || !latest().is_some_and(is_known) {
                self.fault(&name, Some(&topic), &reason);
            }
        }
    }

    /// Whether the last that was heard is what a retained value says.
    fn is_known(&self, inbound: &Inbound) -> bool {
        let hub = &self.app.hub;
        match inbound {
            Inbound::Reading(reading) => {
                let latest = hub.latest::<SensorReading>(&reading.topic);
                latest.is_some_and(|it| it.value == reading.value && it.unit == reading.unit)
            }
            Inbound::Status { topic, online, .. } => {
                let latest = hub.latest::<DeviceStatus>(topic);
                latest.is_some_and(|it| it.online == *online)
            }
            Inbound::State { topic, value, .. } => {
                let latest = hub.latest::<DeviceState>(topic);
                latest.is_some_and(|it| it.value == *value)
            }
            Inbound::Chat { room, text, .. } => {
                let kept = hub.kept(room).into_iter();
                let mut of_brokers = kept.filter(|message| message.origin == MQTT);
                of_brokers.any(|it| it.decode().is_some_and(|it: ChatMessage| it.text == *text))
            }
            Inbound::Cleared => false,
        }
    }

    fn say(&self, publish: &Publish, topic: &Topic, inbound: Inbound) {
        let app = &self.app;
        let said = match inbound {
            Inbound::Chat {
                room,
                text,
                from,
                id,
            } => {
                let id = id.filter(|id| policy::id(id).is_ok());
                let id = id.unwrap_or_else(|| message_id(publish));
                let speaker = self.speaker(publish, from.as_deref());
                let said = chat::relay(app, &room, speaker, id, text);
                if let Err(reject) = said {
                    self.fault(room.as_str(), None, &reject.message);
                }
                return;
            }
            Inbound::Cleared => return self.clear(topic),
            Inbound::Reading(mut reading) => {
                reading.retained = publish.retain;
                let metric = reading.topic.clone();
                let said = sensor::reading(app, reading);
                if said.is_ok() {
                    self.sources().note(&metric, topic);
                }
                said
            }
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

    /// Clears what came on a topic.
    fn clear(&self, topic: &Topic) {
        let cleared = self.sources().take(topic);
        for topic in cleared {
            let mut levels = topic.levels();
            let (first, device) = (levels.next(), levels.next().unwrap_or_default().to_owned());
            let said = match first {
                Some(DEVICES) => {
                    let target = levels.nth(1).map(str::to_owned);
                    sensor::clear_device(&self.app, &topic, device, target)
                }
                _ => {
                    let metric: Vec<_> = levels.collect();
                    sensor::clear(&self.app, &topic, device, metric.join("/"))
                }
            };
            self.check(said);
        }
    }

    fn sources(&self) -> MutexGuard<'_, Sources> {
        self.sources.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn speaker<'a>(&self, publish: &'a Publish, name: Option<&'a str>) -> Speaker<'a> {
        if !self.own {
            return Speaker::Called(name);
        }
        let properties = publish.properties.iter();
        let mut properties = properties.flat_map(|it| &it.user_properties);
        let sender = properties.find(|(key, _)| key == SENDER);
        Speaker::Known(sender.map(|(_, id)| id.as_str()), name)
    }

    fn fault(&self, name: &str, topic: Option<&Topic>, reason: &str) {
        let count = self.count(name);
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

    /// Counts a fault, for everybody and of its topic; gives the count of the topic.
    fn count(&self, name: &str) -> u64 {
        self.app.counts.faults.fetch_add(1, Ordering::Relaxed);
        self.faults
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .add(name)
    }

    fn check<T>(&self, published: Result<T, PublishError>) {
        let Err(error) = published else {
            return;
        };
        let count = self.count("");
        if count == 1 {
            tracing::warn!(%error, "dropped; further ones are only counted");
        }
    }
}

/// The id of a message that has none that is allowed: a retained one, which comes again at each connection, keeps its own.
fn message_id(publish: &Publish) -> String {
    if !publish.retain {
        return format!("mqtt-{:032x}", rand::random::<u128>());
    }
    let mut hasher = DefaultHasher::new();
    (&publish.topic, &publish.payload).hash(&mut hasher);
    format!("retained-{:016x}", hasher.finish())
}
