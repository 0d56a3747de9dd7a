//! Namespaces over one connection, sharing or not, and what a connection carries: path, query, auth, headers, cookies.

use super::BOTH;
use crate::world::{
    client::{until_connected, until_transport},
    official::{Node, ask, json_of, only, retrying, tell},
    soon,
    watch::{until_linked, until_lost, until_over},
};
use serde_json::{Value, json};
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tertulia_client::connection::{Auth, Connection, Options, Reason, Transport};
use tokio::net::TcpListener;
use tokio_tungstenite::{
    accept_hdr_async,
    tungstenite::handshake::server::{Request, Response},
};

async fn handshake(connection: &Connection) -> Value {
    ask(connection, "test:handshake", &[]).await
}

#[tokio::test]
async fn several_namespaces_share_one_connection() {
    for transport in BOTH {
        let node = Node::start().await;
        let main = node.connect(only(transport));
        let admin = main.of("/admin", Auth::None);
        let other = main.of("/other", Auth::None);
        for (connection, name) in [(&main, "/"), (&admin, "/admin"), (&other, "/other")] {
            assert_eq!(handshake(connection).await["namespace"], name);
        }
        assert_eq!(node.engines().await, 1);
        admin.disconnect();
        assert_eq!(until_over(&admin).await, Reason::ClientDisconnect);
        tell(&other, "test:bye", &[]).await;
        assert_eq!(until_over(&other).await, Reason::ServerDisconnect);
        assert_eq!(handshake(&main).await["namespace"], "/");
        main.disconnect();
        assert_eq!(until_over(&main).await, Reason::ClientDisconnect);
    }
}

/// What breaks it: looking only at the origin, and not at whether the namespace is in use there already.
#[tokio::test]
async fn connections_of_one_origin_share_unless_told_otherwise() {
    let node = Node::start().await;
    let main = node.connect(Options::default());
    until_connected(&main).await;
    let mut kept = vec![main];
    for (url, force_new, engines) in [
        ("/admin", false, 1),
        ("", false, 2),
        ("/other", true, 3),
        ("/other", false, 3),
        ("/admin", false, 3),
        ("/admin", false, 4),
        ("/other?a=1", false, 5),
    ] {
        let options = Options {
            force_new,
            ..Options::default()
        };
        let connection = Connection::connect_with(&format!("{}{url}", node.origin), options);
        kept.push(connection.unwrap());
        until_connected(kept.last().unwrap()).await;
        assert_eq!(node.engines().await, engines, "{url}");
    }
}

/// What breaks it: looking only at what was connected by URL.
#[tokio::test]
async fn a_namespace_that_is_in_use_by_a_handle_is_not_joined() {
    let node = Node::start().await;
    let main = node.connect(Options::default());
    let admin = main.of("/admin", Auth::None);
    until_connected(&admin).await;
    let url = format!("{}/admin", node.origin);
    let another = Connection::connect(&url).unwrap();
    until_connected(&another).await;
    assert_eq!(node.engines().await, 2);
}

