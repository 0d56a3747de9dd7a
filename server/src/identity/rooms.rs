//! Who may be in which private room: kept with the accounts.

use super::{Identity, User, known::Entry, name::folded};
use crate::store::Accounts;
use tertulia_shared::{Code, Reject, Topic};

impl Identity {
    /// Whether somebody may be in a private room. One that nobody ever was in, and where nothing was ever said, becomes
    /// the first one's who has a token.
    ///
    /// # Errors
    /// When it would be one too many.
    pub fn lets_in(&self, room: &Topic, user: &User, was_used: bool) -> Result<bool, Reject> {
        let may_begin = user.is_known() && !was_used;
        let entry = self.known_mut().lets_in(room, &user.id, may_begin)?;
        if entry == Entry::Begun {
            let write = self.letting_in(room, &user.id);
            self.ledger.tell(write);
        }
        Ok(entry != Entry::Refused)
    }

    /// Whether somebody is in a private room, or was invited to it.
    pub fn is_member(&self, room: &Topic, user: &User) -> bool {
        self.known().is_member(room, &user.id)
    }

    /// The public id of whom a name names: a registered user, or the one guest with a token who is connected.
    ///
    /// # Errors
    /// When it is nobody's or several ones'.
    pub fn named(&self, name: &str) -> Result<String, Reject> {
        let folded = folded(name);
        if let Some(account) = self.known().named(&folded) {
            return Ok(account.id.clone());
        }
        let shown = super::visible::shown(name);
        let problem = match self.here.guest_named(&folded) {
            Ok(Some(id)) => return Ok(id),
            Ok(None) => {
                format!("nobody who is registered or here with a token is called `{shown}`")
            }
            Err(_) => format!("several are called `{shown}`"),
        };
        Err(Reject::new(Code::BadName, problem))
    }

    /// Lets somebody into a private room from now on; what comes back says later whether that is kept.
    ///
    /// # Errors
    /// When it has too many members.
    pub fn invite(
        &self,
        room: &Topic,
        id: &str,
    ) -> Result<impl Future<Output = Result<(), Reject>> + Send + use<>, Reject> {
        self.known_mut().invite(room, id)?;
        Ok(self.ledger.asking(self.letting_in(room, id)))
    }

    fn letting_in(
        &self,
        room: &Topic,
        id: &str,
    ) -> impl FnOnce(&mut Accounts) -> Result<(), crate::store::StoreError> + Send + use<> {
        let (room, id, at) = (room.as_str().to_owned(), id.to_owned(), (self.clock)());
        move |accounts| accounts.let_in(&room, &id, at)
    }
}
