//! Ingresses, autoscalers and monitors.

use std::num::{NonZeroU8, NonZeroU32};

use bundle_format::template::{ComponentName, Monitor, PortName, Quantity, Scaling};
use serde_json::{Map, Value};

use super::super::ConvertError;
use super::super::compose::route_to;
use super::super::draft::{Draft, NoteKind};
use super::{World, at, kind, label, left, list_at, map_at, name, number_at, text_at};

impl World {
    pub(super) fn edge(&mut self, draft: &mut Draft) -> Result<(), ConvertError> {
        for index in 0..self.objects.len() {
            let object = self.objects[index].clone();
            let done = match kind(&object) {
                "Ingress" => self.ingress(draft, &object)?,
                "HorizontalPodAutoscaler" => self.autoscaler(draft, &object),
                "ServiceMonitor" => self.monitor(draft, &object)?,
                // Those of services that have pods are made again.
                "Endpoints" => self.find("Service", name(&object)).is_some_and(|s| self.used.contains(&s)),
                _ => false,
            };
            if done {
                self.used.insert(index);
            }
        }
        Ok(())
    }

    /// The component and port that a service's port, by name or number, leads to.
    fn behind(
        &self,
        draft: &Draft,
        service: &str,
        named: Option<&str>,
        number: Option<u16>,
    ) -> Option<(ComponentName, PortName)> {
        let object = &self.objects[self.find("Service", service)?];
        let ports = list_at(object, &["spec", "ports"]);
        let found = ports.iter().find(|p| match (named, number) {
            (Some(named), _) => text_at(p, &["name"]) == Some(named),
            (None, Some(number)) => number_at::<u16>(p, &["port"]) == Some(number),
            (None, None) => true,
        })?;
        let number = number_at::<u16>(found, &["port"])?;
        let component = self.hosts.get(service)?;
        let made = draft.template.component(component)?;
        let port = made.ports.iter().find(|p| p.service && p.service_port.unwrap_or(p.port).get() == number)?;
        Some((component.clone(), port.name.clone()))
    }

    /// Gives whether everything of the ingress became routes.
    fn ingress(&mut self, draft: &mut Draft, object: &Value) -> Result<bool, ConvertError> {
        let mut all = Vec::new();
        for rule in list_at(object, &["spec", "rules"]) {
            let host = text_at(rule, &["host"]);
            for path in list_at(rule, &["http", "paths"]) {
                let backend = at(path, &["backend"]).unwrap_or(&Value::Null);
                let service = text_at(backend, &["service", "name"])
                    .or_else(|| text_at(backend, &["serviceName"]))
                    .unwrap_or_default();
                let old = at(backend, &["servicePort"]).unwrap_or(&Value::Null);
                let named = text_at(backend, &["service", "port", "name"]).or_else(|| old.as_str());
                let number = number_at::<u16>(backend, &["service", "port", "number"])
                    .or_else(|| old.as_u64().and_then(|n| u16::try_from(n).ok()));
                match self.behind(draft, service, named, number) {
                    Some(end) => all.push((host, path.clone(), end)),
                    None => return Ok(false),
                }
            }
        }
        if all.is_empty() || at(object, &["spec", "defaultBackend"]).is_some() {
            return Ok(false);
        }
        let rewrite = text_at(object, &["metadata", "annotations", "nginx.ingress.kubernetes.io/rewrite-target"]);
        // An expression is a route only where it says what a route's `rewrite` does.
        let mut plain = Vec::new();
        for (host, path, end) in all {
            let given = text_at(&path, &["path"]).unwrap_or("/").to_owned();
            match (rewritten(&given, rewrite.unwrap_or_default()), given.contains(EXPRESSION)) {
                (Some((path_is, to)), _) => plain.push((host, path, end, path_is, Some(to))),
                (None, false) if !rewrite.is_some_and(|r| r.contains('$')) => {
                    plain.push((host, path, end, given, None))
                }
                _ => return Ok(false),
            }
        }
        let labels: Vec<&str> = map_at(object, &["metadata", "labels"]).map(|(key, _)| key.as_str()).collect();
        let labels: Vec<&str> = labels.into_iter().filter(|key| !left::is_ours(key)).collect();
        if !labels.is_empty() {
            draft.note(NoteKind::Left, None, format!("labels of {}: {}", label(object), labels.join(", ")));
        }
        for (host, path, (component, port), place, to) in plain {
            let mut route = route_to(draft.part("routes", name(object))?, component, port, host.map(str::to_owned));
            route.path = place;
            route.exact = text_at(&path, &["pathType"]) == Some("Exact");
            let covers = |t: &&Value| host.is_none() || list_at(t, &["hosts"]).iter().any(|h| h.as_str() == host);
            let tls = list_at(object, &["spec", "tls"]).iter().find(covers);
            route.tls_secret = tls.and_then(|t| text_at(t, &["secretName"])).map(str::to_owned);
            route.class = text_at(object, &["spec", "ingressClassName"])
                .or_else(|| text_at(object, &["metadata", "annotations", "kubernetes.io/ingress.class"]))
                .map(str::to_owned);
            for (key, value) in map_at(object, &["metadata", "annotations"]) {
                annotation(&mut route, key, value.as_str().unwrap_or_default());
            }
            if to.is_some() {
                route.rewrite = to;
                route.annotations.retain(|key, _| {
                    !["rewrite-target", "use-regex"].iter().any(|k| *key == format!("nginx.ingress.kubernetes.io/{k}"))
                });
            }
            if tls.is_some() && route.tls_secret.is_none() {
                let text = format!("TLS of {} without a `secretName`: routes name a `tlsSecret`", label(object));
                draft.note(NoteKind::Left, Some(&route.component), text);
            }
            draft.template.routes.push(route);
        }
        draft.note(
            NoteKind::Look,
            None,
            format!("{} became routes: hosts, class and certificate are those of this cluster", label(object)),
        );
        Ok(true)
    }

