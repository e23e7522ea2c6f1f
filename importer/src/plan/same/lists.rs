//! Lists that Kubernetes merges by a key of their entries (its API types' `patchMergeKey` and `listMapKey`).

use std::collections::BTreeMap;

use serde_json::Value;

/// The entries of a list beside those of another one with the same keys.
pub(in crate::plan) struct Keyed<'v> {
    /// Each entry of the one, and the entry of the other.
    pub pairs: Vec<(&'v Value, Option<&'v Value>)>,
}

/// Pairs the entries of the lists in a field called `field`, if it is one that is merged; `None` if entries lack a key, or
/// share one.
pub(in crate::plan) fn keyed<'v>(field: &str, ours: &'v [Value], theirs: &'v [Value]) -> Option<Keyed<'v>> {
    let index = |items: &'v [Value]| {
        let mut out = BTreeMap::new();
        for item in items {
            if out.insert(key(field, item)?, item).is_some() {
                return None;
            }
        }
        Some(out)
    };
    index(ours)?;
    let theirs = index(theirs)?;
    let pairs = ours.iter().map(|item| Some((item, key(field, item).and_then(|key| theirs.get(&key).copied()))));
    Some(Keyed { pairs: pairs.collect::<Option<_>>()? })
}

/// What tells an entry of the list in `field` from the others.
pub(in crate::plan) fn key(field: &str, item: &Value) -> Option<String> {
    let text = |name: &str| match item.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    match field {
        "containers"
        | "initContainers"
        | "ephemeralContainers"
        | "env"
        | "volumes"
        | "imagePullSecrets"
        | "secrets" => text("name"),
        "ports" => {
            let number = text("containerPort").or_else(|| text("port"))?;
            Some(format!("{number}/{}", text("protocol").unwrap_or_else(|| "TCP".to_owned())))
        }
        "volumeMounts" => text("mountPath"),
        "volumeDevices" => text("devicePath"),
        "hostAliases" => text("ip"),
        "topologySpreadConstraints" => Some(format!("{} {}", text("topologyKey")?, text("whenUnsatisfiable")?)),
        _ => None,
    }
}
