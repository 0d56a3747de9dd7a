//! Steps: what a task is doing, how long each part took, and which part failed.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// The steps of one task, in order. Speaks on stderr.
pub(crate) struct Steps {
    total: usize,
    done: Vec<(String, Duration)>,
}

impl Steps {
    /// A task of `total` steps.
    pub(crate) fn new(total: usize) -> Self {
        Self {
            total,
            done: Vec::new(),
        }
    }

    /// Runs one step and tells how long it took. Fails as `work` does, with the step's name in front.
    pub(crate) fn run<T>(&mut self, name: &str, work: impl FnOnce() -> Result<T>) -> Result<T> {
        let heading = self.announce(name);
        let start = Instant::now();
        let result = work();
        let took = start.elapsed();
        let mark = if result.is_ok() { "" } else { "failed after " };
        eprintln!("{heading} {mark}{}", Seconds(took));
        self.done.push((name.to_owned(), took));
        result.with_context(|| format!("step \"{name}\" failed"))
    }

    /// Announces a step that something else runs: the last one, which takes over.
    pub(crate) fn announce(&self, name: &str) -> String {
        let heading = format!("[{}/{}] {name} …", self.done.len() + 1, self.total);
        eprintln!("{heading}");
        heading
    }

    /// How long each step took.
    pub(crate) fn table(&self) -> String {
        let width = self.done.iter().map(|(name, _)| name.chars().count()).max();
        let width = width.unwrap_or(0);
        let total: Duration = self.done.iter().map(|(_, took)| *took).sum();
        self.done
            .iter()
            .map(|(name, took)| (name.as_str(), *took))
            .chain([("so far", total)])
            .map(|(name, took)| format!("  {name:width$}  {:>8}\n", Seconds(took).to_string()))
            .collect()
    }
}

/// A duration as a person reads it: seconds with one decimal.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:.1} s", self.0.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_step_is_named() {
        let mut steps = Steps::new(1);
        let result: Result<()> = steps.run("lint", || anyhow::bail!("two warnings"));
        let text = format!("{:#}", result.unwrap_err());
        assert_eq!(text, "step \"lint\" failed: two warnings");
    }

    #[test]
    fn the_table_has_a_line_a_step_and_the_sum() {
        let steps = Steps {
            total: 2,
            done: vec![
                ("lint".to_owned(), Duration::from_millis(1_250)),
                ("building the page".to_owned(), Duration::from_secs(93)),
            ],
        };
        let expected = "  lint                  1.2 s\n  \
                        building the page    93.0 s\n  \
                        so far               94.2 s\n";
        assert_eq!(steps.table(), expected);
    }
}
