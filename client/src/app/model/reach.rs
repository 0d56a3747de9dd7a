//! The command by which a reader publishes to the broker, as it would work where the reader is.
//!
//! Not here: whether the broker's link is up, and showing it.

use tertulia_shared::bridge::Reach;

/// `mosquitto_pub` for a topic and a message; `None` where the reader cannot reach the broker: it listens on its own machine
/// only, and the page was reached by another host.
pub fn publish(reach: &Reach, page_host: &str, topic: &str, message: &str) -> Option<String> {
    let host = reach.host.as_deref().unwrap_or(page_host);
    if is_loopback(host) && !is_loopback(page_host) {
        return None;
    }
    let login = if reach.login {
        " -u NAME -P PASSWORD"
    } else {
        ""
    };
    let (host, topic, message) = (quoted(host), quoted(topic), quoted(message));
    let port = reach.port;
    Some(format!(
        "mosquitto_pub -h {host} -p {port}{login} -t {topic} -m {message}"
    ))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "::1" || host.starts_with("127.")
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/_.-:".contains(&byte);
    if !word.is_empty() && word.bytes().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::publish;
    use tertulia_shared::bridge::Reach;

    fn reach(host: Option<&str>, port: u16, login: bool) -> Reach {
        let host = host.map(str::to_owned);
        Reach { host, port, login }
    }

    #[test]
    fn the_command_works_where_the_reader_is() {
        for (host, page_host, expected) in [
            (None, "chat.example", Some("chat.example")),
            (None, "192.168.1.7", Some("192.168.1.7")),
            (Some("10.0.0.2"), "chat.example", Some("10.0.0.2")),
            (Some("127.0.0.1"), "localhost", Some("127.0.0.1")),
            (Some("::1"), "127.0.0.1", Some("::1")),
            (Some("127.0.0.1"), "192.168.1.7", None),
            (Some("localhost"), "chat.example", None),
        ] {
            let command = publish(&reach(host, 1_999, false), page_host, "chat/lobby", "hi");
            let expected =
                expected.map(|host| format!("mosquitto_pub -h {host} -p 1999 -t chat/lobby -m hi"));
            assert_eq!(command, expected, "{host:?} from {page_host}");
        }
    }

    #[test]
    fn a_shell_takes_any_room_and_a_login_is_asked_for() {
        let command = publish(&reach(None, 1_883, true), "h", "chat/it's; rm", "¡Hola!");
        let expected =
            r"mosquitto_pub -h h -p 1883 -u NAME -P PASSWORD -t 'chat/it'\''s; rm' -m '¡Hola!'";
        assert_eq!(command.unwrap(), expected);
    }
}
