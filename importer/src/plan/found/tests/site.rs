//! What a site may do to the templates of the tests on a target.

use std::path::Path;

use bundle_format::template::{Component, ComponentName, Manifest, WorkloadKind};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::plan::Attributes;
use crate::plan::attributes::object_documents;

/// The template in a folder of `testdata`, with all documents beside it.
pub(crate) fn read(folder: &str) -> (Template, Documents) {
    let (text, documents) = read_text(folder);
    (Template::parse(text.as_bytes()).unwrap(), documents)
}

/// As [`read`], with the template as its text.
pub(crate) fn read_text(folder: &str) -> (String, Documents) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata").join(folder);
    let mut documents = Documents::new();
    let mut left = vec![folder.clone()];
    while let Some(dir) = left.pop() {
        for entry in std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
            let name = entry.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
            match entry.is_dir() {
                true if name.starts_with("expected") => {}
                true => left.push(entry),
                false => _ = documents.insert(name.parse().unwrap(), std::fs::read(entry).unwrap()),
            }
        }
    }
    let text = documents.remove(&"sealift.yaml".parse::<RelativePath>().unwrap()).unwrap();
    (String::from_utf8(text).unwrap(), documents)
}

/// An attribute, and values that a site may give it.
pub(crate) type Choice = (AttributePath, Vec<Option<Value>>);

/// Everything of an application that a site may change on a target so that it can be read there, while the components in
/// `enabled` are on. What the values are at first is not among them.
pub(crate) fn choices(template: &Template, documents: &Documents, enabled: &BTreeSet<ComponentName>) -> Vec<Choice> {
    let vendor = Attributes::of(template, documents).unwrap();
    let is_on = |name: &ComponentName| {
        template.component(name).is_some_and(|c| c.kind != WorkloadKind::Job && (!c.optional || enabled.contains(name)))
    };
    let mut of = Choices { template, vendor: &vendor, all: Vec::new() };
    for component in template.components.iter().filter(|c| is_on(&c.name)) {
        of.component(component, &is_on);
        of.kubernetes(component);
    }
    of.plugins(&is_on);
    for group in &template.config_groups {
        let scope = format!("group/{}", group.name);
        for (at, item) in group.items.iter().enumerate() {
            let gone = (at == 0 && group.items.len() > 1).then_some(json!(null));
            of.put(&scope, item.name.as_str(), None, [json!("changed"), json!("")].into_iter().chain(gone));
        }
        of.put(&scope, "SITE", None, [json!("new")]);
    }
    of.outside(&is_on);
    of.objects(documents);
    of.all
}

struct Choices<'t> {
    template: &'t Template,
    vendor: &'t Attributes,
    all: Vec<Choice>,
}

