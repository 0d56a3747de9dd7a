//! One device: its status, its values, its chart, its faults and its controls.

use super::{chart::Chart, command_form::CommandForm, controls::Controls, tile};
use crate::app::{
    model::{
        device::{Device, Fault},
        selection,
    },
    text::{self, Texts},
    view::{
        content::Content,
        frame::icons,
        parts::{list, live, note, when},
        state::{App, Lights},
    },
};
use leptos::prelude::*;
use std::sync::Arc;

/// A device that components of its card look at.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) app: App,
    pub(super) name: Arc<str>,
    pub(super) version: RwSignal<u32>,
}

impl Watched {
    /// What `pick` finds in the device now; what reads it runs again when the device changes.
    pub(super) fn read<T: Default>(&self, pick: impl FnOnce(&Device) -> T) -> T {
        self.version.track();
        self.app
            .dash
            .devices
            .with_value(|devices| devices.get(&self.name).map(pick).unwrap_or_default())
    }
}

/// Which metrics a card charts.
#[derive(Clone)]
pub(super) struct Charted {
    pub(super) device: Watched,
    /// What the reader chose, one a line.
    chosen: RwSignal<String>,
}

impl Charted {
    fn of(device: &Watched) -> Self {
        Self {
            device: device.clone(),
            chosen: RwSignal::new(String::new()),
        }
    }

    /// The metrics in the chart.
    pub(super) fn shown(&self) -> Vec<String> {
        let chosen = self.chosen.get();
        let chosen: Vec<String> = chosen.lines().map(str::to_owned).collect();
        self.device
            .read(|device| selection::effective(&device.candidates(), &chosen))
    }

    /// The reader clicked on the tile of `metric`.
    pub(super) fn toggle(&self, metric: &str) {
        let shown = untrack(|| self.shown());
        let chosen = untrack(|| {
            self.device
                .read(|device| selection::toggled(&device.candidates(), &shown, metric))
        });
        self.chosen.set(chosen.join("\n"));
    }
}

/// The card of the device `name`.
pub(super) fn card(app: App, name: String) -> AnyView {
    let device = Watched {
        app,
        version: app.dash.version(&name),
        name: name.as_str().into(),
    };
    let charted = Charted::of(&device);
    let (for_names, for_tiles) = (device.clone(), device.clone());
    let (for_condition, for_chart) = (charted.clone(), charted.clone());
    let has_chart = move || !for_condition.shown().is_empty();
    let (for_status, for_faults) = (device.clone(), device.clone());
    let metrics = move || for_names.read(|device| device.metrics.names());
    let chart = when(has_chart, move || {
        view! { <Chart charted=for_chart.clone() /> }.into_any()
    });
    view! {
        <article class="card" data-testid="device" data-device=name.clone() aria-label=name.clone()>
            <header>
                <h3 translate="no">{name.clone()}</h3>
                {live(move || status(&for_status))}
            </header>
            <div class="tiles">{list(metrics, move |metric| tile::tile(&for_tiles, metric, &charted))}</div>
            {live(move || for_faults.read(|device| faults(app, device)).into_any())}
            {chart}
            <Controls device=device.clone() />
            <CommandForm device=device />
        </article>
    }
    .into_any()
}

/// Whether the device is online; nobody knows while the link or the bridge is down.
fn status(device: &Watched) -> AnyView {
    let texts = device.app.texts();
    let can_know = device.app.link.lights.with(Lights::bridge_is_up);
    let (status, words, tone) = match device.read(|device| device.online) {
        Some(true) if can_know => ("online", texts.online, "good"),
        Some(false) if can_know => ("offline", texts.offline, "bad"),
        Some(_) => ("unknown", texts.unknown, "idle"),
        None => ("unknown", texts.no_status, "idle"),
    };
    view! {
        <span class="pill" data-testid="device-status" data-status=status data-tone=tone>
            {icons::light(tone)}
            <span prop:textContent=Content::from(words)></span>
        </span>
    }
    .into_any()
}

/// What did not decode, and what is not shown.
fn faults(app: App, device: &Device) -> Vec<AnyView> {
    let texts = app.texts();
    let faults = device.faults.iter();
    let mut lines: Vec<AnyView> = faults
        .map(|(topic, fault)| fault_line(texts, topic, fault))
        .collect();
    if device.hidden.count() > 0 {
        let words = text::fill(texts.more_metrics, &[&device.hidden.count().to_string()]);
        lines.push(note("note", words));
    }
    lines
}

fn fault_line(texts: &Texts, topic: &str, fault: &Fault) -> AnyView {
    let count = fault.count.to_string();
    let words = match fault.count {
        1 => text::fill(texts.fault_one, &[topic]),
        _ => text::fill(texts.fault_many, &[&count, topic]),
    };
    view! {
        <p class="fault" role="status" data-testid="fault" data-count=count>
            {icons::light("bad")}
            <span>
                <span prop:textContent=Content::from(words)></span> <small prop:textContent=Content::from(fault.reason.clone())></small>
            </span>
        </p>
    }
    .into_any()
}
