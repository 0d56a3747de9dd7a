//! The signals that the components share: preferences, link, chat, dashboard.
//!
//! Handles are `Copy` and live as long as the page. Not here: what changes them (`session` and the components' handlers).

use crate::{
    app::{
        browser::{self, Intl, storage},
        model::{
            chat_log::ChatLog, clock::ServerClock, devices::Devices, failure::Failure, link::Gap,
            people::People, room_name, rows::Row,
        },
        text::{Lang, Texts},
    },
    connection::Connection,
    socketio::Status,
};
use leptos::prelude::*;
use std::collections::BTreeMap;
use tertulia_shared::{bridge::BridgeStatus, chat::Author};

/// A value that is not a signal, kept for the life of the page.
pub(crate) type Kept<T> = StoredValue<T, LocalStorage>;

/// Everything that components share.
#[derive(Clone, Copy)]
pub(crate) struct App {
    pub(crate) prefs: Prefs,
    pub(crate) link: LinkState,
    pub(crate) chat: ChatState,
    pub(crate) dash: DashState,
}

/// The state of the page, from the context.
pub(crate) fn app() -> App {
    expect_context()
}

impl App {
    pub(crate) fn new() -> Self {
        Self {
            prefs: Prefs::new(),
            link: LinkState::new(),
            chat: ChatState::new(),
            dash: DashState::new(),
        }
    }

    /// The texts in the language chosen now.
    pub(crate) fn texts(self) -> &'static Texts {
        self.prefs.lang.get_untracked().texts()
    }
}

/// The panel that a phone shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tab {
    Chat,
    Dashboard,
}

/// What the reader chose, and the screen.
#[derive(Clone, Copy)]
pub(crate) struct Prefs {
    pub(crate) lang: RwSignal<Lang>,
    /// Whether the reader chose the dark theme; `None` follows the system.
    pub(crate) dark: RwSignal<Option<bool>>,
    pub(crate) system_dark: RwSignal<bool>,
    /// Whether there is room for one panel only.
    pub(crate) narrow: RwSignal<bool>,
    pub(crate) tab: RwSignal<Tab>,
    pub(crate) intl: Kept<Intl>,
}

impl Prefs {
    fn new() -> Self {
        let remembered = storage::get("lang").and_then(|tag| Lang::of_tag(&tag));
        let lang = remembered.unwrap_or_else(browser::language);
        let dark = storage::get("theme").map(|theme| theme == "dark");
        let tab = match storage::get("tab").as_deref() {
            Some("dashboard") => Tab::Dashboard,
            _ => Tab::Chat,
        };
        Self {
            lang: RwSignal::new(lang),
            dark: RwSignal::new(dark),
            system_dark: browser::media("(prefers-color-scheme: dark)"),
            narrow: browser::media("(max-width: 719px)"),
            tab: RwSignal::new(tab),
            intl: StoredValue::new_local(Intl::new(lang)),
        }
    }

    /// Tells the document what was chosen.
    pub(crate) fn apply(self) {
        let theme = |dark| if dark { "dark" } else { "light" };
        browser::set_root_attribute("lang", Some(self.lang.get_untracked().tag()));
        browser::set_root_attribute("data-theme", self.dark.get_untracked().map(theme));
    }

    /// Whether the page is dark now.
    pub(crate) fn is_dark(self) -> bool {
        self.dark.get().unwrap_or_else(|| self.system_dark.get())
    }

    pub(crate) fn choose_lang(self, lang: Lang) {
        storage::set("lang", lang.tag());
        self.intl.set_value(Intl::new(lang));
        self.lang.set(lang);
        self.apply();
    }

    pub(crate) fn choose_dark(self, dark: bool) {
        storage::set("theme", if dark { "dark" } else { "light" });
        browser::set_root_attribute("data-theme", Some(if dark { "dark" } else { "light" }));
        self.dark.set(Some(dark));
    }

    pub(crate) fn choose_tab(self, tab: Tab) {
        let word = match tab {
            Tab::Chat => "chat",
            Tab::Dashboard => "dashboard",
        };
        storage::set("tab", word);
        self.tab.set(tab);
    }
}

/// The three lights, and the clock that ages are read from.
#[derive(Clone, Copy)]
pub(crate) struct LinkState {
    /// `None` when the server's address makes no sense; the link then stays disconnected.
    pub(crate) connection: Kept<Option<Connection>>,
    pub(crate) status: RwSignal<Option<Status>>,
    pub(crate) gap: RwSignal<Gap>,
    pub(crate) bridge: RwSignal<Option<BridgeStatus>>,
    /// Grows with each connection; what was asked over an older one is void.
    pub(crate) generation: Kept<u32>,
    /// The browser's clock, each second.
    pub(crate) second: RwSignal<f64>,
    /// The browser's clock, several times a second.
    pub(crate) moment: RwSignal<f64>,
}

