//! Tags: what tells guests apart whose names look the same. `Ana·3f2a` is the guest `Ana` with the tag `3f2a`.
//!
//! Not here: who is given one (`namesakes`).

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt::Write;
use unicode_security::skeleton;

/// What stands between a name and its tag.
const MARK: char = '·';
/// The fewest digits of a tag.
const MIN_DIGITS: usize = 4;

/// A name with its tag.
pub(super) fn tagged(name: &str, tag: &str) -> String {
    format!("{name}{MARK}{tag}")
}

/// Splits a text that ends with a tag into name and tag. Whatever looks like the mark between them counts as the mark.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let is_mark = |character: char| {
        let mut buffer = [0; 4];
        skeleton(character.encode_utf8(&mut buffer)).eq([MARK])
    };
    let (name, tag) = text.trim_end().rsplit_once(is_mark)?;
    let tag = tag.trim();
    let is_tag = tag.len() >= MIN_DIGITS && tag.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_tag.then(|| (name.trim(), tag))
}

/// The shortest tag of a public id that is not taken.
pub(super) fn of(id: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let digits = digits(id);
    let lengths = (MIN_DIGITS..digits.len()).step_by(2);
    let mut tags = lengths.filter_map(|length| digits.get(..length));
    tags.find(|tag| !is_taken(tag))
        .unwrap_or(&digits)
        .to_owned()
}

/// The hexadecimal digits of an id's bytes.
fn digits(id: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(id);
    let bytes = bytes.unwrap_or_else(|_| id.as_bytes().to_vec());
    let mut digits = String::new();
    for byte in bytes {
        // A text takes whatever is written to it.
        let _ = write!(digits, "{byte:02x}");
    }
    digits
}

#[cfg(test)]
mod tests {
    use super::{of, split, tagged};

    #[test]
    fn a_tag_is_split_from_its_name_whatever_the_mark_looks_like() {
        assert_eq!(split(&tagged("Ana", "3f2a")), Some(("Ana", "3f2a")));
        for text in [
            "Ana · 3F2A ",
            "Ana•3F2A",
            "Ana∙3F2A",
            "Ana・3F2A",
            "Ana‧3F2A",
        ] {
            assert_eq!(split(text), Some(("Ana", "3F2A")), "{text}");
        }
        assert_eq!(split("Gal·la·3f2a"), Some(("Gal·la", "3f2a")));
        for text in ["Ana", "Ana·3f2", "Gal·la", "Ana·3f2x", "Ana-3f2a", "·", ""] {
            assert_eq!(split(text), None, "{text}");
        }
    }

    #[test]
    fn a_tag_is_of_the_id_and_as_long_as_it_must_be() {
        let id = "PyqcAAAAAAAAAAAAAAAAAA";
        assert_eq!(of(id, |_| false), "3f2a");
        assert_eq!(of(id, |tag| tag == "3f2a"), "3f2a9c");
        assert_eq!(of(id, |_| true).len(), 32);
        assert_eq!(of("not base64", |_| false), "6e6f");
    }
}
