//! What is remembered of logins, so that their hashes are not computed for every request.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use super::error::AccessError;
use super::login::Login;
use super::users::Hash;

/// Logins that are remembered, of the right ones and of the wrong ones. Of a wrong one too, because a node with an
/// old password sends it for ever.
const REMEMBERED: usize = 1024;

/// A login and the hash that it was checked against. Made with a key that this process alone has, so that nobody gets a
/// password out of a copy of the memory more easily than out of the file; of no use once the file has another hash.
pub(super) type Proof = [u8; 32];

pub(super) struct Proofs {
    key: [u8; 32],
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    right: Bounded,
    wrong: Bounded,
}

/// The last few.
#[derive(Default)]
struct Bounded {
    order: VecDeque<Proof>,
    all: HashSet<Proof>,
}

impl Bounded {
    fn insert(&mut self, proof: Proof) {
        if !self.all.insert(proof) {
            return;
        }
        self.order.push_back(proof);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.all.remove(&oldest);
        }
    }
}

impl Proofs {
    pub(super) fn new() -> Result<Self, AccessError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(AccessError::Random)?;
        Ok(Self { key, seen: Mutex::default() })
    }

    fn mac(&self, parts: [&[u8]; 3]) -> Proof {
        // The block size is 64 bytes, so that a key of 32 is padded: it has no wrong length.
        let mut block = [0; 64];
        block[..32].copy_from_slice(&self.key);
        let mut mac = Hmac::<Sha256>::new(&block.into());
        for part in parts {
            // Lengths keep ("ab", "c") apart from ("a", "bc").
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    pub(super) fn proof(&self, login: &Login, hash: &Hash) -> Proof {
        self.mac([login.user().as_str().as_bytes(), login.password(), hash.as_bytes()])
    }

    /// A number that belongs to a name, and that nobody can foretell.
    pub(super) fn number(&self, login: &Login) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.mac([login.user().as_str().as_bytes(), b"", b""]);
        u64::from_be_bytes([a, b, c, d, e, f, g, h])
    }

    /// What was found before, if it is remembered.
    pub(super) fn recall(&self, proof: &Proof) -> Option<bool> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match (seen.right.all.contains(proof), seen.wrong.all.contains(proof)) {
            (true, _) => Some(true),
            (_, true) => Some(false),
            _ => None,
        }
    }

    pub(super) fn remember(&self, proof: Proof, right: bool) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match right {
            true => seen.right.insert(proof),
            false => seen.wrong.insert(proof),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proof(number: usize) -> Proof {
        let mut proof = [0; 32];
        proof[..8].copy_from_slice(&(number as u64).to_be_bytes());
        proof
    }

    #[test]
    fn wrong_logins_fill_no_memory_and_drive_no_right_one_out() {
        let proofs = Proofs::new().unwrap();
        proofs.remember(proof(0), true);
        for number in 1..=3 * REMEMBERED {
            proofs.remember(proof(number), false);
            proofs.remember(proof(number), false);
        }
        let seen = proofs.seen.lock().unwrap();
        assert_eq!((seen.wrong.order.len(), seen.wrong.all.len()), (REMEMBERED, REMEMBERED));
        drop(seen);
        assert_eq!(proofs.recall(&proof(0)), Some(true));
        assert_eq!(proofs.recall(&proof(1)), None, "the oldest went");
        assert_eq!(proofs.recall(&proof(3 * REMEMBERED)), Some(false));
    }

    #[test]
    fn a_proof_belongs_to_its_parts_and_its_process() {
        let one = Proofs::new().unwrap();
        assert_ne!(one.mac([b"ab", b"c", b"h"]), one.mac([b"a", b"bc", b"h"]));
        assert_ne!(one.mac([b"a", b"b", b"h"]), Proofs::new().unwrap().mac([b"a", b"b", b"h"]));
    }
}
