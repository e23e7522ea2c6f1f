//! Bundles that leave blobs to the site: deltas and compact ones (spec/bundle.md section 5.4).

use bundle_format::{Code, Digest};
use serde_json::{Value, json};

use super::super::content::Content;
use super::super::keys::VENDOR_PEM;
use super::super::seal::{Draft, envelope, tar};
use super::{Case, bad, case, with_list};

const LIST: &str = "packing-list.dsse.json";
const BLOB: &str = "blobs/sha256/";
const PATCH: &str = "deltas/sha256/";

/// A bundle from which the last two layers were taken: they are made of `sources`.
struct Parts {
    draft: Draft,
    /// Digest and bytes of the layers: the one that every base has, the one that is made from others, the one that is made last.
    layers: [(Digest, usize); 3],
    /// Two layers that only a base has.
    old: [Value; 2],
}

fn blob((digest, size): (Digest, usize)) -> Value {
    json!({"digest": digest, "size": size})
}

fn with_bases(mut blob: Value, bases: &[usize]) -> Value {
    blob["bases"] = json!(bases);
    blob
}

/// The head of a patch (spec/delta.md section 3) that makes `target` from plain contents. Nothing follows it: whether a patch makes
/// what it says is found where it is applied, and only there.
fn patch((digest, size): (Digest, usize), sources: &[Value], memory: u64) -> Vec<u8> {
    let mut out = b"SLDELTA\x01".to_vec();
    out.extend_from_slice(digest.as_bytes());
    for number in [size as u64, memory, sources.len() as u64, 0] {
        out.extend_from_slice(&number.to_le_bytes());
    }
    for source in sources {
        let digest: Option<Digest> = source["digest"].as_str().and_then(|d| d.parse().ok());
        let size = source["size"].as_u64().unwrap_or_default();
        out.extend_from_slice(digest.unwrap_or(Digest::of(b"")).as_bytes());
        out.extend_from_slice(&size.to_le_bytes());
        out.push(0);
        out.extend_from_slice(&size.to_le_bytes());
    }
    out
}

impl Parts {
    fn of(good: &Content) -> Self {
        let mut draft = Draft::of(good);
        let layers = [3, 2, 1].map(|n| {
            let content = &draft.body[draft.body.len() - n].1;
            (Digest::of(content), content.len())
        });
        draft.body.truncate(draft.body.len() - 3);
        draft.requires = vec!["patches-v1".to_owned()];
        draft.kind = "delta";
        let old = [&b"the API server of 0.8"[..], b"the API server of 0.9"];
        let old = old.map(|content| json!({"digest": Digest::of(content), "size": content.len()}));
        Self { draft, layers, old }
    }

    /// Adds a patch to the archive; returns how the list uses it.
    fn way(&mut self, target: (Digest, usize), sources: &[Value], memory: u64) -> Value {
        let bytes = patch(target, sources, memory);
        let hex = Digest::of(&bytes).hex();
        self.draft.body.push((format!("{PATCH}{hex}"), bytes));
        let space: u64 = sources.iter().filter_map(|s| s["size"].as_u64()).sum();
        json!({"patch": hex, "sources": sources, "space": space, "memory": memory})
    }

    /// The delta for sites that hold 0.8.0 or 0.9.0: one layer is there, one is made from either, one from that.
    fn delta(good: &Content) -> Draft {
        let mut parts = Self::of(good);
        let [there, made, last] = parts.layers;
        let [old_8, old_9] = parts.old.clone();
        let ways = [
            parts.way(made, &[with_bases(old_8, &[0])], 1 << 20),
            parts.way(made, &[with_bases(blob(there), &[0, 1]), with_bases(old_9, &[1])], 1 << 20),
        ];
        let second = parts.way(last, &[with_bases(blob(made), &[])], 0);
        let rebuilt = |target, bases: &[usize], ways: &[Value]| {
            let mut blob = with_bases(blob(target), bases);
            blob["patches"] = json!(ways);
            blob
        };
        let base = |version: &str| json!({"name": format!("shop:{version}"), "digest": Digest::of(version.as_bytes())});
        parts.draft.rebuild = Some(json!({
            "bases": [base("0.8.0"), base("0.9.0")],
            "states": [[0], [1]],
            "present": [with_bases(blob(there), &[0, 1])],
            "rebuilt": [rebuilt(made, &[], &ways), rebuilt(last, &[0], &[second])],
        }));
        parts.draft
    }

