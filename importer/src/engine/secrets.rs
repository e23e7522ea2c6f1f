//! Generated secrets: random once for an installation, and kept (spec/plan.md section 5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle_format::template::Template;
use serde_json::Value;

use super::EngineError;
use crate::render::{SecretValues, secrets_needed};
use crate::target::{Live, ObjectId, Place};

/// Letters and digits without those that are mistaken for each other: 32 of them, so that a byte's five low bits choose one
/// without bias.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The values that are live, that `kept` has, or that were `given`, in this order, and new random ones for what all of them lack.
pub(super) fn ensure(
    place: &Place,
    template: &Template,
    live: &Live,
    kept: Option<&SecretValues>,
    given: &SecretValues,
) -> Result<SecretValues, EngineError> {
    let mut values = known(place, template, live, kept);
    for secret in secrets_needed(template) {
        let of_secret = values.entry(secret.name.clone()).or_default();
        for key in &secret.keys {
            if !of_secret.contains_key(key) {
                let given = given.get(&secret.name).and_then(|keys| keys.get(key)).filter(|v| !v.is_empty());
                let value = match given {
                    Some(value) => value.clone(),
                    None => random_text(secret.length.get())?,
                };
                of_secret.insert(key.clone(), value);
            }
        }
    }
    Ok(values)
}

/// The values that are live, or that `kept` has.
pub(super) fn known(place: &Place, template: &Template, live: &Live, kept: Option<&SecretValues>) -> SecretValues {
    let mut values = kept.cloned().unwrap_or_default();
    for secret in secrets_needed(template) {
        let object = live.get(&ObjectId {
            group: String::new(),
            kind: "Secret".to_owned(),
            namespace: Some(place.namespace.to_string()),
            name: format!("{}-{}", place.name, secret.name),
        });
        let of_secret = values.entry(secret.name.clone()).or_default();
        for key in &secret.keys {
            let there = object.and_then(|o| o.get("data")?.get(key.as_str())).and_then(Value::as_str);
            let there = there.and_then(|text| String::from_utf8(STANDARD.decode(text).ok()?).ok());
            if let Some(value) = there.filter(|v| !v.is_empty()) {
                of_secret.insert(key.clone(), value);
            }
        }
    }
    values
}

/// A text of `length` characters with five random bits each.
fn random_text(length: u32) -> Result<String, EngineError> {
    // The template's limits keep this small.
    let mut bytes = vec![0; length as usize];
    getrandom::fill(&mut bytes).map_err(|e| EngineError::NoRandom(e.to_string()))?;
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
