//! Records as clusters and sites keep them, and what an installation's file says of itself: any bytes are read or refused,
//! and a plan is computed from whatever record was read.
//!
//! The first byte chooses: a Secret, the content of one before it is compressed, a file of a site, an installation's document.
#![no_main]

mod site;

use std::path::PathBuf;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use importer::engine::{Aim, Inputs};
use importer::moving::Document;
use importer::plan::{Accept, Overlay};
use importer::record::Record;
use importer::target::kube::decode_record;
use importer::target::{Live, Records as _, SiteRecords, installations, pins};
use libfuzzer_sys::fuzz_target;
use serde_json::json;
use site::{ENABLED, IMAGES, PLACE, SECRETS, TARGET, VERSION};

/// A site of this process.
static SITE: LazyLock<PathBuf> = LazyLock::new(|| tempfile::tempdir().unwrap_or_else(|e| panic!("{e}")).keep());

fn in_a_secret(bytes: &[u8]) -> Option<Record> {
    let compressed = zstd::encode_all(bytes, 1).unwrap_or_else(|e| panic!("{e}"));
    let secret = json!({"type": "sealift.dev/record.v1", "data": {"record": STANDARD.encode(compressed)}});
    decode_record(&secret, "sealift.full.v1", 1).ok()
}

fn of_a_site(bytes: &[u8]) -> Option<Record> {
    let folder = SITE.join("installations/team/full");
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(folder.join("1.json"), bytes));
    written.unwrap_or_else(|e| panic!("{e}"));
    let records = SiteRecords::new(&SITE);
    let _ = (pins(&SITE), records.files(&PLACE));
    let all = records.all(&PLACE);
    assert_eq!(installations(&SITE).is_ok(), all.is_ok());
    let record = all.ok()?.pop()?;
    records.keep(&PLACE, &record).unwrap_or_else(|e| panic!("{e}"));
    let number = record.number;
    let again = records.all(&PLACE).unwrap_or_else(|e| panic!("{e}")).into_iter().find(|r| r.number == number);
    assert_eq!(again.as_ref(), Some(&record));
    records.forget(&PLACE, number).unwrap_or_else(|e| panic!("{e}"));
    Some(record)
}

/// Whoever writes records may write what they like: it must not end the program that reads them.
fn plan(record: &Record) {
    let (values, accept) = (Overlay::default(), Accept::default());
    let forward = Aim::Forward { values: &values, accept: &accept };
    let back = Aim::Back { left: &record.overlay, exact: false };
    for aim in [forward, back] {
        let inputs = Inputs {
            place: &PLACE,
            holds: Some((record, &*VERSION)),
            unfinished: &[(record, &*VERSION)],
            version: &VERSION,
            aim,
            enabled: &ENABLED,
            images: &IMAGES,
            secrets: &SECRETS,
            live: &Live::default(),
            capabilities: &TARGET,
            pull_secret: record.pull_secret.as_deref(),
            prune: true,
            stays: &std::collections::BTreeSet::new(),
        };
        if let Ok(plan) = inputs.compute() {
            site::hold_together(&plan.files);
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let Some((choice, rest)) = bytes.split_first() else { return };
    let record = match choice % 4 {
        0 => serde_json::from_slice(rest).ok().and_then(|secret| decode_record(&secret, "sealift.full.v1", 1).ok()),
        1 => in_a_secret(rest),
        2 => of_a_site(rest),
        _ => {
            let Ok(document) = Document::parse(rest, usize::from(choice / 4)) else { return };
            let again = document.bytes().and_then(|bytes| Document::parse(&bytes, document.data.len()));
            return assert_eq!(again.unwrap_or_else(|e| panic!("{e}")), document);
        }
    };
    if let Some(record) = record {
        plan(&record);
    }
});