    /// One layer is made from another, which is carried, and one from nothing.
    fn compact(good: &Content) -> Draft {
        let mut parts = Self::of(good);
        let [carried, made, last] = parts.layers;
        parts.draft.kind = "compact";
        let whole = Draft::of(good).body;
        parts.draft.body.push(whole[whole.len() - 3].clone());
        let mut rebuilt = Vec::new();
        for (target, sources) in [(made, vec![with_bases(blob(carried), &[])]), (last, Vec::new())] {
            let mut blob = with_bases(blob(target), &[]);
            blob["patches"] = json!([parts.way(target, &sources, 0)]);
            rebuilt.push(blob);
        }
        parts.draft.rebuild = Some(json!({"bases": [], "states": [], "present": [], "rebuilt": rebuilt}));
        parts.draft
    }
}

fn swap(list: &mut Value) {
    if let Some(list) = list.as_array_mut() {
        list.reverse();
    }
}

fn push(list: &mut Value, value: Value) {
    if let Some(list) = list.as_array_mut() {
        list.push(value);
    }
}

fn drop_member(value: &mut Value, key: &str) {
    if let Some(members) = value.as_object_mut() {
        members.remove(key);
    }
}

pub(super) fn good_ones(good: &Content, cases: &mut Vec<Case>) {
    cases.push(case("good-delta", None, "", Parts::delta(good).seal()));
    cases.push(case("good-compact", None, "", Parts::compact(good).seal()));
    let mut nothing = Parts::compact(good);
    nothing.requires.clear();
    nothing.body = Draft::of(good).body;
    nothing.rebuild = Some(json!({"bases": [], "states": [], "present": [], "rebuilt": []}));
    cases.push(case("good-compact-without-patches", None, "", nothing.seal()));
}

