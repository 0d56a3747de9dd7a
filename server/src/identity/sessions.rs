//! Giving tokens and taking them back, and the names that go with them.

use super::{
    Identity,
    known::{Known, REVOKED},
    look::{NAMELESS, is_reserved},
    name::{folded, name as checked},
    token::{self, Claims},
    user::{Pass, Standing, User, random_id},
};
use crate::store::Note;
use tertulia_shared::{Code, Reject};

/// A token that was given, and who its holder is.
#[derive(Clone, PartialEq, Eq, serde::Serialize)]
pub struct Issued {
    /// The secret.
    pub token: String,
    /// The public id.
    pub peer: String,
    /// The name.
    pub name: String,
    /// Whether it is an account's.
    pub registered: bool,
    /// When it expires, in milliseconds since 1970-01-01 UTC.
    pub expires: u64,
}

impl Identity {
    /// A token for a guest; without a name it is called as those without a token are.
    ///
    /// # Errors
    /// When the name is none, or belongs to a registered user.
    pub fn guest(&self, name: Option<&str>) -> Result<Issued, Reject> {
        let guest = User {
            standing: Standing::Guest,
            ..User::stranger()
        };
        let name = name.map(|name| self.may_be_called(&guest, name));
        let name = name.transpose()?;
        self.issue(guest.id, name, (None, None))
    }

    /// A token for a registered user.
    ///
    /// # Errors
    /// When the password is not the user's, whether or not there is such a user; or too many log in.
    pub async fn login(&self, name: &str, password: String) -> Result<Issued, Reject> {
        let account = self.check(name, password).await?;
        self.issue(account.0, Some(account.1), (Some(account.2), None))
    }

    /// The registered user whose name and password these are: without a token.
    ///
    /// # Errors
    /// As [`Identity::login`].
    pub async fn account(&self, name: &str, password: String) -> Result<User, Reject> {
        let (id, name, generation) = self.check(name, password).await?;
        let pass = Pass {
            family: String::new(),
            life: 0,
            expires: u64::MAX,
            generation,
        };
        Ok(User {
            id,
            name: Some(name),
            standing: Standing::Registered,
            pass: Some(pass),
        })
    }

    /// Id, name and generation of the account whose name and password these are.
    async fn check(&self, name: &str, password: String) -> Result<(String, String, u64), Reject> {
        let account = self.known().named(&folded(name)).cloned();
        let hash = account.as_ref().map(|account| account.password.clone());
        let right = self.checks.is_right(password, hash).await?;
        match account.filter(|_| right) {
            Some(account) => Ok((account.id, account.name, account.generation)),
            None => {
                let problem = "wrong name or password";
                Err(Reject::new(Code::BadPassword, problem))
            }
        }
    }

    /// Another token for the same user, who may be called otherwise from now on. It is revoked with the first.
    ///
    /// # Errors
    /// When the name is none, or another's, or what let the user in was revoked since.
    pub fn renew(&self, user: &User, name: Option<&str>) -> Result<Issued, Reject> {
        let asked = name.map(|name| self.may_be_called(user, name));
        let asked = asked.transpose()?;
        let generation = user.pass.as_ref().map(|pass| pass.generation);
        let generation = generation.filter(|_| user.standing == Standing::Registered);
        let name = asked.or_else(|| user.name.clone());
        let before = user.pass.as_ref();
        let is_revoked = |before: &Pass| self.known().is_revoked(&before.family);
        let issued = self.issue(user.id.clone(), name.clone(), (generation, before))?;
        // After that: who revokes the family from now on knows how long this token would be good.
        if before.is_some_and(is_revoked) {
            return Err(token::refused(REVOKED));
        }
        if let (Standing::Guest, Some(name)) = (user.standing, name) {
            self.keep_name(&user.id, &name, issued.expires);
        }
        Ok(issued)
    }

