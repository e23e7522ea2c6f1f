//! `sealift verify`

use bundle_format::Coded;
use bundle_format::walk::Bundle;

use crate::args::Verify;
use crate::failure::Failure;
use crate::files::open_bundle;
use crate::keys::trust_root;
use crate::output::{Output, bytes};
use crate::report::{ReleaseReport, VerifyReport};

pub fn run(args: &Verify, out: &Output) -> Result<(), Failure> {
    let trust = trust_root(&args.keys)?;
    let input = open_bundle(&args.bundle)?;
    let about = |e: &dyn Coded| Failure {
        code: e.code(),
        message: format!("{}: {e}", args.bundle.display()),
        hint: e.hint(),
    };
    let bundle = Bundle::open(input.reader, &trust).map_err(|e| about(&e))?;
    if let Some(len) = input.len {
        bundle.check_len(len).map_err(|e| about(&e))?;
    }
    let bar = out.bar("verify", bundle.len());
    let proved = bundle.prove(&mut (), &bar).map_err(|e| about(&e))?;
    out.say(format_args!("verified {}", bar.finish()));
    let list = proved.list.value().predicate();
    let report = VerifyReport {
        verified: true,
        signed_by: proved.release.signers().iter().map(ToString::to_string).collect(),
        size: proved.len,
        members: list.members().len() + 1,
        platforms: list.platforms().to_vec(),
        release: ReleaseReport::of(proved.release.id(), proved.release.value()),
    };
    out.data(&report, |text| {
        text.push_str(&format!("OK       {} ({}, {} members)\n", args.bundle.display(), bytes(report.size), report.members));
        report.release.write(text);
        for key in &report.signed_by {
            text.push_str(&format!("signed   by key {key}\n"));
        }
    })
}
