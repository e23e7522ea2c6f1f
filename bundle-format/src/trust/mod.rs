//! Who is believed: keys, envelopes, the one verifier (spec/bundle.md sections 4 and 6).

mod envelope;
mod keys;
mod root;

pub use envelope::{Envelope, EnvelopeError, PAYLOAD_TYPE, Signed, Unverified, Verified, pae};
pub use keys::{KeyError, KeyId, PrivateKey, PublicKey, SigningError};
pub use root::{Distrust, Role, TrustError, TrustRoot};
