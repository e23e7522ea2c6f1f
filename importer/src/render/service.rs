//! How components reach each other.

use bundle_format::template::{Component, Env, Protocol};
use k8s_openapi::api::core::v1::{EnvVar, EnvVarSource, SecretKeySelector, Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::meta::Names;

/// The service that other components use, if any port is for them.
pub(super) fn for_clients(names: &Names<'_>, component: &Component, name: &str) -> Option<Service> {
    let ports = ports(component);
    (!ports.is_empty()).then(|| service(names, component, name.to_owned(), ports, None))
}

/// The service that gives each pod of a `StatefulSet` a name in DNS.
pub(super) fn for_identity(names: &Names<'_>, component: &Component) -> Service {
    service(names, component, names.headless(&component.name), ports(component), Some("None"))
}

fn service(
    names: &Names<'_>,
    component: &Component,
    name: String,
    ports: Vec<ServicePort>,
    cluster_ip: Option<&str>,
) -> Service {
    let spec = ServiceSpec {
        cluster_ip: cluster_ip.map(str::to_owned),
        ports: (!ports.is_empty()).then_some(ports),
        selector: Some(names.selector_labels(component)),
        ..ServiceSpec::default()
    };
    Service { metadata: names.metadata(name, Some(component)), spec: Some(spec), ..Service::default() }
}

fn ports(component: &Component) -> Vec<ServicePort> {
    let ports = component.ports.iter().filter(|port| port.service);
    ports
        .map(|port| ServicePort {
            name: Some(port.name.to_string()),
            port: i32::from(port.service_port.unwrap_or(port.port).get()),
            protocol: Some(protocol(port.protocol)),
            target_port: Some(IntOrString::String(port.name.to_string())),
            ..ServicePort::default()
        })
        .collect()
}

pub(super) fn protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
    }
    .to_owned()
}

/// The environment variables of a component. One that names a component which is switched off is left out.
pub(super) fn env(names: &Names<'_>, component: &Component) -> Vec<EnvVar> {
    component.env.iter().filter_map(|env| env_var(names, env)).collect()
}

fn env_var(names: &Names<'_>, env: &Env) -> Option<EnvVar> {
    let mut var = EnvVar { name: env.name.to_string(), ..EnvVar::default() };
    if let Some(secret) = &env.secret {
        let selector =
            SecretKeySelector { key: secret.key.to_string(), name: names.secret(&secret.name), optional: None };
        var.value_from = Some(EnvVarSource { secret_key_ref: Some(selector), ..EnvVarSource::default() });
    } else if let Some(service) = &env.service {
        let target = names.template.component(&service.component).filter(|c| names.is_on(c))?;
        let host = names.object(&target.name);
        let port = service.port.as_ref().and_then(|name| target.ports.iter().find(|p| p.name == *name));
        var.value = Some(match port {
            Some(port) => format!("{host}:{}", port.service_port.unwrap_or(port.port)),
            None => host,
        });
    } else {
        var.value.clone_from(&env.value);
    }
    Some(var)
}
