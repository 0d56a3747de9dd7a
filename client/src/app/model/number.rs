//! Numbers as people read them: how many digits, an exponent where these do not fit, and larger units for bytes.
//!
//! Not here: the separators of a language (the browser's `Intl`).

/// How the digits of a number are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// All digits before the point, and at most so many behind it, 0 to 6.
    Fixed(u8),
    /// A few digits and a power of ten, `1.23E-7`.
    Scientific,
}

/// A number ready to be written.
#[derive(Clone, Debug, PartialEq)]
pub struct Readable<'a> {
    /// The value in units of `prefix` + `unit`.
    pub value: f64,
    /// How to write it.
    pub style: Style,
    /// A decimal prefix that goes before the unit: ``, `k`, `M`, `G`, `T`, `P` or `E`.
    pub prefix: &'static str,
    /// The unit as the device named it.
    pub unit: &'a str,
}

/// From this size on a number has more digits than a reader, or an `f64`, tells apart.
const TOO_LONG: f64 = 1e15;
/// Below this size six decimals show less than three digits.
const TOO_SMALL: f64 = 1e-4;
/// From this size on the labels of an axis are too wide.
const TOO_WIDE: f64 = 1e9;
/// The distance of two ticks that six decimals still tell apart.
const LEAST_STEP: f64 = 1e-6;

/// How to write `value`; bytes get a decimal prefix, other units stay as the device named them.
pub fn readable<'a>(value: f64, unit: &'a str) -> Readable<'a> {
    let Scale {
        factor,
        prefix,
        unit,
    } = scale(value, unit);
    // -0 is 0 to everybody but a computer, and so is what is left of -0 here.
    let value = value / factor + 0.0;
    Readable {
        value,
        style: style(value),
        prefix,
        unit,
    }
}

/// How to write the ticks of an axis up to the size `size` that are `step` apart.
pub fn tick_style(size: f64, step: f64) -> Style {
    if size >= TOO_WIDE || step < LEAST_STEP {
        return Style::Scientific;
    }
    let is_too_rough = |decimals: &u8| step * 10_f64.powi(i32::from(*decimals)) < 1.0 - 1e-9;
    let decimals = (0..=6).find(|decimals| !is_too_rough(decimals));
    Style::Fixed(decimals.unwrap_or(6))
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

/// The scale that fits `value`; no other than the device's own when `unit` is not about bytes or bits, or no prefix is
/// large enough.
pub fn scale<'a>(value: f64, unit: &'a str) -> Scale<'a> {
    let (own, base) = match unit.strip_prefix('k') {
        Some(base) => (1e3, base),
        None => (1.0, unit),
    };
    let size = (value * own).abs();
    // Beyond the prefixes a number has an exponent.
    if !matches!(base, "B" | "B/s" | "bit/s" | "b/s") || size >= 1e21 {
        return Scale {
            factor: 1.0,
            prefix: "",
            unit,
        };
    }
    let (size, prefix) = match size {
        size if size >= 1e18 => (1e18, "E"),
        size if size >= 1e15 => (1e15, "P"),
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

/// About three significant digits, and all digits of a whole number.
fn style(value: f64) -> Style {
    match value.abs() {
        0.0 => Style::Fixed(0),
        size if !(TOO_SMALL..TOO_LONG).contains(&size) => Style::Scientific,
        size if size >= 1_000.0 => Style::Fixed(0),
        size if size >= 100.0 => Style::Fixed(1),
        size if size >= 1.0 => Style::Fixed(2),
        size if size >= 0.1 => Style::Fixed(3),
        size if size >= 0.01 => Style::Fixed(4),
        size if size >= 0.001 => Style::Fixed(5),
        _ => Style::Fixed(6),
    }
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests {
    use super::{Style, readable, tick_style};
    use arbtest::arbtest;

    #[track_caller]
    fn check(value: f64, unit: &str, expected: (f64, Style, &str)) {
        let got = readable(value, unit);
        assert_eq!((got.value, got.style, got.prefix), expected);
        assert!(unit.ends_with(got.unit));
    }

    #[test]
    fn bytes_get_a_prefix() {
        check(1_536_000.0, "B/s", (1.536, Style::Fixed(2), "M"));
        check(999.0, "B", (999.0, Style::Fixed(1), ""));
        check(8e9, "B", (8.0, Style::Fixed(2), "G"));
        check(0.0, "B/s", (0.0, Style::Fixed(0), ""));
        check(1_536.0, "kB/s", (1.536, Style::Fixed(2), "M"));
        check(0.5, "kB/s", (500.0, Style::Fixed(1), ""));
        check(2.0, "km", (2.0, Style::Fixed(2), ""));
    }

    #[test]
    fn other_units_stay() {
        check(21.5, "°C", (21.5, Style::Fixed(2), ""));
        check(101_325.0, "Pa", (101_325.0, Style::Fixed(0), ""));
        check(0.25, "", (0.25, Style::Fixed(3), ""));
        check(-150.5, "mV", (-150.5, Style::Fixed(1), ""));
    }

    #[test]
    fn what_decimals_cannot_show_has_an_exponent() {
        for value in [1e300, -1.7e308, 1e15, 1.23e-7, 5e-324, 0.000_012] {
            check(value, "", (value, Style::Scientific, ""));
        }
        check(
            999_999_999_999_999.0,
            "",
            (999_999_999_999_999.0, Style::Fixed(0), ""),
        );
        check(0.000_123, "", (0.000_123, Style::Fixed(6), ""));
    }

    #[test]
    fn minus_zero_is_zero() {
        assert!(readable(-0.0, "").value.is_sign_positive());
    }

    /// Breaks when: a number that is not 0 is written as 0, or with more digits than a tile holds.
    #[test]
    fn no_number_but_0_is_written_as_0() {
        arbtest(|data| {
            let value: f64 = data.arbitrary()?;
            let readable = readable(value, data.choose(&["", "B", "kB/s", "V"]).copied()?);
            if let Style::Fixed(decimals) = readable.style
                && value.is_finite()
            {
                let text = format!("{:.*}", usize::from(decimals), readable.value);
                let shows = text.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
                assert_eq!(shows, value != 0.0, "{value} as {text}");
                assert!(text.len() <= 17, "{value} as {text}");
            }
            Ok(())
        });
    }

    #[test]
    fn ticks_have_the_decimals_that_tell_them_apart() {
        for (size, step, style) in [
            (10.0, 5.0, Style::Fixed(0)),
            (22.0, 0.2, Style::Fixed(1)),
            (1.0, 0.000_5, Style::Fixed(4)),
            (1e-7, 5e-8, Style::Scientific),
            (1e39, 5e38, Style::Scientific),
            (5e8, 1e8, Style::Fixed(0)),
        ] {
            assert_eq!(tick_style(size, step), style, "{size} by {step}");
        }
    }
}
