//! Where an event stands in the stream of its topic, read from its payload.

use crate::fields::Fields;
use tertulia_shared::{
    Event,
    device::{DeviceCleared, DeviceState, DeviceStatus},
    room::{CHAT, DEVICES, SENSORS},
    stream::StreamMissed,
    wire::args::Args,
};

/// The topic of an event and its number there, for what was missed the last one; `None` for an event of no room.
pub(super) fn of(args: &Args) -> Option<(String, u64)> {
    let name = args.name().ok()?;
    let it: Fields = args.at(1).ok()?;
    let number = match &*name {
        StreamMissed::NAME => "to",
        _ => "seq",
    };
    let number = it.get(number)?;
    let text = |field: &str| it.get::<String>(field);
    let topic = match &*name {
        DeviceStatus::NAME | DeviceState::NAME | DeviceCleared::NAME => {
            let device = text("device")?;
            match text("target") {
                Some(target) => [DEVICES, &device, "state", &target].join("/"),
                None => [DEVICES, &device, "status"].join("/"),
            }
        }
        _ => text("topic").or_else(|| text("room"))?,
    };
    // Presence, say, is numbered anew while a connection lasts.
    let has_place = name != StreamMissed::NAME || is_read(&topic);
    has_place.then_some((topic, number))
}

/// Whether rooms are made of such topics, whose numbers never begin again in an epoch.
fn is_read(topic: &str) -> bool {
    let level = topic.split('/').next().unwrap_or_default();
    [CHAT, SENSORS, DEVICES].contains(&level)
}

#[cfg(test)]
mod tests {
    use super::of;
    use serde_json::json;
    use tertulia_shared::{Event, stream::StreamMissed, wire::args::Args};

    #[test]
    fn an_event_of_a_room_has_a_place() {
        for (name, payload, place) in [
            (
                "chat:message",
                json!({"room": "chat/x", "seq": 3, "text": "to"}),
                Some(("chat/x", 3)),
            ),
            (
                "sensor:reading",
                json!({"topic": "sensors/a/b", "device": "a", "seq": 4}),
                Some(("sensors/a/b", 4)),
            ),
            (
                "device:status",
                json!({"device": "a", "online": true, "seq": 5}),
                Some(("devices/a/status", 5)),
            ),
            (
                "device:state",
                json!({"device": "a", "target": "led", "seq": 6}),
                Some(("devices/a/state/led", 6)),
            ),
            (
                "device:cleared",
                json!({"device": "a", "target": "led", "seq": 7}),
                Some(("devices/a/state/led", 7)),
            ),
            (
                "device:cleared",
                json!({"device": "a", "seq": 8}),
                Some(("devices/a/status", 8)),
            ),
            (
                StreamMissed::NAME,
                json!({"topic": "chat/x", "from": 1, "to": 7}),
                Some(("chat/x", 7)),
            ),
            (
                StreamMissed::NAME,
                json!({"topic": "presence/chat/x", "from": 2, "to": 7}),
                None,
            ),
            (
                "poll:asked",
                json!({"room": "chat/x", "seq": 8}),
                Some(("chat/x", 8)),
            ),
            (
                "presence:change",
                json!({"room": "chat/x", "peer": "p"}),
                None,
            ),
            ("anything", json!(7), None),
        ] {
            let args = Args::event(name, &payload).unwrap();
            let place = place.map(|(topic, seq): (&str, u64)| (topic.to_owned(), seq));
            assert_eq!(of(&args), place, "{name}");
        }
    }
}
