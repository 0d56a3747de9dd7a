//! The cookies of one server, for load balancers with sticky sessions.
//!
//! As much of RFC 6265 as one host needs: the last value of each name, sent back with every request and WebSocket; a
//! `Max-Age` of 0 or less removes it. Not here: domains, paths and expiry dates, which one path on one host does not have.

use reqwest::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// The most cookies of one server; further ones are left out.
const MOST: usize = 50;

/// What a server has set; clones are the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Cookies(Arc<Mutex<BTreeMap<String, String>>>);

impl Cookies {
    /// Takes what a response sets.
    pub(super) fn take(&self, headers: &HeaderMap) {
        let mut cookies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let set = headers.get_all(SET_COOKIE).into_iter();
        for cookie in set.filter_map(|value| value.to_str().ok()) {
            let mut parts = cookie.split(';').map(str::trim);
            let Some((name, value)) = parts.next().and_then(|pair| pair.split_once('=')) else {
                continue;
            };
            if parts.any(is_over) {
                cookies.remove(name);
            } else if cookies.len() < MOST || cookies.contains_key(name) {
                cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }

    /// Adds them to the headers of a request.
    pub(super) fn add_to(&self, headers: &mut HeaderMap) {
        let cookies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let pairs = cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        let line = pairs.collect::<Vec<_>>().join("; ");
        if let (false, Ok(value)) = (line.is_empty(), HeaderValue::try_from(line)) {
            headers.append(COOKIE, value);
        }
    }
}

fn is_over(attribute: &str) -> bool {
    let Some((name, value)) = attribute.split_once('=') else {
        return false;
    };
    name.eq_ignore_ascii_case("max-age") && value.parse::<i64>().is_ok_and(|seconds| seconds <= 0)
}

#[cfg(test)]
mod tests {
    use super::Cookies;
    use reqwest::header::{COOKIE, HeaderMap, SET_COOKIE};

    #[test]
    fn the_last_value_of_each_name_is_sent_back() {
        let cookies = Cookies::default();
        let set = |lines: &[&str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(SET_COOKIE, line.parse().unwrap());
            }
            cookies.take(&headers);
            let mut request = HeaderMap::new();
            cookies.add_to(&mut request);
            let line = request
                .get(COOKIE)
                .map(|line| line.to_str().unwrap().to_owned());
            line.unwrap_or_default()
        };
        assert_eq!(set(&[]), "");
        assert_eq!(
            set(&["io=1; Path=/; HttpOnly", "lb=a=b", "rubbish"]),
            "io=1; lb=a=b"
        );
        assert_eq!(set(&["io=2", "lb=; Max-Age=0"]), "io=2");
    }
}
