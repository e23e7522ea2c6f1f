//! Rules of how often and when a component runs, and of what it says to Kubernetes.

use super::super::place::Place;
use super::super::problem::did_you_mean;
use super::super::{Code, Component, KubernetesAttributes, WorkloadKind};
use super::labels::{self, Owner};
use super::{Check, syntax};

/// What Kubernetes takes as `dnsPolicy`.
const DNS_POLICIES: [&str; 4] = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];

impl Check<'_> {
    pub(super) fn kind(&mut self, component: &Component, place: &Place) {
        let mut not = |field: &str, why: &str| {
            let message = format!("a {:?} has no `{field}`: {why}", component.kind);
            self.error(&place.field(field), Code::NotForKind, message, Some("remove it, or choose another `kind`"));
        };
        let once = match component.kind {
            WorkloadKind::Job | WorkloadKind::CronJob => Some("it runs once"),
            WorkloadKind::DaemonSet => Some("it runs once on every node"),
            WorkloadKind::Deployment | WorkloadKind::StatefulSet => None,
        };
        if let Some(why) = once {
            let counted = [
                ("singleton", component.singleton),
                ("replicas", component.replicas.is_some()),
                ("scaling", component.scaling.is_some()),
            ];
            counted.iter().filter(|(_, given)| *given).for_each(|(field, _)| not(field, why));
        }
        if matches!(component.kind, WorkloadKind::Job | WorkloadKind::CronJob) {
            if !component.ports.is_empty() {
                not("ports", "nothing reaches it");
            }
            if !component.probes.is_empty() {
                not("probes", "it is done when its container exits");
            }
        }
        match (&component.schedule, component.kind) {
            (Some(schedule), WorkloadKind::CronJob) if !syntax::is_schedule(schedule) => {
                let message = format!("{schedule:?} is not a time that comes again");
                let hint = "minute, hour, day, month and weekday (0 to 6), as `30 3 * * 1-5`, or `@daily`";
                self.error(&place.field("schedule"), Code::InvalidValue, message, Some(hint));
            }
            (Some(_), kind) if kind != WorkloadKind::CronJob => not("schedule", "it does not run again and again"),
            (None, WorkloadKind::CronJob) if !self.is_written(place, "schedule") => {
                let message = "a CronJob without `schedule` never runs".to_owned();
                self.error(place, Code::MissingField, message, Some("give it one, as `schedule: \"30 3 * * *\"`"));
            }
            _ => {}
        }
        if once.is_none() && component.singleton && component.replicas.is_some_and(|n| n > 1) {
            let message = "a `singleton` has no more than one replica".to_owned();
            self.error(&place.field("replicas"), Code::InvalidValue, message, Some("remove one of the two"));
        }
        if once.is_none() {
            self.scaling(component, place);
        }
    }

    fn scaling(&mut self, component: &Component, place: &Place) {
        let Some(scaling) = &component.scaling else { return };
        let at = place.field("scaling");
        if component.singleton {
            let message = "a `singleton` is not scaled".to_owned();
            return self.error(&at, Code::NotForKind, message, Some("remove one of the two"));
        }
        if scaling.min > scaling.max {
            let message = format!("`min` is {}, and `max` only {}", scaling.min, scaling.max);
            self.error(&at.field("min"), Code::InvalidValue, message, None);
        } else if let Some(n) = component.replicas.filter(|n| !(scaling.min.get()..=scaling.max.get()).contains(n)) {
            let message = format!("{n} replicas are not within the scaling rule's {} to {}", scaling.min, scaling.max);
            self.error(&place.field("replicas"), Code::InvalidValue, message, Some("remove `replicas`"));
        }
        for (name, percent) in [("cpu", scaling.cpu), ("memory", scaling.memory)] {
            if percent.is_some_and(|n| n.get() > 100) {
                let message =
                    format!("{} per cent of what is requested are more than all", percent.map_or(0, u8::from));
                self.error(&at.field(name), Code::InvalidValue, message, Some("a whole number from 1 to 100"));
            }
            let measured = percent.is_some() || (name == "cpu" && scaling.memory.is_none());
            let amounts = &component.resources;
            // Kubernetes takes a limit for the request where there is none.
            if measured && !(amounts.requests.contains_key(name) || amounts.limits.contains_key(name)) {
                let message = format!("scaling by {name} needs to know what a replica requests of it");
                let hint = format!("give it `resources: {{ requests: {{ {name}: … }} }}`");
                self.warning(&at, Code::Risky, message, Some(&hint));
            }
        }
    }

    pub(super) fn kubernetes(&mut self, attributes: &KubernetesAttributes, place: &Place) {
        self.labels(&attributes.node_selector, &place.field("nodeSelector"), Owner::Template);
        self.annotations(&attributes.annotations, &place.field("annotations"));
        let named = [
            ("serviceAccount", &attributes.service_account),
            ("priorityClass", &attributes.priority_class),
            ("runtimeClass", &attributes.runtime_class),
        ];
        for (field, name) in named {
            self.object_name(name.as_deref(), &place.field(field));
        }
        if let Some(policy) = attributes.dns_policy.as_deref().filter(|policy| !DNS_POLICIES.contains(policy)) {
            let hint = did_you_mean(policy, DNS_POLICIES);
            let message = format!("{policy:?} is not one of {}", DNS_POLICIES.join(", "));
            self.error(&place.field("dnsPolicy"), Code::UnknownValue, message, hint.as_deref());
        }
    }

    /// The name of a Kubernetes object that is not the template's.
    pub(super) fn object_name(&mut self, name: Option<&str>, place: &Place) {
        if let Some(name) = name.filter(|name| !labels::is_subdomain(name)) {
            let message = format!("{name:?} is not the name of a Kubernetes object");
            self.error(place, Code::InvalidValue, message, Some("lowercase letters, digits, `-` and `.`"));
        }
    }
}
