//! Ed25519 keys as files that `openssl pkey` opens: encrypted PKCS #8 (RFC 5958, RFC 8018) and SPKI (RFC 8410), both PEM.

use std::fmt;
use std::str::FromStr;

use ed25519_dalek::pkcs8::KeypairBytes;
use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};
use pkcs8::der::zeroize::Zeroizing;
use pkcs8::pkcs5::pbes2;
use pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey, LineEnding, PrivateKeyInfoRef, SecretDocument};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::code::{Code, Coded};
use crate::digest::Digest;
use crate::limits;

/// Rounds of PBKDF2-HMAC-SHA256 between a passphrase and its key: what OWASP recommends, and OpenSSL opens.
const PBKDF2_ITERATIONS: u32 = 600_000;
const ENCRYPTED: &str = "ENCRYPTED PRIVATE KEY";

/// The identity of a public key: SHA-256 of its SubjectPublicKeyInfo in DER, 64 lowercase hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(Digest);

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.hex())
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for KeyId {
    type Err = crate::digest::DigestError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Digest::from_hex(text).map(Self)
    }
}

impl Serialize for KeyId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a key file is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// Not a PEM file of the expected kind.
    #[error("not {expected} in PEM form: {why}")]
    NotAKey {
        /// What was expected.
        expected: &'static str,
        /// What is wrong.
        why: String,
    },
    /// A private key was given where a public key belongs.
    #[error("this is a private key; the public key belongs here")]
    PrivateForPublic,
    /// A public key was given where a private key belongs.
    #[error("this is a public key; signing needs the private key")]
    PublicForPrivate,
    /// The key is of another algorithm.
    #[error("the key is not an Ed25519 key")]
    OtherAlgorithm,
    /// The key has a small order: anyone could sign for it.
    #[error("the public key is one of the weak points of the curve, for which anybody can make signatures")]
    Weak,
    /// The file is encrypted and no passphrase was given.
    #[error("the private key is encrypted, and no passphrase was given")]
    PassphraseNeeded,
    /// The passphrase does not open the file.
    #[error("the passphrase does not open the private key")]
    WrongPassphrase,
    /// The file is longer than any key.
    #[error("a key file has at most {} bytes", limits::KEY_FILE_BYTES)]
    TooLong,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes: {0}")]
    NoRandom(String),
}

impl Coded for KeyError {
    fn code(&self) -> Code {
        match self {
            Self::PassphraseNeeded | Self::WrongPassphrase => Code::Passphrase,
            Self::NoRandom(_) => Code::Io,
            _ => Code::Key,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::PassphraseNeeded => {
                Some("type it at the prompt, or give it in a file with --passphrase-file".to_owned())
            }
            Self::PrivateForPublic => Some("give the .pub file that `sealift keygen` wrote beside it".to_owned()),
            Self::PublicForPrivate => Some("give the .pem file that `sealift keygen` wrote beside it".to_owned()),
            _ => None,
        }
    }
}

/// A public Ed25519 key.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
}

impl PublicKey {
    fn new(key: VerifyingKey) -> Result<Self, KeyError> {
        if key.is_weak() {
            return Err(KeyError::Weak);
        }
        // A second spelling of the same point would be the same key under a second identity.
        if key.to_edwards().compress().as_bytes() != key.as_bytes() {
            return Err(not_a_key(PUBLIC, "its point is not spelled as it must be"));
        }
        let der = key.to_public_key_der().map_err(|e| not_a_key(PUBLIC, e))?;
        Ok(Self { key, id: KeyId(Digest::of(der.as_bytes())) })
    }

    /// Reads `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    /// [`KeyError`]: another kind of file, another algorithm, a weak key.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        check_length(text)?;
        if text.contains("PRIVATE KEY-----") {
            return Err(KeyError::PrivateForPublic);
        }
        let (label, der) = pkcs8::Document::from_pem(text).map_err(|e| not_a_key(PUBLIC, e))?;
        if label != "PUBLIC KEY" {
            return Err(not_a_key(PUBLIC, format!("it is labelled {label:?}")));
        }
        let spki = pkcs8::SubjectPublicKeyInfoRef::try_from(der.as_bytes()).map_err(|e| not_a_key(PUBLIC, e))?;
        if spki.algorithm.oid != ed25519_dalek::pkcs8::ALGORITHM_OID {
            return Err(KeyError::OtherAlgorithm);
        }
        let key = VerifyingKey::try_from(spki).map_err(|e| not_a_key(PUBLIC, e))?;
        Self::new(key)
    }

    /// Writes `-----BEGIN PUBLIC KEY-----`.
    ///
    /// # Errors
    /// None that a valid key can cause.
    pub fn to_pem(&self) -> Result<String, KeyError> {
        self.key.to_public_key_pem(LineEnding::LF).map_err(|e| not_a_key(PUBLIC, e))
    }

    /// The key's identity.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Whether `signature` is this key's over `message`, by the strict rules of spec/bundle.md section 4.2.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature).is_ok_and(|s| self.key.verify_strict(message, &s).is_ok())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.id)
    }
}

