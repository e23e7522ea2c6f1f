//! The objects beside workloads: configuration, claims, scalers, routes, streams, what runs elsewhere.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bundle_format::template::{Component, ConfigFile, EnvName, PartName, Quantity};
use serde_json::{Value, json};

use super::workload::merged;
use super::{Edits, Seen, edited_entries, is_edit};
use crate::plan::amount::same_amount;
use crate::plan::content;
use crate::target::ObjectId;

/// Reads an object that is no workload and of no manifest.
pub(super) fn read(edits: &mut Edits<'_>, component: Option<&Component>, id: &ObjectId, seen: Seen<'_>) {
    let Some(short) = edits.short(&id.name).map(str::to_owned) else { return };
    let part = |kind: &str| short.strip_prefix(kind).map(str::to_owned);
    match (id.kind.as_str(), component) {
        ("ConfigMap", Some(component)) if short == format!("{}-config", component.name) => {
            files(edits, component.name.as_str(), &component.config, seen);
        }
        ("ConfigMap", _) => {
            if let Some(group) = part("group-") {
                items(edits, &group, seen);
            } else if let Some(name) = part("plugin-")
                && let Some(plugin) = edits.template.plugins.iter().find(|plugin| plugin.name.as_str() == name)
            {
                files(edits, &format!("plugin/{name}"), &plugin.config, seen);
            }
        }
        ("PersistentVolumeClaim", Some(component)) => claim(edits, component, &short, seen),
        ("HorizontalPodAutoscaler", Some(component)) => scaler(edits, component, seen),
        ("Ingress", _) => {
            if let Some(route) = part("route-") {
                ingress(edits, &route, seen);
            }
        }
        ("Service", _) => service(edits, &short, seen),
        ("Endpoints", _) if edits.template.externals.iter().any(|external| external.name.as_str() == short) => {
            one(edits, &format!("external/{short}"), "addresses", seen, addresses);
        }
        _ => {}
    }
}

/// Contents of configuration files: texts, and what is no text as base64.
fn files(edits: &mut Edits<'_>, scope: &str, files: &[ConfigFile], seen: Seen<'_>) {
    for file in files {
        let key = file.path.key();
        let bytes = |map: &Value| STANDARD.decode(map.get("binaryData")?.get(&key)?.as_str()?).ok();
        let of = |map: &Value| {
            let text = map.get("data").and_then(|data| data.get(&key)).cloned();
            text.or_else(|| bytes(map).map(|bytes| content(&bytes)))
        };
        let (rendered, also, live) = (of(seen.rendered), seen.also.map(of), of(seen.live));
        // What a file says there and is no base64 is nobody's content.
        if live.is_none() && seen.live.get("binaryData").is_some_and(|data| data.get(&key).is_some()) {
            continue;
        }
        if is_edit("data", rendered.as_ref(), also.as_ref().map(Option::as_ref), live.as_ref()) {
            edits.set(scope, "config", Some(file.path.as_str()), live);
        }
    }
}

/// Items of a configuration group.
fn items(edits: &mut Edits<'_>, group: &str, seen: Seen<'_>) {
    if group.parse::<PartName>().is_err() {
        return;
    }
    let of = |map: &Value| map.get("data").cloned();
    let (rendered, also, live) = (of(seen.rendered), seen.also.map(of), of(seen.live));
    for (key, value) in edited_entries("data", (rendered.as_ref(), also.as_ref().map(Option::as_ref), live.as_ref())) {
        if key.parse::<EnvName>().is_ok() {
            edits.set(format!("group/{group}"), key, None, value.cloned());
        }
    }
}

/// The size of a claim.
fn claim(edits: &mut Edits<'_>, component: &Component, short: &str, seen: Seen<'_>) {
    let named = |name: &str| short == format!("{}-{name}", component.name);
    let Some(volume) = component.volumes.iter().find(|volume| named(volume.name.as_str())) else { return };
    let of = |claim: &'_ Value| {
        claim.pointer("/spec/resources/requests/storage").and_then(Value::as_str).unwrap_or_default().to_owned()
    };
    let live = of(seen.live);
    let unchanged =
        same_amount(&of(seen.rendered), &live) || seen.also.is_some_and(|also| same_amount(&of(also), &live));
    if !unchanged && let Ok(size) = live.parse::<Quantity>() {
        let mut volume = volume.clone();
        let name = volume.name.clone();
        volume.size = Some(size);
        edits.set(component.name.as_str(), "volumes", Some(name.as_str()), super::unnamed(&volume));
    }
}

