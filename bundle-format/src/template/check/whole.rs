//! Rules of the document and its lists.

use std::collections::HashSet;

use super::super::limits::OBJECT_NAME;
use super::super::place::Place;
use super::super::{Code, WorkloadKind};
use super::{Check, labels};
use crate::limits::JSON_INTEGER;

impl Check<'_> {
    pub(super) fn whole(&mut self) {
        let template = self.template;
        let root = Place::default();
        let objects = template.manifests.len() + template.charts.len() + template.kustomizations.len();
        if template.components.is_empty() && objects == 0 && !self.partial && self.names("components").is_empty() {
            let message = "the template has neither components nor manifests".to_owned();
            self.error(&root, Code::MissingField, message, Some("describe a component, or name a file of manifests"));
        }
        self.metadata();
        let at = |list: &'static str| move |i| Place::default().field(list).index(i);
        let named = |list, i| at(list)(i).field("name");
        let indexes = 0_usize..;
        self.unique("the image", indexes.clone().zip(&template.images).map(|(i, e)| (named("images", i), &e.name)));
        self.unique("the secret", indexes.clone().zip(&template.secrets).map(|(i, s)| (named("secrets", i), &s.name)));
        let components = indexes.clone().zip(&template.components).map(|(i, c)| (named("components", i), &c.name));
        let externals = indexes.clone().zip(&template.externals).map(|(i, e)| (named("externals", i), &e.name));
        self.unique("the component", components.chain(externals));
        self.unique("the manifest", indexes.clone().zip(&template.manifests).map(|(i, m)| (at("manifests")(i), m)));
        self.unique("the file", indexes.zip(&template.files).map(|(i, f)| (at("files")(i).field("path"), &f.path)));
        self.secrets();
        self.unused_images();
        self.object_names();
    }

    fn metadata(&mut self) {
        let metadata = &self.template.metadata;
        let place = Place::default().field("metadata");
        for (name, value) in [("epoch", metadata.epoch), ("counter", metadata.counter)] {
            if value.is_some_and(|n| n > JSON_INTEGER) {
                self.error(&place.field(name), Code::InvalidValue, format!("`{name}` is above 2^53-1"), None);
            }
        }
        self.labels(&metadata.labels, &place.field("labels"), labels::Owner::Template);
        let categories = place.field("categories");
        self.unique("the category", metadata.categories.iter().enumerate().map(|(i, c)| (categories.index(i), c)));
        for (i, _) in metadata.categories.iter().enumerate().filter(|(_, c)| c.trim().is_empty()) {
            let message = "a category has a name".to_owned();
            self.error(&categories.index(i), Code::InvalidValue, message, None);
        }
    }

    fn secrets(&mut self) {
        let template = self.template;
        let used: HashSet<_> = template.variables().filter_map(|e| e.secret.as_ref()).map(|s| &s.name).collect();
        for (i, secret) in template.secrets.iter().enumerate() {
            let place = Place::default().field("secrets").index(i);
            let keys = place.field("keys");
            if secret.keys.is_empty() {
                self.error(&keys, Code::InvalidValue, "a secret needs at least one key".to_owned(), None);
            }
            if !(8..=1024).contains(&secret.length.get()) {
                let message = format!("a length of {} is not within 8 to 1024", secret.length);
                self.error(&place.field("length"), Code::InvalidValue, message, None);
            }
            self.unique("the key", secret.keys.iter().enumerate().map(|(k, key)| (keys.index(k), key)));
            if !self.used_elsewhere() && !used.contains(&secret.name) {
                let message = format!("no component uses the secret `{}`", secret.name);
                self.warning(&place, Code::Unused, message, Some("use it in a component's `env`, or remove it"));
            }
        }
    }

    /// Whether something that the template does not describe may use what it names: a raw manifest, another version.
    fn used_elsewhere(&self) -> bool {
        let template = self.template;
        let raw = template.manifests.len() + template.charts.len() + template.kustomizations.len();
        raw > 0 || self.partial
    }

    fn unused_images(&mut self) {
        let template = self.template;
        if self.used_elsewhere() {
            return;
        }
        for (i, entry) in template.images.iter().enumerate() {
            let mut users =
                template.components.iter().map(|c| &c.image).chain(template.plugins.iter().map(|p| &p.image));
            if !users.any(|image| *image == entry.name) {
                let place = Place::default().field("images").index(i).field("name");
                let message = format!("no component uses the image {}", entry.name);
                self.warning(&place, Code::Unused, message, Some("it would be packed and carried for nothing"));
            }
        }
    }

    /// The names that Kubernetes objects get are put together from those in the template: they must fit, and differ.
    fn object_names(&mut self) {
        let template = self.template;
        let mut services = Vec::new();
        let mut claims = Vec::new();
        for (i, component) in template.components.iter().enumerate() {
            let place = Place::default().field("components").index(i);
            let name = place.field("name");
            self.name_length("component", component.name.as_str(), &name);
            if component.kind == WorkloadKind::StatefulSet {
                services.push((name.clone(), format!("{}-headless", component.name)));
            } else {
                // Two volumes of one name within the component are another rule's.
                let mut seen = HashSet::new();
                for (v, volume) in component.volumes.iter().enumerate() {
                    if volume.size.is_some() && seen.insert(&volume.name) {
                        let place = place.field("volumes").index(v).field("name");
                        claims.push((place, format!("{}-{}", component.name, volume.name)));
                    }
                }
            }
        }
        let mut others: Vec<(&str, &str, Place)> = Vec::new();
        let at = |list: &str, i: usize| Place::default().field(list).index(i).field("name");
        others.extend(
            template.externals.iter().enumerate().map(|(i, e)| ("external", e.name.as_str(), at("externals", i))),
        );
        others.extend(template.routes.iter().enumerate().map(|(i, r)| ("route", r.name.as_str(), at("routes", i))));
        others.extend(template.streams.iter().enumerate().map(|(i, s)| ("stream", s.name.as_str(), at("streams", i))));
        for (what, name, place) in others {
            self.name_length(what, name, &place);
        }
        let names: HashSet<String> = template
            .components
            .iter()
            .map(|c| c.name.to_string())
            .chain(template.externals.iter().map(|e| e.name.to_string()))
            .collect();
        services.retain(|(_, name)| names.contains(name));
        for (place, name) in services {
            let message = format!("this StatefulSet's service is called `{name}`, as a component is");
            self.error(&place, Code::Duplicate, message, Some("rename one of the two"));
        }
        self.unique("the volume claim", claims);
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
