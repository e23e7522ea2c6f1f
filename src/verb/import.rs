//! `sealift import`

use std::path::Path;

use bundle_format::{Code, Coded, Exit};
use importer::import::{
    ImportError, Imported, RegistryTarget, VerifiedStatus, import_statuses, import_to_registry, import_to_site, work,
};
use registry_lite::Store;
use registry_lite::client::Registry;

use super::registry::{address, client_options};
use crate::args::Import;
use crate::failure::Failure;
use crate::files::open_trusted;
use crate::output::{Output, bytes};
use crate::report::{ImportReport, ImportStatusReport, ImportedStatus, LackingReport};
use crate::status_files::statuses;

pub fn run(args: &Import, out: &Output) -> Result<(), Failure> {
    let Some(bundle) = &args.bundle else { return statuses_alone(args, out) };
    let report = import(bundle, args, out)?;
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
        report.statuses.iter().for_each(|status| status.write(text));
    })
}

/// What is said of versions that the site holds.
fn statuses_alone(args: &Import, out: &Output) -> Result<(), Failure> {
    let (Some(dir), []) = (&args.site, args.keys.as_slice()) else {
        return Err(Failure::new(Code::Usage, "--key is of a bundle, and none was named")
            .hint("a status is checked with --qa-key"));
    };
    let statuses = statuses(&args.statuses, out)?;
    let site = Store::open(dir)?.lock()?;
    import_statuses(&site, &statuses)?;
    let report = ImportStatusReport {
        target: dir.display().to_string(),
        statuses: statuses.iter().map(ImportedStatus::of).collect(),
    };
    out.data(&report, |text| {
        text.push_str(&format!("imported into {}\n", report.target));
        report.statuses.iter().for_each(|status| status.write(text));
    })
}

pub fn import(path: &Path, args: &Import, out: &Output) -> Result<ImportReport, Failure> {
    let bundle = open_trusted(path, &args.keys)?;
    let statuses = statuses(&args.statuses, out)?;
    let bar = out.bar("import", work(bundle.list().value().predicate(), bundle.len()));
    // What is wrong with the bundle names it; what is wrong with the target names that.
    let about = |e: ImportError| match (e.code().exit(), &e) {
        (_, ImportError::Mark(_) | ImportError::NoVersion { .. }) => Failure::from(e),
        (Exit::Bundle, _) => Failure::about(path.display(), &e),
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
            (dir.display().to_string(), import_to_site(bundle, &site, &statuses, args.memory, &bar).map_err(about)?)
        }
        (None, Some(url)) => {
            let target = registry_target(url, args)?;
            (url.clone(), import_to_registry(bundle, &target, args.memory, &bar).map_err(about)?)
        }
        (None, None) => return Err(Failure::new(Code::Usage, "either --site or --registry is needed")),
    };
    out.say(format_args!("imported {}", bar.finish()));
    Ok(report(target, imported, &statuses))
}

fn report(target: String, imported: Imported, statuses: &[VerifiedStatus]) -> ImportReport {
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
        statuses: statuses.iter().map(ImportedStatus::of).collect(),
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
