//! `sealift verify`

use bundle_format::Code;

use crate::args::Verify;
use crate::failure::Failure;
use crate::files::open_trusted;
use crate::output::{Output, bytes};
use crate::report::{CarriageReport, MarkedReport, ReleaseReport, VerifyReport};
use crate::status_files::{counting, statuses};

pub fn run(args: &Verify, out: &Output) -> Result<(), Failure> {
    let report = verify(args, out)?;
    out.data(&report, |text| {
        let (size, members) = (bytes(report.size), report.members);
        text.push_str(&format!("OK       {} ({size}, {members} members)\n", args.bundle.display()));
        report.release.write(text);
        if let Some(status) = &report.release_status {
            status.write(text);
        }
        if let Some(left) = &report.left_to_site {
            left.write(&report.kind, text);
            text.push_str("not proved: that a site holds what is not carried, and that its patches make what they say. The import proves both\n");
        }
        for key in &report.signed_by {
            text.push_str(&format!("signed   by key {key}\n"));
        }
    })
}

pub fn verify(args: &Verify, out: &Output) -> Result<VerifyReport, Failure> {
    let bundle = open_trusted(&args.bundle, &args.keys)?;
    let statuses = statuses(&args.statuses, out)?;
    let said = bundle.release().value();
    for (file, status) in args.statuses.statuses.iter().zip(&statuses) {
        let checked = status.value().check_about(said.subject_name(), said.subject_digest());
        checked.map_err(|e| Failure::about(file.display(), &e))?;
    }
    let bar = out.bar("verify", bundle.len());
    let proved = bundle.prove(&mut (), &bar).map_err(|e| Failure::about(args.bundle.display(), &e))?;
    out.say(format_args!("verified {}", bar.finish()));
    let list = proved.list.value().predicate();
    let report = VerifyReport {
        verified: true,
        signed_by: proved.release.signers().iter().map(ToString::to_string).collect(),
        size: proved.len,
        members: list.members().len() + 1,
        platforms: list.platforms().to_vec(),
        kind: list.kind().text().to_owned(),
        left_to_site: CarriageReport::of(list),
        release_status: counting(&statuses).map(MarkedReport::of),
        release: ReleaseReport::of(proved.release.id(), proved.release.value()),
    };
    match &report.release_status {
        Some(status) if status.is_withdrawn() => Err(withdrawn(&report, status)),
        _ => Ok(report),
    }
}

/// The bundle is good, and must not be used.
fn withdrawn(report: &VerifyReport, status: &MarkedReport) -> Failure {
    let note = status.note.as_ref().map(|note| format!(": {note}")).unwrap_or_default();
    let label = &report.release;
    let message = format!("{} {} was withdrawn at {}{note}", label.name, label.version, status.marked_at);
    Failure::new(Code::Withdrawn, message)
        .hint("the bundle is what its vendor signed; ask for the version that takes its place")
        .details(serde_json::to_value(report).unwrap_or_default())
}
