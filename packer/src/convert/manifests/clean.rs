//! What a server or a controller adds to an object, and objects that no person wrote.

use serde_json::{Map, Value};

use super::{at, kind, list_at, name, text_at};

/// What becomes of an object.
pub(super) enum Verdict {
    /// It is converted.
    Keep,
    /// Something else makes it again: nothing is lost, nothing is said.
    Skip,
    /// It is not converted, for this reason.
    Leave(&'static str),
}

pub(super) fn judge(object: &Value) -> Verdict {
    // Whatever an owner makes, it makes again.
    if !list_at(object, &["metadata", "ownerReferences"]).is_empty() {
        return Verdict::Skip;
    }
    let name = name(object);
    let kind_of_secret = text_at(object, &["type"]).unwrap_or_default();
    let own = at(object, &["metadata", "labels", "sealift.dev/installation"]).is_some() || name.starts_with("sealift.");
    match kind(object) {
        "ControllerRevision" | "Event" | "PodMetrics" | "CSIStorageCapacity" => Verdict::Skip,
        "ReplicaSet" => Verdict::Leave("no Deployment has it: write one instead, which becomes a component"),
        // Somebody's own has no controller's mark.
        "EndpointSlice" if at(object, &["metadata", "labels", "endpointslice.kubernetes.io/managed-by"]).is_some() => {
            Verdict::Skip
        }
        "Lease" => Verdict::Skip,
        "Pod" if text_at(object, &["metadata", "generateName"]).is_some() => Verdict::Skip,
        "ConfigMap"
            if ["kube-root-ca.crt", "openshift-service-ca.crt", "istio-ca-root-cert"].contains(&name) || own =>
        {
            Verdict::Skip
        }
        "ServiceAccount" if name == "default" => Verdict::Skip,
        "Secret" if own => Verdict::Skip,
        "Secret" => match kind_of_secret {
            "kubernetes.io/service-account-token" | "helm.sh/release.v1" | "bootstrap.kubernetes.io/token" => {
                Verdict::Skip
            }
            other if other.starts_with("sealift.dev/") => Verdict::Skip,
            "kubernetes.io/dockerconfigjson" | "kubernetes.io/dockercfg" => {
                Verdict::Leave("a login for registries: a site has its own, for its own registry")
            }
            "kubernetes.io/tls" => {
                Verdict::Leave("a certificate: a site has its own; routes keep its name in `tlsSecret`")
            }
            _ => Verdict::Keep,
        },
        "Namespace" => Verdict::Leave("a site chooses the namespace"),
        "Node" | "PersistentVolume" => Verdict::Leave("it belongs to the cluster, not to the application"),
        _ => Verdict::Keep,
    }
}

/// Takes away what the server sets, in place.
pub(super) fn clean(object: &mut Value) {
    let kind = kind(object).to_owned();
    let Value::Object(fields) = object else { return };
    fields.remove("status");
    if let Some(Value::Object(metadata)) = fields.get_mut("metadata") {
        meta(metadata);
        metadata.remove("namespace");
    }
    if let Some(Value::Object(spec)) = fields.get_mut("spec") {
        match kind.as_str() {
            "Service" => {
                let ip = spec.get("clusterIP").and_then(Value::as_str).unwrap_or_default().to_owned();
                for key in
                    ["clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy", "healthCheckNodePort"]
                {
                    spec.remove(key);
                }
                // `None` makes it headless: that is a person's word.
                if ip != "None" {
                    spec.remove("clusterIP");
                }
                defaults(
                    spec,
                    &[("sessionAffinity", "None"), ("type", "ClusterIP"), ("externalTrafficPolicy", "Cluster")],
                );
            }
            "PersistentVolumeClaim" => _ = spec.remove("volumeName"),
            _ => {}
        }
    }
    each_map(object, &mut |map| {
        defaults(
            map,
            &[
                ("terminationMessagePath", "/dev/termination-log"),
                ("terminationMessagePolicy", "File"),
                ("schedulerName", "default-scheduler"),
            ],
        );
        if map.contains_key("containers") {
            defaults(map, &[("dnsPolicy", "ClusterFirst"), ("restartPolicy", "Always")]);
            if map.get("securityContext").is_some_and(|s| s.as_object().is_some_and(Map::is_empty)) {
                map.remove("securityContext");
            }
            if map.get("terminationGracePeriodSeconds").and_then(Value::as_u64) == Some(30) {
                map.remove("terminationGracePeriodSeconds");
            }
            // The older name of the same field.
            if map.get("serviceAccount") == map.get("serviceAccountName") {
                map.remove("serviceAccount");
            }
        }
        if map.get("metadata").is_some_and(|m| m.get("creationTimestamp").is_some())
            && let Some(Value::Object(metadata)) = map.get_mut("metadata")
        {
            meta(metadata);
        }
    });
}

fn meta(metadata: &mut Map<String, Value>) {
    for key in [
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "managedFields",
        "selfLink",
        "ownerReferences",
        "finalizers",
        "generateName",
    ] {
        metadata.remove(key);
    }
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.retain(|key, _| {
            let server = [
                "deployment.kubernetes.io/",
                "pv.kubernetes.io/",
                "volume.kubernetes.io/",
                "volume.beta.kubernetes.io/",
                "meta.helm.sh/",
                "sealift.dev/",
            ];
            !server.iter().any(|p| key.starts_with(p))
                && ![
                    "kubectl.kubernetes.io/last-applied-configuration",
                    "kubectl.kubernetes.io/restartedAt",
                    "deprecated.daemonset.template.generation",
                ]
                .contains(&key.as_str())
        });
        if annotations.is_empty() {
            metadata.remove("annotations");
        }
    }
}

fn defaults(map: &mut Map<String, Value>, values: &[(&str, &str)]) {
    for (key, value) in values {
        if map.get(*key).and_then(Value::as_str) == Some(value) {
            map.remove(*key);
        }
    }
}

fn each_map(value: &mut Value, act: &mut dyn FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| each_map(item, act)),
        Value::Object(map) => {
            act(map);
            map.values_mut().for_each(|value| each_map(value, act));
        }
        _ => {}
    }
}
