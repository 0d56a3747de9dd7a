//! Text that stands alone, as a payload or as a JSON string: what of it is a number, a unit, a flag or a status.
//!
//! Not here: objects and arrays (`object`).

use super::{
    Fault, MAX_VALUE_BYTES,
    number::{exact, is_decimal},
};
use tertulia_shared::sensor::Value;

/// The units that are taken off a number. Others stay part of a text: `12 AM`, `192.168.1.1`, `5 apples`.
const UNITS: [&str; 103] = [
    "%", "%RH", "% RH", "°", "°C", "℃", "ºC", "C", "°F", "℉", "ºF", "F", "K", "Pa", "hPa", "kPa",
    "mbar", "bar", "psi", "inHg", "mmHg", "V", "mV", "kV", "A", "mA", "µA", "uA", "W", "mW", "kW",
    "MW", "Wh", "kWh", "MWh", "VA", "kVA", "var", "VAr", "kvar", "Hz", "kHz", "MHz", "GHz", "Ω",
    "kΩ", "lx", "lux", "lm", "ppm", "ppb", "µg/m³", "μg/m³", "ug/m3", "µg/m3", "mg/m³", "mg/m3",
    "Bq/m³", "Bq/m3", "m", "cm", "mm", "µm", "km", "in", "ft", "mi", "m/s", "km/h", "mph", "kn",
    "kt", "m³", "m3", "L", "l", "mL", "ml", "gal", "L/min", "l/min", "m³/h", "m3/h", "mm/h", "s",
    "ms", "min", "h", "d", "g", "kg", "mg", "lb", "oz", "dB", "dBA", "dB(A)", "dBm", "rpm", "W/m²",
    "W/m2", "µS/cm", "uS/cm",
];

/// A value, and its unit where the text names one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Measured {
    pub(super) value: Value,
    pub(super) unit: Option<String>,
}

impl From<Value> for Measured {
    /// A text that is a number, perhaps with a known unit, becomes that: many devices write their numbers as JSON strings.
    fn from(value: Value) -> Self {
        let text = match &value {
            Value::Text(text) => text.trim(),
            _ => return Self { value, unit: None },
        };
        let number = decimal(text).map(|number| (number, None));
        match number.or_else(|| with_unit(text).map(|(number, unit)| (number, Some(unit)))) {
            Some((number, unit)) => Self {
                value: Value::Number(number),
                unit: unit.map(str::to_owned),
            },
            None => Self { value, unit: None },
        }
    }
}

/// A payload without what firmwares and editors add: a byte order mark before it, line ends and NULs behind it.
pub(super) fn trimmed(payload: &str) -> &str {
    let text = payload.strip_prefix('\u{feff}').unwrap_or(payload);
    text.trim_end_matches(['\0', '\r', '\n'])
}

/// A reading alone; `None` where it is `null`. What stands in quotes stays the text in them.
pub(super) fn reading(text: &str) -> Result<Option<Measured>, Fault> {
    let is_quoted = text.trim().starts_with('"');
    let measured = |value| match is_quoted {
        true => Measured { value, unit: None },
        false => Measured::from(value),
    };
    Ok(bare(text)?.map(measured))
}

/// A value alone, with its unit as part of a text; `None` where it is `null`.
pub(super) fn bare(text: &str) -> Result<Option<Value>, Fault> {
    let text = text.trim();
    Ok(Some(match text {
        "" => return Err(Fault::Empty),
        "null" => return Ok(None),
        "true" => Value::Flag(true),
        "false" => Value::Flag(false),
        _ => match decimal(text) {
            Some(number) => Value::Number(number),
            None => short(serde_json::from_str(text).unwrap_or_else(|_| text.to_owned()))?,
        },
    }))
}

/// A text that is not too long for a value.
pub(super) fn short(text: String) -> Result<Value, Fault> {
    if text.len() > MAX_VALUE_BYTES {
        return Err(Fault::TooLong(text.len()));
    }
    Ok(Value::Text(text))
}

/// A number with a point or an unambiguous comma.
fn decimal(text: &str) -> Option<f64> {
    if is_decimal(text) {
        return exact(text);
    }
    let pointed = with_point(text).filter(|text| is_decimal(text))?;
    exact(&pointed)
}

