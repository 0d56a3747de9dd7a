//! What finds a device among many: a search, and a choice of those with problems.

use crate::app::{
    model::roster::{Kind, PAGE, Query},
    text,
    view::{
        content::content,
        parts::{Handler, button, note, nothing, press, words},
        refresh,
        state::App,
    },
};
use leptos::prelude::*;

/// So many devices are seen at a glance.
const FEW: usize = 6;

/// Whether there are so many devices that the reader looks for one, or already does.
pub(super) fn is_needed(app: App) -> bool {
    let view = app.dash.view;
    view.with(|view| view.count.0 > FEW || view.query != Query::default())
}

/// Search and choice.
pub(super) fn toolbar(app: App) -> AnyView {
    let texts = app.texts();
    let view = app.dash.view;
    let search: Handler<leptos::ev::Event> = Box::new(move |event| {
        let search = event_target_value(&event);
        change(app, Box::new(|query| query.search = search));
    });
    let kinds = [Kind::All, Kind::Problems, Kind::Offline];
    view! {
        <div class="find" role="search" aria-label=texts.devices>
            <input
                type="search"
                data-testid="device-search"
                aria-label=texts.find_device
                placeholder=texts.find_device
                autocomplete="off"
                prop:value=words(move || view.with(|view| view.query.search.clone()))
                on:input=search
            />
            <div class="spans" role="group" aria-label=texts.which_devices>
                {kinds.map(|kind| choice(app, kind)).into_iter().collect_view()}
            </div>
        </div>
    }
    .into_any()
}

/// Chooses devices of a kind; its words say how many there are.
fn choice(app: App, kind: Kind) -> AnyView {
    let view = app.dash.view;
    let texts = app.texts();
    let choose = press(move || change(app, Box::new(move |query| query.kind = kind)));
    let is_chosen = words(move || view.with(|view| view.query.kind == kind).to_string());
    let (test, label) = match kind {
        Kind::All => ("devices-all", texts.all_devices),
        Kind::Problems => ("devices-problems", texts.problem_devices),
        Kind::Offline => ("devices-offline", texts.offline_devices),
    };
    let label = content(move || {
        let count = view.with(|view| match kind {
            Kind::All => view.count.0,
            Kind::Problems => view.problems,
            Kind::Offline => view.offline,
        });
        text::fill(label, &[&count.to_string()])
    });
    view! {
        <button
            type="button"
            data-testid=test
            aria-pressed=is_chosen
            on:click=choose
            prop:textContent=label
        ></button>
    }
    .into_any()
}

/// How many match, where not all are shown; and what shows more of them.
pub(super) fn more(app: App) -> AnyView {
    let texts = app.texts();
    let view = app.dash.view;
    let (shown, matching, all) = view.with(|view| (view.names.len(), view.matching, view.count.0));
    match (shown, matching) {
        (_, 0) if all > 0 => note("note", texts.no_device_matches.to_owned()),
        _ if shown < matching => {
            let label = text::fill(
                texts.more_cards,
                &[&shown.to_string(), &matching.to_string()],
            );
            button(
                ["more", "more-devices"],
                move || label.clone(),
                move || change(app, Box::new(|query| query.limit += PAGE)),
            )
        }
        _ => nothing(),
    }
}

fn change(app: App, change: Box<dyn FnOnce(&mut Query)>) {
    app.dash.view.update(|view| {
        let (search, kind) = (view.query.search.clone(), view.query.kind);
        change(&mut view.query);
        if view.query.search != search || view.query.kind != kind {
            view.query.limit = PAGE;
        }
    });
    refresh::soon(app);
}
