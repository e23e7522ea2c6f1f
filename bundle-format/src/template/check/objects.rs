//! The names that Kubernetes objects get are put together from those in the template: they must fit, and differ.

use std::collections::{HashMap, HashSet};

use super::super::limits::OBJECT_NAME;
use super::super::place::Place;
use super::super::problem::Severity;
use super::super::{Code, Component, Volume, WorkloadKind};
use super::Check;

/// The rest of the name of the Secret with which nodes pull from the site's registry, behind the installation's.
const REGISTRY_LOGIN: &str = "registry-login";

const CLAIM: &str = "PersistentVolumeClaim";

/// What Kubernetes makes of a claim of a `StatefulSet`: one for each pod, with its number behind the name.
const OF_PODS: &str = "PersistentVolumeClaims of pods";

/// An object that something in the template becomes.
struct Made {
    /// Its kind.
    kind: &'static str,
    /// Its name, in an installation that is called as the template is.
    name: String,
    /// What becomes it.
    place: Place,
}

impl Check<'_> {
    pub(super) fn object_names(&mut self) {
        self.name_lengths();
        let made = self.made();
        let of_pods: HashMap<String, Place> =
            made.iter().filter(|m| m.kind == OF_PODS).map(|m| (m.name.clone(), m.place.clone())).collect();
        let mut seen: HashMap<(&str, String), Place> = HashMap::new();
        for Made { kind, name, place } in made {
            if self.full(Severity::Error) {
                return;
            }
            let pods = || of_pods.get(numbered(&name).filter(|_| kind == CLAIM)?);
            let Some(first) = seen.get(&(kind, name.clone())).or_else(pods) else {
                seen.insert((kind, name), place);
                continue;
            };
            let (position, path) = self.locate(first);
            let message = format!("this becomes the {kind} `{name}`, and so does line {}, {path}", position.line);
            self.error(&place, Code::Duplicate, message, Some("rename one of the two"));
        }
        self.registry_login();
    }

    /// The objects whose names are made up of several. What stands twice is another rule's, and here once.
    fn made(&self) -> Vec<Made> {
        let template = self.template;
        let installation = &template.metadata.name;
        let mut made = Vec::new();
        let mut known = HashSet::new();
        let mut is_new = |list: &'static str, name: &str| known.insert((list, name.to_owned()));
        let at = |list: &'static str, i: usize| Place::default().field(list).index(i);
        let mut put = |kind, rest: String, place| {
            made.push(Made { kind, name: format!("{installation}-{rest}"), place });
        };
        for (i, component) in template.components.iter().enumerate() {
            let (place, own) = (at("components", i), component.name.as_str());
            if !is_new("components", own) {
                continue;
            }
            // It has one, or gets one with its first port.
            put("Service", own.to_owned(), place.field("name"));
            if component.kind == WorkloadKind::StatefulSet {
                put("Service", format!("{own}-headless"), place.field("name"));
            }
            if !component.config.is_empty() {
                put("ConfigMap", format!("{own}-config"), place.field("name"));
            }
        }
        for (i, external) in template.externals.iter().enumerate() {
            if is_new("components", external.name.as_str()) {
                put("Service", external.name.to_string(), at("externals", i).field("name"));
            }
        }
        for (i, stream) in template.streams.iter().enumerate() {
            if is_new("streams", stream.name.as_str()) {
                put("Service", format!("stream-{}", stream.name), at("streams", i).field("name"));
            }
        }
        for (i, plugin) in template.plugins.iter().enumerate() {
            if !plugin.config.is_empty() && is_new("plugins", plugin.name.as_str()) {
                put("ConfigMap", format!("plugin-{}", plugin.name), at("plugins", i).field("name"));
            }
        }
        for (i, group) in template.config_groups.iter().enumerate() {
            if is_new("configGroups", group.name.as_str()) {
                put("ConfigMap", format!("group-{}", group.name), at("configGroups", i).field("name"));
            }
        }
        for (i, component) in template.components.iter().enumerate() {
            if is_new("claims of components", component.name.as_str()) {
                made.extend(claims(installation.as_str(), component, &at("components", i)));
            }
        }
        made
    }

    fn registry_login(&mut self) {
        let template = self.template;
        for (i, _) in template.secrets.iter().enumerate().filter(|(_, s)| s.name.as_str() == REGISTRY_LOGIN) {
            let place = Place::default().field("secrets").index(i).field("name");
            let message = format!(
                "the Secret `{}-{REGISTRY_LOGIN}` holds the site's login for its registry",
                template.metadata.name
            );
            self.error(&place, Code::Duplicate, message, Some("choose another name"));
        }
    }

    fn name_lengths(&mut self) {
        let template = self.template;
        let at = |list: &str, i: usize| Place::default().field(list).index(i).field("name");
        let mut all: Vec<(&str, &str, Place)> = Vec::new();
        let components = template.components.iter().enumerate();
        all.extend(components.map(|(i, c)| ("component", c.name.as_str(), at("components", i))));
        all.extend(
            template.externals.iter().enumerate().map(|(i, e)| ("external", e.name.as_str(), at("externals", i))),
        );
        all.extend(template.routes.iter().enumerate().map(|(i, r)| ("route", r.name.as_str(), at("routes", i))));
        all.extend(template.streams.iter().enumerate().map(|(i, s)| ("stream", s.name.as_str(), at("streams", i))));
        for (what, name, place) in all {
            self.name_length(what, name, &place);
        }
    }

    fn name_length(&mut self, what: &str, name: &str, place: &Place) {
        let template = &self.template.metadata.name;
        let length = template.as_str().len() + 1 + name.len();
        if length > OBJECT_NAME {
            let message =
                format!("`{template}-{name}` has {length} characters, and Kubernetes has room for {OBJECT_NAME}");
            let hint = format!("shorten the {what}'s name or the template's");
            self.error(place, Code::NameTooLong, message, Some(&hint));
        }
    }
}

/// The claims of a component.
fn claims(installation: &str, component: &Component, place: &Place) -> Vec<Made> {
    let mut seen = HashSet::new();
    let sized = component.volumes.iter().enumerate().filter(|(_, v)| v.size.is_some() && seen.insert(&v.name));
    let claim = |(v, volume): (usize, &Volume)| {
        let (own, name) = (&component.name, &volume.name);
        let place = place.field("volumes").index(v).field("name");
        match component.kind {
            WorkloadKind::StatefulSet => Made { kind: OF_PODS, name: format!("{name}-{installation}-{own}"), place },
            _ => Made { kind: CLAIM, name: format!("{installation}-{own}-{name}"), place },
        }
    };
    sized.map(claim).collect()
}

/// A name without the number behind it, as pods have it.
fn numbered(name: &str) -> Option<&str> {
    let (rest, number) = name.rsplit_once('-')?;
    number.parse::<u32>().is_ok_and(|n| n.to_string() == number).then_some(rest)
}