pub(super) fn cases(good: &Content, cases: &mut Vec<Case>) {
    let delta = Parts::delta(good);
    let compact = Parts::compact(good);
    let zeros = format!("sha256:{}", "00".repeat(32));
    // The signer of the list made it wrong.
    let statement = |name, edit: &dyn Fn(&mut Value)| {
        bad(name, Code::Statement, LIST, with_list(&delta, |l| edit(&mut l["predicate"])))
    };
    let rebuild = |name, edit: &dyn Fn(&mut Value)| statement(name, &|p| edit(&mut p["rebuild"]));
    let of_compact = |name, edit: &dyn Fn(&mut Value)| {
        bad(name, Code::Statement, LIST, with_list(&compact, |l| edit(&mut l["predicate"])))
    };
    cases.extend([
        statement("a-delta-that-does-not-say-what-is-rebuilt", &|p| drop_member(p, "rebuild")),
        statement("a-delta-that-does-not-require-patches", &|p| p["requires"] = json!([])),
        statement("a-delta-that-says-that-it-is-full", &|p| p["kind"] = "full".into()),
        statement("a-delta-that-says-that-it-is-compact", &|p| p["kind"] = "compact".into()),
        statement("a-blob-after-a-patch", &|p| {
            let last = p["members"].as_array().map_or(0, Vec::len) - 1;
            if let Some(members) = p["members"].as_array_mut() {
                members.swap(last, last - 3);
            }
        }),
        statement("a-patch-with-another-digest-than-its-name", &|p| {
            let last = p["members"].as_array().map_or(0, Vec::len) - 1;
            p["members"][last]["sha256"] = "00".repeat(32).into();
        }),
        of_compact("a-compact-bundle-that-says-that-it-is-a-delta", &|p| p["kind"] = "delta".into()),
        of_compact("a-compact-bundle-with-something-present", &|p| {
            let there = p["rebuild"]["rebuilt"][1].clone();
            p["rebuild"]["rebuilt"] = json!([p["rebuild"]["rebuilt"][0]]);
            push(&mut p["rebuild"]["present"], json!({"digest": there["digest"], "size": there["size"], "bases": []}));
        }),
        rebuild("a-base-with-an-escape-sequence", &|r| r["bases"][0]["name"] = "shop:\u{1b}[2J".into()),
        rebuild("a-base-without-a-tag", &|r| r["bases"][0]["name"] = "shop".into()),
        rebuild("bases-out-of-order", &|r| swap(&mut r["bases"])),
        rebuild("a-base-twice", &|r| r["bases"][1]["digest"] = r["bases"][0]["digest"].clone()),
        rebuild("a-base-of-no-state", &|r| r["states"] = json!([[0]])),
        rebuild("states-out-of-order", &|r| swap(&mut r["states"])),
        rebuild("a-state-twice", &|r| r["states"] = json!([[0], [1], [1]])),
        rebuild("a-state-without-bases", &|r| r["states"] = json!([[], [0], [1]])),
        rebuild("a-state-with-a-base-that-is-not-there", &|r| r["states"] = json!([[0], [1, 2]])),
        rebuild("a-state-with-descending-bases", &|r| r["states"] = json!([[1, 0]])),
        rebuild("a-present-blob-with-a-base-that-is-not-there", &|r| r["present"][0]["bases"] = json!([0, 1, 2])),
        rebuild("a-base-with-a-number-above-63", &|r| r["present"][0]["bases"] = json!([0, 1, 64])),
        rebuild("a-present-blob-that-one-state-lacks", &|r| r["present"][0]["bases"] = json!([0])),
        rebuild("a-present-blob-twice", &|r| {
            let there = r["present"][0].clone();
            push(&mut r["present"], there);
        }),
        rebuild("a-present-blob-over-1-TiB", &|r| r["present"][0]["size"] = ((1_u64 << 40) + 1).into()),
        rebuild("a-rebuilt-blob-that-is-present-too", &|r| {
            r["present"][0]["digest"] = r["rebuilt"][1]["digest"].clone();
            r["present"][0]["size"] = r["rebuilt"][1]["size"].clone();
        }),
        rebuild("a-rebuilt-blob-twice", &|r| {
            let made = r["rebuilt"][0].clone();
            push(&mut r["rebuilt"], made);
        }),
        rebuild("a-rebuilt-blob-without-patches", &|r| r["rebuilt"][1]["patches"] = json!([])),
        rebuild("a-rebuilt-blob-that-one-state-cannot-make", &|r| {
            r["rebuilt"][1]["patches"][0]["sources"][0]["bases"] = json!([0]);
        }),
        rebuild("a-patch-that-is-not-a-member", &|r| r["rebuilt"][1]["patches"][0]["patch"] = "00".repeat(32).into()),
        rebuild("a-patch-that-is-used-twice", &|r| {
            r["rebuilt"][0]["patches"][1]["patch"] = r["rebuilt"][0]["patches"][0]["patch"].clone();
        }),
        rebuild("a-patch-that-makes-no-blob", &|r| {
            let way = r["rebuilt"][0]["patches"][0].clone();
            r["rebuilt"][0]["patches"] = json!([way]);
            r["rebuilt"][0]["bases"] = json!([1]);
        }),
        rebuild("a-patch-that-no-state-can-use", &|r| {
            r["rebuilt"][0]["bases"] = json!([1]);
            let sources = &mut r["rebuilt"][0]["patches"][1]["sources"];
            sources[0]["bases"] = json!([0]);
        }),
        rebuild("a-patch-made-from-what-comes-later", &|r| swap(&mut r["rebuilt"])),
        rebuild("a-patch-made-from-what-nobody-has", &|r| {
            r["rebuilt"][0]["patches"][1]["sources"][1]["bases"] = json!([]);
        }),
        rebuild("a-patch-made-from-what-it-makes", &|r| {
            let made = r["rebuilt"][0].clone();
            r["rebuilt"][0]["patches"][0]["sources"] =
                json!([{"digest": made["digest"], "size": made["size"], "bases": [0]}]);
        }),
        rebuild("a-patch-with-a-source-twice", &|r| {
            let sources = &mut r["rebuilt"][0]["patches"][0]["sources"];
            let source = sources[0].clone();
            push(sources, source);
        }),
        rebuild("a-source-of-two-sizes", &|r| {
            let source = &mut r["rebuilt"][0]["patches"][1]["sources"][0]["size"];
            *source = (source.as_u64().unwrap_or_default() + 1).into();
        }),
        rebuild("a-patch-that-needs-more-than-16-TiB", &|r| {
            r["rebuilt"][0]["patches"][0]["space"] = ((1_u64 << 44) + 1).into();
        }),
    ]);
    full_lists(good, cases);
    content(good, cases, &zeros);
    patches(good, cases);
}

/// Full bundles that have what only the other kinds have.
fn full_lists(good: &Content, cases: &mut Vec<Case>) {
    let full = Draft::of(good);
    let statement = |name, draft: &Draft, edit: &dyn Fn(&mut Value)| {
        bad(name, Code::Statement, LIST, with_list(draft, |l| edit(&mut l["predicate"])))
    };
    let mut patched = full.clone();
    patched.body.push((format!("{PATCH}{}", Digest::of(b"x").hex()), b"x".to_vec()));
    patched.requires = vec!["patches-v1".to_owned()];
    cases.extend([
        statement("a-full-bundle-with-a-patch", &patched, &|_| {}),
        statement("a-full-bundle-that-requires-patches", &full, &|p| p["requires"] = json!(["patches-v1"])),
        statement("a-full-bundle-that-says-what-is-rebuilt", &full, &|p| {
            p["rebuild"] = json!({"bases": [], "states": [], "present": [], "rebuilt": []});
        }),
    ]);
}

