//! The targets of a device: a switch where it says on or off, a field where it says something else.

use super::{actions, card::Watched, tile};
use crate::app::{
    model::{
        command::{Progress, toggled},
        device::Target,
    },
    view::{
        content::{Content, content},
        frame::icons,
        parts::{list, live, nothing, press, submit, typed, words},
    },
};
use leptos::prelude::*;
use std::sync::Arc;
use tertulia_shared::sensor::Value;

/// The controls of a device.
#[component]
pub(super) fn Controls(device: Watched) -> impl IntoView {
    let texts = device.app.texts();
    let (for_names, for_class) = (device.clone(), device.clone());
    // A target that becomes a switch, or no longer is one, is another entry.
    let names = move || {
        for_names.read(|device| {
            let targets = device.targets.iter();
            targets
                .map(|(name, target)| match target.switch() {
                    Some(_) => format!("{SWITCH}{name}"),
                    None => format!("{FIELD}{name}"),
                })
                .collect()
        })
    };
    let class = words(move || {
        let is_empty = for_class.read(|device| device.targets.is_empty());
        if is_empty {
            "controls away"
        } else {
            "controls"
        }
        .to_owned()
    });
    view! {
        <ul class=class aria-label=texts.controls>
            {list(names, move |entry| control(&device, &entry))}
        </ul>
    }
}

/// Stands before the name of a target that a switch fits.
const SWITCH: char = 's';
/// Stands before the name of any other target.
const FIELD: char = 'f';

fn control(device: &Watched, entry: &str) -> AnyView {
    let is_switch = entry.starts_with(SWITCH);
    let aim = Aim {
        device: device.clone(),
        target: entry.get(1..).unwrap_or_default().into(),
    };
    let control = if is_switch { switch(&aim) } else { field(&aim) };
    let (for_word, for_words) = (aim.clone(), aim);
    let word = words(move || for_word.progress().to_owned());
    let said = live(move || for_words.said());
    view! {
        <li class="control">
            {control}
            <p class="progress" role="status" data-progress=word>{said}</p>
        </li>
    }
    .into_any()
}

/// A target of a device.
#[derive(Clone)]
struct Aim {
    device: Watched,
    target: Arc<str>,
}

impl Aim {
    fn read<T: Default>(&self, pick: impl FnOnce(&Target) -> T) -> T {
        self.device.read(|device| {
            device
                .targets
                .get(&self.target)
                .map(pick)
                .unwrap_or_default()
        })
    }

    /// How far the last command is, in one word.
    fn progress(&self) -> &'static str {
        let word = self.read(|target| {
            let command = target.command.as_ref();
            command.map(|command| command.progress.word())
        });
        word.unwrap_or("idle")
    }

    fn is_open(&self) -> bool {
        matches!(self.progress(), "sending" | "accepted")
    }

    fn is_on(&self) -> bool {
        self.read(|target| target.switch() == Some(true))
    }

    fn command(&self, value: Value) {
        actions::command(self.device.app, &self.device.name, &self.target, value);
    }

    /// The words for how far the last command is.
    fn said(&self) -> AnyView {
        let texts = self.device.app.texts();
        let progress = self.read(|target| {
            target
                .command
                .as_ref()
                .map(|command| command.progress.clone())
        });
        let (tone, words) = match progress {
            None => return nothing(),
            Some(Progress::Sending) => ("wait", texts.command_sending.to_owned()),
            Some(Progress::Accepted) => ("wait", texts.command_accepted.to_owned()),
            Some(Progress::Done) => ("good", texts.command_done.to_owned()),
            Some(Progress::TimedOut) => ("bad", texts.command_timeout.to_owned()),
            Some(Progress::Failed(failure)) => ("bad", texts.failure(&failure)),
        };
        view! { <span data-tone=tone>{icons::light(tone)} <span prop:textContent=Content::from(words)></span></span> }.into_any()
    }
}

fn switch(aim: &Aim) -> AnyView {
    let texts = aim.device.app.texts();
    let aims = || aim.clone();
    let (for_flip, for_progress, for_checked, for_busy, for_state) =
        (aims(), aims(), aims(), aims(), aims());
    let flip = press(move || {
        let aim = &for_flip;
        let next = untrack(|| aim.read(|target| target.value.as_ref().and_then(toggled)));
        if let Some(value) = next.filter(|_| !untrack(|| aim.is_open())) {
            aim.command(value);
        }
    });
    view! {
        <button
            type="button"
            class="switch"
            role="switch"
            data-testid="switch"
            data-target=aim.target.to_string()
            data-progress=words(move || for_progress.progress().to_owned())
            aria-checked=words(move || for_checked.is_on().to_string())
            aria-busy=words(move || for_busy.is_open().to_string())
            on:click=flip
        >
            <span class="name" translate="no">{aim.target.to_string()}</span>
            <span
                class="state"
                prop:textContent=content(move || if for_state.is_on() { texts.on } else { texts.off }.to_owned())
            ></span>
            <span class="track" aria-hidden="true"><span class="knob"></span></span>
        </button>
    }
    .into_any()
}

fn field(aim: &Aim) -> AnyView {
    let texts = aim.device.app.texts();
    let value = RwSignal::new(String::new());
    let (for_send, for_progress, for_state) = (aim.clone(), aim.clone(), aim.clone());
    let send = submit(move || {
        let text = value.get_untracked();
        if !text.trim().is_empty() {
            for_send.command(Value::Text(text.trim().to_owned()));
            value.set(String::new());
        }
    });
    let reported = move || {
        let app = for_state.device.app;
        let value = for_state.read(|target| {
            let value = target.value.as_ref();
            value.map(|value| tile::written(app, value, "").0)
        });
        value.unwrap_or_else(|| texts.not_reported.to_owned())
    };
    view! {
        <form
            class="field"
            on:submit=send
            data-testid="target"
            data-target=aim.target.to_string()
            data-progress=words(move || for_progress.progress().to_owned())
        >
            <span class="name" translate="no">{aim.target.to_string()}</span>
            <span class="state" prop:textContent=content(reported)></span>
            <input
                type="text"
                aria-label=format!("{} · {}", texts.value, aim.target)
                placeholder=texts.value
                prop:value=words(move || value.get())
                on:input=typed(value)
            />
            <button type="submit">{texts.send}</button>
        </form>
    }
    .into_any()
}
