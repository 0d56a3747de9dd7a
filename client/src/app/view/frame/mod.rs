//! What stands around the panels: header, status line, banner, tabs.

mod banner;
mod header;
pub(crate) mod icons;
mod status;
mod tabs;

use super::{
    chat::ChatPanel,
    dashboard::DashboardPanel,
    parts::words,
    state::{Tab, app},
};
use banner::Banner;
use header::Header;
use leptos::prelude::*;

/// The two panels and their frame.
#[component]
pub(crate) fn Frame() -> impl IntoView {
    let app = app();
    let texts = app.texts();
    let look = app.prefs.look;
    let role = move || {
        if look.get().narrow {
            "tabpanel"
        } else {
            "region"
        }
        .to_owned()
    };
    let class = move |tab: Tab, open: &'static str, away: &'static str| {
        words(move || if look.get().tab == tab { open } else { away }.to_owned())
    };
    view! {
        <div class="page">
            <Header />
            <Banner />
            <main class="panels">
                <section
                    id="panel-chat"
                    class=class(Tab::Chat, "panel chat", "panel chat away")
                    role=words(role)
                    aria-label=texts.chat
                >
                    <ChatPanel />
                </section>
                <section
                    id="panel-dashboard"
                    class=class(Tab::Dashboard, "panel dashboard", "panel dashboard away")
                    role=words(role)
                    aria-label=texts.devices
                >
                    <DashboardPanel />
                </section>
            </main>
        </div>
    }
}
