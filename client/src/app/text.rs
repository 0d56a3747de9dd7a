//! Every text of the page, in Spanish and English: the only place where one is written.
//!
//! `{}` stands for a value. Not here: numbers and dates, which the browser's `Intl` writes.

use super::model::{age::Age, failure::Failure};
use tertulia_shared::Code;

/// A language of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lang {
    /// Spanish.
    Es,
    /// English.
    En,
}

impl Lang {
    /// The language of a tag such as `es-MX`; `None` when the page does not speak it.
    pub fn of_tag(tag: &str) -> Option<Self> {
        match tag.get(..2)?.to_ascii_lowercase().as_str() {
            "es" => Some(Self::Es),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The first language of `tags` that the page speaks; English when there is none.
    pub fn choose<'a>(mut tags: impl Iterator<Item = &'a str>) -> Self {
        tags.find_map(Self::of_tag).unwrap_or(Self::En)
    }

    /// The tag for `<html lang>` and `Intl`.
    pub fn tag(self) -> &'static str {
        match self {
            Self::Es => "es",
            Self::En => "en",
        }
    }

    /// The short name that people know.
    pub fn label(self) -> &'static str {
        match self {
            Self::Es => "ES",
            Self::En => "EN",
        }
    }

    /// The other language.
    pub fn other(self) -> Self {
        match self {
            Self::Es => Self::En,
            Self::En => Self::Es,
        }
    }

    /// The texts in this language.
    pub fn texts(self) -> &'static Texts {
        match self {
            Self::Es => &SPANISH,
            Self::En => &ENGLISH,
        }
    }
}

