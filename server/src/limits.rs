//! How much anybody may ask of this server: rates by user and by address, connections, tries of passwords.
//!
//! One figure says all rates: the events of a user a second. What may come in 100 s may come at once: nobody who types, and
//! no program that catches up, meets it; a flood does within a second. Pure but for the clock; who is refused hears it at
//! the doors (`fence`, `socketio`).

mod allowance;
mod bucket;
mod count;
mod memory;
mod passwords;
mod permits;
mod place;
mod table;

pub(crate) use allowance::{Admitted, Allowance, Refused, Weight};
pub use count::{Fence, Refusals};
pub use memory::Held;
pub use permits::{Full, Permit};

use allowance::{Budget, take};
use bucket::{Bucket, Rate};
use memory::Memory;
use passwords::Passwords;
use permits::Permits;
use place::Place;
use std::{
    net::IpAddr,
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};
use table::{Shared, Table};

/// The events of one user a second, where nobody says otherwise.
const RATE: f64 = 200.0;
/// The Socket.IO connections, where nobody says otherwise: they take half a gigabyte.
const CONNECTIONS: usize = 10_000;
/// Those of one address, where nobody says otherwise: a large school behind one router.
const CONNECTIONS_OF_ADDRESS: usize = 2_000;
/// The bytes that may come with each event that may come: 2 kB, some long texts.
const BYTES_OF_EVENT: f64 = 2_000.0;
/// The users whose events may come from one address: a class, an office.
const USERS_OF_ADDRESS: f64 = 10.0;
/// The handshakes of an address for each event that a user may emit: 50 a second of 200.
const HANDSHAKES_OF_EVENT: f64 = 0.25;
/// The TCP connections for each Socket.IO connection: a browser that polls needs two.
const SOCKETS_OF_CONNECTION: usize = 2;
/// The TCP connections beside those: the page's files, the metrics.
const SPARE_SOCKETS: usize = 100;

/// The answers that are on their way out at once: each takes some kilobytes beside its body.
const ANSWERS: usize = 8_192;
/// Those to one address: a large school that opens the page at once.
const ANSWERS_OF_ADDRESS: usize = 2_048;
/// What their bodies take, but for those that are held anyway, in bytes.
const ANSWER_BYTES: u64 = 128 << 20;

/// How much is allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Allowed {
    /// The events of one user a second; `None` where nothing is limited by time.
    pub rate: Option<f64>,
    /// The Socket.IO connections, and as many to the embedded broker.
    pub connections: usize,
    /// Those of one address.
    pub connections_of_address: usize,
}

impl Default for Allowed {
    fn default() -> Self {
        Self {
            rate: Some(RATE),
            connections: CONNECTIONS,
            connections_of_address: CONNECTIONS_OF_ADDRESS,
        }
    }
}

/// What follows from the figure.
#[derive(Clone, Copy, Debug)]
struct Rates {
    user: (Rate, Rate),
    address: (Rate, Rate),
    requests: Rate,
    handshakes: Rate,
}

impl Rates {
    fn new(events: f64) -> Self {
        let of = |users: f64| {
            let events = events * users;
            (Rate::new(events), Rate::new(events * BYTES_OF_EVENT))
        };
        Self {
            user: of(1.0),
            address: of(USERS_OF_ADDRESS),
            requests: Rate::new(events * USERS_OF_ADDRESS),
            handshakes: Rate::new(events * HANDSHAKES_OF_EVENT),
        }
    }
}

/// What is left of what an address may do.
#[derive(Debug)]
struct Address {
    events: Budget,
    requests: Bucket,
    handshakes: Bucket,
}

impl Address {
    fn new(rates: Rates, now: Instant) -> Self {
        Self {
            events: Budget::new(rates.address, now),
            requests: Bucket::new(rates.requests, now),
            handshakes: Bucket::new(rates.handshakes, now),
        }
    }

    fn is_full(&mut self, now: Instant) -> bool {
        self.events.is_full(now) && self.requests.is_full(now) && self.handshakes.is_full(now)
    }
}

/// All limits, and how much of them is left.
#[derive(Debug)]
pub struct Limits {
    rates: Option<Rates>,
    users: Table<String, Budget>,
    addresses: Table<Place, Address>,
    connections: Arc<Permits>,
    sockets: Arc<Permits>,
    mqtt: Arc<Permits>,
    answers: Arc<Permits>,
    answer_bytes: Arc<Memory>,
    /// The tries of passwords: limited even where nothing else is.
    pub(crate) passwords: Passwords,
    /// What was kept out.
    pub refusals: Refusals,
}

