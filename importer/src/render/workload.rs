//! What runs a component's pods.

use bundle_format::Digest;
use bundle_format::template::{Component, WorkloadKind};
use k8s_openapi::api::apps::v1::{DaemonSet, DaemonSetSpec, Deployment, DeploymentSpec, StatefulSet, StatefulSetSpec};
use k8s_openapi::api::batch::v1::{CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolumeClaim};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::Value;

use super::RenderError;
use super::component::claim_spec;
use super::meta::Names;
use super::pod;

/// The kind, in lower case, and the object that runs the component's pods; `name` is what it is called, unless it is a job.
pub(super) fn render(
    names: &Names<'_>,
    component: &Component,
    name: String,
    config: Option<&ConfigMap>,
) -> Result<(&'static str, Value), RenderError> {
    let image = (names.input.image)(&component.image);
    let replicas = component.replicas.map(|n| i32::try_from(n).unwrap_or(i32::MAX));
    let selector = names.selector(component);
    let json = |value: serde_json::Result<Value>| {
        value.map_err(|source| RenderError::Json { file: component.name.to_string(), source })
    };
    let (kind, object) = match component.kind {
        WorkloadKind::Deployment => {
            let template = pod::template(names, component, image, config);
            let spec = DeploymentSpec { replicas, selector, template, ..DeploymentSpec::default() };
            let metadata = names.metadata(name, Some(component));
            ("deployment", serde_json::to_value(Deployment { metadata, spec: Some(spec), status: None }))
        }
        WorkloadKind::StatefulSet => {
            let claims = claims(names, component);
            let spec = StatefulSetSpec {
                replicas,
                selector,
                service_name: Some(names.headless(&component.name)),
                template: pod::template(names, component, image, config),
                volume_claim_templates: (!claims.is_empty()).then_some(claims),
                ..StatefulSetSpec::default()
            };
            let metadata = names.metadata(name, Some(component));
            ("statefulset", serde_json::to_value(StatefulSet { metadata, spec: Some(spec), status: None }))
        }
        WorkloadKind::DaemonSet => {
            let template = pod::template(names, component, image, config);
            let spec = DaemonSetSpec { selector, template, ..DaemonSetSpec::default() };
            let metadata = names.metadata(name, Some(component));
            ("daemonset", serde_json::to_value(DaemonSet { metadata, spec: Some(spec), status: None }))
        }
        WorkloadKind::CronJob => {
            let template = pod::template(names, component, image, config);
            let spec = CronJobSpec {
                schedule: component.schedule.clone().unwrap_or_default(),
                job_template: JobTemplateSpec {
                    metadata: None,
                    spec: Some(JobSpec { template, ..JobSpec::default() }),
                },
                ..CronJobSpec::default()
            };
            let metadata = names.metadata(name, Some(component));
            ("cronjob", serde_json::to_value(CronJob { metadata, spec: Some(spec), status: None }))
        }
        WorkloadKind::Job => {
            // A job cannot be changed, and one of the same name is not run again. So it is named after what it does.
            let template = pod::template(names, component, image, config);
            let state = Digest::of(json(serde_json::to_value(&template))?.to_string().as_bytes()).hex();
            let metadata = names.metadata(format!("{name}-{}", state.get(..8).unwrap_or_default()), Some(component));
            let spec = JobSpec { template, ..JobSpec::default() };
            ("job", serde_json::to_value(Job { metadata, spec: Some(spec), status: None }))
        }
    };
    Ok((kind, json(object)?))
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
