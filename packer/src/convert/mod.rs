//! Other descriptions of an application become a template: docker-compose files, Kubernetes objects, Rainbond's
//! exports (spec/convert.md). A converter does most of the work, says what it could not carry, and leaves the rest to a person.
//!
//! Each converter gives a [`Draft`], which [`Draft::write`] puts into a folder.

mod compose;
mod connect;
mod draft;
mod error;
mod manifests;
mod names;
mod passwords;
mod rainbond;
mod spoken;
mod tree;
mod write;
mod yaml;

use bundle_format::template::{TemplateName, TemplateVersion};

pub use compose::from_compose;
pub use draft::{Draft, Note, NoteKind};
pub use error::ConvertError;
pub use manifests::{from_manifests, from_objects};
pub use rainbond::from_rainbond;
pub use write::Written;

/// What the template is called, where the input should not say.
#[derive(Debug, Clone, Default)]
pub struct Naming {
    /// Its name.
    pub name: Option<TemplateName>,
    /// Its version.
    pub version: Option<TemplateVersion>,
}

impl Naming {
    /// These names, or what can be made of the input's.
    fn or(&self, name: &str, version: &str) -> Result<(TemplateName, TemplateVersion), ConvertError> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => names::template_name(name).parse()?,
        };
        let version = match &self.version {
            Some(version) => version.clone(),
            // What ends like a revision is no version.
            None => names::version(version).parse().or_else(|_| "1.0.0".parse())?,
        };
        Ok((name, version))
    }
}