impl Limits {
    /// Nothing is used yet.
    pub fn new(allowed: Allowed) -> Arc<Self> {
        let sockets = |connections: usize| {
            let sockets = connections.saturating_mul(SOCKETS_OF_CONNECTION);
            sockets.saturating_add(SPARE_SOCKETS)
        };
        let of_address = allowed.connections_of_address;
        Arc::new(Self {
            rates: allowed.rate.map(Rates::new),
            users: Table::default(),
            addresses: Table::default(),
            connections: Permits::new(allowed.connections, of_address),
            sockets: Permits::new(sockets(allowed.connections), sockets(of_address)),
            mqtt: Permits::new(allowed.connections, of_address),
            answers: Permits::new(ANSWERS, ANSWERS_OF_ADDRESS),
            answer_bytes: Memory::new(ANSWER_BYTES),
            passwords: Passwords::default(),
            refusals: Refusals::default(),
        })
    }

    /// Lets a TCP connection in; it has its place until the permit is dropped. `None` for who brings everybody.
    ///
    /// # Errors
    /// When there is no place.
    pub fn socket(&self, address: Option<IpAddr>) -> Result<Permit, Full> {
        self.counted(Permits::admit(&self.sockets, address.and_then(Place::of)))
    }

    /// Lets a connection to the embedded broker in, whether or not it says who it is; as [`Limits::socket`].
    ///
    /// # Errors
    /// When there is no place.
    pub(crate) fn mqtt(&self, address: IpAddr) -> Result<Permit, Full> {
        self.counted(Permits::admit(&self.mqtt, Place::of(address)))
    }

    /// Lets an answer with a body of so many bytes of its own go out; it has its place until what this gives is dropped.
    /// `None` for who asks for everybody.
    ///
    /// # Errors
    /// When there is no place.
    pub fn answer(&self, address: Option<IpAddr>, bytes: u64) -> Result<Held, Full> {
        let place = Permits::admit(&self.answers, address.and_then(Place::of));
        let held = place.and_then(|place| Memory::take(&self.answer_bytes, place, bytes));
        held.inspect_err(|_| self.refusals.add(Fence::Answers))
    }

    /// Lets a request in, which begins a connection or not.
    ///
    /// # Errors
    /// How long its sender is to wait.
    pub(crate) fn request(&self, address: IpAddr, is_handshake: bool) -> Result<(), Duration> {
        let Some(kept) = self.address(address) else {
            return Ok(());
        };
        let now = Instant::now();
        let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut taken = kept.requests.take(1.0, now);
        if is_handshake && taken.is_ok() {
            taken = kept.handshakes.take(1.0, now);
        }
        taken.inspect_err(|_| self.refusals.add(Fence::Requests))
    }

    /// Lets a Socket.IO connection in.
    ///
    /// # Errors
    /// When there is no place.
    pub(crate) fn connection(&self, address: IpAddr) -> Result<Arc<Admitted>, Full> {
        let admitted = Permits::admit(&self.connections, Place::of(address));
        let permit = self.counted(admitted)?;
        let own = self.rates.map(|rates| {
            let budget = Budget::new(rates.user, Instant::now());
            Shared::new(budget.into())
        });
        Ok(Arc::new(Admitted::new(permit, own, self.address(address))))
    }

    /// What a connection may send; `user` where its user has others, or had some before.
    pub(crate) fn allowance(
        &self,
        user: Option<String>,
        admitted: Option<&Arc<Admitted>>,
    ) -> Option<Allowance> {
        let (rates, admitted) = (self.rates?, admitted?);
        let now = Instant::now();
        let of_user = user.map(|user| {
            let new = || Budget::new(rates.user, now);
            self.users.of(user, new, |budget| budget.is_full(now))
        });
        admitted.allowance(of_user, rates.user)
    }

    /// Waits until a user may publish once more, and so may the address that it publishes from; gives whether it had to.
    pub(crate) async fn pace(&self, user: String, from: Option<IpAddr>) -> bool {
        let Some(rates) = self.rates else {
            return false;
        };
        let new = || Budget::new(rates.user, Instant::now());
        let user = self
            .users
            .of(user, new, |budget| budget.is_full(Instant::now()));
        let address = from.and_then(|address| self.address(address));
        let mut waited = false;
        // What it has is known only where the publish is whole: its bytes are not limited.
        while let Err(wait) = take(
            &user,
            address.as_ref(),
            (Weight::event(0.0), Instant::now()),
        ) {
            self.refusals.add(Fence::Pace);
            tokio::time::sleep(wait.longest()).await;
            waited = true;
        }
        waited
    }

    /// How many users and addresses are kept.
    pub fn kept(&self) -> usize {
        self.users.len() + self.addresses.len() + self.passwords.kept()
    }

    fn address(&self, address: IpAddr) -> Option<Shared<Address>> {
        let (rates, place) = (self.rates?, Place::of(address)?);
        let now = Instant::now();
        let new = || Address::new(rates, now);
        Some(self.addresses.of(place, new, |kept| kept.is_full(now)))
    }

