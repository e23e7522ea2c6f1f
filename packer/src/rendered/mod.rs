//! Charts and folders of kustomize become files of Kubernetes objects, with the tools that their makers know
//! (spec/template.md section 4). Nothing is fetched: what a chart needs lies in it.

mod adjust;
mod error;
mod tool;

use std::path::{Path, PathBuf};

use bundle_format::limits;
use bundle_format::template::{Chart, Kustomization, Manifest, RELEASE_NAMESPACE, RelativePath, Template};

use adjust::Renderer;
pub use error::RenderError;
use tool::Tool;

/// A document that packing made.
#[derive(Debug, Clone)]
pub struct Rendered {
    /// Its path in the version.
    pub path: RelativePath,
    /// Its text: that of a [`Manifest`], or of [`Places`].
    ///
    /// [`Places`]: bundle_format::template::Places
    pub bytes: Vec<u8>,
    /// Whether it holds objects of Kubernetes.
    pub objects: bool,
}

/// Renders the charts and kustomizations of `template`, which lies in `base`, in the order of
/// [`Template::rendered_documents`].
///
/// # Errors
/// [`RenderError`].
pub fn render(template: &Template, base: &Path) -> Result<Vec<Rendered>, RenderError> {
    let mut rendered = Vec::new();
    for chart in &template.charts {
        rendered.extend(self::chart(chart, base)?);
    }
    for folder in &template.kustomizations {
        rendered.push(Rendered { path: folder.document(), bytes: kustomization(folder, base)?, objects: true });
    }
    Ok(rendered)
}

/// What a chart renders to, and where its adjustable values stand there.
fn chart(chart: &Chart, base: &Path) -> Result<Vec<Rendered>, RenderError> {
    let what = format!("the chart `{}`", chart.name);
    let place = there(&what, base, &chart.chart)?;
    let mut arguments: Vec<PathBuf> = vec!["template".into(), chart.name.as_str().into(), place];
    arguments.extend(["--namespace", RELEASE_NAMESPACE, "--include-crds", "--skip-tests"].map(PathBuf::from));
    for values in &chart.values {
        arguments.extend(["--values".into(), there(&what, base, values)?]);
    }
    let tool = Tool::find(&what, &[("helm", &[])])?;
    let renderer = Renderer { what: &what, tool: &tool, arguments: &arguments };
    let (bytes, objects) = objects(&what, &|| renderer.run(&chart.adjustable))?;
    let mut rendered = vec![Rendered { path: chart.document(), bytes, objects: true }];
    if let Some(path) = chart.places_document() {
        let places = renderer.places(chart, &objects)?.to_bytes();
        let bytes = places.map_err(|source| RenderError::Places { what: what.clone(), source })?;
        rendered.push(Rendered { path, bytes, objects: false });
    }
    Ok(rendered)
}

fn kustomization(kustomization: &Kustomization, base: &Path) -> Result<Vec<u8>, RenderError> {
    let what = format!("the kustomization `{}`", kustomization.name);
    let place = there(&what, base, &kustomization.folder)?;
    let tool = Tool::find(&what, &[("kubectl", &["kustomize"]), ("kustomize", &["build"])])?;
    Ok(objects(&what, &|| tool.run(&what, std::slice::from_ref(&place), limits::TEMPLATE_BYTES))?.0)
}

/// Where a file or folder is, as a path that is no option and no address.
fn there(what: &str, base: &Path, path: &RelativePath) -> Result<PathBuf, RenderError> {
    let place = base.join(path.as_str());
    std::fs::canonicalize(&place).map_err(|source| RenderError::Place { what: what.to_owned(), path: place, source })
}

/// What a tool prints, twice the same.
fn objects(what: &str, run: &dyn Fn() -> Result<Vec<u8>, RenderError>) -> Result<(Vec<u8>, Manifest), RenderError> {
    let bytes = run()?;
    let objects = Manifest::parse(&bytes).map_err(|source| RenderError::Objects { what: what.to_owned(), source })?;
    // A password that is made up here would be the same at every site, and packing again would give another version.
    if run()? != bytes {
        return Err(RenderError::Chance { what: what.to_owned() });
    }
    Ok((bytes, objects))
}
