//! The signals of the dashboard.
//!
//! Not here: what changes them (`intake`, `refresh` and the components' handlers).

use crate::app::{
    browser::{self, storage},
    model::{clock::Clock, devices::Devices, failure::Failure, roster::Query, table::Table},
    view::state::Kept,
};
use leptos::prelude::*;

/// The dashboard.
#[derive(Clone, Copy)]
pub(crate) struct DashState {
    pub(crate) devices: Kept<Devices>,
    pub(crate) clock: Kept<Clock>,
    /// Whether the dashboard joined its rooms.
    pub(crate) has_started: Kept<bool>,
    /// One signal a device that has had a card, which grows when the device changed. They outlive the cards.
    versions: Kept<Table<ArcRwSignal<u32>>>,
    pub(crate) view: RwSignal<DashView>,
}

/// The time spans that charts can show, in minutes.
pub(crate) const SPANS: [u32; 3] = [1, 5, 15];

/// What is shown of the dashboard, beside the devices themselves.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DashView {
    /// What the reader looks for.
    pub(crate) query: Query,
    /// The devices that have a card, problems first.
    pub(crate) names: Vec<String>,
    /// How many devices match the query.
    pub(crate) matching: usize,
    /// How many devices there are, and how many of them are online.
    pub(crate) count: (usize, usize),
    pub(crate) problems: usize,
    pub(crate) offline: usize,
    pub(crate) hidden: usize,
    pub(crate) skipped: u64,
    pub(crate) failure: Option<Failure>,
    /// The time span of the charts, in minutes.
    pub(crate) minutes: u32,
}

impl DashState {
    pub(crate) fn new() -> Self {
        let minutes = storage::get("minutes").and_then(|minutes| minutes.parse().ok());
        let minutes = minutes.filter(|minutes| SPANS.contains(minutes));
        Self {
            devices: StoredValue::new_local(Devices::default()),
            clock: StoredValue::new_local(Clock::new(browser::clocks())),
            has_started: StoredValue::new_local(false),
            versions: StoredValue::new_local(Table::default()),
            view: RwSignal::new(DashView {
                minutes: minutes.unwrap_or(5),
                ..DashView::default()
            }),
        }
    }

    /// The time of the page, on which the devices' values stand.
    pub(crate) fn now(self) -> f64 {
        self.clock.with_value(|clock| clock.page(browser::clocks()))
    }

    /// The time of the page from which ages are counted.
    pub(crate) fn latest(self) -> f64 {
        self.clock
            .with_value(|clock| clock.latest(browser::clocks()))
    }

    /// The signal that grows when the device changed, for a card of it.
    pub(crate) fn version(self, device: &str) -> RwSignal<u32> {
        let version = self.versions.try_update_value(|versions| {
            let version = versions.get_or_insert(device, || ArcRwSignal::new(0));
            RwSignal::from(version.clone())
        });
        version.unwrap_or_else(|| RwSignal::new(0))
    }

    /// The device changed.
    pub(crate) fn changed(self, device: &str) {
        let version = self
            .versions
            .with_value(|versions| versions.get(device).cloned());
        if let Some(version) = version {
            version.update(|version| *version = version.wrapping_add(1));
        }
    }
}
