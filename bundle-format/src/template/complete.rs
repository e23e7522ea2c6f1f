//! A version that describes only what changed, completed from the version that it names (spec/template.md section 4.1).

use std::collections::BTreeMap;

use super::node::{Entry, Node, Value};
use super::problem::{Position, Problem, Severity};
use super::{RelativePath, Template, check};
use crate::ImageRef;

/// Why a version cannot be completed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CompleteError {
    /// It describes everything itself.
    #[error("{label} is complete: it names no version that it completes")]
    NotPartial {
        /// `NAME:TAG`.
        label: String,
    },
    /// The other version is not the one that it names.
    #[error("{label} completes version {wanted} of itself, and was given {given}")]
    OtherBase {
        /// `NAME:TAG` of the partial version.
        label: String,
        /// The version that it names.
        wanted: String,
        /// `NAME:TAG` of what was given.
        given: String,
    },
    /// Together they break the rules of a template.
    #[error(
        "{label} and {base} together are no template: {}",
        problems.iter().map(|p| format!("{}: {}", p.path, p.message)).collect::<Vec<_>>().join("; ")
    )]
    Together {
        /// `NAME:TAG` of the partial version.
        label: String,
        /// `NAME:TAG` of the version that it completes.
        base: String,
        /// What is wrong; the positions mean nothing.
        problems: Vec<Problem>,
    },
    /// The template cannot be looked at as a tree.
    #[error("{label} cannot be read again: {why}")]
    Tree {
        /// `NAME:TAG` of the partial version.
        label: String,
        /// What is wrong.
        why: String,
    },
}

/// Which of two versions supplies something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Supplier {
    /// The partial version.
    Partial,
    /// The version that it completes.
    Base,
}

/// Which of two versions supplies what a completed template needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Suppliers {
    /// Of each document, those that packing makes included.
    pub documents: BTreeMap<RelativePath, Supplier>,
    /// Of each image.
    pub images: BTreeMap<ImageRef, Supplier>,
}

impl Template {
    /// This version with everything of `base` that it does not describe itself: components, externals, secrets, plugins,
    /// groups, routes, streams, charts, kustomizations and images by name, manifests and files by path. What both describe is
    /// this version's, all of it. Metadata are this version's. The order is that of `base`, what is new comes after.
    ///
    /// `base` is complete: completed itself, if it was partial. That it is the one of the digest that this version names, the
    /// caller has proved.
    ///
    /// # Errors
    /// [`CompleteError`]: this version names no other, or another one than `base`; the two do not go together.
    pub fn complete(&self, base: &Self) -> Result<Self, CompleteError> {
        let (label, given) = (self.label(), base.label());
        let Some(completes) = &self.metadata.completes else { return Err(CompleteError::NotPartial { label }) };
        if base.metadata.name != self.metadata.name || base.metadata.version != completes.version {
            return Err(CompleteError::OtherBase { label, wanted: completes.version.to_string(), given });
        }
        // A name that changed its kind, from a component to something elsewhere or back, is described once.
        let ours = |name: &super::ComponentName| self.component(name).is_some() || self.external(name).is_some();
        let components: Vec<_> =
            base.components.iter().filter(|c| self.component(&c.name).is_some() || !ours(&c.name)).cloned().collect();
        let externals: Vec<_> =
            base.externals.iter().filter(|e| self.external(&e.name).is_some() || !ours(&e.name)).cloned().collect();
        let whole = Self {
            api_version: self.api_version,
            kind: self.kind,
            metadata: self.metadata.clone(),
            images: merge(&base.images, &self.images, |i| &i.name),
            secrets: merge(&base.secrets, &self.secrets, |s| &s.name),
            components: merge(&components, &self.components, |c| &c.name),
            externals: merge(&externals, &self.externals, |e| &e.name),
            plugins: merge(&base.plugins, &self.plugins, |p| &p.name),
            config_groups: merge(&base.config_groups, &self.config_groups, |g| &g.name),
            routes: merge(&base.routes, &self.routes, |r| &r.name),
            streams: merge(&base.streams, &self.streams, |s| &s.name),
            charts: merge(&base.charts, &self.charts, |c| &c.name),
            kustomizations: merge(&base.kustomizations, &self.kustomizations, |k| &k.name),
            manifests: merge(&base.manifests, &self.manifests, |m| m),
            files: merge(&base.files, &self.files, |f| &f.path),
        };
        let tree = serde_json::to_value(&whole)
            .map_err(|e| CompleteError::Tree { label: label.clone(), why: e.to_string() })?;
        let mut problems = check::check_whole(&whole, &node(tree));
        problems.retain(|p| p.severity == Severity::Error);
        if problems.is_empty() { Ok(whole) } else { Err(CompleteError::Together { label, base: given, problems }) }
    }