    fn autoscaler(&mut self, draft: &mut Draft, object: &Value) -> bool {
        let target = at(object, &["spec", "scaleTargetRef"]).unwrap_or(&Value::Null);
        let found = self.component_of(
            text_at(target, &["kind"]).unwrap_or_default(),
            text_at(target, &["name"]).unwrap_or_default(),
        );
        let Some(component) = found else { return false };
        let max =
            number_at::<u32>(object, &["spec", "maxReplicas"]).and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let min =
            number_at::<u32>(object, &["spec", "minReplicas"]).and_then(NonZeroU32::new).unwrap_or(NonZeroU32::MIN);
        let percent = |n: Option<u32>| n.and_then(|n| u8::try_from(n.min(100)).ok()).and_then(NonZeroU8::new);
        let mut scaling = Scaling {
            min,
            max,
            step: None,
            cpu: percent(number_at(object, &["spec", "targetCPUUtilizationPercentage"])),
            memory: None,
        };
        for metric in list_at(object, &["spec", "metrics"]) {
            let average = number_at::<u32>(metric, &["resource", "target", "averageUtilization"])
                .or_else(|| number_at(metric, &["resource", "targetAverageUtilization"]));
            if average.is_some_and(|n| n > 100) {
                let text = format!("{}: more than all that is requested became 100 per cent", label(object));
                draft.note(NoteKind::Look, Some(&component), text);
            }
            match (text_at(metric, &["resource", "name"]), percent(average)) {
                (Some("cpu"), Some(n)) => scaling.cpu = Some(n),
                (Some("memory"), Some(n)) => scaling.memory = Some(n),
                _ => draft.note(
                    NoteKind::Left,
                    Some(&component),
                    format!("a measurement of {}: a scaling rule knows per cent of CPU and memory", label(object)),
                ),
            }
        }
        if at(object, &["spec", "behavior"]).is_some() {
            draft.note(NoteKind::Left, Some(&component), format!("`behavior` of {}", label(object)));
        }
        if let Some(made) = draft.template.components.iter_mut().find(|c| c.name == component) {
            made.scaling = Some(scaling);
            made.replicas = None;
        }
        true
    }

