//! Whose an object is (spec/plan.md 8.1).

use serde_json::{Value, json};

use crate::target::Place;

/// Says of an object, as `NAMESPACE/NAME`, which installation it is of.
pub(super) const ANNOTATION: &str = "sealift.dev/installation";

pub(super) const INSTANCE: &str = "app.kubernetes.io/instance";
const COMPONENT: &str = "app.kubernetes.io/component";
pub(super) const MANAGED_BY: &str = "app.kubernetes.io/managed-by";

fn text<'a>(object: &'a Value, map: &str, key: &str) -> Option<&'a str> {
    object.get("metadata")?.get(map)?.get(key)?.as_str()
}

fn mark(place: &Place) -> String {
    format!("{}/{}", place.namespace, place.name)
}

/// Whether an object is of the installation at `place`: its annotation says it, or, of an object in a namespace that has none,
/// its labels do. Other tools, and people, set the label of the instance too: it is ours only with ours as its manager, or as a
/// claim that the controller of one of our `StatefulSet`s has made.
pub(super) fn owns(place: &Place, object: &Value) -> bool {
    if let Some(owner) = text(object, "annotations", ANNOTATION) {
        return owner == mark(place);
    }
    let namespace = object.pointer("/metadata/namespace").and_then(Value::as_str);
    namespace == Some(place.namespace.as_str())
        && text(object, "labels", INSTANCE) == Some(place.name.as_str())
        && match text(object, "labels", MANAGED_BY) {
            Some(by) => by == "sealift",
            None => is_claim_of_a_set(place, object),
        }
}

/// Whether an object is a claim that was made of a `StatefulSet`'s template: `VOLUME-SET-NUMBER`, with the labels of its selector.
fn is_claim_of_a_set(place: &Place, object: &Value) -> bool {
    let made = || {
        let component = text(object, "labels", COMPONENT)?;
        let (volume, number) = object.pointer("/metadata/name")?.as_str()?.rsplit_once('-')?;
        let volume = volume.strip_suffix(&format!("-{}-{component}", place.name))?;
        Some(!volume.is_empty() && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    object.get("kind").is_some_and(|kind| kind == "PersistentVolumeClaim") && made() == Some(true)
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
            (json!({"namespace": "team", "labels": {INSTANCE: "shop"}}), false),
            (json!({"namespace": "team", "labels": {INSTANCE: "shop", COMPONENT: "db"}, "name": "data"}), false),
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
    fn a_claim_is_ours_that_a_controller_made_of_a_template_of_ours() {
        for (kind, name, component, ours) in [
            ("PersistentVolumeClaim", "data-shop-db-0", "db", true),
            ("PersistentVolumeClaim", "data-shop-db-12", "db", true),
            ("PersistentVolumeClaim", "data-shop-db-0", "web", false),
            ("PersistentVolumeClaim", "data-shop-db-x", "db", false),
            ("PersistentVolumeClaim", "-shop-db-0", "db", false),
            ("PersistentVolumeClaim", "shop-db-0", "db", false),
            ("Secret", "data-shop-db-0", "db", false),
        ] {
            let metadata =
                json!({"namespace": "team", "name": name, "labels": {INSTANCE: "shop", COMPONENT: component}});
            assert_eq!(
                owns(&place(), &json!({"kind": kind, "metadata": metadata})),
                ours,
                "{kind} {name} of {component}"
            );
        }
    }

    #[test]
    fn what_does_not_say_whose_it_is_is_signed() {
        let plain = json!({"metadata": {"name": "a", "annotations": null}});
        let signed_ = signed(&place(), &plain);
        assert_eq!(signed_["metadata"]["annotations"][ANNOTATION], "team/shop");
        assert_eq!(signed(&place(), &signed_), signed_);
        let labelled = json!({"metadata": {"namespace": "team", "labels": {INSTANCE: "shop", MANAGED_BY: "sealift"}}});
        assert_eq!(signed(&place(), &labelled), labelled);
    }
}
