//! A strict reader of Prometheus' text format 0.0.4: what is not as the format says fails the test.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::{BTreeMap, BTreeSet};

/// What `GET /metrics` said: values by name and labels, `a_total{x="y"}`.
#[derive(Debug)]
pub(crate) struct Metrics(BTreeMap<String, f64>);

impl Metrics {
    /// Asks a server.
    pub(crate) async fn of(origin: &str) -> Self {
        let answer = reqwest::get(format!("{origin}/metrics")).await.unwrap();
        let kind = answer.headers()["content-type"].to_str().unwrap();
        assert_eq!(kind, "text/plain; version=0.0.4; charset=utf-8");
        Self::read(&answer.text().await.unwrap())
    }

    /// Reads a text.
    pub(crate) fn read(text: &str) -> Self {
        assert!(text.ends_with('\n'), "the last line must end too");
        let (mut values, mut families) = (BTreeMap::new(), BTreeSet::new());
        let (mut described, mut family) = (String::new(), (String::new(), String::new()));
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                described = help.split_once(' ').expect(line).0.to_owned();
                assert!(families.insert(described.clone()), "twice: {line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect(line);
                assert_eq!(name, described, "{line}");
                assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                family = (name.to_owned(), kind.to_owned());
            } else {
                let (series, value) = sample(line);
                check_belongs(&series, &family.0, &family.1);
                assert!(values.insert(series, value).is_none(), "twice: {line}");
            }
        }
        let metrics = Self(values);
        metrics.check_histograms();
        metrics
    }

    /// One value.
    #[track_caller]
    pub(crate) fn get(&self, series: &str) -> f64 {
        match self.0.get(series) {
            Some(value) => *value,
            None => panic!("no {series} in {:#?}", self.0.keys()),
        }
    }

    fn check_histograms(&self) {
        let buckets = self
            .0
            .keys()
            .filter_map(|series| series.split_once("_bucket{"));
        for name in buckets.map(|(name, _)| name).collect::<BTreeSet<_>>() {
            let prefix = format!("{name}_bucket{{le=\"");
            let mut bounds: Vec<_> = self
                .0
                .iter()
                .filter_map(|(series, count)| {
                    let bound = series.strip_prefix(&prefix)?.strip_suffix("\"}")?;
                    let bound = bound.replace("+Inf", "inf");
                    Some((bound.parse::<f64>().unwrap(), *count))
                })
                .collect();
            bounds.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(
                bounds.is_sorted_by_key(|(_, count)| *count),
                "{name}: {bounds:?}"
            );
            let (last, all) = bounds.pop().unwrap();
            assert!(last.is_infinite(), "{name}");
            assert_eq!(all, self.get(&format!("{name}_count")), "{name}");
            let sum = self.get(&format!("{name}_sum"));
            assert!(sum >= 0.0 && (all > 0.0 || sum == 0.0), "{name}: {sum}");
        }
    }
}

/// Series and value of a line.
fn sample(line: &str) -> (String, f64) {
    let (series, value) = line.rsplit_once(' ').expect(line);
    let value = value
        .parse()
        .unwrap_or_else(|_| panic!("no number: {line}"));
    let (name, labels) = match series.split_once('{') {
        Some((name, labels)) => (name, labels.strip_suffix('}').expect(line)),
        None => (series, ""),
    };
    check_name(name, ":", line);
    let mut rest = labels;
    while !rest.is_empty() {
        let (label, quoted) = rest.split_once("=\"").expect(line);
        check_name(label, "", line);
        rest = after_quoted(quoted, line);
        rest = rest.strip_prefix(',').unwrap_or_else(|| {
            assert!(rest.is_empty(), "{line}");
            rest
        });
    }
    (series.to_owned(), value)
}

fn check_name(name: &str, also: &str, line: &str) {
    let fits = |character: char| {
        character.is_ascii_alphanumeric() || character == '_' || also.contains(character)
    };
    assert!(name.chars().all(fits), "{line}");
    assert!(
        name.starts_with(|first: char| !first.is_ascii_digit()),
        "{line}"
    );
}

/// What follows a label's value, which ends at the first quote that is not escaped.
fn after_quoted<'a>(quoted: &'a str, line: &str) -> &'a str {
    let mut characters = quoted.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return &quoted[at + 1..],
            '\\' => {
                let escaped = characters.next().expect(line).1;
                assert!("\\\"n".contains(escaped), "{line}");
            }
            _ => {}
        }
    }
    panic!("a value without end: {line}")
}

fn check_belongs(series: &str, family: &str, kind: &str) {
    let name = series.split('{').next().unwrap();
    let suffix = name
        .strip_prefix(family)
        .unwrap_or_else(|| panic!("{series} is not of {family}"));
    match kind {
        "histogram" => assert!(["_bucket", "_sum", "_count"].contains(&suffix), "{series}"),
        _ => assert_eq!(suffix, "", "{series}"),
    }
}

#[test]
fn what_is_no_metric_is_not_read() {
    let good = "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"c\\\"d\",e=\"f\"} 3\n";
    assert_eq!(
        Metrics::read(good).get("a_total{b=\"c\\\"d\",e=\"f\"}"),
        3.0
    );
    let bad = [
        "a 1\n",
        "# HELP a x\n# TYPE a gauge\na 1",
        "# HELP a x\n# TYPE a gauge\na one\n",
        "# HELP a x\n# TYPE a gauge\nb 1\n",
        "# HELP a x\n# TYPE a gauge\na 1\na 1\n",
        "# HELP a x\n# TYPE a gauge\na{b=\"c} 1\n",
        "# HELP a x\n# TYPE a gauge\na{1b=\"c\"} 1\n",
        "# HELP a x\n# TYPE a counter\na 1\n",
        "# HELP a x\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
    ];
    for text in bad {
        assert!(
            std::panic::catch_unwind(|| Metrics::read(text)).is_err(),
            "{text}"
        );
    }
}
