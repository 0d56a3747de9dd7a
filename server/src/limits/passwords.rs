//! How often passwords may be tried: by the name that they are tried for, and by the address that tries.

use super::{
    Place, Table,
    bucket::{Bucket, Rate},
};
use crate::identity::name::folded;
use std::{
    net::IpAddr,
    sync::PoisonError,
    time::{Duration, Instant},
};

/// For one name: a person who looks for the right one has 10 tries, and then one every 10 s.
const OF_NAME: Rate = Rate {
    per_second: 0.1,
    burst: 10.0,
};
/// From one address: a class that comes at once has 30 tries, and then one every 2 s.
const OF_ADDRESS: Rate = Rate {
    per_second: 0.5,
    burst: 30.0,
};

/// How much of a name is kept, in characters.
const MAX_NAME_CHARS: usize = 64;

/// Who has tried how often without success.
#[derive(Debug, Default)]
pub(crate) struct Passwords {
    names: Table<String, Bucket>,
    addresses: Table<Place, Bucket>,
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

    pub(super) fn kept(&self) -> usize {
        self.names.len() + self.addresses.len()
    }

    fn all(
        &self,
        name: &str,
        address: IpAddr,
        act: impl Fn(&mut Bucket, Instant) -> Result<(), Duration>,
    ) -> Result<(), Duration> {
        let now = Instant::now();
        let full = |bucket: &mut Bucket| bucket.is_full(now);
        if let Some(place) = Place::of(address) {
            let kept = self
                .addresses
                .of(place, || Bucket::new(OF_ADDRESS, now), full);
            act(
                &mut kept.lock().unwrap_or_else(PoisonError::into_inner),
                now,
            )?;
        }
        let name: String = name.trim().chars().take(MAX_NAME_CHARS).collect();
        let name = folded(&name);
        let kept = self.names.of(name, || Bucket::new(OF_NAME, now), full);
        act(
            &mut kept.lock().unwrap_or_else(PoisonError::into_inner),
            now,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Passwords;

    #[test]
    fn tries_for_a_name_are_few_wherever_they_come_from_and_the_right_one_is_free() {
        let passwords = Passwords::default();
        let there = |last: u8| [192, 0, 2, last].into();
        for last in 0..10 {
            passwords.take("Ada", there(last)).unwrap();
        }
        let wait = passwords.take(" ada", there(99)).unwrap_err().as_secs_f64();
        assert!((9.0..=10.0).contains(&wait), "{wait}");
        passwords.forgive("ada", there(0));
        passwords.take("ada", there(98)).unwrap();
        for _ in 0..100 {
            passwords.take("bob", there(97)).unwrap();
            passwords.forgive("bob", there(97));
        }
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
