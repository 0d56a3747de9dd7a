//! The signals that the components share: preferences, link, chat, dashboard.
//!
//! Handles are `Copy` and live as long as the page. Not here: what changes them (`session` and the components' handlers).

use super::{chat::outbox, dashboard::DashState};
use crate::{
    app::{
        browser::{self, Intl, storage},
        model::{
            announce::Announcer, chat_log::ChatLog, failure::Failure, link::Gap, people::People,
            room_name, rows::Row, table::Table,
        },
        text::{Lang, Texts},
    },
    connection::{Connection, Status},
    rooms::Rooms,
};
use leptos::prelude::*;
use tertulia_shared::{
    bridge::{BridgeState, BridgeStatus},
    chat::Author,
};

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
        self.prefs.look.get_untracked().lang.texts()
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
    pub(crate) look: RwSignal<Look>,
    pub(crate) intl: Kept<Intl>,
}

/// How the page looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Look {
    pub(crate) lang: Lang,
    /// Whether the reader chose the dark theme; `None` follows the system.
    pub(crate) dark: Option<bool>,
    pub(crate) system_dark: bool,
    /// Whether there is room for one panel only.
    pub(crate) narrow: bool,
    /// The panel that is open where there is room for one only.
    pub(crate) tab: Tab,
    /// Grows when the window changes its size.
    pub(crate) resized: u32,
}

impl Look {
    /// Whether the page is dark.
    pub(crate) fn is_dark(self) -> bool {
        self.dark.unwrap_or(self.system_dark)
    }
}

impl Prefs {
    fn new() -> Self {
        let remembered = storage::get("lang").and_then(|tag| Lang::of_tag(&tag));
        let lang = remembered.unwrap_or_else(browser::language);
        let tab = match storage::get("tab").as_deref() {
            Some("dashboard") => Tab::Dashboard,
            _ => Tab::Chat,
        };
        let look = RwSignal::new(Look {
            lang,
            dark: storage::get("theme").map(|theme| theme == "dark"),
            system_dark: false,
            narrow: false,
            tab,
            resized: 0,
        });
        let dark = move |matches| look.update(|look| look.system_dark = matches);
        browser::media("(prefers-color-scheme: dark)", Box::new(dark));
        let narrow = move |matches| look.update(|look| look.narrow = matches);
        browser::media("(max-width: 44.94em)", Box::new(narrow));
        let _ = window_event_listener(leptos::ev::resize, move |_| {
            look.update(|look| look.resized = look.resized.wrapping_add(1));
        });
        Self {
            look,
            intl: StoredValue::new_local(Intl::new(lang)),
        }
    }

    /// Tells the document what was chosen.
    pub(crate) fn apply(self) {
        let look = self.look.get_untracked();
        let theme = |dark| if dark { "dark" } else { "light" };
        browser::set_root_attribute("lang", Some(look.lang.tag()));
        browser::set_root_attribute("data-theme", look.dark.map(theme));
    }

    pub(crate) fn choose_lang(self, lang: Lang) {
        storage::set("lang", lang.tag());
        self.intl.set_value(Intl::new(lang));
        self.look.update(|look| look.lang = lang);
        self.apply();
    }

    pub(crate) fn choose_dark(self, dark: bool) {
        storage::set("theme", if dark { "dark" } else { "light" });
        self.look.update(|look| look.dark = Some(dark));
        self.apply();
    }

    pub(crate) fn choose_tab(self, tab: Tab) {
        let word = match tab {
            Tab::Chat => "chat",
            Tab::Dashboard => "dashboard",
        };
        storage::set("tab", word);
        self.look.update(|look| look.tab = tab);
    }
}

/// The three lights, and the clock that ages are read from.
#[derive(Clone, Copy)]
pub(crate) struct LinkState {
    /// `None` when the server's address makes no sense; the link then stays disconnected.
    pub(crate) connection: Kept<Option<Connection>>,
    pub(crate) lights: RwSignal<Lights>,
    /// The rooms that are joined, and how far they were read.
    pub(crate) rooms: Kept<Option<Rooms>>,
    /// Grows with each connection; what was asked over an older one is void.
    pub(crate) generation: Kept<u32>,
    /// The browser's clock, each second.
    pub(crate) second: RwSignal<f64>,
    /// The browser's clock, several times a second.
    pub(crate) moment: RwSignal<f64>,
}

/// What the status line and the banner tell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Lights {
    /// The browser's link; `None` until it is first heard of.
    pub(crate) status: Option<Status>,
    pub(crate) gap: Gap,
    /// The server's bridge; `None` while nobody can know.
    pub(crate) bridge: Option<BridgeStatus>,
}

impl Lights {
    /// Whether the bridge is up; nobody knows without a link.
    pub(crate) fn bridge_is_up(&self) -> bool {
        let state = self.bridge.as_ref().map(|bridge| bridge.state);
        state == Some(BridgeState::Up)
    }
}

impl LinkState {
    fn new() -> Self {
        let now = browser::now();
        let lights = Lights {
            status: None,
            gap: Gap {
                since: Some(now),
                ..Gap::default()
            },
            bridge: None,
        };
        Self {
            connection: StoredValue::new_local(None),
            lights: RwSignal::new(lights),
            rooms: StoredValue::new_local(None),
            generation: StoredValue::new_local(0),
            second: RwSignal::new(now),
            moment: RwSignal::new(now),
        }
    }

