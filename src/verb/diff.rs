//! `sealift diff`

use importer::diff::{Diff, Limits, Opened};

use crate::args;
use crate::failure::Failure;
use crate::files::open_bundle_file;
use crate::keys::trust_root;
use crate::output::{Output, bytes};
use crate::report::{DiffReport, DiffedField, DiffedFile, DiffedPlatform};

/// Files of one image that people are shown unless they ask for all.
const SHOWN: usize = 40;

pub fn run(args: &args::Diff, out: &Output) -> Result<(), Failure> {
    let trust = match args.keys.as_slice() {
        [] => None,
        keys => Some(trust_root(keys)?),
    };
    if trust.is_none() {
        out.warn("no --key was given: signatures were not checked; content is as its digests say, but nobody has vouched for it");
    }
    let open = |path: &std::path::Path| {
        let (file, _) = open_bundle_file(path)?;
        Opened::open(file, path.display().to_string(), trust.as_ref()).map_err(Failure::from)
    };
    let (old, new) = (open(&args.old)?, open(&args.new)?);
    let diff = Diff::between(&old, &new, (!args.no_files).then(Limits::default))?;
    let report = DiffReport::of(&old, &new, diff, trust.is_some());
    let shown = if args.all_files { usize::MAX } else { SHOWN };
    out.data(&report, |text| write(&report, shown, text))
}

/// Names come from bundles: none may begin a line that looks like one of ours.
fn one_line(name: &str) -> String {
    name.replace('\n', "\\n").replace('\t', "\\t")
}

fn write(report: &DiffReport, shown: usize, text: &mut String) {
    let mut line = |l: String| {
        text.push_str(&l);
        text.push('\n');
    };
    for (what, side) in [("old", &report.old), ("new", &report.new)] {
        line(format!("{what:8} {} ({}, {})", side.label, one_line(&side.bundle), bytes(side.size)));
    }
    if !report.different {
        line("the template versions are the same".to_owned());
    }
    fields("template ", &report.template, &mut line);
    for c in &report.components {
        line(format!("{} component {}", c.change.sign(), one_line(&c.name)));
        fields("    ", &c.fields, &mut line);
    }
    let size = |n: Option<u64>| n.map_or("-".to_owned(), bytes);
    for d in &report.documents {
        let (sign, path) = (d.change.sign(), one_line(&d.path));
        line(format!("{sign} document {path} ({} -> {})", size(d.old_size), size(d.new_size)));
        for o in &d.objects {
            line(format!("    {} {}", o.change.sign(), one_line(&o.object)));
        }
    }
    for image in &report.images {
        let name = |n: &Option<String>| n.as_deref().map_or("-".to_owned(), one_line);
        line(format!("{} image {} -> {}", image.change.sign(), name(&image.old_name), name(&image.new_name)));
        let digest = |d: &Option<String>| d.clone().unwrap_or_else(|| "-".to_owned());
        line(format!("    {} -> {}", digest(&image.old_digest), digest(&image.new_digest)));
        for p in &image.platforms {
            platform(p, shown, &mut line);
        }
    }
    line(format!("shared   {} of content that the old version has too", bytes(report.shared_bytes)));
    line(format!("new      {}: about what travels where layers are shared", bytes(report.new_bytes)));
    line(format!("full     {} as the whole new bundle", bytes(report.new.size)));
}

fn fields(indent: &str, fields: &[DiffedField], line: &mut impl FnMut(String)) {
    for f in fields {
        let value = |v: &Option<serde_json::Value>| v.as_ref().map_or("-".to_owned(), ToString::to_string);
        line(format!("{indent}{}: {} -> {}", one_line(&f.path), value(&f.old), value(&f.new)));
    }
}

fn platform(p: &DiffedPlatform, shown: usize, line: &mut impl FnMut(String)) {
    line(format!("    {} {}", p.change.sign(), one_line(&p.platform)));
    fields("        configuration ", &p.config, line);
    for l in &p.layers {
        let absent = if l.carried { "" } else { ", not in this bundle" };
        line(format!("        {} layer {} ({}{absent})", l.change.sign(), l.digest, bytes(l.size)));
    }
    if let Some(why) = &p.files_not_compared {
        line(format!("        files not compared: {}", one_line(why)));
    }
    let files = p.files.as_deref().unwrap_or_default();
    for f in files.iter().take(shown) {
        line(format!("        {} {}", f.change.sign(), file(f)));
    }
    if files.len() > shown {
        line(format!("        and {} more; `--all-files` shows them", files.len() - shown));
    }
}

fn file(f: &DiffedFile) -> String {
    let path = one_line(&f.path);
    match (&f.old, &f.new) {
        (Some(old), Some(new)) => {
            let mut text = format!("{path} ({} -> {}", bytes(old.size), bytes(new.size));
            for (what, a, b) in [("kind", old.kind, new.kind), ("mode", old.mode.as_str(), new.mode.as_str())] {
                if a != b {
                    text.push_str(&format!(", {what} {a} -> {b}"));
                }
            }
            if (old.uid, old.gid) != (new.uid, new.gid) {
                text.push_str(&format!(", owner {}:{} -> {}:{}", old.uid, old.gid, new.uid, new.gid));
            }
            text + ")"
        }
        (Some(one), None) | (None, Some(one)) => format!("{path} ({} {})", one.kind, bytes(one.size)),
        (None, None) => path,
    }
}
