//! Listening: typed, once, until dropped, taps, answers, and payloads that have another shape.

use super::{BOTH, News, Question};
use crate::world::{
    client::{next, until_connected},
    official::{ACKNOWLEDGED, Node, ask, event, only, tell},
    soon,
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tertulia_client::connection::{Auth, Connection, Delivery, Options, Tapped};
use tertulia_shared::{Reject, wire::args::Args};

/// Has the server emit that, to this connection.
async fn back(connection: &Connection, name: &str, payload: Value) {
    tell(connection, "test:back", &[json!(name), payload]).await;
}

#[tokio::test]
async fn every_listener_hears_what_comes_until_it_is_dropped() {
    for transport in BOTH {
        let node = Node::start().await;
        let connection = node.connect(only(transport));
        let (mut first, mut second) = (connection.listen::<News>(), connection.listen::<News>());
        let once = connection.once::<News>();
        back(&connection, "test:news", json!({ "n": 1 })).await;
        back(&connection, "test:news", json!({ "n": 2 })).await;
        assert_eq!(soon("news", once).await.unwrap().unwrap(), News { n: 1 });
        assert_eq!(next(&mut first).await, News { n: 1 });
        drop(first);
        back(&connection, "test:news", json!({ "n": 3 })).await;
        for n in 1..=3 {
            assert_eq!(next(&mut second).await, News { n });
        }
    }
}

#[tokio::test]
async fn a_namespace_hears_its_own_events_only() {
    let node = Node::start().await;
    let main = node.connect(Options::default());
    let admin = main.of("/admin", Auth::None);
    let (mut to_main, mut to_admin) = (main.listen::<News>(), admin.listen::<News>());
    back(&admin, "test:news", json!({ "n": 1 })).await;
    assert_eq!(next(&mut to_admin).await, News { n: 1 });
    back(&main, "test:news", json!({ "n": 2 })).await;
    assert_eq!(next(&mut to_main).await, News { n: 2 });
}

#[tokio::test]
async fn a_tap_sees_every_event_in_and_out() {
    let node = Node::start().await;
    let connection = node.connect(Options {
        auto_connect: false,
        ..Options::default()
    });
    let mut tap = connection.tap();
    let sent = event("test:back", &[json!("test:anything"), json!(7)]);
    // It is emitted by the call, whether or not its end is awaited.
    drop(connection.emit_args(sent.clone(), Delivery::default()));
    connection.open();
    assert_eq!(soon("out", tap.next()).await, Some(Tapped::Out(sent)));
    let Some(Tapped::In(came, None)) = soon("in", tap.next()).await else {
        panic!("no event came in");
    };
    assert_eq!(came.name().unwrap(), "test:anything");
    assert_eq!(came.at::<u32>(1).unwrap(), 7);
}

#[tokio::test]
async fn the_servers_question_is_answered() {
    for transport in BOTH {
        let node = Node::start().await;
        let main = node.connect(only(transport));
        for (connection, expected) in [
            (main.clone(), [json!({ "ok": "fine" }), refusal()]),
            (
                main.plain_acks(),
                [json!("fine"), refusal()["error"].clone()],
            ),
        ] {
            let mut questions = connection.answer::<Question>();
            for (answer, expected) in [Ok("fine".to_owned()), Err(reject())]
                .into_iter()
                .zip(expected)
            {
                let question = json!(["test:question", { "text": "how are you?" }]);
                let asked = connection.emit_args(event("test:ask", &[question]), ACKNOWLEDGED);
                let (question, responder) = soon("a question", questions.next()).await.unwrap();
                assert_eq!(question.unwrap().text, "how are you?");
                assert!(responder.is_awaited());
                responder.answer(answer).await.unwrap();
                let answered = soon("the answer", asked).await.unwrap().unwrap();
                assert_eq!(answered.at::<Value>(0).unwrap(), expected);
            }
        }
    }
}

fn reject() -> Reject {
    serde_json::from_value(refusal()["error"].clone()).unwrap()
}

fn refusal() -> Value {
    json!({ "error": { "code": "bad-payload", "message": "ask again" } })
}

#[tokio::test]
async fn a_question_that_expects_no_answer_says_so() {
    let node = Node::start().await;
    let connection = node.connect(Options::default());
    let mut questions = connection.answer::<Question>();
    back(
        &connection,
        "test:question",
        json!({ "text": "rhetorical" }),
    )
    .await;
    let (question, responder) = soon("a question", questions.next()).await.unwrap();
    assert_eq!(question.unwrap().text, "rhetorical");
    assert!(!responder.is_awaited());
    responder
        .answer(Ok("nobody hears".to_owned()))
        .await
        .unwrap();
    assert_eq!(ask(&connection, "test:echo", &[json!(1)]).await, 1);
}

#[tokio::test]
async fn without_a_type_events_are_answered_too() {
    let node = Node::start().await;
    let connection = node.connect(Options::default());
    let mut questions = connection.listen_to("any name at all");
    let asked = event("test:ask", &[json!(["any name at all", 1, "two"])]);
    let asked = connection.emit_args(asked, ACKNOWLEDGED);
    let (question, reply_to) = soon("a question", questions.next()).await.unwrap();
    let arguments = (
        question.at::<u32>(1).unwrap(),
        question.at::<String>(2).unwrap(),
    );
    assert_eq!(arguments, (1, "two".to_owned()));
    let answer = Args::ack(&json!({ "free": "form" })).unwrap();
    soon("the reply", connection.reply(reply_to.unwrap(), answer))
        .await
        .unwrap();
    let answered = soon("the answer", asked).await.unwrap().unwrap();
    assert_eq!(answered.at::<Value>(0).unwrap(), json!({ "free": "form" }));
}

/// An answer to an event of a connection that is gone is told, and not sent on the next one: there its number names
/// another event.
#[tokio::test]
async fn an_answer_that_comes_too_late_is_told() {
    let node = Node::start().await;
    let connection = node.connect(Options::default());
    let mut questions = connection.answer::<Question>();
    let question = json!(["test:question", { "text": "slow?" }]);
    drop(connection.emit_args(event("test:ask", &[question]), ACKNOWLEDGED));
    let (_, responder) = soon("a question", questions.next()).await.unwrap();
    connection.disconnect();
    connection.open();
    until_connected(&connection).await;
    let late = soon("the end", responder.answer(Ok("too late".to_owned()))).await;
    assert_eq!(
        late.unwrap_err().to_string(),
        "there is no connection to send it on"
    );
}

#[tokio::test]
async fn a_payload_of_another_shape_is_an_error_item_and_the_connection_lives_on() {
    for transport in BOTH {
        let node = Node::start().await;
        let connection = node.connect(only(transport));
        let mut news = connection.listen::<News>();
        for wrong in [
            json!({ "n": "seven" }),
            json!(null),
            json!([]),
            json!({ "n": -1 }),
        ] {
            back(&connection, "test:news", wrong).await;
            let item = soon("an item", news.next()).await.unwrap();
            assert!(item.is_err(), "{item:?}");
        }
        tell(&connection, "test:back", &[json!("test:news")]).await;
        let absent = soon("an item", news.next()).await.unwrap().unwrap_err();
        assert_eq!(absent.to_string(), "argument 1 is absent");
        back(&connection, "test:news", json!({ "n": 7, "more": true })).await;
        assert_eq!(next(&mut news).await, News { n: 7 });
    }
}
