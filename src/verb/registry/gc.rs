//! `sealift registry gc`

use std::time::SystemTime;

use importer::target::pins;
use registry_lite::Store;
use registry_lite::store::{CollectOptions, KeptUntagged, Planned, Why};

use crate::args::Gc;
use crate::failure::Failure;
use crate::output::{Output, bytes};
use crate::report::{FreedReport, GcReport, KeptUntaggedReport};

/// Names that are shown to people before the rest is only counted.
const SHOWN: usize = 10;

pub fn run(args: &Gc, out: &Output) -> Result<(), Failure> {
    let site = Store::open(&args.site)?.lock()?;
    // With the site locked: an installation that is just made is whole by now.
    let pins = pins(&args.site)?.into_iter().map(Into::into).collect();
    let options = CollectOptions { grace: args.grace, keep_untagged: args.keep_untagged, pins };
    let plan = site.plan_collection(&options)?;
    let planned = plan.planned().clone();
    let mut report = GcReport {
        site: args.site.display().to_string(),
        tagged: planned.tagged,
        untagged: planned.untagged,
        kept_blobs: planned.kept_blobs,
        kept_bytes: planned.kept_bytes,
        largest_untagged: planned.largest_untagged.iter().map(kept).collect(),
        going: planned.names.clone(),
        blobs: planned.blobs,
        bytes: planned.bytes,
        freed: None,
    };
    if args.dry_run {
        return out.data(&report, |text| shown(text, &planned, &report, "would go"));
    }
    if !out.json() {
        let mut text = String::new();
        shown(&mut text, &planned, &report, "goes");
        out.text(&text)?;
    }
    let bar = out.bar("removing", planned.bytes);
    let freed = plan.free(&bar)?;
    drop(bar);
    report.freed = Some(FreedReport {
        names: freed.names,
        blobs: freed.blobs,
        bytes: freed.bytes,
        marks: freed.marks,
        quarantined: freed.quarantined,
        quarantined_bytes: freed.quarantined_bytes,
    });
    out.data(&report, |text| {
        text.push_str(&format!("freed     {} in {} blobs\n", bytes(freed.bytes), freed.blobs));
        if freed.quarantined > 0 {
            let (size, count) = (bytes(freed.quarantined_bytes), freed.quarantined);
            text.push_str(&format!("          {size} in {count} damaged blobs that nobody needs\n"));
        }
    })
}

fn shown(text: &mut String, planned: &Planned, report: &GcReport, goes: &str) {
    let Planned { tagged, untagged, kept_blobs, .. } = planned;
    let size = bytes(planned.kept_bytes);
    text.push_str(&format!("kept      {size} in {kept_blobs} blobs: {tagged} tagged, {untagged} without a tag\n"));
    for (kept, shown) in planned.largest_untagged.iter().zip(&report.largest_untagged) {
        text.push_str(&format!("          {:>9}  {}  ({})\n", bytes(kept.bytes), kept.name, shown.why));
    }
    text.push_str(&format!("{goes:<9} {} in {} blobs\n", bytes(planned.bytes), planned.blobs));
    for name in planned.names.iter().take(SHOWN) {
        text.push_str(&format!("          {name}\n"));
    }
    if let Some(more @ 1..) = planned.names.len().checked_sub(SHOWN) {
        text.push_str(&format!("          and {more} more\n"));
    }
}

fn kept(kept: &KeptUntagged) -> KeptUntaggedReport {
    let why = match &kept.why {
        Why::Installed => "an installation was made of it".to_owned(),
        Why::Recent(since) => {
            let minutes = SystemTime::now().duration_since(*since).unwrap_or_default().as_secs() / 60;
            format!("pushed or asked for {minutes} minutes ago")
        }
        Why::Listed => "something that is kept lists it".to_owned(),
        Why::About(subject) => format!("it is about {subject}"),
        Why::Asked => "--keep-untagged".to_owned(),
    };
    KeptUntaggedReport { name: kept.name.clone(), bytes: kept.bytes, why }
}
