//! How often passwords may be tried: for one name from one address, from one address, and for one name from anywhere.
//!
//! The last is the wide one: it holds up who guesses from many addresses, and by that strangers too who mistype; but not
//! the addresses from which the right password came before, so that nobody's guessing locks a user out.

use super::{
    Place, Shared, Table,
    bucket::{Bucket, Rate},
};
use crate::identity::name::folded;
use std::{
    collections::HashSet,
    net::IpAddr,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// For one name from one address: a person who looks for the right one has 10 tries, and then one every 10 s.
const OF_BOTH: Rate = Rate {
    per_second: 0.1,
    burst: 10.0,
};
/// For one name from all addresses where it was never right: as many as 10 people have, and then as one.
const OF_NAME: Rate = Rate {
    per_second: 0.1,
    burst: 100.0,
};
/// From one address: a class that comes at once has 30 tries, and then one every 2 s.
const OF_ADDRESS: Rate = Rate {
    per_second: 0.5,
    burst: 30.0,
};

/// How much of a folded name is kept, in characters: a name that can be shown is seldom as long.
const MAX_NAME_CHARS: usize = 64;

/// The most addresses of right passwords that are remembered; then they are learnt anew.
const MAX_HOMES: usize = 65_536;

/// A name as it is compared, and where somebody tries a password for it.
type Both = (String, Option<Place>);

/// Who has tried how often without success.
#[derive(Debug, Default)]
pub(crate) struct Passwords {
    both: Table<Both, Bucket>,
    names: Table<String, Bucket>,
    addresses: Table<Place, Bucket>,
    /// From where the right password came.
    homes: Mutex<HashSet<Both>>,
}

impl Passwords {
    /// Takes a try before it is made, so that many at once are no way around it.
    ///
    /// # Errors
    /// How long to wait.
    pub(crate) fn take(&self, name: &str, address: IpAddr) -> Result<(), Duration> {
        self.all(name, address, |bucket, now| bucket.take(1.0, now))
    }

    /// Gives a try back that was the right one.
    pub(crate) fn forgive(&self, name: &str, address: IpAddr) {
        // It cannot fail.
        let _ = self.all(name, address, |bucket, _| {
            bucket.spend(-1.0);
            Ok(())
        });
    }

    /// Remembers from where the right password of a user came.
    pub(crate) fn remember(&self, name: &str, address: IpAddr) {
        let mut homes = self.homes();
        if homes.len() >= MAX_HOMES {
            homes.clear();
        }
        homes.insert((comparable(name), Place::of(address)));
    }

    pub(super) fn kept(&self) -> usize {
        self.both.len() + self.names.len() + self.addresses.len() + self.homes().len()
    }

    fn all(
        &self,
        name: &str,
        address: IpAddr,
        act: impl Fn(&mut Bucket, Instant) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let now = Instant::now();
        let full = |bucket: &mut Bucket| bucket.is_full(now);
        let act = |kept: Shared<Bucket>| {
            let mut bucket = kept.lock().unwrap_or_else(PoisonError::into_inner);
            act(&mut bucket, now)
        };
        let place = Place::of(address);
        if let Some(place) = place {
            act((self.addresses).of(place, || Bucket::new(OF_ADDRESS, now), full))?;
        }
        let name = comparable(name);
        let both = (name.clone(), place);
        let is_home = self.homes().contains(&both);
        act((self.both).of(both, || Bucket::new(OF_BOTH, now), full))?;
        match is_home {
            true => Ok(()),
            false => act((self.names).of(name, || Bucket::new(OF_NAME, now), full)),
        }
    }

    fn homes(&self) -> MutexGuard<'_, HashSet<Both>> {
        self.homes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn comparable(name: &str) -> String {
    // As the door compares it, which folds the whole name: what folds away makes no other name of it.
    folded(name).chars().take(MAX_NAME_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::Passwords;
    use std::net::IpAddr;

    fn there(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn tries_for_a_name_are_few_from_one_address_and_the_right_one_is_free() {
        let passwords = Passwords::default();
        for name in ["Ada", " ada", "ADA", "Ａda", "A d a"].repeat(2) {
            passwords.take(name, there(1)).unwrap();
        }
        let wait = passwords.take("ada", there(1)).unwrap_err().as_secs_f64();
        assert!((9.0..=10.0).contains(&wait), "{wait}");
        passwords.take("ada", there(2)).unwrap();
        for _ in 0..100 {
            passwords.take("bob", there(3)).unwrap();
            passwords.forgive("bob", there(3));
        }
    }

    #[test]
    fn what_a_reader_does_not_see_makes_no_other_name_however_long_it_is() {
        let passwords = Passwords::default();
        for tries in 0..10 {
            let hidden = "\u{200b}".repeat(64 * tries);
            let spaces = " ".repeat(32 * tries);
            let name = format!("A{hidden}d{spaces}a");
            passwords.take(&name, there(1)).unwrap();
        }
        assert!(passwords.take("ada", there(1)).is_err());
    }

    #[test]
    fn who_guesses_from_everywhere_is_held_up_and_locks_nobody_out() {
        let passwords = Passwords::default();
        let home = there(200);
        passwords.take("ada", home).unwrap();
        passwords.forgive("ada", home);
        passwords.remember("ada", home);
        let guesses = |last| passwords.take("Ada", there(last)).is_ok();
        assert_eq!((0..150).filter(|last| guesses(*last)).count(), 100);
        passwords.take("ada", home).unwrap();
        passwords.take("bob", there(151)).unwrap();
    }

    #[test]
    fn an_address_does_not_try_name_after_name() {
        let passwords = Passwords::default();
        let tries =
            |address: [u8; 4], name: u32| passwords.take(&name.to_string(), address.into()).is_ok();
        assert!((0..30).all(|name| tries([192, 0, 2, 1], name)));
        assert!(!tries([192, 0, 2, 1], 31) && tries([192, 0, 2, 2], 31));
        // Not on this machine: a proxy there brings everybody.
        assert!((100..200).all(|name| tries([127, 0, 0, 1], name)));
    }
}
