//! Workloads: the pods of a component, and how many there are.

use std::collections::BTreeMap;

use bundle_format::template::{Component, HttpProbe, Probe};
use serde_json::{Value, json};

use super::defaults::{is_default, without_defaults};
use super::{Edits, Seen, edited_entries, env, is_edit, is_reserved};
use crate::render::NOWHERE;

/// Reads the workload of `component`; `scaled` says that something else decides how many replicas there are.
pub(super) fn read(edits: &mut Edits<'_>, component: &Component, object: Seen<'_>, scaled: bool) {
    if !scaled {
        replicas(edits, component, object);
    }
    let Some(pods) = object.part(pod_template) else { return };
    labels(edits, component, pods);
    annotations(edits, component, pods);
    let Some(spec) = pods.part(|pods| pods.get("spec")) else { return };
    let (rendered, also, live) = (on(spec.rendered), spec.also.map(on), on(spec.live));
    attributes(edits, component, Seen { rendered: &rendered, also: also.as_ref(), live: &live }, &POD);
    let Some(container) = spec.part(|spec| container(spec, component.name.as_str())) else { return };
    attributes(edits, component, container, &CONTAINER);
    for field in ["image", "command", "args"] {
        let (rendered, also, live) = field_of(container, field);
        if is_edit(field, rendered, also, live) {
            edits.set(component.name.as_str(), field, None, live.cloned());
        }
    }
    for (name, value) in env::edited(edits, container) {
        // A variable that came from elsewhere and is gone cannot be said of this component.
        if value.is_some() || component.env.iter().any(|env| env.name == name) {
            edits.set(component.name.as_str(), "env", Some(name.as_str()), value);
        }
    }
    resources(edits, component, container);
    for name in ["readiness", "liveness", "startup"] {
        probe(edits, component, name, container);
    }
}

fn pod_template(object: &Value) -> Option<&Value> {
    object.pointer("/spec/template").or_else(|| object.pointer("/spec/jobTemplate/spec/template"))
}

/// The pods' specification without what only says that a component is switched off.
fn on(spec: &Value) -> Value {
    let mut spec = spec.clone();
    if let Some(Value::Object(selector)) = spec.get_mut("nodeSelector") {
        selector.remove(NOWHERE);
    }
    spec
}

fn container<'v>(spec: &'v Value, name: &str) -> Option<&'v Value> {
    spec.get("containers")?.as_array()?.iter().find(|c| c.get("name").is_some_and(|n| n == name))
}

type Field<'v> = (Option<&'v Value>, Option<Option<&'v Value>>, Option<&'v Value>);

fn field_of<'v>(seen: Seen<'v>, field: &str) -> Field<'v> {
    (seen.rendered.get(field), seen.also.map(|also| also.get(field)), seen.live.get(field))
}

/// One replica is what Kubernetes makes of none said. A component that is switched off has none, and that is not the site's.
fn replicas(edits: &mut Edits<'_>, component: &Component, object: Seen<'_>) {
    let of = |object: &Value| object.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let (rendered, live) = (of(object.rendered), of(object.live));
    let kind = object.rendered.get("kind").and_then(Value::as_str);
    let said = component.replicas.or(component.scaling.as_ref().map(|scaling| scaling.min.get())).unwrap_or(1);
    if matches!(kind, Some("Deployment" | "StatefulSet"))
        && rendered == u64::from(said)
        && live != rendered
        && object.also.is_none_or(|also| of(also) != live)
    {
        edits.set(component.name.as_str(), "replicas", None, Some(json!(live)));
    }
}

fn labels(edits: &mut Edits<'_>, component: &Component, pods: Seen<'_>) {
    let of = |pods: &'_ Value| pods.pointer("/metadata/labels").cloned();
    let (rendered, also, live) = (of(pods.rendered), pods.also.map(of), of(pods.live));
    let seen = (rendered.as_ref(), also.as_ref().map(Option::as_ref), live.as_ref());
    for (name, value) in edited_entries("labels", seen) {
        if !is_reserved(name) {
            edits.set(component.name.as_str(), "labels", Some(name), value.cloned());
        }
    }
}

/// Annotations of the pods are one attribute.
fn annotations(edits: &mut Edits<'_>, component: &Component, pods: Seen<'_>) {
    let of = |pods: &Value| pods.pointer("/metadata/annotations").cloned();
    let (rendered, also, live) = (of(pods.rendered), pods.also.map(of), of(pods.live));
    let seen = (rendered.as_ref(), also.as_ref().map(Option::as_ref), live.as_ref());
    if let Some(map) = merged(&component.kubernetes.annotations, edited_entries("annotations", seen)) {
        edits.set(component.name.as_str(), "kubernetes", Some("annotations"), map);
    }
}

/// A map of texts of the template with what the site changed in it; `None` if that is nothing, or nothing that is the site's.
pub(super) fn merged(ours: &BTreeMap<String, String>, edited: BTreeMap<&str, Option<&Value>>) -> Option<Option<Value>> {
    let mut map = ours.clone();
    for (key, value) in edited.into_iter().filter(|(key, _)| !is_reserved(key)) {
        match value.and_then(Value::as_str) {
            Some(text) => _ = map.insert(key.to_owned(), text.to_owned()),
            None => _ = map.remove(key),
        }
    }
    (map != *ours).then(|| (!map.is_empty()).then(|| json!(map)))
}

