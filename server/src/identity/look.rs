//! What names look like, so that nobody is taken for somebody else.
//!
//! Source: the skeletons of UTS #39, by `unicode-security`. A skeleton depends on case, so a name is compared as it is written,
//! in small letters and in capitals. [`SAME`] adds the letters that UTS #39 keeps apart but common sans-serif fonts do not.
//! Letters with and without an accent stay different.

use super::name::folded;
use icu_normalizer::ComposingNormalizer;
use std::{
    collections::{BTreeSet, HashSet},
    sync::LazyLock,
};
use unicode_security::skeleton;

/// What looks the same in common sans-serif fonts. The skeleton has already turned `1`, `|` and a capital `i` into `l`, `m` into
/// `rn`, and `0` into `o`. A combining dot above is invisible on an `i`, which has a dot.
const SAME: [(&str, &str); 3] = [("i", "l"), ("l\u{307}", "l"), ("vv", "w")];

/// Names that a reader takes for the server or its administrator, in English and Spanish. Only registered users may have them.
const RESERVED: [&str; 11] = [
    "admin",
    "administrator",
    "administrador",
    "moderator",
    "moderador",
    "mqtt",
    "server",
    "servidor",
    "system",
    "sistema",
    "tertulia",
];
/// The prefix of the names that the server gives to guests without a name.
pub(super) const NAMELESS: &str = "guest-";

static RESERVED_LOOKS: LazyLock<HashSet<String>> =
    LazyLock::new(|| RESERVED.into_iter().flat_map(looks).collect());

/// The looks of a name. Two names look the same if they have a look in common. Looks are for comparing, not for showing.
pub(super) fn looks(name: &str) -> BTreeSet<String> {
    let plain = ComposingNormalizer::new_nfkc().normalize(name);
    [
        name,
        &plain,
        &plain.to_lowercase(),
        &plain.to_uppercase(),
        &folded(name),
    ]
    .map(look)
    .into()
}

/// Whether a name looks like one that is kept for registered users.
pub(super) fn is_reserved(name: &str) -> bool {
    let looks = looks(name);
    let is_reserved = |it: &String| RESERVED_LOOKS.contains(it) || it.starts_with(NAMELESS);
    looks.iter().any(is_reserved)
}

/// The skeleton in small letters.
fn look(text: &str) -> String {
    let seen = |character: &char| !character.is_whitespace();
    let first: String = skeleton(text).filter(seen).collect();
    // What was a capital letter has a skeleton of its own.
    let mut look: String = skeleton(&first.to_lowercase())
        .collect::<String>()
        .to_lowercase();
    for (one, other) in SAME {
        look = look.replace(one, other);
    }
    look
}

#[cfg(test)]
mod tests {
    use super::{is_reserved, look, looks};
    use crate::identity::{name::folded, visible::is_hidden};
    use arbtest::arbtest;
    use unicode_security::skeleton;

    fn alike(a: &str, b: &str) -> bool {
        !looks(a).is_disjoint(&looks(b))
    }

    #[test]
    fn a_table_of_names_that_look_like_admin() {
        for other in [
            "ADMIN",
            "a d m i n",
            "admin\u{2060}",
            "аdmin",
            "АDМIN",
            "ɑdmin",
            "ɑdmln",
            "admln",
            "adm1n",
            "adm|n",
            "Admln",
            "ADMLN",
            "adrnin",
            "admın",
            "admi\u{307}n",
            "ADMİN",
            "ａｄｍｉｎ",
            "𝖺𝖽𝗆𝗂𝗇",
            "αdmin",
            "аԁміn",
            "аdмin",
            "ᎪdmiՈ",
        ] {
            assert!(alike("admin", other), "{other}");
        }
        for (a, b) in [
            ("Bob", "В0b"),
            ("Bob", "вob"),
            ("Nina", "Νina"),
            ("William", "vvi11iarn"),
            ("Вася", "ВАСЯ"),
            ("Вася", "BАСЯ"),
            ("Νίκος", "ΝΊΚΟΣ"),
            ("Strauß", "STRAUSS"),
            ("Zoe\u{308}", "ZOË"),
        ] {
            assert!(alike(a, b), "{a} {b}");
        }
    }

    /// Breaks when: honest names are refused because of each other.
    #[test]
    fn honest_names_of_all_scripts_look_different() {
        let names = [
            "Ana",
            "Anna",
            "Ann",
            "Anne",
            "Eva",
            "Nina",
            "Vina",
            "Ena",
            "Ada",
            "Adam",
            "José",
            "Jose",
            "Zoe",
            "Zoë",
            "Ruby",
            "Rubu",
            "Иван",
            "Ирина",
            "Ольга",
            "Мария",
            "Марина",
            "Вася",
            "Васа",
            "Жанна",
            "Γιώργος",
            "Νίκος",
            "Μαρία",
            "Ελένη",
            "محمد",
            "أحمد",
            "حمد",
            "فاطمة",
            "علي",
            "דוד",
            "דן",
            "שרה",
            "שירה",
            "李小龍",
            "李小明",
            "王芳",
            "さくら",
            "サクラ",
            "ゆき",
            "민준",
            "서연",
            "हरि",
            "राम",
            "ราม",
            "Bob",
            "Rob",
            "Dan",
            "Don",
            "Kim",
            "Tim",
        ];
        for (at, one) in names.iter().enumerate() {
            assert!(!is_reserved(one), "{one}");
            for other in &names[at + 1..] {
                assert!(!alike(one, other), "{one} {other}");
            }
        }
    }

    #[test]
    fn names_of_the_server_are_reserved() {
        for name in [
            "Admin",
            "admln",
            "MQTT",
            "rnqtt",
            "Ѕуѕtem",
            "servidor",
            "guest-3f2a",
            "Guest-",
            "tertu1ia",
        ] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["Adminia", "guest", "Guestaf", "Ana", "systems"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    /// Breaks when: a character is not taken for what Unicode says that it looks like, or a capital for its small letter.
    #[test]
    fn every_character_looks_like_its_skeleton_and_its_other_case() {
        let mut compared = 0;
        for character in (' '..='\u{1ffff}').filter(|it| !is_hidden(*it)) {
            let one = character.to_string();
            let others = [
                skeleton(&one).collect(),
                one.to_lowercase(),
                one.to_uppercase(),
            ];
            for other in others.into_iter().filter(|other| *other != one) {
                compared += 1;
                assert!(alike(&one, &other), "{one:?} {other:?}");
            }
        }
        assert!(compared > 8_000, "{compared}");
    }

    /// Breaks when: the same name in another writing, or with something hidden in it, does not look like itself.
    #[test]
    fn a_name_looks_like_itself_however_it_is_written() {
        arbtest(|u| {
            let name: String = u.arbitrary()?;
            assert!(alike(&name, &name));
            assert!(alike(&name, &name.to_lowercase()), "{name:?}");
            assert!(alike(&name, &folded(&name)), "{name:?}");
            let hidden = *u.choose(&['\u{200b}', '\u{ad}', '\u{fe0f}', ' ', '\u{3000}'])?;
            let wide: String = name.chars().flat_map(|it| [it, hidden]).collect();
            assert!(alike(&name, &wide), "{name:?}");
            assert_eq!(look(&look(&name)), look(&name), "{name:?}");
            Ok(())
        })
        .budget_ms(500);
    }
}
