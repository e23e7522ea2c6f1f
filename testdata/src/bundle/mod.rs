//! Bundles for tests: one small good bundle, and every way to break a rule of spec/bundle.md that was thought of, signed
//! again where the attacker is somebody who may sign. Everything is made anew by code, the same bytes each time.
//!
//! Envelopes and archives are written here by other code than bundle-format's, so that the two check each other.

pub mod cases;
mod content;
mod keys;
mod seal;

pub use cases::{Case, all};
pub use content::Content;
pub use keys::{QA_PEM, STRANGER_PEM, VENDOR_PEM, private_key, public_pem, signing_key};
pub use seal::{Draft, dsse, envelope, header, sign, tar};
