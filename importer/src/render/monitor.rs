//! Where a component's measurements are read.

use bundle_format::template::Component;
use serde_json::{Value, json};

use super::RenderError;
use super::meta::{Names, Texts};
use super::service::MONITORED;

const VERSION: &str = "monitoring.coreos.com/v1";
const KIND: &str = "ServiceMonitor";

/// One `ServiceMonitor` for all monitors of a component, where the cluster knows these.
pub(super) fn render(names: &Names<'_>, component: &Component, name: &str) -> Result<Option<Value>, RenderError> {
    if component.monitors.is_empty() || !names.input.capabilities.has(VERSION, KIND) {
        return Ok(None);
    }
    let metadata = serde_json::to_value(names.metadata(name.to_owned(), Some(component)))
        .map_err(|source| RenderError::Json { file: component.name.to_string(), source })?;
    let mut selector: Texts = names.selector_labels(component);
    selector.insert(MONITORED.to_owned(), "true".to_owned());
    let endpoints: Vec<Value> = component
        .monitors
        .iter()
        .map(|monitor| {
            let mut endpoint = json!({"path": monitor.path, "port": monitor.port});
            if let (Some(interval), Value::Object(endpoint)) = (&monitor.interval, &mut endpoint) {
                endpoint.insert("interval".to_owned(), interval.to_string().into());
            }
            endpoint
        })
        .collect();
    let spec = json!({"endpoints": endpoints, "selector": {"matchLabels": selector}});
    Ok(Some(json!({"apiVersion": VERSION, "kind": KIND, "metadata": metadata, "spec": spec})))
}
