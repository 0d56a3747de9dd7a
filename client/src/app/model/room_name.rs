//! Chat rooms by the name that people use: `lobby` is the room `chat/lobby`.
//!
//! Not here: whether the server lets anybody in; it answers for itself.

use tertulia_shared::{Topic, room};

/// The room at first start.
pub const DEFAULT: &str = "lobby";
/// How many rooms are remembered.
pub const MAX_RECENT: usize = 6;

/// What a person typed as the room's name: without spaces around it and without a leading `#` or `chat/`.
pub fn parse(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.strip_prefix('#').unwrap_or(text);
    let text = text.strip_prefix("chat/").unwrap_or(text).trim();
    Topic::new(text).is_ok().then(|| text.to_owned())
}

/// The topic of the room that people call `name`.
pub fn topic(name: &str) -> String {
    format!("{}/{name}", room::CHAT)
}

/// The name that people use for the room `topic`; `None` when it is no chat room.
pub fn of_topic(topic: &str) -> Option<&str> {
    topic.strip_prefix(room::CHAT)?.strip_prefix('/')
}

/// Moves `name` to the front of the rooms that were used last.
pub fn remember(recent: &mut Vec<String>, name: &str) {
    recent.retain(|known| known != name);
    recent.insert(0, name.to_owned());
    recent.truncate(MAX_RECENT);
}

#[cfg(test)]
mod tests {
    use super::{MAX_RECENT, of_topic, parse, remember, topic};

    #[test]
    fn takes_a_name_as_people_write_it() {
        for (text, name) in [
            ("lobby", Some("lobby")),
            (" #cocina ", Some("cocina")),
            ("chat/lobby", Some("lobby")),
            ("floor/2", Some("floor/2")),
            ("", None),
            ("  ", None),
            ("chat/", None),
            ("a+b", None),
            ("#", None),
        ] {
            assert_eq!(parse(text).as_deref(), name, "{text}");
        }
    }

    #[test]
    fn a_name_and_its_topic_are_two_spellings_of_one_room() {
        assert_eq!(topic("lobby"), "chat/lobby");
        assert_eq!(of_topic("chat/lobby"), Some("lobby"));
        assert_eq!(of_topic("chatter/lobby"), None);
        assert_eq!(of_topic("sensors/lobby"), None);
    }

    #[test]
    fn the_last_room_comes_first_and_once() {
        let mut recent = Vec::new();
        for name in ["a", "b", "a"] {
            remember(&mut recent, name);
        }
        assert_eq!(recent, ["a", "b"]);
        for name in 0..20 {
            remember(&mut recent, &name.to_string());
        }
        assert_eq!(recent.len(), MAX_RECENT);
        assert_eq!(recent[0], "19");
    }
}
