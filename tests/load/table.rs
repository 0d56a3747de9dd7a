//! What was measured, as ratios of medians, and whether the limits hold.

use crate::{
    acks::Acks,
    burst::Burst,
    fan_out::{FanOut, What},
    idle::Transport,
    process::Kind,
};
use std::{collections::BTreeMap, fmt, time::Duration};

/// The most of Node's processor time that a delivery may cost.
const MAX_DELIVERY: f64 = 0.7;
/// The most of Node's memory that an idle connection may take.
const MAX_IDLE: f64 = 1.0;

/// The samples of both servers.
#[derive(Default)]
struct Row {
    samples: BTreeMap<Kind, Vec<f64>>,
    unit: &'static str,
    limit: Option<f64>,
}

/// All rows, in the order in which they were first added.
#[derive(Default)]
pub(crate) struct Table {
    names: Vec<String>,
    rows: BTreeMap<String, Row>,
}

impl Table {
    pub(crate) fn add_fan_out(
        &mut self,
        kind: Kind,
        event: What,
        (readers, window): (usize, usize),
        fan_out: &FanOut,
    ) {
        let what = |what| format!("fan-out of {event}, to {readers}, {window} under way: {what}");
        let each = |time: Duration| 1e6 * time.as_secs_f64() / fan_out.deliveries as f64;
        let cpu = each(fan_out.cpu);
        self.add(kind, what("CPU a delivery"), cpu, "µs", Some(MAX_DELIVERY));
        self.add(
            kind,
            what("time a delivery"),
            each(fan_out.time),
            "µs",
            None,
        );
        let bytes = fan_out.bytes as f64 / fan_out.deliveries as f64;
        self.add(kind, what("a packet"), bytes, "bytes", None);
    }

    pub(crate) fn add_acks(&mut self, kind: Kind, what: What, acks: &Acks) {
        let count = acks.acks as f64;
        let rate = count / acks.time.as_secs_f64();
        self.add(kind, format!("acks of {what}: rate"), rate, "/s", None);
        let cpu = 1e6 * acks.cpu.as_secs_f64() / count;
        self.add(kind, format!("acks of {what}: CPU each"), cpu, "µs", None);
    }

    pub(crate) fn add_burst(&mut self, kind: Kind, burst: &Burst) {
        let what = |what| format!("burst of 10,000: {what}");
        self.add(
            kind,
            what("time"),
            1e3 * burst.time.as_secs_f64(),
            "ms",
            None,
        );
        self.add(kind, what("told as missed"), burst.missed as f64, "", None);
        self.add(kind, what("lost"), burst.lost as f64, "", None);
    }

    pub(crate) fn add_idle(&mut self, kind: Kind, transport: Transport, bytes: f64) {
        let name = format!("idle by {transport}: memory each");
        self.add(kind, name, bytes / 1_000.0, "kB", Some(MAX_IDLE));
    }

    fn add(
        &mut self,
        kind: Kind,
        name: String,
        sample: f64,
        unit: &'static str,
        limit: Option<f64>,
    ) {
        eprintln!("  {kind} {name}: {sample:.2} {unit}");
        if !self.rows.contains_key(&name) {
            self.names.push(name.clone());
        }
        let row = self.rows.entry(name).or_default();
        (row.unit, row.limit) = (unit, limit);
        row.samples.entry(kind).or_default().push(sample);
    }

    /// Whether every limit is kept.
    pub(crate) fn holds(&self) -> bool {
        self.rows.values().all(Row::holds)
    }
}

impl Row {
    fn median(&self, kind: Kind) -> f64 {
        let mut samples = self.samples.get(&kind).cloned().unwrap_or_default();
        samples.sort_by(f64::total_cmp);
        samples.get(samples.len() / 2).copied().unwrap_or(f64::NAN)
    }

    fn ratio(&self) -> f64 {
        self.median(Kind::Ours) / self.median(Kind::Node)
    }

    /// Nothing measured is nothing held.
    fn holds(&self) -> bool {
        self.limit.is_none_or(|limit| self.ratio() <= limit)
    }

    fn verdict(&self) -> String {
        match self.limit {
            None => String::new(),
            Some(limit) if self.holds() => format!("at most {limit}: held"),
            Some(limit) => format!("at most {limit}: MISSED"),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.names.iter().map(|name| name.chars().count()).max();
        let width = width.unwrap_or(0);
        writeln!(
            formatter,
            "{:width$}  {:>12}  {:>12}        {:>6}",
            "medians", "ours", "Node", "ratio"
        )?;
        for name in &self.names {
            let Some(row) = self.rows.get(name) else {
                continue;
            };
            writeln!(
                formatter,
                "{name:width$}  {:>12.2}  {:>12.2}  {:5} {:>6.2}  {}",
                row.median(Kind::Ours),
                row.median(Kind::Node),
                row.unit,
                row.ratio(),
                row.verdict()
            )?;
        }
        Ok(())
    }
}
