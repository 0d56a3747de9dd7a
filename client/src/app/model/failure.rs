//! Why something that a person asked for did not happen.
//!
//! Not here: the words for it (`text`), so that a change of language changes them too.

use crate::connection::EmitError;
use tertulia_shared::{Code, Reject};

/// The reason for which an event was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The server refused it.
    Refused(Reject),
    /// The server did not answer in time.
    NoAnswer,
    /// The link was lost before the answer came.
    LinkLost,
    /// Who wrote it signed out before it went out.
    SignedOut,
    /// The server answered something that this page does not understand.
    Unreadable,
}

/// How long a refusal that passes is waited for where the server does not say, in milliseconds.
const WAIT_MS: u64 = 2_000;
/// The shortest and the longest that is waited, in milliseconds, whatever the server says.
const WAITS_MS: (u64, u64) = (100, 60_000);

impl Failure {
    /// Whether sending the same again by itself can help: nothing was refused, or not for good.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NoAnswer | Self::LinkLost) || self.wait().is_some()
    }

    /// Whether its id belongs to another user, so that the message needs one of its own to be sent by this one.
    pub fn is_of_somebody_else(&self) -> bool {
        match self {
            Self::SignedOut => true,
            Self::Refused(reject) => reject.code == Code::BadId,
            _ => false,
        }
    }

    /// How long to wait, in milliseconds, before the same is asked again: of a refusal that passes.
    pub fn wait(&self) -> Option<u64> {
        let Self::Refused(reject) = self else {
            return None;
        };
        let passes = reject.code.passes();
        let (shortest, longest) = WAITS_MS;
        let wait = reject.retry_after.unwrap_or(WAIT_MS);
        passes.then(|| wait.clamp(shortest, longest))
    }
}

impl From<EmitError> for Failure {
    fn from(error: EmitError) -> Self {
        match error {
            EmitError::Rejected(reject) => Self::Refused(reject),
            EmitError::Timeout(_) | EmitError::BufferFull(_) | EmitError::Stopped => Self::NoAnswer,
            EmitError::Disconnected | EmitError::NotConnected => Self::LinkLost,
            EmitError::Encode(_)
            | EmitError::Decode(_)
            | EmitError::Invalid(_)
            | EmitError::TooLarge { .. }
            | EmitError::TooManyAttachments { .. } => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Failure;
    use crate::connection::EmitError;
    use std::time::Duration;
    use tertulia_shared::{Code, Reject};

    #[test]
    fn a_refusal_is_final_and_a_lost_link_is_not() {
        let refused = EmitError::Rejected(Reject::new(Code::BadText, "too long"));
        assert!(!Failure::from(refused).is_transient());
        assert!(Failure::from(EmitError::Disconnected).is_transient());
        assert!(Failure::from(EmitError::Timeout(Duration::from_secs(5))).is_transient());
        assert!(!Failure::from(EmitError::Decode("x".to_owned())).is_transient());
    }

    #[test]
    fn a_refusal_that_passes_is_waited_for_as_the_server_says() {
        let wait = |code, retry_after| {
            let retry_after = Some(retry_after).filter(|wait| *wait > 0);
            let reject = Reject {
                retry_after,
                ..Reject::new(code, "later")
            };
            Failure::Refused(reject).wait()
        };
        for code in [
            Code::StorageFull,
            Code::StorageFailed,
            Code::ServerBusy,
            Code::RateLimited,
            Code::BridgeDown,
        ] {
            assert_eq!(wait(code, 0), Some(2_000), "{code:?}");
            assert_eq!(wait(code, 700), Some(700), "{code:?}");
        }
        assert_eq!(wait(Code::RateLimited, 1), Some(100));
        assert_eq!(wait(Code::RateLimited, u64::MAX), Some(60_000));
        assert_eq!(wait(Code::RoomNotAllowed, 700), None);
        assert_eq!(Failure::NoAnswer.wait(), None);
    }
}
