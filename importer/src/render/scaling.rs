//! Autoscalers.

use bundle_format::template::{Component, Scaling, WorkloadKind};
use serde_json::{Value, json};

use super::RenderError;
use super::meta::Names;

/// Seconds within which at most a step is added or taken away.
const PERIOD: u32 = 60;

/// The version of the API in which a component gets an autoscaler; None if it gets none: it has no rule, is switched off, or the
/// cluster measures nothing.
pub(super) fn version(names: &Names<'_>, component: &Component) -> Option<&'static str> {
    let scales = matches!(component.kind, WorkloadKind::Deployment | WorkloadKind::StatefulSet);
    let capabilities = names.input.capabilities;
    if component.scaling.is_none() || !scales || !names.is_on(component) || !capabilities.measures() {
        return None;
    }
    // The two versions say the same of these fields.
    capabilities.choose("HorizontalPodAutoscaler", &["autoscaling/v2", "autoscaling/v2beta2"])
}

/// The autoscaler of a component, if it gets one.
pub(super) fn render(names: &Names<'_>, component: &Component, name: &str) -> Result<Option<Value>, RenderError> {
    let (Some(scaling), Some(version)) = (&component.scaling, version(names, component)) else { return Ok(None) };
    let metadata = serde_json::to_value(names.metadata(name.to_owned(), Some(component)))
        .map_err(|source| RenderError::Json { file: component.name.to_string(), source })?;
    let kind = format!("{:?}", component.kind);
    let mut spec = json!({
        "maxReplicas": scaling.max,
        "metrics": metrics(scaling),
        "minReplicas": scaling.min,
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": name},
    });
    if let (Some(step), Value::Object(spec)) = (scaling.step, &mut spec) {
        let policies = json!({"policies": [{"periodSeconds": PERIOD, "type": "Pods", "value": step}]});
        spec.insert("behavior".to_owned(), json!({"scaleDown": policies, "scaleUp": policies}));
    }
    Ok(Some(json!({"apiVersion": version, "kind": "HorizontalPodAutoscaler", "metadata": metadata, "spec": spec})))
}

fn metrics(scaling: &Scaling) -> Vec<Value> {
    let used = |name: &str, per_cent: u8| {
        let target = json!({"averageUtilization": per_cent, "type": "Utilization"});
        json!({"resource": {"name": name, "target": target}, "type": "Resource"})
    };
    let cpu = match (scaling.cpu, scaling.memory) {
        (Some(cpu), _) => Some(cpu.get()),
        (None, None) => Some(80),
        (None, Some(_)) => None,
    };
    let memory = scaling.memory.map(|memory| used("memory", memory.get()));
    cpu.map(|cpu| used("cpu", cpu)).into_iter().chain(memory).collect()
}
