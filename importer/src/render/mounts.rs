//! What is mounted into pods: volumes, volumes of other components, configuration files.

use bundle_format::template::{Component, ConfigFile, Plugin, SharedMount, WorkloadKind};
use k8s_openapi::api::core::v1::{
    ConfigMapVolumeSource, EmptyDirVolumeSource, KeyToPath, PersistentVolumeClaimVolumeSource, Volume as KubeVolume,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;

use super::meta::Names;

/// The volume that holds the configuration files; the template's volumes may not begin with `sealift-`.
pub(super) const CONFIG: &str = "sealift-config";

/// The volume that holds the configuration files of a plugin.
pub(super) fn plugin_config(plugin: &Plugin) -> String {
    format!("sealift-plugin-{}", plugin.name)
}

/// The mounts of a component's volumes, and of those of others that it shares.
pub(super) fn of_volumes(names: &Names<'_>, component: &Component) -> Vec<VolumeMount> {
    let own = component.volumes.iter().map(|volume| VolumeMount {
        mount_path: volume.path.to_string(),
        name: volume.name.to_string(),
        read_only: volume.read_only.then_some(true),
        ..VolumeMount::default()
    });
    let shared = shared(names, component).map(|(name, mount)| VolumeMount {
        mount_path: mount.path.to_string(),
        name,
        read_only: mount.read_only.then_some(true),
        ..VolumeMount::default()
    });
    own.chain(shared).collect()
}

/// The mounts of configuration files, one by one, from `volume`.
pub(super) fn of_files(files: &[ConfigFile], volume: &str) -> Vec<VolumeMount> {
    let mounts = files.iter().map(|file| VolumeMount {
        mount_path: file.path.to_string(),
        name: volume.to_owned(),
        read_only: Some(true),
        sub_path: Some(file.path.key()),
        ..VolumeMount::default()
    });
    mounts.collect()
}

/// The volumes of a component's pods, which use `plugins`.
pub(super) fn volumes<'a>(
    names: &Names<'_>,
    component: &Component,
    plugins: impl Iterator<Item = &'a Plugin>,
) -> Vec<KubeVolume> {
    let mut volumes = Vec::new();
    for volume in &component.volumes {
        let mut kube = KubeVolume { name: volume.name.to_string(), ..KubeVolume::default() };
        if let Some(empty) = &volume.empty_dir {
            kube.empty_dir = Some(EmptyDirVolumeSource {
                medium: empty.memory.then(|| "Memory".to_owned()),
                size_limit: empty.size_limit.as_ref().map(|size| Quantity(size.to_string())),
            });
        } else if component.kind == WorkloadKind::StatefulSet {
            // Each pod has its own, from the templates of claims.
            continue;
        } else {
            kube.persistent_volume_claim = Some(claim(names.claim(&component.name, &volume.name)));
        }
        volumes.push(kube);
    }
    volumes.extend(shared(names, component).map(|(name, mount)| KubeVolume {
        name,
        persistent_volume_claim: Some(claim(names.claim(&mount.component, &mount.volume))),
        ..KubeVolume::default()
    }));
    if !component.config.is_empty() {
        volumes.push(files(CONFIG.to_owned(), names.config(&component.name), &component.config));
    }
    for plugin in plugins.filter(|plugin| !plugin.config.is_empty()) {
        volumes.push(files(plugin_config(plugin), names.plugin(&plugin.name), &plugin.config));
    }
    volumes
}

/// The shared mounts of a component with the names of their volumes, without those of components that were never on: these
/// have no claims, and pods would wait for them.
fn shared<'a>(
    names: &'a Names<'_>,
    component: &'a Component,
) -> impl Iterator<Item = (String, &'a SharedMount)> + use<'a> {
    let there = |mount: &SharedMount| names.template.component(&mount.component).is_some_and(|c| names.is_there(c));
    let numbered = component.mounts.iter().enumerate().filter(move |(_, mount)| there(mount));
    numbered.map(|(index, mount)| (format!("sealift-mount-{}", index + 1), mount))
}

fn claim(claim_name: String) -> PersistentVolumeClaimVolumeSource {
    PersistentVolumeClaimVolumeSource { claim_name, read_only: None }
}

/// The volume `name` that holds `files`, of the `ConfigMap` called `map`.
fn files(name: String, map: String, files: &[ConfigFile]) -> KubeVolume {
    let items = files.iter().map(|file| {
        let key = file.path.key();
        KeyToPath { path: key.clone(), key, mode: file.executable.then_some(0o755) }
    });
    // Without items, every key is a file of the default mode, 0644.
    let items = files.iter().any(|file| file.executable).then(|| items.collect());
    let source = ConfigMapVolumeSource { name: map, items, ..ConfigMapVolumeSource::default() };
    KubeVolume { name, config_map: Some(source), ..KubeVolume::default() }
}
