//! What runs a component's pods.

use bundle_format::Digest;
use bundle_format::template::{Component, WorkloadKind};
use k8s_openapi::api::apps::v1::{
    DaemonSet, DaemonSetSpec, Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment, StatefulSet,
    StatefulSetSpec,
};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job, JobSpec};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Serialize;
use serde_json::Value;

use super::component::claim_spec;
use super::config::Shared;
use super::meta::Names;
use super::{RenderError, pod, scaling};

/// The kind, in lower case, and the object that runs the component's pods; `name` is what it is called, unless it is a job.
/// None for a job that is switched off.
pub(super) fn render(
    names: &Names<'_>,
    component: &Component,
    name: String,
    config: Option<&ConfigMap>,
    shared: &Shared<'_>,
) -> Result<Option<(&'static str, Value)>, RenderError> {
    let on = names.is_on(component);
    let pods = pod::template(names, component, config, shared)?;
    let replicas = replicas(names, component).map(|n| i32::try_from(n).unwrap_or(i32::MAX));
    let selector = names.selector(component);
    let metadata = names.metadata(name, Some(component));
    let (kind, mut object) = match component.kind {
        WorkloadKind::Deployment => {
            let strategy = Some(strategy(component));
            let min_ready_seconds = min_ready_seconds(component);
            let spec = DeploymentSpec { replicas, selector, strategy, min_ready_seconds, ..DeploymentSpec::default() };
            ("deployment", json(component, &Deployment { metadata, spec: Some(spec), status: None })?)
        }
        WorkloadKind::StatefulSet => {
            let claims = claims(names, component);
            let spec = StatefulSetSpec {
                replicas,
                selector,
                service_name: Some(names.headless(&component.name)),
                volume_claim_templates: (!claims.is_empty()).then_some(claims),
                ..StatefulSetSpec::default()
            };
            ("statefulset", json(component, &StatefulSet { metadata, spec: Some(spec), status: None })?)
        }
        WorkloadKind::DaemonSet => {
            let min_ready_seconds = min_ready_seconds(component);
            let spec = DaemonSetSpec { selector, min_ready_seconds, ..DaemonSetSpec::default() };
            ("daemonset", json(component, &DaemonSet { metadata, spec: Some(spec), status: None })?)
        }
        WorkloadKind::CronJob => {
            let spec = CronJobSpec {
                schedule: component.schedule.clone().unwrap_or_default(),
                suspend: (!on).then_some(true),
                ..CronJobSpec::default()
            };
            let mut object = json(component, &CronJob { metadata, spec: Some(spec), status: None })?;
            // The two versions say the same of these fields.
            let version = names.version("CronJob", &["batch/v1", "batch/v1beta1"], component)?;
            put(&mut object, "", "apiVersion", version.into());
            put(&mut object, "/spec/jobTemplate", "spec", serde_json::json!({}));
            ("cronjob", object)
        }
        WorkloadKind::Job if !on => return Ok(None),
        WorkloadKind::Job => {
            // A job cannot be changed, and one of the same name is not run again. So it is named after what it does.
            let state = Digest::of(pods.to_string().as_bytes()).hex();
            let name = format!("{}-{}", names.object(&component.name), state.get(..8).unwrap_or_default());
            let metadata = ObjectMeta { name: Some(name), ..metadata };
            ("job", json(component, &Job { metadata, spec: Some(JobSpec::default()), status: None })?)
        }
    };
    let place = if component.kind == WorkloadKind::CronJob { "/spec/jobTemplate/spec" } else { "/spec" };
    put(&mut object, place, "template", pods);
    Ok(Some((kind, object)))
}

/// How pods are replaced. Kubernetes' defaults are said, too: what it fills in itself, a later server-side apply of
/// `Recreate` leaves there, and is refused for it.
fn strategy(component: &Component) -> DeploymentStrategy {
    if component.singleton {
        return DeploymentStrategy { type_: Some("Recreate".to_owned()), rolling_update: None };
    }
    let quarter = || Some(IntOrString::String("25%".to_owned()));
    let rolling_update = RollingUpdateDeployment { max_surge: quarter(), max_unavailable: quarter() };
    DeploymentStrategy { type_: Some("RollingUpdate".to_owned()), rolling_update: Some(rolling_update) }
}

/// How many run: none of what is switched off; nothing is said where an autoscaler decides, because it would be taken for a
/// decision against it.
fn replicas(names: &Names<'_>, component: &Component) -> Option<u32> {
    if !names.is_on(component) {
        return Some(0);
    }
    if scaling::version(names, component).is_some() {
        return None;
    }
    component.replicas.or(component.scaling.as_ref().map(|s| s.min.get()))
}

fn json(component: &Component, object: &impl Serialize) -> Result<Value, RenderError> {
    serde_json::to_value(object).map_err(|source| RenderError::Json { file: component.name.to_string(), source })
}

fn put(object: &mut Value, place: &str, field: &str, value: Value) {
    if let Some(Value::Object(place)) = object.pointer_mut(place) {
        place.insert(field.to_owned(), value);
    }
}

/// What cannot say whether it works counts as available when it has run for a while: what ends at once never is. (A
/// `StatefulSet` has no such field before Kubernetes 1.22.)
fn min_ready_seconds(component: &Component) -> Option<i32> {
    component.probes.readiness.is_none().then_some(5)
}

/// The claims of each pod of a `StatefulSet`. Kubernetes never lets them change, so they say as little as possible.
fn claims(names: &Names<'_>, component: &Component) -> Vec<PersistentVolumeClaim> {
    let volumes = component.volumes.iter().filter(|volume| volume.size.is_some());
    volumes
        .map(|volume| PersistentVolumeClaim {
            metadata: ObjectMeta {
                name: Some(volume.name.to_string()),
                labels: Some(names.selector_labels(component)),
                ..ObjectMeta::default()
            },
            spec: Some(claim_spec(volume)),
            status: None,
        })
        .collect()
}
