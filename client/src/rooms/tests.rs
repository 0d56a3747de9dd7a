//! Rooms on a virtual clock: the order of what happens in one moment, and joins that are made again.

use super::Rooms;
use crate::connection::{EmitError, Listener, Options, Received, scene::Scene};
use crate::socketio::Input;
use futures_util::{FutureExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tertulia_shared::{
    Event as _,
    chat::ChatMessage,
    room::{Joined, RoomJoin},
    stream::StreamMissed,
};

const LOBBY: &str = "chat/lobby";

/// Somebody in the lobby, none of whose tasks runs by itself.
struct Reader {
    scene: Scene,
    rooms: Rooms,
    messages: Listener<ChatMessage>,
    missed: Received,
}

impl Reader {
    fn new() -> Self {
        Self::retrying(0)
    }

    /// On a connection whose emits are sent again that often.
    fn retrying(retries: u32) -> Self {
        let mut scene = Scene::new(Options {
            retries,
            reconnection_delay: (Duration::from_millis(10), Duration::from_millis(10)),
            ..Options::default()
        });
        let rooms = Rooms::new(&scene.connection);
        let messages = scene.connection.listen();
        let missed = scene.connection.listen_to(StreamMissed::NAME);
        rooms.want(LOBBY, 0);
        scene.work();
        let mut reader = Self {
            scene,
            rooms,
            messages,
            missed,
        };
        reader.connect();
        reader
    }

    fn connect(&mut self) {
        self.scene.accept();
        self.scene.sent.clear();
        self.scene.say(r#"40{"sid":"x"}"#);
    }

    /// The connection is lost, and the next one is there.
    fn reconnect(&mut self) {
        self.lose();
        self.connect();
    }

    fn lose(&mut self) {
        let socket = self.scene.socket.unwrap();
        self.scene.input(Input::Closed(socket, "gone".to_owned()));
        self.scene.pass(Duration::from_millis(20));
    }

    /// What went out since the last time.
    fn joins(&mut self) -> Vec<String> {
        self.scene.work();
        std::mem::take(&mut self.scene.sent)
    }

    /// The same after a while, in which the server's heartbeat goes on.
    fn joins_after(&mut self, pause: Duration) -> Vec<String> {
        let mut left = pause;
        while !left.is_zero() {
            let step = left.min(Duration::from_secs(20));
            left -= step;
            self.scene.pass(step);
            self.scene.say("2");
        }
        let mut sent = self.joins();
        sent.retain(|sent| sent != "3");
        sent
    }

    fn answer(&mut self, ack: u32, answer: Value) {
        self.scene.say(&format!("43{ack}[{answer}]"));
    }

    fn message(&mut self, seq: u64) {
        let from = json!({"peer": "p", "name": "n"});
        let message =
            json!({"room": LOBBY, "seq": seq, "id": "i", "from": from, "text": "t", "at": 1});
        self.event(ChatMessage::NAME, &message);
    }

    fn event(&mut self, name: &str, payload: &Value) {
        self.scene.say(&format!("42{}", json!([name, payload])));
    }

    fn heard(&mut self) -> Vec<u64> {
        let next = || self.messages.next().now_or_never().flatten();
        std::iter::from_fn(next)
            .map(|message| message.unwrap().seq)
            .collect()
    }
}

fn join(ack: u32) -> String {
    let name = RoomJoin::NAME;
    format!(r#"42{ack}["{name}",{{"room":"{LOBBY}"}}]"#)
}

fn ok(epoch: u64, seq: u64) -> Value {
    json!({"ok": {"epoch": epoch, "seq": seq}})
}

fn refused(code: &str, retry_after: Option<u64>) -> Value {
    json!({"error": {"code": code, "message": "later", "retry_after": retry_after}})
}

/// Breaks when: a loss is told to the positions by a task, which runs later than the events of the next connection come.
#[test]
fn what_comes_over_the_next_connection_is_not_held_against_the_last_one() {
    let mut reader = Reader::new();
    assert_eq!(reader.joins(), [join(0)]);
    reader.answer(0, ok(7, 8));
    reader.message(9);
    reader.reconnect();
    // Of a server that has begun to count anew; no task ran meanwhile.
    reader.message(1);
    reader.message(1);
    assert_eq!(reader.heard(), [9, 1]);
    assert_eq!(reader.rooms.duplicates(), 1);
}

/// Breaks when: the answer to a join is taken in by a task: here it would come after the loss that followed it, and the
/// numbers of the next epoch would be held against those of this one.
#[test]
fn the_answer_to_a_join_belongs_to_its_connection() {
    let mut reader = Reader::new();
    reader.joins();
    reader.answer(0, ok(7, 8));
    reader.message(9);
    reader.reconnect();
    assert_eq!(reader.joins().len(), 1);
    reader.answer(1, ok(7, 9));
    reader.reconnect();
    assert_eq!(reader.joins().len(), 1);
    let missed = json!({"topic": LOBBY, "from": 1, "to": 5});
    reader.event(StreamMissed::NAME, &missed);
    reader.message(6);
    reader.answer(2, ok(8, 5));
    assert_eq!(reader.heard(), [9, 6]);
    let (told, _) = reader.missed.next().now_or_never().flatten().unwrap();
    assert_eq!(told.at::<StreamMissed>(1).unwrap().to, 5);
}

/// Breaks when: any refusal gives the room up for good.
#[test]
fn a_join_that_is_refused_by_what_passes_is_made_again() {
    let mut reader = Reader::new();
    let mut resumes = reader.rooms.resumes();
    assert_eq!(reader.joins(), [join(0)]);
    reader.answer(0, refused("rate-limited", Some(1_500)));
    assert!(reader.joins().is_empty());
    assert!(reader.joins_after(Duration::from_millis(1_499)).is_empty());
    assert_eq!(reader.joins_after(Duration::from_millis(1)), [join(1)]);
    // Where the server does not say it takes longer each time, up to a minute.
    let mut ack = 1;
    for seconds in [2, 4, 8, 16, 32, 60, 60] {
        reader.answer(ack, refused("server-busy", None));
        assert!(reader.joins().is_empty());
        ack += 1;
        let pause = Duration::from_secs(seconds);
        assert!(
            reader
                .joins_after(pause - Duration::from_millis(1))
                .is_empty()
        );
        assert_eq!(reader.joins_after(Duration::from_millis(1)), [join(ack)]);
    }
    reader.answer(ack, ok(7, 3));
    let mut last = None;
    while let Some(Some(resumed)) = resumes.next().now_or_never() {
        last = Some(resumed.joined);
    }
    let (epoch, seq) = (7, Some(3));
    assert_eq!(last, Some(Ok(Joined { epoch, seq })));
    assert!(reader.joins_after(Duration::from_secs(10)).is_empty());
}

#[test]
fn a_join_without_an_answer_is_made_again() {
    let mut reader = Reader::new();
    assert_eq!(reader.joins(), [join(0)]);
    assert!(reader.joins_after(Duration::from_secs(10)).is_empty());
    assert_eq!(reader.joins_after(Duration::from_secs(1)), [join(1)]);
}

/// Breaks when: a room that nobody may join, or that was left, is asked for again and again.
#[test]
fn a_room_that_is_refused_for_good_or_left_is_not_joined_again() {
    for is_left in [true, false] {
        let mut reader = Reader::new();
        assert_eq!(reader.joins(), [join(0)]);
        if is_left {
            reader.answer(0, refused("server-busy", None));
            drop(reader.rooms.leave(LOBBY));
            assert_eq!(reader.joins().len(), 1, "it leaves");
        } else {
            reader.answer(0, refused("room-not-allowed", None));
        }
        assert!(reader.joins_after(Duration::from_secs(10)).is_empty());
        reader.reconnect();
        assert!(reader.joins().is_empty());
    }
}

/// Breaks when: a join is sent again as it was, from before what came meanwhile.
#[test]
fn a_join_that_was_lost_goes_out_anew_where_emits_are_sent_again() {
    let mut reader = Reader::retrying(3);
    reader.joins();
    reader.answer(0, ok(7, 8));
    for (ack, seq) in [(1, 8), (2, 9), (3, 10)] {
        reader.reconnect();
        let last = json!({"epoch": 7, "seq": seq});
        let join = json!([RoomJoin::NAME, {"room": LOBBY, "last": last}]);
        let [sent] = &reader.joins()[..] else {
            panic!("one join");
        };
        let sent = sent.strip_prefix(&format!("42{ack}")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(sent).unwrap(), join);
        reader.message(seq + 1);
    }
}

/// Breaks when: what the server can never take is tried again with each connection, or nobody is told.
#[test]
fn a_join_that_is_too_large_is_given_up() {
    let mut reader = Reader::new();
    reader.joins();
    reader.answer(0, ok(7, 8));
    let mut resumes = reader.rooms.resumes();
    let room = format!("chat/{}", "x".repeat(2_000));
    reader.rooms.want(&room, 0);
    for told in [1, 0, 0] {
        assert!(reader.joins().iter().all(|sent| !sent.contains(&room)));
        let next = || resumes.next().now_or_never().flatten();
        let of_room = std::iter::from_fn(next).filter(|resumed| resumed.room == room);
        let joined: Vec<_> = of_room.map(|resumed| resumed.joined).collect();
        assert_eq!(joined.len(), told, "{joined:?}");
        assert!(matches!(
            joined.first(),
            None | Some(Err(EmitError::TooLarge { .. }))
        ));
        reader.reconnect();
    }
}

/// Breaks when: who forgets what a room brought never gets it again.
#[test]
fn a_room_that_is_forgotten_brings_its_history_again() {
    let mut reader = Reader::new();
    reader.joins();
    reader.answer(0, ok(7, 8));
    reader.message(9);
    reader.rooms.forget(LOBBY);
    reader.reconnect();
    assert_eq!(reader.joins(), [join(1)]);
    reader.message(8);
    reader.answer(1, ok(7, 7));
    reader.message(9);
    assert_eq!(reader.heard(), [9, 8, 9]);
}

/// Breaks when: a pause goes on after the connection for which it was, and joins a room a second time.
#[test]
fn a_new_connection_joins_once() {
    let mut reader = Reader::new();
    reader.joins();
    reader.answer(0, refused("server-busy", None));
    reader.joins();
    reader.reconnect();
    assert_eq!(reader.joins(), [join(1)]);
    assert!(reader.joins_after(Duration::from_secs(2)).is_empty());
    // One that waits for the connection goes out with it, and needs no second one.
    reader.lose();
    drop(reader.rooms.join("chat/other", 0));
    reader.scene.work();
    reader.scene.accept();
    reader.scene.say(r#"40{"sid":"x"}"#);
    let joins = reader.joins();
    let other = joins.iter().filter(|sent| sent.contains("chat/other"));
    assert_eq!(other.count(), 1, "{joins:?}");
}
