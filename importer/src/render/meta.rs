//! What objects are called and labelled.

use std::collections::BTreeMap;

use bundle_format::template::limits::OBJECT_NAME;
use bundle_format::template::{Component, ComponentName, PartName, SecretName, Template, VolumeName};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};

use super::{RenderError, RenderInput};

/// Labels, and other maps of texts.
pub(super) type Texts = BTreeMap<String, String>;

const INSTANCE: &str = "app.kubernetes.io/instance";
const COMPONENT: &str = "app.kubernetes.io/component";
const INSTALLATION: &str = "sealift.dev/installation";

/// Longest name of a service: a DNS label (RFC 1123).
const SERVICE_NAME: usize = 63;

/// The template and the site's decisions, from which every name follows.
pub(super) struct Names<'a> {
    pub template: &'a Template,
    pub input: &'a RenderInput<'a>,
}

impl Names<'_> {
    /// Whether a component runs.
    pub fn is_on(&self, component: &Component) -> bool {
        let RenderInput { enabled, off, .. } = self.input;
        enabled.contains(&component.name) || !(component.optional || off.contains(&component.name))
    }

    /// Whether a component has objects: it runs, or is scaled to nothing.
    pub fn is_there(&self, component: &Component) -> bool {
        self.is_on(component) || self.input.off.contains(&component.name)
    }

    /// The component called `name`, if it runs.
    pub fn running(&self, name: &ComponentName) -> Option<&Component> {
        self.template.component(name).filter(|component| self.is_on(component))
    }

    /// The first of `versions` that the target has of `kind`, which `component` needs.
    pub fn version(
        &self,
        kind: &'static str,
        versions: &[&'static str],
        component: &Component,
    ) -> Result<&'static str, RenderError> {
        let none =
            || RenderError::NoSuchKind { component: component.name.clone(), kind, versions: versions.join(", ") };
        self.input.capabilities.choose(kind, versions).ok_or_else(none)
    }

    /// What a component's workload and service are called.
    pub fn object(&self, component: &ComponentName) -> String {
        format!("{}-{component}", self.input.installation)
    }

    /// As [`Names::object`], if Kubernetes has room for it.
    pub fn checked_object(&self, component: &ComponentName) -> Result<String, RenderError> {
        let name = self.object(component);
        if name.len() > OBJECT_NAME {
            return Err(RenderError::NameTooLong { name, limit: OBJECT_NAME });
        }
        Ok(name)
    }

    /// What the service of something is called that is neither a component nor of one, as `stream-NAME`.
    pub fn checked_service(&self, rest: &str) -> Result<String, RenderError> {
        let name = format!("{}-{rest}", self.input.installation);
        if name.len() > SERVICE_NAME {
            return Err(RenderError::NameTooLong { name, limit: SERVICE_NAME });
        }
        Ok(name)
    }

    /// The service that gives the pods of a `StatefulSet` their names.
    pub fn headless(&self, component: &ComponentName) -> String {
        format!("{}-headless", self.object(component))
    }

    pub fn config(&self, component: &ComponentName) -> String {
        format!("{}-config", self.object(component))
    }

    pub fn group(&self, group: &PartName) -> String {
        format!("{}-group-{group}", self.input.installation)
    }

    pub fn plugin(&self, plugin: &PartName) -> String {
        format!("{}-plugin-{plugin}", self.input.installation)
    }

    pub fn claim(&self, component: &ComponentName, volume: &VolumeName) -> String {
        format!("{}-{volume}", self.object(component))
    }

    pub fn secret(&self, secret: &SecretName) -> String {
        format!("{}-{secret}", self.input.installation)
    }

    /// The annotation that says whose an object is, also where it carries no label of ours.
    pub fn mark(&self) -> (String, String) {
        (INSTALLATION.to_owned(), format!("{}/{}", self.input.namespace, self.input.installation))
    }

    /// Name, namespace, labels and annotations of an object, which is the component's or the installation's.
    pub fn metadata(&self, name: String, component: Option<&Component>) -> ObjectMeta {
        let mut labels = component.map(|c| self.pod_labels(c)).unwrap_or_default();
        labels.insert(INSTANCE.to_owned(), self.input.installation.to_string());
        labels.extend(self.common_labels());
        if let Some(version) = label_value(self.template.metadata.version.as_str()) {
            labels.insert("app.kubernetes.io/version".to_owned(), version);
        }
        let mut annotations = Texts::from([self.mark()]);
        if let Some(title) = component.and_then(|c| c.title.as_ref()) {
            annotations.insert("sealift.dev/title".to_owned(), title.clone());
        }
        ObjectMeta {
            name: Some(name),
            namespace: Some(self.input.namespace.to_string()),
            labels: Some(labels),
            annotations: Some(annotations),
            ..ObjectMeta::default()
        }
    }

    /// The labels of a component's pods. The version is not among them: it would restart every pod at every upgrade.
    pub fn pod_labels(&self, component: &Component) -> Texts {
        let mut labels = component.labels.clone();
        labels.extend(self.selector_labels(component));
        labels.extend(self.common_labels());
        labels
    }

    fn common_labels(&self) -> [(String, String); 3] {
        let name = self.template.metadata.name.to_string();
        [
            ("app.kubernetes.io/name".to_owned(), name.clone()),
            ("app.kubernetes.io/part-of".to_owned(), name),
            ("app.kubernetes.io/managed-by".to_owned(), "sealift".to_owned()),
        ]
    }

    /// The labels that select a component's pods. Kubernetes never lets them change: nothing that a new version may change
    /// is among them.
    pub fn selector_labels(&self, component: &Component) -> Texts {
        Texts::from([
            (INSTANCE.to_owned(), self.input.installation.to_string()),
            (COMPONENT.to_owned(), component.name.to_string()),
        ])
    }

    pub fn selector(&self, component: &Component) -> LabelSelector {
        LabelSelector { match_labels: Some(self.selector_labels(component)), ..LabelSelector::default() }
    }
}

/// `version` as far as the value of a label can say it: 63 characters, of which the first and last are letters or digits.
fn label_value(version: &str) -> Option<String> {
    let cut: String = version.chars().skip_while(|c| !c.is_ascii_alphanumeric()).take(63).collect();
    let value = cut.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_becomes_the_value_of_a_label() {
        let long = "1".repeat(62) + "-2";
        for (version, value) in
            [("1.0.0-rc.1", Some("1.0.0-rc.1")), ("_1.", Some("1")), ("___", None), (&long, Some(&long[..62]))]
        {
            assert_eq!(label_value(version).as_deref(), value, "{version}");
        }
    }
}
