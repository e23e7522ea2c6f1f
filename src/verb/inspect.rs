//! `sealift inspect`

use std::io::Read;

use bundle_format::Digest;
use bundle_format::statement::{PackingList, Release, Statement};
use bundle_format::trust::{Distrust, KeyId};
use bundle_format::walk::{BundleError, Glance};

use crate::args::Inspect;
use crate::failure::Failure;
use crate::files::{open_bundle_file, open_trusted};
use crate::output::{Output, bytes};
use crate::report::{CarriageReport, InspectReport, MemberReport, ReleaseReport};

/// What the head says, and who is named as having said it.
struct Head {
    id: Digest,
    release: Statement<Release>,
    list: Statement<PackingList>,
    signers: Vec<KeyId>,
    checked: bool,
    size: u64,
}

pub fn run(args: &Inspect, out: &Output) -> Result<(), Failure> {
    let head = match args.keys.as_slice() {
        [] => {
            let (file, _) = open_bundle_file(&args.bundle)?;
            glance(file).map_err(|e| Failure::about(args.bundle.display(), &e))?
        }
        keys => {
            let bundle = open_trusted(&args.bundle, keys)?;
            Head {
                id: bundle.release().id(),
                release: bundle.release().value().clone(),
                list: bundle.list().value().clone(),
                signers: bundle.release().signers().to_vec(),
                checked: true,
                size: bundle.len(),
            }
        }
    };
    if !head.checked {
        out.warn("no --key was given: what follows is what the bundle says of itself, and nobody has vouched for it");
    }
    let report = report(&head);
    out.data(&report, |text| {
        let verdict = if head.checked { "signatures checked, content not read" } else { "NOT VERIFIED" };
        text.push_str(&format!("bundle   {} ({}, {verdict})\n", args.bundle.display(), bytes(report.size)));
        report.release.write(text);
        for signer in &report.signers {
            let how = if head.checked { "signed   by key" } else { "claims   a signature by key" };
            text.push_str(&format!("{how} {signer}\n"));
        }
        if !report.platforms.is_empty() {
            text.push_str(&format!("carries  {} only\n", report.platforms.join(", ")));
        }
        if let Some(left) = &report.left_to_site {
            left.write(&report.kind, text);
            left.write_blobs(text);
        }
        for member in &report.members {
            text.push_str(&format!("member   {:>10}  {}\n", bytes(member.size), member.name));
        }
    })
}

fn glance(reader: impl Read) -> Result<Head, BundleError> {
    let glance = Glance::read(reader)?;
    // As `verify` says it: a format that is not known is no damage.
    let statement =
        |member| move |source| BundleError::Distrust { member, source: Box::new(Distrust::Document(source)) };
    let release = glance.release.look_unverified().map_err(statement(bundle_format::archive::MemberName::Release))?;
    let list = glance.list.look_unverified().map_err(statement(bundle_format::archive::MemberName::PackingList))?;
    let own = glance.list.envelope().bytes().len() as u64;
    let size = list.predicate().archive_len(own).unwrap_or(u64::MAX);
    let signers = glance.release.envelope().claimed_signers().collect();
    Ok(Head { id: glance.release.unverified_id(), release, list, signers, checked: false, size })
}

fn report(head: &Head) -> InspectReport {
    let list = head.list.predicate();
    let member = |m: &bundle_format::statement::Member| MemberReport {
        name: m.name.to_string(),
        size: m.size,
        sha256: m.sha256.hex(),
    };
    InspectReport {
        signatures_checked: head.checked,
        signers: head.signers.iter().map(ToString::to_string).collect(),
        size: head.size,
        platforms: list.platforms().to_vec(),
        kind: list.kind().text().to_owned(),
        left_to_site: CarriageReport::of(list),
        omitted: list.omitted().iter().map(ToString::to_string).collect(),
        members: list.members().iter().map(member).collect(),
        release: ReleaseReport::of(head.id, &head.release),
    }
}
