//! The containers of a component's pods: its own, and those of plugins.

use std::collections::BTreeMap;
use std::num::NonZeroU16;

use bundle_format::ImageRef;
use bundle_format::template::{Component, Plugin, PluginUse, Port, Probe, Resources, Scheme};
use k8s_openapi::api::core::v1::Probe as KubeProbe;
use k8s_openapi::api::core::v1::{
    Container, ContainerPort, EnvVar, ExecAction, HTTPGetAction, HTTPHeader, ResourceRequirements, TCPSocketAction,
    VolumeMount,
};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::meta::Names;
use super::{RenderError, env, mounts, service};

/// The component's own container.
pub(super) fn of_component(names: &Names<'_>, component: &Component) -> Result<Container, RenderError> {
    let mut mounted = mounts::of_volumes(names, component);
    mounted.extend(mounts::of_files(&component.config, mounts::CONFIG));
    Ok(Container {
        name: component.name.to_string(),
        command: some(&component.command),
        args: some(&component.args),
        ports: ports(&component.ports),
        resources: resources(&component.resources),
        readiness_probe: component.probes.readiness.as_ref().map(probe),
        liveness_probe: component.probes.liveness.as_ref().map(probe),
        startup_probe: component.probes.startup.as_ref().map(probe),
        ..common(names, &component.image, env::of_component(names, component)?, mounted)
    })
}

/// The container of a plugin in a component.
pub(super) fn of_plugin(
    names: &Names<'_>,
    component: &Component,
    plugin: &Plugin,
    used: &PluginUse,
) -> Result<Container, RenderError> {
    let mut mounted = if used.volumes { mounts::of_volumes(names, component) } else { Vec::new() };
    mounted.extend(mounts::of_files(&plugin.config, &mounts::plugin_config(plugin)));
    Ok(Container {
        name: format!("plugin-{}", plugin.name),
        command: some(&plugin.command),
        args: some(&plugin.args),
        ports: ports(&plugin.ports),
        resources: resources(&plugin.resources),
        ..common(names, &plugin.image, env::of_plugin(names, component, plugin, used)?, mounted)
    })
}

fn common(names: &Names<'_>, image: &ImageRef, env: Vec<EnvVar>, mounts: Vec<VolumeMount>) -> Container {
    Container {
        image: Some((names.input.image)(image)),
        // The image is pinned by its digest: what a node has is what it would pull.
        image_pull_policy: Some("IfNotPresent".to_owned()),
        env: (!env.is_empty()).then_some(env),
        volume_mounts: (!mounts.is_empty()).then_some(mounts),
        ..Container::default()
    }
}

fn some(list: &[String]) -> Option<Vec<String>> {
    (!list.is_empty()).then(|| list.to_vec())
}

fn ports(ports: &[Port]) -> Option<Vec<ContainerPort>> {
    let each = ports.iter().map(|port| ContainerPort {
        container_port: i32::from(port.port.get()),
        name: Some(port.name.to_string()),
        protocol: Some(service::protocol(port.protocol)),
        ..ContainerPort::default()
    });
    (!ports.is_empty()).then(|| each.collect())
}

fn resources(resources: &Resources) -> Option<ResourceRequirements> {
    let amounts = |amounts: &BTreeMap<String, bundle_format::template::Quantity>| {
        (!amounts.is_empty()).then(|| amounts.iter().map(|(k, v)| (k.clone(), Quantity(v.to_string()))).collect())
    };
    (!resources.is_empty()).then(|| ResourceRequirements {
        requests: amounts(&resources.requests),
        limits: amounts(&resources.limits),
        ..ResourceRequirements::default()
    })
}

fn probe(probe: &Probe) -> KubeProbe {
    let number = |n: Option<NonZeroU16>| n.map(|n| i32::from(n.get()));
    KubeProbe {
        http_get: probe.http.as_ref().map(|http| HTTPGetAction {
            path: Some(http.path.clone()),
            port: IntOrString::String(http.port.to_string()),
            scheme: (http.scheme == Scheme::Https).then(|| "HTTPS".to_owned()),
            http_headers: (!http.headers.is_empty()).then(|| {
                let header =
                    |(name, value): (&String, &String)| HTTPHeader { name: name.clone(), value: value.clone() };
                http.headers.iter().map(header).collect()
            }),
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
