//! `sealift install`

use std::path::Path;

use bundle_format::Code;
use importer::holdings::find;
use importer::install::{DirTarget, ImageNames, InstallOptions, install};
use importer::render::Namespace;
use registry_lite::Store;

use crate::args::Install;
use crate::failure::Failure;
use crate::output::Output;
use crate::report::InstallReport;

pub fn run(args: &Install, out: &Output) -> Result<(), Failure> {
    let (report, target) = install_to_dir(args)?;
    out.data(&report, |text| {
        let tag = &report.tag;
        text.push_str(&format!("installed {} {tag} for {} on {}\n", report.name, report.namespace, report.target));
        for file in &report.files {
            text.push_str(&format!("file      {file}\n"));
        }
    })?;
    out.say(format_args!("apply it with: kubectl apply -f {}", target.dir().display()));
    Ok(())
}

pub fn install_to_dir(args: &Install) -> Result<(InstallReport, DirTarget), Failure> {
    let usage = |what: &str, e: &dyn std::fmt::Display| Failure::new(Code::Usage, format_args!("{what}: {e}"));
    let dir = match args.target.split_once(':') {
        Some(("dir", path)) if !path.is_empty() => Path::new(path),
        _ => {
            let e = Failure::new(Code::Usage, format_args!("--target {}: not a target that is known", args.target));
            return Err(e.hint("`dir:PATH` renders the application into a folder, for `kubectl apply -f PATH`"));
        }
    };
    let namespace: Namespace = args.namespace.parse().map_err(|e| usage("--namespace", &e))?;
    let mut enabled = std::collections::BTreeSet::new();
    for name in &args.with {
        enabled.insert(name.parse().map_err(|e| usage("--with", &e))?);
    }
    let images = match args.original_names {
        true => ImageNames::Original,
        false => ImageNames::At(registry_address(&args.registry)?),
    };
    let store = Store::open(&args.site)?;
    let holding = find(&store, &args.name)?;
    let site = store.lock()?;
    let target = DirTarget::new(dir)?;
    let installed = install(&site, &holding, &target, &InstallOptions { namespace, images, enabled })?;
    let record = &installed.record;
    let report = InstallReport {
        name: installed.name.to_string(),
        version: record.version.to_string(),
        revision: record.revision,
        tag: record.version.tag(record.revision),
        namespace: installed.namespace.to_string(),
        target: record.target.clone(),
        record: record.number,
        files: record.files.iter().map(|(name, _)| name.clone()).collect(),
    };
    Ok((report, target))
}

/// `HOST[:PORT][/PREFIX]`, as it stands in front of an image's name.
fn registry_address(text: &str) -> Result<String, Failure> {
    let address = text.trim_end_matches('/');
    let image = format!("{address}/x/y:z").parse::<bundle_format::ImageRef>();
    match image {
        // A first part that is no host would be taken for a repository of Docker Hub.
        Ok(image) if address.split('/').next() == Some(image.host()) => Ok(address.to_owned()),
        _ => Err(Failure::new(Code::Usage, format_args!("--registry {text}: it is not HOST[:PORT][/PREFIX]"))
            .hint("a host without a dot needs a port, as in `registry:5000`")),
    }
}