/// A private Ed25519 key. Its bytes are wiped when it goes.
pub struct PrivateKey(SigningKey);

/// Why nothing was signed.
#[derive(Debug, thiserror::Error)]
pub enum SigningError {
    /// The statement is larger than readers accept.
    #[error("the document to sign has {size} bytes, more than the {limit} that readers accept")]
    TooLarge {
        /// Its bytes.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// It cannot be written as JSON.
    #[error("the document cannot be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
}

impl Coded for SigningError {
    fn code(&self) -> Code {
        match self {
            Self::TooLarge { .. } => Code::Limit,
            Self::Json(_) => Code::Internal,
            Self::Key(e) => e.code(),
        }
    }
}

impl PrivateKey {
    /// Makes a new key from the system's random numbers.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`].
    pub fn generate() -> Result<Self, KeyError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(seed.as_mut()).map_err(|e| KeyError::NoRandom(e.to_string()))?;
        Ok(Self(SigningKey::from_bytes(&seed)))
    }

    /// Reads `-----BEGIN ENCRYPTED PRIVATE KEY-----`, or `-----BEGIN PRIVATE KEY-----`. `passphrase` is asked only for the former.
    ///
    /// # Errors
    /// [`KeyError`]: another kind of file, another algorithm, no or a wrong passphrase.
    pub fn from_pem(text: &str, passphrase: impl FnOnce() -> Option<Zeroizing<String>>) -> Result<Self, KeyError> {
        check_length(text)?;
        if text.contains("BEGIN PUBLIC KEY") {
            return Err(KeyError::PublicForPrivate);
        }
        let (label, der) = SecretDocument::from_pem(text).map_err(|e| not_a_key(PRIVATE, e))?;
        let der = match label {
            "PRIVATE KEY" => der,
            ENCRYPTED => {
                let passphrase = passphrase().ok_or(KeyError::PassphraseNeeded)?;
                let sealed =
                    pkcs8::EncryptedPrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|e| not_a_key(PRIVATE, e))?;
                sealed.decrypt(passphrase.as_bytes()).map_err(|_| KeyError::WrongPassphrase)?
            }
            other => return Err(not_a_key(PRIVATE, format!("it is labelled {other:?}"))),
        };
        let info = PrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|_| match label {
            ENCRYPTED => KeyError::WrongPassphrase,
            _ => not_a_key(PRIVATE, "its content is not PKCS #8"),
        })?;
        if info.algorithm.oid != ed25519_dalek::pkcs8::ALGORITHM_OID {
            return Err(KeyError::OtherAlgorithm);
        }
        SigningKey::from_pkcs8_der(der.as_bytes()).map(Self).map_err(|e| not_a_key(PRIVATE, e))
    }

    /// Writes the key as PEM: encrypted with PBES2 (PBKDF2-HMAC-SHA256 of 600 000 rounds, AES-256-CBC) if there is a passphrase.
    ///
    /// # Errors
    /// [`KeyError::NoRandom`].
    pub fn to_pem(&self, passphrase: Option<&str>) -> Result<Zeroizing<String>, KeyError> {
        // Version 1 of the structure, without the public key: OpenSSL 3.0 reads no other.
        let bytes = KeypairBytes { secret_key: self.0.to_bytes(), public_key: None };
        let der = bytes.to_pkcs8_der().map_err(|e| not_a_key(PRIVATE, e))?;
        let Some(passphrase) = passphrase else {
            return der.to_pem("PRIVATE KEY", LineEnding::LF).map_err(|e| not_a_key(PRIVATE, e));
        };
        let (mut salt, mut iv) = ([0; 16], [0; 16]);
        getrandom::fill(&mut salt).map_err(|e| KeyError::NoRandom(e.to_string()))?;
        getrandom::fill(&mut iv).map_err(|e| KeyError::NoRandom(e.to_string()))?;
        let parameters = pbes2::Parameters::generate_pbkdf2_sha256_aes256cbc(PBKDF2_ITERATIONS, &salt, iv)
            .map_err(|e| not_a_key(PRIVATE, e))?;
        let info = PrivateKeyInfoRef::try_from(der.as_bytes()).map_err(|e| not_a_key(PRIVATE, e))?;
        let sealed = info.encrypt_with_params(parameters, passphrase).map_err(|e| not_a_key(PRIVATE, e))?;
        sealed.to_pem(ENCRYPTED, LineEnding::LF).map_err(|e| not_a_key(PRIVATE, e))
    }

    /// The public half.
    ///
    /// # Errors
    /// None that a generated key can cause.
    pub fn public(&self) -> Result<PublicKey, KeyError> {
        PublicKey::new(self.0.verifying_key())
    }

    pub(super) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
}

const PUBLIC: &str = "a public key";
const PRIVATE: &str = "a private key";

fn not_a_key(expected: &'static str, why: impl fmt::Display) -> KeyError {
    KeyError::NotAKey { expected, why: why.to_string() }
}

fn check_length(text: &str) -> Result<(), KeyError> {
    if text.len() as u64 > limits::KEY_FILE_BYTES { Err(KeyError::TooLong) } else { Ok(()) }
}
