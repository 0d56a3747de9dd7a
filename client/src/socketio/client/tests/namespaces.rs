//! Several namespaces over one session, their auth, and connection state recovery.

use super::{CONNECTED, HANDSHAKE, Scene, no_jitter, websocket_only};
use crate::socketio::{
    Action, Auth, Client, Command, Endpoint, Event, Input, Link, Options, Reason,
};
use std::time::Duration;
use tertulia_shared::wire::json::Json;

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

#[test]
fn a_second_namespace_shares_the_session_and_leaves_it_open() {
    let (mut scene, socket) = Scene::on_websocket();
    let admin = scene.client.add("/admin", Auth::Value(json("{\"a\":1}")));
    scene.command(Command::Connect(admin));
    scene.text(socket, r#"40/admin,{"sid":"y"}"#);
    scene.text(socket, r#"42/admin,["news"]"#);
    scene.text(socket, r#"42["main news"]"#);
    assert_eq!(scene.sent(), [r#"40/admin,{"a":1}"#]);
    let received: Vec<_> = scene
        .events
        .iter()
        .filter_map(|event| match event {
            Event::Received(id, args, _) => Some((*id, args.name().unwrap())),
            _ => None,
        })
        .collect();
    assert_eq!(
        received,
        [
            (admin, "news".to_owned()),
            (scene.main, "main news".to_owned())
        ]
    );
    scene.command(Command::Disconnect(admin));
    assert_eq!(scene.sent().last().unwrap(), "41/admin,");
    assert_eq!(scene.status().link, Link::Connected);
    scene.command(Command::Disconnect(scene.main));
    assert_eq!(scene.sent().last().unwrap(), "41");
    let close = Action::Close(socket);
    assert_eq!(scene.actions.last(), Some(&close), "the last one closes it");
}

#[test]
fn a_refused_namespace_does_not_harm_the_other() {
    let (mut scene, socket) = Scene::on_websocket();
    let admin = scene.client.add("/admin", Auth::None);
    scene.command(Command::Connect(admin));
    scene.text(socket, r#"44/admin,{"message":"no"}"#);
    let status = scene.client.status(scene.now, admin);
    assert!(matches!(
        status.link,
        Link::Disconnected(Reason::Refused(_))
    ));
    assert_eq!(scene.status().link, Link::Connected);
}

#[test]
fn all_namespaces_come_back_after_a_loss() {
    let (mut scene, socket) = Scene::on_websocket();
    let admin = scene.client.add("/admin", Auth::None);
    scene.command(Command::Connect(admin));
    scene.text(socket, r#"40/admin,{"sid":"y"}"#);
    scene.input(Input::Closed(socket, "1006".to_owned()));
    scene.actions.clear();
    scene.pass(Duration::from_secs(2));
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    assert_eq!(scene.sent(), ["40", "40/admin,"]);
}

#[test]
fn the_auth_is_asked_again_at_each_connect() {
    let mut scene = Scene::new(Options {
        auth: Auth::ask(|| async { None }),
        ..websocket_only()
    });
    for (asked, token) in [(1, "first"), (2, "second")] {
        let socket = scene.socket();
        scene.input(Input::Opened(socket));
        scene.text(socket, HANDSHAKE);
        assert_eq!(
            scene.events.last(),
            Some(&Event::AuthNeeded(scene.main, asked))
        );
        assert_eq!(scene.sent(), [""; 0], "CONNECT waits for the answer");
        let auth = Some(json(&format!(r#"{{"token":"{token}"}}"#)));
        scene.command(Command::Authorize(scene.main, asked - 1, None));
        assert_eq!(
            scene.sent(),
            [""; 0],
            "an answer that comes too late is none"
        );
        scene.command(Command::Authorize(scene.main, asked, auth.clone()));
        scene.command(Command::Authorize(scene.main, asked, auth));
        assert_eq!(scene.sent(), [format!(r#"40{{"token":"{token}"}}"#)]);
        scene.text(socket, CONNECTED);
        scene.input(Input::Closed(socket, "1006".to_owned()));
        scene.actions.clear();
        scene.pass(Duration::from_secs(2));
    }
}

/// Breaks when: the offset of an event with acknowledgement is taken, or the last one is not.
#[test]
fn the_next_connect_asks_for_what_was_missed() {
    let mut scene = Scene::new(Options {
        auth: Auth::Value(json(r#"{"token":"t"}"#)),
        ..websocket_only()
    });
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, r#"40{"sid":"a","pid":"p1"}"#);
    assert!(!scene.status().recovered);
    scene.text(socket, r#"42["news",1,"offset-1"]"#);
    scene.text(socket, r#"42["news",2,"offset-2"]"#);
    scene.text(socket, r#"421["question","not an offset"]"#);
    scene.input(Input::Closed(socket, "1006".to_owned()));
    scene.actions.clear();
    scene.pass(Duration::from_secs(2));
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    assert_eq!(
        scene.sent(),
        [r#"40{"pid":"p1","offset":"offset-2","token":"t"}"#]
    );
    scene.text(socket, r#"40{"sid":"a","pid":"p1"}"#);
    assert!(scene.status().recovered);
}

#[test]
fn a_disconnect_by_hand_forgets_what_could_be_recovered() {
    let mut scene = Scene::new(websocket_only());
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    scene.text(socket, r#"40{"sid":"a","pid":"p1"}"#);
    scene.command(Command::Disconnect(scene.main));
    scene.actions.clear();
    scene.command(Command::Connect(scene.main));
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, HANDSHAKE);
    assert_eq!(scene.sent(), ["40"]);
}

#[test]
fn every_url_carries_the_query() {
    let query = vec![("room".to_owned(), "a b".to_owned())];
    let scene = Scene::new(Options {
        query,
        ..no_jitter()
    });
    let url = "http://h:1/s/?EIO=4&transport=polling&room=a%20b".to_owned();
    assert_eq!(scene.actions, [Action::Get(scene.get(), url)]);
}

#[test]
fn an_upgrade_is_remembered_where_that_is_asked_for() {
    let mut scene = Scene::new(Options {
        remember_upgrade: true,
        ..Options::default()
    });
    scene.respond(scene.get(), HANDSHAKE);
    let (probe, get) = (scene.socket(), scene.get());
    scene.input(Input::Opened(probe));
    scene.text(probe, "3probe");
    scene.respond(scene.post(), "ok");
    scene.respond(get, CONNECTED);
    scene.input(Input::Closed(probe, "1006".to_owned()));
    scene.actions.clear();
    scene.pass(Duration::from_secs(2));
    assert!(matches!(&scene.actions[..], [Action::Open(_, url)] if !url.contains("sid=")));
}

#[test]
fn an_id_of_another_client_names_nothing() {
    let (endpoint, _) = Endpoint::parse("http://h:1", "/s/").unwrap();
    let mut other = Client::new(endpoint, Options::default());
    other.add("/", Auth::None);
    let stranger = other.add("/admin", Auth::None);
    let (mut scene, _) = Scene::on_websocket();
    scene.command(Command::Disconnect(stranger));
    assert_eq!(scene.status().link, Link::Connected);
}
