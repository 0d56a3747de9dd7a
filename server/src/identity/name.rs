//! Names: which may be shown, and which two are the same name.
//!
//! Source: UAX #15 (NFKC). Not here: which two different names look the same (`look`).

use super::{
    tag,
    visible::{is_blank, is_hidden, seen, shown},
};
use icu_normalizer::ComposingNormalizer;
use tertulia_shared::{Code, Reject, chat::MAX_NAME_CHARS};

/// Cyrillic and Greek small letters, and the Latin letters that they look like. The database stores accounts under names
/// folded by this table, so it never changes.
const ALIKE: [(char, char); 29] = [
    ('а', 'a'),
    ('в', 'b'),
    ('с', 'c'),
    ('ԁ', 'd'),
    ('е', 'e'),
    ('һ', 'h'),
    ('і', 'i'),
    ('ј', 'j'),
    ('к', 'k'),
    ('ӏ', 'l'),
    ('м', 'm'),
    ('н', 'h'),
    ('о', 'o'),
    ('р', 'p'),
    ('ԛ', 'q'),
    ('ѕ', 's'),
    ('т', 't'),
    ('у', 'y'),
    ('ԝ', 'w'),
    ('х', 'x'),
    ('α', 'a'),
    ('ι', 'i'),
    ('κ', 'k'),
    ('ν', 'v'),
    ('ο', 'o'),
    ('ρ', 'p'),
    ('τ', 't'),
    ('υ', 'u'),
    ('χ', 'x'),
];

/// A name as it is shown: trimmed.
///
/// # Errors
/// When it is empty, too long, has a character that does not show, or ends like a tag.
pub fn name(text: &str) -> Result<String, Reject> {
    let name = text.trim();
    let characters = name.chars().count();
    let problem = if name.is_empty() {
        "name is empty; 1 to 40 characters are allowed".to_owned()
    } else if characters > MAX_NAME_CHARS {
        format!(
            "name `{}` has {characters} characters, at most {MAX_NAME_CHARS} are allowed",
            shown(name)
        )
    } else if is_blank(name) {
        "name shows nothing; write at least one letter".to_owned()
    } else if seen(name) != name {
        format!("name `{}` has a character that does not show", shown(name))
    } else if tag::split(name).is_some() {
        format!(
            "name `{}` ends like a tag, which the server gives",
            shown(name)
        )
    } else {
        return Ok(name.to_owned());
    };
    Err(Reject::new(Code::BadName, problem))
}

/// The name that is nearest to a text, where nobody waits for a refusal; `None` where nothing of the text shows.
pub fn nearest_name(text: &str) -> Option<String> {
    let seen = seen(text);
    let short: String = seen.trim().chars().take(MAX_NAME_CHARS).collect();
    name(&short).ok()
}

/// The key of a name, by which its user signs in and policy rules name it: no spaces, no hidden characters, small letters, and
/// one letter for those that look the same in nearly every font. Keys are for comparing, not for showing.
pub fn folded(name: &str) -> String {
    let normalizer = ComposingNormalizer::new_nfkc();
    let plain = normalizer.normalize(name).to_lowercase();
    // A capital letter may come apart when it becomes small.
    let plain = normalizer.normalize(&plain);
    let seen = |character: &char| !character.is_whitespace() && !is_hidden(*character);
    plain.chars().filter(seen).map(alike).collect()
}

fn alike(character: char) -> char {
    let same = ALIKE.iter().find(|(other, _)| *other == character);
    same.map_or(character, |(_, latin)| *latin)
}

#[cfg(test)]
mod tests {
    use super::{folded, name, nearest_name};
    use tertulia_shared::{Code, Reject};

    #[track_caller]
    fn code<T: std::fmt::Debug>(result: Result<T, Reject>) -> Code {
        result.unwrap_err().code
    }

    #[test]
    fn a_name_is_counted_in_characters_after_trimming() {
        assert_eq!(name("  Zoë ").unwrap(), "Zoë");
        assert!(name(&"é".repeat(40)).is_ok());
        for bad in ["", "   ", &"é".repeat(41), "a\nb", "a\u{7f}"] {
            assert_eq!(code(name(bad)), Code::BadName, "{bad:?}");
        }
    }

    #[test]
    fn a_name_shows_all_that_it_has() {
        for good in [
            "Zoë",
            "محمد",
            "李小龍",
            "Ada 🙂",
            "❤\u{fe0f}",
            "Gal·la",
            "ジョン・スミス",
            "Ana·3f",
        ] {
            assert_eq!(name(good).unwrap(), good);
        }
        for bad in [
            "\u{200b}",
            "\u{202e}adA",
            "A\u{200d}da",
            "\u{2066}Ada",
            "\u{feff}Ada",
            "A\u{ad}da",
            "\u{3164}",
            "\u{2800}",
            "\u{fe0f}",
            "\u{e0041}",
            "admin\u{2800}",
            "admin\u{fe0f}",
            "admin\u{115f}",
            "Ana·3f2a",
            "Ana • 3F2A9C",
        ] {
            assert_eq!(code(name(bad)), Code::BadName, "{bad:?}");
        }
        assert_eq!(nearest_name(" \u{202e}adA\n").as_deref(), Some("adA"));
        assert_eq!(nearest_name("\u{200b}"), None);
    }

    #[test]
    fn a_name_is_the_same_in_every_writing() {
        for other in [
            "ada",
            "ADA",
            " A d a ",
            "Ａｄａ",
            "A\u{200b}da",
            "Аda",
            "Αdа",
            "𝐀𝐝𝐚",
            "A\u{a0}da",
        ] {
            assert_eq!(folded(other), folded("Ada"), "{other:?}");
        }
        assert_eq!(folded("Zoe\u{308}"), folded("ZOË"));
        assert_eq!(folded("ﬁfi"), folded("FiFi"));
        for other in ["Adam", "Ad", "Zoe", "ada1"] {
            assert_ne!(folded(other), folded("Ada"), "{other:?}");
        }
    }
}
