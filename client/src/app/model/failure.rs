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
    /// The server answered something that this page does not understand.
    Unreadable,
}

impl Failure {
    /// Whether sending the same again by itself can help: nothing was refused.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::NoAnswer | Self::LinkLost)
            || matches!(self, Self::Refused(reject) if reject.code == Code::BridgeDown)
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
}
