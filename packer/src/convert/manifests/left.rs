//! What Kubernetes can say and a template cannot: every field that nothing reads is noted.

use bundle_format::template::ComponentName;
use serde_json::{Value, json};

use super::super::draft::{Draft, NoteKind};
use super::{World, at, kind, label, map_at, pod, text_at};

/// What servers fill in where nobody said anything, by the name of the field.
fn usual(key: &str, value: &Value) -> bool {
    let usual = match key {
        "revisionHistoryLimit" => json!(10),
        "progressDeadlineSeconds" => json!(600),
        "backoffLimit" => json!(6),
        "completionMode" => json!("NonIndexed"),
        "podReplacementPolicy" => json!("TerminatingOrFailed"),
        "successfulJobsHistoryLimit" => json!(3),
        "failedJobsHistoryLimit" => json!(1),
        "persistentVolumeClaimRetentionPolicy" => json!({"whenDeleted": "Retain", "whenScaled": "Retain"}),
        "volumeMode" => json!("Filesystem"),
        "allocateLoadBalancerNodePorts" => json!(true),
        "mountPropagation" => json!("None"),
        "updateStrategy" | "strategy" => return replaces_as_usual(value),
        _ => json!(false),
    };
    value.is_null() || *value == usual || *value == json!({}) || *value == json!([])
}

fn replaces_as_usual(value: &Value) -> bool {
    let rolling = at(value, &["rollingUpdate"]);
    let usual = [
        json!({"maxSurge": "25%", "maxUnavailable": "25%"}),
        json!({"maxSurge": 0, "maxUnavailable": 1}),
        json!({"partition": 0}),
    ];
    text_at(value, &["type"]).is_none_or(|t| ["RollingUpdate", "Recreate"].contains(&t))
        && rolling.is_none_or(|r| usual.contains(r))
}

/// Notes the fields of `object`, which is `what`, that are not among `known` and say more than a server fills in.
pub(super) fn fields(draft: &mut Draft, about: Option<&ComponentName>, what: &str, object: &Value, known: &[&str]) {
    let unknown = map_at(object, &[]).filter(|(key, value)| !known.contains(&key.as_str()) && !usual(key, value));
    let names: Vec<String> = unknown.map(|(key, _)| format!("`{key}`")).collect();
    if !names.is_empty() {
        let text = format!("of {what}, {}: a template has no word for that", names.join(", "));
        draft.note(NoteKind::Left, about, text);
    }
}

/// Notes labels and annotations of `object`, which is `what`, but for labels of Kubernetes and those that are carried elsewhere.
pub(super) fn marks(
    draft: &mut Draft,
    about: Option<&ComponentName>,
    what: &str,
    object: &Value,
    carried: &dyn Fn(&str, &str) -> bool,
) {
    let is_left = |key: &str, value: &Value| !is_ours(key) && !carried(key, value.as_str().unwrap_or_default());
    let labels = map_at(object, &["metadata", "labels"]).filter(|(key, value)| is_left(key, value));
    let names = labels.chain(map_at(object, &["metadata", "annotations"])).map(|(key, _)| key.as_str());
    let names: Vec<&str> = names.collect();
    if !names.is_empty() {
        draft.note(NoteKind::Left, about, format!("labels and annotations of {what}: {}", names.join(", ")));
    }
}

