//! Services: ports that others reach, things that run elsewhere, streams.

use std::num::NonZeroU16;

use bundle_format::template::{ComponentName, Exposure, External, ExternalPort, Port, Protocol, Stream, WorkloadKind};
use serde_json::{Map, Value};

use super::super::ConvertError;
use super::super::compose::protocol_of;
use super::super::draft::{Draft, NoteKind, port_of};
use super::super::names::{self, Names};
use super::{World, at, kind, label, left, list_at, name, number_at, text_at};

impl World {
    pub(super) fn services(&mut self, draft: &mut Draft) -> Result<(), ConvertError> {
        for index in 0..self.objects.len() {
            if kind(&self.objects[index]) != "Service" {
                continue;
            }
            let service = self.objects[index].clone();
            let none = Map::new();
            let selector = at(&service, &["spec", "selector"]).and_then(Value::as_object).unwrap_or(&none);
            match self.selected(selector) {
                Some(component) => {
                    self.used.insert(index);
                    self.host(&service, &component);
                    self.reachable(draft, &service, &component)?;
                }
                None if selector.is_empty() => self.elsewhere(draft, index, &service)?,
                None => {}
            }
        }
        Ok(())
    }

    fn host(&mut self, service: &Value, component: &ComponentName) {
        let called = name(service).to_owned();
        for namespace in &self.namespaces {
            let long = format!("{called}.{namespace}");
            for host in [format!("{long}.svc.cluster.local"), format!("{long}.svc"), long] {
                self.hosts.insert(host, component.clone());
            }
        }
        self.hosts.insert(called, component.clone());
    }

    fn reachable(&mut self, draft: &mut Draft, service: &Value, component: &ComponentName) -> Result<(), ConvertError> {
        let Some(at_index) = draft.template.components.iter().position(|c| c.name == *component) else { return Ok(()) };
        let outside = match text_at(service, &["spec", "type"]) {
            Some("NodePort") => Some(Exposure::NodePort),
            Some("LoadBalancer") => Some(Exposure::LoadBalancer),
            _ => None,
        };
        for port in list_at(service, &["spec", "ports"]) {
            let Some(number) = number_at::<u16>(port, &["port"]).and_then(NonZeroU16::new) else { continue };
            let protocol = protocol_of(text_at(port, &["protocol"]).unwrap_or("TCP")).unwrap_or_default();
            let Some(made) = draft.template.components.get(at_index) else { continue };
            let target = match at(port, &["targetPort"]) {
                Some(Value::String(named)) if named.parse::<u16>().is_err() => {
                    match made.ports.iter().find(|p| p.name.as_str() == named) {
                        Some(found) => found.port,
                        None => match beside(draft, component, |p| p.name.as_str() == named) {
                            Some(number) => number,
                            None => {
                                let text =
                                    format!("the port {named} of the Service {}: no container has it", name(service));
                                draft.note(NoteKind::Left, Some(component), text);
                                continue;
                            }
                        },
                    }
                }
                Some(Value::String(text)) => text.parse().ok().and_then(NonZeroU16::new).unwrap_or(number),
                Some(target) => {
                    target.as_u64().and_then(|n| u16::try_from(n).ok()).and_then(NonZeroU16::new).unwrap_or(number)
                }
                None => number,
            };
            // A port of another container of the pod is the component's, so that its service can lead there.
            beside(draft, component, |p| p.port == target && p.protocol == protocol);
            let Some(made) = draft.template.components.get_mut(at_index) else { continue };
            let known = made.ports.iter().any(|p| p.port == target && p.protocol == protocol);
            let entry = port_of(made, target, protocol, text_at(port, &["name"]))?;
            // A port that no container declares is only known from here.
            if known && entry.service && entry.service_port.unwrap_or(entry.port) != number {
                let text = format!(
                    "the port {target} had several numbers at its services; {number} of {} is not carried",
                    name(service)
                );
                draft.note(NoteKind::Left, Some(component), text);
                continue;
            }
            entry.service = true;
            entry.service_port = (number != target).then_some(number);
            entry.app_protocol =
                entry.app_protocol.take().or_else(|| text_at(port, &["appProtocol"]).map(str::to_owned));
            let port_name = entry.name.clone();
            if let Some(through) = outside {
                let node_port = number_at::<u16>(port, &["nodePort"])
                    .and_then(NonZeroU16::new)
                    .filter(|_| through == Exposure::NodePort);
                let stream = draft.part("streams", &format!("{component}-{port_name}"))?;
                draft.template.streams.push(Stream {
                    name: stream,
                    component: component.clone(),
                    port: port_name,
                    through,
                    node_port,
                });
            }
        }
        let what = format!("the Service {}", name(service));
        let known = ["type", "selector", "ports", "clusterIP", "externalName"];
        left::fields(draft, Some(component), &what, at(service, &["spec"]).unwrap_or(&Value::Null), &known);
        let pods = draft.template.component(component).map(|c| c.labels.clone()).unwrap_or_default();
        left::marks(draft, Some(component), &what, service, &|key, value| {
            pods.iter().any(|(k, v)| k.as_str() == key && v.as_str() == value)
        });
        let set = draft.template.component(component).is_some_and(|c| c.kind == WorkloadKind::StatefulSet);
        if text_at(service, &["spec", "clusterIP"]) == Some("None") && !set {
            let text = format!(
                "{what} gave the addresses of all pods; only that of a StatefulSet does, as INSTALLATION-COMPONENT-headless"
            );
            draft.note(NoteKind::Left, Some(component), text);
        }
        Ok(())
    }

