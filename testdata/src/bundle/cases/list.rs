//! Packing lists that a signer made wrong, or that do not fit the archive (spec/bundle.md section 5.2).

use bundle_format::{Code, Digest};
use serde_json::{Value, json};

use super::super::content::Content;
use super::super::keys::VENDOR_PEM;
use super::super::seal::{Draft, envelope, tar};
use super::{Case, bad, blob_name, sparse, with_draft, with_list};

const LIST: &str = "packing-list.dsse.json";
const BLOB: &str = "blobs/sha256/";

pub(super) fn cases(good: &Content, cases: &mut Vec<Case>) {
    let draft = Draft::of(good);
    let last = draft.body.len();
    let list = |name, code, says: &str, edit: &dyn Fn(&mut Value)| bad(name, code, says, with_list(&draft, edit));
    let statement = |name, edit: &dyn Fn(&mut Value)| list(name, Code::Statement, LIST, &|l| edit(&mut l["predicate"]));
    let members = |p: &mut Value, edit: &dyn Fn(&mut Vec<Value>)| {
        if let Some(members) = p["members"].as_array_mut() {
            edit(members);
        }
    };
    let zeros = format!("sha256:{}", "00".repeat(32));
    let first_platform = good.json(&good.index["manifests"][1])["manifests"][0].clone();
    let digest_of = |d: &Value| d["digest"].as_str().unwrap_or_default().to_owned();

    cases.extend([
        list("a-list-of-another-release", Code::List, LIST, &|l| l["predicate"]["release"] = zeros.clone().into()),
        list("a-list-about-something-else", Code::List, LIST, &|l| l["subject"][0]["name"] = "shop:2".into()),
        list("a-list-about-another-digest", Code::List, LIST, &|l| {
            l["subject"][0]["digest"]["sha256"] = "00".repeat(32).into();
        }),
        list("a-listed-trust-document-that-is-not-there", Code::List, LIST, &|l| {
            members(&mut l["predicate"], &|m| {
                m.insert(1, json!({"name": "trust/1.root.dsse.json", "size": 0, "sha256": Digest::of(b"").hex()}));
            });
        }),
        list("a-release-listed-with-another-digest", Code::Digest, "release.dsse.json", &|l| {
            l["predicate"]["members"][0]["sha256"] = "00".repeat(32).into();
        }),
        list("a-release-listed-with-another-size", Code::Digest, "release.dsse.json", &|l| {
            l["predicate"]["members"][0]["size"] = 1.into();
        }),
        list("a-layer-listed-with-another-size", Code::Member, BLOB, &|l| {
            let size = &mut l["predicate"]["members"][last]["size"];
            *size = (size.as_u64().unwrap_or_default() + 1).into();
        }),
        list("a-list-in-another-order-than-the-archive", Code::Member, BLOB, &|l| {
            members(&mut l["predicate"], &|m| m.swap(last, last - 1));
        }),
        list("a-list-that-leaves-the-last-member-out", Code::Graph, BLOB, &|l| {
            members(&mut l["predicate"], &|m| drop(m.pop()));
        }),
        statement("a-list-that-requires-a-feature", &|p| p["requires"] = json!(["delta"])),
        statement("a-list-of-an-unknown-kind", &|p| p["kind"] = "volume".into()),
        statement("a-kind-as-an-object", &|p| p["kind"] = json!({"full": null})),
        statement("a-list-without-omitted", &|p| drop(p.as_object_mut().and_then(|p| p.remove("omitted")))),
        statement("omitted-digests-out-of-order", &|p| {
            p["omitted"] = json!([format!("sha256:{}", "ff".repeat(32)), zeros])
        }),
        statement("an-omitted-digest-twice", &|p| p["omitted"] = json!([zeros, zeros])),
        statement("a-platform-with-an-escape-sequence", &|p| p["platforms"] = json!(["\u{1b}[2J"])),
        statement("a-platform-that-is-empty", &|p| p["platforms"] = json!([""])),
        statement("a-member-with-dots", &|p| p["members"][last]["name"] = "../evil".into()),
        statement("a-member-of-an-unknown-name", &|p| p["members"][last]["name"] = "install.sh".into()),
        statement("a-member-of-a-negative-size", &|p| p["members"][last]["size"] = (-1).into()),
        statement("a-member-over-1-TiB", &|p| p["members"][last]["size"] = ((1_u64 << 40) + 1).into()),
        statement("a-member-as-an-array", &|p| {
            let m = p["members"][last].clone();
            p["members"][last] = json!([m["name"], m["size"], m["sha256"]]);
        }),
        statement("a-blob-with-another-digest-than-its-name", &|p| {
            p["members"][last]["sha256"] = "00".repeat(32).into()
        }),
        statement("a-blob-listed-twice", &|p| members(p, &|m| m.push(m[last].clone()))),
        statement("a-list-that-lists-itself", &|p| {
            members(p, &|m| m.insert(1, json!({"name": LIST, "size": 0, "sha256": "00".repeat(32)})));
        }),
        statement("a-list-without-the-release", &|p| members(p, &|m| drop(m.remove(0)))),
        statement("a-list-without-oci-layout", &|p| members(p, &|m| drop(m.remove(1)))),
        statement("a-list-with-the-index-first", &|p| members(p, &|m| m.swap(1, 2))),
        statement("a-list-with-a-layout-file-among-the-blobs", &|p| members(p, &|m| m.push(m[1].clone()))),
        statement("a-list-with-descending-trust-documents", &|p| {
            let trust =
                |n: u32| json!({"name": format!("trust/{n}.root.dsse.json"), "size": 0, "sha256": "00".repeat(32)});
            members(p, &|m| m.splice(1..1, [trust(2), trust(1)]).for_each(drop));
        }),
        statement("a-list-with-a-leading-zero-in-a-name", &|p| {
            members(p, &|m| {
                m.insert(1, json!({"name": "trust/01.root.dsse.json", "size": 0, "sha256": "00".repeat(32)}))
            });
        }),
        bad("a-trust-document-that-was-changed", Code::Digest, "trust/1.root.dsse.json", {
            let mut draft = draft.clone();
            draft.trust = vec![("trust/1.root.dsse.json".to_owned(), b"{}".to_vec())];
            let release = draft.release_envelope();
            let list = envelope(draft.list(&release).to_string().as_bytes(), &[VENDOR_PEM]);
            draft.trust[0].1 = b"[]".to_vec();
            tar(&draft.members(release, list))
        }),
        bad("a-trust-document-after-the-list", Code::Statement, LIST, {
            with_draft(good, |d| d.body.push(("trust/1.root.dsse.json".to_owned(), b"{}".to_vec())))
        }),
        bad("a-blob-of-other-content", Code::Digest, BLOB, {
            let mut changed = draft.clone();
            changed.body[last - 1].1[0] ^= 1;
            let release = draft.release_envelope();
            let list = envelope(draft.list(&release).to_string().as_bytes(), &[VENDOR_PEM]);
            tar(&changed.members(release, list))
        }),
        bad("a-blob-before-what-refers-to-it", Code::Graph, BLOB, with_draft(good, |d| d.body.swap(2, last - 1))),
        bad("a-blob-that-nothing-refers-to", Code::Graph, BLOB, {
            with_draft(good, |d| d.body.push((format!("{BLOB}{}", Digest::of(b"x").hex()), b"x".to_vec())))
        }),
        bad("a-layer-that-is-missing", Code::Graph, BLOB, with_draft(good, |d| drop(d.body.pop()))),
        bad("no-blobs-at-all", Code::Graph, BLOB, with_draft(good, |d| d.body.truncate(2))),
        bad("an-omitted-layer", Code::Graph, BLOB, {
            with_draft(good, |d| {
                let name = d.body.pop().map(|(name, _)| name).unwrap_or_default();
                d.omitted = vec![name.replace(BLOB, "sha256:")];
            })
        }),
        bad("an-omitted-image", Code::Graph, BLOB, {
            with_draft(good, |d| {
                let root = good.index["manifests"][2].clone();
                let manifest = good.json(&root);
                let gone = [&root, &manifest["config"], &manifest["layers"][0]].map(blob_name);
                d.body.retain(|(name, _)| !gone.contains(name));
                d.omitted = vec![digest_of(&root)];
            })
        }),
        bad("an-omitted-manifest-that-is-carried", Code::Graph, BLOB, {
            with_draft(good, |d| d.omitted = vec![digest_of(&first_platform)])
        }),
        bad("an-omitted-manifest-that-nothing-names", Code::Graph, BLOB, {
            with_draft(good, |d| d.omitted = vec![zeros.clone()])
        }),
        bad("a-platform-left-out-and-not-said", Code::Graph, BLOB, {
            let mut draft = sparse(good);
            draft.omitted.clear();
            draft.seal()
        }),
        bad("a-platform-left-out-and-another-said", Code::Graph, BLOB, {
            let mut draft = sparse(good);
            draft.omitted = vec![digest_of(&first_platform)];
            draft.seal()
        }),
        bad("a-platform-left-out-but-for-its-layer", Code::Graph, BLOB, {
            let mut draft = sparse(good);
            let whole = Draft::of(good).body;
            let layer = whole.iter().rfind(|(name, _)| !draft.body.iter().any(|(n, _)| n == name)).cloned();
            draft.body.extend(layer);
            draft.seal()
        }),
    ]);
}
