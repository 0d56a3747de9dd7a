//! The targets of a device: a switch where it says on or off, a field where it says something else.

use super::{actions, card::Watched};
use crate::app::{
    model::{
        command::{Progress, toggled},
        devices::Target,
    },
    view::{frame::icons, state::App},
};
use leptos::{ev, prelude::*};
use tertulia_shared::sensor::Value;

/// The controls of a device.
#[component]
pub(super) fn Controls(device: Watched) -> impl IntoView {
    let texts = device.app.texts();
    let names = device.memo(|device| {
        let kind = |(name, target): (&String, &Target)| (name.clone(), target.switch().is_some());
        device.targets.iter().map(kind).collect::<Vec<_>>()
    });
    let is_empty = move || names.with(Vec::is_empty);
    view! {
        <ul class="controls" class:away=is_empty aria-label=texts.controls>
            <For each=move || names.get() key=Clone::clone let:target>
                <Control device=device.clone() name=target.0 is_switch=target.1 />
            </For>
        </ul>
    }
}

#[component]
fn Control(device: Watched, name: String, is_switch: bool) -> impl IntoView {
    let app = device.app;
    let key = name.clone();
    let target = device.memo(move |device| device.targets.get(&key).cloned().unwrap_or_default());
    let progress = move || {
        target.with(|target| {
            let command = target.command.as_ref();
            command.map_or("idle", |command| command.progress.word())
        })
    };
    let control = if is_switch {
        switch(&device, name.clone(), target, progress)
    } else {
        field(&device, name.clone(), target, progress)
    };
    view! {
        <li class="control">
            {control}
            <p class="progress" role="status" data-progress=progress>{move || words(app, target)}</p>
        </li>
    }
}

fn switch(
    device: &Watched,
    name: String,
    target: Memo<Target>,
    progress: impl Fn() -> &'static str + Copy + Send + Sync + 'static,
) -> AnyView {
    let app = device.app;
    let texts = app.texts();
    let is_on = move || target.with(|target| target.switch() == Some(true));
    let is_open = move || matches!(progress(), "sending" | "accepted");
    let (device, key) = (device.name.clone(), name.clone());
    let flip = move |_| {
        let next = target.with_untracked(|target| target.value.as_ref().and_then(toggled));
        if let Some(value) = next.filter(|_| !untrack(is_open)) {
            actions::command(app, &device, &key, value);
        }
    };
    view! {
        <button
            type="button"
            class="switch"
            role="switch"
            data-testid="switch"
            data-target=name.clone()
            data-progress=progress
            aria-checked=move || is_on().to_string()
            aria-busy=move || is_open().to_string()
            on:click=flip
        >
            <span class="name">{name.clone()}</span>
            <span class="state">{move || if is_on() { texts.on } else { texts.off }}</span>
            <span class="track" aria-hidden="true"><span class="knob"></span></span>
        </button>
    }
    .into_any()
}

fn field(
    device: &Watched,
    name: String,
    target: Memo<Target>,
    progress: impl Fn() -> &'static str + Copy + Send + Sync + 'static,
) -> AnyView {
    let app = device.app;
    let texts = app.texts();
    let typed = RwSignal::new(String::new());
    let (device, key) = (device.name.clone(), name.clone());
    let send = move |event: ev::SubmitEvent| {
        event.prevent_default();
        let value = typed.get_untracked();
        if !value.trim().is_empty() {
            actions::command(app, &device, &key, Value::Text(value.trim().to_owned()));
            typed.set(String::new());
        }
    };
    let reported = move || {
        target.with(|target| {
            let value = target.value.as_ref().map(ToString::to_string);
            value.unwrap_or_else(|| texts.not_reported.to_owned())
        })
    };
    view! {
        <form class="field" on:submit=send data-testid="target" data-target=name.clone() data-progress=progress>
            <span class="name">{name.clone()}</span>
            <span class="state">{reported}</span>
            <input
                type="text"
                aria-label=format!("{} · {name}", texts.value)
                placeholder=texts.value
                prop:value=move || typed.get()
                on:input=move |event| typed.set(event_target_value(&event))
            />
            <button type="submit">{texts.send}</button>
        </form>
    }
    .into_any()
}

/// How far the last command is.
fn words(app: App, target: Memo<Target>) -> Option<AnyView> {
    let texts = app.texts();
    let command = target.with(|target| target.command.clone())?;
    let (tone, words) = match command.progress {
        Progress::Sending => ("wait", texts.command_sending.to_owned()),
        Progress::Accepted => ("wait", texts.command_accepted.to_owned()),
        Progress::Done => ("good", texts.command_done.to_owned()),
        Progress::TimedOut => ("bad", texts.command_timeout.to_owned()),
        Progress::Failed(failure) => ("bad", texts.failure(&failure)),
    };
    Some(view! { <span data-tone=tone>{icons::light(tone)} {words}</span> }.into_any())
}