impl Choices<'_> {
    /// Values of an attribute, of which `null` says that it goes.
    fn put(&mut self, scope: &str, field: &str, key: Option<&str>, values: impl IntoIterator<Item = Value>) {
        let path = AttributePath::new(scope, field, key.map(str::to_owned));
        let now = self.vendor.get(&path);
        let values = values.into_iter().map(|value| (!value.is_null()).then_some(value));
        let values: Vec<_> = values.filter(|value| value.as_ref() != now).collect();
        if !values.is_empty() {
            self.all.push((path, values));
        }
    }

    fn component(&mut self, component: &Component, is_on: &dyn Fn(&ComponentName) -> bool) {
        let name = component.name.as_str();
        let handed_out = |env: &str| {
            let of_groups = self.template.config_groups.iter().any(|g| g.items.iter().any(|i| i.name.as_str() == env));
            let connections = self.template.components.iter().flat_map(|c| &c.connection);
            of_groups || connections.into_iter().any(|c| c.name.as_str() == env)
        };
        for env in &component.env {
            // Without its own, a component has the variable of that name that it is given.
            let to_other = env.service.as_ref().is_some_and(|s| !is_on(&s.component));
            let goes = !handed_out(env.name.as_str()) && !to_other;
            let values = [json!("changed $(A)"), json!("")].into_iter().chain(goes.then_some(json!(null)));
            self.put(name, "env", Some(env.name.as_str()), values);
        }
        let secrets = self.template.secrets.iter();
        let secret = secrets.map(|s| json!({"secret": {"name": s.name, "key": s.keys.first().unwrap()}}));
        self.put(name, "env", Some("SITE_A"), secret.chain([json!("a\nb: c")]));
        self.put(name, "env", Some("SITE_B"), [json!("")]);
        for (at, file) in component.config.iter().enumerate() {
            // The first of several may go: the last one would take the whole object with it.
            let gone = (at == 0 && component.config.len() > 1).then_some(json!(null));
            let values = [json!("site = 1\n"), json!(""), json!({"base64": "/wA="})];
            self.put(name, "config", Some(file.path.as_str()), values.into_iter().chain(gone));
        }
        let counted = matches!(component.kind, WorkloadKind::Deployment | WorkloadKind::StatefulSet);
        match &component.scaling {
            Some(_) => {
                self.put(name, "scaling", Some("min"), [json!(1), json!(2), json!(3)]);
                self.put(name, "scaling", Some("max"), [json!(4), json!(12)]);
                for (field, value) in [("cpu", 51), ("memory", 52), ("step", 3)] {
                    self.put(name, "scaling", Some(field), [json!(value)]);
                }
            }
            None if counted && !component.singleton => {
                self.put(name, "replicas", None, [json!(0), json!(1), json!(4), json!(7)])
            }
            None => {}
        }
        for (part, resource, value) in [
            ("requests", "cpu", "11m"),
            ("requests", "memory", "11Mi"),
            ("limits", "cpu", "3"),
            ("limits", "memory", "3Gi"),
        ] {
            // Without a request, a server takes the limit for it.
            let gone = (part == "limits").then_some(json!(null));
            self.put(name, "resources", Some(&format!("{part}.{resource}")), [json!(value)].into_iter().chain(gone));
        }
        for probe in
            ["readiness", "liveness", "startup"].into_iter().filter(|_| component.kind != WorkloadKind::CronJob)
        {
            let mut values = vec![json!(null), json!({"exec": {"command": ["true"]}, "periodSeconds": 7})];
            if let Some(port) = component.ports.first() {
                values.push(json!({"tcp": {"port": port.name}, "initialDelaySeconds": 4}));
                values.push(json!({"http": {"port": port.name, "path": "/site", "scheme": "HTTP"}}));
                let headers = json!({"Host": "site.example", "X-Probe": "1"});
                values.push(json!({"http": {"port": port.name, "path": "/", "scheme": "HTTP", "headers": headers}}));
            }
            self.put(name, "probes", Some(probe), values);
        }
        for label in ["tier", "example.com/site"] {
            self.put(name, "labels", Some(label), [json!("site"), json!(null)]);
        }
        self.put(name, "command", None, [json!(["site", "--run"]), json!(null)]);
        self.put(name, "args", None, [json!(["a", ""]), json!(null)]);
        let has_claims = component.kind != WorkloadKind::StatefulSet;
        for volume in component.volumes.iter().filter(|v| has_claims && v.size.is_some()) {
            let path = AttributePath::new(name, "volumes", Some(volume.name.to_string()));
            let mut larger = self.vendor.get(&path).unwrap().clone();
            larger["size"] = json!("77Gi");
            self.put(name, "volumes", Some(volume.name.as_str()), [larger]);
        }
    }

    fn kubernetes(&mut self, component: &Component) {
        for (field, values) in [
            ("nodeSelector", vec![json!({"site": "a"}), json!(null)]),
            ("tolerations", vec![json!([{"operator": "Exists"}]), json!(null)]),
            ("affinity", vec![json!({"podAffinity": {"a": [{"topologyKey": "zone"}]}}), json!(null)]),
            ("topologySpreadConstraints", vec![json!(null)]),
            ("serviceAccount", vec![json!("site"), json!(null)]),
            ("podSecurityContext", vec![json!({"fsGroup": 7}), json!(null)]),
            ("securityContext", vec![json!({"runAsUser": 7}), json!(null)]),
            ("priorityClass", vec![json!("site"), json!(null)]),
            ("runtimeClass", vec![json!("site"), json!(null)]),
            ("hostNetwork", vec![json!(true), json!(false)]),
            ("dnsPolicy", vec![json!("Default"), json!(null)]),
            ("hostAliases", vec![json!([{"ip": "192.0.2.9", "hostnames": ["a"]}]), json!(null)]),
            ("terminationGracePeriodSeconds", vec![json!(7), json!(null)]),
            ("lifecycle", vec![json!({"preStop": {"exec": {"command": ["true"]}}}), json!(null)]),
            ("annotations", vec![json!({"example.com/site": "a"}), json!(null)]),
        ] {
            self.put(component.name.as_str(), "kubernetes", Some(field), values);
        }
    }

    fn plugins(&mut self, is_on: &dyn Fn(&ComponentName) -> bool) {
        for plugin in &self.template.plugins {
            let users = self.template.components.iter().flat_map(|c| c.plugins.iter().map(move |used| (c, used)));
            let users: Vec<_> = users.filter(|(_, used)| used.name == plugin.name).collect();
            if users.is_empty() || users.iter().any(|(component, _)| !is_on(&component.name)) {
                continue;
            }
            let scope = format!("plugin/{}", plugin.name);
            let own = |env: &str| users.iter().any(|(_, used)| used.env.iter().any(|e| e.name.as_str() == env));
            for env in plugin.env.iter().filter(|env| !own(env.name.as_str())) {
                self.put(&scope, "env", Some(env.name.as_str()), [json!("changed"), json!(null)]);
            }
            self.put(&scope, "env", Some("SITE"), [json!("new")]);
            for file in &plugin.config {
                self.put(&scope, "config", Some(file.path.as_str()), [json!("site"), json!({"base64": "/wA="})]);
            }
            for (component, used) in &users {
                let path = AttributePath::new(component.name.as_str(), "plugins", Some(used.name.to_string()));
                let mut changed = self.vendor.get(&path).unwrap().clone();
                if let Some(env) = changed.pointer_mut("/env/0") {
                    env["value"] = json!("site's");
                    self.put(component.name.as_str(), "plugins", Some(used.name.as_str()), [changed]);
                }
            }
        }
    }

    fn outside(&mut self, is_on: &dyn Fn(&ComponentName) -> bool) {
        for (at, route) in self.template.routes.iter().enumerate().filter(|(_, route)| is_on(&route.component)) {
            let scope = format!("route/{}", route.name);
            self.put(&scope, "host", None, [json!(format!("site{at}.example"))]);
            if route.rewrite.is_none() {
                self.put(&scope, "path", None, [json!(format!("/site{at}"))]);
                self.put(&scope, "exact", None, [json!(true), json!(false)]);
            }
            self.put(&scope, "class", None, [json!("site")]);
            self.put(&scope, "tlsSecret", None, [json!("site"), json!(null)]);
            self.put(&scope, "annotations", None, [json!({"example.com/site": "a"}), json!(null)]);
        }
        for (at, stream) in self.template.streams.iter().enumerate().filter(|(_, stream)| is_on(&stream.component)) {
            let scope = format!("stream/{}", stream.name);
            self.put(&scope, "through", None, [json!("NodePort"), json!("LoadBalancer")]);
            self.put(&scope, "nodePort", None, [json!(30_700 + at)]);
        }
        for external in &self.template.externals {
            let scope = format!("external/{}", external.name);
            match external.host {
                Some(_) => self.put(&scope, "host", None, [json!("site.example")]),
                None => {
                    self.put(&scope, "addresses", None, [json!(["192.0.2.77"]), json!(["192.0.2.78", "192.0.2.79"])])
                }
            }
        }
    }

    fn objects(&mut self, documents: &Documents) {
        let paths = object_documents(self.template).unwrap();
        let all = paths.iter().flat_map(|path| Manifest::parse(&documents[path]).unwrap().into_objects());
        for original in all.filter(|o| o["kind"] != "Secret") {
            let hook = original.pointer("/metadata/annotations/helm.sh~1hook").and_then(Value::as_str);
            if hook == Some("test") {
                continue;
            }
            let path = crate::plan::object_path(&original).unwrap();
            let mut values = vec![original.clone(), original.clone()];
            match original["kind"].as_str().unwrap() {
                "ConfigMap" => {
                    values[0]["data"]["site"] = json!("new");
                    *values[1]["data"].as_object_mut().unwrap().values_mut().next().unwrap() = json!("changed");
                }
                "Service" => {
                    values[0]["spec"]["ports"][0]["port"] = json!(77);
                    values[1]["spec"]["selector"]["app"] = json!("changed");
                }
                "Job" | "Ingress" => {
                    values[0]["metadata"]["labels"] = json!({"site": "a"});
                    values.truncate(1);
                }
                "NetworkPolicy" => {
                    values[0]["spec"]["policyTypes"] = json!(["Ingress", "Egress"]);
                    values.truncate(1);
                }
                _ => continue,
            }
            self.put(path.scope(), "", None, values);
        }
    }
}

/// Some edits: about one in five of the choices.
pub(crate) fn edits(choices: &'static [Choice]) -> impl Strategy<Value = Overlay> {
    let pick = (0..5_u8, any::<prop::sample::Index>());
    proptest::collection::vec(pick, choices.len()).prop_map(move |picks| Overlay {
        values: choices
            .iter()
            .zip(picks)
            .filter(|(_, (dice, _))| *dice == 0)
            .map(|((path, values), (_, index))| (path.clone(), index.get(values).clone()))
            .collect(),
    })
}
