//! `sealift registry fsck`

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::time::{Duration, Instant};

use bundle_format::Code;
use registry_lite::Store;
use registry_lite::server::{Event, Report};
use registry_lite::store::{Checked, Finding, FsckOptions};

use crate::args::Fsck;
use crate::failure::Failure;
use crate::output::Output;
use crate::report::{FindingReport, FsckReport};

/// Bytes that a check in the background reads in a second: what a slow disk has left beside its clients.
const BACKGROUND_RATE: u64 = 50_000_000;

pub fn run(args: &Fsck, out: &Output) -> Result<(), Failure> {
    let store = Store::open(&args.site)?;
    let defaults = FsckOptions::default();
    let options = FsckOptions {
        jobs: args.jobs.unwrap_or(defaults.jobs),
        rate: args.rate.and_then(|rate| NonZeroU64::new(u64::from(rate.get()) * 1_000_000)),
        dry_run: args.dry_run,
    };
    let (total, _) = store.held()?;
    let bar = out.bar("checking", total);
    let checked = store.fsck(&options, &bar)?;
    let done = bar.finish();
    let serious = checked.findings.iter().filter(|f| f.is_serious()).count();
    let report = FsckReport {
        site: args.site.display().to_string(),
        ok: serious == 0,
        blobs: checked.blobs,
        bytes: checked.bytes,
        findings: checked.findings.iter().map(finding).collect(),
    };
    // With `--json`, a check that found something has one document too: the failure's.
    if serious == 0 || !out.json() {
        out.data(&report, |text| {
            for finding in &checked.findings {
                text.push_str(&format!("{finding}\n"));
            }
            if serious == 0 {
                text.push_str(&format!("{}: {} blobs are what their names say\n", report.site, report.blobs));
            }
        })?;
    }
    out.say(format_args!("checked {done}"));
    if serious == 0 {
        return Ok(());
    }
    let message =
        format!("{}: the check found {serious} {}", report.site, if serious == 1 { "thing" } else { "things" });
    let details = serde_json::to_value(&report).unwrap_or_default();
    Err(Failure::new(Code::SiteDamaged, message).details(details).hint(hint(&checked, args.dry_run)))
}

fn hint(checked: &Checked, dry_run: bool) -> &'static str {
    let damaged = |f: &Finding| matches!(f, Finding::Damaged { .. });
    let flaky = |f: &Finding| matches!(f, Finding::Flaky { .. });
    match (checked.findings.iter().any(damaged), checked.findings.iter().any(flaky)) {
        (true, _) if dry_run => {
            "run it again without --dry-run: what is damaged is set aside, and can then be brought again"
        }
        (false, true) => "nothing is lost yet: replace the disk or the memory",
        _ => "import the bundle again, or push the image again: only what is missing is written",
    }
}

fn finding(finding: &Finding) -> FindingReport {
    let (kind, needed_by) = match finding {
        Finding::Damaged { needed_by, .. } => ("damaged", needed_by.as_slice()),
        Finding::Flaky { .. } => ("flaky", [].as_slice()),
        Finding::Missing { needed_by, .. } => ("missing", needed_by.as_slice()),
        Finding::Size { needed_by, .. } => ("size", needed_by.as_slice()),
        Finding::Name { .. } => ("name", [].as_slice()),
        Finding::Index { .. } => ("index", [].as_slice()),
        Finding::Foreign { .. } => ("foreign", [].as_slice()),
    };
    FindingReport {
        kind: kind.to_owned(),
        digest: finding.digest().map(ToString::to_string),
        quarantined: matches!(finding, Finding::Damaged { quarantined: true, .. }),
        needed_by: needed_by.to_vec(),
        message: finding.to_string(),
    }
}

/// Checks `store` at once and then every so many hours, in a thread that nobody waits for.
pub fn in_background(store: Store, hours: NonZeroU32, read_only: bool, report: Report) {
    let every = Duration::from_secs(u64::from(hours.get()) * 60 * 60);
    let options = FsckOptions { jobs: NonZeroUsize::MIN, rate: NonZeroU64::new(BACKGROUND_RATE), dry_run: read_only };
    std::thread::spawn(move || {
        loop {
            let begun = Instant::now();
            match store.fsck(&options, &()) {
                Ok(checked) => {
                    for finding in &checked.findings {
                        report(&Event::Finding { finding });
                    }
                }
                Err(error) => report(&Event::Finding { finding: &error }),
            }
            std::thread::sleep(every.saturating_sub(begun.elapsed()));
        }
    });
}
