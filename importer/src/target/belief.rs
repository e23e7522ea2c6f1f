//! What is believed of a cluster's records (spec/plan.md 7.7). Whoever may write Secrets in a namespace can write them, and who acts
//! by them may have rights far beyond it.

use std::collections::BTreeMap;

use bundle_format::template::kinds;
use serde_json::Value;

use super::{Place, TargetError};
use crate::plan::{AttributePath, Overlay, Scope};
use crate::record::Record;

/// Refuses a record that no action on a cluster can have written.
///
/// # Errors
/// [`TargetError::Record`].
pub(super) fn check(record: &Record, name: &str) -> Result<(), TargetError> {
    let damaged = |why: String| Err(TargetError::Record { name: name.to_owned(), why });
    // The site copies records, and looks there for where an installation is.
    if !record.target.starts_with("kube:") {
        return damaged(format!("it is of the target {:?}, which is no cluster", shortened(&record.target)));
    }
    // A collection keeps what records need, and stops where it cannot tell what that is.
    let is_pinned =
        |image: &&String| image.rsplit_once('@').is_some_and(|(_, d)| d.parse::<bundle_format::Digest>().is_ok());
    match record.images.values().find(|image| !is_pinned(image)) {
        Some(image) => damaged(format!("{:?} is no image with a digest", shortened(image))),
        None => Ok(()),
    }
}

fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

/// `record` without values of objects outside of the installation's namespace, but for those that the site itself wrote: `copy` is
/// its copy of the record. What else the site has there is read from the cluster, where it takes rights to change it. What the next
/// action would be given by it is no other word than what it says is in force.
pub(super) fn believed(mut record: Record, copy: Option<&Record>, place: &Place) -> Record {
    let (overlay, found) = (copy.map(|c| &c.overlay), copy.map(|c| &c.found));
    confine(&mut record.overlay, overlay, place);
    confine(&mut record.found, found, place);
    if let Some(given) = &mut record.given {
        let known = copy.and_then(|c| c.given.as_ref()).map(|given| &given.values);
        confine(&mut given.values, known, place);
    }
    record
}

fn confine(overlay: &mut Overlay, known: Option<&Overlay>, place: &Place) {
    let none = BTreeMap::new();
    let known = known.map_or(&none, |known| &known.values);
    overlay.values.retain(|path, value| match value {
        Some(object) => is_inside(path, object, place) || known.get(path) == Some(value),
        // Nothing comes of it but that an object is not applied.
        None => true,
    });
}

/// Whether a value is none of an object, or of one in the installation's namespace. Of types that are not Kubernetes' own nobody
/// here knows whether they belong to one.
fn is_inside(path: &AttributePath, object: &Value, place: &Place) -> bool {
    if Scope::split(path.scope()).0 != Scope::Object {
        return true;
    }
    kinds::is_in_namespace(object, Some(place.namespace.as_str()))
}

#[cfg(test)]
mod tests {
    use bundle_format::template::RELEASE_NAMESPACE as NAMESPACE;
    use serde_json::json;

    use super::*;

    fn place() -> Place {
        Place { namespace: "team".parse().unwrap(), name: "shop".parse().unwrap() }
    }

    fn record(overlay: &Value) -> Record {
        let digest = format!("sha256:{}", "a".repeat(64));
        serde_json::from_value(json!({
            "number": 3, "action": "install", "status": "done", "time": "2026-01-01T00:00:00Z", "version": "1.0.0", "revision": 1,
            "digest": digest, "target": "kube:a", "enabled": [], "images": {"web:1": format!("r/web@{digest}")},
            "overlay": overlay, "found": overlay, "given": {"version": digest, "values": overlay},
        }))
        .unwrap()
    }

    fn object(version: &str, kind: &str, namespace: Option<&str>) -> Value {
        json!({"apiVersion": version, "kind": kind, "metadata": {"name": "a", "namespace": namespace}})
    }

    #[test]
    fn a_record_says_nothing_about_what_is_outside_of_its_namespace_unless_the_site_wrote_it() {
        let (rbac, custom) = ("rbac.authorization.k8s.io/v1", "kyverno.io/v1");
        for (path, value, believed_alone) in [
            ("web.env.LOG_LEVEL", json!("debug"), true),
            ("route/main.host", json!("a.example"), true),
            ("object/ConfigMap/a", object("v1", "ConfigMap", None), true),
            ("object/ConfigMap/a@team", object("v1", "ConfigMap", Some("team")), true),
            ("object/ConfigMap/a@sealift-release-namespace", object("v1", "ConfigMap", Some(NAMESPACE)), true),
            ("object/Deployment/a", object("apps/v1", "Deployment", None), true),
            ("object/ConfigMap/a@kube-system", object("v1", "ConfigMap", Some("kube-system")), false),
            // What counts is what would be applied, not what it is called.
            ("object/ConfigMap/a", object("v1", "ConfigMap", Some("kube-system")), false),
            ("object/ClusterRoleBinding/a", object(rbac, "ClusterRoleBinding", None), false),
            ("object/ClusterRole/a@team", object(rbac, "ClusterRole", Some("team")), false),
            ("object/Namespace/a", object("v1", "Namespace", None), false),
            ("object/ClusterPolicy/a", object(custom, "ClusterPolicy", None), false),
            ("object/ClusterRole/a", Value::Null, true),
        ] {
            let written = record(&json!({path: value}));
            let alone = believed(written.clone(), None, &place());
            let given = alone.given.as_ref().map_or(0, |given| given.values.values.len());
            let kept = [alone.overlay.values.len(), alone.found.values.len(), given];
            assert_eq!(kept, [usize::from(believed_alone); 3], "{path} {value}");
            assert_eq!(believed(written.clone(), Some(&written), &place()), written, "the site wrote it: {path}");
            let other = record(&json!({path: "other"}));
            assert_eq!(believed(written.clone(), Some(&other), &place()), alone, "the site wrote another: {path}");
            // What was in force is not what somebody asked for.
            let ended = Record { given: None, ..written.clone() };
            assert_eq!(believed(written, Some(&ended), &place()).given, alone.given, "nobody gave it: {path}");
        }
    }

    #[test]
    fn of_a_secret_elsewhere_no_record_says_anything() {
        // The copies have no values of Secrets, so nobody can tell whether the site wrote this one.
        for (path, namespace, is_believed) in
            [("object/Secret/a@kube-system", Some("kube-system"), false), ("object/Secret/a", None, true)]
        {
            let written = record(&json!({path: object("v1", "Secret", namespace)}));
            let read = believed(written.clone(), Some(&written.without_secrets()), &place());
            assert_eq!(!read.overlay.is_empty(), is_believed, "{path}");
        }
    }

    #[test]
    fn a_record_of_a_cluster_names_a_cluster_and_pinned_images() {
        let good = record(&json!({}));
        assert!(check(&good, "n").is_ok());
        let elsewhere = Record { target: "dir:/etc".to_owned(), ..good.clone() };
        let mut unpinned = good.clone();
        unpinned.images.values_mut().for_each(|image| "evil.example/web:1".clone_into(image));
        for (record, why) in [(elsewhere, "no cluster"), (unpinned, "no image with a digest")] {
            match check(&record, "sealift.shop.v3") {
                Err(TargetError::Record { name, why: said }) => {
                    assert_eq!(name, "sealift.shop.v3");
                    assert!(said.contains(why), "{said}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}