    /// Gives whether the monitor's endpoints all belong to components.
    fn monitor(&mut self, draft: &mut Draft, object: &Value) -> Result<bool, ConvertError> {
        let empty = Map::new();
        let labels = at(object, &["spec", "selector", "matchLabels"]).and_then(Value::as_object).unwrap_or(&empty);
        let services: Vec<String> = (self.objects.iter())
            .filter(|o| kind(o) == "Service" && !labels.is_empty())
            .filter(|o| labels.iter().all(|(k, v)| at(o, &["metadata", "labels"]).and_then(|l| l.get(k)) == Some(v)))
            .map(|o| name(o).to_owned())
            .collect();
        let mut made = Vec::new();
        for service in &services {
            for endpoint in list_at(object, &["spec", "endpoints"]) {
                let Some((component, port)) = self.behind(draft, service, text_at(endpoint, &["port"]), None) else {
                    return Ok(false);
                };
                left::fields(draft, Some(&component), &label(object), endpoint, &["port", "path", "interval"]);
                let interval = text_at(endpoint, &["interval"]).and_then(|i| i.parse().ok());
                let path = text_at(endpoint, &["path"]).unwrap_or("/metrics").to_owned();
                made.push((component, port, path, interval));
            }
        }
        let done = !made.is_empty();
        for (component, port, path, interval) in made {
            let Some(component) = draft.template.components.iter_mut().find(|c| c.name == component) else { continue };
            let mut taken = super::super::names::Names::default();
            for there in &component.monitors {
                let _: Result<bundle_format::template::PartName, _> = taken.take(there.name.as_str(), "monitor", 40);
            }
            let name = taken.take(port.as_str(), "monitor", 40)?;
            component.monitors.push(Monitor { name, port, path, interval });
        }
        Ok(done)
    }
}

/// What the annotations of ingress-nginx say in a route's own words; others are kept.
fn annotation(route: &mut bundle_format::template::Route, key: &str, value: &str) {
    let seconds = || value.trim_end_matches('s').parse::<NonZeroU32>().ok();
    match key.strip_prefix("nginx.ingress.kubernetes.io/") {
        // Behind a path that is only the beginning, this is one place for all: no `rewrite` says that.
        Some("rewrite-target") if !value.contains('$') && route.exact => route.rewrite = Some(value.to_owned()),
        Some("proxy-connect-timeout") if seconds().is_some() => route.connect_timeout_seconds = seconds(),
        Some("proxy-read-timeout") if seconds().is_some() => route.read_timeout_seconds = seconds(),
        Some("proxy-send-timeout") if seconds().is_some() => route.send_timeout_seconds = seconds(),
        Some("proxy-buffering") => route.buffering = Some(value == "on"),
        Some("proxy-body-size") if body(value).is_some() => route.max_body = body(value),
        Some("affinity") if value == "cookie" => route.sticky = true,
        _ if key == "kubernetes.io/ingress.class" => {}
        _ => _ = route.annotations.insert(key.to_owned(), value.to_owned()),
    }
}

/// What makes a path an expression.
const EXPRESSION: [char; 11] = ['(', ')', '|', '*', '$', '[', ']', '^', '+', '?', '\\'];

/// The path and `rewrite` of a route that say the same as this expression of ingress-nginx: what follows `path` is put
/// behind another one.
fn rewritten(path: &str, target: &str) -> Option<(String, String)> {
    let (before, group) = match (path.strip_suffix("(/|$)(.*)"), path.strip_suffix("/(.*)")) {
        (Some(before), _) => (before, "$2"),
        (None, Some(before)) => (before, "$1"),
        (None, None) => return None,
    };
    let to = target.strip_suffix(group)?.strip_suffix('/')?;
    let whole = |path: &str| if path.is_empty() { "/".to_owned() } else { path.to_owned() };
    (!before.contains(EXPRESSION) && !to.contains('$')).then(|| (whole(before), whole(to)))
}

/// A size of nginx: `50m`.
fn body(value: &str) -> Option<Quantity> {
    let number = value.trim_end_matches(['k', 'K', 'm', 'M', 'g', 'G']);
    let unit = match value.get(number.len()..)? {
        "k" | "K" => "Ki",
        "m" | "M" => "Mi",
        "g" | "G" => "Gi",
        _ => "",
    };
    format!("{number}{unit}").parse().ok()
}