macro_rules! texts {
    ($($name:ident: $spanish:literal, $english:literal;)*) => {
        /// The texts of the page in one language.
        #[derive(Debug)]
        pub struct Texts {
            $(#[doc = $english] pub $name: &'static str,)*
        }
        static SPANISH: Texts = Texts { $($name: $spanish,)* };
        static ENGLISH: Texts = Texts { $($name: $english,)* };
        #[cfg(test)]
        const TABLE: &[(&str, &str, &str)] = &[$((stringify!($name), $spanish, $english),)*];
    };
}

texts! {
    // The frame.
    switch_language: "Switch to English", "Cambiar a español";
    theme_dark: "Tema oscuro", "Dark theme";
    tabs: "Secciones", "Sections";
    chat: "Conversación", "Chat";
    dashboard: "Panel", "Dashboard";

    // The status line.
    status: "Estado", "Status";
    link: "Servidor", "Server";
    link_connected: "conectado", "connected";
    link_connecting: "conectando…", "connecting…";
    link_waiting: "sin conexión", "no connection";
    link_disconnected: "desconectado", "disconnected";
    attempt: "intento {}", "attempt {}";
    bridge: "Broker", "Broker";
    bridge_up: "conectado", "connected";
    bridge_down: "sin conexión", "no connection";
    unknown: "sin datos", "unknown";
    devices: "Dispositivos", "Devices";
    devices_online: "{} de {} en línea", "{} of {} online";
    devices_none: "ninguno", "none";

    // The banner.
    banner_connecting: "Sin conexión con el servidor. Conectando…", "No connection to the server. Connecting…";
    banner_waiting: "Sin conexión con el servidor. Nuevo intento en {} s.", "No connection to the server. Next try in {} s.";
    banner_disconnected: "El servidor cerró la conexión.", "The server closed the connection.";
    retry_now: "Reintentar ahora", "Retry now";

    nothing_kept: "Este navegador no permite guardar datos: al recargar la página se pierden tu nombre, los borradores y los mensajes sin enviar.", "This browser does not let the page store anything: your name, drafts and unsent messages are lost when you reload it.";
    understood: "Entendido", "OK";

    // Name and room.
    name_question: "¿Con qué nombre entras?", "What should we call you?";
    name: "Nombre", "Name";
    name_placeholder: "Tu nombre", "Your name";
    enter: "Entrar", "Enter";
    save: "Guardar", "Save";
    cancel: "Cancelar", "Cancel";
    writing_as: "Escribes como", "Writing as";
    change_name: "Cambiar nombre", "Change name";
    password: "Contraseña", "Password";
    sign_out: "Salir", "Sign out";
    room: "Sala", "Room";
    go: "Ir", "Go";
    recent_rooms: "Salas recientes", "Recent rooms";
    people: "Personas en la sala", "People in the room";
    you: "tú", "you";
    joining: "Entrando en la sala…", "Joining the room…";
    invited: "{} te invita a #{}", "{} invites you to #{}";
    may_join: "{} ya puede entrar", "{} may join now";
    nobody: "aquí no hay nadie con ese nombre", "nobody here has that name";

    // Messages.
    messages: "Mensajes", "Messages";
    message: "Mensaje", "Message";
    message_placeholder: "Mensaje para #{}", "Message #{}";
    send: "Enviar", "Send";
    characters_left: "Quedan {} caracteres", "{} characters left";
    characters_over: "Sobran {} caracteres", "{} characters too many";
    pending: "Enviando…", "Sending…";
    queued: "Se enviará en cuanto se pueda", "Will be sent as soon as possible";
    not_sent: "No se envió: {}", "Not sent: {}";
    retry: "Reintentar", "Retry";
    discard: "Descartar", "Discard";
    missed_unknown: "Puede que falten mensajes", "Messages may be missing";
    missed_one: "Falta 1 mensaje", "1 message missed";
    missed_many: "Faltan {} mensajes", "{} messages missed";
    dropped: "{} mensajes anteriores no se muestran", "{} older messages are not shown";
    new_one: "1 mensaje nuevo", "1 new message";
    new_many: "{} mensajes nuevos", "{} new messages";
    chat_empty: "Aún no hay mensajes en #{}", "No messages in #{} yet";
    chat_empty_hint: "Escribe el primero, o publícalo por MQTT:", "Write the first one, or publish it over MQTT:";
    chat_empty_hint_alone: "Escribe el primero.", "Write the first one.";
    private_hint: "Solo se entra con invitación. Escribe:", "It is entered by invitation only. Write:";

    too_many_waiting: "Ya hay {} mensajes sin enviar: espera a que salgan algunos", "{} messages are waiting to be sent: wait until some have gone out";

    // Commands of the composer.
    commands: "/join SALA: ir a otra sala\n/invite NOMBRE: invitar a alguien a esta sala privada\n/help: ver esta lista\n//texto: enviar un texto que empieza por /", "/join ROOM: go to another room\n/invite NAME: invite someone to this private room\n/help: show this list\n//text: send a text that begins with /";
    unknown_command: "El comando {} no existe. Puedes usar:", "There is no command {}. You can use:";
    join_what: "Escribe el nombre de una sala: /join SALA", "Write the name of a room: /join ROOM";
    invite_whom: "Escribe a quién: /invite NOMBRE", "Write whom to invite: /invite NAME";
    room_is_open: "En #{} puede entrar cualquiera, sin invitación. Solo las salas private/… la piden.", "Anyone can enter #{} without an invitation. Only rooms named private/… need one.";

    // The dashboard.
    window: "Intervalo de las gráficas", "Time span of the charts";
    minutes: "{} min", "{} min";
    no_devices: "Aún no hay dispositivos", "No devices yet";
    no_devices_hint: "Aparecen solos en cuanto publican por MQTT. Prueba:", "They appear by themselves once they publish over MQTT. Try:";
    no_devices_hint_alone: "Aparecen solos en cuanto publican por MQTT.", "They appear by themselves once they publish over MQTT.";
    broker_login: "El broker pide usuario y contraseña.", "The broker asks for a user name and a password.";
    copy: "Copiar", "Copy";
    copied: "Copiado", "Copied";
    more_devices: "{} dispositivos más no se muestran", "{} more devices are not shown";
    more_metrics: "{} valores más no se muestran", "{} more values are not shown";
    skipped: "{} lecturas omitidas: la conexión es demasiado lenta", "{} readings were skipped: the connection is too slow";
    dashboard_refused: "El servidor no permite ver los dispositivos: {}", "The server does not let you see devices: {}";
    online: "en línea", "online";
    offline: "fuera de línea", "offline";
    no_status: "sin estado", "no status";
    stale: "sin novedades", "stale";
    show_in_chart: "Ver en la gráfica", "Show in the chart";
    chart_of: "Gráfica de {}", "Chart of {}";
    chart_waiting: "Esperando más valores…", "Waiting for more values…";
    fault_one: "1 mensaje ilegible en {}", "1 unreadable message on {}";
    fault_many: "{} mensajes ilegibles en {}", "{} unreadable messages on {}";
    on: "activado", "on";
    off: "desactivado", "off";

    // Commands.
    controls: "Controles", "Controls";
    not_reported: "sin valor", "not reported";
    command_sending: "Enviando…", "Sending…";
    command_accepted: "El broker lo aceptó, falta el dispositivo…", "The broker accepted it, waiting for the device…";
    command_done: "El dispositivo lo hizo", "The device did it";
    command_timeout: "El dispositivo no lo confirmó en 5 s", "The device did not confirm within 5 s";
    send_command: "Enviar una orden", "Send a command";
    target: "Destino", "Target";
    value: "Valor", "Value";

    // Ages.
    age_now: "ahora", "now";
    age_seconds: "hace {} s", "{} s ago";
    age_minutes: "hace {} min", "{} min ago";
    age_hours: "hace {} h", "{} h ago";
    age_days: "hace {} d", "{} d ago";

    // Why something was not accepted.
    no_answer: "el servidor no respondió", "the server did not answer";
    link_lost: "se perdió la conexión", "the connection was lost";
    signed_out_before: "saliste antes de que se enviara", "you signed out before it was sent";
    unreadable: "la respuesta del servidor no se entiende", "the server's answer makes no sense";
    bad_name: "el nombre debe tener de 1 a 40 caracteres", "a name has 1 to 40 characters";
    bad_text: "el texto debe tener de 1 a 4.000 caracteres", "a text has 1 to 4,000 characters";
    bad_room: "ese no es un nombre de sala válido", "that is not a valid room name";
    room_not_allowed: "esa sala no está permitida", "that room is not allowed";
    bad_device: "el dispositivo o el destino no es válido (sin «/», «+» ni «#»)", "the device or target is not valid (no “/”, “+” or “#”)";
    too_many_rooms: "hay demasiadas salas abiertas", "too many rooms are open";
    bridge_is_down: "el broker no está disponible", "the broker cannot be reached";
    broker_refused: "el broker lo rechazó", "the broker refused it";
    name_taken: "ese nombre está registrado: escribe su contraseña", "that name is registered: enter its password";
    bad_password: "el nombre y la contraseña no van juntos", "name and password do not belong together";
    bad_token: "tu sesión terminó: entra otra vez", "your session is over: enter again";
    account_needed: "aquí hace falta una cuenta: nombre y contraseña", "an account is needed here: name and password";
    rate_limited: "demasiado deprisa: espera un poco", "that was too fast: wait a moment";
    server_busy: "el servidor no puede con más ahora", "the server cannot take more now";
}

impl Texts {
    /// The words for an age.
    pub fn age(&self, age: Age) -> String {
        let (template, count) = match age {
            Age::Now => return self.age_now.to_owned(),
            Age::Seconds(count) => (self.age_seconds, count),
            Age::Minutes(count) => (self.age_minutes, count),
            Age::Hours(count) => (self.age_hours, count),
            Age::Days(count) => (self.age_days, count),
        };
        fill(template, &[&count.to_string()])
    }

    /// The words for a failure; the server's own where this table has none.
    pub fn failure(&self, failure: &Failure) -> String {
        let text = match failure {
            Failure::NoAnswer => self.no_answer,
            Failure::LinkLost => self.link_lost,
            Failure::SignedOut => self.signed_out_before,
            Failure::Unreadable => self.unreadable,
            Failure::Refused(reject) => match reject.code {
                Code::BadName => self.bad_name,
                Code::BadText => self.bad_text,
                Code::BadRoom => self.bad_room,
                Code::RoomNotAllowed => self.room_not_allowed,
                Code::BadDevice => self.bad_device,
                Code::TooManyRooms => self.too_many_rooms,
                Code::BridgeDown => self.bridge_is_down,
                Code::BrokerRefused => self.broker_refused,
                Code::NameTaken => self.name_taken,
                Code::BadPassword => self.bad_password,
                Code::BadToken => self.bad_token,
                Code::AccountNeeded => self.account_needed,
                Code::RateLimited => self.rate_limited,
                Code::StorageFull | Code::StorageFailed | Code::ServerBusy => self.server_busy,
                _ => &reject.message,
            },
        };
        text.to_owned()
    }
}

/// `one` for 1, else `many` with the count.
pub fn plural(count: u64, one: &str, many: &str) -> String {
    match count {
        1 => one.to_owned(),
        _ => fill(many, &[&count.to_string()]),
    }
}

/// Puts `values` in the places of the `{}` of `template`, in order.
pub fn fill(template: &str, values: &[&str]) -> String {
    let mut values = values.iter();
    let mut text = String::new();
    for character in template.chars() {
        match character {
            '{' => text.push_str(values.next().copied().unwrap_or_default()),
            '}' => {}
            other => text.push(other),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Lang, TABLE, fill, plural};
    use crate::app::model::{age::Age, failure::Failure};
    use tertulia_shared::{Code, Reject};

    #[test]
    fn both_languages_say_everything_with_the_same_values() {
        for (name, spanish, english) in TABLE {
            assert!(!spanish.is_empty() && !english.is_empty(), "{name}");
            let places = |text: &str| text.matches("{}").count();
            assert_eq!(places(spanish), places(english), "{name}");
        }
    }

    #[test]
    fn chooses_the_first_language_that_it_speaks() {
        for (tags, lang) in [
            (&["es-MX", "en"][..], Lang::Es),
            (&["de", "EN-gb", "es"][..], Lang::En),
            (&["fr"][..], Lang::En),
            (&["é", ""][..], Lang::En),
        ] {
            assert_eq!(Lang::choose(tags.iter().copied()), lang, "{tags:?}");
        }
    }

    #[test]
    fn fills_places_in_order() {
        assert_eq!(fill("{} of {}", &["1", "2"]), "1 of 2");
        assert_eq!(fill("{}", &[]), "");
        assert_eq!(plural(1, "one", "{} many"), "one");
        assert_eq!(plural(3, "one", "{} many"), "3 many");
    }

    #[test]
    fn ages_and_failures_have_words() {
        let texts = Lang::Es.texts();
        assert_eq!(texts.age(Age::Minutes(3)), "hace 3 min");
        let reject = |code| Failure::Refused(Reject::new(code, "the server's words"));
        assert_eq!(texts.failure(&reject(Code::BadName)), texts.bad_name);
        assert_eq!(texts.failure(&reject(Code::Unknown)), "the server's words");
    }
}
