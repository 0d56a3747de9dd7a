//! Joining with a position.

use super::{Session, app, heard, joined, leave, send};
use crate::{config::Config, hub::Delivery, identity::User};
use serde_json::{Value, json};
use std::sync::Arc;
use tertulia_shared::{Code, chat::ChatMessage, room::Joined};

#[tokio::test]
async fn who_comes_back_gets_what_came_after_and_a_join_again_says_the_same() {
    let (app, _carrier) = app();
    app.recall(Config::default().kept()).unwrap();
    let ada = Session::new(Arc::clone(&app), User::stranger());
    for id in 1..=5 {
        send(&ada, "chat/lobby", "text", &id.to_string()).unwrap();
    }
    let bob = Session::new(Arc::clone(&app), User::stranger());
    let request = |last: Value| {
        let request = json!({"room": "chat/lobby", "last": last, "history": 9});
        serde_json::from_value(request).unwrap()
    };
    let expected = Joined {
        epoch: 5,
        seq: Some(3),
    };
    let first = joined(&bob, request(json!({"epoch": 5, "seq": 3})));
    assert_eq!(first, Ok(expected.clone()));
    let again = joined(&bob, request(Value::Null));
    assert_eq!(again, Ok(expected));
    let seqs = |heard: Vec<ChatMessage>| heard.iter().map(|it| it.seq).collect::<Vec<_>>();
    assert_eq!(seqs(heard(&bob).await), [4, 5]);
    leave(&bob, "chat/lobby");
    let seqs_given = json!({"epoch": 5, "seqs": {"chat/lobby": 1}});
    assert_eq!(joined(&bob, request(seqs_given)).unwrap().seq, Some(1));
    leave(&bob, "chat/lobby");
    assert_eq!(joined(&bob, request(Value::Null)).unwrap().seq, Some(0));
    let wild = json!({"room": "sensors/#", "last": {"epoch": 5, "seq": 3}});
    let refused = joined(&bob, serde_json::from_value(wild).unwrap());
    assert_eq!(refused.unwrap_err().code, Code::BadPayload);
}

#[tokio::test]
async fn what_was_said_before_the_start_is_recalled() {
    let (app, _carrier) = app();
    let ada = Session::new(Arc::clone(&app), User::stranger());
    for id in 1..=5 {
        send(&ada, "chat/lobby", "text", &id.to_string()).unwrap();
    }
    // Nothing was kept of it until now, as before a restart.
    app.hub.remove(&"chat/lobby".to_owned().try_into().unwrap());
    let rules = ["chat/#=3,30d".parse().unwrap()].into();
    let config = Config {
        history: rules,
        ..Config::default()
    };
    app.recall(config.kept()).unwrap();
    let bob = Session::new(Arc::clone(&app), User::stranger());
    let request = json!({"room": "chat/lobby", "last": {"epoch": 5, "seq": 1}});
    joined(&bob, serde_json::from_value(request).unwrap()).unwrap();
    send(&ada, "chat/lobby", "text", "6").unwrap();
    let Some(Delivery::Missed { from, to, .. }) = bob.reader.next().await else {
        panic!("nothing is told as missed");
    };
    assert_eq!((from, to), (2, 2));
    let heard = heard::<ChatMessage>(&bob).await;
    let seqs: Vec<_> = heard.iter().map(|it| it.seq).collect();
    assert_eq!(seqs, [3, 4, 5, 6]);
}
