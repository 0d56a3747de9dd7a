//! Every event of Tertulia in one list: what exporters, documentation and tests read.
//!
//! Not here: the tables themselves; each stands in its feature's file.

use crate::{Entry, bridge, chat, device, event, presence, room, sensor, server, stream};

/// The tables, one a feature.
pub const TABLES: &[&[Entry]] = &[
    chat::CHAT,
    room::ROOM,
    presence::PRESENCE,
    sensor::SENSOR,
    device::DEVICE,
    bridge::BRIDGE,
    stream::STREAM,
    server::SERVER,
];

const COUNT: usize = count();

const _: () = event::check_names(&names());

/// Every event, in the order of the tables.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    TABLES.iter().copied().flatten()
}

/// The event of that name, where a table has one.
pub fn find(name: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.name == name)
}

const fn count() -> usize {
    let mut count = 0;
    let mut table = 0;
    while table < TABLES.len() {
        count += TABLES[table].len();
        table += 1;
    }
    count
}

/// All names, to be checked while compiling: a name may stand in one table only.
const fn names() -> [&'static str; COUNT] {
    let mut names = [""; COUNT];
    let (mut at, mut table) = (0, 0);
    while table < TABLES.len() {
        let mut line = 0;
        while line < TABLES[table].len() {
            names[at] = TABLES[table][line].name;
            at += 1;
            line += 1;
        }
        table += 1;
    }
    names
}

#[cfg(test)]
mod tests {
    use super::{entries, find};
    use crate::Direction;
    use schemars::Schema;
    use serde_json::Value;

    #[test]
    fn finds_an_event_by_name() {
        assert_eq!(
            find("chat:send").map(|entry| entry.direction),
            Some(Direction::ClientToServer)
        );
        assert!(find("chat:shout").is_none());
    }

    #[test]
    fn every_payload_and_every_field_says_what_it_is() {
        for entry in entries() {
            let mut schemas = vec![(entry.payload)()];
            if let Some(ack) = entry.ack {
                schemas.push(ack());
            }
            for schema in schemas {
                check_described(entry.name, &schema);
            }
        }
    }

    fn check_described(event: &str, schema: &Schema) {
        let Some(fields) = schema.get("properties").and_then(Value::as_object) else {
            return;
        };
        assert!(schema.get("description").is_some(), "{event}");
        for (field, schema) in fields {
            assert!(schema.get("description").is_some(), "{event}.{field}");
        }
    }
}