/// The scaling rule, in whichever version of the API it was written.
fn scaler(edits: &mut Edits<'_>, component: &Component, seen: Seen<'_>) {
    let fields: [(&str, Read); 5] = [
        // Kubernetes takes 1 where nothing is said.
        ("min", |scaler| scaler.pointer("/spec/minReplicas").cloned().or(Some(json!(1)))),
        ("max", |scaler| scaler.pointer("/spec/maxReplicas").cloned()),
        ("cpu", |scaler| {
            scaler.pointer("/spec/targetCPUUtilizationPercentage").cloned().or_else(|| utilization(scaler, "cpu"))
        }),
        ("memory", |scaler| utilization(scaler, "memory")),
        ("step", |scaler| {
            let policies = scaler.pointer("/spec/behavior/scaleUp/policies")?.as_array()?;
            policies.iter().find(|policy| policy.get("type").is_some_and(|t| t == "Pods"))?.get("value").cloned()
        }),
    ];
    for (field, read) in fields {
        one_of(edits, component.name.as_str(), ("scaling", Some(field)), seen, read);
    }
}

fn utilization(scaler: &Value, resource: &str) -> Option<Value> {
    let metrics = scaler.pointer("/spec/metrics")?.as_array()?.iter().filter_map(|metric| metric.get("resource"));
    let mut of = metrics.filter(|metric| metric.get("name").is_some_and(|name| name == resource));
    of.next()?.pointer("/target/averageUtilization").cloned()
}

/// A route: the one rule of its `Ingress`.
fn ingress(edits: &mut Edits<'_>, name: &str, seen: Seen<'_>) {
    let Some(route) = edits.template.routes.iter().find(|route| route.name.as_str() == name) else { return };
    let ours = route.annotations.clone();
    let scope = format!("route/{name}");
    let fields: [(&str, Read); 5] = [
        ("host", |ingress| ingress.pointer("/spec/rules/0/host").cloned()),
        ("path", |ingress| ingress.pointer("/spec/rules/0/http/paths/0/path").cloned()),
        ("exact", |ingress| {
            let kind = ingress.pointer("/spec/rules/0/http/paths/0/pathType")?;
            Some(json!(kind == "Exact"))
        }),
        ("class", |ingress| {
            let annotation = || ingress.pointer("/metadata/annotations/kubernetes.io~1ingress.class").cloned();
            ingress.pointer("/spec/ingressClassName").cloned().or_else(annotation)
        }),
        ("tlsSecret", |ingress| ingress.pointer("/spec/tls/0/secretName").cloned()),
    ];
    for (field, read) in fields {
        // A server gives a class to a route that has none. That is its default, and nobody's wish.
        if field == "class" && read(seen.rendered).is_none() && seen.live.pointer("/metadata/uid").is_some() {
            continue;
        }
        // A path that is rewritten is an expression there, which is not the template's.
        let kind = seen.rendered.pointer("/spec/rules/0/http/paths/0/pathType");
        if matches!(field, "path" | "exact") && kind.is_some_and(|kind| kind == "ImplementationSpecific") {
            continue;
        }
        one(edits, &scope, field, seen, read);
    }
    let of = |ingress: &Value| ingress.pointer("/metadata/annotations").cloned();
    let (rendered, also, live) = (of(seen.rendered), seen.also.map(of), of(seen.live));
    let edited = edited_entries("annotations", (rendered.as_ref(), also.as_ref().map(Option::as_ref), live.as_ref()));
    if let Some(map) = merged(&ours, edited) {
        edits.set(scope, "annotations", None, map);
    }
}

/// A stream, or something that runs elsewhere and has a name.
fn service(edits: &mut Edits<'_>, short: &str, seen: Seen<'_>) {
    if let Some(stream) = short.strip_prefix("stream-")
        && edits.template.streams.iter().any(|s| s.name.as_str() == stream)
    {
        let scope = format!("stream/{stream}");
        one(edits, &scope, "through", seen, |service| service.pointer("/spec/type").cloned());
        // A server chooses a port where none was asked for.
        let port: Read = |service| service.pointer("/spec/ports/0/nodePort").cloned();
        if port(seen.rendered).is_some() || seen.live.pointer("/metadata/uid").is_none() {
            one(edits, &scope, "nodePort", seen, port);
        }
    } else if edits.template.externals.iter().any(|external| external.name.as_str() == short) {
        one(edits, &format!("external/{short}"), "host", seen, |service| {
            service.pointer("/spec/externalName").cloned()
        });
    }
}

fn addresses(endpoints: &Value) -> Option<Value> {
    let addresses = endpoints.pointer("/subsets/0/addresses")?.as_array()?;
    Some(addresses.iter().filter_map(|address| address.get("ip").cloned()).collect())
}

/// How a field is read from an object.
type Read = fn(&Value) -> Option<Value>;

fn one(edits: &mut Edits<'_>, scope: &str, field: &str, seen: Seen<'_>, read: Read) {
    one_of(edits, scope, (field, None), seen, read);
}

fn one_of(edits: &mut Edits<'_>, scope: &str, (field, key): (&str, Option<&str>), seen: Seen<'_>, read: Read) {
    let (rendered, also, live) = (read(seen.rendered), seen.also.map(read), read(seen.live));
    if is_edit(field, rendered.as_ref(), also.as_ref().map(Option::as_ref), live.as_ref()) {
        edits.set(scope, field, key, live);
    }
}
