//! Closing one connection such that its client comes back: its transport ends, without a word.
//!
//! socketioxide can only disconnect a socket from its namespace, and official clients stay away after that. So the
//! guard, which is below every transport, ends the WebSocket and refuses the polls of a connection that is cut.

use super::{beside::Beside, refusal::Refusal};
use axum::http::Uri;
use std::{
    collections::HashMap,
    ops::Deref,
    sync::{Arc, Mutex, OnceLock, PoisonError, Weak},
};
use tokio_util::sync::CancellationToken;

/// The entries from which on those of ended sessions are removed.
const FIRST_CLEANING: usize = 64;

/// Tells the transports of one session that it is cut.
pub(super) type Cut = Arc<Line>;

/// What the transports of one session share. It is cancelled when they are to end.
#[derive(Debug, Default)]
pub(super) struct Line {
    cut: CancellationToken,
    pub(super) refusal: Refusal,
    /// The way to write beside socketioxide, once there is a WebSocket.
    beside: OnceLock<Arc<dyn Beside>>,
}

impl Line {
    /// Takes the session's WebSocket: there is one at most.
    pub(super) fn switched(&self, beside: Arc<dyn Beside>) {
        let _ = self.beside.set(beside);
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
pub struct Cuts(Arc<Mutex<Sessions>>);

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
    use super::{Cuts, FIRST_CLEANING, session};

    #[test]
    fn all_transports_of_a_session_share_its_cut() {
        let cuts = Cuts::default();
        let held = cuts.of("a");
        held.cancel();
        assert!(cuts.of("a").is_cancelled());
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
