//! What a claim that is there can still become.

use serde_json::Value;

use super::EngineError;
use crate::plan::{AttributePath, Attributes, Overlay, Row, is_smaller};
use crate::record::Item;

/// What a claim is for ever.
const FIXED: [&str; 2] = ["storageClass", "accessModes"];

/// `values`, in which volumes whose claims are there keep what a claim is for ever, unless they say otherwise. `was` is what is in force,
/// `before` what the installation has. What such a claim cannot have is refused: a server would, when half of the action is done.
pub(super) fn possible(values: &Overlay, was: &Attributes, before: &[Item]) -> Result<Overlay, EngineError> {
    let mut values = values.clone();
    for (path, value) in &mut values.values {
        let is_there = || before.iter().any(|i| i.component.as_ref().is_some_and(|c| c.as_str() == path.scope()));
        if let (Some(there), Some(given)) = (was.get(path), value)
            && Row::of(path).is_some_and(|row| row.field == "volumes")
            && is_there()
        {
            is_possible(path, there, given)?;
            keep(there, given);
        }
    }
    Ok(values)
}

fn keep(there: &Value, given: &mut Value) {
    let (Some(_), Value::Object(given)) = (there.get("size"), given) else { return };
    for field in FIXED {
        let says = given.contains_key(field) || !given.contains_key("size");
        if let (Some(value), false) = (there.get(field), says) {
            given.insert(field.to_owned(), value.clone());
        }
    }
}

fn is_possible(path: &AttributePath, there: &Value, given: &Value) -> Result<(), EngineError> {
    let refused = |what: &str| {
        let shown = there.get(what).map(Value::to_string).unwrap_or_default();
        Err(EngineError::Claim { path: path.clone(), there: format!("{what} {shown}") })
    };
    // What lives in memory, or with the pod, is no claim.
    let (Some(size), Some(wanted)) = (there.get("size"), given.get("size")) else { return Ok(()) };
    if is_smaller(wanted, size) {
        return refused("size");
    }
    for field in FIXED {
        if let (Some(there), Some(given)) = (there.get(field), given.get(field))
            && there != given
        {
            return refused(field);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_claim_grows_and_is_otherwise_what_it_is() {
        let path: AttributePath = "db.volumes.data".parse().unwrap();
        let there = json!({"path": "/data", "size": "1Gi", "storageClass": "fast", "accessModes": ["ReadWriteOnce"]});
        for (given, possible) in [
            (json!({"path": "/data", "size": "2Gi"}), true),
            (json!({"path": "/other", "size": "1024Mi"}), true),
            (json!({"size": "1023Mi"}), false),
            (json!({"size": "1Gi", "storageClass": "slow"}), false),
            (json!({"size": "1Gi", "storageClass": "fast", "accessModes": ["ReadWriteOnce"]}), true),
            (json!({"size": "1Gi", "accessModes": ["ReadWriteMany"]}), false),
            (json!({"path": "/data", "emptyDir": {}}), true),
        ] {
            assert_eq!(is_possible(&path, &there, &given).is_ok(), possible, "{given}");
            let mut kept = given.clone();
            keep(&there, &mut kept);
            assert_eq!(kept.get("storageClass").is_some(), given.get("size").is_some(), "{kept}");
        }
        assert!(is_possible(&path, &json!({"path": "/tmp", "emptyDir": {}}), &json!({"size": "1Mi"})).is_ok());
    }
}
