//! Rules of one component.

use std::collections::HashSet;
use std::num::NonZeroU16;

use super::super::place::Place;
use super::super::problem::did_you_mean;
use super::super::{Code, Component, Probe, WorkloadKind};
use super::{Check, labels};

impl Check<'_> {
    pub(super) fn component(&mut self, component: &Component, place: &Place) {
        if component.image.digest().is_none() && component.image.tag() == Some("latest") {
            let message = format!("{} may be another image tomorrow", component.image);
            self.warning(&place.field("image"), Code::Risky, message, Some("name a version, or a digest"));
        }
        self.kind(component, place);
        self.ports(component, place);
        self.env(component, place);
        self.mounts(component, place);
        self.volumes(component, place);
        for (name, probe) in component.probes.iter() {
            self.probe(component, name, probe, &place.field("probes").field(name));
        }
        self.resources(component, &place.field("resources"));
        self.labels(&component.labels, &place.field("labels"), labels::Owner::Component);
    }

    fn kind(&mut self, component: &Component, place: &Place) {
        let mut not = |field: &str, why: &str| {
            let message = format!("a {:?} has no `{field}`: {why}", component.kind);
            self.error(&place.field(field), Code::NotForKind, message, Some("remove it, or choose another `kind`"));
        };
        match component.kind {
            WorkloadKind::Job | WorkloadKind::CronJob => {
                if component.replicas.is_some() {
                    not("replicas", "it runs once");
                }
                if !component.ports.is_empty() {
                    not("ports", "nothing reaches it");
                }
                if !component.probes.is_empty() {
                    not("probes", "it is done when its container exits");
                }
            }
            WorkloadKind::DaemonSet if component.replicas.is_some() => not("replicas", "it runs once on every node"),
            WorkloadKind::DaemonSet | WorkloadKind::Deployment | WorkloadKind::StatefulSet => {}
        }
    }

    fn ports(&mut self, component: &Component, place: &Place) {
        let place = place.field("ports");
        let ports = || component.ports.iter().enumerate().map(|(i, p)| (place.index(i), p));
        self.unique("the port", ports().map(|(at, p)| (at.field("name"), &p.name)));
        let numbered = |number: NonZeroU16, p: &super::super::Port| format!("{number}/{:?}", p.protocol).to_uppercase();
        self.unique("the port", ports().map(|(at, p)| (at.field("port"), numbered(p.port, p))));
        // Two equal ports are reported already, as that.
        let mut seen = HashSet::new();
        let at_service = ports().filter(|(_, p)| seen.insert((p.port, p.protocol)) && p.service);
        self.unique(
            "the service port",
            at_service.map(|(at, p)| (at.field("servicePort"), numbered(p.service_port.unwrap_or(p.port), p))),
        );
        for (at, port) in ports().filter(|(_, p)| !p.service && p.service_port.is_some()) {
            let message = format!("the port `{}` has a `servicePort`, and is not to be a service", port.name);
            self.error(&at.field("servicePort"), Code::OneOf, message, Some("remove it, or `service: false`"));
        }
    }

    fn probe(&mut self, component: &Component, name: &str, probe: &Probe, place: &Place) {
        let Probe { http, tcp, exec, .. } = probe;
        self.exactly_one(place, &[("http", http.is_some()), ("tcp", tcp.is_some()), ("exec", exec.is_some())]);
        if let Some(http) = http {
            let place = place.field("http");
            self.port_reference(component, &http.port, &place.field("port"));
            if !http.path.starts_with('/') || http.path.contains(char::is_control) {
                let message = format!("{:?} is not the path of a request", http.path);
                self.error(&place.field("path"), Code::InvalidValue, message, Some("it begins with `/`"));
            }
        }
        if let Some(tcp) = tcp {
            self.port_reference(component, &tcp.port, &place.field("tcp").field("port"));
        }
        if exec.as_ref().is_some_and(|e| e.command.is_empty()) {
            let message = "a command has at least one word".to_owned();
            self.error(&place.field("exec").field("command"), Code::InvalidValue, message, None);
        }
        if name != "readiness" && probe.success_threshold.is_some_and(|n| n.get() != 1) {
            let message = format!("Kubernetes takes no `successThreshold` but 1 for `{name}`");
            self.error(&place.field("successThreshold"), Code::InvalidValue, message, Some("remove it"));
        }
    }

    fn resources(&mut self, component: &Component, place: &Place) {
        let known = ["cpu", "memory", "ephemeral-storage"];
        for (field, amounts) in [("requests", &component.resources.requests), ("limits", &component.resources.limits)] {
            for name in amounts.keys() {
                let good = known.contains(&name.as_str())
                    || name.starts_with("hugepages-")
                    || (name.contains('/') && labels::is_qualified_name(name));
                if !good {
                    let hint = did_you_mean(name, known).unwrap_or_else(|| {
                        "cpu, memory, ephemeral-storage, or a device as `vendor.example/name`".to_owned()
                    });
                    let message = format!("there is no resource {name:?}");
                    self.error(&place.field(field).field(name), Code::UnknownValue, message, Some(&hint));
                }
            }
        }
    }
}
