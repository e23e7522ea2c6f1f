//! From a template to Kubernetes objects: a pure function of the template and what the site decided (spec/template.md
//! section 7). The same input gives the same bytes.

mod component;
mod config;
mod input;
mod meta;
mod pod;
mod raw;
mod service;
mod workload;
mod yaml;

use std::collections::BTreeMap;

use bundle_format::template::{ComponentName, ManifestError, RelativePath, Secret, SecretKey, SecretName, Template};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub use input::{Namespace, NamespaceError, RenderInput, SecretValues};
pub use yaml::RenderedFile;
pub(crate) use yaml::{is_raw, number};

use meta::Names;

/// Why a template cannot be rendered. A template that parsed, with its documents and secrets at hand, can.
#[derive(Debug, thiserror::Error)]
pub enum RenderError {
    /// The template names a document that the input does not have.
    #[error("the document {path} is not there")]
    MissingDocument {
        /// Its path beside the template.
        path: RelativePath,
    },
    /// The template needs a secret that the input has no value for.
    #[error("the secret {secret} has no value for its key {key}")]
    MissingSecret {
        /// The secret.
        secret: SecretName,
        /// The key.
        key: SecretKey,
    },
    /// A component is to be switched on that the template does not have.
    #[error("the template has no component {component}")]
    UnknownComponent {
        /// Its name.
        component: ComponentName,
    },
    /// The configuration files of a component do not fit into a `ConfigMap`.
    #[error(
        "the configuration files of {component} have {size} bytes together, and Kubernetes takes at most {limit} in a \
         ConfigMap: put large files into the image"
    )]
    ConfigTooLarge {
        /// The component.
        component: ComponentName,
        /// Bytes of the files and their names.
        size: usize,
        /// Bytes that a `ConfigMap` may have.
        limit: usize,
    },
    /// The name of the installation leaves no room for a component's.
    #[error("{name} has more than {limit} characters: give the installation a shorter name")]
    NameTooLong {
        /// The name of a Kubernetes object.
        name: String,
        /// Characters that it may have.
        limit: usize,
    },
    /// A file of manifests is not one of Kubernetes objects.
    #[error("{path}: {source}")]
    Manifest {
        /// Its path beside the template.
        path: RelativePath,
        /// What is wrong with it.
        source: ManifestError,
    },
    /// An object could not be written as JSON.
    #[error("writing {file}: {source}")]
    Json {
        /// The file that it belongs to.
        file: String,
        /// The cause.
        source: serde_json::Error,
    },
    /// An object could not be written as YAML.
    #[error("writing {file}: {source}")]
    Yaml {
        /// The file that it belongs to.
        file: String,
        /// The cause.
        source: Box<serde_saphyr::SerializeError>,
    },
}

/// The secrets that the site must generate for `template`, once for an installation: name, keys, and length of each value.
#[must_use]
pub fn secrets_needed(template: &Template) -> &[Secret] {
    &template.secrets
}

/// Renders the components that are switched on, and the manifests, as files that `kubectl apply -f DIR` takes in the order
/// of their names: the namespace, secrets, configuration, claims, services, workloads in the order of their
/// dependencies, manifests.
///
/// # Errors
/// [`RenderError`].
pub fn render(template: &Template, input: &RenderInput<'_>) -> Result<Vec<RenderedFile>, RenderError> {
    for component in input.enabled {
        if template.component(component).is_none() {
            return Err(RenderError::UnknownComponent { component: component.clone() });
        }
    }
    let names = Names { template, input };
    let mut files = vec![RenderedFile::of("00-namespace.yaml".to_owned(), &namespace(input))?];
    for secret in &template.secrets {
        files.push(RenderedFile::of(format!("10-secret-{}.yaml", secret.name), &secret_object(&names, secret)?)?);
    }
    let on: Vec<_> = template.in_dependency_order().into_iter().filter(|c| names.is_on(c)).collect();
    for (position, component) in on.iter().enumerate() {
        files.extend(component::render(&names, component, position + 1)?);
    }
    files.sort_by(|a, b| a.name().cmp(b.name()));
    files.extend(raw::render(&names)?);
    Ok(files)
}

/// The namespace itself carries no labels of the installation: it belongs to the team, and outlives it.
fn namespace(input: &RenderInput<'_>) -> core::Namespace {
    let metadata = ObjectMeta { name: Some(input.namespace.to_string()), ..ObjectMeta::default() };
    core::Namespace { metadata, ..core::Namespace::default() }
}

fn secret_object(names: &Names<'_>, secret: &Secret) -> Result<core::Secret, RenderError> {
    let values = names.input.secrets.get(&secret.name);
    let mut data = BTreeMap::new();
    for key in &secret.keys {
        let missing = || RenderError::MissingSecret { secret: secret.name.clone(), key: key.clone() };
        let value = values.and_then(|v| v.get(key)).ok_or_else(missing)?;
        data.insert(key.to_string(), ByteString(value.as_bytes().to_vec()));
    }
    Ok(core::Secret {
        metadata: names.metadata(names.secret(&secret.name), None),
        data: Some(data),
        type_: Some("Opaque".to_owned()),
        ..core::Secret::default()
    })
}