    /// Which version supplies each document and image of `whole`, which is this version completed from `base`: this one what it
    /// carries, whoever names it, and `base` the rest.
    #[must_use]
    pub fn suppliers(&self, whole: &Self) -> Suppliers {
        let (documents, images) = (self.carried_documents(), self.images());
        let from = |ours: bool| if ours { Supplier::Partial } else { Supplier::Base };
        Suppliers {
            documents: whole
                .carried_documents()
                .into_iter()
                .map(|path| {
                    let ours = documents.contains(&path);
                    (path, from(ours))
                })
                .collect(),
            images: whole.images().into_iter().map(|i| (i.clone(), from(images.contains(i)))).collect(),
        }
    }

    fn label(&self) -> String {
        format!("{}:{}", self.metadata.name, self.metadata.tag())
    }
}

/// `base` with those of `ours` in their places, and what is new behind.
fn merge<T: Clone, K: Ord>(base: &[T], ours: &[T], key: impl Fn(&T) -> &K) -> Vec<T> {
    let mut left: BTreeMap<&K, &T> = ours.iter().map(|item| (key(item), item)).collect();
    let mut merged: Vec<T> = base.iter().map(|item| left.remove(key(item)).unwrap_or(item).clone()).collect();
    merged.extend(ours.iter().filter(|item| left.contains_key(key(item))).cloned());
    merged
}

