//! Rules of one component.

use super::super::place::Place;
use super::super::problem::did_you_mean;
use super::super::{Code, Component, Probe, Resources};
use super::{Check, labels, syntax};
use crate::ImageRef;

impl Check<'_> {
    pub(super) fn component(&mut self, component: &Component, place: &Place) {
        self.image(&component.image, place);
        self.kind(component, place);
        self.ports(&component.ports, place);
        self.env(&component.env, &place.field("env"));
        self.env(&component.connection, &place.field("connection"));
        self.mounts(component, place);
        self.volumes(component, place);
        self.shared_mounts(component, &place.field("mounts"));
        for (name, probe) in component.probes.iter() {
            self.probe(component, name, probe, &place.field("probes").field(name));
        }
        self.resources(&component.resources, &place.field("resources"));
        self.labels(&component.labels, &place.field("labels"), labels::Owner::Component);
        self.kubernetes(&component.kubernetes, &place.field("kubernetes"));
        self.plugin_uses(component, place);
        self.monitors(component, place);
    }

    pub(super) fn image(&mut self, image: &ImageRef, place: &Place) {
        if image.digest().is_none() && image.tag() == Some("latest") {
            let message = format!("{image} may be another image tomorrow");
            self.warning(&place.field("image"), Code::Risky, message, Some("name a version, or a digest"));
        }
    }

    fn probe(&mut self, component: &Component, name: &str, probe: &Probe, place: &Place) {
        let Probe { http, tcp, exec, .. } = probe;
        self.exactly_one(place, &[("http", http.is_some()), ("tcp", tcp.is_some()), ("exec", exec.is_some())]);
        if let Some(http) = http {
            let place = place.field("http");
            self.port_reference(component, &http.port, &place.field("port"));
            if !syntax::is_request_path(&http.path) {
                let message = format!("{:?} is not the path of a request", http.path);
                self.error(&place.field("path"), Code::InvalidValue, message, Some("it begins with `/`"));
            }
            self.headers(&http.headers, &place.field("headers"));
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

    pub(super) fn resources(&mut self, resources: &Resources, place: &Place) {
        let known = ["cpu", "memory", "ephemeral-storage"];
        for (field, amounts) in [("requests", &resources.requests), ("limits", &resources.limits)] {
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
