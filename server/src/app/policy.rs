//! What may be joined, said and commanded at all: pure checks of what a client sends.
//!
//! Not here: who of all may it (`rules`).

pub mod file;
pub mod rules;

use std::fmt::Display;
use tertulia_shared::{
    Code, Filter, Reject, Topic,
    chat::{MAX_ID_BYTES, MAX_TEXT_CHARS},
    room,
};

pub use crate::identity::{
    name::{name, nearest_name},
    visible::{is_blank, shortened, shown},
};

/// The longest room, in bytes.
pub const MAX_ROOM_BYTES: usize = 256;
/// The most rooms that one connection joins.
pub const MAX_ROOMS: usize = 256;
/// The most rooms in which one connection says the first word: the server keeps each of them.
pub const MAX_BEGUN: usize = 100;
/// The longest value of a device command, in bytes of text.
pub const MAX_VALUE_BYTES: usize = 1_024;

const BRIDGE: &str = "tertulia/bridge";
const PRESENCE: &str = "presence";
const USER: &str = "user";

/// The topic of the bridge's status, which every connection reads.
pub fn bridge_topic() -> Topic {
    constant(BRIDGE)
}

/// All chat rooms: what the bridge carries out.
pub fn chat_rooms() -> Filter {
    all_below(room::CHAT)
}

/// All topics with this first level.
#[expect(
    clippy::expect_used,
    reason = "three fixed levels, of which the tests of this file make filters"
)]
fn all_below(level: &'static str) -> Filter {
    Filter::new(format!("{level}/#")).expect("a fixed level")
}

/// The topic of what is told to all connections of one user, which nobody else reads.
pub fn user_topic(id: &str) -> Topic {
    constant(&format!("{USER}/{id}"))
}

/// The topic of who enters and leaves a chat room.
pub fn presence_topic(room: &Topic) -> Topic {
    constant(&format!("{PRESENCE}/{room}"))
}

#[expect(
    clippy::expect_used,
    reason = "a valid topic behind a fixed prefix is a valid topic"
)]
fn constant(text: &str) -> Topic {
    Topic::new(text).expect("a fixed prefix and a short room make a topic")
}

/// A room that may be joined.
///
/// # Errors
/// When the text is too long, no filter or has a control character (`bad-room`), or is outside of what may be joined (`room-not-allowed`).
pub fn room(text: &str) -> Result<Filter, Reject> {
    if text.len() > MAX_ROOM_BYTES {
        return Err(bad_room(
            text,
            format_args!("at most {MAX_ROOM_BYTES} bytes are allowed"),
        ));
    }
    if text.chars().any(char::is_control) {
        return Err(bad_room(text, "a room has no control characters"));
    }
    let filter = Filter::new(text).map_err(|error| bad_room(text, error))?;
    if is_allowed(&filter) {
        return Ok(filter);
    }
    let allowed = "allowed are chat/<name>, and filters under sensors/ and devices/";
    Err(Reject::new(
        Code::RoomNotAllowed,
        format!("room `{}` is not allowed; {allowed}", shown(text)),
    ))
}

/// A chat room that may be published to.
///
/// # Errors
/// As [`room`], and when the room is not `chat/<name>`.
pub fn chat_topic(text: &str) -> Result<Topic, Reject> {
    let filter = room(text)?;
    chat_room(&filter).ok_or_else(|| {
        Reject::new(
            Code::RoomNotAllowed,
            format!(
                "room `{}` is no chat room; those are chat/<name>",
                shown(text)
            ),
        )
    })
}

/// The chat room that a room is; `None` for the other rooms.
pub fn chat_room(room: &Filter) -> Option<Topic> {
    let is_chat = room.levels().next() == Some(room::CHAT);
    room.as_topic().filter(|_| is_chat)
}

/// Whether a room is joined by invitation only: `chat/private/<name>`.
pub fn is_private(room: &Topic) -> bool {
    let mut levels = room.levels();
    let begins = [levels.next(), levels.next()] == [Some(room::CHAT), Some(room::PRIVATE)];
    begins && levels.next().is_some()
}

/// The refusal of a room that somebody in particular may not join or publish to: always the same.
pub fn not_yours(room: &str) -> Reject {
    let problem = format!("room `{}` is not open to you", shown(room));
    Reject::new(Code::RoomNotAllowed, problem)
}

fn is_allowed(filter: &Filter) -> bool {
    let mut levels = filter.levels();
    let first = levels.next();
    let mut rest = levels.peekable();
    match first {
        Some(room::CHAT) => {
            rest.peek().is_some() && !filter.has_wildcard() && rest.all(|level| !level.is_empty())
        }
        Some(room::SENSORS | room::DEVICES) => rest.peek().is_some(),
        _ => false,
    }
}

/// The refusal of a private room that could not be kept.
pub fn unkept() -> Reject {
    let problem = "the server could not store the owner of the room; try again later";
    Reject::new(Code::StorageFailed, problem)
}

/// Checks the text of a chat message.
///
/// # Errors
/// When it is empty, only white space, or too long.
pub fn text(text: &str) -> Result<(), Reject> {
    let characters = text.chars().count();
    if characters > MAX_TEXT_CHARS {
        return Err(Reject::new(
            Code::BadText,
            format!("text has {characters} characters, at most {MAX_TEXT_CHARS} are allowed"),
        ));
    }
    if is_blank(text) {
        let problem = "text shows nothing; write at least one visible character";
        return Err(Reject::new(Code::BadText, problem));
    }
    Ok(())
}

