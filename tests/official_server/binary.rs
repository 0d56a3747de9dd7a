//! Binaries: nested, in acknowledgements, among several arguments, in order with texts.

use super::{Album, BOTH, Moved, Picture, Piece, Tick, Tock, binary};
use crate::world::{
    client::{next, until_connected},
    official::{ACKNOWLEDGED, Node, ask, event, only, tell},
    soon,
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use tertulia_client::connection::{Delivery, Options, Transport};
use tertulia_shared::{Event, wire::args::Args};

fn placeholder(num: usize) -> Value {
    json!({ "_placeholder": true, "num": num })
}

#[tokio::test]
async fn nested_binaries_come_back_in_the_acknowledgement() {
    for transport in BOTH {
        let node = Node::start().await;
        let connection = node.connect(only(transport)).plain_acks();
        let picture = |bytes: &[u8], note: Option<&str>| Picture {
            pixels: binary(bytes),
            note: note.map(str::to_owned),
        };
        let album = Album {
            title: "one".to_owned(),
            pictures: vec![
                picture(&[0, 255, 128], Some("ñ")),
                picture(&[], None),
                picture(&[10; 100_000], None),
            ],
            cover: binary(b"hola"),
        };
        let back = soon("the album", connection.emit(&album)).await.unwrap();
        assert_eq!(back, album);
    }
}

#[tokio::test]
async fn without_a_type_binaries_stand_beside_the_json() {
    for transport in BOTH {
        let node = Node::start().await;
        let connection = node.connect(only(transport));
        let arguments = [placeholder(1), json!([{ "deep": placeholder(0) }])];
        let mut sent = event("test:echo", &arguments);
        sent.attachments = vec![vec![1, 2].into(), vec![3].into()];
        let echoed = soon("the echo", connection.emit_args(sent, ACKNOWLEDGED)).await;
        let echoed = echoed.unwrap().unwrap();
        // The official server numbers them anew, in the order of the arguments.
        let expected =
            r#"[{"_placeholder":true,"num":0},[{"deep":{"_placeholder":true,"num":1}}]]"#;
        assert_eq!(echoed.json().as_str(), expected);
        assert_eq!(echoed.attachments, [vec![3], vec![1, 2]]);
    }
}

#[tokio::test]
async fn a_binary_among_several_arguments_of_the_server() {
    for transport in BOTH {
        let node = Node::start().await;
        let connection = node.connect(only(transport));
        let mut moves = connection.listen::<Moved>();
        let piece = json!({ "name": "pawn", "mark": placeholder(0) });
        let mut back = event("test:back", &[json!("test:moved"), piece, json!("e4")]);
        back.attachments.push(vec![9].into());
        connection
            .emit_args(back, Delivery::default())
            .await
            .unwrap();
        let pawn = Piece {
            name: "pawn".to_owned(),
            mark: binary(&[9]),
        };
        assert_eq!(next(&mut moves).await, Moved(pawn, "e4".to_owned()));
    }
}

#[tokio::test]
async fn a_binary_answers_the_servers_question() {
    for transport in BOTH {
        let node = Node::start().await;
        let connection = node.connect(only(transport));
        let mut questions = connection.listen_to("test:picture");
        let asked = event("test:ask", &[json!(["test:picture", 1])]);
        let answered = connection.emit_args(asked, ACKNOWLEDGED);
        let (question, reply_to) = soon("the question", questions.next()).await.unwrap();
        assert_eq!(question.at::<u32>(1).unwrap(), 1);
        let answer = Args::ack(&binary(&[1, 2, 3])).unwrap();
        soon("the reply", connection.reply(reply_to.unwrap(), answer))
            .await
            .unwrap();
        let answered = soon("the answer", answered).await.unwrap().unwrap();
        assert_eq!(answered.attachments, [vec![1, 2, 3]]);
    }
}

/// What breaks it: attachments that travel by another queue than heads, or texts that pass between them.
#[tokio::test]
async fn binaries_and_texts_stay_in_order() {
    for transport in BOTH {
        let mut node = Node::start().await;
        let connection = node.connect(only(transport));
        until_connected(&connection).await;
        node.until("connected").await;
        let mut ticks = connection.listen::<Tick>();
        tell(&connection, "test:flood", &[json!(300)]).await;
        for n in 0..300 {
            let tock = Tock::number(n).to_args().unwrap();
            drop(connection.emit_args(tock, Delivery::default()));
        }
        for n in 0..300 {
            let bytes = (n % 3 == 0).then(|| binary(&[(n % 256) as u8]));
            assert_eq!(next(&mut ticks).await, Tick { n, bytes });
        }
        let numbers: Vec<_> = (0..300).collect();
        assert_eq!(ask(&connection, "test:heard", &[]).await, json!(numbers));
        connection.disconnect();
        assert_eq!(node.says().await.0, "disconnected", "no bytes were wrong");
    }
}

#[tokio::test]
async fn what_waited_offline_goes_out_with_its_binaries() {
    let node = Node::start().await;
    let connection = node.connect(Options {
        auto_connect: false,
        transports: vec![Transport::Polling],
        ..Options::default()
    });
    for n in 0..30 {
        let tock = Tock::number(n).to_args().unwrap();
        drop(connection.emit_args(tock, Delivery::default()));
    }
    let heard = connection.emit_args(event("test:heard", &[]), ACKNOWLEDGED);
    connection.open();
    let heard: Vec<u32> = soon("heard", heard).await.unwrap().unwrap().at(0).unwrap();
    assert_eq!(heard, (0..30).collect::<Vec<_>>());
}
