//! Prometheus' text exposition format 0.0.4: a pure writer.
//!
//! Source: <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use crate::measure::Distribution;
use std::fmt::{Display, Write};

/// The media type of what [`Text`] writes.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What a metric is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
}

/// The metrics written so far.
#[derive(Debug, Default)]
pub(super) struct Text(String);

impl Text {
    /// A metric of one value.
    pub(super) fn one(&mut self, name: &str, kind: Kind, help: &str, value: impl Display) {
        self.head(name, kind, help);
        self.sample(name, &[], value);
    }

    /// A metric of a value for each value of one label.
    pub(super) fn by<L: AsRef<str>, V: Display>(
        &mut self,
        (name, label): (&str, &str),
        kind: Kind,
        help: &str,
        values: impl IntoIterator<Item = (L, V)>,
    ) {
        self.head(name, kind, help);
        for (labelled, value) in values {
            self.sample(name, &[(label, labelled.as_ref())], value);
        }
    }

    /// A histogram, in seconds.
    pub(super) fn histogram(&mut self, name: &str, help: &str, read: &Distribution) {
        self.describe(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        for (bound, count) in &read.up_to {
            let bound = match bound.is_finite() {
                true => bound.to_string(),
                false => "+Inf".to_owned(),
            };
            self.sample(&bucket, &[("le", &bound)], count);
        }
        self.sample(&format!("{name}_sum"), &[], read.sum);
        let all = read.up_to.last().map_or(0, |(_, count)| *count);
        self.sample(&format!("{name}_count"), &[], all);
    }

    /// The whole text.
    pub(super) fn end(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, kind: Kind, help: &str) {
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        self.describe(name, kind, help);
    }

    fn describe(&mut self, name: &str, kind: &str, help: &str) {
        let help = help.replace('\\', "\\\\").replace('\n', "\\n");
        // A string takes whatever is written.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        self.0.push_str(name);
        for (at, (label, text)) in labels.iter().enumerate() {
            self.0.push(if at == 0 { '{' } else { ',' });
            let _ = write!(self.0, "{label}=\"{}\"", escaped(text));
        }
        if !labels.is_empty() {
            self.0.push('}');
        }
        let _ = writeln!(self.0, " {value}");
    }
}

fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::{Kind, Text};
    use crate::measure::Histogram;
    use std::time::Duration;

    #[test]
    fn values_and_labels_are_written_as_the_format_wants_them() {
        let mut text = Text::default();
        text.one("a", Kind::Gauge, "how\nmuch \\", 7);
        text.by(("b_total", "x"), Kind::Counter, "by x", [("q\"\\\n", 1.5)]);
        let expected = "# HELP a how\\nmuch \\\\\n# TYPE a gauge\na 7\n\
                        # HELP b_total by x\n# TYPE b_total counter\nb_total{x=\"q\\\"\\\\\\n\"} 1.5\n";
        assert_eq!(text.end(), expected);
    }

    #[test]
    fn a_histogram_ends_with_all() {
        let histogram = Histogram::default();
        histogram.add(Duration::from_millis(1));
        let mut text = Text::default();
        text.histogram("t_seconds", "time", &histogram.read());
        let text = text.end();
        for line in [
            "t_seconds_bucket{le=\"0.0005\"} 0",
            "t_seconds_bucket{le=\"0.001\"} 1",
            "t_seconds_bucket{le=\"+Inf\"} 1",
            "t_seconds_sum 0.001",
            "t_seconds_count 1",
        ] {
            assert!(text.lines().any(|other| other == line), "{line}\n{text}");
        }
    }
}
