//! Whose an object is (spec/plan.md 8.1).

use serde_json::{Value, json};

use crate::target::Place;

/// Says of an object, as `NAMESPACE/NAME`, which installation it is of.
pub(super) const ANNOTATION: &str = "sealift.dev/installation";

pub(super) const INSTANCE: &str = "app.kubernetes.io/instance";
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

fn text<'a>(object: &'a Value, map: &str, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get(map)?.get(key)?.as_str()
}

fn mark(place: &Place) -> String {
    format!("{}/{}", place.namespace, place.name)
}

/// Whether an object is of the installation at `place`: its annotation says it, or, of an object in a namespace that has none,
/// its labels do. Other tools set the same label; what they say that they manage is not ours.
pub(super) fn owns(place: &Place, object: &Value) -> bool {
    if let Some(owner) = text(object, "annotations", ANNOTATION) {
        return owner == mark(place);
    }
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    namespace == Some(place.namespace.as_str())
        && text(object, "labels", INSTANCE) == Some(place.name.as_str())
        && text(object, "labels", MANAGED_BY).is_none_or(|by| by == "sealift")
}

/// `object` with the annotation, if it does not say by itself whose it is.
pub(super) fn signed(place: &Place, object: &Value) -> Value {
    let mut object = object.clone();
    if !owns(place, &object)
        && let Some(Value::Object(metadata)) = object.get_mut("metadata")
    {
        let annotations = metadata.entry("annotations").or_insert_with(|| json!({}));
        if !annotations.is_object() {
            *annotations = json!({});
        }
        if let Some(annotations) = annotations.as_object_mut() {
            annotations.insert(ANNOTATION.to_owned(), mark(place).into());
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { namespace: "team".parse().unwrap(), name: "shop".parse().unwrap() }
    }

    #[test]
    fn an_object_says_whose_it_is() {
        for (metadata, ours) in [
            (json!({"namespace": "team", "labels": {INSTANCE: "shop", MANAGED_BY: "sealift"}}), true),
            (json!({"namespace": "team", "labels": {INSTANCE: "shop"}}), true),
            (json!({"namespace": "team", "labels": {INSTANCE: "shop", MANAGED_BY: "Helm"}}), false),
            (json!({"namespace": "team", "labels": {INSTANCE: "other"}}), false),
            (json!({"namespace": "team"}), false),
            // The same name in another namespace is another installation: what belongs to no namespace says which.
            (json!({"labels": {INSTANCE: "shop"}}), false),
            (json!({"annotations": {ANNOTATION: "team/shop"}}), true),
            (
                json!({"namespace": "team", "annotations": {ANNOTATION: "other/shop"}, "labels": {INSTANCE: "shop"}}),
                false,
            ),
        ] {
            assert_eq!(owns(&place(), &json!({"metadata": metadata})), ours, "{metadata}");
        }
    }

    #[test]
    fn what_does_not_say_whose_it_is_is_signed() {
        let plain = json!({"metadata": {"name": "a", "annotations": null}});
        let signed_ = signed(&place(), &plain);
        assert_eq!(signed_["metadata"]["annotations"][ANNOTATION], "team/shop");
        assert_eq!(signed(&place(), &signed_), signed_);
        let labelled = json!({"metadata": {"namespace": "team", "labels": {INSTANCE: "shop"}}});
        assert_eq!(signed(&place(), &labelled), labelled);
    }
}
