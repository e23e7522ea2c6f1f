//! The files of one component.

use bundle_format::template::{Component, WorkloadKind};
use k8s_openapi::api::core::v1::{PersistentVolumeClaim, PersistentVolumeClaimSpec, VolumeResourceRequirements};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::meta::Names;
use super::{RenderError, RenderedFile, config, service, workload};
use bundle_format::template::Volume;

/// The files of `component`, which is the one at `position`, from 1, to be started.
pub(super) fn render(
    names: &Names<'_>,
    component: &Component,
    position: usize,
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
            claim.metadata = names.metadata(names.claim(short, volume), Some(component));
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
    let (kind, workload) = workload::render(names, component, name, config.as_ref())?;
    files.push(RenderedFile::of(format!("50-{position:03}-{kind}-{short}.yaml"), &workload)?);
    Ok(files.into_iter().map(|file| file.owned_by(short)).collect())
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
