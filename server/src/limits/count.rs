//! What was held up at each fence, for the metrics.

use std::sync::atomic::{AtomicU64, Ordering};

/// What keeps somebody or something out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// A page that may not talk to this server.
    Origin,
    /// A name that this server does not have.
    Host,
    /// Too many requests or handshakes of an address.
    Requests,
    /// Too many tries of passwords.
    Passwords,
    /// As many connections as there may be.
    Connections,
    /// As many connections as one address may have.
    ConnectionsOfAddress,
    /// A body or a message that is too large.
    Payload,
    /// A request that does not come whole in time, or none on an idle connection; an answer of which nothing is taken.
    Slow,
    /// A publish or a subscription by MQTT that was taken later.
    Pace,
    /// A TLS handshake that fails or does not come whole in time.
    Tls,
    /// As many answers as may be on their way out, or as many bytes of them.
    Answers,
}

impl Fence {
    const ALL: [(Self, &'static str); 11] = [
        (Self::Origin, "origin"),
        (Self::Host, "host"),
        (Self::Requests, "requests"),
        (Self::Passwords, "passwords"),
        (Self::Connections, "connections"),
        (Self::ConnectionsOfAddress, "connections-of-address"),
        (Self::Payload, "payload"),
        (Self::Slow, "slow"),
        (Self::Pace, "pace"),
        (Self::Tls, "tls"),
        (Self::Answers, "answers"),
    ];
}

/// How often something was kept out, by fence.
#[derive(Debug, Default)]
pub struct Refusals([AtomicU64; Fence::ALL.len()]);

impl Refusals {
    /// Counts one.
    pub fn add(&self, fence: Fence) {
        self.0[fence as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The fences and their counts.
    pub fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let names = Fence::ALL.iter().map(|(_, name)| *name);
        names.zip(self.0.iter().map(|count| count.load(Ordering::Relaxed)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Fence, Refusals};

    #[test]
    fn each_fence_has_its_own_count() {
        for (place, (fence, name)) in Fence::ALL.into_iter().enumerate() {
            assert_eq!(fence as usize, place, "{name}");
            let refusals = Refusals::default();
            refusals.add(fence);
            let counted: Vec<_> = refusals.read().filter(|(_, count)| *count > 0).collect();
            assert_eq!(counted, [(name, 1)]);
        }
    }
}
