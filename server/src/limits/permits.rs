//! How many connections there are, in all and by address.

use super::Place;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// Why there is no place for one more connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// As many as there may be are here.
    All,
    /// As many as one address may have are here.
    Address,
}

/// The places for connections.
#[derive(Debug)]
pub(super) struct Permits {
    most: usize,
    most_of_address: usize,
    taken: Mutex<Taken>,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Those of whom limits go by the address.
    by_place: HashMap<Place, usize>,
}

/// The place of one connection, until it is dropped.
#[derive(Debug)]
pub struct Permit {
    permits: Arc<Permits>,
    place: Option<Place>,
}

impl Permits {
    pub(super) fn new(most: usize, most_of_address: usize) -> Arc<Self> {
        Arc::new(Self {
            most,
            most_of_address,
            taken: Mutex::default(),
        })
    }

    pub(super) fn admit(permits: &Arc<Self>, place: Option<Place>) -> Result<Permit, Full> {
        let mut taken = permits.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if taken.all >= permits.most {
            return Err(Full::All);
        }
        if let Some(place) = place {
            let of_place = taken.by_place.entry(place).or_default();
            if *of_place >= permits.most_of_address {
                return Err(Full::Address);
            }
            *of_place += 1;
        }
        taken.all += 1;
        let permits = Arc::clone(permits);
        Ok(Permit { permits, place })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let taken = &self.permits.taken;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        taken.all -= 1;
        let Some(place) = self.place else {
            return;
        };
        if let Some(of_place) = taken.by_place.get_mut(&place) {
            *of_place -= 1;
            if *of_place == 0 {
                taken.by_place.remove(&place);
            }
        }
    }
}
