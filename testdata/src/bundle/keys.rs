//! Keys that everybody knows: for tests alone.

use bundle_format::trust::{KeyError, PrivateKey};
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::DecodePrivateKey;

/// Signs releases and packing lists. The seed is 32 bytes of 0x01.
pub const VENDOR_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEB
-----END PRIVATE KEY-----
";
/// Signs releases beside the vendor. The seed is 32 bytes of 0x02.
pub const QA_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgIC
-----END PRIVATE KEY-----
";
/// Nobody trusts it. The seed is 32 bytes of 0x03.
pub const STRANGER_PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIAMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMD
-----END PRIVATE KEY-----
";

/// One of the keys above, as bundle-format has it.
///
/// # Errors
/// None for the keys above.
pub fn private_key(pem: &str) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_pem(pem, || None)
}

/// One of the keys above, as the signing library has it; one of seed 0 for anything else.
#[must_use]
pub fn signing_key(pem: &str) -> SigningKey {
    SigningKey::from_pkcs8_pem(pem).unwrap_or_else(|_| SigningKey::from_bytes(&[0; 32]))
}

/// The public half of one of the keys above, as PEM.
///
/// # Errors
/// None for the keys above.
pub fn public_pem(pem: &str) -> Result<String, KeyError> {
    private_key(pem)?.public()?.to_pem()
}
