//! Every case: a bundle, and what a reader must say of it.

mod archive;
mod content;
mod delta;
mod envelope;
mod list;
mod statement;

use std::io;

use bundle_format::Code;
use serde_json::Value;

use super::content::Content;
use super::keys::{QA_PEM, VENDOR_PEM};
use super::seal::{Draft, envelope, tar};

/// A bundle and its verdict.
#[derive(Debug, Clone)]
pub struct Case {
    /// A sentence without spaces, which is the vector's name too.
    pub name: &'static str,
    /// The private keys, as PEM, of the public keys that the reader trusts.
    pub keys: &'static [&'static str],
    /// Why it is refused; `None` if it is good.
    pub code: Option<Code>,
    /// What the message names: a member.
    pub says: String,
    /// The bundle.
    pub bytes: Vec<u8>,
}

/// All cases, good ones first.
///
/// # Errors
/// None but those of memory.
pub fn all() -> io::Result<Vec<Case>> {
    let good = Content::small()?;
    let mut cases = Vec::new();
    good_ones(&good, &mut cases);
    archive::cases(&good, &mut cases);
    envelope::cases(&good, &mut cases);
    statement::cases(&good, &mut cases);
    list::cases(&good, &mut cases);
    content::cases(&good, &mut cases);
    delta::cases(&good, &mut cases);
    Ok(cases)
}

fn case(name: &'static str, code: Option<Code>, says: impl Into<String>, bytes: Vec<u8>) -> Case {
    Case { name, keys: &[VENDOR_PEM], code, says: says.into(), bytes }
}

fn bad(name: &'static str, code: Code, says: impl Into<String>, bytes: Vec<u8>) -> Case {
    case(name, Some(code), says, bytes)
}

/// The bundle whose release statement was changed before it was signed.
fn with_release(good: &Content, edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let mut draft = Draft::of(good);
    edit(&mut draft.release);
    draft.seal()
}

/// The bundle whose packing list was changed before it was signed.
fn with_list(draft: &Draft, edit: impl FnOnce(&mut Value)) -> Vec<u8> {
    let release = draft.release_envelope();
    let mut list = draft.list(&release);
    edit(&mut list);
    tar(&draft.members(release, envelope(list.to_string().as_bytes(), &[VENDOR_PEM])))
}

/// The bundle whose draft was changed before anything was signed.
fn with_draft(good: &Content, edit: impl FnOnce(&mut Draft)) -> Vec<u8> {
    let mut draft = Draft::of(good);
    edit(&mut draft);
    draft.seal()
}

/// The bundle whose content was changed before anything was signed.
fn with_content(good: &Content, edit: impl FnOnce(&mut Content)) -> Vec<u8> {
    let mut content = good.clone();
    edit(&mut content);
    Draft::of(&content).seal()
}

/// A draft that leaves out the second platform of the first image, and says so.
fn sparse(good: &Content) -> Draft {
    let mut draft = Draft::of(good);
    let index = good.json(&good.index["manifests"][1]);
    let left_out = &index["manifests"][1];
    let manifest = good.json(left_out);
    let gone = [left_out, &manifest["config"], &manifest["layers"][0]].map(blob_name);
    draft.body.retain(|(name, _)| !gone.contains(name));
    draft.omitted = vec![left_out["digest"].as_str().unwrap_or_default().to_owned()];
    draft
}

/// Name of the member that a descriptor names.
fn blob_name(descriptor: &Value) -> String {
    format!("blobs/sha256/{}", descriptor["digest"].as_str().unwrap_or_default().trim_start_matches("sha256:"))
}

fn good_ones(good: &Content, cases: &mut Vec<Case>) {
    let draft = Draft::of(good);
    cases.push(case("good", None, "", draft.seal()));
    cases.push(case("good-with-a-platform-left-out", None, "", sparse(good).seal()));
    let signed_twice = envelope(draft.release.to_string().as_bytes(), &[VENDOR_PEM, QA_PEM]);
    let mut two = case("good-with-two-signers", None, "", draft.seal_with(signed_twice.clone()));
    two.keys = &[VENDOR_PEM, QA_PEM];
    cases.push(two);
    cases.push(case("good-with-a-signer-that-nobody-asked-for", None, "", draft.seal_with(signed_twice)));
    let trust = with_draft(good, |d| {
        d.trust = vec![
            ("trust/1.root.dsse.json".to_owned(), b"{}\n".to_vec()),
            ("trust/12.root.dsse.json".to_owned(), b"not for readers that pin keys".to_vec()),
        ];
    });
    cases.push(case("good-with-trust-documents", None, "", trust));
    let later = with_release(good, |r| {
        r["predicate"]["channel"] = "stable".into();
        r["predicate"]["epoch"] = 0.into();
        r["predicate"]["counter"] = ((1_u64 << 53) - 1).into();
        r["predicate"]["issuedAt"] = "2026-02-28T23:59:59Z".into();
        r["predicate"]["later"] = serde_json::json!({"né\t": [null, true, {}]});
    });
    cases.push(case("good-with-all-that-may-be-there-and-an-unknown-member", None, "", later));
    let revision = with_content(good, |c| c.index["annotations"]["dev.sealift.template.revision"] = "2".into());
    cases.push(case("good-second-revision", None, "", revision));
    let any_order = with_draft(good, |d| {
        // Layers before configurations: not what a writer does, but a reader cares for references only.
        let last = d.body.len() - 1;
        d.body.swap(last, last - 3);
    });
    cases.push(case("good-in-another-order-of-blobs", None, "", any_order));
    delta::good_ones(good, cases);
}
