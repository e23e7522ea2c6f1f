//! The pods of a component.

use bundle_format::template::{Component, KubernetesAttributes, Plugin, PluginKind, PluginUse, WorkloadKind};
use k8s_openapi::api::core::v1::{ConfigMap, Container, LocalObjectReference, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Map, Value};

use super::config::{self, Shared};
use super::meta::{Names, Texts};
use super::{RenderError, container, env, mounts};

/// The label that no node has, on which the pods of a `DaemonSet` wait that is switched off.
pub(crate) const NOWHERE: &str = "sealift.dev/switched-on";

/// The template of a component's pods.
pub(super) fn template(
    names: &Names<'_>,
    component: &Component,
    config: Option<&ConfigMap>,
    shared: &Shared<'_>,
) -> Result<Value, RenderError> {
    let named = |used: &PluginUse| shared.plugins.get(&used.name).map(|(plugin, _)| *plugin);
    let plugins: Vec<(&Plugin, &PluginUse)> =
        component.plugins.iter().filter_map(|used| Some((named(used)?, used))).collect();
    let of_kind = |kind: PluginKind| -> Result<Vec<Container>, RenderError> {
        let wanted = plugins.iter().filter(|(plugin, _)| plugin.kind == kind);
        wanted.map(|(plugin, used)| container::of_plugin(names, component, plugin, used)).collect()
    };
    let mut containers = vec![container::of_component(names, component)?];
    containers.extend(of_kind(PluginKind::Sidecar)?);
    let before = of_kind(PluginKind::Init)?;
    let volumes = mounts::volumes(names, component, plugins.iter().map(|(plugin, _)| *plugin));
    let runs_to_its_end = matches!(component.kind, WorkloadKind::Job | WorkloadKind::CronJob);
    let attributes = &component.kubernetes;
    let spec = PodSpec {
        // Without an account of their own, nothing that the template can say needs the Kubernetes API.
        automount_service_account_token: Some(attributes.service_account.is_some()),
        // Otherwise Kubernetes adds variables for every service in the namespace, such as DB_PORT, which the template's own
        // variables may be called.
        enable_service_links: Some(false),
        containers,
        init_containers: (!before.is_empty()).then_some(before),
        restart_policy: runs_to_its_end.then(|| "OnFailure".to_owned()),
        volumes: (!volumes.is_empty()).then_some(volumes),
        image_pull_secrets: names.input.pull_secret.map(|name| vec![LocalObjectReference { name: name.to_owned() }]),
        node_selector: node_selector(names, component),
        service_account_name: attributes.service_account.clone(),
        priority_class_name: attributes.priority_class.clone(),
        runtime_class_name: attributes.runtime_class.clone(),
        host_network: attributes.host_network.then_some(true),
        dns_policy: attributes.dns_policy.clone(),
        termination_grace_period_seconds: attributes.termination_grace_period_seconds.map(i64::from),
        ..PodSpec::default()
    };
    let annotations = annotations(names, component, config, shared);
    let metadata = ObjectMeta {
        labels: Some(names.pod_labels(component)),
        annotations: (!annotations.is_empty()).then_some(annotations),
        ..ObjectMeta::default()
    };
    let template = PodTemplateSpec { metadata: Some(metadata), spec: Some(spec) };
    let mut template = serde_json::to_value(template)
        .map_err(|source| RenderError::Json { file: component.name.to_string(), source })?;
    put_attributes(&mut template, attributes);
    Ok(template)
}

fn node_selector(names: &Names<'_>, component: &Component) -> Option<Texts> {
    let mut selector = component.kubernetes.node_selector.clone();
    if component.kind == WorkloadKind::DaemonSet && !names.is_on(component) {
        selector.insert(NOWHERE.to_owned(), "true".to_owned());
    }
    (!selector.is_empty()).then_some(selector)
}

/// The pods' annotations: the template's, and digests of configuration, which restart them when it changes.
fn annotations(names: &Names<'_>, component: &Component, config: Option<&ConfigMap>, shared: &Shared<'_>) -> Texts {
    let mut annotations = component.kubernetes.annotations.clone();
    if let Some(map) = config {
        annotations.insert("sealift.dev/config".to_owned(), config::digest(map));
    }
    let groups: Vec<&[u8]> = env::groups(names, component)
        .filter_map(|group| Some([group.name.as_str(), shared.groups.get(&group.name)?].map(str::as_bytes)))
        .flatten()
        .collect();
    if !groups.is_empty() {
        annotations.insert("sealift.dev/groups".to_owned(), config::digest_of(groups));
    }
    let plugins: Vec<&[u8]> = component
        .plugins
        .iter()
        .filter_map(|used| Some([used.name.as_str(), shared.plugins.get(&used.name)?.1.as_deref()?].map(str::as_bytes)))
        .flatten()
        .collect();
    if !plugins.is_empty() {
        annotations.insert("sealift.dev/plugins".to_owned(), config::digest_of(plugins));
    }
    annotations
}

/// Puts in what is said in Kubernetes' own words: as it is, also what this program does not know.
fn put_attributes(template: &mut Value, attributes: &KubernetesAttributes) {
    put(template, "/spec", "affinity", object(&attributes.affinity));
    put(template, "/spec", "hostAliases", list(&attributes.host_aliases));
    put(template, "/spec", "securityContext", object(&attributes.pod_security_context));
    put(template, "/spec", "tolerations", list(&attributes.tolerations));
    put(template, "/spec", "topologySpreadConstraints", list(&attributes.topology_spread_constraints));
    // The first container is the component's own.
    put(template, "/spec/containers/0", "lifecycle", object(&attributes.lifecycle));
    put(template, "/spec/containers/0", "securityContext", object(&attributes.security_context));
}

fn put(template: &mut Value, place: &str, field: &str, value: Option<Value>) {
    if let (Some(Value::Object(place)), Some(value)) = (template.pointer_mut(place), value) {
        place.insert(field.to_owned(), value);
    }
}

fn object(fields: &Map<String, Value>) -> Option<Value> {
    (!fields.is_empty()).then(|| Value::Object(fields.clone()))
}

fn list(items: &[Map<String, Value>]) -> Option<Value> {
    (!items.is_empty()).then(|| Value::Array(items.iter().cloned().map(Value::Object).collect()))
}
