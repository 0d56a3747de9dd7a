//! Which pages may talk to this server: its own, those on this machine to this machine, and those allowed by name.
//!
//! Programs that are no browser send no `Origin` and are not concerned. Not here: the server's own names (`host`).

use super::host::Host;
use axum::http::{HeaderMap, HeaderValue, Method, header, request::Parts};
use std::net::IpAddr;
use std::sync::Arc;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};
use url::Url;

/// Where a browser says from which site a request comes.
const FETCH_SITE: &str = "sec-fetch-site";

/// The pages that may talk to this server.
#[derive(Clone, Debug)]
pub struct Origins {
    /// The origins that were allowed by name, `https://chat.example`.
    allowed: Arc<[String]>,
    /// Whether this server itself is reached by TLS only: then its own page came so too.
    is_secure: bool,
}

impl Origins {
    /// Those of this machine, the server's own and `allowed`.
    pub fn new(allowed: &[String], is_secure: bool) -> Self {
        Self {
            allowed: allowed.into(),
            is_secure,
        }
    }

    /// Whether the page that sends a request may; a request without an origin comes from no other page.
    pub(super) fn allow(
        &self,
        is_from_here: bool,
        host: Option<&Host>,
        headers: &HeaderMap,
    ) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let Some(origin) = origins.next() else {
            return true;
        };
        let allowed = |origin: &str| {
            self.allowed.iter().any(|known| known == origin)
                || (is_from_here && is_loopback(origin))
                || host.is_some_and(|host| self.is_own(origin, host))
        };
        origins.next().is_none() && origin.to_str().is_ok_and(allowed)
    }

    /// Whether the page came from the host that the request names.
    fn is_own(&self, origin: &str, host: &Host) -> bool {
        let Some((scheme, authority)) = origin.split_once("://") else {
            return false;
        };
        // A proxy before a server without TLS may have it.
        let fits = scheme == "https" || (scheme == "http" && !self.is_secure);
        fits && authority.eq_ignore_ascii_case(host.authority())
    }
}

/// Whether a page of another origin sends a request in a way in which it does not name itself, such as an image's
/// (Fetch Metadata, `Sec-Fetch-Site`). What is typed or clicked is `none`, and the own page's `same-origin`.
pub(super) fn is_unnamed_stranger(headers: &HeaderMap) -> bool {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    !headers.contains_key(header::ORIGIN)
        && site.is_some_and(|site| matches!(site, b"cross-site" | b"same-site"))
}

/// Lets the pages that [`super::fence`] lets in read the answers.
pub fn cors(may_read: impl Fn(&Parts) -> bool + Clone + Send + Sync + 'static) -> CorsLayer {
    let may_read = move |_: &HeaderValue, request: &Parts| may_read(request);
    CorsLayer::new()
        .allow_origin(AllowOrigin::predicate(may_read))
        .allow_methods([Method::GET, Method::POST, Method::DELETE])
        // A star would leave `Authorization` out.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers([header::RETRY_AFTER])
}

fn is_loopback(origin: &str) -> bool {
    let Ok(url) = Url::parse(origin) else {
        return false;
    };
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => IpAddr::from(address).is_loopback(),
        Some(url::Host::Ipv6(address)) => IpAddr::from(address).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, Origins};
    use axum::http::{HeaderMap, HeaderValue, header};

    fn allows(origins: &[&'static str], is_from_here: bool, is_secure: bool) -> bool {
        let host = Host::new("house.example:3000");
        let mut headers = HeaderMap::new();
        for origin in origins {
            headers.append(header::ORIGIN, HeaderValue::from_static(origin));
        }
        let known = ["https://chat.example", "capacitor://localhost"];
        let known = Origins::new(&known.map(str::to_owned), is_secure);
        known.allow(is_from_here, host.as_ref(), &headers)
    }

    #[test]
    fn pages_of_this_machine_are_allowed_to_this_machine() {
        for origin in [
            "http://127.0.0.1:8080",
            "http://localhost:8080",
            "http://app.localhost",
            "http://[::1]:8080",
        ] {
            assert!(allows(&[origin], true, false), "{origin}");
            assert!(!allows(&[origin], false, false), "{origin}");
        }
    }

    #[test]
    fn the_own_page_and_those_allowed_by_name_are_allowed() {
        assert!(allows(&[], false, false));
        for origin in [
            "http://house.example:3000",
            "https://house.example:3000",
            "https://chat.example",
            "capacitor://localhost",
        ] {
            assert!(allows(&[origin], false, false), "{origin}");
        }
        assert!(!allows(&["http://house.example:3000"], true, true));
        assert!(allows(&["https://house.example:3000"], true, true));
    }

    #[test]
    fn other_pages_are_not() {
        for origin in [
            "null",
            "",
            "https://evil.example",
            "https://localhost.evil.example",
            "https://chat.example.evil",
            "http://chat.example",
            "capacitor://chat.example",
            "http://house.example",
            "file://house.example:3000",
            "http://localhost@evil.example",
        ] {
            assert!(!allows(&[origin], true, false), "{origin}");
        }
        let own = "http://house.example:3000";
        assert!(!allows(&[own, own], true, false));
    }
}
