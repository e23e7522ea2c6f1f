//! `sealift verify`

use crate::args::Verify;
use crate::failure::Failure;
use crate::files::open_trusted;
use crate::output::{Output, bytes};
use crate::report::{CarriageReport, ReleaseReport, VerifyReport};

pub fn run(args: &Verify, out: &Output) -> Result<(), Failure> {
    let report = verify(args, out)?;
    out.data(&report, |text| {
        let (size, members) = (bytes(report.size), report.members);
        text.push_str(&format!("OK       {} ({size}, {members} members)\n", args.bundle.display()));
        report.release.write(text);
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
    let bar = out.bar("verify", bundle.len());
    let proved = bundle.prove(&mut (), &bar).map_err(|e| Failure::about(args.bundle.display(), &e))?;
    out.say(format_args!("verified {}", bar.finish()));
    let list = proved.list.value().predicate();
    Ok(VerifyReport {
        verified: true,
        signed_by: proved.release.signers().iter().map(ToString::to_string).collect(),
        size: proved.len,
        members: list.members().len() + 1,
        platforms: list.platforms().to_vec(),
        kind: list.kind().text().to_owned(),
        left_to_site: CarriageReport::of(list),
        release: ReleaseReport::of(proved.release.id(), proved.release.value()),
    })
}
