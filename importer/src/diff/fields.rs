//! Structured data compared field by field, so that no field that the format gains can be forgotten here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// A field that differs.
#[derive(Debug, Clone, PartialEq)]
pub struct FieldChange {
    /// Where it is: `ports[http].port`. Members of lists are named as they name themselves.
    pub path: String,
    /// Its value in the old version.
    pub old: Option<Value>,
    /// Its value in the new version.
    pub new: Option<Value>,
}

/// Every field that differs between two documents.
pub fn changes(old: &Value, new: &Value) -> Vec<FieldChange> {
    let mut found = Vec::new();
    compare(String::new(), Some(old), Some(new), &mut found);
    found
}

/// The members of a list by the name that they have, if all have one and no two the same; else by their places.
pub fn by_name(list: &[Value]) -> BTreeMap<String, &Value> {
    for key in ["name", "path", "mountPath"] {
        let named: BTreeMap<_, _> = list.iter().filter_map(|v| Some((v.get(key)?.as_str()?.to_owned(), v))).collect();
        if named.len() == list.len() {
            return named;
        }
    }
    list.iter().enumerate().map(|(n, v)| (n.to_string(), v)).collect()
}

// Both sides come from parsers that bound the depth.
fn compare(path: String, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<FieldChange>) {
    if old == new {
        return;
    }
    match (old, new) {
        (Some(Value::Object(old)), Some(Value::Object(new))) => {
            let dot = if path.is_empty() { "" } else { "." };
            for key in old.keys().chain(new.keys()).collect::<BTreeSet<_>>() {
                compare(format!("{path}{dot}{key}"), old.get(key), new.get(key), found);
            }
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.iter().chain(b).all(Value::is_object) => {
            let (by_old, by_new) = (by_name(a), by_name(b));
            let before = found.len();
            for key in by_old.keys().chain(by_new.keys()).collect::<BTreeSet<_>>() {
                compare(format!("{path}[{key}]"), by_old.get(key).copied(), by_new.get(key).copied(), found);
            }
            if found.len() == before {
                // The same members in another order.
                found.push(FieldChange { path, old: old.cloned(), new: new.cloned() });
            }
        }
        _ => found.push(FieldChange { path, old: old.cloned(), new: new.cloned() }),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_named_by_where_they_are() {
        for (old, new, expected) in [
            (json!({"a": 1}), json!({"a": 1}), vec![]),
            (json!({"a": {"b": 1}}), json!({"a": {"b": 2}}), vec!["a.b 1 2"]),
            (json!({"a": 1}), json!({"b": 1}), vec!["a 1 -", "b - 1"]),
            (
                json!({"p": [{"name": "x", "v": 1}, {"name": "y"}]}),
                json!({"p": [{"name": "y"}, {"name": "x", "v": 2}]}),
                vec!["p[x].v 1 2"],
            ),
            (json!({"p": [{"q": 1}]}), json!({"p": [{"q": 1}, {"q": 2}]}), vec![r#"p[1] - {"q":2}"#]),
            (json!({"l": ["a"]}), json!({"l": ["a", "b"]}), vec![r#"l ["a"] ["a","b"]"#]),
        ] {
            let text = |v: Option<Value>| v.map_or("-".to_owned(), |v| v.to_string());
            let found: Vec<_> = changes(&old, &new)
                .into_iter()
                .map(|c| format!("{} {} {}", c.path, text(c.old), text(c.new)))
                .collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn another_order_of_the_same_members_is_a_change() {
        let (old, new) = (json!({"p": [{"name": "x"}, {"name": "y"}]}), json!({"p": [{"name": "y"}, {"name": "x"}]}));
        assert_eq!(changes(&old, &new).len(), 1);
    }
}
