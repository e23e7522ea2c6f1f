//! Who may say what: roles, thresholds, and the only place where signatures are checked.

use super::envelope::{Envelope, EnvelopeError, PAYLOAD_TYPE, pae};
use super::keys::{KeyId, PublicKey};
use crate::code::{Code, Coded};

/// Keys of which a number must have signed.
#[derive(Debug, Clone)]
pub struct Role {
    keys: Vec<PublicKey>,
    threshold: usize,
}

/// Why keys do not make a trust root.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// Nobody is trusted, so nothing can be proved.
    #[error("no public key was given, so nothing can be proved")]
    NoKey,
    /// A key stands twice, which would count one signer for two.
    #[error("the key {0} was given twice")]
    Twice(KeyId),
}

impl Coded for TrustError {
    fn code(&self) -> Code {
        match self {
            Self::NoKey => Code::NoKey,
            Self::Twice(_) => Code::Usage,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NoKey => Some(
                "give the vendor's public key with --key FILE; it must have come to you on another way than the bundle"
                    .to_owned(),
            ),
            Self::Twice(_) => None,
        }
    }
}

/// Why an envelope is not believed.
#[derive(Debug, thiserror::Error)]
pub enum Distrust {
    /// Too few trusted keys signed.
    #[error("{} of {needed} needed signatures by trusted keys", counted.len())]
    Signatures {
        /// How many distinct keys must sign.
        needed: usize,
        /// The trusted keys.
        trusted: Vec<KeyId>,
        /// The trusted keys that signed.
        counted: Vec<KeyId>,
        /// The trusted keys in whose name there is a signature that does not verify: the document was changed.
        invalid: Vec<KeyId>,
        /// The keys that the envelope names and nobody trusts.
        unknown: Vec<KeyId>,
    },
    /// The signatures are good, the document is not.
    #[error(transparent)]
    Document(EnvelopeError),
}

impl Coded for Distrust {
    fn code(&self) -> Code {
        match self {
            Self::Signatures { invalid, .. } if !invalid.is_empty() => Code::Signature,
            Self::Signatures { .. } => Code::Untrusted,
            Self::Document(_) => Code::Statement,
        }
    }
}

impl Role {
    /// The simplest role: public keys given by the user, all of which must have signed.
    ///
    /// # Errors
    /// [`TrustError`]: no key, or one twice.
    pub fn pinned(keys: Vec<PublicKey>) -> Result<Self, TrustError> {
        let all = keys.len();
        Self::new(keys, all)
    }

    /// A role of distinct `keys`, of which `threshold` must sign.
    fn new(keys: Vec<PublicKey>, threshold: usize) -> Result<Self, TrustError> {
        if keys.is_empty() || threshold == 0 || threshold > keys.len() {
            return Err(TrustError::NoKey);
        }
        for (n, key) in keys.iter().enumerate() {
            if keys[..n].contains(key) {
                return Err(TrustError::Twice(key.id()));
            }
        }
        Ok(Self { keys, threshold })
    }

    /// The keys that signed `envelope`, if they are enough. Goes through the trusted keys, not through the signatures:
    /// a key counts once, however often it signed.
    pub(super) fn check(&self, envelope: &Envelope) -> Result<Vec<KeyId>, Distrust> {
        let message = pae(PAYLOAD_TYPE, envelope.payload());
        let (mut counted, mut invalid) = (Vec::new(), Vec::new());
        for key in &self.keys {
            let mut verdicts =
                envelope.signatures().iter().filter(|(id, _)| *id == key.id()).map(|(_, s)| key.verifies(&message, s));
            match verdicts.next() {
                None => {}
                Some(first) if first || verdicts.any(|good| good) => counted.push(key.id()),
                Some(_) => invalid.push(key.id()),
            }
        }
        if counted.len() >= self.threshold {
            return Ok(counted);
        }
        let trusted: Vec<_> = self.keys.iter().map(PublicKey::id).collect();
        let unknown = envelope.claimed_signers().filter(|id| !trusted.contains(id)).collect();
        Err(Distrust::Signatures { needed: self.threshold, trusted, counted, invalid, unknown })
    }
}

/// What a reader believes without being told by a bundle.
#[derive(Debug, Clone)]
pub struct TrustRoot {
    release: Role,
    packing: Role,
}

impl TrustRoot {
    /// The simplest root: public keys given by the user. All of them must have signed the release, one of them the packing list.
    ///
    /// # Errors
    /// [`TrustError`]: no key, or one twice.
    pub fn pinned(keys: Vec<PublicKey>) -> Result<Self, TrustError> {
        Ok(Self { release: Role::pinned(keys.clone())?, packing: Role::new(keys, 1)? })
    }

    /// Who vouches for releases.
    #[must_use]
    pub fn release(&self) -> &Role {
        &self.release
    }

    /// Who vouches for what an archive holds.
    #[must_use]
    pub fn packing(&self) -> &Role {
        &self.packing
    }
}
