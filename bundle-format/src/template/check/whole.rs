//! Rules of the document and its lists.

use std::collections::HashSet;

use super::super::limits::{COMPONENTS, ENTRIES, OBJECT_NAME};
use super::super::place::Place;
use super::super::{Code, WorkloadKind};
use super::{Check, labels};
use crate::limits::JSON_INTEGER;

impl Check<'_> {
    /// Whether no list has more entries than it may.
    pub(super) fn sizes(&mut self) -> bool {
        let template = self.template;
        let root = Place::default();
        let mut lists = vec![
            (root.field("components"), template.components.len(), COMPONENTS),
            (root.field("images"), template.images.len(), ENTRIES),
            (root.field("secrets"), template.secrets.len(), ENTRIES),
            (root.field("manifests"), template.manifests.len(), ENTRIES),
            (root.field("files"), template.files.len(), ENTRIES),
        ];
        for (i, component) in template.components.iter().enumerate().take(COMPONENTS) {
            let place = root.field("components").index(i);
            lists.extend([
                (place.field("ports"), component.ports.len(), ENTRIES),
                (place.field("env"), component.env.len(), ENTRIES),
                (place.field("config"), component.config.len(), ENTRIES),
                (place.field("volumes"), component.volumes.len(), ENTRIES),
            ]);
        }
        lists.retain(|(_, length, limit)| length > limit);
        for (place, length, limit) in &lists {
            self.error(place, Code::InvalidValue, format!("{length} entries are more than {limit}"), None);
        }
        lists.is_empty()
    }

    pub(super) fn whole(&mut self) {
        let template = self.template;
        let root = Place::default();
        if template.components.is_empty() && template.manifests.is_empty() && self.names("components").is_empty() {
            let message = "the template has neither components nor manifests".to_owned();
            self.error(&root, Code::MissingField, message, Some("describe a component, or name a file of manifests"));
        }
        self.metadata();
        let at = |list: &'static str| move |i| Place::default().field(list).index(i);
        let named = |list, i| at(list)(i).field("name");
        let indexes = 0_usize..;
        self.unique("the image", indexes.clone().zip(&template.images).map(|(i, e)| (named("images", i), &e.name)));
        self.unique("the secret", indexes.clone().zip(&template.secrets).map(|(i, s)| (named("secrets", i), &s.name)));
        self.unique(
            "the component",
            indexes.clone().zip(&template.components).map(|(i, c)| (named("components", i), &c.name)),
        );
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
    }

    fn secrets(&mut self) {
        let template = self.template;
        let used: HashSet<_> = template
            .components
            .iter()
            .flat_map(|c| &c.env)
            .filter_map(|e| e.secret.as_ref())
            .map(|s| &s.name)
            .collect();
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
            // A raw manifest may use it.
            if template.manifests.is_empty() && !used.contains(&secret.name) {
                let message = format!("no component uses the secret `{}`", secret.name);
                self.warning(&place, Code::Unused, message, Some("use it in a component's `env`, or remove it"));
            }
        }
    }

    fn unused_images(&mut self) {
        let template = self.template;
        // A raw manifest may use it.
        if !template.manifests.is_empty() {
            return;
        }
        for (i, entry) in template.images.iter().enumerate() {
            if !template.components.iter().any(|c| c.image == entry.name) {
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
            let length = template.metadata.name.as_str().len() + 1 + component.name.as_str().len();
            if length > OBJECT_NAME {
                let message = format!(
                    "`{}-{}` has {length} characters, and Kubernetes has room for {OBJECT_NAME}",
                    template.metadata.name, component.name
                );
                self.error(&name, Code::NameTooLong, message, Some("shorten the component's name or the template's"));
            }
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
        let names: Vec<String> = template.components.iter().map(|c| c.name.to_string()).collect();
        services.retain(|(_, name)| names.contains(name));
        for (place, name) in services {
            let message = format!("this StatefulSet's service is called `{name}`, as a component is");
            self.error(&place, Code::Duplicate, message, Some("rename one of the two"));
        }
        self.unique("the volume claim", claims);
    }
}
