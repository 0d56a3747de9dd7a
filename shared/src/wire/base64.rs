//! Base64 as Engine.IO puts binaries into texts: RFC 4648, section 4, with padding, in one way for each sequence of bytes.
//!
//! Our own for the page's size and for speed: what takes the same time for every byte, as secrets want it, takes ten
//! times as long. Not here: other alphabets, line ends.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// What [`VALUES`] holds for a byte that is none of the alphabet.
const NONE: u8 = 0xff;
/// The place of each byte in the alphabet.
const VALUES: [u8; 256] = values();
const PAD: u8 = b'=';

const fn values() -> [u8; 256] {
    let mut values = [NONE; 256];
    let mut at = 0;
    while at < ALPHABET.len() {
        values[ALPHABET[at] as usize] = at as u8;
        at += 1;
    }
    values
}

/// The length of the text for so many bytes.
pub(super) fn encoded_len(bytes: usize) -> usize {
    bytes.div_ceil(3) * 4
}

/// Appends bytes to a text.
pub(super) fn encode(bytes: &[u8], text: &mut String) {
    let mut encoded = vec![PAD; encoded_len(bytes.len())];
    let (groups, rest) = bytes.as_chunks::<3>();
    let (places, _) = encoded.as_chunks_mut::<4>();
    for (place, group) in places.iter_mut().zip(groups) {
        *place = four(*group);
    }
    if let (false, Some(place)) = (rest.is_empty(), places.last_mut()) {
        let mut group = [0; 3];
        group[..rest.len()].copy_from_slice(rest);
        place[..=rest.len()].copy_from_slice(&four(group)[..=rest.len()]);
    }
    // It is ASCII.
    text.push_str(str::from_utf8(&encoded).unwrap_or_default());
}

/// The characters of three bytes.
fn four([a, b, c]: [u8; 3]) -> [u8; 4] {
    let values = [a >> 2, a << 4 | b >> 4, b << 2 | c >> 6, c];
    values.map(|value| ALPHABET[usize::from(value) % ALPHABET.len()])
}

/// The bytes of a text; `None` where it is not what [`encode`] writes.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let (groups, rest) = text.as_bytes().as_chunks::<4>();
    if !rest.is_empty() {
        return None;
    }
    let Some((last, whole)) = groups.split_last() else {
        return Some(Vec::new());
    };
    let mut bytes = vec![0; whole.len() * 3];
    for (place, group) in bytes.as_chunks_mut::<3>().0.iter_mut().zip(whole) {
        *place = three(group)?;
    }
    let pads = last.iter().rev().take_while(|byte| **byte == PAD).count();
    // The pads as zeros: then what they stand for is to be zero, too.
    let group = last.map(|byte| if byte == PAD { ALPHABET[0] } else { byte });
    let is_padded_inside = last[..4 - pads].contains(&PAD);
    let decoded = three(&group)?;
    let (kept, dropped) = decoded.split_at_checked(3_usize.checked_sub(pads)?)?;
    let is_whole = pads <= 2 && !is_padded_inside && dropped.iter().all(|byte| *byte == 0);
    bytes.extend(kept);
    is_whole.then_some(bytes)
}

/// The bytes of four characters.
fn three(group: &[u8; 4]) -> Option<[u8; 3]> {
    let [a, b, c, d] = group.map(|byte| VALUES[usize::from(byte)]);
    // The mark of a byte that is none sets the bits that a value has not.
    if (a | b | c | d) & 0xc0 != 0 {
        return None;
    }
    Some([a << 2 | b >> 4, b << 4 | c >> 2, c << 6 | d])
}

#[cfg(test)]
mod tests {
    use super::{decode, encode, encoded_len};

    #[track_caller]
    fn check(bytes: &[u8], expected: &str) {
        let mut text = String::new();
        encode(bytes, &mut text);
        assert_eq!(text, expected);
        assert_eq!(encoded_len(bytes.len()), expected.len());
        assert_eq!(decode(expected).unwrap(), bytes);
    }

    #[test]
    fn the_vectors_of_rfc_4648() {
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"foob", "Zm9vYg==");
        check(b"fooba", "Zm9vYmE=");
        check(b"foobar", "Zm9vYmFy");
    }

    #[test]
    fn every_byte_at_every_place() {
        for byte in 0..=u8::MAX {
            for length in 1..=4 {
                for at in 0..length {
                    let mut bytes = vec![0xa5; length];
                    bytes[at] = byte;
                    let mut text = String::new();
                    encode(&bytes, &mut text);
                    assert_eq!(decode(&text), Some(bytes), "{text}");
                }
            }
        }
    }

    #[test]
    fn what_is_written_otherwise_is_refused() {
        for text in [
            "Zg", "Zg=", "Z", "Zg==Zg==", "Zm9v=", "====", "Z===", "Zh==", "Zm9=", "Z=g=", "Zm 9",
            "Zm9-", "_m9v", "Zm9\n", "é===", "Zm9vé",
        ] {
            assert_eq!(decode(text), None, "{text}");
        }
    }
}
