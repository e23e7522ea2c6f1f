//! What Kubernetes never lets change, and how to say it. Its own words for it name types of its source code.

use serde_json::Value;

use super::failure::{Answer, plain};

/// Fields that stay as they were made, by kind; paths as in RFC 6901.
fn fixed(kind: &str) -> &'static [&'static str] {
    match kind {
        "Deployment" | "DaemonSet" | "ReplicaSet" => &["/spec/selector"],
        "StatefulSet" => {
            &["/spec/selector", "/spec/serviceName", "/spec/volumeClaimTemplates", "/spec/podManagementPolicy"]
        }
        "Job" => &["/spec/template", "/spec/selector", "/spec/completions", "/spec/completionMode"],
        "Service" => &["/spec/clusterIP", "/spec/clusterIPs"],
        "PersistentVolumeClaim" => {
            &["/spec/storageClassName", "/spec/accessModes", "/spec/volumeName", "/spec/volumeMode", "/spec/selector"]
        }
        "ConfigMap" => &["/data", "/binaryData", "/immutable"],
        "Secret" => &["/type", "/data", "/immutable"],
        "RoleBinding" | "ClusterRoleBinding" => &["/roleRef"],
        "StorageClass" => &["/provisioner", "/parameters", "/reclaimPolicy", "/volumeBindingMode"],
        _ => &[],
    }
}

/// Whether `live` says all that `ours` says: a server adds what is left out.
fn covers(live: &Value, ours: &Value) -> bool {
    match (live, ours) {
        (Value::Object(live), Value::Object(ours)) => {
            ours.iter().all(|(key, value)| live.get(key).is_some_and(|l| covers(l, value)))
        }
        (Value::Array(live), Value::Array(ours)) => {
            live.len() == ours.len() && live.iter().zip(ours).all(|(l, o)| covers(l, o))
        }
        (live, ours) => live == ours,
    }
}

/// Why a change was refused, if it was because of what never changes; `live` is the object that is there.
pub(super) fn explain(kind: &str, answer: &Answer, live: Option<&Value>, ours: &Value) -> Option<String> {
    let says = |text: &str| answer.message.contains(text) || answer.causes.iter().any(|(_, why)| why.contains(text));
    let about = says("immutable") || says("are forbidden") || says("may not change") || says("cannot change");
    if answer.code != 422 || !about {
        return None;
    }
    let live = live?;
    let changed = |path: &&&str| ours.pointer(path).is_some_and(|o| live.pointer(path).is_none_or(|l| !covers(l, o)));
    let mut fields: Vec<String> =
        fixed(kind).iter().filter(changed).map(|p| p.trim_start_matches('/').replace('/', ".")).collect();
    if fields.is_empty() {
        fields = answer.causes.iter().map(|(field, _)| plain(field, 100)).filter(|f| !f.is_empty()).collect();
    }
    fields.sort();
    fields.dedup();
    let fields = if fields.is_empty() { "a field that was changed".to_owned() } else { fields.join(", ") };
    let way = match kind {
        "StatefulSet" => {
            "delete it with `kubectl delete --cascade=orphan`, which leaves its pods and claims, and try again"
        }
        "PersistentVolumeClaim" => {
            "its data would be lost: give the volume another name, or keep the value that is there"
        }
        _ => "delete it, and try again: it is made anew",
    };
    Some(format!("Kubernetes does not let {fields} change on an object that is there; {way}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn answer(message: &str, field: &str) -> Answer {
        let causes = vec![(field.to_owned(), message.to_owned())];
        Answer { code: 422, reason: "Invalid".to_owned(), message: message.to_owned(), causes }
    }

    #[test]
    fn a_change_of_what_never_changes_names_the_field() {
        let set = answer("updates to statefulset spec for fields other than 'replicas' are forbidden", "spec");
        let live = json!({"spec": {"serviceName": "a", "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": {"x": 1}, "status": {}}]}});
        let ours = json!({"spec": {"serviceName": "a", "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": {"x": 2}}]}});
        let why = explain("StatefulSet", &set, Some(&live), &ours).unwrap();
        assert!(why.contains("let spec.volumeClaimTemplates change"), "{why}");
        assert!(why.contains("--cascade=orphan"), "{why}");

        let job = answer("Invalid value: core.PodTemplateSpec{...}: field is immutable", "spec.template");
        let why = explain("Job", &job, Some(&json!({})), &json!({"spec": {"template": {}}})).unwrap();
        assert!(why.contains("let spec.template change"), "{why}");

        // Of a kind that we have no list for, the server's own fields are taken.
        let other = answer("field is immutable", "spec.size");
        assert!(explain("Box", &other, Some(&json!({})), &json!({})).unwrap().contains("let spec.size change"));
    }

    #[test]
    fn another_refusal_is_left_as_it_is() {
        let required = answer("spec.ports: Required value", "spec.ports");
        assert_eq!(explain("Service", &required, Some(&json!({})), &json!({})), None);
        assert_eq!(explain("Job", &answer("field is immutable", "spec"), None, &json!({})), None);
    }
}
