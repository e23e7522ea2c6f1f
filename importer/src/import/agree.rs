//! The template must describe the content that it travels with: installations are made from both.

use std::collections::BTreeSet;

use bundle_format::template::{RelativePath, Template};
use bundle_format::walk::Proved;
use bundle_format::{BlobSource, ImageRef, limits};

use super::ImportError;

/// Reads the template of a proved bundle back from where it went, and compares it with the version index.
pub(super) fn check_template(proved: &Proved, source: &dyn BlobSource) -> Result<(), ImportError> {
    let (version, label) = (&proved.version, proved.version.label());
    let yaml = source.read(proved.documents.template(), limits::TEMPLATE_BYTES)?;
    let template = Template::parse(&yaml).map_err(|source| ImportError::Template { label: label.clone(), source })?;
    let meta = &template.metadata;
    let disagrees = |what| Err(ImportError::Disagrees { label: label.clone(), what });
    if (&meta.name, &meta.version, meta.revision.get()) != (version.name(), version.version(), version.revision()) {
        return disagrees("name, version or revision");
    }
    let images: BTreeSet<&ImageRef> = version.images().iter().map(|i| &i.name).collect();
    if images != template.images() {
        return disagrees("images");
    }
    let files: BTreeSet<RelativePath> = proved.documents.files().iter().map(|(path, _)| path.clone()).collect();
    if files != template.carried_documents() {
        return disagrees("files");
    }
    Ok(())
}
