//! How many connections each address has.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

/// Connections by address. An IPv6 client owns a whole /64, so that is what counts as one address there.
#[derive(Clone)]
pub(super) struct Peers {
    limit: u16,
    open: Arc<Mutex<HashMap<IpAddr, u16>>>,
}

/// A connection's place; free again when it is dropped.
pub(super) struct Place {
    of: IpAddr,
    peers: Peers,
}

impl Peers {
    pub(super) fn new(limit: u16) -> Self {
        Self { limit, open: Arc::default() }
    }

    /// A place for one more connection of `address`, unless it has as many as it may.
    pub(super) fn enter(&self, address: IpAddr) -> Option<Place> {
        let of = network(address);
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(of).or_default();
        if *count >= self.limit {
            return None;
        }
        *count += 1;
        Some(Place { of, peers: self.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.peers.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.of) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.of);
            }
        }
    }
}

fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_as_many_places_as_it_may_and_others_have_theirs() {
        let peers = Peers::new(2);
        let enter = |address: &str| peers.enter(address.parse().unwrap());
        let first = enter("10.0.0.1");
        let second = enter("::ffff:10.0.0.1");
        assert!(first.is_some() && second.is_some());
        assert!(enter("10.0.0.1").is_none(), "the same address in both its forms is full");
        assert!(enter("10.0.0.2").is_some(), "another is not");
        drop(first);
        assert!(enter("10.0.0.1").is_some(), "a place that was left is free");
        let _six = [enter("2001:db8::1"), enter("2001:db8::2")];
        assert!(enter("2001:db8::3").is_none(), "a /64 is one client");
        assert!(enter("2001:db8:0:1::1").is_some());
        drop(second);
        assert!(
            !peers.open.lock().unwrap().contains_key(&"10.0.0.1".parse::<IpAddr>().unwrap()),
            "none is kept for nothing"
        );
    }
}
