//! From the broker to the hub: what a publish says is published, what it does not say is counted and shown.
//!
//! Not here: what a payload means (`mapping`), and the connection (`mqtt`).

use super::{
    faults::Faults,
    mapping::{self, Inbound},
};
use crate::{
    app::{
        App,
        chat::{self, Speaker},
        policy, sensor,
    },
    hub::PublishError,
};
use rumqttc::Publish;
use std::{
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
};
use tertulia_shared::Topic;

/// The user property in which our own broker says who published; it takes away what publishers say of that.
const SENDER: &str = "x-mqtt-sender";

/// The way from the broker to the hub.
#[derive(Debug)]
pub(super) struct Inward {
    app: Arc<App>,
    /// Whether the broker is our own, which says who published.
    own: bool,
    faults: Mutex<Faults>,
}

impl Inward {
    /// The way to the hub of `app`, from a broker that is our `own` or another one.
    pub(super) fn new(app: Arc<App>, own: bool) -> Self {
        Self {
            app,
            own,
            faults: Mutex::default(),
        }
    }

    /// Publishes what a publish says; what it does not say is counted and shown.
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
                let id = id.filter(|id| policy::id(id).is_ok());
                let id = id.unwrap_or_else(|| message_id(publish));
                let speaker = self.speaker(publish, from.as_deref());
                let said = chat::relay(app, &room, speaker, id, text);
                if let Err(reject) = said {
                    self.fault(room.as_str(), None, &reject.message);
                }
                return;
            }
            Inbound::Cleared { topic } => {
                app.hub.clear(&topic);
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

#[cfg(test)]
mod tests {
    use super::Inward;
    use crate::{
        app::{App, device},
        hub::{Delivery, Message, Reader},
        store::Archive,
    };
    use rumqttc::{Publish, PublishProperties, QoS};
    use std::{
        sync::{Arc, atomic::Ordering},
        time::Duration,
    };
    use tertulia_shared::{Filter, chat::ChatMessage, sensor::SensorReading};

    fn inward() -> (Inward, Arc<App>) {
        let archive = Archive::in_memory(|| 5).unwrap();
        let app = App::new(archive, device::commands().0).unwrap();
        (Inward::new(Arc::clone(&app), false), app)
    }

    fn publish(topic: &str, payload: &str, properties: &[(&str, &str)]) -> Publish {
        let mut publish = Publish::new(topic, QoS::AtLeastOnce, payload.to_owned(), None);
        let properties = properties
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()));
        publish.properties = Some(PublishProperties {
            user_properties: properties.collect(),
            ..PublishProperties::default()
        });
        publish
    }

    fn reader(app: &App, filter: &str) -> Reader {
        let reader = app.hub.reader(100);
        reader.subscribe(&Filter::new(filter).unwrap());
        reader
    }

    async fn next(reader: &Reader) -> Option<Arc<Message>> {
        match tokio::time::timeout(Duration::ZERO, reader.next()).await {
            Ok(Some(Delivery::Message(message))) => Some(message),
            _ => None,
        }
    }

    #[tokio::test]
    async fn a_text_is_not_lost_for_its_properties() {
        let (inward, app) = inward();
        let room = reader(&app, "chat/lobby");
        let (long, hidden) = ("é".repeat(50), "\u{200b}\u{202e}");
        for (name, expected) in [(long.as_str(), "é".repeat(40)), (hidden, "mqtt".to_owned())] {
            let properties = [("from", name), ("id", "")];
            inward.take(publish("chat/lobby", "hello", &properties));
            let message = next(&room).await.unwrap().decode::<ChatMessage>().unwrap();
            assert_eq!(
                (message.text.as_str(), message.from.name),
                ("hello", expected)
            );
            let id = message.id.unwrap();
            assert!(id.starts_with("mqtt-"), "{id}");
        }
        assert_eq!(app.counts.faults.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn what_says_nothing_is_counted_for_everybody() {
        let (inward, app) = inward();
        inward.take(publish("chat/lobby", " ", &[]));
        inward.take(publish("sensors/a/t", "null", &[]));
        inward.take(publish("sensors/a", "{}", &[]));
        assert_eq!(app.counts.faults.load(Ordering::Relaxed), 3);
    }

    #[tokio::test]
    async fn a_cleared_value_is_forgotten_and_is_no_fault() {
        let (inward, app) = inward();
        for topic in ["sensors/a/t", "devices/a/state/power"] {
            inward.take(publish(topic, "1", &[]));
            inward.take(publish(topic, "", &[]));
            assert!(next(&reader(&app, topic)).await.is_none(), "{topic}");
        }
        assert_eq!(app.counts.faults.load(Ordering::Relaxed), 0);
        inward.take(publish("sensors/a/t", "2", &[]));
        let message = next(&reader(&app, "sensors/#")).await.unwrap();
        assert_eq!(message.decode::<SensorReading>().unwrap().seq, 2);
    }
}
