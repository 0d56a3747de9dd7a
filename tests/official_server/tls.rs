//! TLS: a server with a certificate of its own, over both transports.

use super::BOTH;
use crate::world::{
    client::until_connected,
    official::{Node, ask, only},
    watch::until_lost,
};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use serde_json::json;
use tertulia_client::{
    connect::ConnectError,
    connection::{Connection, Options, Reason},
};

#[tokio::test]
async fn a_server_is_trusted_by_the_certificates_that_are_given_and_not_without() {
    let names = vec!["127.0.0.1".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    let tls = json!({ "key": signing_key.serialize_pem(), "cert": cert.pem() });
    let node = Node::with(json!({ "tls": tls })).await;
    assert!(node.origin.starts_with("https://"));
    for transport in BOTH {
        let trusting = node.connect(Options {
            certificate_authorities: cert.pem(),
            ..only(transport)
        });
        until_connected(&trusting).await;
        let handshake = ask(&trusting, "test:handshake", &[]).await;
        assert_eq!(handshake["namespace"], "/");
        let strict = node.connect(Options {
            force_new: true,
            ..only(transport)
        });
        let (lost, _) = until_lost(&mut strict.watch()).await;
        assert!(
            matches!(&lost, Reason::TransportError(why) if why.contains("certificate")),
            "{transport}: {lost}"
        );
    }
}

#[tokio::test]
async fn what_is_no_certificate_is_refused_at_once() {
    let options = Options {
        certificate_authorities: "no certificate".to_owned(),
        ..Options::default()
    };
    let refused = Connection::connect_with("https://127.0.0.1:1", options);
    assert!(matches!(refused, Err(ConnectError::Certificate(_))));
}
