//! Packets that are no Socket.IO: socketioxide closes the connection for them, the contract wants a refusal.
//!
//! A malformed packet is replaced by an event that no client names, with the same acknowledgement id: the fallback
//! listener refuses it. Pure functions over one Engine.IO packet; `guard` calls them.

use super::listen::AckId;
use tertulia_shared::wire::{
    engine::{Packet, SEPARATOR},
    socket::Decoder,
};

/// The name of the event that stands for a malformed packet; its payload is the reason.
pub(super) const EVENT: &str = "!malformed";

/// The name of the event that stands for one whose acknowledgement id the library cannot hold: the id cannot be answered.
pub(super) const UNANSWERABLE: &str = "!unanswerable";

/// What to read instead of an Engine.IO packet; `None` where it may be read as it is.
pub(super) fn replacement(packet: &str) -> Option<String> {
    let id = acknowledgement(packet).unwrap_or_default();
    if !id.is_empty() && id.parse::<AckId>().is_err() {
        return Some(format!(r#"42["{UNANSWERABLE}"]"#));
    }
    let mut characters = packet.chars();
    let reason = match characters.next() {
        Some('4') => reason(characters.as_str())?,
        Some('b') => Packet::from_text(packet).err()?.to_string(),
        Some('0'..='6') => return None,
        _ => "it is no Engine.IO packet".to_owned(),
    };
    let body = serde_json::to_string(&(EVENT, reason)).ok()?;
    Some(format!("42{id}{body}"))
}

/// As [`replacement`], for the body of a polling request.
pub(super) fn payload_replacement(payload: &str) -> Option<String> {
    let packets: Vec<_> = payload
        .split(SEPARATOR)
        .map(|packet| (packet, replacement(packet)))
        .collect();
    if packets.iter().all(|(_, replacement)| replacement.is_none()) {
        return None;
    }
    let packets = packets
        .into_iter()
        .map(|(packet, replacement)| replacement.unwrap_or_else(|| packet.to_owned()));
    Some(packets.collect::<Vec<_>>().join(&SEPARATOR.to_string()))
}

/// Why a text is no packet. CONNECT and DISCONNECT are left to socketioxide.
fn reason(text: &str) -> Option<String> {
    match text.chars().next() {
        Some('0' | '1') => None,
        Some('4') => Some("only a server refuses a connection".to_owned()),
        // The head only: the attachments come in packets of their own.
        kind => match Decoder::default().text(text) {
            Err(error) => Some(error.to_string()),
            Ok(_) if matches!(kind, Some('2' | '5')) => unreadable_name(text),
            Ok(_) => None,
        },
    }
}

/// What socketioxide cannot read though it is Socket.IO: a name that is a number, or has an escape in its JSON.
fn unreadable_name(event: &str) -> Option<String> {
    let (_, arguments) = event.split_once('[')?;
    let mut names = serde_json::Deserializer::from_str(arguments).into_iter::<&str>();
    let read = names.next()?;
    read.err().map(|_| "event name is no plain text".to_owned())
}

/// The acknowledgement id of an event, as far as it can be read.
fn acknowledgement(packet: &str) -> Option<&str> {
    if let Some(event) = packet.strip_prefix("42") {
        return Some(digits(event));
    }
    let (count, event) = packet.strip_prefix("45")?.split_once('-')?;
    (digits(count) == count).then(|| digits(event))
}

fn digits(text: &str) -> &str {
    let end = text
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::{payload_replacement, replacement};

    #[test]
    fn good_packets_are_read_as_they_are() {
        for packet in [
            "3",
            "2probe",
            "5",
            "40",
            "40{\"token\":1}",
            "41",
            "42[\"a\"]",
            "4212[\"chat:send\",{}]",
            "431[]",
            "451-[\"a\",{\"_placeholder\":true,\"num\":0}]",
            "bAAEC",
            "42/admin,[\"a\"]",
        ] {
            assert_eq!(replacement(packet), None, "{packet}");
        }
    }

    #[test]
    fn a_malformed_event_keeps_its_acknowledgement_id() {
        let replaced = replacement("4217[\"chat:send\",{oops").unwrap();
        assert!(
            replaced.starts_with("4217[\"!malformed\",\"body: "),
            "{replaced}"
        );
        let replaced = replacement("451-17[\"chat:enter\",{oops").unwrap();
        assert!(replaced.starts_with("4217[\"!malformed\""), "{replaced}");
        for packet in [
            "42oops",
            "42{}",
            "42[1]",
            "42[\"a\\nb\"]",
            "451-[1,{\"_placeholder\":true,\"num\":0}]",
            "42[\"disconnect\"]",
            "42",
            "4",
            "4oops",
            "47",
            "oops",
            "",
            "45oops",
            "45",
            "451-",
            "46",
            "46oops",
            "44{\"message\":\"no\"}",
            "44",
            "b!!!",
        ] {
            let replaced = replacement(packet).unwrap();
            assert!(
                replaced.starts_with("42[\"!malformed\",\""),
                "{packet}: {replaced}"
            );
        }
    }

    #[test]
    fn an_acknowledgement_id_that_the_library_cannot_hold_is_refused() {
        assert_eq!(replacement("429223372036854775807[\"a\"]"), None);
        for packet in [
            "429223372036854775808[\"a\"]",
            "42/x,[\"a\"]",
            "451-99999999999999999999[\"a\",{\"_placeholder\":true,\"num\":0}]",
            "4299999999999999999999oops",
        ] {
            let replaced = replacement(packet);
            match packet.contains('/') {
                true => assert_eq!(replaced, None),
                false => assert_eq!(
                    replaced.as_deref(),
                    Some("42[\"!unanswerable\"]"),
                    "{packet}"
                ),
            }
        }
    }

    #[test]
    fn in_a_polling_payload_only_the_malformed_packet_is_replaced() {
        assert_eq!(payload_replacement("3\u{1e}42[\"a\"]"), None);
        let replaced = payload_replacement("42[\"a\"]\u{1e}421oops\u{1e}3").unwrap();
        let packets: Vec<_> = replaced.split('\u{1e}').collect();
        assert_eq!((packets[0], packets[2]), ("42[\"a\"]", "3"));
        assert!(packets[1].starts_with("421[\"!malformed\""));
    }
}
