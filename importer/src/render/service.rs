//! How components reach each other.

use bundle_format::template::{Component, Exposure, Port, Protocol, Stream};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::RenderError;
use super::meta::Names;

/// The label by which a `ServiceMonitor` finds the service for clients, and not the others of the same component.
pub(super) const MONITORED: &str = "sealift.dev/monitored";

/// The service that other components use, if any port is for them.
pub(super) fn for_clients(names: &Names<'_>, component: &Component, name: &str) -> Option<Service> {
    let ports = ports(component);
    let mut service = (!ports.is_empty()).then(|| service(names, component, name.to_owned(), ports, None))?;
    if !component.monitors.is_empty() {
        service.metadata.labels.get_or_insert_default().insert(MONITORED.to_owned(), "true".to_owned());
    }
    Some(service)
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

/// The service through which a stream comes in; None without its port.
pub(super) fn for_stream(
    names: &Names<'_>,
    component: &Component,
    stream: &Stream,
) -> Result<Option<Service>, RenderError> {
    let name = names.checked_service(&format!("stream-{}", stream.name))?;
    let Some(port) = component.ports.iter().find(|port| port.name == stream.port) else { return Ok(None) };
    let port = ServicePort { node_port: stream.node_port.map(|n| i32::from(n.get())), ..service_port(port) };
    let mut service = service(names, component, name, vec![port], None);
    let through = match stream.through {
        Exposure::NodePort => "NodePort",
        Exposure::LoadBalancer => "LoadBalancer",
    };
    service.spec.get_or_insert_default().type_ = Some(through.to_owned());
    Ok(Some(service))
}

fn ports(component: &Component) -> Vec<ServicePort> {
    component.ports.iter().filter(|port| port.service).map(service_port).collect()
}

/// The protocol is always said: API servers up to 1.20 refuse a server-side apply without it.
fn service_port(port: &Port) -> ServicePort {
    ServicePort {
        app_protocol: port.app_protocol.clone(),
        name: Some(port.name.to_string()),
        port: i32::from(port.service_port.unwrap_or(port.port).get()),
        protocol: Some(protocol(port.protocol)),
        target_port: Some(IntOrString::String(port.name.to_string())),
        ..ServicePort::default()
    }
}

pub(super) fn protocol(protocol: Protocol) -> String {
    match protocol {
        Protocol::Tcp => "TCP",
        Protocol::Udp => "UDP",
        Protocol::Sctp => "SCTP",
    }
    .to_owned()
}
