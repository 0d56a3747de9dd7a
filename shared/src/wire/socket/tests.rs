//! The packets of the protocol document, and what is refused.

use super::{Args, DecodeError, Decoder, Json, Kind, MAIN, Packet};
use bytes::Bytes;

fn args(json: &str, attachments: &[&'static [u8]]) -> Args {
    let attachments = attachments.iter().copied().map(Bytes::from_static);
    Args::new(Json::parse(json).unwrap(), attachments.collect()).unwrap()
}

fn json(text: &str) -> Json {
    Json::parse(text).unwrap()
}

#[track_caller]
fn check(namespace: &str, kind: Kind, text: &str) {
    let packet = Packet::new(namespace, kind);
    let mut decoder = Decoder::default();
    let mut decoded = decoder.text(text).unwrap();
    let (encoded, attachments) = packet.clone().encode();
    assert_eq!(encoded, text);
    for attachment in attachments {
        assert_eq!(decoded, None, "not before the last attachment");
        decoded = decoder.binary(attachment).unwrap();
    }
    assert_eq!(decoded, Some(packet));
}

#[track_caller]
fn refused(text: &str) -> DecodeError {
    Decoder::default().text(text).unwrap_err()
}

#[test]
fn packets_of_the_protocol_document() {
    check(MAIN, Kind::Connect(None), "0");
    check(
        MAIN,
        Kind::Connect(Some(json(r#"{"sid":"oSO0OpakMV_3jnilAAAA"}"#))),
        r#"0{"sid":"oSO0OpakMV_3jnilAAAA"}"#,
    );
    check(
        "/admin",
        Kind::ConnectError(json(r#"{"message":"Not authorized"}"#)),
        r#"4/admin,{"message":"Not authorized"}"#,
    );
    check(
        MAIN,
        Kind::Event(None, args(r#"["foo"]"#, &[])),
        r#"2["foo"]"#,
    );
    check(
        "/admin",
        Kind::Event(None, args(r#"["bar"]"#, &[])),
        r#"2/admin,["bar"]"#,
    );
    check(
        MAIN,
        Kind::Event(Some(12), args(r#"["foo"]"#, &[])),
        r#"212["foo"]"#,
    );
    check(
        "/admin",
        Kind::Ack(13, args(r#"["bar"]"#, &[])),
        r#"3/admin,13["bar"]"#,
    );
    check("/admin", Kind::Disconnect, "1/admin,");
}

#[test]
fn attachments_follow_in_order() {
    let body = r#"["baz",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    check(
        MAIN,
        Kind::Event(None, args(body, &[&[1, 2], &[3, 4]])),
        &format!("52-{body}"),
    );
    check(
        "/admin",
        Kind::Ack(15, args(r#"[{"_placeholder":true,"num":0}]"#, &[&[1]])),
        r#"61-/admin,15[{"_placeholder":true,"num":0}]"#,
    );
}

#[test]
fn a_question_mark_is_part_of_the_namespace() {
    let packet = Decoder::default().text("0/admin?token=1,{}").unwrap();
    assert_eq!(packet.unwrap().namespace, "/admin?token=1");
}

#[test]
fn a_number_is_a_name() {
    let packet = Decoder::default().text("2[17,true]").unwrap().unwrap();
    let Kind::Event(None, args) = packet.kind else {
        panic!("{packet:?}");
    };
    assert_eq!(args.name().unwrap(), "17");
}

#[test]
fn what_is_no_packet_is_refused_with_a_reason() {
    assert!(matches!(refused(""), DecodeError::Empty));
    assert!(matches!(refused("7"), DecodeError::UnknownType('7')));
    assert!(matches!(refused("2"), DecodeError::Json(_)));
    assert!(matches!(refused(r#"2{"a":1}"#), DecodeError::Shape(_)));
    assert!(matches!(refused("2[]"), DecodeError::Args(_)));
    assert!(matches!(refused("2[[1]]"), DecodeError::Args(_)));
    assert!(matches!(
        refused(r#"2["disconnect"]"#),
        DecodeError::Reserved(_)
    ));
    assert!(matches!(refused("4[]"), DecodeError::Shape(_)));
    assert!(matches!(refused("0[]"), DecodeError::Shape(_)));
    assert!(matches!(refused(r#"2["a"] x"#), DecodeError::Json(_)));
    assert!(matches!(refused("3[]"), DecodeError::NoAckId));
    assert!(matches!(
        refused("399999999999999999999[]"),
        DecodeError::AckIdRange
    ));
    for text in [r#"5["a"]"#, r#"50-["a"]"#, r#"5+1-["a"]"#] {
        assert!(matches!(refused(text), DecodeError::NoCount), "{text}");
    }
    assert!(matches!(refused("1x"), DecodeError::Trailing(1)));
}

#[test]
fn announced_attachments_are_bounded() {
    assert!(matches!(
        refused(r#"5999999999999-["a"]"#),
        DecodeError::TooManyAttachments {
            announced: 999_999_999_999,
            limit: 128
        }
    ));
}

#[test]
fn binaries_come_where_they_are_announced_and_nowhere_else() {
    let mut decoder = Decoder::default();
    assert!(matches!(
        decoder.binary(Bytes::from_static(&[1])),
        Err(DecodeError::UnexpectedBinary(1))
    ));
    assert!(decoder.text(r#"51-["a"]"#).unwrap().is_none());
    assert!(matches!(
        decoder.text(r#"2["b"]"#),
        Err(DecodeError::AttachmentsOutstanding(1))
    ));
}

#[test]
fn arguments_decode_one_by_one() {
    let args = args(r#"["foo",{"a":1},[2]]"#, &[]);
    assert_eq!(args.name().unwrap(), "foo");
    assert_eq!(args.at::<[u8; 1]>(2).unwrap(), [2]);
    assert!(args.at::<u8>(1).is_err());
    assert!(args.at::<u8>(3).is_err());
}
