//! Plain HTTP requests of the tests themselves.

use rustls::crypto::ring;

/// What sends them.
pub(crate) fn http() -> reqwest::Client {
    // It fails where a client of ours has chosen it already.
    let _ = ring::default_provider().install_default();
    reqwest::Client::new()
}

/// Sends a GET.
pub(crate) async fn get(url: impl reqwest::IntoUrl) -> reqwest::Result<reqwest::Response> {
    http().get(url).send().await
}
