//! The session token that the page keeps, as it is remembered between two visits.
//!
//! Not here: asking for one (`view::sign`), and where it is kept (`browser::storage`).

use crate::sign_in::Granted;

/// A token and what the page needs to know of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Pass {
    /// The token, a credential.
    pub token: String,
    /// The public id of whom it stands for.
    pub peer: String,
    /// From when on it is to be renewed: half its life is over, in milliseconds since 1970.
    pub renew_at: u64,
    /// Whether the name is registered, so that another token takes its password.
    pub registered: bool,
}

impl Pass {
    /// What the server gave at `now`.
    pub fn granted(granted: &Granted, now: u64) -> Self {
        Self {
            token: granted.token.clone(),
            peer: granted.peer.clone(),
            renew_at: now + granted.expires.saturating_sub(now) / 2,
            registered: granted.registered,
        }
    }

    /// What was remembered; `None` where it is no token.
    pub fn from_text(text: &str) -> Option<Self> {
        let mut lines = text.lines().map(str::to_owned);
        Some(Self {
            token: lines.next().filter(|token| !token.is_empty())?,
            peer: lines.next()?,
            renew_at: lines.next()?.parse().ok()?,
            registered: lines.next().is_some(),
        })
    }

    /// As it is remembered.
    pub fn to_text(&self) -> String {
        let registered = if self.registered { "\nregistered" } else { "" };
        format!(
            "{}\n{}\n{}{registered}",
            self.token, self.peer, self.renew_at
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Pass;
    use crate::sign_in::Granted;

    #[test]
    fn it_is_remembered_and_renewed_at_half_its_life() {
        for registered in [true, false] {
            let granted = Granted {
                token: "t.o.k".to_owned(),
                peer: "p".to_owned(),
                name: "Ana".to_owned(),
                registered,
                expires: 3_000,
            };
            let pass = Pass::granted(&granted, 1_000);
            assert_eq!(pass.renew_at, 2_000);
            assert!(Pass::from_text(&pass.to_text()) == Some(pass));
            // A clock that is ahead of the server's renews at each connect.
            assert_eq!(Pass::granted(&granted, 9_000).renew_at, 9_000);
        }
        for text in ["", "t", "t\np", "t\np\nx", "\np\n1"] {
            assert!(Pass::from_text(text).is_none(), "{text}");
        }
    }
}
