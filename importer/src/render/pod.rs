//! The pods of a component.

use bundle_format::template::{Component, Probe, Scheme, Volume, WorkloadKind};
use k8s_openapi::api::core::v1::{
    ConfigMap, ConfigMapVolumeSource, Container, ContainerPort, EmptyDirVolumeSource, ExecAction, HTTPGetAction,
    KeyToPath, PersistentVolumeClaimVolumeSource, PodSpec, PodTemplateSpec, ResourceRequirements, TCPSocketAction,
    VolumeMount,
};
use k8s_openapi::api::core::v1::{Probe as KubeProbe, Volume as KubeVolume};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::config;
use super::meta::{Names, Texts};
use super::service;

/// The volume that holds the configuration files; the template's volumes may not begin with `sealift-`.
const CONFIG: &str = "sealift-config";

/// The template of a component's pods, which run `image`.
pub(super) fn template(
    names: &Names<'_>,
    component: &Component,
    image: String,
    config: Option<&ConfigMap>,
) -> PodTemplateSpec {
    let annotations = config.map(|map| Texts::from([("sealift.dev/config".to_owned(), config::digest(map))]));
    let volumes = volumes(names, component, config);
    let spec = PodSpec {
        // Nothing that the template can say needs the Kubernetes API.
        automount_service_account_token: Some(false),
        // Otherwise Kubernetes adds variables for every service in the namespace, such as DB_PORT, which the template's own
        // variables may be called.
        enable_service_links: Some(false),
        containers: vec![container(names, component, image)],
        restart_policy: (component.kind == WorkloadKind::Job).then(|| "OnFailure".to_owned()),
        volumes: (!volumes.is_empty()).then_some(volumes),
        ..PodSpec::default()
    };
    let metadata = ObjectMeta { labels: Some(names.pod_labels(component)), annotations, ..ObjectMeta::default() };
    PodTemplateSpec { metadata: Some(metadata), spec: Some(spec) }
}

fn container(names: &Names<'_>, component: &Component, image: String) -> Container {
    let some = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
    let ports = component.ports.iter().map(|port| ContainerPort {
        container_port: i32::from(port.port.get()),
        name: Some(port.name.to_string()),
        protocol: Some(service::protocol(port.protocol)),
        ..ContainerPort::default()
    });
    let env = service::env(names, component);
    let mounts = mounts(component);
    Container {
        name: component.name.to_string(),
        image: Some(image),
        // The image is pinned by its digest: what a node has is what it would pull.
        image_pull_policy: Some("IfNotPresent".to_owned()),
        command: some(&component.command),
        args: some(&component.args),
        ports: (!component.ports.is_empty()).then(|| ports.collect()),
        env: (!env.is_empty()).then_some(env),
        resources: resources(component),
        volume_mounts: (!mounts.is_empty()).then_some(mounts),
        readiness_probe: component.probes.readiness.as_ref().map(probe),
        liveness_probe: component.probes.liveness.as_ref().map(probe),
        startup_probe: component.probes.startup.as_ref().map(probe),
        ..Container::default()
    }
}

fn mounts(component: &Component) -> Vec<VolumeMount> {
    let volumes = component.volumes.iter().map(|volume| VolumeMount {
        mount_path: volume.path.to_string(),
        name: volume.name.to_string(),
        read_only: volume.read_only.then_some(true),
        ..VolumeMount::default()
    });
    let files = component.config.iter().map(|file| VolumeMount {
        mount_path: file.path.to_string(),
        name: CONFIG.to_owned(),
        read_only: Some(true),
        sub_path: Some(file.path.key()),
        ..VolumeMount::default()
    });
    volumes.chain(files).collect()
}

fn volumes(names: &Names<'_>, component: &Component, config: Option<&ConfigMap>) -> Vec<KubeVolume> {
    let named = |name: &str| KubeVolume { name: name.to_owned(), ..KubeVolume::default() };
    let mut volumes = Vec::new();
    for volume in &component.volumes {
        let mut kube = named(volume.name.as_str());
        if let Some(empty) = &volume.empty_dir {
            kube.empty_dir = Some(EmptyDirVolumeSource {
                medium: empty.memory.then(|| "Memory".to_owned()),
                size_limit: empty.size_limit.as_ref().map(|size| Quantity(size.to_string())),
            });
        } else if component.kind == WorkloadKind::StatefulSet {
            continue;
        } else {
            kube.persistent_volume_claim = Some(claim(names, component, volume));
        }
        volumes.push(kube);
    }
    if config.is_some() {
        let executable = component.config.iter().filter(|file| file.executable);
        let items = component.config.iter().map(|file| {
            let key = file.path.key();
            KeyToPath { path: key.clone(), key, mode: file.executable.then_some(0o755) }
        });
        volumes.push(KubeVolume {
            config_map: Some(ConfigMapVolumeSource {
                name: names.config(&component.name),
                // Without items, every key is a file of the default mode, 0644.
                items: (executable.count() > 0).then(|| items.collect()),
                ..ConfigMapVolumeSource::default()
            }),
            ..named(CONFIG)
        });
    }
    volumes
}

fn claim(names: &Names<'_>, component: &Component, volume: &Volume) -> PersistentVolumeClaimVolumeSource {
    PersistentVolumeClaimVolumeSource { claim_name: names.claim(&component.name, volume), read_only: None }
}

fn resources(component: &Component) -> Option<ResourceRequirements> {
    let amounts = |amounts: &std::collections::BTreeMap<String, bundle_format::template::Quantity>| {
        (!amounts.is_empty()).then(|| amounts.iter().map(|(k, v)| (k.clone(), Quantity(v.to_string()))).collect())
    };
    let resources = &component.resources;
    (!resources.is_empty()).then(|| ResourceRequirements {
        requests: amounts(&resources.requests),
        limits: amounts(&resources.limits),
        ..ResourceRequirements::default()
    })
}

fn probe(probe: &Probe) -> KubeProbe {
    let number = |n: Option<std::num::NonZeroU16>| n.map(|n| i32::from(n.get()));
    KubeProbe {
        http_get: probe.http.as_ref().map(|http| HTTPGetAction {
            path: Some(http.path.clone()),
            port: IntOrString::String(http.port.to_string()),
            scheme: (http.scheme == Scheme::Https).then(|| "HTTPS".to_owned()),
            ..HTTPGetAction::default()
        }),
        tcp_socket: probe
            .tcp
            .as_ref()
            .map(|tcp| TCPSocketAction { port: IntOrString::String(tcp.port.to_string()), host: None }),
        exec: probe.exec.as_ref().map(|exec| ExecAction { command: Some(exec.command.clone()) }),
        initial_delay_seconds: probe.initial_delay_seconds.map(i32::from),
        period_seconds: number(probe.period_seconds),
        timeout_seconds: number(probe.timeout_seconds),
        failure_threshold: number(probe.failure_threshold),
        success_threshold: number(probe.success_threshold),
        ..KubeProbe::default()
    }
}
