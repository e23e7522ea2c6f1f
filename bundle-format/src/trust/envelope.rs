//! DSSE envelopes in one spelling, and the states of what they carry (spec/bundle.md section 4).

use std::marker::PhantomData;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use super::keys::{KeyId, PrivateKey, SigningError};
use super::root::{Distrust, Role};
use crate::digest::Digest;
use crate::json::{self, JsonError, Numbers};
use crate::limits;

/// Payload type of in-toto statements (in-toto attestation framework 1.0, "Envelope").
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A kind of document that is signed.
pub trait Signed: Serialize + Sized {
    /// Largest envelope, in bytes.
    const LIMIT: u64;
    /// Parses a payload, and refuses another kind of document than this one.
    ///
    /// # Errors
    /// [`EnvelopeError::Payload`], [`EnvelopeError::Document`].
    fn parse(payload: &[u8]) -> Result<Self, EnvelopeError>;
}

/// What is signed: DSSE 1.0.2, "Protocol".
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut out = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    out.extend_from_slice(payload);
    out
}

/// An envelope: payload and signatures, not yet believed.
#[derive(Debug, Clone)]
pub struct Envelope {
    bytes: Vec<u8>,
    payload: Vec<u8>,
    signatures: Vec<(KeyId, Vec<u8>)>,
}

/// Why bytes are not an envelope, or not one of the expected document.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The envelope's JSON.
    #[error("the envelope is malformed: {0}")]
    Json(#[source] JsonError),
    /// The envelope is valid JSON, but breaks a rule of section 4.1.
    #[error("the envelope is malformed: {0}")]
    Rule(&'static str),
    /// The payload's JSON.
    #[error("the signed document is malformed: {0}")]
    Payload(#[source] JsonError),
    /// The payload breaks a rule of its kind.
    #[error("the signed document is not acceptable: {0}")]
    Document(String),
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wire {
    payload_type: String,
    payload: String,
    signatures: Vec<WireSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireSignature {
    keyid: KeyId,
    sig: String,
}

impl Envelope {
    /// Parses `bytes`, of which there may be `limit`.
    ///
    /// # Errors
    /// [`EnvelopeError`]: anything but the one spelling of an envelope.
    pub fn parse(bytes: Vec<u8>, limit: u64) -> Result<Self, EnvelopeError> {
        let wire: Wire = json::parse(&bytes, limit, Numbers::Safe).map_err(EnvelopeError::Json)?;
        if wire.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::Rule("the payload is not an in-toto statement"));
        }
        if wire.signatures.is_empty() || wire.signatures.len() > limits::SIGNATURES {
            return Err(EnvelopeError::Rule("there are not 1 to 16 signatures"));
        }
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| EnvelopeError::Rule("base64 is not canonical"));
        let payload = decode(&wire.payload)?;
        let mut signatures = Vec::new();
        for signature in &wire.signatures {
            signatures.push((signature.keyid, decode(&signature.sig)?));
        }
        // Strict base64 and known members leave white space, member order and escapes: one comparison excludes them all.
        if encode(&wire).map_err(|_| EnvelopeError::Rule("it cannot be encoded"))? != bytes {
            return Err(EnvelopeError::Rule("it is not spelled as the specification says"));
        }
        Ok(Self { bytes, payload, signatures })
    }

    fn sign(payload: Vec<u8>, keys: &[&PrivateKey], limit: u64) -> Result<Self, SigningError> {
        let message = pae(PAYLOAD_TYPE, &payload);
        let mut signatures = Vec::new();
        for key in keys {
            signatures.push((key.public()?.id(), key.sign(&message).to_vec()));
        }
        let wire = Wire {
            payload_type: PAYLOAD_TYPE.to_owned(),
            payload: STANDARD.encode(&payload),
            signatures: signatures
                .iter()
                .map(|(keyid, sig)| WireSignature { keyid: *keyid, sig: STANDARD.encode(sig) })
                .collect(),
        };
        let bytes = encode(&wire)?;
        match bytes.len() as u64 {
            size if size > limit => Err(SigningError::TooLarge { size, limit }),
            _ => Ok(Self { bytes, payload, signatures }),
        }
    }

    /// The envelope as it travels.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whose signatures it claims to have. Nothing is proved by that.
    pub fn claimed_signers(&self) -> impl Iterator<Item = KeyId> {
        self.signatures.iter().map(|(id, _)| *id)
    }

    pub(super) fn payload(&self) -> &[u8] {
        &self.payload
    }

    pub(super) fn signatures(&self) -> &[(KeyId, Vec<u8>)] {
        &self.signatures
    }
}

fn encode(wire: &Wire) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec(wire)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// A document that nobody vouched for yet.
#[derive(Debug, Clone)]
pub struct Unverified<T> {
    envelope: Envelope,
    kind: PhantomData<T>,
}

/// A document whose signatures a trusted role made. Only [`Unverified::verify`] and signing build it.
#[derive(Debug, Clone)]
pub struct Verified<T> {
    value: T,
    envelope: Envelope,
    signers: Vec<KeyId>,
}

impl<T: Signed> Unverified<T> {
    /// Parses the envelope; the document inside stays closed.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn parse(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        Ok(Self { envelope: Envelope::parse(bytes, T::LIMIT)?, kind: PhantomData })
    }

    /// The envelope.
    #[must_use]
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The identity that the document will have if it is believed.
    #[must_use]
    pub fn unverified_id(&self) -> Digest {
        Digest::of(&self.envelope.payload)
    }

    /// Checks the signatures, and only then parses the document.
    ///
    /// # Errors
    /// [`Distrust`]: who would have had to sign.
    pub fn verify(self, role: &Role) -> Result<Verified<T>, Distrust> {
        let signers = role.check(&self.envelope)?;
        let value = self.look_unverified().map_err(Distrust::Document)?;
        Ok(Verified { value, envelope: self.envelope, signers })
    }

    /// Parses the document without believing it: to show it to somebody, never to act on it.
    ///
    /// # Errors
    /// [`EnvelopeError`]: the document is not of this kind.
    pub fn look_unverified(&self) -> Result<T, EnvelopeError> {
        T::parse(&self.envelope.payload)
    }

    /// Parses a document that was verified before its envelope was put where it was read from: a site's store, in which nothing
    /// stands as verified but what an import has put there (spec/site.md section 1.5).
    ///
    /// # Errors
    /// [`EnvelopeError`]: the document is not of this kind.
    pub fn verified_before(&self) -> Result<T, EnvelopeError> {
        self.look_unverified()
    }
}

impl<T: Signed> Verified<T> {
    /// Signs `value` with `keys`, in their order.
    ///
    /// # Errors
    /// [`SigningError`].
    pub fn sign(value: T, keys: &[&PrivateKey]) -> Result<Self, SigningError> {
        let envelope = Envelope::sign(serde_json::to_vec(&value)?, keys, T::LIMIT)?;
        let signers = envelope.claimed_signers().collect();
        Ok(Self { value, envelope, signers })
    }
}

impl<T> Verified<T> {
    /// The document.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// The envelope that it came in.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// The keys whose signatures counted.
    pub fn signers(&self) -> &[KeyId] {
        &self.signers
    }

    /// The document's identity: the digest of the payload (spec/bundle.md section 5.1).
    pub fn id(&self) -> Digest {
        Digest::of(&self.envelope.payload)
    }
}
