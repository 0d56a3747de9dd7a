//! Publishing from inside this process: past the network, and past the doorman, who lets this process publish everything but
//! what was said in private.

use super::INTERNAL;
use crate::{
    app::policy::is_private,
    bridge::{
        link::{Confirmation, Unconfirmed},
        local::{Local, Outgoing},
    },
};
use mqtt5::{
    QoS,
    broker::{router::MessageRouter, sys_topics::BrokerStats},
    packet::publish::PublishPacket,
};
use rumqttc::PubAckReason;
use std::{fmt, sync::Arc};
use tokio::time::Instant;

/// The broker from inside.
pub(super) struct Inside {
    pub(super) router: Arc<MessageRouter>,
    pub(super) stats: Arc<BrokerStats>,
}

impl Local for Inside {
    fn publish(&self, from: &str, message: Outgoing) -> Confirmation {
        if is_private(&message.topic) {
            let refused = Unconfirmed::Refused(PubAckReason::NotAuthorized);
            return Box::pin(std::future::ready(Err(refused)));
        }
        let mut packet =
            PublishPacket::new(message.topic.as_str(), message.payload, QoS::AtLeastOnce);
        for (name, value) in message.properties {
            packet.properties.add_user_property(name, value);
        }
        // As the broker does with what comes by a connection.
        packet.properties.inject_sender(Some(INTERNAL));
        packet.properties.inject_client_id(Some(from));
        let (router, stats, from) = (
            Arc::clone(&self.router),
            Arc::clone(&self.stats),
            from.to_owned(),
        );
        Box::pin(async move {
            stats.publish_received(packet.payload.len());
            // Who is slow has a queue for it: nobody else waits.
            router
                .route_message_with_deadline(&packet, Some(&from), Instant::now())
                .await;
            Ok(())
        })
    }
}

impl fmt::Debug for Inside {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Inside").finish_non_exhaustive()
    }
}
