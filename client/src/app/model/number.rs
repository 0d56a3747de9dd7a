//! Numbers as people read them: how many decimals, and larger units for bytes.
//!
//! Not here: the separators of a language (the browser's `Intl`).

/// A number ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Readable<'a> {
    /// The value in units of `prefix` + `unit`.
    pub value: f64,
    /// The most decimals worth showing, 0 to 6.
    pub decimals: u8,
    /// A decimal prefix that goes before the unit: ``, `k`, `M`, `G` or `T`.
    pub prefix: &'static str,
    /// The unit as the device named it.
    pub unit: &'a str,
}

/// How to write `value`; bytes get a decimal prefix, other units stay as the device named them.
pub fn readable<'a>(value: f64, unit: &'a str) -> Readable<'a> {
    let Scale {
        factor,
        prefix,
        unit,
    } = scale(value, unit);
    let value = value / factor;
    Readable {
        value,
        decimals: decimals(value),
        prefix,
        unit,
    }
}

/// By what to divide values, and what to write for it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scale<'a> {
    /// What to divide values by.
    pub factor: f64,
    /// The decimal prefix that goes before the unit.
    pub prefix: &'static str,
    /// The unit without a prefix.
    pub unit: &'a str,
}

/// The scale that fits `value`; no other than the device's own when `unit` is not about bytes or bits.
pub fn scale<'a>(value: f64, unit: &'a str) -> Scale<'a> {
    let (own, base) = match unit.strip_prefix('k') {
        Some(base) => (1e3, base),
        None => (1.0, unit),
    };
    if !matches!(base, "B" | "B/s" | "bit/s" | "b/s") {
        return Scale {
            factor: 1.0,
            prefix: "",
            unit,
        };
    }
    let (size, prefix) = match (value * own).abs() {
        size if size >= 1e12 => (1e12, "T"),
        size if size >= 1e9 => (1e9, "G"),
        size if size >= 1e6 => (1e6, "M"),
        size if size >= 1e3 => (1e3, "k"),
        _ => (1.0, ""),
    };
    Scale {
        factor: size / own,
        prefix,
        unit: base,
    }
}

/// About three significant digits, never more than six decimals.
fn decimals(value: f64) -> u8 {
    match value.abs() {
        size if size >= 100.0 || size == 0.0 => u8::from((100.0..1_000.0).contains(&size)),
        size if size >= 1.0 => 2,
        size if size >= 0.1 => 3,
        size if size >= 0.001 => 4,
        _ => 6,
    }
}

/// `value` with up to six decimals, as devices write numbers; for comparing and not for reading.
pub fn plain(value: f64) -> String {
    let millionths = (value * 1e6).round() as i64;
    let sign = if millionths < 0 { "-" } else { "" };
    let (whole, part) = (
        millionths.unsigned_abs() / 1_000_000,
        millionths.unsigned_abs() % 1_000_000,
    );
    match part {
        0 => format!("{sign}{whole}"),
        _ => {
            let text = format!("{sign}{whole}.{part:06}");
            text.trim_end_matches('0').to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{plain, readable};

    #[track_caller]
    fn check(value: f64, unit: &str, expected: (f64, u8, &str)) {
        let got = readable(value, unit);
        assert_eq!((got.value, got.decimals, got.prefix), expected);
        assert!(unit.ends_with(got.unit));
    }

    #[test]
    fn bytes_get_a_prefix() {
        check(1_536_000.0, "B/s", (1.536, 2, "M"));
        check(999.0, "B", (999.0, 1, ""));
        check(8e9, "B", (8.0, 2, "G"));
        check(0.0, "B/s", (0.0, 0, ""));
        check(1_536.0, "kB/s", (1.536, 2, "M"));
        check(0.5, "kB/s", (500.0, 1, ""));
        check(2.0, "km", (2.0, 2, ""));
    }

    #[test]
    fn plain_numbers_are_as_short_as_they_can_be() {
        for (value, text) in [
            (1.0, "1"),
            (21.5, "21.5"),
            (-0.25, "-0.25"),
            (0.000_001, "0.000001"),
            (-3.0, "-3"),
            (0.0, "0"),
        ] {
            assert_eq!(plain(value), text);
        }
    }

    #[test]
    fn other_units_stay() {
        check(21.5, "°C", (21.5, 2, ""));
        check(101_325.0, "Pa", (101_325.0, 0, ""));
        check(0.25, "", (0.25, 3, ""));
        check(0.000_012, "", (0.000_012, 6, ""));
        check(-150.5, "mV", (-150.5, 1, ""));
    }
}
