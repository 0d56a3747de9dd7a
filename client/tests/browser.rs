//! The browser driver in a real Chromium, against a scripted network: `fetch` and `WebSocket` of the page are replaced
//! by ones that the test answers, so that every step is seen and nothing waits for a real server.

#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod network;

use futures_util::StreamExt;
use leptos::prelude::{Owner, WithUntracked};
use network::{closed, open_socket, receive, requests, respond, restore, script, sent};
use std::{cell::Cell, rc::Rc};
use tertulia_client::{
    app::signals,
    connection::{Connection, Delivery, Link, Options, Reason, Transport, Watcher},
};
use tertulia_shared::{
    chat::{ChatEnter, ChatMessage},
    wire::{args::Args, binary::Binary},
};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

const HANDSHAKE: &str = r#"0{"sid":"s1","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"#;
const CONNECTED: &str = r#"40{"sid":"x"}"#;

async fn until(watcher: &mut Watcher, link: &Link, transport: Transport) {
    while let Some(status) = watcher.next().await {
        if status.link == *link && status.transport == Some(transport) {
            return;
        }
    }
    panic!("the driver has stopped");
}

/// Connected over WebSocket only; the socket is number 0.
async fn on_websocket() -> Connection {
    script();
    let options = Options {
        transports: vec![Transport::WebSocket],
        ..Options::default()
    };
    let connection = Connection::connect_with("http://h:1", options).unwrap();
    let mut statuses = connection.watch();
    open_socket(0).await;
    receive(0, HANDSHAKE);
    receive(0, CONNECTED);
    until(&mut statuses, &Link::Connected, Transport::WebSocket).await;
    connection
}

#[wasm_bindgen_test]
async fn connects_by_polling_and_goes_on_over_websocket() {
    script();
    let connection = Connection::connect("http://h:1").unwrap();
    let mut statuses = connection.watch();
    respond("GET", 200, HANDSHAKE).await;
    respond("POST", 200, "ok").await;
    respond("GET", 200, CONNECTED).await;
    until(&mut statuses, &Link::Connected, Transport::Polling).await;
    open_socket(0).await;
    receive(0, "3probe");
    respond("GET", 200, "6").await;
    until(&mut statuses, &Link::Connected, Transport::WebSocket).await;
    assert_eq!(sent(0), ["2probe", "5"]);
    let log = requests();
    assert_eq!(log[0], "GET http://h:1/socket.io/?EIO=4&transport=polling ");
    let posted = "POST http://h:1/socket.io/?EIO=4&transport=polling&sid=s1 40";
    assert!(log.iter().any(|request| request == posted), "{log:?}");
    restore();
}

/// Breaks when: the driver answers by a timer instead of in the event that brought the ping.
#[wasm_bindgen_test]
async fn a_ping_is_answered_without_any_timer() {
    let _connection = on_websocket().await;
    network::stop_timers();
    receive(0, "2");
    network::microtasks().await;
    assert_eq!(sent(0), ["40", "3"]);
    restore();
}

