//! Charts and folders of kustomize become files of Kubernetes objects, with the tools that their makers know
//! (spec/template.md section 4). Nothing is fetched: what a chart needs lies in it.

mod error;
mod tool;

use std::path::{Path, PathBuf};

use bundle_format::limits;
use bundle_format::template::{Chart, Kustomization, Manifest, RELEASE_NAMESPACE, RelativePath, Template};

pub use error::RenderError;
use tool::Tool;

/// A document that packing made.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Its path in the version.
    pub path: RelativePath,
    /// Its text, which is [`Manifest`]'s.
    pub bytes: Vec<u8>,
}

/// Renders the charts and kustomizations of `template`, which lies in `base`, in the order of
/// [`Template::rendered_documents`].
///
/// # Errors
/// [`RenderError`].
pub fn render(template: &Template, base: &Path) -> Result<Vec<Rendered>, RenderError> {
    let charts = template.charts.iter().map(|c| (c.document(), chart(c, base)));
    let folders = template.kustomizations.iter().map(|k| (k.document(), kustomization(k, base)));
    charts.chain(folders).map(|(path, bytes)| Ok(Rendered { path, bytes: bytes? })).collect()
}

fn chart(chart: &Chart, base: &Path) -> Result<Vec<u8>, RenderError> {
    let what = format!("the chart `{}`", chart.name);
    let place = there(&what, base, &chart.chart)?;
    let mut arguments: Vec<PathBuf> = vec!["template".into(), chart.name.as_str().into(), place];
    arguments.extend(["--namespace", RELEASE_NAMESPACE, "--include-crds", "--skip-tests"].map(PathBuf::from));
    for values in &chart.values {
        arguments.extend(["--values".into(), there(&what, base, values)?]);
    }
    objects(&what, &Tool::find(&what, &[("helm", &[])])?, &arguments)
}

fn kustomization(kustomization: &Kustomization, base: &Path) -> Result<Vec<u8>, RenderError> {
    let what = format!("the kustomization `{}`", kustomization.name);
    let place = there(&what, base, &kustomization.folder)?;
    let tool = Tool::find(&what, &[("kubectl", &["kustomize"]), ("kustomize", &["build"])])?;
    objects(&what, &tool, &[place])
}

/// Where a file or folder is, as a path that is no option and no address.
fn there(what: &str, base: &Path, path: &RelativePath) -> Result<PathBuf, RenderError> {
    let place = base.join(path.as_str());
    std::fs::canonicalize(&place).map_err(|source| RenderError::Place { what: what.to_owned(), path: place, source })
}

/// What `tool` prints, twice the same.
fn objects(what: &str, tool: &Tool, arguments: &[PathBuf]) -> Result<Vec<u8>, RenderError> {
    let bytes = tool.run(what, arguments, limits::TEMPLATE_BYTES)?;
    Manifest::parse(&bytes).map_err(|source| RenderError::Objects { what: what.to_owned(), source })?;
    // A password that is made up here would be the same at every site, and packing again would give another version.
    if tool.run(what, arguments, limits::TEMPLATE_BYTES)? != bytes {
        return Err(RenderError::Chance { what: what.to_owned() });
    }
    Ok(bytes)
}
