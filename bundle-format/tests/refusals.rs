//! What a reader refuses, and what it says then: every case of testdata, and every byte of a bundle changed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::collections::BTreeSet;
use std::io::{self, Cursor};

use bundle_format::trust::{PublicKey, TrustRoot};
use bundle_format::walk::{Bundle, BundleError, Proved, Sink, SinkAction};
use bundle_format::{Code, Coded, Descriptor, Digest, media};
use testdata::bundle::{self, Case};

fn trust(keys: &[&str]) -> TrustRoot {
    let keys = keys.iter().map(|pem| PublicKey::from_pem(&bundle::public_pem(pem).unwrap()).unwrap());
    TrustRoot::pinned(keys.collect()).unwrap()
}

fn verify(bytes: &[u8], keys: &[&str]) -> Result<Proved, BundleError> {
    Bundle::open(bytes, &trust(keys))?.prove(&mut (), &())
}

/// A sink as a store is one: nothing counts before its commit, and every begin has one end.
#[derive(Default)]
struct Strict {
    open: Option<(Descriptor, Vec<u8>)>,
    committed: BTreeSet<Digest>,
    aborted: usize,
}

impl Sink for Strict {
    type Error = io::Error;
    fn begin(&mut self, blob: &Descriptor) -> io::Result<SinkAction> {
        assert!(self.open.is_none(), "the blob before has no end");
        self.open = Some((blob.clone(), Vec::new()));
        Ok(SinkAction::Take)
    }
    fn begin_patch(&mut self, patch: Digest, size: u64) -> io::Result<SinkAction> {
        self.begin(&Descriptor::new(media::PATCH, patch, size))
    }
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.open.as_mut().unwrap().1.extend_from_slice(bytes);
        Ok(())
    }
    fn commit(&mut self) -> io::Result<()> {
        let (blob, bytes) = self.open.take().unwrap();
        assert_eq!(
            (Digest::of(&bytes), bytes.len() as u64),
            (blob.digest, blob.size),
            "only proved bytes are committed"
        );
        self.committed.insert(blob.digest);
        Ok(())
    }
    fn abort(&mut self) {
        assert!(self.open.take().is_some());
        self.aborted += 1;
    }
}

fn refuse(case: &Case) -> Option<String> {
    match (verify(&case.bytes, case.keys), case.code) {
        (Ok(_), None) => None,
        (Ok(_), Some(code)) => Some(format!("{}: accepted, {code} was expected", case.name)),
        (Err(e), None) => Some(format!("{}: refused with {}: {e}", case.name, e.code())),
        (Err(e), Some(code)) if e.code() != code => {
            Some(format!("{}: {code} was expected, found {}: {e}", case.name, e.code()))
        }
        (Err(e), _) if !e.to_string().contains(&case.says) => {
            Some(format!("{}: {:?} is not named in: {e}", case.name, case.says))
        }
        (Err(_), Some(_)) => None,
    }
}

#[test]
fn every_case_is_refused_for_its_reason() {
    let cases = bundle::all().unwrap();
    let names: BTreeSet<_> = cases.iter().map(|c| c.name).collect();
    assert_eq!(names.len(), cases.len(), "two cases have one name");
    let wrong: Vec<String> = cases.iter().filter_map(refuse).collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

#[test]
fn serving_from_a_bundle_refuses_the_same_but_for_content() {
    for case in bundle::all().unwrap() {
        let read = Bundle::open(Cursor::new(&case.bytes), &trust(case.keys)).and_then(|b| b.index(&()));
        match (read, case.code) {
            (Ok(_), None | Some(Code::Digest)) => {}
            (Err(BundleError::NotFull(_)), None | Some(Code::Digest | Code::Graph | Code::Patch)) => {}
            (Err(BundleError::NotFull(_)), Some(Code::Member)) => assert!(case.says.starts_with("deltas/")),
            (Ok(_), Some(code)) => panic!("{}: accepted, {code} was expected", case.name),
            // What was passed over is missed when the end is looked for.
            (Err(e), Some(Code::Truncated)) => {
                assert!([Code::Truncated, Code::End].contains(&e.code()), "{}", case.name)
            }
            (Err(e), code) => assert_eq!(Some(e.code()), code, "{}: {e}", case.name),
        }
    }
}

#[test]
fn a_sink_gets_proved_blobs_only() {
    for case in bundle::all().unwrap() {
        let mut sink = Strict::default();
        let Ok(opened) = Bundle::open(case.bytes.as_slice(), &trust(case.keys)) else { continue };
        let proved = opened.prove(&mut sink, &());
        assert_eq!(proved.is_ok(), case.code.is_none(), "{}", case.name);
        assert!(sink.open.is_none(), "{}: a blob was neither committed nor aborted", case.name);
        match proved {
            Ok(proved) => {
                let carried = proved.extents.keys().chain(proved.patches.keys()).copied().collect();
                assert_eq!(sink.committed, carried, "{}", case.name);
            }
            Err(_) => assert!(sink.aborted <= 1, "{}", case.name),
        }
    }
}