#[wasm_bindgen_test]
async fn an_emit_is_settled_by_its_acknowledgement() {
    let connection = on_websocket().await;
    let name = "Ñandú €".to_owned();
    let entered = connection.emit(&ChatEnter { name });
    network::microtasks().await;
    assert_eq!(sent(0)[1], r#"420["chat:enter",{"name":"Ñandú €"}]"#);
    receive(0, r#"430[{"ok":{"peer":"p"}}]"#);
    assert_eq!(entered.await.unwrap().peer, "p");
    restore();
}

#[wasm_bindgen_test]
async fn a_payload_that_does_not_decode_is_an_item_and_no_panic() {
    let connection = on_websocket().await;
    let mut messages = connection.listen::<ChatMessage>();
    network::microtasks().await;
    receive(0, r#"42["chat:message",{"room":7}]"#);
    assert!(messages.next().await.unwrap().is_err());
    restore();
}

#[wasm_bindgen_test]
async fn binary_frames_arrive_as_attachments() {
    let connection = on_websocket().await;
    let mut messages = connection.listen::<ChatMessage>();
    network::microtasks().await;
    receive(0, r#"451-["other",{"_placeholder":true,"num":0}]"#);
    network::receive_binary(0, &[1, 2, 3]);
    let message =
        r#"{"room":"chat/a","seq":1,"id":"i","from":{"peer":"p","name":"n"},"text":"t","at":1}"#;
    receive(0, &format!(r#"42["chat:message",{message}]"#));
    assert_eq!(messages.next().await.unwrap().unwrap().text, "t");
    restore();
}

#[wasm_bindgen_test]
async fn a_closed_socket_is_told_and_waited_for() {
    let connection = on_websocket().await;
    let mut statuses = connection.watch();
    closed(0, 1006);
    loop {
        let status = statuses.next().await.unwrap();
        if let Link::Waiting { attempt, .. } = status.link {
            assert_eq!(attempt, 1);
            break;
        }
    }
    connection.open();
    open_socket(1).await;
    restore();
}

#[wasm_bindgen_test]
async fn the_network_is_back_and_the_next_attempt_is_made_at_once() {
    let connection = on_websocket().await;
    closed(0, 1006);
    network::microtasks().await;
    network::stop_timers();
    network::tell_page("online");
    open_socket(1).await;
    drop(connection);
    restore();
}

/// Breaks when: only the heartbeat finds out that the network is gone.
#[wasm_bindgen_test]
async fn the_network_goes_and_that_is_told_at_once() {
    let connection = on_websocket().await;
    let mut statuses = connection.watch();
    network::microtasks().await;
    network::stop_timers();
    network::tell_page("offline");
    let reason = loop {
        if let Link::Waiting { reason, .. } = statuses.next().await.unwrap().link {
            break reason;
        }
    };
    assert_eq!(
        reason,
        Reason::TransportClose("the network is gone".to_owned())
    );
    assert!(network::is_closed(0));
    network::tell_page("online");
    open_socket(1).await;
    drop(connection);
    restore();
}

/// Breaks when: requests that are under way are forgotten, as those of polling are.
#[wasm_bindgen_test]
async fn the_network_goes_in_the_middle_of_a_request() {
    script();
    let options = Options {
        transports: vec![Transport::Polling],
        ..Options::default()
    };
    let connection = Connection::connect_with("http://h:1", options).unwrap();
    let mut statuses = connection.watch();
    respond("GET", 200, HANDSHAKE).await;
    respond("POST", 200, "ok").await;
    respond("GET", 200, CONNECTED).await;
    until(&mut statuses, &Link::Connected, Transport::Polling).await;
    network::stop_timers();
    network::tell_page("offline");
    loop {
        if let Link::Waiting { .. } = statuses.next().await.unwrap().link {
            break;
        }
    }
    drop(connection);
    network::microtasks().await;
    restore();
}

#[wasm_bindgen_test]
async fn dropping_the_last_handle_says_goodbye() {
    drop(on_websocket().await);
    network::microtasks().await;
    assert_eq!(sent(0), ["40", "41"]);
    assert!(network::is_closed(0));
    restore();
}

#[wasm_bindgen_test]
async fn namespaces_of_one_server_share_a_websocket() {
    let main = on_websocket().await;
    let options = || Options {
        transports: vec![Transport::WebSocket],
        ..Options::default()
    };
    let admin = Connection::connect_with("http://h:1/admin", options()).unwrap();
    network::microtasks().await;
    assert_eq!(sent(0), ["40", "40/admin,"]);
    assert_eq!(network::socket_count(), 1);
    let force_new = true;
    let alone = Options {
        force_new,
        ..options()
    };
    let other = Connection::connect_with("http://h:1/other", alone).unwrap();
    open_socket(1).await;
    drop((main, admin, other));
    network::microtasks().await;
    restore();
}

#[wasm_bindgen_test]
async fn requests_carry_the_extra_headers_and_cookies_of_another_origin() {
    script();
    let options = Options {
        extra_headers: vec![("x-token".to_owned(), "t".to_owned())],
        with_credentials: true,
        ..Options::default()
    };
    let connection = Connection::connect_with("http://h:1", options).unwrap();
    respond("GET", 200, HANDSHAKE).await;
    respond("POST", 200, "ok").await;
    for request in [0, 1] {
        assert_eq!(network::header(request, "x-token"), "t");
        assert_eq!(network::credentials(request), "include");
    }
    let refused = Options {
        extra_headers: vec![("no header".to_owned(), "t".to_owned())],
        ..Options::default()
    };
    assert!(Connection::connect_with("http://h:1", refused).is_err());
    drop(connection);
    // The goodbye.
    respond("POST", 200, "ok").await;
    network::microtasks().await;
    restore();
}

/// Breaks when: the driver waits for its timer, which did not run while the machine slept.
#[wasm_bindgen_test]
async fn a_page_that_wakes_up_finds_out_that_its_session_is_over() {
    for wake in ["pageshow", "online", "visibilitychange"] {
        let connection = on_websocket().await;
        let mut statuses = connection.watch();
        network::microtasks().await;
        network::stop_timers();
        network::sleep(3_600_000.0);
        match wake {
            "visibilitychange" => network::tell_document(wake),
            _ => network::tell_page(wake),
        }
        loop {
            let status = statuses.next().await.unwrap();
            if let Link::Waiting { reason, .. } = status.link {
                assert_eq!(reason, Reason::PingTimeout, "{wake}");
                break;
            }
        }
        drop(connection);
        network::microtasks().await;
        restore();
    }
}

#[wasm_bindgen_test]
async fn binaries_go_out_after_their_event() {
    let connection = on_websocket().await;
    let args = Args::event("img", &Binary(vec![1, 2].into())).unwrap();
    connection
        .emit_args(args, Delivery::default())
        .await
        .unwrap();
    let head = r#"451-["img",{"_placeholder":true,"num":0}]"#;
    assert_eq!(sent(0), ["40", head, "bytes 1,2"]);
    restore();
}

/// Breaks when: the task of the signal is not ended with its owner, and goes on listening.
#[wasm_bindgen_test]
async fn a_stream_is_a_signal_as_long_as_its_component_lives() {
    let connection = on_websocket().await;
    let owner = Owner::new();
    let status = owner.with(|| signals::latest(connection.watch()));
    let counted = Rc::new(Cell::new(0));
    let count = Rc::clone(&counted);
    owner.with(|| {
        let messages = connection.listen::<ChatMessage>();
        signals::for_each(messages, move |_| count.set(count.get() + 1));
    });
    network::microtasks().await;
    let link = status.with_untracked(|status| status.as_ref().map(|status| status.link.clone()));
    assert_eq!(link, Some(Link::Connected));
    receive(0, r#"42["chat:message",1]"#);
    network::microtasks().await;
    owner.cleanup();
    receive(0, r#"42["chat:message",2]"#);
    network::microtasks().await;
    assert_eq!(counted.get(), 1);
    restore();
}
