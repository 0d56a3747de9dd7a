//! One device: its status, its values, its chart, its faults and its controls.

use super::{chart::Chart, command_form::CommandForm, controls::Controls, tile::Tile};
use crate::app::{
    model::{devices::Device, selection},
    text,
    view::{
        frame::icons,
        state::{App, app},
    },
};
use leptos::prelude::*;
use std::sync::Arc;
use tertulia_shared::bridge::BridgeState;

/// A device that components of its card look at.
#[derive(Clone)]
pub(super) struct Watched {
    pub(super) app: App,
    pub(super) name: Arc<str>,
    version: RwSignal<u32>,
}

impl Watched {
    /// What `pick` finds in the device, kept up to date.
    pub(super) fn memo<T>(&self, pick: impl Fn(&Device) -> T + Send + Sync + 'static) -> Memo<T>
    where
        T: Default + PartialEq + Send + Sync + 'static,
    {
        let Self { app, name, version } = self.clone();
        Memo::new(move |_| {
            version.track();
            app.dash
                .devices
                .with_value(|devices| devices.get(&name).map(&pick).unwrap_or_default())
        })
    }
}

/// Which metrics a card charts.
#[derive(Clone, Copy)]
pub(super) struct Charted {
    pub(super) shown: Memo<Vec<String>>,
    chosen: RwSignal<Vec<String>>,
}

impl Charted {
    fn of(device: &Watched) -> Self {
        let chosen = RwSignal::new(Vec::new());
        let shown = device.memo(move |device| {
            chosen.with(|chosen: &Vec<String>| selection::effective(&device.candidates(), chosen))
        });
        Self { shown, chosen }
    }

    /// The reader clicked on the tile of `metric`.
    pub(super) fn toggle(self, device: &Watched, metric: &str) {
        let shown = self.shown.get_untracked();
        device.app.dash.devices.with_value(|devices| {
            if let Some(device) = devices.get(&device.name) {
                let chosen = selection::toggled(&device.candidates(), &shown, metric);
                self.chosen.set(chosen);
            }
        });
    }
}

/// The card of the device `name`.
#[component]
pub(crate) fn Card(name: String) -> impl IntoView {
    let app = app();
    let version = RwSignal::from(app.dash.version(&name));
    let name: Arc<str> = name.into();
    let device = Watched {
        app,
        name: name.clone(),
        version,
    };
    let charted = Charted::of(&device);
    let metrics = device.memo(|device| device.metrics.keys().cloned().collect::<Vec<_>>());
    let has_chart = move || charted.shown.with(|shown| !shown.is_empty());
    let (for_tiles, for_chart) = (device.clone(), device.clone());
    view! {
        <article class="card" data-testid="device" data-device=name.to_string() aria-label=name.to_string()>
            <header>
                <h3>{name.to_string()}</h3>
                <Status device=device.clone() />
            </header>
            <div class="tiles">
                <For each=move || metrics.get() key=Clone::clone let:metric>
                    <Tile device=for_tiles.clone() metric=metric charted=charted />
                </For>
            </div>
            <Faults device=device.clone() />
            <Show when=has_chart>
                <Chart device=for_chart.clone() charted=charted />
            </Show>
            <Controls device=device.clone() />
            <CommandForm device=device />
        </article>
    }
}

/// Whether the device is online; nobody knows while the link or the bridge is down.
#[component]
fn Status(device: Watched) -> impl IntoView {
    let app = device.app;
    let texts = app.texts();
    let online = device.memo(|device| device.online);
    let can_know = move || {
        app.link.bridge.with(|bridge| {
            let state = bridge.as_ref().map(|bridge| bridge.state);
            state == Some(BridgeState::Up)
        })
    };
    let word = move || match online.get() {
        Some(true) if can_know() => ("online", texts.online, "good"),
        Some(false) if can_know() => ("offline", texts.offline, "bad"),
        Some(_) => ("unknown", texts.unknown, "idle"),
        None => ("unknown", texts.no_status, "idle"),
    };
    view! {
        <span class="pill" data-testid="device-status" data-status=move || word().0 data-tone=move || word().2>
            {move || icons::light(word().2)}
            {move || word().1}
        </span>
    }
}

/// What did not decode, and what is not shown.
#[component]
fn Faults(device: Watched) -> impl IntoView {
    let texts = device.app.texts();
    let faults = device.memo(|device| device.faults.clone());
    let hidden = device.memo(|device| device.hidden.count());
    let line = move |(topic, fault): (String, crate::app::model::devices::Fault)| {
        let count = fault.count.to_string();
        let words = match fault.count {
            1 => text::fill(texts.fault_one, &[&topic]),
            _ => text::fill(texts.fault_many, &[&count, &topic]),
        };
        view! {
            <p class="fault" role="status" data-testid="fault" data-count=count>
                {icons::light("bad")}
                <span>{words} <small>{fault.reason}</small></span>
            </p>
        }
    };
    view! {
        {move || faults.get().into_iter().map(line).collect_view()}
        {move || (hidden.get() > 0).then(|| {
            let words = text::fill(texts.more_metrics, &[&hidden.get().to_string()]);
            view! { <p class="note">{words}</p> }
        })}
    }
}
