//! The digests that a registry's content is named by. What travels in bundles has SHA-256 names only
//! ([`bundle_format::Digest`]); a registry must take SHA-512 from its clients as well (image-spec descriptor.md,
//! "Registered algorithms").

use std::fmt;
use std::io::{self, Read, Write};
use std::str::FromStr;

use bundle_format::Digest;
use bundle_format::digest::Hasher;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha512};

/// How content is hashed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Algorithm {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// All that there are.
    pub const ALL: [Self; 2] = [Self::Sha256, Self::Sha512];

    /// As digests spell it, and as the folder in an OCI image layout is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    fn hex_len(self) -> usize {
        match self {
            Self::Sha256 => 64,
            Self::Sha512 => 128,
        }
    }
}

impl FromStr for Algorithm {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|a| a.name() == text).ok_or(())
    }
}

/// The name of a content: an algorithm, and its hash in lowercase hexadecimal digits. The same content under another
/// algorithm is another name, and is stored once for each name that it was given.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContentDigest {
    /// `sha256:` and 64 digits.
    Sha256(Digest),
    /// `sha512:` and 128 digits.
    Sha512([u8; 64]),
}

/// Why a text is not a [`ContentDigest`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a digest: expected `sha256:` and 64, or `sha512:` and 128 lowercase hexadecimal digits")]
pub struct ContentDigestError {
    /// What was given, cut to 200 characters.
    pub text: String,
}

impl ContentDigest {
    /// How the content is hashed.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self {
            Self::Sha256(_) => Algorithm::Sha256,
            Self::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// The hash in lowercase hexadecimal digits.
    #[must_use]
    pub fn hex(&self) -> String {
        match self {
            Self::Sha256(digest) => digest.hex(),
            Self::Sha512(bytes) => hex::encode(bytes),
        }
    }

    /// From an algorithm and hexadecimal digits, as the names of files in an image layout have them.
    #[must_use]
    pub fn from_hex(algorithm: Algorithm, text: &str) -> Option<Self> {
        if text.len() != algorithm.hex_len() || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None;
        }
        match algorithm {
            Algorithm::Sha256 => Digest::from_hex(text).ok().map(Self::Sha256),
            Algorithm::Sha512 => {
                let mut out = [0; 64];
                hex::decode_to_slice(text, &mut out).ok().map(|()| Self::Sha512(out))
            }
        }
    }

    /// The digest that `bytes` have by `algorithm`.
    #[must_use]
    pub fn of(algorithm: Algorithm, bytes: &[u8]) -> Self {
        let mut hasher = ContentHasher::new(algorithm);
        hasher.update(bytes);
        hasher.finish()
    }

    /// The SHA-256 digest, if that is what it is.
    #[must_use]
    pub fn sha256(&self) -> Option<Digest> {
        match self {
            Self::Sha256(digest) => Some(*digest),
            Self::Sha512(_) => None,
        }
    }
}

impl From<Digest> for ContentDigest {
    fn from(digest: Digest) -> Self {
        Self::Sha256(digest)
    }
}

impl fmt::Display for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.algorithm().name(), self.hex())
    }
}

impl fmt::Debug for ContentDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ContentDigest {
    type Err = ContentDigestError;

    fn from_str(text: &str) -> Result<Self, ContentDigestError> {
        text.split_once(':')
            .and_then(|(algorithm, hex)| Self::from_hex(algorithm.parse().ok()?, hex))
            .ok_or_else(|| ContentDigestError { text: text.chars().take(200).collect() })
    }
}

impl Serialize for ContentDigest {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ContentDigest {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A digest being computed; bytes go in through [`Write`].
#[derive(Clone)]
pub struct ContentHasher(State);

#[derive(Clone)]
enum State {
    Sha256(Hasher),
    Sha512(Box<Sha512>),
}

impl ContentHasher {
    /// Nothing hashed yet.
    #[must_use]
    pub fn new(algorithm: Algorithm) -> Self {
        Self(match algorithm {
            Algorithm::Sha256 => State::Sha256(Hasher::default()),
            Algorithm::Sha512 => State::Sha512(Box::default()),
        })
    }

    /// How it hashes.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        match self.0 {
            State::Sha256(_) => Algorithm::Sha256,
            State::Sha512(_) => Algorithm::Sha512,
        }
    }

    /// Adds `bytes`.
    pub fn update(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            State::Sha256(hasher) => hasher.update(bytes),
            State::Sha512(hasher) => hasher.update(bytes),
        }
    }

    /// The digest of all that was added.
    #[must_use]
    pub fn finish(self) -> ContentDigest {
        match self.0 {
            State::Sha256(hasher) => ContentDigest::Sha256(hasher.finish()),
            State::Sha512(hasher) => ContentDigest::Sha512(hasher.finalize().into()),
        }
    }

    /// Reads `reader` to its end; gives the digest and the length in bytes. Memory: `buffer`.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn hash_all(mut self, reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<(ContentDigest, u64)> {
        let mut len = 0;
        loop {
            match reader.read(buffer) {
                Ok(0) => return Ok((self.finish(), len)),
                Ok(n) => {
                    self.update(buffer.get(..n).unwrap_or_default());
                    len += n as u64;
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
    }
}

impl Write for ContentHasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for ContentHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ContentHasher").field(&self.algorithm()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digests_of_nothing_are_the_published_ones() {
        for (algorithm, text) in [
            (Algorithm::Sha256, "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (
                Algorithm::Sha512,
                "sha512:cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e",
            ),
        ] {
            let digest = ContentDigest::of(algorithm, b"");
            assert_eq!(digest.to_string(), text);
            assert_eq!(text.parse(), Ok(digest));
            let read = ContentHasher::new(algorithm).hash_all(&mut io::empty(), &mut [0; 8]).unwrap();
            assert_eq!(read, (digest, 0));
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        let hex = ContentDigest::of(Algorithm::Sha512, b"").hex();
        for (why, text) in [
            ("no algorithm", hex.clone()),
            ("the other algorithm's length", format!("sha256:{hex}")),
            ("too short", format!("sha512:{}", &hex[1..])),
            ("upper case", format!("sha512:{}", hex.to_uppercase())),
            ("another algorithm", format!("sha384:{}", &hex[..96])),
            ("not hexadecimal", format!("sha512:g{}", &hex[1..])),
            ("not ASCII", format!("sha512:é{}", &hex[2..])),
            ("two colons", "sha256:sha256:".to_owned()),
            ("empty", String::new()),
        ] {
            assert!(text.parse::<ContentDigest>().is_err(), "{why}: {text}");
        }
    }
}