/// Notes what a workload says beside its pods, and its pods beside their containers.
pub(super) fn workload(draft: &mut Draft, about: &ComponentName, object: &Value) {
    let what = label(object);
    let spec = at(object, &["spec"]).unwrap_or(&Value::Null);
    let job = ["template", "selector", "manualSelector", "parallelism", "completions"];
    let known: &[&str] = match kind(object) {
        "Deployment" => &["template", "selector", "replicas"],
        "StatefulSet" => {
            &["template", "selector", "replicas", "serviceName", "volumeClaimTemplates", "podManagementPolicy"]
        }
        "DaemonSet" => &["template", "selector"],
        "CronJob" => {
            &["schedule", "jobTemplate", "concurrencyPolicy", "timeZone", "startingDeadlineSeconds", "suspend"]
        }
        _ => &job,
    };
    fields(draft, Some(about), &what, spec, known);
    if let Some(spec) = at(object, &["spec", "jobTemplate", "spec"]) {
        fields(draft, Some(about), &format!("the job of {what}"), spec, &job);
    }
    let template = pod(object).unwrap_or(&Value::Null);
    let labels = at(template, &["metadata", "labels"]);
    let own = map_at(object, &["metadata", "labels"]).filter(|(k, v)| labels.and_then(|l| l.get(k)) != Some(v));
    let own = own.map(|(k, _)| k).chain(map_at(object, &["metadata", "annotations"]).map(|(k, _)| k));
    let own: Vec<&str> = own.map(String::as_str).collect();
    if !own.is_empty() {
        let text = format!("labels and annotations of {what} that its pods do not have: {}", own.join(", "));
        draft.note(NoteKind::Left, Some(about), text);
    }
    let spec = at(template, &["spec"]).unwrap_or(&Value::Null);
    let known = [
        "containers",
        "initContainers",
        "volumes",
        "nodeSelector",
        "tolerations",
        "affinity",
        "topologySpreadConstraints",
        "serviceAccountName",
        "serviceAccount",
        "securityContext",
        "priorityClassName",
        "runtimeClassName",
        "hostNetwork",
        "dnsPolicy",
        "hostAliases",
        "terminationGracePeriodSeconds",
        "imagePullSecrets",
        "restartPolicy",
        "automountServiceAccountToken",
        "enableServiceLinks",
    ];
    fields(draft, Some(about), &format!("the pods of {what}"), spec, &known);
    if text_at(spec, &["restartPolicy"]) == Some("Never") {
        draft.note(
            NoteKind::Left,
            Some(about),
            "`restartPolicy: Never`: a job's pods are started again until one succeeds",
        );
    }
    let account = text_at(spec, &["serviceAccountName"]).is_some_and(|name| name != "default");
    if at(spec, &["automountServiceAccountToken"]).and_then(Value::as_bool).is_some_and(|token| token != account) {
        let text = "`automountServiceAccountToken`: pods have a token exactly where they have a `serviceAccount`";
        draft.note(NoteKind::Left, Some(about), text);
    }
}

impl World {
    /// What there is to say about an object that stays as it is, and speaks of what does not.
    pub(super) fn dangling(&self, draft: &Draft, object: &Value) -> Vec<String> {
        let mut said = Vec::new();
        let mut services = Vec::new();
        each(object, &mut |key, value| {
            let name = match key {
                "service" => text_at(value, &["name"]),
                "serviceName" => value.as_str(),
                _ => None,
            };
            services.extend(name.and_then(|name| Some((name, self.hosts.get(name)?))));
        });
        if let Some((service, component)) = services.first() {
            said.push(format!("it names the Service {service}, which is called INSTALLATION-{component} at a site"));
        }
        for path in [&["spec", "scaleTargetRef"], &["spec", "targetRef"]] {
            let target = at(object, path).unwrap_or(&Value::Null);
            let (kind, name) = (text_at(target, &["kind"]).unwrap_or_default(), text_at(target, &["name"]));
            if let Some(component) = name.and_then(|name| self.component_of(kind, name)) {
                said.push(format!(
                    "it names the {kind} of `{component}`, which is called INSTALLATION-{component} at a site"
                ));
            }
        }
        let mut gone = Vec::new();
        each(object, &mut |key, value| {
            let selector = key == "matchLabels" || (key == "selector" && kind(object) == "Service");
            gone.extend(map_at(value, &[]).map(|(k, _)| k.clone()).filter(|k| selector && is_ours(k)));
        });
        gone.retain(|key| key != "kubernetes.io/metadata.name");
        if !gone.is_empty() && !draft.template.components.is_empty() {
            gone.sort();
            gone.dedup();
            said.push(format!(
                "it selects by {}, which Sealift sets itself: select by `app.kubernetes.io/component`, which is the component's name, \
                 or by a label of your own",
                gone.join(", ")
            ));
        }
        let mut namespaces = Vec::new();
        each(object, &mut |key, value| {
            namespaces.extend(value.as_str().filter(|_| key == "namespace").map(str::to_owned));
        });
        if let Some(namespace) = namespaces.first() {
            said.push(format!("it names the namespace {namespace}, and a site chooses its own"));
        }
        said
    }
}

/// Whether a label is one that Sealift sets on pods, or takes from them.
pub(super) fn is_ours(key: &str) -> bool {
    let prefix = key.split_once('/').map_or("", |(p, _)| p);
    let reserved = ["kubernetes.io", "k8s.io", "sealift.dev"];
    reserved.iter().any(|r| prefix == *r || prefix.strip_suffix(r).is_some_and(|rest| rest.ends_with('.')))
}

fn each<'a>(value: &'a Value, act: &mut dyn FnMut(&'a str, &'a Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| each(item, act)),
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            act(key, value);
            each(value, act);
        }),
        _ => {}
    }
}
