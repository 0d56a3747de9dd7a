//! Silence: when the server is asked, when the link is doubtful, and when it is given up.

use super::{CONNECTED, HANDSHAKE, PLAIN_HANDSHAKE, Scene, no_jitter, websocket_only};
use crate::socketio::{Action, Command, Input, IoId, Link, Options, Reason};
use std::time::Duration;
use tertulia_shared::wire::args::Args;

const SECOND: Duration = Duration::from_secs(1);
/// The least that time passes by.
const TICK: Duration = Duration::from_millis(1);
/// When a silent link is doubtful.
const DOUBT: Duration = Duration::from_millis(3_500);
/// When it is given up after a change of the network.
const GONE: Duration = Duration::from_millis(1_500);

fn probing(options: Options) -> Options {
    let probe = Args::event("ask", &()).ok();
    Options { probe, ..options }
}

/// On WebSocket, with the first probe sent.
fn connected() -> (Scene, IoId) {
    let mut scene = Scene::new(probing(websocket_only()));
    let socket = connect(&mut scene, SECOND / 10);
    (scene, socket)
}

/// Lets the server take the newest WebSocket, each answer that late.
fn connect(scene: &mut Scene, late: Duration) -> IoId {
    let socket = scene.socket();
    scene.input(Input::Opened(socket));
    scene.text(socket, PLAIN_HANDSHAKE);
    scene.pass(late);
    scene.text(socket, CONNECTED);
    socket
}

/// Connected, the first probe answered, and somebody looks.
fn watched() -> (Scene, IoId) {
    let (mut scene, socket) = connected();
    scene.watch(true);
    scene.answer(socket);
    scene.actions.clear();
    scene.events.clear();
    (scene, socket)
}

impl Scene {
    fn watch(&mut self, watched: bool) {
        self.client.watch(self.now, watched);
        self.drain();
    }

    fn suspect(&mut self) {
        self.client.suspect(self.now);
        self.drain();
    }

