//! Things that run elsewhere, as services of the installation.

use bundle_format::template::External;
use k8s_openapi::api::core::v1::{EndpointAddress, EndpointPort, EndpointSubset, Endpoints};
use k8s_openapi::api::core::v1::{Service, ServicePort, ServiceSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

use super::meta::Names;
use super::{RenderError, RenderedFile};

/// The file of something that runs elsewhere: a service that is another name for it, or one that leads to its addresses.
pub(super) fn render(names: &Names<'_>, external: &External) -> Result<RenderedFile, RenderError> {
    let name = names.checked_service(external.name.as_str())?;
    let file = format!("40-external-{}.yaml", external.name);
    let json = |value: serde_json::Result<_>| value.map_err(|source| RenderError::Json { file: file.clone(), source });
    let ports: Vec<ServicePort> = external
        .ports
        .iter()
        .map(|port| ServicePort {
            name: Some(port.name.to_string()),
            port: i32::from(port.port.get()),
            protocol: Some("TCP".to_owned()),
            target_port: Some(IntOrString::Int(i32::from(port.port.get()))),
            ..ServicePort::default()
        })
        .collect();
    let host = external.host.as_ref();
    let spec = ServiceSpec {
        external_name: host.cloned(),
        type_: host.map(|_| "ExternalName".to_owned()),
        ports: (!ports.is_empty()).then_some(ports),
        ..ServiceSpec::default()
    };
    let metadata = names.metadata(name, None);
    let service = Service { metadata: metadata.clone(), spec: Some(spec), ..Service::default() };
    let mut objects = vec![json(serde_json::to_value(service))?];
    if host.is_none() {
        let subsets = Some(vec![addresses(external)]);
        objects.push(json(serde_json::to_value(Endpoints { metadata, subsets }))?);
    }
    RenderedFile::new(file, objects)
}

fn addresses(external: &External) -> EndpointSubset {
    let ip = |ip: &String| EndpointAddress { ip: ip.clone(), ..EndpointAddress::default() };
    let ports = external.ports.iter().map(|port| EndpointPort {
        name: Some(port.name.to_string()),
        port: i32::from(port.port.get()),
        protocol: Some("TCP".to_owned()),
        ..EndpointPort::default()
    });
    EndpointSubset {
        addresses: Some(external.addresses.iter().map(ip).collect()),
        ports: (!external.ports.is_empty()).then(|| ports.collect()),
        ..EndpointSubset::default()
    }
}
