//! What a claim that is there can still become.

use crate::plan::{AttributePath, Attributes, Overlay, Row, is_smaller};
use crate::record::Item;
use serde_json::Value;

use super::EngineError;

/// Refuses values of volumes that claims which are there cannot have: a server would, when half of the action is done. `was` is what is in
/// force, `before` what the installation has.
pub(super) fn are_possible(values: &Overlay, was: &Attributes, before: &[Item]) -> Result<(), EngineError> {
    for (path, value) in &values.values {
        let is_there = || before.iter().any(|i| i.component.as_ref().is_some_and(|c| c.as_str() == path.scope()));
        if let (Some(there), Some(given)) = (was.get(path), value)
            && Row::of(path).is_some_and(|row| row.field == "volumes")
            && is_there()
        {
            is_possible(path, there, given)?;
        }
    }
    Ok(())
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
    for field in ["storageClass", "accessModes"] {
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
        }
        assert!(is_possible(&path, &json!({"path": "/tmp", "emptyDir": {}}), &json!({"size": "1Mi"})).is_ok());
    }
}