    /// Joins a room from where it was read to, or with so many of its newest messages; without a link as soon as there is
    /// one.
    pub(crate) fn want(self, room: &str, history: u32) {
        self.with_rooms(&|rooms| rooms.want(room, history));
    }

    /// Leaves a room.
    pub(crate) fn leave(self, room: &str) {
        self.with_rooms(&|rooms| drop(rooms.leave(room)));
    }

    fn with_rooms(self, act: &dyn Fn(&Rooms)) {
        self.rooms.with_value(|rooms| rooms.iter().for_each(act));
    }

    /// Forgets how far a room was read, so that its history comes again.
    pub(crate) fn forget(self, room: &str) {
        self.with_rooms(&|rooms| rooms.forget(room));
    }

    pub(crate) fn is_up(self) -> bool {
        self.lights.with_untracked(|it| it.gap.since.is_none())
    }
}

/// The chat.
#[derive(Clone, Copy)]
pub(crate) struct ChatState {
    /// The logs of the rooms visited, by the rooms' names.
    pub(crate) logs: Kept<Table<ChatLog>>,
    pub(crate) people: Kept<People>,
    /// The room to be in: the current one, or one that is not joined yet.
    pub(crate) goal: Kept<String>,
    /// Whether logs or people changed since they were shown.
    pub(crate) changed: Kept<bool>,
    /// Whether a guest's token that was not good any more was replaced since there was a connection.
    pub(crate) is_renewed: Kept<bool>,
    /// The public id that the session token given last stands for; empty without one.
    pub(crate) who: Kept<String>,
    /// The public ids under which the reader writes and has written, with or without a token.
    pub(crate) mine: Kept<Vec<String>>,
    /// Whether the reader is at the end of the log and follows it.
    pub(crate) follows: RwSignal<bool>,
    pub(crate) view: RwSignal<ChatView>,
    pub(crate) announcer: Kept<Announcer>,
    /// The lines that a screen reader reads: each a key, and the words in a second line.
    pub(crate) announced: RwSignal<Vec<String>>,
}

/// What is shown of the chat.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct ChatView {
    /// The name of the current room.
    pub(crate) room: String,
    pub(crate) recent: Vec<String>,
    pub(crate) room_failure: Option<Failure>,
    /// The name that the reader chose.
    pub(crate) name: Option<String>,
    pub(crate) name_failure: Option<Failure>,
    /// Whether the name is to be proved by a password.
    pub(crate) asks_password: bool,
    /// Rooms that the reader was invited to: the room, and in a second line who invited.
    pub(crate) invitations: Vec<String>,
    /// What became of the last command that was typed.
    pub(crate) notice: super::chat::notice::Notice,
    /// The public id of this connection's peer, once it has its name.
    pub(crate) peer: Option<String>,
    /// The lines of the current room, set once a frame.
    pub(crate) rows: Vec<Row>,
    /// How many older lines of it were dropped.
    pub(crate) dropped: u64,
    /// How many messages of others arrived in it.
    pub(crate) received: u64,
    /// Who is in it, unless they are too many for a list.
    pub(crate) present: Vec<Author>,
    /// How many people are in it.
    pub(crate) people: usize,
}

impl ChatView {
    /// The reader is nobody any more.
    pub(crate) fn forget_reader(&mut self) {
        self.name = None;
        self.peer = None;
        self.name_failure = None;
        self.invitations.clear();
    }
}

impl ChatState {
    fn new() -> Self {
        let room = browser::fragment().or_else(|| storage::get("room"));
        let room = room.and_then(|room| room_name::parse(&room));
        let room = room.unwrap_or_else(|| room_name::DEFAULT.to_owned());
        let recent = storage::get("rooms").unwrap_or_default();
        let view = ChatView {
            room: room.clone(),
            recent: recent.lines().filter_map(room_name::parse).collect(),
            name: storage::get("name"),
            ..ChatView::default()
        };
        Self {
            logs: StoredValue::new_local(Table::default()),
            people: StoredValue::new_local(People::default()),
            goal: StoredValue::new_local(room),
            changed: StoredValue::new_local(true),
            is_renewed: StoredValue::new_local(false),
            who: StoredValue::new_local(String::new()),
            mine: StoredValue::new_local(Vec::new()),
            follows: RwSignal::new(true),
            view: RwSignal::new(view),
            announcer: StoredValue::new_local(Announcer::default()),
            announced: RwSignal::new(Vec::new()),
        }
    }

    /// The name of the current room, without following it.
    pub(crate) fn room(self) -> String {
        self.view.with_untracked(|view| view.room.clone())
    }

    /// Changes the log of a room.
    pub(crate) fn change_log<T>(
        self,
        room: &str,
        change: impl FnOnce(&mut ChatLog) -> T,
    ) -> Option<T> {
        self.changed.set_value(true);
        self.logs.try_update_value(|logs| {
            let log = logs.get_or_insert(room, ChatLog::default);
            let changed = change(log);
            outbox::settle(log);
            changed
        })
    }

    /// Changes who is there.
    pub(crate) fn change_people(self, change: impl FnOnce(&mut People)) {
        self.changed.set_value(true);
        self.people.update_value(change);
    }
}