/// Fields of pods: in Kubernetes, and in the template.
pub(in crate::plan) const POD: [(&str, &str); 12] = [
    ("nodeSelector", "nodeSelector"),
    ("tolerations", "tolerations"),
    ("affinity", "affinity"),
    ("topologySpreadConstraints", "topologySpreadConstraints"),
    ("serviceAccountName", "serviceAccount"),
    ("securityContext", "podSecurityContext"),
    ("priorityClassName", "priorityClass"),
    ("runtimeClassName", "runtimeClass"),
    ("hostNetwork", "hostNetwork"),
    ("dnsPolicy", "dnsPolicy"),
    ("hostAliases", "hostAliases"),
    ("terminationGracePeriodSeconds", "terminationGracePeriodSeconds"),
];

/// Fields of containers: in Kubernetes, and in the template.
pub(in crate::plan) const CONTAINER: [(&str, &str); 2] =
    [("securityContext", "securityContext"), ("lifecycle", "lifecycle")];

fn attributes(edits: &mut Edits<'_>, component: &Component, seen: Seen<'_>, fields: &[(&str, &str)]) {
    for (kube, ours) in fields {
        let (rendered, also, live) = field_of(seen, kube);
        let live_to = |said: Option<&Value>| {
            let live = live.filter(|live| said == Some(*live) || !is_default(kube, live))?;
            Some(without_defaults(live, said))
        };
        let there = live_to(rendered);
        let edited = is_edit(kube, rendered, None, there.as_ref())
            && also.is_none_or(|also| is_edit(kube, also, None, live_to(also).as_ref()));
        if edited {
            let there = there.filter(|there| *there != json!({}) && *there != json!([]) && !there.is_null());
            // The template always says whether it is so.
            let there = if *ours == "hostNetwork" { there.or(Some(json!(false))) } else { there };
            edits.set(component.name.as_str(), "kubernetes", Some(ours), there);
        }
    }
}

fn resources(edits: &mut Edits<'_>, component: &Component, container: Seen<'_>) {
    for kind in ["requests", "limits"] {
        let of = |container: &'_ Value| container.pointer(&format!("/resources/{kind}")).cloned();
        let (rendered, also, live) = (of(container.rendered), container.also.map(of), of(container.live));
        let seen = (rendered.as_ref(), also.as_ref().map(Option::as_ref), live.as_ref());
        for (name, value) in edited_entries(kind, seen) {
            // A server takes a limit for the request where none was given.
            let limit = container.live.get("resources").and_then(|r| r.get("limits")).and_then(|l| l.get(name));
            let is_limit = kind == "requests" && rendered.as_ref().is_none_or(|r| r.get(name).is_none());
            if is_limit && limit.is_some() && limit == value {
                continue;
            }
            edits.set(component.name.as_str(), "resources", Some(&format!("{kind}.{name}")), value.cloned());
        }
    }
}

fn probe(edits: &mut Edits<'_>, component: &Component, name: &str, container: Seen<'_>) {
    let (rendered, also, live) = field_of(container, &format!("{name}Probe"));
    let shaped = |probe: Option<&Value>, said: Option<&Value>| match probe {
        Some(probe) => in_our_words(component, &without_defaults(probe, said)).map(Some),
        None => Some(None),
    };
    // A probe that the template has no words for is put back.
    let Some(there) = shaped(live, rendered) else { return };
    let ours = rendered.and_then(|rendered| in_our_words(component, rendered));
    if ours == there || also.is_some_and(|also| shaped(also, also) == shaped(live, also)) {
        return;
    }
    edits.set(component.name.as_str(), "probes", Some(name), there);
}

/// A probe as the template says it: ports by their names. `None` where the template cannot.
fn in_our_words(component: &Component, probe: &Value) -> Option<Value> {
    let mut out = probe.as_object()?.clone();
    let port = |action: &Value| match action.get("port")? {
        Value::String(name) => component.ports.iter().find(|port| port.name.as_str() == name),
        number => component.ports.iter().find(|port| number.as_u64() == Some(u64::from(port.port.get()))),
    };
    if let Some(http) = out.remove("httpGet") {
        if http.get("host").is_some_and(|host| host != "") {
            return None;
        }
        let headers = headers(&http)?;
        let path = http.get("path").and_then(Value::as_str).unwrap_or("/");
        let scheme = http.get("scheme").cloned().unwrap_or_else(|| json!("HTTP"));
        let http = json!({"port": port(&http)?.name, "path": path, "scheme": scheme, "headers": headers});
        out.insert("http".to_owned(), http);
    }
    if let Some(tcp) = out.remove("tcpSocket") {
        out.insert("tcp".to_owned(), json!({"port": port(&tcp)?.name}));
    }
    let typed: Probe = serde_json::from_value(Value::Object(out)).ok()?;
    serde_json::to_value(typed).ok()
}

/// The headers of a request by their names; `None` if one stands there twice, or is one that the template cannot say.
fn headers(http: &Value) -> Option<BTreeMap<String, String>> {
    let mut all = BTreeMap::new();
    for header in http.get("httpHeaders").and_then(Value::as_array).into_iter().flatten() {
        let value = header.get("value").and_then(Value::as_str).unwrap_or_default();
        if !HttpProbe::add_header(&mut all, header.get("name")?.as_str()?, value) {
            return None;
        }
    }
    Some(all)
}