/// Lists that do not fit the content.
fn content(good: &Content, cases: &mut Vec<Case>, zeros: &str) {
    let graph = |name, says: &str, draft: Draft| bad(name, Code::Graph, says, draft.seal());
    let with = |edit: &dyn Fn(&mut Draft, &mut Value)| {
        let mut draft = Parts::delta(good);
        let mut list = draft.rebuild.take().unwrap_or_default();
        edit(&mut draft, &mut list);
        draft.rebuild = Some(list);
        draft
    };
    let present = |draft: &mut Draft, list: &mut Value, place: usize| {
        let (name, content) = draft.body.remove(place);
        let gone = json!({"digest": name.replace(BLOB, "sha256:"), "size": content.len(), "bases": [0, 1]});
        if let Some(there) = list["present"].as_array_mut() {
            there.push(gone);
            there.sort_by_key(|blob| blob["digest"].as_str().map(str::to_owned));
        }
        name
    };
    let names: Vec<String> = Parts::delta(good).body.iter().map(|(name, _)| name.clone()).collect();
    cases.extend([
        graph(
            "a-present-blob-that-nothing-refers-to",
            BLOB,
            with(&|_, list| {
                let extra = json!({"digest": zeros, "size": 1, "bases": [0, 1]});
                list["present"] = json!([extra, list["present"][0]]);
            }),
        ),
        graph(
            "a-present-blob-of-another-size",
            BLOB,
            with(&|_, list| {
                let sources = &mut list["rebuilt"][0]["patches"];
                *sources = json!([sources[0]]);
                list["rebuilt"][0]["bases"] = json!([1]);
                let size = list["present"][0]["size"].as_u64().unwrap_or_default();
                list["present"][0]["size"] = (size + 1).into();
            })
            .without_patch(1),
        ),
        graph("a-blob-that-travels-in-no-way", BLOB, with(&|_, list| list["present"] = json!([]))),
        // The first members are oci-layout, index.json, version index, documents' manifest, empty configuration, template.
        graph("a-template-that-is-not-carried", &names[5], with(&|d, list| drop(present(d, list, 5)))),
        graph("a-document-that-is-not-carried", &names[6], with(&|d, list| drop(present(d, list, 6)))),
        // Then an index, two manifests, another, and their configurations. What the last manifest refers to goes with it.
        graph(
            "a-manifest-that-is-not-carried",
            &names[10],
            with(&|d, list| {
                d.body.remove(13);
                present(d, list, 10);
            }),
        ),
    ]);
}

/// Patches that are not what the list says.
fn patches(good: &Content, cases: &mut Vec<Case>) {
    let delta = Parts::delta(good);
    let last = delta.body.len() - 1;
    // The patch is another one, and the list names it: its digest is right.
    let other = |edit: &dyn Fn(&mut Vec<u8>)| {
        let mut draft = delta.clone();
        let (name, bytes) = &mut draft.body[last];
        let before = name.trim_start_matches(PATCH).to_owned();
        edit(bytes);
        let hex = Digest::of(bytes).hex();
        *name = format!("{PATCH}{hex}");
        let list = draft.rebuild.take().unwrap_or_default().to_string().replace(&before, &hex);
        draft.rebuild = serde_json::from_str(&list).ok();
        draft.seal()
    };
    let patch = |name, edit: &dyn Fn(&mut Vec<u8>)| bad(name, Code::Patch, PATCH, other(edit));
    cases.extend([
        patch("a-patch-that-is-empty", &Vec::clear),
        patch("a-patch-of-another-version", &|p| p[7] = 2),
        patch("a-patch-whose-head-ends-early", &|p| p.truncate(100)),
        patch("a-patch-that-makes-another-blob", &|p| p[8] ^= 1),
        patch("a-patch-that-makes-another-size", &|p| p[40] ^= 1),
        patch("a-patch-that-needs-other-memory", &|p| p[48] ^= 1),
        patch("a-patch-with-too-many-sources", &|p| p[58] = 1),
        patch("a-patch-of-another-source", &|p| p[72] ^= 1),
        patch("a-patch-of-a-source-of-another-size", &|p| p[104] ^= 1),
        patch("a-patch-that-inflates-to-another-size", &|p| p[113] ^= 1),
        bad("a-patch-of-other-content", Code::Digest, PATCH, {
            let mut changed = delta.clone();
            changed.body[last].1[80] ^= 1;
            let release = delta.release_envelope();
            let list = envelope(delta.list(&release).to_string().as_bytes(), &[VENDOR_PEM]);
            tar(&changed.members(release, list))
        }),
        bad("a-patch-that-is-missing", Code::Member, PATCH, {
            let mut cut = delta.clone();
            cut.body.pop();
            let release = delta.release_envelope();
            let list = envelope(delta.list(&release).to_string().as_bytes(), &[VENDOR_PEM]);
            tar(&cut.members(release, list))
        }),
    ]);
}

impl Draft {
    /// Without the patch at this place among the patches.
    fn without_patch(mut self, place: usize) -> Self {
        let first = self.body.iter().position(|(name, _)| name.starts_with(PATCH)).unwrap_or_default();
        self.body.remove(first + place);
        self
    }
}