#[tokio::test]
async fn the_namespace_of_the_url_goes_before_that_of_the_options() {
    let node = Node::start().await;
    let options = Options {
        namespace: "/other".to_owned(),
        ..Options::default()
    };
    let url = format!("{}/admin?x=%20y", node.origin);
    let by_url = Connection::connect_with(&url, options.clone()).unwrap();
    let seen = handshake(&by_url).await;
    assert_eq!(
        (&seen["namespace"], &seen["query"]["x"]),
        (&json!("/admin"), &json!(" y"))
    );
    let by_option = node.connect(options);
    assert_eq!(handshake(&by_option).await["namespace"], "/other");
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_the_main_one_lives_on() {
    let node = Node::start().await;
    let main = node.connect(Options::default());
    until_transport(&main, Transport::WebSocket).await;
    let nowhere = main.of("/nowhere", Auth::None);
    let Reason::Refused(refusal) = until_over(&nowhere).await else {
        panic!("not refused");
    };
    assert_eq!(refusal.message(), "Invalid namespace");
    assert_eq!(handshake(&main).await["namespace"], "/");
    assert_eq!(node.engines().await, 1);
}

#[tokio::test]
async fn path_query_and_headers_arrive_on_both_transports() {
    for transport in BOTH {
        let node = Node::with_io(json!({ "path": "/else/where/" })).await;
        let connection = node.connect(Options {
            path: "/else/where/".to_owned(),
            extra_headers: vec![("x-device".to_owned(), "lamp".to_owned())],
            query: vec![("room".to_owned(), "a b&c=ñ".to_owned())],
            ..only(transport)
        });
        let seen = handshake(&connection).await;
        assert_eq!(seen["headers"]["x-device"], "lamp");
        assert_eq!(seen["query"]["room"], "a b&c=ñ");
        assert_eq!(seen["query"]["transport"], transport.to_string());
    }
}

#[tokio::test]
async fn the_auth_arrives_as_it_is() {
    let mut node = Node::start().await;
    let auth = json!({ "token": "right", "more": [1, { "a": null }] });
    let main = node.connect(Options {
        auth: Auth::Value(json_of(&auth)),
        ..Options::default()
    });
    assert_eq!(node.until("connected").await["auth"], auth);
    let _admin = main.of("/admin", Auth::None);
    assert_eq!(
        node.until("connected").await["auth"],
        json!({}),
        "it is of the main one only"
    );
}

/// What breaks it: asking once and keeping the answer.
#[tokio::test]
async fn a_function_is_asked_for_the_auth_at_each_connect_and_reconnect() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let asked = Arc::new(AtomicU32::new(0));
        let auth = Auth::ask(move || {
            let n = asked.fetch_add(1, Ordering::Relaxed);
            async move {
                tokio::task::yield_now().await;
                Some(json_of(&json!({ "n": n })))
            }
        });
        let options = Options {
            auth,
            ..only(transport)
        };
        let connection = node.connect(retrying(10, options));
        let mut statuses = connection.watch();
        for n in [0, 1, 2] {
            assert_eq!(node.until("connected").await["auth"], json!({ "n": n }));
            until_linked(&mut statuses).await;
            node.control("close", Value::Null).await;
            until_lost(&mut statuses).await;
        }
        until_linked(&mut statuses).await;
        connection.disconnect();
        connection.open();
        assert_eq!(node.until("connected").await["auth"]["n"], 3);
        assert_eq!(node.until("connected").await["auth"]["n"], 4);
    }
}

/// The server sets the cookie with its answer to the handshake.
#[tokio::test]
async fn cookies_come_back_on_both_transports_with_credentials_only() {
    for with_credentials in [true, false] {
        let node = Node::with_io(json!({ "cookie": true })).await;
        let connection = node.connect(Options {
            with_credentials,
            ..Options::default()
        });
        until_transport(&connection, Transport::WebSocket).await;
        let cookies = node.control("cookies", Value::Null).await;
        for transport in BOTH {
            let cookie = cookies[transport.to_string()].as_str();
            let came = cookie.is_some_and(|cookie| cookie.starts_with("io="));
            assert_eq!(came, with_credentials, "{transport}: {cookies}");
        }
    }
}

/// What a WebSocket handshake carries as cookies; its answer sets one, and the connection ends.
#[expect(clippy::result_large_err, reason = "the error is that of the library")]
async fn cookies_of_a_handshake(server: &TcpListener) -> Option<String> {
    let (stream, _) = soon("an attempt", server.accept()).await.unwrap();
    let mut cookies = None;
    let shake = |request: &Request, mut response: Response| {
        let cookie = request.headers().get("cookie");
        cookies = cookie.map(|cookie| cookie.to_str().unwrap().to_owned());
        let set = "lb=7; Path=/".parse().unwrap();
        response.headers_mut().insert("set-cookie", set);
        Ok(response)
    };
    soon("a handshake", accept_hdr_async(stream, shake))
        .await
        .unwrap();
    cookies
}

/// What breaks it: looking for cookies in the responses of polling only.
#[tokio::test]
async fn cookies_of_a_websocket_handshake_come_back_with_the_next_one() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let options = Options {
        with_credentials: true,
        ..only(Transport::WebSocket)
    };
    let _connection = Connection::connect_with(&url, retrying(10, options)).unwrap();
    assert_eq!(cookies_of_a_handshake(&server).await, None);
    let came_back = cookies_of_a_handshake(&server).await;
    assert_eq!(came_back.as_deref(), Some("lb=7"));
}