    /// A service without pods: something that runs elsewhere.
    fn elsewhere(&mut self, draft: &mut Draft, index: usize, service: &Value) -> Result<(), ConvertError> {
        let host = text_at(service, &["spec", "externalName"]).map(str::to_owned);
        let endpoints = self.find("Endpoints", name(service));
        let addresses: Vec<String> =
            (endpoints.map(|i| list_at(&self.objects[i], &["subsets"])).unwrap_or_default().iter())
                .flat_map(|s| list_at(s, &["addresses"]))
                .filter_map(|a| text_at(a, &["ip"]).map(str::to_owned))
                .collect();
        if host.is_none() && addresses.is_empty() {
            return Ok(());
        }
        let mut taken = Names::default();
        let mut ports = Vec::new();
        for port in list_at(service, &["spec", "ports"]) {
            let Some(number) = number_at::<u16>(port, &["port"]).and_then(NonZeroU16::new) else { continue };
            if protocol_of(text_at(port, &["protocol"]).unwrap_or("TCP")) == Some(Protocol::Tcp) {
                if number_at::<u16>(port, &["targetPort"]).is_some_and(|target| target != number.get()) {
                    let text = format!("{}: port {number} led to another number there; say that one", label(service));
                    draft.note(NoteKind::Look, None, text);
                }
                ports.push(ExternalPort {
                    name: names::port(text_at(port, &["name"]), number.get(), &mut taken)?,
                    port: number,
                });
            } else {
                draft.note(NoteKind::Left, None, format!("{}: port {number}, which is not TCP", label(service)));
            }
        }
        self.used.insert(index);
        self.used.extend(endpoints);
        let id = draft.component_name(name(service))?;
        self.host(service, &id);
        let addresses = if host.is_some() { Vec::new() } else { addresses };
        draft.note(
            NoteKind::Look,
            None,
            format!("{} runs elsewhere: a site may have another address for it", name(service)),
        );
        draft.template.externals.push(External { name: id, host, addresses, ports });
        Ok(())
    }
}

/// Takes a port from a plugin of `component`, and gives its number.
fn beside(draft: &mut Draft, component: &ComponentName, wanted: impl Fn(&Port) -> bool) -> Option<NonZeroU16> {
    let used = draft.template.component(component)?.plugins.iter().map(|p| p.name.clone()).collect::<Vec<_>>();
    let mut plugins = draft.template.plugins.iter_mut().filter(|p| used.contains(&p.name));
    plugins.find_map(|plugin| {
        let at = plugin.ports.iter().position(&wanted)?;
        Some(plugin.ports.remove(at).port)
    })
}
