//! Rules of the document and its lists.

use std::collections::HashSet;

use super::super::Code;
use super::super::place::Place;
use super::{Check, labels};
use crate::ImageRef;
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
        let meant = self.meant("secret").into_iter().filter_map(|n| Some(n.get("name")?.text()?.to_owned()));
        let meant: HashSet<String> = meant.collect();
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
            if !self.used_elsewhere() && !used.contains(&secret.name) && !meant.contains(secret.name.as_str()) {
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
        let meant: HashSet<ImageRef> = self.meant("image").into_iter().filter_map(|n| n.text()?.parse().ok()).collect();
        for (i, entry) in template.images.iter().enumerate() {
            let mut users =
                template.components.iter().map(|c| &c.image).chain(template.plugins.iter().map(|p| &p.image));
            if !users.any(|image| *image == entry.name) && !meant.contains(&entry.name) {
                let place = Place::default().field("images").index(i).field("name");
                let message = format!("no component uses the image {}", entry.name);
                self.warning(&place, Code::Unused, message, Some("it would be packed and carried for nothing"));
            }
        }
    }
}
