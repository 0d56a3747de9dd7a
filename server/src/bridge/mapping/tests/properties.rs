//! The decoder on random payloads, for a bounded time: no panic, bounded output, and every number reads back as it was sent.
//!
//! A failure prints a seed; `ARBTEST_SEED=0x…` runs that input again.

use super::topic;
use crate::bridge::mapping::{
    Inbound, MAX_METRIC_BYTES, MAX_METRICS, MAX_VALUE_BYTES, Said, map, object::MAX_DEPTH,
};
use arbitrary::{Result, Unstructured};
use arbtest::arbtest;
use std::collections::BTreeMap;
use tertulia_shared::sensor::Value;

/// How long one property is looked at, in milliseconds.
const BUDGET_MS: u64 = 1_000;
/// The longest reason of a fault, in bytes.
const MAX_REASON_BYTES: usize = 2_000;

#[test]
fn random_bytes_give_bounded_output() {
    arbtest(|u| {
        let name = *u.choose(&[
            "sensors/k",
            "sensors/k/t",
            "devices/k/status",
            "devices/k/state/t",
        ])?;
        let payload = match u.ratio(1, 2)? {
            true => garbled(u)?,
            false => u.arbitrary()?,
        };
        check_bounds(&map(&topic(name), &payload, &[]));
        Ok(())
    })
    .budget_ms(BUDGET_MS)
    .run();
}

fn check_bounds(said: &Said) {
    assert!(said.inbound.len() <= MAX_METRICS);
    for inbound in &said.inbound {
        if let Inbound::Reading(reading) = inbound {
            assert!(reading.metric.len() <= MAX_METRIC_BYTES);
            assert!(reading.value.to_string().len() <= MAX_VALUE_BYTES);
            assert!(reading.unit.iter().all(|it| it.len() <= MAX_VALUE_BYTES));
        }
    }
    let reason = said.fault.as_ref().map(ToString::to_string);
    assert!(reason.unwrap_or_default().len() <= MAX_REASON_BYTES);
}

/// Pieces of JSON in any order.
fn garbled(u: &mut Unstructured<'_>) -> Result<Vec<u8>> {
    let mut text = String::new();
    for _ in 0..u.int_in_range(0..=40)? {
        text.push_str(u.choose(&[
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            "\"",
            "\\",
            "\"a\":",
            "\"value\":",
            "\"unit\":",
            "null",
            "nan",
            "-inf",
            "1",
            "-0.5e7",
            "1e999",
            "°C",
            "\0",
            "\u{feff}",
            " ",
            "+",
            "\"#\":",
        ])?);
    }
    Ok(text.into_bytes())
}

/// A random JSON value, and what of it is to be a reading: the text of each number by path.
fn json(
    u: &mut Unstructured<'_>,
    path: &str,
    depth: usize,
    numbers: &mut BTreeMap<String, String>,
) -> Result<String> {
    let inner = |key: &str| match path {
        "" => key.to_owned(),
        _ => format!("{path}/{key}"),
    };
    let kind = if depth == MAX_DEPTH { 3 } else { 5 };
    Ok(match u.int_in_range(0..=kind)? {
        2 => "null".to_owned(),
        3 => u.choose(&["true", "\"text\"", "\"\\u00e9\""])?.to_string(),
        0 | 1 => {
            let text = number(u)?;
            numbers.insert(path.to_owned(), text.clone());
            text
        }
        4 => {
            let mut elements = Vec::new();
            for index in 0..u.int_in_range(0..=4)? {
                let index: usize = index;
                elements.push(json(u, &inner(&index.to_string()), depth + 1, numbers)?);
            }
            format!("[{}]", elements.join(","))
        }
        _ => {
            let mut members = Vec::new();
            for index in 0..u.int_in_range(0..=4)? {
                let key = format!("k{index}");
                let value = json(u, &inner(&key), depth + 1, numbers)?;
                members.push(format!("\"{key}\":{value}"));
            }
            format!("{{{}}}", members.join(","))
        }
    })
}

/// The text of a random JSON number.
fn number(u: &mut Unstructured<'_>) -> Result<String> {
    let digits = |u: &mut Unstructured<'_>| -> Result<String> {
        let count = u.int_in_range(1..=22)?;
        let digit = |_| Ok(char::from(b'0' + u.int_in_range(0..=9_u8)?));
        (0..count).map(digit).collect()
    };
    let mut text = digits(u)?.trim_start_matches('0').to_owned();
    if text.is_empty() {
        text.push('0');
    }
    if u.ratio(1, 3)? {
        text.insert(0, '-');
    }
    if u.ratio(1, 2)? {
        text = format!("{text}.{}", digits(u)?);
    }
    if u.ratio(1, 4)? {
        text = format!("{text}e{}", u.int_in_range(-330..=330)?);
    }
    Ok(text)
}

#[test]
fn every_number_reads_back_as_it_was_sent() {
    let mut compared = 0_u64;
    arbtest(|u| {
        let mut numbers = BTreeMap::new();
        let text = match u.ratio(1, 2)? {
            true => format!("[{}]", json(u, "0", 1, &mut numbers)?),
            false => format!("{{\"k\":{}}}", json(u, "k", 1, &mut numbers)?),
        };
        let said = map(&topic("sensors/d"), text.as_bytes(), &[]);
        check_bounds(&said);
        if numbers.len() > MAX_METRICS {
            return Ok(());
        }
        for inbound in &said.inbound {
            let Inbound::Reading(reading) = inbound else {
                panic!("{inbound:?}")
            };
            if let Some(sent) = numbers.remove(&reading.metric) {
                compared += 1;
                check_number(&reading.value, &sent);
            }
        }
        assert!(said.fault.is_some() || numbers.is_empty(), "{text}");
        Ok(())
    })
    .size_max(1_024)
    .budget_ms(BUDGET_MS)
    .run();
    println!("{compared} numbers");
    assert!(std::env::var_os("ARBTEST_SEED").is_some() || compared > 1_000);
}

/// The text itself, or a number that, printed with as many digits, is the same decimal.
fn check_number(value: &Value, sent: &str) {
    match value {
        Value::Text(text) => assert_eq!(text, sent),
        Value::Number(number) => {
            assert!(number.is_finite());
            let sent = parts(sent);
            let printed = format!("{number:.*e}", sent.1.len().max(1) - 1);
            assert_eq!(parts(&printed), sent);
        }
        Value::Flag(_) => panic!("{sent} is no flag"),
    }
}

/// The sign of a decimal, its digits from the first that is not zero, and how many of them stand before the point.
fn parts(decimal: &str) -> (bool, String, i32) {
    let (mantissa, exponent) = decimal.split_once('e').unwrap_or((decimal, "0"));
    let unsigned = mantissa.trim_start_matches('-');
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = [whole, fraction].concat();
    let significant = digits.trim_start_matches('0');
    let zeros = i32::try_from(digits.len() - significant.len()).unwrap();
    let before = i32::try_from(whole.len()).unwrap() + exponent.parse::<i32>().unwrap();
    let size = match significant {
        "" => 0,
        _ => before - zeros,
    };
    (mantissa.starts_with('-'), significant.to_owned(), size)
}
