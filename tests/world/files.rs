//! The page's files as any web server has them: without the policy of ours, by which the page talks to its own server only.

use super::server::page;
use axum::{
    Router,
    http::{StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use tokio::net::TcpListener;

/// Serves them until the test ends, and gives the origin.
pub(crate) async fn served() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(file);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    origin
}

async fn file(uri: Uri) -> Response {
    let name = match uri.path() {
        "/" => "index.html",
        path => &path[1..],
    };
    let kind = match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html",
        "css" => "text/css",
        "js" => "text/javascript",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    match std::fs::read(page().join(name)) {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => StatusCode::NOT_FOUND.into_response(),
    }
}
