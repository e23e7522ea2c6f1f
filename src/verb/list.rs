//! `sealift list`

use std::collections::BTreeMap;

use bundle_format::Digest;
use importer::holdings::{Holding, holdings, upgrade};
use importer::marks::{Marked, marks};
use importer::record::{Action, Installation, Status};
use importer::target::installations;
use registry_lite::Store;

use crate::args::List;
use crate::failure::Failure;
use crate::output::{Output, bytes};
use crate::report::{ImageReport, ListReport, ListedInstallation, ListedTemplate, MarkedReport};

pub fn run(args: &List, out: &Output) -> Result<(), Failure> {
    let report = list(args)?;
    out.data(&report, |text| {
        if report.templates.is_empty() && !args.upgrades {
            text.push_str("no template versions yet: `sealift import` brings them\n");
        }
        for t in &report.templates {
            let revision = if t.revision > 1 { format!(" revision {}", t.revision) } else { String::new() };
            let partial = if t.partial { ", some platforms only" } else { "" };
            let title = t.title.as_deref().map(|t| format!("  {t}")).unwrap_or_default();
            let (images, size) = (t.images.len(), bytes(t.size));
            let status = t.release_status.as_ref().map(|s| format!("  {}", s.word())).unwrap_or_default();
            let (name, version) = (&t.name, &t.version);
            text.push_str(&format!("{name} {version}{revision}  {images} images, {size}{partial}{status}{title}\n"));
        }
        for i in &report.installations {
            let state = if i.complete {
                ""
            } else {
                "  INTERRUPTED: run it again, or `sealift rollback`, or `sealift uninstall` where it was the first"
            };
            let word =
                |status: &Option<MarkedReport>| status.as_ref().map(|s| format!(" ({})", s.word())).unwrap_or_default();
            let (status, of_upgrade) = (word(&i.release_status), word(&i.upgrade_status));
            let upgrade = i.upgrade.as_ref().map(|to| format!("  {to}{of_upgrade} awaits: `sealift plan`"));
            let upgrade = upgrade.unwrap_or_default();
            let (namespace, name, version, target) = (&i.namespace, &i.name, &i.version, &i.target);
            text.push_str(&format!("installed  {namespace}/{name} {version}{status} on {target}{state}{upgrade}\n"));
        }
    })
}

pub fn list(args: &List) -> Result<ListReport, Failure> {
    let store = Store::open(&args.site)?;
    let (all, marks) = (holdings(&store)?, marks(&store)?);
    let mut installed: Vec<_> = installations(&args.site)?
        .iter()
        .filter(|i| i.record.action != Action::Uninstall)
        .map(|i| installation(i, &all, &marks))
        .collect();
    let mut templates = Vec::new();
    if args.upgrades {
        installed.retain(|i| i.upgrade.is_some());
    } else {
        for holding in &all {
            templates.push(template(&store, holding, marks.get(&holding.digest()))?);
        }
    }
    Ok(ListReport { site: args.site.display().to_string(), templates, installations: installed })
}

fn template(store: &Store, holding: &Holding, marked: Option<&Marked>) -> Result<ListedTemplate, Failure> {
    let version = &holding.version;
    let (size, partial) = holding.size(store)?;
    let image = |i: &bundle_format::version_index::Image| ImageReport {
        name: i.name.to_string(),
        digest: i.root.digest.to_string(),
    };
    let mut verified_by: Vec<_> = holding.releases.iter().flat_map(|(_, keys)| keys.clone()).collect();
    verified_by.sort();
    verified_by.dedup();
    Ok(ListedTemplate {
        name: version.name().to_string(),
        version: version.version().to_string(),
        revision: version.revision(),
        digest: version.raw().descriptor().digest.to_string(),
        title: holding.template.metadata.title.clone(),
        releases: holding.releases.iter().map(|(id, _)| id.clone()).collect(),
        verified_by,
        release_status: marked.map(MarkedReport::held),
        images: version.images().iter().map(image).collect(),
        size,
        partial,
    })
}

fn installation(i: &Installation, all: &[Holding], marks: &BTreeMap<Digest, Marked>) -> ListedInstallation {
    let status = |digest: &Digest| marks.get(digest).map(MarkedReport::held);
    let upgrade = upgrade(all, marks, &i.place.name, &i.record.version, i.record.revision);
    ListedInstallation {
        namespace: i.place.namespace.to_string(),
        name: i.place.name.to_string(),
        version: i.record.version.to_string(),
        revision: i.record.revision,
        target: i.record.target.clone(),
        record: i.record.number,
        complete: i.record.status == Status::Done,
        release_status: status(&i.record.digest),
        upgrade: upgrade.map(|h| h.version.version().tag(h.version.revision())),
        upgrade_status: upgrade.and_then(|h| status(&h.digest())),
    }
}
