//! How busy this machine is.

use std::time::Instant;
use sysinfo::{Networks, System};

/// Bytes in the unit in which traffic is reported.
const KILOBYTE: f64 = 1_000.0;
/// The interface that carries what never leaves the machine.
const LOOPBACK: &str = "lo";

/// One measured value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Measured {
    /// What is measured: one level of a topic.
    pub(super) metric: &'static str,
    /// The value, in `unit` where there is one.
    pub(super) value: f64,
    /// The unit.
    pub(super) unit: Option<&'static str>,
}

/// The machine, with what is needed to tell what happened since it was last measured.
#[derive(Debug)]
pub(super) struct Machine {
    system: System,
    networks: Networks,
    measured: Instant,
}

impl Default for Machine {
    fn default() -> Self {
        let mut system = System::new();
        system.refresh_cpu_usage();
        Self {
            system,
            networks: Networks::new_with_refreshed_list(),
            measured: Instant::now(),
        }
    }
}

impl Machine {
    /// Measures now; traffic and processor are means since the last time.
    pub(super) fn measure(&mut self) -> [Measured; 5] {
        self.system.refresh_cpu_usage();
        self.system.refresh_memory();
        self.networks.refresh(true);
        let seconds = self.measured.elapsed().as_secs_f64().max(0.001);
        self.measured = Instant::now();
        let [received, sent] = self
            .traffic()
            .map(|bytes| bytes as f64 / KILOBYTE / seconds);
        let memory = self.system.used_memory() as f64 / self.system.total_memory().max(1) as f64;
        let value = |metric, value: f64, unit| Measured {
            metric,
            value: (value * 100.0).round() / 100.0,
            unit,
        };
        [
            value("cpu", f64::from(self.system.global_cpu_usage()), Some("%")),
            value("memory", memory * 100.0, Some("%")),
            value("network_in", received, Some("kB/s")),
            value("network_out", sent, Some("kB/s")),
            value("load", System::load_average().one, None),
        ]
    }

    /// Bytes received and sent since the last measurement.
    fn traffic(&self) -> [u64; 2] {
        let outside = self
            .networks
            .iter()
            .filter(|(name, _)| name.as_str() != LOOPBACK);
        outside.fold([0, 0], |[received, sent], (_, network)| {
            [received + network.received(), sent + network.transmitted()]
        })
    }
}

/// The machine's name.
pub(super) fn name() -> String {
    System::host_name().unwrap_or_default()
}
