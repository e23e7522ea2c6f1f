//! Names that must be those of something else in the template.

use std::collections::HashSet;

use super::super::order::{circle, sort};
use super::super::place::Place;
use super::super::problem::did_you_mean;
use super::super::{Code, Component, ComponentName, Env, PortName, Severity};
use super::Check;

impl Check<'_> {
    /// Reports that nothing in `known` is called `name`.
    pub(super) fn unknown(&mut self, what: &str, name: &str, known: &[&str], place: &Place) {
        if self.full(Severity::Error) {
            return;
        }
        let hint = did_you_mean(name, known.iter().copied()).or_else(|| match known {
            [] => None,
            known if known.len() <= 20 => Some(format!("known here: {}", known.join(", "))),
            _ => None,
        });
        self.error(place, Code::UnknownReference, format!("there is no {what} `{name}`"), hint.as_deref());
    }

    pub(super) fn env(&mut self, list: &[Env], place: &Place) {
        let variables = || list.iter().enumerate().map(|(i, e)| (place.index(i), e));
        self.unique("the variable", variables().map(|(at, e)| (at.field("name"), &e.name)));
        for (at, env) in variables() {
            let sources =
                [("value", env.value.is_some()), ("secret", env.secret.is_some()), ("service", env.service.is_some())];
            self.exactly_one(&at, &sources);
            if let Some(secret) = &env.secret {
                let at = at.field("secret");
                match self.template.secrets.iter().find(|s| s.name == secret.name) {
                    Some(found)
                        if !found.keys.contains(&secret.key)
                            && !self.is_cut("secrets", secret.name.as_str(), "keys") =>
                    {
                        let keys: Vec<&str> = found.keys.iter().map(|k| k.as_str()).collect();
                        self.unknown(
                            &format!("key of the secret `{}` called", secret.name),
                            secret.key.as_str(),
                            &keys,
                            &at.field("key"),
                        );
                    }
                    Some(_) => {}
                    None => self.unknown_named("secret", &["secrets"], secret.name.as_str(), &at.field("name")),
                }
            }
            if let Some(service) = &env.service {
                let at = at.field("service");
                self.service(&service.component, service.port.as_ref(), &at);
            }
        }
    }

    /// Reports that nothing in the document's `lists` is called `name`, unless the rest is in another version.
    pub(super) fn unknown_named(&mut self, what: &str, lists: &[&str], name: &str, place: &Place) {
        if self.partial || lists.iter().any(|list| self.has_nameless(list)) {
            return;
        }
        let known: Vec<String> = lists.iter().flat_map(|list| self.names(list)).map(str::to_owned).collect();
        if !known.iter().any(|k| k == name) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            self.unknown(what, name, &known, place);
        }
    }

    /// The address of a component, or of something that runs elsewhere.
    fn service(&mut self, name: &ComponentName, port: Option<&PortName>, place: &Place) {
        let (offered, external): (Vec<&str>, bool) = if let Some(target) = self.template.component(name) {
            (target.ports.iter().filter(|p| p.service).map(|p| p.name.as_str()).collect(), false)
        } else if let Some(target) = self.template.external(name) {
            (target.ports.iter().map(|p| p.name.as_str()).collect(), true)
        } else {
            let lists = ["components", "externals"];
            return self.unknown_named("component", &lists, name.as_str(), &place.field("component"));
        };
        if self.is_cut(if external { "externals" } else { "components" }, name.as_str(), "ports") {
            return;
        }
        match port {
            Some(port) if !offered.contains(&port.as_str()) => {
                let what = if external { "port" } else { "service port" };
                self.unknown(&format!("{what} of `{name}` called"), port.as_str(), &offered, &place.field("port"));
            }
            None if offered.is_empty() && !external => {
                let message = format!("the component `{name}` has no service");
                let hint = Some("give it a port, with `service: true`");
                self.error(&place.field("component"), Code::UnknownReference, message, hint);
            }
            _ => {}
        }
    }

    pub(super) fn port_reference(&mut self, component: &Component, port: &PortName, place: &Place) {
        let known: Vec<&str> = component.ports.iter().map(|p| p.name.as_str()).collect();
        if !known.contains(&port.as_str()) && !self.is_cut("components", component.name.as_str(), "ports") {
            self.unknown("port of this component called", port.as_str(), &known, place);
        }
    }

    pub(super) fn dependencies(&mut self) {
        let template = self.template;
        let place = |i| Place::default().field("components").index(i).field("dependsOn");
        for (i, component) in template.components.iter().enumerate() {
            let place = place(i);
            self.unique("the component", component.depends_on.iter().enumerate().map(|(d, on)| (place.index(d), on)));
            for (d, on) in component.depends_on.iter().enumerate() {
                self.unknown_named("component", &["components"], on.as_str(), &place.index(d));
            }
        }
        let stuck = sort(&template.components).stuck;
        let mut reported = HashSet::new();
        for (i, component) in template.components.iter().enumerate() {
            if reported.contains(&component.name) || !stuck.iter().any(|s| s.name == component.name) {
                continue;
            }
            if let Some(circle) = circle(component, &stuck) {
                let path = circle.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(" -> ");
                let message = format!("{path}: none of these can start first");
                self.error(&place(i), Code::DependencyCycle, message, Some("remove one of these dependencies"));
                reported.extend(circle);
            }
        }
    }
}
