//! `sealift template`

#[cfg(feature = "packer")]
mod convert;

use std::path::Path;

use bundle_format::template::{Position, Severity, Template, json_schema};
use bundle_format::{Code, limits};

use crate::args::TemplateVerb;
use crate::failure::Failure;
use crate::files::{read_limited, write_new};
use crate::output::Output;
#[cfg(feature = "packer")]
use crate::report::FindImagesReport;
use crate::report::{CheckReport, ShowReport};

/// What `template init` writes.
const START: &str = include_str!("../../../testdata/templates/init/sealift.yaml");

pub fn run(verb: &TemplateVerb, out: &Output) -> Result<(), Failure> {
    match verb {
        TemplateVerb::Check { template } => check(template, out),
        TemplateVerb::Show { template } => show(template, out),
        #[cfg(feature = "packer")]
        TemplateVerb::FindImages { template } => find_images(template, out),
        TemplateVerb::Init { template } => init(template, out),
        #[cfg(feature = "packer")]
        TemplateVerb::FromCompose(args) => convert::compose(args, out),
        #[cfg(feature = "packer")]
        TemplateVerb::FromManifests(args) => convert::manifests(args, out),
        #[cfg(feature = "packer")]
        TemplateVerb::FromNamespace(args) => convert::namespace(args, out),
        #[cfg(feature = "packer")]
        TemplateVerb::FromRainbond(args) => convert::rainbond(args, out),
        TemplateVerb::Schema => out.data(&json_schema(), |text| {
            text.push_str(&serde_json::to_string_pretty(&json_schema()).unwrap_or_default());
            text.push('\n');
        }),
    }
}

fn init(path: &Path, out: &Output) -> Result<(), Failure> {
    write_new(path, START.as_bytes(), 0o644)?;
    out.data(&serde_json::json!({"template": path}), |text| text.push_str(&format!("wrote {}\n", path.display())))
}

fn parse(path: &Path) -> Result<Template, Failure> {
    let bytes = read_limited(path, limits::TEMPLATE_BYTES)?;
    Template::parse(&bytes).map_err(|e| {
        Failure::new(Code::Template, format_args!("{}: {e}", path.display()))
            .hint("`sealift template check` shows every problem with its line")
    })
}

fn show(path: &Path, out: &Output) -> Result<(), Failure> {
    let report = ShowReport::of(path.display().to_string(), &parse(path)?);
    out.data(&report, |text| report.write(text))
}

#[cfg(feature = "packer")]
fn find_images(path: &Path, out: &Output) -> Result<(), Failure> {
    let found = packer::find_images(&parse(path)?, path.parent().unwrap_or(Path::new("")))?;
    let report = FindImagesReport::of(path.display().to_string(), found);
    out.data(&report, |text| report.write(text))
}

fn check(path: &Path, out: &Output) -> Result<(), Failure> {
    let file = path.display();
    let bytes = read_limited(path, limits::TEMPLATE_BYTES)?;
    let checked = Template::check(&bytes);
    let mut missing = Vec::new();
    if let Some(template) = &checked.template {
        let base = path.parent().unwrap_or(Path::new(""));
        missing.extend(
            template.documents().into_iter().filter(|p| !base.join(p.as_str()).is_file()).map(ToString::to_string),
        );
        let values = template.charts.iter().flat_map(|c| &c.values);
        missing.extend(values.filter(|p| !base.join(p.as_str()).is_file()).map(ToString::to_string));
        let places = template.charts.iter().map(|c| &c.chart).chain(template.kustomizations.iter().map(|k| &k.folder));
        missing.extend(places.filter(|p| !base.join(p.as_str()).exists()).map(ToString::to_string));
    }
    let mut missing: Vec<(Position, String)> =
        missing.into_iter().map(|path| (Template::position_of(&bytes, &path).unwrap_or_default(), path)).collect();
    missing.sort();
    let errors = checked.problems.iter().filter(|p| p.severity == Severity::Error).count() + missing.len();
    let mut problems = Vec::new();
    for problem in &checked.problems {
        problems.push(
            serde_json::to_value(problem)
                .map_err(|e| Failure::new(Code::Internal, format_args!("a problem is no JSON: {e}")))?,
        );
    }
    for (Position { line, column }, path) in &missing {
        problems.push(serde_json::json!({"line": line, "column": column, "severity": "error", "code": "missing-file", "path": path,
            "message": "the template names this file, and it is not there"}));
    }
    let report = CheckReport { file: file.to_string(), ok: errors == 0, problems };
    // With `--json`, a failed check has one document too: the failure's.
    if errors == 0 || !out.json() {
        out.data(&report, |text| {
            for problem in &checked.problems {
                text.push_str(&format!("{file}:{problem}\n"));
            }
            for (Position { line, column }, path) in &missing {
                text.push_str(&format!(
                    "{file}:{line}:{column}: error[missing-file]: {path}, which the template names, is not there\n"
                ));
            }
            if errors == 0 {
                text.push_str(&format!("{file}: OK\n"));
            }
        })?;
    }
    match errors {
        0 => Ok(()),
        n => Err(Failure::new(
            Code::Template,
            format_args!("{file} has {n} {}", if n == 1 { "error" } else { "errors" }),
        )
        .details(serde_json::to_value(&report.problems).unwrap_or_default())),
    }
}
