//! A server that opens a session, confirms the main namespace, and then says what it is told to say: no packet, mostly.

use axum::{Router, extract::RawQuery, http::Method};
use futures_util::{SinkExt, StreamExt};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio::net::TcpListener;
use tokio_tungstenite::{accept_async, tungstenite::Message};

const HANDSHAKE: &str = r#"0{"sid":"s","upgrades":[],"pingInterval":25000,"pingTimeout":20000}"#;
const CONFIRMED: &str = r#"40{"sid":"n"}"#;

/// Starts one that speaks WebSocket only; gives its origin.
pub(crate) async fn by_websocket(says: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut socket = accept_async(stream).await.unwrap();
                socket.send(Message::text(HANDSHAKE)).await.unwrap();
                assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("40"));
                socket.send(Message::text(CONFIRMED)).await.unwrap();
                socket.send(Message::text(says)).await.unwrap();
                while socket.next().await.is_some_and(|message| message.is_ok()) {}
            });
        }
    });
    origin
}

/// Starts one that speaks polling only; gives its origin.
pub(crate) async fn by_polling(says: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let polls = Arc::new(AtomicUsize::new(0));
    let answer = move |method: Method, RawQuery(query): RawQuery| {
        let polls = Arc::clone(&polls);
        async move {
            if !query.unwrap_or_default().contains("sid=") {
                polls.store(0, Ordering::SeqCst);
                return HANDSHAKE;
            }
            if method == Method::POST {
                return "ok";
            }
            match polls.fetch_add(1, Ordering::SeqCst) {
                0 => CONFIRMED,
                1 => says,
                _ => std::future::pending().await,
            }
        }
    };
    let router = Router::new().fallback(answer);
    tokio::spawn(async move { axum::serve(listener, router).await });
    origin
}
