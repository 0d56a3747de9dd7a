//! Numbers that read back as they were written: decimal text to `f64`, where nothing of it is lost.
//!
//! Not here: units and decimal commas (`text`).

use super::MAX_VALUE_BYTES;
use tertulia_shared::sensor::MAX_INTEGER;

/// The number that a JSON number or a plain decimal is, where the `f64` printed with as many digits is the same again.
/// `None` for integers beyond 2^53, for what is not finite, and for more digits than an `f64` holds.
pub(super) fn exact(text: &str) -> Option<f64> {
    if text.len() > MAX_VALUE_BYTES {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let is_integer = unsigned.bytes().all(|byte| byte.is_ascii_digit());
    if !number.is_finite() || (is_integer && number.abs() > MAX_INTEGER as f64) {
        return None;
    }
    let written = Scientific::of(unsigned)?;
    if written.digits.is_empty() {
        return Some(number);
    }
    let printed = format!("{:.*e}", written.digits.len() - 1, number.abs());
    (Scientific::of(&printed)? == written).then_some(number)
}

/// Whether a text is a decimal as programs print numbers: no plus sign and no leading zero, which identifiers and phone
/// numbers have, and an exponent only behind a single digit before the point (`1.5e-7`, not `1234E5`).
pub(super) fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_whole = match whole {
        "" => fraction.is_some(),
        _ => is_digits(whole) && (whole == "0" || !whole.starts_with('0')),
    };
    is_whole && fraction.is_none_or(is_digits) && exponent.is_none_or(|it| is_exponent(whole, it))
}

fn is_exponent(whole: &str, exponent: &str) -> bool {
    let digits = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
    let is_zero = digits.bytes().all(|digit| digit == b'0');
    is_digits(digits) && whole.len() == 1 && (whole != "0" || is_zero)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The digits of a decimal from the first that is not zero, and the power of ten of that one.
#[derive(PartialEq, Eq)]
struct Scientific {
    digits: String,
    power: i64,
}

impl Scientific {
    /// Reads an unsigned decimal; `None` where the exponent is no number.
    fn of(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = [whole, fraction].concat();
        let digits = all.trim_start_matches('0');
        let before = i64::try_from(whole.len()).ok()?;
        let zeros = i64::try_from(all.len() - digits.len()).ok()?;
        let exponent: i64 = exponent.parse().ok()?;
        Some(Self {
            digits: digits.to_owned(),
            power: exponent.checked_add(before - 1 - zeros)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{exact, is_decimal};

    #[test]
    fn a_number_reads_back_as_it_was_written() {
        for (text, number) in [
            ("0", 0.0),
            ("-0", -0.0),
            ("0.00", 0.0),
            ("21.50", 21.5),
            ("0.1", 0.1),
            (".5", 0.5),
            ("1e300", 1e300),
            ("1234E5", 123_400_000.0),
            ("5e-324", 5e-324),
            ("0.30000000000000004", 0.300_000_000_000_000_04),
            ("21.30000000000000071054", 21.3),
            ("9007199254740992", 9_007_199_254_740_992.0),
        ] {
            assert_eq!(exact(text), Some(number), "{text}");
        }
        for text in [
            "9007199254740993",
            "-9007199254740993",
            "1152921504606846976",
            "12345678901234567890.5",
            "3.14159265358979323846",
            "1e999",
            "1e-999",
            "1e-99999999999999999999",
            "NaN",
            "inf",
        ] {
            assert_eq!(exact(text), None, "{text}");
        }
        assert_eq!(exact(&"9".repeat(100_000)), None);
    }

    #[test]
    fn identifiers_and_phone_numbers_are_no_decimals() {
        for text in ["0", "-3", "21.50", ".5", "1e3", "1.5e-07", "0.000000e+00"] {
            assert!(is_decimal(text), "{text}");
        }
        for text in [
            "",
            "-",
            ".",
            "5.",
            "007",
            "00",
            "-01",
            "+5",
            "1234E5",
            "24E1641094172783",
            "0E12",
            "0x1F",
            "1_000",
            "1e",
            "1e+",
            "NaN",
            "inf",
            "infinity",
            "1.2.3",
            "1,5",
            "--1",
            "١",
        ] {
            assert!(!is_decimal(text), "{text}");
        }
    }
}