    /// The probes that were sent and not looked at yet, by their acknowledgement ids.
    fn probes(&mut self) -> Vec<String> {
        let sent = self.sent();
        let ids = sent.iter().filter_map(|text| {
            let start = text.find(r#"["ask""#)?;
            let id = text[..start].strip_prefix("42")?;
            Some(id.to_owned())
        });
        let ids = ids.collect();
        let is_sent = |action: &Action| matches!(action, Action::Send(..) | Action::Post(..));
        self.actions.retain(|action| !is_sent(action));
        ids
    }

    /// Acknowledges the one probe that was sent.
    fn answer(&mut self, socket: IoId) {
        let probes = self.probes();
        assert_eq!(probes.len(), 1, "{probes:?}");
        self.text(socket, &format!("43{}[]", probes[0]));
    }

    fn is_silent(&self) -> bool {
        self.status().is_silent
    }

    fn is_lost(&self) -> bool {
        matches!(
            self.status().link,
            Link::Waiting {
                reason: Reason::PingTimeout,
                ..
            }
        )
    }
}

#[test]
fn a_quiet_server_is_asked_after_two_seconds_while_somebody_looks() {
    let (mut scene, socket) = watched();
    for _ in 0..20 {
        scene.pass(2 * SECOND - TICK);
        assert_eq!(scene.probes().len(), 0);
        scene.pass(TICK);
        assert_eq!(scene.sent().len(), 1);
        scene.answer(socket);
    }
    // What comes often is as good as an answer.
    for _ in 0..20 {
        scene.pass(SECOND);
        scene.text(socket, "2");
    }
    assert_eq!(scene.probes().len(), 0);
    assert!(scene.links().is_empty(), "{:?}", scene.links());
}

#[test]
fn a_server_that_does_not_answer_is_doubtful_and_then_given_up() {
    let (mut scene, socket) = watched();
    scene.pass(DOUBT - TICK);
    assert!(!scene.is_silent());
    scene.pass(TICK);
    assert!(scene.is_silent());
    assert_eq!(scene.links(), [Link::Connected]);
    scene.emit(1, "e");
    scene.pass(10 * SECOND - DOUBT - TICK);
    assert!(scene.is_silent() && !scene.is_lost());
    scene.pass(TICK);
    assert!(scene.is_lost());
    assert!(scene.actions.contains(&Action::Close(socket)));
    assert_eq!(scene.settled().len(), 1, "{:?}", scene.settled());
    // Reconnection begins, and emits go on.
    scene.pass(2 * SECOND);
    scene.actions.retain(|it| matches!(it, Action::Open(..)));
    scene.emit(2, "e");
    let socket = connect(&mut scene, TICK);
    assert!(!scene.is_silent());
    assert!(scene.sent().iter().any(|text| text.ends_with(r#"["e",2]"#)));
    scene.answer(socket);
}

#[test]
fn whatever_comes_ends_a_doubt() {
    let (mut scene, socket) = watched();
    scene.pass(5 * SECOND);
    assert!(scene.is_silent());
    scene.text(socket, "2");
    assert!(!scene.is_silent());
    assert_eq!(scene.links(), [Link::Connected, Link::Connected]);
    scene.pass(DOUBT - TICK);
    assert!(!scene.is_silent());
    scene.pass(TICK);
    assert!(scene.is_silent());
}

#[test]
fn a_server_that_never_answered_is_judged_by_its_heartbeat_alone() {
    let (mut scene, socket) = connected();
    scene.watch(true);
    assert_eq!(scene.probes().len(), 1);
    scene.events.clear();
    for _ in 0..10 {
        scene.emit(scene.now.as_secs(), "e");
        scene.pass(25 * SECOND);
        scene.watch(false);
        scene.watch(true);
        scene.suspect();
        scene.text(socket, "2");
    }
    assert_eq!(scene.probes().len(), 0);
    assert!(scene.links().iter().all(|link| *link == Link::Connected));
    scene.pass(45 * SECOND);
    assert!(scene.is_lost());
}

/// Breaks when: a server that has lost the event is reconnected to without end.
#[test]
fn a_server_that_stops_answering_is_given_up_once() {
    let (mut scene, _) = watched();
    scene.pass(12 * SECOND);
    assert_eq!(scene.probes().len(), 1);
    let socket = connect(&mut scene, TICK);
    assert_eq!(scene.probes().len(), 1);
    scene.pass(12 * SECOND);
    assert_ne!(scene.socket(), socket, "it was thought to answer");
    let socket = connect(&mut scene, TICK);
    for _ in 0..10 {
        scene.pass(25 * SECOND);
        scene.text(socket, "2");
        assert_eq!(scene.status().link, Link::Connected);
        assert!(!scene.is_silent());
    }
}

#[test]
fn nobody_asks_for_a_page_that_is_hidden_and_at_once_when_it_is_shown() {
    let (mut scene, socket) = watched();
    scene.watch(false);
    scene.pass(20 * SECOND);
    assert_eq!(scene.probes().len(), 0);
    scene.watch(true);
    scene.answer(socket);
    scene.pass(3 * SECOND);
    scene.watch(false);
    scene.pass(15 * SECOND);
    assert!(!scene.is_silent() && !scene.is_lost());
    scene.watch(true);
    scene.pass(2 * SECOND);
    assert!(scene.is_silent());
}

#[test]
fn an_emit_that_is_not_acknowledged_has_the_server_asked() {
    let (mut scene, _) = watched();
    scene.watch(false);
    scene.pass(SECOND);
    scene.emit(1, "e");
    scene.pass(2 * SECOND - TICK);
    assert_eq!(scene.probes().len(), 0);
    scene.pass(TICK);
    assert_eq!(scene.probes().len(), 1);
    scene.pass(2 * SECOND);
    assert!(scene.is_silent());
    scene.pass(6 * SECOND);
    assert!(scene.is_lost());
}

/// Breaks when: a link on which only one direction works is believed.
#[test]
fn events_are_no_acknowledgements() {
    let (mut scene, socket) = watched();
    scene.emit(1, "e");
    for second in 1..=10 {
        scene.text(socket, r#"42["news"]"#);
        scene.pass(SECOND);
        assert_eq!(scene.is_silent(), (4..10).contains(&second), "{second}");
    }
    assert!(scene.is_lost());
}

#[test]
fn a_server_that_is_slow_with_one_event_is_not_doubtful() {
    let (mut scene, socket) = watched();
    scene.emit(1, "slow");
    for _ in 0..4 {
        scene.actions.clear();
        scene.pass(2 * SECOND);
        scene.answer(socket);
    }
    assert!(scene.links().is_empty(), "{:?}", scene.links());
}

/// Breaks when: a link with long round trips is cut in a loop, or doubtful each time.
#[test]
fn long_round_trips_are_learned_and_waited_for() {
    for (late, may_doubt) in [(3, false), (4, false), (6, true)] {
        let late = late * SECOND;
        let mut scene = Scene::new(probing(websocket_only()));
        let socket = connect(&mut scene, SECOND);
        scene.watch(true);
        let mut doubts = 0;
        for _ in 0..100 {
            scene.pass(late);
            scene.answer(socket);
            scene.text(socket, "2");
            scene.events.clear();
            scene.pass(2 * SECOND);
            doubts += u32::from(scene.is_silent());
            assert_eq!(scene.status().link, Link::Connected, "{late:?}");
        }
        assert!(doubts == 0 || may_doubt, "{late:?}: {doubts}");
    }
    // It is forgotten again where they become short.
    let mut scene = Scene::new(probing(websocket_only()));
    let socket = connect(&mut scene, 8 * SECOND);
    scene.watch(true);
    for _ in 0..4 {
        scene.answer(socket);
        scene.pass(2 * SECOND);
    }
    scene.pass(2 * SECOND);
    assert!(scene.is_silent());
}

#[test]
fn a_driver_that_did_not_run_takes_what_came_before_it_judges() {
    let (mut scene, socket) = watched();
    scene.pass(2 * SECOND);
    assert_eq!(scene.probes().len(), 1);
    // The page sleeps, and its timer comes before its messages.
    scene.now += 15 * SECOND;
    scene.client.handle_timeout(scene.now);
    scene.drain();
    assert!(!scene.is_silent() && !scene.is_lost());
    scene.answer(socket);
    scene.pass(2 * SECOND);
    assert_eq!(scene.probes().len(), 1);
    scene.now += 15 * SECOND;
    scene.client.handle_timeout(scene.now);
    scene.drain();
    assert!(!scene.is_silent());
    scene.pass(2 * SECOND);
    assert!(scene.is_silent());
    scene.pass(6 * SECOND);
    assert!(scene.is_lost());
}

#[test]
fn a_change_of_the_network_has_the_server_asked_at_once() {
    let (mut scene, socket) = watched();
    scene.watch(false);
    scene.suspect();
    scene.answer(socket);
    scene.pass(20 * SECOND);
    assert_eq!(scene.status().link, Link::Connected);
    scene.suspect();
    scene.pass(GONE - TICK);
    assert_eq!(scene.status().link, Link::Connected);
    scene.pass(TICK);
    assert!(scene.is_lost());
    // What is waited for is made at once.
    scene.suspect();
    assert_eq!(scene.status().link, Link::Connecting { attempt: 1 });
    let first = scene.socket();
    assert_ne!(first, socket);
    scene.pass(SECOND);
    scene.suspect();
    assert_eq!(scene.socket(), first, "it has just begun");
    scene.pass(SECOND);
    scene.suspect();
    let second = scene.socket();
    assert_ne!(second, first, "it hangs");
    // Also where only the CONNECT reply is missing.
    scene.input(Input::Opened(second));
    scene.text(second, HANDSHAKE);
    scene.pass(2 * SECOND);
    scene.suspect();
    assert_ne!(scene.socket(), second);
}

#[test]
fn who_asks_for_a_connection_in_doubt_gets_a_new_one_at_once() {
    let (mut scene, socket) = watched();
    scene.command(Command::Connect(scene.main));
    assert_eq!(scene.status().link, Link::Connected);
    scene.pass(5 * SECOND);
    scene.command(Command::Connect(scene.main));
    assert_eq!(scene.status().link, Link::Connecting { attempt: 1 });
    assert!(scene.actions.contains(&Action::Close(socket)));
}

#[test]
fn over_polling_silence_is_told_too() {
    let mut scene = Scene::new(probing(no_jitter()));
    scene.respond(scene.get(), PLAIN_HANDSHAKE);
    scene.respond(scene.post(), "ok");
    scene.respond(scene.get(), CONNECTED);
    scene.watch(true);
    let probes = scene.sent();
    assert!(probes.last().is_some_and(|body| body.contains("ask")));
    scene.respond(scene.post(), "ok");
    scene.respond(scene.get(), "430[]");
    scene.actions.retain(|it| matches!(it, Action::Get(..)));
    scene.pass(2 * SECOND);
    assert_eq!(scene.sent(), [r#"421["ask",null]"#]);
    scene.pass(2 * SECOND);
    assert!(scene.is_silent());
    scene.respond(scene.get(), "2");
    assert!(!scene.is_silent());
    scene.pass(4 * SECOND);
    assert!(scene.is_silent());
    scene.pass(6 * SECOND);
    assert!(scene.is_lost());
}

/// Breaks when: a page with a thousand readings a second sets a thousand timers.
#[test]
fn what_comes_moves_no_timer() {
    let (mut scene, socket) = watched();
    let due = scene.client.poll_timeout();
    for _ in 0..10 {
        scene.pass(SECOND / 100);
        scene.text(socket, r#"42["news"]"#);
        assert_eq!(scene.client.poll_timeout(), due);
    }
}
