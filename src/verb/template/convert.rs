//! `sealift template from-compose`, `from-manifests`, `from-rainbond`

use std::path::Path;

use packer::convert::{Draft, Naming, from_compose, from_manifests, from_rainbond};

use crate::args::{Converted, FromCompose, FromManifests, FromRainbond};
use crate::failure::Failure;
use crate::output::Output;
use crate::report::ConvertReport;

pub fn compose(args: &FromCompose, out: &Output) -> Result<(), Failure> {
    let draft = from_compose(&args.file, &naming(&args.to))?;
    write(&draft, "from-compose", &last(&args.file), &args.to, out)
}

pub fn manifests(args: &FromManifests, out: &Output) -> Result<(), Failure> {
    let draft = from_manifests(&args.paths, &naming(&args.to))?;
    let source: Vec<String> = args.paths.iter().take(5).map(|p| last(p)).collect();
    write(&draft, "from-manifests", &source.join(", "), &args.to, out)
}

pub fn rainbond(args: &FromRainbond, out: &Output) -> Result<(), Failure> {
    let draft = from_rainbond(&args.path, &naming(&args.to))?;
    write(&draft, "from-rainbond", &last(&args.path), &args.to, out)
}

fn naming(to: &Converted) -> Naming {
    Naming { name: to.name.clone(), version: to.version.clone() }
}

/// What the input is called, without the folders of whoever converts it.
fn last(path: &Path) -> String {
    path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned())
}

/// Writes a draft, and tells what there is to know about it.
pub fn write(draft: &Draft, verb: &str, source: &str, to: &Converted, out: &Output) -> Result<(), Failure> {
    let written = draft.write(&to.output, verb, source, to.force)?;
    let report = ConvertReport::of(draft, &written);
    out.data(&report, |text| {
        for note in &written.notes {
            let about = note.component.as_ref().map(|c| format!("{c}: ")).unwrap_or_default();
            text.push_str(&format!("{:<13}  {about}{}\n", note.kind.word(), note.text));
        }
        let files = match report.files.len() {
            1 => " and 1 file beside it".to_owned(),
            n => format!(" and {n} files beside it"),
        };
        text.push_str(&format!("wrote {}{}\n", report.template, if report.files.is_empty() { "" } else { &files }));
    })?;
    if !report.ok {
        out.warn("the template has errors: correct them, then run `sealift template check`");
    }
    Ok(())
}
