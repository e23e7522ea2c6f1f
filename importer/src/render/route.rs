//! HTTP routes as `Ingress`es.

use bundle_format::template::{Component, Route};
use serde_json::{Map, Value, json};

use super::RenderError;
use super::meta::{Names, Texts};
use super::nginx;

const V1: &str = "networking.k8s.io/v1";
const V1_BETA_1: &str = "networking.k8s.io/v1beta1";

/// The `Ingress` of a route to `component`.
pub(super) fn render(names: &Names<'_>, component: &Component, route: &Route) -> Result<Value, RenderError> {
    let version = names.version("Ingress", &[V1, V1_BETA_1], component)?;
    let name = format!("{}-route-{}", names.input.installation, route.name);
    let mut metadata = names.metadata(name, Some(component));
    let annotations: Texts = metadata.annotations.take().unwrap_or_default();
    // What the template says in the controller's own words goes before what is derived; ours goes before both.
    let said = nginx::annotations(route).into_iter().chain(route.annotations.clone());
    metadata.annotations = Some(said.chain(annotations).collect());
    let metadata = serde_json::to_value(metadata)
        .map_err(|source| RenderError::Json { file: format!("route {}", route.name), source })?;
    let service = names.object(&component.name);
    let backend = if version == V1 {
        json!({"service": {"name": service, "port": {"name": route.port}}})
    } else {
        json!({"serviceName": service, "servicePort": route.port})
    };
    let (path, path_type) = match nginx::rewritten_path(route) {
        Some(path) => (path, "ImplementationSpecific"),
        None => (route.path.clone(), if route.exact { "Exact" } else { "Prefix" }),
    };
    let mut rule = Map::new();
    if let Some(host) = &route.host {
        rule.insert("host".to_owned(), host.as_str().into());
    }
    rule.insert("http".to_owned(), json!({"paths": [{"backend": backend, "path": path, "pathType": path_type}]}));
    let mut spec = Map::new();
    if let Some(class) = &route.class {
        spec.insert("ingressClassName".to_owned(), class.as_str().into());
    }
    spec.insert("rules".to_owned(), json!([rule]));
    if let Some(secret) = &route.tls_secret {
        let tls = match &route.host {
            Some(host) => json!([{"hosts": [host], "secretName": secret}]),
            None => json!([{"secretName": secret}]),
        };
        spec.insert("tls".to_owned(), tls);
    }
    Ok(json!({"apiVersion": version, "kind": "Ingress", "metadata": metadata, "spec": spec}))
}
