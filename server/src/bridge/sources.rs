//! Which metrics came in a payload of another topic, an object on `sensors/kitchen`: they are cleared with that topic.
//!
//! Not here: clearing them (`inward`).

use std::collections::BTreeMap;
use tertulia_shared::Topic;

/// The metrics that came in objects. There are never more than the hub has topics.
#[derive(Debug, Default)]
pub(super) struct Sources {
    /// By topic of the metric: how long the topic of the payload is, with which that one begins.
    metrics: BTreeMap<Topic, usize>,
}

impl Sources {
    /// Remembers on which topic the last payload with a metric came.
    pub(super) fn note(&mut self, metric: &Topic, source: &Topic) {
        if metric == source {
            self.metrics.remove(metric);
        } else {
            let source = source.as_str().len();
            self.metrics.insert(metric.clone(), source);
        }
    }

    /// Takes out the metrics that came on a topic, and the topic itself.
    pub(super) fn take(&mut self, source: &Topic) -> Vec<Topic> {
        let length = source.as_str().len();
        let below = |metric: &Topic| metric.as_str().starts_with(source.as_str());
        let metrics = self.metrics.range(source..);
        let metrics = metrics.take_while(|(metric, _)| below(metric));
        let came = metrics.filter(|(metric, from)| **from == length || *metric == source);
        let mut taken: Vec<_> = came.map(|(metric, _)| metric.clone()).collect();
        for metric in &taken {
            self.metrics.remove(metric);
        }
        taken.retain(|metric| metric != source);
        taken.push(source.clone());
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::Sources;
    use tertulia_shared::Topic;

    fn topic(text: &str) -> Topic {
        Topic::new(text).unwrap()
    }

    fn taken(sources: &mut Sources, source: &str) -> Vec<String> {
        let taken = sources.take(&topic(source));
        taken.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_topic_takes_along_what_came_on_it_and_nothing_else() {
        let mut sources = Sources::default();
        for (metric, source) in [
            ("sensors/a/t", "sensors/a"),
            ("sensors/a/h", "sensors/a"),
            ("sensors/a/h", "sensors/a/h"),
            ("sensors/a/air/co2", "sensors/a/air"),
            ("sensors/a/air/pm/1", "sensors/a"),
            ("sensors/ab/t", "sensors/ab"),
            ("sensors/a b/t", "sensors/a b"),
        ] {
            sources.note(&topic(metric), &topic(source));
        }
        assert_eq!(
            taken(&mut sources, "sensors/a"),
            ["sensors/a/air/pm/1", "sensors/a/t", "sensors/a"]
        );
        assert_eq!(taken(&mut sources, "sensors/a"), ["sensors/a"]);
        assert_eq!(
            taken(&mut sources, "sensors/a/air/co2"),
            ["sensors/a/air/co2"]
        );
        assert_eq!(taken(&mut sources, "sensors/a/air"), ["sensors/a/air"]);
        assert_eq!(
            taken(&mut sources, "sensors/ab"),
            ["sensors/ab/t", "sensors/ab"]
        );
    }
}