/// A tree whose places mean nothing.
fn node(value: serde_json::Value) -> Node {
    use serde_json::Value as Json;
    let position = Position::default();
    let value = match value {
        Json::Null => Value::Null,
        Json::Bool(b) => Value::Bool(b),
        Json::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(n), _) => Value::Unsigned(n),
            (None, Some(n)) => Value::Signed(n),
            (None, None) => Value::Float(n.as_f64().unwrap_or_default()),
        },
        Json::String(text) => Value::Text(text),
        Json::Array(items) => Value::List(items.into_iter().map(node).collect()),
        Json::Object(fields) => {
            Value::Map(fields.into_iter().map(|(key, value)| Entry { key, position, value: node(value) }).collect())
        }
    };
    Node { position, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "
apiVersion: sealift.dev/v1
kind: Template
metadata: { name: shop, version: '1.0.0', title: The Shop }
images: [{ name: 'web:1', from: 'oci:web' }, { name: 'db:1', from: 'oci:db' }]
secrets: [{ name: db, keys: [password] }]
components:
  - name: web
    image: web:1
    dependsOn: [db]
    ports: [{ name: http, port: 80 }]
    config: [{ path: /web.conf, file: web.conf }]
    env: [{ name: MAIL, service: { component: mail } }]
  - { name: db, image: 'db:1', ports: [{ name: p, port: 1 }], config: [{ path: /db.conf, file: db.conf }],
      env: [{ name: P, secret: { name: db, key: password } }] }
externals: [{ name: mail, host: mail.example }]
routes: [{ name: web, component: web, port: http }]
charts: [{ name: cache, chart: cache }]
manifests: [a.yaml, b.yaml]
files: [{ path: README.md }]
";

    fn base() -> Template {
        Template::parse(BASE.as_bytes()).unwrap()
    }

    fn partial(rest: &str) -> Template {
        let digest = format!("sha256:{}", "a".repeat(64));
        let text = format!(
            "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {{ name: shop, version: '1.0.1', \
             completes: {{ version: '1.0.0', digest: '{digest}' }} }}\n{rest}"
        );
        Template::parse(text.as_bytes()).unwrap()
    }

    const NEXT: &str = "
components:
  - { name: search, image: 'search:2', dependsOn: [db], ports: [{ name: http, port: 80 }] }
  - { name: web, image: 'web:2', dependsOn: [search], ports: [{ name: http, port: 81 }],
      config: [{ path: /web.conf, file: web.conf }] }
routes: [{ name: search, component: search, port: http, path: /search }]
manifests: [b.yaml, c.yaml]
charts: [{ name: cache, chart: cache-2 }]
";

    #[test]
    fn what_a_partial_version_does_not_describe_comes_from_the_version_that_it_names() {
        let whole = partial(NEXT).complete(&base()).unwrap();
        let names =
            |list: Vec<&dyn std::fmt::Display>| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        assert_eq!(names(whole.components.iter().map(|c| &c.name as _).collect()), "web db search");
        assert_eq!(names(whole.routes.iter().map(|r| &r.name as _).collect()), "web search");
        assert_eq!(names(whole.manifests.iter().map(|m| m as _).collect()), "a.yaml b.yaml c.yaml");
        assert_eq!(whole.charts[0].chart.as_str(), "cache-2");
        assert_eq!(whole.metadata.version.as_str(), "1.0.1");
        assert_eq!(whole.metadata.title, None, "metadata are the partial's, all of them");
        let web = &whole.components[0];
        assert_eq!((web.ports[0].port.get(), web.env.len()), (81, 0), "a component is replaced as a whole");
        assert_eq!((whole.secrets.len(), whole.externals.len(), whole.files.len()), (1, 1, 1));
    }

    #[test]
    fn each_document_and_image_has_a_version_that_supplies_it() {
        let partial = partial(NEXT);
        let suppliers = partial.suppliers(&partial.complete(&base()).unwrap());
        let from = |wanted| {
            let documents = suppliers.documents.iter().filter(|(_, s)| **s == wanted).map(|(d, _)| d.to_string());
            let images =
                suppliers.images.iter().filter(|(_, s)| **s == wanted).map(|(i, _)| i.tag().unwrap().to_owned());
            documents.chain(images).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(from(Supplier::Partial), "b.yaml c.yaml rendered/charts/cache.yaml web.conf 2 2");
        assert_eq!(from(Supplier::Base), "README.md a.yaml db.conf 1 1");
    }

    #[test]
    fn versions_that_do_not_go_together_are_refused() {
        let lost = "components: [{ name: a, image: 'a:1', dependsOn: [datbase], mounts: [{ component: db, volume: x, path: /x }] }]\n";
        let circle = "components: [{ name: db, image: 'db:2', dependsOn: [web], ports: [{ name: p, port: 1 }] }]\n";
        let port = "components: [{ name: web, image: 'web:2', ports: [{ name: other, port: 80 }] }]\n";
        for (why, rest, expected) in [
            ("a name that neither has", lost, "there is no component `datbase`"),
            ("a volume that is not there", lost, "there is no volume of `db` called `x`"),
            ("a circle through both", circle, "none of these can start first"),
            ("a port that a route of the base needs", port, "there is no service port of `web` called `http`"),
        ] {
            let error = partial(rest).complete(&base()).unwrap_err().to_string();
            assert!(
                error.starts_with("shop:1.0.1 and shop:1.0.0 together") && error.contains(expected),
                "{why}: {error}"
            );
        }
        let (whole, mut other) = (base(), base());
        assert!(matches!(whole.complete(&whole), Err(CompleteError::NotPartial { .. })));
        other.metadata.version = "0.9".parse().unwrap();
        let error = partial(NEXT).complete(&other).unwrap_err().to_string();
        assert_eq!(error, "shop:1.0.1 completes version 1.0.0 of itself, and was given shop:0.9");
    }

    #[test]
    fn a_component_may_become_something_elsewhere_and_back() {
        let rest = "externals: [{ name: db, host: db.example }]\ncomponents: [{ name: mail, image: 'mail:1', ports: [{ name: p, port: 25 }] }, { name: web, image: 'web:2', ports: [{ name: http, port: 80 }], env: [{ name: DB, service: { component: db } }] }]\n";
        let whole = partial(rest).complete(&base()).unwrap();
        assert!(whole.component(&"db".parse().unwrap()).is_none());
        assert!(whole.external(&"mail".parse().unwrap()).is_none());
    }
}