    fn counted<T>(&self, admitted: Result<T, Full>) -> Result<T, Full> {
        admitted.inspect_err(|full| {
            self.refusals.add(match full {
                Full::All => Fence::Connections,
                Full::Address => Fence::ConnectionsOfAddress,
            });
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Admitted, Allowed, Full, Limits, Weight};
    use futures_util::FutureExt;
    use std::{net::IpAddr, sync::Arc, time::Instant};

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn there(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    fn limits(rate: Option<f64>) -> std::sync::Arc<Limits> {
        Limits::new(Allowed {
            rate,
            connections: 3,
            connections_of_address: 2,
        })
    }

    #[test]
    fn handshakes_of_one_address_are_limited_and_those_of_this_machine_not() {
        let limits = limits(Some(4.0));
        let shake = |address| limits.request(address, true);
        assert!((0..100).all(|_| shake(there(1)).is_ok()));
        let wait = shake(there(1)).unwrap_err().as_secs_f64();
        assert!((0.9..=1.0).contains(&wait), "{wait}");
        assert!(limits.request(there(1), false).is_ok() && shake(there(2)).is_ok());
        assert!((0..1_000).all(|_| shake(HERE).is_ok()));
    }

    #[test]
    fn where_the_rate_is_off_nothing_is_limited_by_time() {
        let limits = limits(None);
        assert!((0..10_000).all(|_| limits.request(there(1), true).is_ok()));
        let admitted = limits.connection(there(1)).unwrap();
        assert!(limits.allowance(None, Some(&admitted)).is_none());
    }

    #[test]
    fn connections_are_limited_in_all_and_by_address() {
        let limits = limits(None);
        let held = [there(1), there(1)].map(|address| limits.connection(address).unwrap());
        assert_eq!(limits.connection(there(1)).unwrap_err(), Full::Address);
        let other = limits.connection(HERE).unwrap();
        assert_eq!(limits.connection(there(2)).unwrap_err(), Full::All);
        drop(other);
        let other = limits.connection(there(2)).unwrap();
        drop((held, other));
        assert!((0..2).all(|_| limits.connection(there(1)).is_ok()));
    }

    /// A guest of a broker chooses another client id each time: then its address is what it has used up.
    #[tokio::test]
    async fn who_comes_by_ever_other_names_is_held_back_by_its_address() {
        let limits = limits(Some(0.01));
        let publishes = |name: u32, from| {
            let paced = limits.pace(name.to_string(), from);
            paced.now_or_never().is_some()
        };
        assert!((0..10).all(|name| publishes(name, Some(there(1)))));
        assert!(!publishes(10, Some(there(1))));
        assert!(publishes(11, Some(there(2))) && !publishes(11, Some(there(2))));
        assert!((100..200).all(|name| publishes(name, Some(HERE))));
    }

    /// Breaks when: an address may send more than ten users may, by events or by bytes.
    #[test]
    fn all_users_of_an_address_together_may_send_ten_times_as_much_as_one() {
        fn sends(
            limits: &Limits,
            admitted: &Arc<Admitted>,
            (user, bytes): (u32, usize),
        ) -> Result<(), String> {
            let allowance = limits.allowance(Some(user.to_string()), Some(admitted));
            let weight = Weight::event(bytes as f64);
            let taken = allowance.unwrap().take(weight, Instant::now());
            taken.map_err(|refused| refused.reject.message)
        }
        // Of one user it is 1 event and 2 kB, and the last byte that is left is enough for an event.
        for (users, bytes) in [(10, 0), (2, 10_001)] {
            let limits = limits(Some(0.01));
            let [here, other, own] = [there(1), there(2), HERE];
            let [here, other, own] = [here, other, own].map(|at| limits.connection(at).unwrap());
            for user in 0..users {
                sends(&limits, &here, (user, bytes)).unwrap();
            }
            let refused = sends(&limits, &here, (users, bytes)).unwrap_err();
            assert!(refused.contains("from your address"), "{refused}");
            sends(&limits, &other, (users, bytes)).unwrap();
            for user in 100..100 + 2 * users {
                sends(&limits, &own, (user, bytes)).unwrap();
            }
        }
    }

    #[test]
    fn the_users_connections_share_what_the_user_may_send() {
        let limits = limits(Some(0.01));
        let admitted = [1, 2].map(|last| limits.connection(there(last)).unwrap());
        let ada = || Some("ada".to_owned());
        let sends = |user, admitted| {
            let allowance = limits.allowance(user, Some(admitted)).unwrap();
            allowance.take(Weight::event(1.0), Instant::now()).is_ok()
        };
        assert!(sends(ada(), &admitted[0]));
        assert!(!sends(ada(), &admitted[1]));
        assert!(sends(None, &admitted[1]));
        assert!(!sends(None, &admitted[1]));
    }
}