/// A decimal comma as a point. `1,234` may be a thousand too: then it is neither.
fn with_point(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once(',')?;
    let whole_digits = whole.strip_prefix('-').unwrap_or(whole);
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let may_be_thousands =
        fraction.len() == 3 && whole_digits.len() <= 3 && !whole_digits.starts_with('0');
    let is_decimal = digits(whole_digits) && digits(fraction) && !may_be_thousands;
    is_decimal.then(|| format!("{whole}.{fraction}"))
}

/// A number and a known unit behind it. `7A` may be a hexadecimal number: one such letter needs a space or a fraction.
fn with_unit(text: &str) -> Option<(f64, &str)> {
    let is_of_number = |character: char| matches!(character, '0'..='9' | '-' | '.' | ',');
    let end = text.find(|character| !is_of_number(character))?;
    let (number, rest) = text.split_at(end);
    let unit = UNITS.into_iter().find(|unit| *unit == rest.trim_start())?;
    let is_hexadecimal = rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_hexadecimal && !number.contains(['.', ',']) {
        return None;
    }
    Some((decimal(number)?, unit))
}

/// Whether a status word says that a device is there; `None` where it says neither.
pub(super) fn is_online(word: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 3]| words.iter().any(|it| it.eq_ignore_ascii_case(word));
    if is_one_of(["online", "true", "1"]) {
        return Some(true);
    }
    is_one_of(["offline", "false", "0"]).then_some(false)
}

#[cfg(test)]
mod tests {
    use super::{Measured, is_online, reading, trimmed};
    use tertulia_shared::sensor::Value;

    fn read(text: &str) -> (Value, Option<String>) {
        let Measured { value, unit } = reading(text).unwrap().unwrap();
        (value, unit)
    }

    #[test]
    fn a_number_may_have_a_unit_and_a_decimal_comma() {
        for (text, number, unit) in [
            ("20.6 ℃", 20.6, Some("℃")),
            ("20.6°C", 20.6, Some("°C")),
            ("20.6\u{a0}°C", 20.6, Some("°C")),
            ("40,78", 40.78, None),
            ("40,78 %", 40.78, Some("%")),
            ("-3,5", -3.5, None),
            ("0,125", 0.125, None),
            ("1234,567", 1_234.567, None),
            ("230V", 230.0, Some("V")),
            ("16 A", 16.0, Some("A")),
            ("20.6C", 20.6, Some("C")),
        ] {
            let expected = (Value::Number(number), unit.map(str::to_owned));
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_ambiguous_stays_the_text_that_it_is() {
        for text in [
            "1,234",
            "-12,345",
            "1,2,3",
            "1,",
            ",5",
            "1.234,5",
            "1,234.5",
            "7A",
            "3C",
            "12F",
            "16d",
            "192.168.1.1",
            "2026-11-30",
            "10:30",
            "5 apples",
            "12 AM",
            "%",
            "°C",
            "00,5",
            "007 V",
            "24E1641094172783",
            "1234E5",
            "0004523123",
            "+34600111222",
            "9007199254740993",
            "NaN",
            "nan",
            "-inf",
            "Infinity",
            "1e999",
            "1,5e3",
            "True",
        ] {
            assert_eq!(read(text), (Value::Text(text.to_owned()), None), "{text}");
        }
        for text in ["1.10", "20.6 °C", "true"] {
            let quoted = read(&format!(" \"{text}\" "));
            assert_eq!(quoted, (Value::Text(text.to_owned()), None));
        }
    }

    #[test]
    fn what_firmwares_and_editors_add_is_cut() {
        for payload in ["21.5\0", "21.5\r\n", "21.5\n\0\0", "\u{feff}21.5", "21.5"] {
            assert_eq!(trimmed(payload), "21.5", "{payload:?}");
        }
        assert_eq!(trimmed("\0a\nb"), "\0a\nb");
    }

    #[test]
    fn a_status_is_told_in_any_case() {
        for word in ["online", "Online", "ONLINE", "true", "True", "1"] {
            assert_eq!(is_online(word), Some(true), "{word}");
        }
        for word in ["offline", "Offline", "OFFLINE", "false", "FALSE", "0"] {
            assert_eq!(is_online(word), Some(false), "{word}");
        }
        assert_eq!(is_online("maybe"), None);
    }
}
