//! The files of one component.

use bundle_format::template::{Component, Volume, WorkloadKind};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::config::Shared;
use super::meta::Names;
use super::{RenderError, RenderedFile, config, monitor, route, scaling, service, workload};

/// The files of `component`, which is the one at `position`, from 1, to be started.
pub(super) fn render(
    names: &Names<'_>,
    component: &Component,
    position: usize,
    shared: &Shared<'_>,
) -> Result<Vec<RenderedFile>, RenderError> {
    let name = names.checked_object(&component.name)?;
    let short = &component.name;
    let mut files = Vec::new();
    let config = config::config_map(names, component)?;
    if let Some(config) = &config {
        files.push(RenderedFile::of(format!("20-configmap-{short}.yaml"), config)?);
    }
    // The claims of a StatefulSet are made from its templates.
    if component.kind != WorkloadKind::StatefulSet {
        for volume in component.volumes.iter().filter(|v| v.size.is_some()) {
            let mut claim =
                PersistentVolumeClaim { spec: Some(claim_spec(volume)), ..PersistentVolumeClaim::default() };
            claim.metadata = names.metadata(names.claim(short, &volume.name), Some(component));
            files.push(RenderedFile::of(format!("30-pvc-{short}-{}.yaml", volume.name), &claim)?);
        }
    }
    if let Some(service) = service::for_clients(names, component, &name) {
        files.push(RenderedFile::of(format!("40-service-{short}.yaml"), &service)?);
    }
    if component.kind == WorkloadKind::StatefulSet {
        let service = service::for_identity(names, component);
        files.push(RenderedFile::of(format!("40-service-{short}-headless.yaml"), &service)?);
    }
    if let Some((kind, workload)) = workload::render(names, component, name.clone(), config.as_ref(), shared)? {
        files.push(RenderedFile::new(format!("50-{position:03}-{kind}-{short}.yaml"), vec![workload])?);
    }
    if let Some(scaler) = scaling::render(names, component, &name)? {
        files.push(RenderedFile::new(format!("60-autoscaler-{short}.yaml"), vec![scaler])?);
    }
    if let Some(monitor) = monitor::render(names, component, &name)? {
        files.push(RenderedFile::new(format!("60-monitor-{short}.yaml"), vec![monitor])?);
    }
    if names.is_on(component) {
        files.extend(from_outside(names, component)?);
    }
    Ok(files.into_iter().map(|file| file.owned_by(short)).collect())
}

/// The files of the routes and streams to a component.
fn from_outside(names: &Names<'_>, component: &Component) -> Result<Vec<RenderedFile>, RenderError> {
    let mut files = Vec::new();
    for route in names.template.routes.iter().filter(|route| route.component == component.name) {
        let ingress = route::render(names, component, route)?;
        files.push(RenderedFile::new(format!("60-route-{}.yaml", route.name), vec![ingress])?);
    }
    for stream in names.template.streams.iter().filter(|stream| stream.component == component.name) {
        if let Some(service) = service::for_stream(names, component, stream)? {
            files.push(RenderedFile::of(format!("60-stream-{}.yaml", stream.name), &service)?);
        }
    }
    Ok(files)
}

/// The claim that a volume with a size makes.
pub(super) fn claim_spec(volume: &Volume) -> PersistentVolumeClaimSpec {
    let modes: Vec<String> = volume.access_modes.iter().map(|mode| format!("{mode:?}")).collect();
    let size = volume.size.iter().map(|size| ("storage".to_owned(), Quantity(size.to_string())));
    PersistentVolumeClaimSpec {
        access_modes: Some(if modes.is_empty() { vec!["ReadWriteOnce".to_owned()] } else { modes }),
        resources: Some(VolumeResourceRequirements { requests: Some(size.collect()), limits: None }),
        storage_class_name: volume.storage_class.clone(),
        ..PersistentVolumeClaimSpec::default()
    }
}
