//! Reading JSON numbers.
//!
//! Source: RFC 8259 §6.

/// The number that a text is in JSON; `None` where it is none, or beyond what an `f64` holds.
///
/// In a browser the last bit may be another one where there are more than 15 digits or an exponent beyond 22: the tables of the
/// standard library would be a twentieth of the page.
pub fn number(text: &str) -> Option<f64> {
    let number: f64 = serde_json::from_str(text).ok()?;
    match cfg!(target_arch = "wasm32") {
        true => Some(number),
        false => text.trim().parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn a_number_is_one_of_json() {
        for (text, expected) in [
            ("0", Some(0.0)),
            ("-1.5e3", Some(-1_500.0)),
            ("0.1", Some(0.1)),
            ("3.14159265358979323846", Some(std::f64::consts::PI)),
            ("1e400", None),
            ("+1", None),
            ("inf", None),
            ("NaN", None),
            ("1_000", None),
            (".5", None),
            ("", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }
}
