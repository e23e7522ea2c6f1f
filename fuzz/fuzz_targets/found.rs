//! Objects of a cluster, whatever somebody has made of them: a plan is computed, and what it applies renders.
//!
//! The first byte chooses: an even one takes the rest as edits of four bytes, each of which puts a value somewhere into an
//! object; an odd one takes the second byte as an object, and the rest as JSON that is merged into it (RFC 7396).
#![no_main]

mod site;

use std::sync::LazyLock;

use importer::engine::{Aim, Inputs};
use importer::plan::{Accept, Overlay, differences, inventory};
use importer::record::Record;
use importer::render::RenderedFile;
use importer::target::{Live, ObjectId};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};
use site::{ENABLED, IMAGES, PLACE, SECRETS, TARGET, VERSION};

static FILES: LazyLock<Vec<RenderedFile>> =
    LazyLock::new(|| site::rendered(&VERSION.template, &VERSION.documents, &ENABLED).unwrap_or_else(|e| panic!("{e}")));
static LIVE: LazyLock<Live> = LazyLock::new(|| {
    let mut objects: Vec<Value> = FILES.iter().flat_map(|f| f.objects().to_vec()).collect();
    for object in &mut objects {
        object["metadata"]["uid"] = json!("6b1c7a5e");
        object["status"] = json!({});
    }
    Live { objects: objects.into_iter().filter_map(|object| Some((ObjectId::of(&object)?, object))).collect() }
});
static RECORD: LazyLock<Record> = LazyLock::new(|| {
    let mut record: Record = serde_json::from_value(json!({
        "number": 1, "action": "install", "status": "done", "time": "2026-01-01T00:00:00Z",
        "version": VERSION.version, "revision": VERSION.revision, "digest": VERSION.digest, "target": "kube:a",
        "enabled": *ENABLED, "images": *IMAGES, "pullSecret": "login",
    }))
    .unwrap_or_else(|e| panic!("{e}"));
    record.inventory = inventory(&FILES, &[], &[]);
    record
});
/// What no server gives, and what one gives and nobody expects.
static HOSTILE: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let deep = (0..200).fold(json!(1), |inner, _| json!({ "metadata": [inner] }));
    vec![
        Value::Null,
        json!(true),
        json!(0),
        json!(-1),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e300),
        json!(0.5),
        json!(""),
        json!("a"),
        json!("\u{0}\u{202e}\u{feff}"),
        json!("x".repeat(70_000)),
        json!("1Gi"),
        json!("-1"),
        json!("1e999999999"),
        json!("$(A)$$(B)"),
        json!([]),
        json!({}),
        json!([null, 1, "", [], {}]),
        json!([{"name": "a"}, {"name": "a"}]),
        json!({"": {"": ""}}),
        json!({"name": 1}),
        json!({"a.b/c": null}),
        deep,
        json!({"secretKeyRef": {"name": "full-db", "key": 1}}),
        json!("full-db"),
        json!(65_536),
        json!("\u{85}\n---\n"),
    ]
});

/// Puts one of the hostile values, or a copy of another part, to the `n`th place of `value`, in the order of the tree.
fn put(value: &mut Value, left: &mut usize, new: &Value) -> bool {
    if *left == 0 {
        new.clone_into(value);
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| put(item, left, new)),
        Value::Object(fields) => fields.values_mut().any(|item| put(item, left, new)),
        _ => false,
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn part<'v>(value: &'v Value, left: &mut usize) -> Option<&'v Value> {
    if *left == 0 {
        return Some(value);
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter().find_map(|item| part(item, left)),
        Value::Object(fields) => fields.values().find_map(|item| part(item, left)),
        _ => None,
    }
}

fn merge(into: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else { return *into = patch };
    if !into.is_object() {
        *into = json!({});
    }
    for (key, value) in patch {
        match value {
            Value::Null => _ = into.as_object_mut().and_then(|fields| fields.remove(&key)),
            value => merge(&mut into[&key], value),
        }
    }
}

fn edited(bytes: &[u8]) -> Option<Live> {
    let (choice, rest) = bytes.split_first()?;
    let mut live = LIVE.clone();
    let objects = live.objects.len();
    if choice % 2 == 1 {
        let (object, json) = rest.split_first()?;
        let patch = serde_json::from_slice(json).ok()?;
        merge(live.objects.values_mut().nth(usize::from(*object) % objects)?, patch);
        return Some(live);
    }
    for edit in rest.chunks_exact(4).take(12) {
        let &[object, high, low, value] = edit else { continue };
        let place = usize::from(u16::from_be_bytes([high, low]));
        let object = live.objects.values_mut().nth(usize::from(object) % objects)?;
        let places = count(object);
        let new = match HOSTILE.get(usize::from(value)) {
            Some(value) => value.clone(),
            None => part(object, &mut (usize::from(value) * 7 % places))?.clone(),
        };
        put(object, &mut (place % places), &new);
    }
    Some(live)
}

fuzz_target!(|bytes: &[u8]| {
    let Some(live) = edited(bytes) else { return };
    let (values, accept) = (Overlay::default(), Accept::default());
    let inputs = Inputs {
        place: &PLACE,
        holds: Some((&*RECORD, &*VERSION)),
        unfinished: &[],
        version: &VERSION,
        aim: Aim::Forward { values: &values, accept: &accept },
        enabled: &ENABLED,
        images: &IMAGES,
        secrets: &SECRETS,
        live: &live,
        capabilities: &TARGET,
        pull_secret: Some("login"),
        prune: true,
        stays: &std::collections::BTreeSet::new(),
    };
    // Whatever the site has done to an installation, it can be brought to its own version.
    let plan = inputs.compute().unwrap_or_else(|e| panic!("no plan: {e}"));
    site::hold_together(&plan.files);
    for object in plan.files.iter().flat_map(RenderedFile::objects) {
        if let Some(there) = ObjectId::of(object).and_then(|id| live.get(&id)) {
            let _ = differences(object, there);
        }
    }
    let text = serde_json::to_vec(&plan.overlay).unwrap_or_else(|e| panic!("{e}"));
    let again: Overlay = serde_json::from_slice(&text).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(again, plan.overlay);
});
