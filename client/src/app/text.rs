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

    /// Its own name.
    pub fn label(self) -> &'static str {
        match self {
            Self::Es => "Español",
            Self::En => "English",
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
    chat: "Chat", "Chat";

    // The status line.
    status: "Estado", "Status";
    link: "Servidor", "Server";
    link_connected: "conectado", "connected";
    link_connecting: "conectando…", "connecting…";
    link_waiting: "sin conexión", "no connection";
    link_silent: "sin respuesta", "no answer";
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
    banner_connecting: "Sin conexión. Conectando…", "No connection. Connecting…";
    banner_waiting: "Sin conexión. Nuevo intento en {} s.", "No connection. Retrying in {} s.";
    banner_silent: "El servidor no responde. Lo que escribas se enviará cuando vuelva la conexión.", "The server isn’t responding. What you write will be sent once the connection is back.";
    banner_disconnected: "El servidor cerró la conexión.", "The server closed the connection.";
    retry_now: "Reintentar", "Retry now";

    nothing_kept: "Este navegador no guarda datos. Si recargas, perderás tu nombre, los borradores y los mensajes sin enviar.", "This browser isn’t storing data. If you reload, you’ll lose your name, drafts and unsent messages.";
    understood: "Entendido", "OK";

    // Name and room.
    name_question: "¿Cómo te llamas?", "What’s your name?";
    name: "Nombre", "Name";
    name_placeholder: "Tu nombre", "Your name";
    enter: "Entrar", "Join";
    save: "Guardar", "Save";
    cancel: "Cancelar", "Cancel";
    writing_as: "Escribes como", "Writing as";
    change_name: "Cambiar nombre", "Change name";
    password: "Contraseña", "Password";
    sign_out: "Cerrar sesión", "Sign out";
    room: "Sala", "Room";
    go: "Ir", "Go";
    recent_rooms: "Salas recientes", "Recent rooms";
    people: "Personas en la sala", "People in this room";
    you: "tú", "you";
    joining: "Entrando en la sala…", "Joining the room…";
    invited: "{} te ha invitado a #{}", "{} invited you to #{}";
    may_join: "{} ya puede entrar.", "{} can join now.";
    nobody: "No hay nadie con ese nombre.", "There’s nobody with that name.";

    // Messages.
    sent_through: "enviado por", "sent through";
    messages: "Mensajes", "Messages";
    message: "Mensaje", "Message";
    message_placeholder: "Mensaje en #{}", "Message #{}";
    send: "Enviar", "Send";
    characters_left: "Quedan {} caracteres", "{} characters left";
    characters_over: "Sobran {} caracteres", "{} characters over the limit";
    pending: "Enviando…", "Sending…";
    queued: "Pendiente de envío", "Waiting to send";
    not_sent: "No se envió. {}", "Not sent. {}";
    retry: "Reintentar", "Retry";
    discard: "Descartar", "Discard";
    missed_unknown: "Pueden faltar mensajes", "Some messages may be missing";
    missed_one: "Falta 1 mensaje", "1 message is missing";
    missed_many: "Faltan {} mensajes", "{} messages are missing";
    dropped: "No se muestran {} mensajes anteriores", "{} older messages are not shown";
    new_one: "1 mensaje nuevo", "1 new message";
    new_many: "{} mensajes nuevos", "{} new messages";
    chat_empty: "Aún no hay mensajes en #{}", "No messages in #{} yet";
    chat_empty_hint: "Escribe el primero o publícalo por MQTT:", "Write the first one, or publish it over MQTT:";
    chat_empty_hint_alone: "Escribe el primero.", "Write the first one.";
    private_hint: "Solo con invitación. Para añadir a alguien, escribe:", "Invite only. To add someone, type:";

    too_many_waiting: "Hay {} mensajes sin enviar. Espera a que salgan algunos.", "{} messages are waiting. Wait until some are sent.";

    // Commands of the composer.
    commands: "/join SALA: ir a otra sala\n/invite NOMBRE: invitar a alguien a esta sala privada\n/help: ver esta lista\n//texto: enviar un texto que empieza por /", "/join ROOM: go to another room\n/invite NAME: invite someone to this private room\n/help: show this list\n//text: send a text that begins with /";
    unknown_command: "El comando {} no existe. Puedes usar:", "There’s no {} command. You can use:";
    join_what: "Escribe el nombre de una sala: /join SALA", "Type a room name: /join ROOM";
    invite_whom: "Escribe a quién: /invite NOMBRE", "Type a name: /invite NAME";
    room_is_open: "Cualquiera puede entrar en #{}. Solo las salas private/… necesitan invitación.", "Anyone can join #{}. Only private/… rooms need an invitation.";

    // The dashboard.
    window: "Periodo de las gráficas", "Time range of the charts";
    minutes: "{} min", "{} min";
    no_devices: "Aún no hay dispositivos", "No devices yet";
    no_devices_hint: "Aparecen en cuanto publican por MQTT. Prueba:", "They appear as soon as they publish over MQTT. Try:";
    no_devices_hint_alone: "Aparecen en cuanto publican por MQTT.", "They appear as soon as they publish over MQTT.";
    broker_login: "El broker pide usuario y contraseña.", "The broker asks for a user name and password.";
    copy: "Copiar", "Copy";
    copied: "Copiado", "Copied";
    more_devices: "Hay más de {} dispositivos: al menos {} no se muestran", "There are more than {} devices: at least {} are not shown";
    find_device: "Buscar dispositivo", "Find a device";
    which_devices: "Qué dispositivos se muestran", "Which devices are shown";
    all_devices: "Todos: {}", "All: {}";
    problem_devices: "Problemas: {}", "Problems: {}";
    offline_devices: "Desconectados: {}", "Offline: {}";
    no_device_matches: "Ningún dispositivo coincide", "No device matches";
    more_cards: "Mostrar más ({} de {})", "Show more ({} of {})";
    more_metrics: "{} valores más no se muestran", "{} more values are not shown";
    skipped: "Se omitieron {} lecturas porque la conexión es lenta", "{} readings were skipped because the connection is slow";
    dashboard_refused: "No puedes ver los dispositivos. {}", "You can’t see the devices. {}";
    online: "en línea", "online";
    offline: "desconectado", "offline";
    no_status: "sin estado", "no status";
    stale: "desactualizado", "out of date";
    show_in_chart: "Mostrar en la gráfica", "Show in chart";
    chart_of: "Gráfica de los últimos {} min. {}", "Chart of the last {} min. {}";
    chart_line: "{}: último {}, mínimo {}, máximo {}.", "{}: latest {}, lowest {}, highest {}.";
    chart_line_empty: "{}: sin valores.", "{}: no values.";
    chart_waiting: "Esperando más valores…", "Waiting for more values…";
    fault_one: "1 mensaje ilegible en {}", "1 unreadable message on {}";
    fault_many: "{} mensajes ilegibles en {}", "{} unreadable messages on {}";
    on: "activado", "on";
    off: "desactivado", "off";

    // Commands.
    controls: "Controles", "Controls";
    not_reported: "sin valor", "no value yet";
    command_sending: "Enviando…", "Sending…";
    command_accepted: "Esperando al dispositivo…", "Waiting for the device…";
    command_done: "Confirmado por el dispositivo", "Confirmed by the device";
    command_timeout: "El dispositivo no respondió en 5 s", "The device didn’t respond within 5 s";
    send_command: "Enviar un comando", "Send a command";
    target: "Destino", "Target";
    value: "Valor", "Value";

    // Ages.
    age_now: "ahora", "now";
    age_unknown: "edad desconocida", "age unknown";
    age_seconds: "hace {} s", "{} s ago";
    age_minutes: "hace {} min", "{} min ago";
    age_hours: "hace {} h", "{} h ago";
    age_days: "hace {} d", "{} d ago";

    // Why something was not accepted.
    no_answer: "El servidor no respondió.", "The server didn’t respond.";
    link_lost: "Se perdió la conexión.", "The connection was lost.";
    signed_out_before: "Cerraste la sesión antes de que se enviara.", "You signed out before it was sent.";
    unreadable: "El servidor envió una respuesta no válida.", "The server sent an invalid response.";
    bad_name: "Usa entre 1 y 40 caracteres visibles.", "Use 1 to 40 visible characters.";
    bad_text: "Escribe entre 1 y 4000 caracteres visibles.", "Use 1 to 4,000 visible characters.";
    bad_room: "Ese nombre de sala no es válido.", "That room name isn’t valid.";
    room_not_allowed: "No tienes acceso a esa sala.", "You don’t have access to that room.";
    bad_device: "El dispositivo y el destino no pueden contener «/», «+» ni «#».", "The device and target can’t contain “/”, “+” or “#”.";
    too_many_rooms: "Hay demasiadas salas abiertas.", "Too many rooms are open.";
    bridge_is_down: "El broker no está disponible.", "The broker is unavailable.";
    broker_refused: "El broker rechazó el comando.", "The broker rejected the command.";
    name_reserved: "Ese nombre está reservado. Elige otro.", "That name is reserved. Choose another one.";
    ambiguous_name: "Hay varias personas con ese nombre. ¿A quién te refieres?", "Several people have that name. Which one do you mean?";
    name_taken: "Ese nombre está registrado. Escribe su contraseña.", "That name is registered. Enter its password.";
    bad_password: "Nombre o contraseña incorrectos.", "Wrong name or password.";
    bad_token: "Tu sesión ha caducado. Vuelve a entrar.", "Your session has expired. Please sign in again.";
    account_needed: "Necesitas una cuenta. Escribe tu nombre y contraseña.", "You need an account. Enter your name and password.";
    name_kept: "Tu cuenta conserva su nombre. Cierra sesión para usar otro.", "Your account keeps its name. Sign out to use another.";
    id_taken: "No se pudo identificar el mensaje. Inténtalo de nuevo.", "The message couldn’t be identified. Try again.";
    server_full: "Ahora no se pueden crear más salas.", "No more rooms can be created right now.";
    out_of_step: "La página y el servidor no coinciden. Recarga la página.", "The page and the server don’t match. Reload the page.";
    rate_limited: "Vas demasiado rápido. Espera un momento.", "You’re going too fast. Wait a moment.";
    server_busy: "El servidor está ocupado. Inténtalo más tarde.", "The server is busy. Try again later.";
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

    /// A sentence for a failure; the server's own words for a code that this page does not know.
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
                Code::NameReserved => self.name_reserved,
                Code::AmbiguousName => self.ambiguous_name,
                Code::BadPassword => self.bad_password,
                Code::BadToken => self.bad_token,
                Code::AccountNeeded => self.account_needed,
                Code::RateLimited => self.rate_limited,
                Code::BadId => self.id_taken,
                Code::ServerFull => self.server_full,
                Code::UnknownEvent | Code::BadPayload => self.out_of_step,
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
        assert_eq!(
            Lang::En.texts().failure(&reject(Code::BadPassword)),
            "Wrong name or password."
        );
        assert_eq!(texts.failure(&reject(Code::Unknown)), "the server's words");
    }
}