/// Checks a client-made id.
///
/// # Errors
/// When it is empty, too long, or has a control character.
pub fn id(id: &str) -> Result<(), Reject> {
    let problem = if id.is_empty() {
        format!("id is empty; 1 to {MAX_ID_BYTES} bytes are allowed")
    } else if id.len() > MAX_ID_BYTES {
        format!(
            "id `{}` has {} bytes, at most {MAX_ID_BYTES} are allowed",
            shown(id),
            id.len()
        )
    } else if id.chars().any(char::is_control) {
        format!("id `{}` has a control character", shown(id))
    } else {
        return Ok(());
    };
    Err(Reject::new(Code::BadId, problem))
}

/// Checks the name of a device or a target: one level of a topic.
///
/// # Errors
/// When it is empty, too long, or has a character that no single level has.
pub fn level(what: &str, text: &str) -> Result<(), Reject> {
    let problem = if text.is_empty() {
        format!("{what} is empty")
    } else if text.len() > MAX_ROOM_BYTES {
        format!(
            "{what} `{}` has {} bytes, at most {MAX_ROOM_BYTES} are allowed",
            shown(text),
            text.len()
        )
    } else if text.contains(['/', '+', '#']) || text.chars().any(char::is_control) {
        format!(
            "{what} `{}` contains `/`, `+`, `#` or a control character",
            shown(text)
        )
    } else {
        return Ok(());
    };
    Err(Reject::new(Code::BadDevice, problem))
}

fn bad_room(text: &str, why: impl Display) -> Reject {
    Reject::new(Code::BadRoom, format!("room `{}`: {why}", shown(text)))
}

#[cfg(test)]
mod tests {
    use super::{chat_topic, id, level, room, text};
    use tertulia_shared::{Code, Reject};

    #[track_caller]
    fn code<T: std::fmt::Debug>(result: Result<T, Reject>) -> Code {
        result.unwrap_err().code
    }

    #[test]
    fn rooms_under_the_three_prefixes_are_allowed() {
        for text in [
            "chat/lobby",
            "chat/team/red",
            "sensors/#",
            "sensors/+/temperature",
            "sensors/kitchen/temperature",
            "devices/+/status",
        ] {
            assert_eq!(room(text).unwrap().as_str(), text);
        }
    }

    #[test]
    fn other_rooms_are_not_allowed() {
        for text in [
            "#",
            "+/x",
            "chat",
            "chat/",
            "chat//x",
            "chat/+",
            "chat/#",
            "sensors",
            "devices",
            "presence/chat/lobby",
            "tertulia/bridge",
            "$SYS/#",
            "/chat/lobby",
        ] {
            assert_eq!(code(room(text)), Code::RoomNotAllowed, "{text}");
        }
    }

    #[test]
    fn what_is_no_filter_is_a_bad_room() {
        for text in [
            "",
            "sensors/a+",
            "sensors/#/x",
            "chat/\0",
            "chat/a\nb",
            "sensors/\u{85}/#",
            &"chat/x".repeat(100),
        ] {
            assert_eq!(code(room(text)), Code::BadRoom, "{text:?}");
        }
    }

    #[test]
    fn only_chat_rooms_are_sent_to() {
        assert_eq!(chat_topic("chat/lobby").unwrap().as_str(), "chat/lobby");
        assert_eq!(code(chat_topic("sensors/kitchen")), Code::RoomNotAllowed);
        assert_eq!(code(chat_topic("chat/+")), Code::RoomNotAllowed);
    }

    #[test]
    fn a_text_has_1_to_4000_characters() {
        assert!(text("¡hola!\n").is_ok());
        assert!(text(&"é".repeat(4_000)).is_ok());
        assert_eq!(code(text(&"é".repeat(4_001))), Code::BadText);
        assert_eq!(code(text(" \n\t")), Code::BadText);
    }

    /// Breaks when: a message of which nothing shows is taken, or one that shows is refused for what joins it.
    #[test]
    fn a_text_shows_something() {
        for blank in [
            "\u{200b}",
            "\u{ad}\u{ad}",
            "\u{2800} \u{2800}",
            "\u{3164}",
            "\u{fe0f}\u{e0041}",
            "\u{2060}\n\u{feff}",
            "\u{fff0}\u{1bca0}",
        ] {
            assert_eq!(code(text(blank)), Code::BadText, "{blank:?}");
        }
        for good in [
            "❤\u{fe0f}",
            "👩\u{200d}🔬",
            "\u{200f}שלום",
            "a\u{200b}",
            ".",
        ] {
            assert!(text(good).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn an_id_has_1_to_64_bytes() {
        assert!(id(&"x".repeat(64)).is_ok());
        for bad in ["", &"x".repeat(65), "a\0"] {
            assert_eq!(code(id(bad)), Code::BadId);
        }
    }

    #[test]
    fn a_device_is_one_level() {
        assert!(level("device", "kitchen lamp").is_ok());
        for bad in ["", "a/b", "+", "a#", "a\0"] {
            assert_eq!(code(level("device", bad)), Code::BadDevice);
        }
    }
}
