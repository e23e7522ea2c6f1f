//! Generated secrets: random once for an installation, and kept.

use bundle_format::template::Template;

use super::InstallError;
use crate::render::{SecretValues, secrets_needed};

/// Letters and digits without those that are mistaken for each other: 32 of them, so that a byte's five low bits choose one
/// without bias.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The values that `kept` has, and new random ones for what it lacks.
pub(super) fn ensure(template: &Template, kept: Option<&SecretValues>) -> Result<SecretValues, InstallError> {
    let mut values = kept.cloned().unwrap_or_default();
    for secret in secrets_needed(template) {
        let of_secret = values.entry(secret.name.clone()).or_default();
        for key in &secret.keys {
            if !of_secret.contains_key(key) {
                of_secret.insert(key.clone(), random_text(usize::from(secret.length))?);
            }
        }
    }
    Ok(values)
}

/// A text of `length` characters with five random bits each.
fn random_text(length: usize) -> Result<String, InstallError> {
    let mut bytes = vec![0; length];
    getrandom::fill(&mut bytes).map_err(|e| InstallError::NoRandom(e.to_string()))?;
    Ok(bytes.iter().map(|b| char::from(ALPHABET[usize::from(b & 31)])).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_their_length_and_differ() {
        let (a, b) = (random_text(64).unwrap(), random_text(64).unwrap());
        assert_eq!((a.len(), b.len()), (64, 64));
        assert_ne!(a, b);
        assert!(a.bytes().all(|c| ALPHABET.contains(&c)));
    }
}