impl LinkState {
    fn new() -> Self {
        let now = browser::now();
        let gap = Gap {
            since: Some(now),
            ..Gap::default()
        };
        Self {
            connection: StoredValue::new_local(None),
            status: RwSignal::new(None),
            gap: RwSignal::new(gap),
            bridge: RwSignal::new(None),
            generation: StoredValue::new_local(0),
            second: RwSignal::new(now),
            moment: RwSignal::new(now),
        }
    }

    pub(crate) fn is_up(self) -> bool {
        self.gap.with_untracked(|gap| gap.since.is_none())
    }
}

/// The chat.
#[derive(Clone, Copy)]
pub(crate) struct ChatState {
    /// The logs of the rooms visited, by the rooms' names.
    pub(crate) logs: Kept<BTreeMap<String, ChatLog>>,
    pub(crate) people: Kept<People>,
    /// Whether logs or people changed since they were shown.
    pub(crate) changed: Kept<bool>,
    /// Whether the reader is at the end of the log and follows it.
    pub(crate) follows: RwSignal<bool>,
    /// The name of the current room.
    pub(crate) room: RwSignal<String>,
    pub(crate) recent: RwSignal<Vec<String>>,
    pub(crate) room_failure: RwSignal<Option<Failure>>,
    /// The name that the reader chose.
    pub(crate) name: RwSignal<Option<String>>,
    pub(crate) name_failure: RwSignal<Option<Failure>>,
    /// The public id of this connection's peer, once it has its name.
    pub(crate) peer: RwSignal<Option<String>>,
    /// What is shown of the current room, set once a frame.
    pub(crate) rows: RwSignal<Vec<Row>>,
    pub(crate) dropped: RwSignal<u64>,
    pub(crate) received: RwSignal<u64>,
    pub(crate) present: RwSignal<Vec<Author>>,
}

impl ChatState {
    fn new() -> Self {
        let room = storage::get("room").and_then(|room| room_name::parse(&room));
        let recent = storage::get("rooms").unwrap_or_default();
        Self {
            logs: StoredValue::new_local(BTreeMap::new()),
            people: StoredValue::new_local(People::default()),
            changed: StoredValue::new_local(true),
            follows: RwSignal::new(true),
            room: RwSignal::new(room.unwrap_or_else(|| room_name::DEFAULT.to_owned())),
            recent: RwSignal::new(recent.lines().filter_map(room_name::parse).collect()),
            room_failure: RwSignal::new(None),
            name: RwSignal::new(storage::get("name")),
            name_failure: RwSignal::new(None),
            peer: RwSignal::new(None),
            rows: RwSignal::new(Vec::new()),
            dropped: RwSignal::new(0),
            received: RwSignal::new(0),
            present: RwSignal::new(Vec::new()),
        }
    }

    /// Changes the log of a room.
    pub(crate) fn change_log<T>(
        self,
        room: &str,
        change: impl FnOnce(&mut ChatLog) -> T,
    ) -> Option<T> {
        self.changed.set_value(true);
        self.logs
            .try_update_value(|logs| change(logs.entry(room.to_owned()).or_default()))
    }

    /// Changes who is there.
    pub(crate) fn change_people(self, change: impl FnOnce(&mut People)) {
        self.changed.set_value(true);
        self.people.update_value(change);
    }
}

/// The dashboard.
#[derive(Clone, Copy)]
pub(crate) struct DashState {
    pub(crate) devices: Kept<Devices>,
    pub(crate) clock: Kept<ServerClock>,
    /// One signal a device, which grows when the device changed.
    pub(crate) versions: Kept<BTreeMap<String, ArcRwSignal<u32>>>,
    pub(crate) names: RwSignal<Vec<String>>,
    /// Devices shown, and those of them that are online.
    pub(crate) count: RwSignal<(usize, usize)>,
    pub(crate) hidden: RwSignal<usize>,
    pub(crate) skipped: RwSignal<u64>,
    pub(crate) failure: RwSignal<Option<Failure>>,
    /// The time span of the charts, in minutes.
    pub(crate) minutes: RwSignal<u32>,
}

impl DashState {
    fn new() -> Self {
        let minutes = storage::get("minutes").and_then(|minutes| minutes.parse().ok());
        Self {
            devices: StoredValue::new_local(Devices::default()),
            clock: StoredValue::new_local(ServerClock::default()),
            versions: StoredValue::new_local(BTreeMap::new()),
            names: RwSignal::new(Vec::new()),
            count: RwSignal::new((0, 0)),
            hidden: RwSignal::new(0),
            skipped: RwSignal::new(0),
            failure: RwSignal::new(None),
            minutes: RwSignal::new(minutes.unwrap_or(5)),
        }
    }

    /// The signal that grows when the device changed.
    pub(crate) fn version(self, device: &str) -> ArcRwSignal<u32> {
        let version = self.versions.try_update_value(|versions| {
            let version = versions.entry(device.to_owned());
            version.or_insert_with(|| ArcRwSignal::new(0)).clone()
        });
        version.unwrap_or_else(|| ArcRwSignal::new(0))
    }
}
