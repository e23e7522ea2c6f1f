//! From a template to Kubernetes objects: a pure function of the template and what the site decided (spec/template.md
//! section 7). The same input gives the same bytes.

mod component;
mod config;
mod container;
mod env;
mod error;
mod external;
mod input;
mod kinds;
mod meta;
mod monitor;
mod mounts;
mod nginx;
mod pod;
mod pull;
mod raw;
mod route;
mod scaling;
mod service;
mod workload;
mod yaml;

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::template::{Secret, Template};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

pub use error::RenderError;
pub use input::{Namespace, NamespaceError, RenderInput, SecretValues};
pub(crate) use pod::NOWHERE;
pub(crate) use raw::KEPT;
pub use yaml::RenderedFile;
pub(crate) use yaml::{is_raw, number};

use crate::target::ObjectId;
use meta::Names;

/// The secrets that the site must generate for `template`, once for an installation: name, keys, and length of each value.
#[must_use]
pub fn secrets_needed(template: &Template) -> &[Secret] {
    &template.secrets
}

/// Renders the components that are switched on, and those that are scaled to nothing, and what is raw, as files that
/// `kubectl apply -f DIR` takes in the order of their names: the namespace; types and what else components may need;
/// secrets, configuration, claims, services; workloads in the order of their dependencies; what leads to them from outside;
/// the other raw objects.
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
    let (maps, shared) = config::shared(&names, template)?;
    files.extend(maps);
    for external in &template.externals {
        files.push(external::render(&names, external)?);
    }
    let there: Vec<_> = template.in_dependency_order().into_iter().filter(|c| names.is_there(c)).collect();
    for (position, component) in there.iter().enumerate() {
        files.extend(component::render(&names, component, position + 1, &shared)?);
    }
    files.extend(raw::render(&names)?);
    // A chart may bring the namespace: then it says more of it than we do.
    let own = files.first().and_then(|file| ObjectId::of(file.objects().first()?));
    if files.iter().skip(1).flat_map(RenderedFile::objects).any(|object| ObjectId::of(object) == own) {
        files.remove(0);
    }
    check_names(&files)?;
    files.sort_by(|a, b| a.name().cmp(b.name()));
    Ok(files)
}

/// Names are made up of names, and raw objects have names of their own: what is called alike would replace each other. A
/// namespace may be said again, because it is only made where it is not there.
fn check_names(files: &[RenderedFile]) -> Result<(), RenderError> {
    let mut seen = BTreeSet::new();
    for object in files.iter().flat_map(RenderedFile::objects).filter_map(ObjectId::of) {
        if object.group.is_empty() && object.kind == "Namespace" {
            continue;
        }
        if let Some(object) = seen.replace(object) {
            return Err(RenderError::SameName { object: object.to_string() });
        }
    }
    Ok(())
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
