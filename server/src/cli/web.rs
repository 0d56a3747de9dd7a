//! The options of `tertulia serve` about the page, and about pages of other origins.

use clap::Args;
use std::path::PathBuf;
use url::Url;

#[derive(Args)]
pub(super) struct WebOptions {
    /// The directory of the built page.
    #[arg(
        long,
        env = "TERTULIA_PAGE",
        value_name = "DIRECTORY",
        default_value = "dist"
    )]
    pub(super) page: PathBuf,

    /// Serve all below this path too, for a proxy that serves other things beside it: `/tertulia`.
    #[arg(long, env = "TERTULIA_BASE_PATH", value_name = "PATH", value_parser = base_path)]
    pub(super) base_path: Option<String>,

    /// Let pages of this origin talk to the server, besides its own and those of this machine. Apps have origins too:
    /// `capacitor://localhost`, `tauri://localhost`.
    #[arg(long, env = "TERTULIA_ALLOW_ORIGIN", value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub(super) allow_origin: Vec<String>,

    /// Let pages of this origin show the page in a frame.
    #[arg(long, env = "TERTULIA_ALLOW_EMBEDDING", value_name = "ORIGIN", value_delimiter = ',', value_parser = origin)]
    pub(super) allow_embedding: Vec<String>,
}

/// An origin as browsers write it (RFC 6454 §6.2). The URL Standard gives other schemes than those of the web no origin of their
/// own; browsers in apps send scheme and host.
fn origin(text: &str) -> Result<String, String> {
    let url = Url::parse(text).ok().filter(|url| {
        let origin = url.origin();
        let is_app = || url.host().is_some() && url.path().is_empty() && url.as_str() == text;
        match origin.is_tuple() {
            true => origin.ascii_serialization() == text,
            false => {
                is_app() && url.username().is_empty() && url.query().or(url.fragment()).is_none()
            }
        }
    });
    url.map(|_| text.to_owned()).ok_or_else(|| {
        "write scheme, host and port only, such as https://chat.example:8443 or capacitor://localhost"
            .to_owned()
    })
}

/// A path without a slash at its end.
fn base_path(text: &str) -> Result<String, String> {
    let path = text.strip_suffix('/').unwrap_or(text);
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let is_segment =
        |segment: &str| !segment.trim_matches('.').is_empty() && segment.bytes().all(is_plain);
    match path.strip_prefix('/') {
        Some(rest) if rest.split('/').all(is_segment) => Ok(path.to_owned()),
        _ => Err("write a path of letters, digits and -._~, such as /tertulia".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{base_path, origin};

    #[test]
    fn origins_of_the_web_and_of_apps_are_taken() {
        for good in [
            "https://chat.example",
            "http://chat.example:8080",
            "http://tauri.localhost",
            "capacitor://localhost",
            "ionic://localhost",
            "ionic://my-app",
            "tauri://localhost",
        ] {
            assert_eq!(origin(good).as_deref(), Ok(good));
        }
        for bad in [
            "",
            "*",
            "null",
            "chat.example",
            "https://chat.example/",
            "https://chat.example:443",
            "https://Chat.example",
            "capacitor://localhost/",
            "capacitor://localhost/page",
            "capacitor://me@localhost",
            "capacitor://localhost?x",
            "capacitor://",
            "capacitor:localhost",
            "file:///page",
            "data:text/html,x",
        ] {
            assert!(origin(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_base_path_has_plain_segments() {
        for (text, path) in [
            ("/tertulia", "/tertulia"),
            ("/tertulia/", "/tertulia"),
            ("/apps/chat.1", "/apps/chat.1"),
        ] {
            assert_eq!(base_path(text).as_deref(), Ok(path));
        }
        for bad in [
            "", "/", "//", "tertulia", "/a//b", "/..", "/a/./b", "/{x}", "/a b", "/é", "/a?b",
        ] {
            assert!(base_path(bad).is_err(), "{bad}");
        }
    }
}
