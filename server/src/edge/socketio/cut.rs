//! Closing one connection such that its client comes back: its transport ends, and says why as far as a transport can.
//!
//! socketioxide can only disconnect a socket from its namespace, and official clients stay away after that. So the
//! guard, which is below every transport, ends the WebSocket and refuses the polls of a connection that is cut. Official
//! clients tell the reason as the `context` of what their `disconnect` event says: a WebSocket's close event, or the answer
//! to a poll.

use super::{beside::Beside, listen::AckId, packet, refusal::Refusal, slow::Slow};
use axum::http::Uri;
use std::{
    collections::HashMap,
    fmt,
    ops::Deref,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak, atomic::AtomicBool},
};
use tokio_util::sync::CancellationToken;

/// The entries from which on those of ended sessions are removed.
const FIRST_CLEANING: usize = 64;

/// Tells the transports of one session that it is cut.
pub(super) type Cut = Arc<Line>;

/// Why a connection is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// Its client takes too little of what it asked for.
    TooSlow(Slow),
    /// Its client sends on what is refused.
    Flood,
    /// Who was let in would not be any more.
    NotLetIn,
    /// Its client asks for an acknowledgement whose id has no place in the library.
    AckId,
}

impl Why {
    /// The code of a WebSocket's end (RFC 6455 §7.4.1 and IANA's registry): try again later, or against the rules.
    fn code(self) -> u16 {
        match self {
            Self::TooSlow(_) => 1013,
            Self::Flood | Self::NotLetIn | Self::AckId => 1008,
        }
    }
}

impl fmt::Display for Why {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooSlow(slow) => write!(formatter, "too slow for what it asked for, {slow}"),
            Self::Flood => formatter.write_str("it sends on what is refused"),
            Self::NotLetIn => formatter.write_str("no longer let in"),
            Self::AckId => write!(formatter, "an acknowledgement id is over {}", AckId::MAX),
        }
    }
}

/// What the transports of one session share. It is cancelled when they are to end.
#[derive(Debug, Default)]
pub(super) struct Line {
    cut: CancellationToken,
    why: OnceLock<Why>,
    pub(super) refusal: Refusal,
    /// Whether a POST of the session is under way.
    pub(super) posting: AtomicBool,
    /// The way to write beside socketioxide, once there is a WebSocket.
    beside: OnceLock<Arc<dyn Beside>>,
}

impl Line {
    /// Takes the session's WebSocket: there is one at most.
    pub(super) fn switched(&self, beside: Arc<dyn Beside>) {
        let _ = self.beside.set(beside);
    }

    /// Ends the transports and says why: by WebSocket at once, by polling to the poll that waits or the next one.
    pub(super) fn end(&self, why: Why) {
        // The first reason is the one that is told.
        if self.why.set(why).is_err() {
            return;
        }
        if let Some(beside) = self.beside() {
            beside.goodbye(packet::close(why.code(), &why.to_string()).into());
        }
        self.cut.cancel();
    }

    /// Why it was cut.
    pub(super) fn why(&self) -> Option<Why> {
        self.why.get().copied()
    }

    /// The session's WebSocket.
    pub(super) fn beside(&self) -> Option<&Arc<dyn Beside>> {
        self.beside.get()
    }
}

impl Deref for Line {
    type Target = CancellationToken;

    fn deref(&self) -> &CancellationToken {
        &self.cut
    }
}

/// The sessions whose transports are alive.
#[derive(Clone, Debug, Default)]
pub(super) struct Cuts(Arc<Mutex<Sessions>>);

#[derive(Debug, Default)]
struct Sessions {
    cuts: HashMap<String, Weak<Line>>,
    clean_at: usize,
}

impl Cuts {
    /// The cut of a session: the same for all who ask while one of them holds it.
    pub(super) fn of(&self, session: &str) -> Cut {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(cut) = sessions.cuts.get(session).and_then(Weak::upgrade) {
            return cut;
        }
        if sessions.cuts.len() >= sessions.clean_at {
            sessions.cuts.retain(|_, cut| cut.strong_count() > 0);
            sessions.clean_at = FIRST_CLEANING.max(sessions.cuts.len() * 2);
        }
        let cut = Cut::default();
        sessions
            .cuts
            .insert(session.to_owned(), Arc::downgrade(&cut));
        cut
    }
}

/// The session of a request; `None` where the request begins one.
pub(super) fn session(uri: &Uri) -> Option<&str> {
    let mut pairs = uri.query()?.split('&');
    pairs.find_map(|pair| pair.strip_prefix("sid="))
}

#[cfg(test)]
mod tests {
    use super::{Cuts, FIRST_CLEANING, Why, session};
    use crate::edge::socketio::slow::Slow;

    #[test]
    fn all_transports_of_a_session_share_its_cut() {
        let cuts = Cuts::default();
        let held = cuts.of("a");
        let why = Why::TooSlow(Slow::Acks);
        held.end(why);
        held.end(Why::Flood);
        assert!(cuts.of("a").is_cancelled());
        assert_eq!(cuts.of("a").why(), Some(why));
        assert!(!cuts.of("b").is_cancelled());
    }

    #[test]
    fn sessions_that_nobody_holds_are_forgotten() {
        let cuts = Cuts::default();
        let held = cuts.of("held");
        held.cancel();
        for number in 0..FIRST_CLEANING * 10 {
            drop(cuts.of(&number.to_string()));
        }
        assert!(cuts.0.lock().unwrap().cuts.len() <= FIRST_CLEANING);
        assert!(cuts.of("held").is_cancelled());
    }

    #[test]
    fn the_session_of_a_request() {
        let uri = "/socket.io/?EIO=4&transport=polling&sid=ab_c"
            .parse()
            .unwrap();
        assert_eq!(session(&uri), Some("ab_c"));
        assert_eq!(session(&"/socket.io/?EIO=4".parse().unwrap()), None);
    }
}
