//! What stands around the panels: header, status line, banner, tabs.

mod banner;
mod header;
pub(crate) mod icons;
mod status;
mod tabs;

use super::{
    chat::ChatPanel,
    dashboard::DashboardPanel,
    state::{Tab, app},
};
use banner::Banner;
use header::Header;
use leptos::prelude::*;
use tabs::Tabs;

/// The two panels and their frame.
#[component]
pub(crate) fn Frame() -> impl IntoView {
    let app = app();
    let texts = app.texts();
    let narrow = app.prefs.narrow;
    let role = move || if narrow.get() { "tabpanel" } else { "region" };
    let shows = move |tab| move || !narrow.get() || app.prefs.tab.get() == tab;
    let (shows_chat, shows_dashboard) = (shows(Tab::Chat), shows(Tab::Dashboard));
    view! {
        <div class="page">
            <Header />
            <Banner />
            <Tabs />
            <main class="panels">
                <section
                    id="panel-chat"
                    class="panel chat"
                    role=role
                    aria-label=texts.chat
                    class:away=move || !shows_chat()
                >
                    <ChatPanel />
                </section>
                <section
                    id="panel-dashboard"
                    class="panel dashboard"
                    role=role
                    aria-label=texts.dashboard
                    class:away=move || !shows_dashboard()
                >
                    <DashboardPanel />
                </section>
            </main>
        </div>
    }
}