    /// Takes a token back, and all that are its renewals or of which it is one: their connections end at once, and they stay
    /// bad over all restarts. Where that could not be kept it may be asked again.
    ///
    /// # Errors
    /// When the token is not good, or that it is revoked cannot be kept.
    pub async fn revoke(&self, token: &str) -> Result<(), Reject> {
        let claims = token::read(&self.key, token, self.now())?;
        let (standing, pass) = (claims.standing(), claims.pass());
        let kept = {
            let mut known = self.known_mut();
            // Under the lock: no renewal that is given is good for longer.
            let now = self.now();
            let life = self.life().max(claims.life()).saturating_mul(1_000);
            let until = now.saturating_add(life);
            if !known.is_unwritten(&pass.family) {
                if let Some(why) = known.problem(&claims.sub, standing, &pass, now) {
                    return Err(token::refused(why));
                }
                known.may_revoke(standing)?;
            }
            let token = pass.family.clone();
            let kept = self.ledger.keeping(Note::Revoked { token, until })?;
            known.revoke(&pass.family, until);
            self.here.check(&known, now, false);
            kept
        };
        kept.await?;
        self.known_mut().wrote(&pass.family);
        Ok(())
    }

    /// The name as this user may have it: of a registered one its own only.
    ///
    /// # Errors
    /// When the name is not allowed, belongs to another user or is reserved, or looks like such a name.
    pub fn may_be_called(&self, user: &User, name: &str) -> Result<String, Reject> {
        let name = checked(name)?;
        let known = self.known();
        match known.named(&folded(&name)) {
            Some(account) if account.id == user.id => Ok(account.name.clone()),
            _ if user.standing == Standing::Registered => {
                let own = user.name.as_deref().unwrap_or_default();
                let problem = format!("a registered user keeps its name, which is `{own}`");
                Err(Reject::new(Code::BadName, problem))
            }
            _ if name == nameless(&user.id) => Ok(name),
            _ => free(&known, name),
        }
    }

    /// Keeps the name that a user took, where it is one who comes back and may have it otherwise the next time.
    pub fn remember_name(&self, user: &User, name: &str) {
        if let (Standing::Guest, Some(pass)) = (user.standing, &user.pass) {
            self.keep_name(&user.id, name, pass.expires);
        }
    }

    fn keep_name(&self, id: &str, name: &str, until: u64) {
        let kept = self.known_mut().keep_guest(id, name, until);
        if let Some(guest) = kept {
            self.ledger.keep_name(guest);
        }
    }

    /// How long a token is good, in seconds.
    fn life(&self) -> u64 {
        self.session_for.as_secs().max(1)
    }

    fn issue(
        &self,
        id: String,
        name: Option<String>,
        (generation, before): (Option<u64>, Option<&Pass>),
    ) -> Result<Issued, Reject> {
        let now = self.now() / 1_000;
        let claims = Claims {
            sub: id,
            jti: random_id(),
            family: before.map(|before| before.family.clone()),
            longest: before
                .map(|before| before.life)
                .filter(|life| *life > self.life()),
            iat: now,
            exp: now.saturating_add(self.life()),
            name: name.clone().filter(|_| generation.is_none()),
            generation,
        };
        let token = token::sign(&self.key, &claims).map_err(|error| {
            tracing::error!(%error, "a token does not encode");
            Reject::new(Code::BadPayload, "a token for that cannot be written")
        })?;
        Ok(Issued {
            token,
            name: name.unwrap_or_else(|| nameless(&claims.sub)),
            peer: claims.sub,
            registered: generation.is_some(),
            expires: claims.exp.saturating_mul(1_000),
        })
    }
}

/// Checks that a guest may have a name.
fn free(known: &Known, name: String) -> Result<String, Reject> {
    if known.is_taken(&name) {
        let problem = format!(
            "name `{name}` is a registered user's or looks like one; log in, or take another"
        );
        Err(Reject::new(Code::NameTaken, problem))
    } else if is_reserved(&name) {
        let problem = format!("name `{name}` is kept for registered users; take another");
        Err(Reject::new(Code::NameReserved, problem))
    } else {
        Ok(name)
    }
}

/// What somebody without a name is called.
pub fn nameless(id: &str) -> String {
    let start: String = id.chars().take(4).collect();
    format!("{NAMELESS}{start}")
}
