//! `sealift import`

use bundle_format::{Code, Coded, Exit};
use importer::import::{ImportError, Imported, RegistryTarget, import_to_registry, import_to_site, work};
use registry_lite::Store;
use registry_lite::client::Registry;

use super::registry::{address, client_options};
use crate::args::Import;
use crate::failure::Failure;
use crate::files::open_trusted;
use crate::output::{Output, bytes};
use crate::report::{ImportReport, LackingReport};

pub fn run(args: &Import, out: &Output) -> Result<(), Failure> {
    let report = import(args, out)?;
    out.data(&report, |text| {
        text.push_str(&format!("imported {} into {}\n", report.label, report.target));
        text.push_str(&format!("id       {}\n", report.release_id));
        text.push_str(&format!("written  {} blobs, {}\n", report.blobs_written, bytes(report.bytes_written)));
        if report.blobs_rebuilt > 0 {
            text.push_str(&format!("rebuilt  {} blobs, {}\n", report.blobs_rebuilt, bytes(report.bytes_rebuilt)));
        }
        text.push_str(&format!("present  {} blobs, {}\n", report.blobs_present, bytes(report.bytes_present)));
        for image in &report.images {
            text.push_str(&format!("image    {image}\n"));
        }
    })
}

pub fn import(args: &Import, out: &Output) -> Result<ImportReport, Failure> {
    let bundle = open_trusted(&args.bundle, &args.keys)?;
    let bar = out.bar("import", work(bundle.list().value().predicate(), bundle.len()));
    // What is wrong with the bundle names it; what is wrong with the target names that.
    let about = |e: ImportError| match (e.code().exit(), &e) {
        (Exit::Bundle, _) => Failure::about(args.bundle.display(), &e),
        (_, ImportError::Base { lacking, states, .. }) => {
            let lacking = LackingReport::of(lacking, states);
            let details = serde_json::to_value(lacking).unwrap_or_default();
            Failure::from(e).details(details)
        }
        _ => Failure::from(e),
    };
    let (target, imported) = match (&args.site, &args.registry) {
        (Some(dir), _) => {
            let site = Store::lock_or_create(dir)?;
            (dir.display().to_string(), import_to_site(bundle, &site, args.memory, &bar).map_err(about)?)
        }
        (None, Some(url)) => {
            let target = registry_target(url, args)?;
            (url.clone(), import_to_registry(bundle, &target, args.memory, &bar).map_err(about)?)
        }
        (None, None) => return Err(Failure::new(Code::Usage, "either --site or --registry is needed")),
    };
    out.say(format_args!("imported {}", bar.finish()));
    Ok(report(target, imported))
}

fn report(target: String, imported: Imported) -> ImportReport {
    ImportReport {
        target,
        release_id: imported.release.to_string(),
        label: imported.label,
        digest: imported.version.to_string(),
        images: imported.images,
        blobs_written: imported.written.blobs,
        bytes_written: imported.written.bytes,
        blobs_rebuilt: imported.rebuilt.blobs,
        bytes_rebuilt: imported.rebuilt.bytes,
        blobs_present: imported.present.blobs,
        bytes_present: imported.present.bytes,
    }
}

/// `https://HOST[:PORT][/PREFIX]`, `http://…`, or without a scheme what the host speaks.
fn registry_target(url: &str, args: &Import) -> Result<RegistryTarget, Failure> {
    let mut options = client_options(&args.client);
    let (host, prefix) = address("--registry", url, &mut options)?;
    let prefix = prefix.to_owned();
    if !prefix.is_empty() && !bundle_format::reference::is_repository(&prefix) {
        return Err(Failure::new(
            Code::Usage,
            format_args!("--registry {url}: {prefix:?} is not a path in a registry"),
        ));
    }
    Ok(RegistryTarget { registry: Registry::connect(host, &options)?, prefix })
}
