//! A whole bundle against the key of testdata: what is accepted holds together, and nothing that was changed is accepted.
//!
//! Random bytes never pass a signature, so the input is also taken as content that the vendor signs: a packing list and a
//! release statement, then whatever follows as the members after them.
#![no_main]

use std::convert::Infallible;
use std::sync::LazyLock;

use bundle_format::trust::{PublicKey, TrustRoot};
use bundle_format::walk::{Bundle, Sink, SinkAction};
use bundle_format::{Descriptor, Digest, Hasher};
use libfuzzer_sys::fuzz_target;
use testdata::bundle::{Content, Draft, VENDOR_PEM, envelope, public_pem, tar};

static TRUST: LazyLock<TrustRoot> = LazyLock::new(|| {
    let key = public_pem(VENDOR_PEM).ok().and_then(|pem| PublicKey::from_pem(&pem).ok());
    TrustRoot::pinned(key.into_iter().collect()).unwrap_or_else(|e| panic!("{e}"))
});
static GOOD: LazyLock<Draft> = LazyLock::new(|| Draft::of(&Content::small().unwrap_or_else(|e| panic!("{e}"))));

/// Sees that blobs are proved when they are committed.
#[derive(Default)]
struct Check {
    open: Option<(Digest, Hasher)>,
}

impl Sink for Check {
    type Error = Infallible;
    fn begin(&mut self, blob: &Descriptor) -> Result<SinkAction, Infallible> {
        assert!(self.open.is_none());
        self.open = Some((blob.digest, Hasher::default()));
        Ok(SinkAction::Take)
    }
    fn begin_patch(&mut self, patch: Digest, _: u64) -> Result<SinkAction, Infallible> {
        assert!(self.open.is_none());
        self.open = Some((patch, Hasher::default()));
        Ok(SinkAction::Take)
    }
    fn write(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        if let Some((_, hasher)) = &mut self.open {
            hasher.update(bytes);
        }
        Ok(())
    }
    fn commit(&mut self) -> Result<(), Infallible> {
        if let Some((digest, hasher)) = self.open.take() {
            assert_eq!(hasher.finish(), digest);
        }
        Ok(())
    }
    fn abort(&mut self) {
        self.open = None;
    }
}

fn verify(bytes: &[u8]) {
    let mut sink = Check::default();
    if let Ok(proved) = Bundle::open(bytes, &TRUST).and_then(|b| match b.prove(&mut sink, &()) {
        Ok(proved) => Ok(Some(proved)),
        Err(_) => Ok(None),
    }) {
        if let Some(proved) = proved {
            assert_eq!(proved.len, bytes.len() as u64);
            assert_eq!(proved.release.value().subject_digest(), proved.version.raw().descriptor().digest);
        }
    }
    assert!(sink.open.is_none());
}

fuzz_target!(|bytes: &[u8]| {
    verify(bytes);
    // One byte chooses what of the good bundle the rest stands in for, before it is signed.
    let Some((choice, rest)) = bytes.split_first() else { return };
    let mut draft = GOOD.clone();
    match choice % 3 {
        0 => verify(&draft.seal_with(envelope(rest, &[VENDOR_PEM]))),
        1 => verify(&tar(&draft.members(draft.release_envelope(), envelope(rest, &[VENDOR_PEM])))),
        _ => {
            let place = usize::from(choice / 3) % draft.body.len();
            let (name, content) = &mut draft.body[place];
            rest.clone_into(content);
            // A blob keeps its proper name, and the version index is the one that the release is about.
            if name.starts_with("blobs/") {
                let digest = Digest::of(rest).hex();
                *name = format!("blobs/sha256/{digest}");
                if place == 2 {
                    draft.release["subject"][0]["digest"]["sha256"] = digest.into();
                    draft.release["predicate"]["size"] = rest.len().into();
                }
            }
            verify(&draft.seal());
        }
    }
});
