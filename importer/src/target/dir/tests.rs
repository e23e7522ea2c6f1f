//! A folder of manifests.

use std::os::unix::fs::PermissionsExt;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::plan::Leftovers;

const NO: Duration = Duration::ZERO;

fn place() -> Place {
    Place { namespace: "team".parse().unwrap(), name: "shop".parse().unwrap() }
}

fn object(kind: &str, name: &str) -> Value {
    let labels = json!({"app.kubernetes.io/managed-by": "sealift", "app.kubernetes.io/instance": "shop"});
    json!({"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": "team", "labels": labels}})
}

fn file(name: &str, objects: &[Value]) -> RenderedFile {
    RenderedFile::new(name.to_owned(), objects.to_vec()).unwrap()
}

fn id(object: &Value) -> ObjectId {
    ObjectId::of(object).unwrap()
}

fn target(dir: &TempDir, ours: &[&str]) -> DirTarget {
    DirTarget::new(&dir.path().join("out")).unwrap().files(ours.iter().map(|name| (*name).to_owned()).collect())
}

fn names(dir: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(dir.path().join("out")).map(|entries| entries.map(|e| e.unwrap().file_name()));
    let mut names: Vec<_> = entries.into_iter().flatten().map(|n| n.into_string().unwrap()).collect();
    names.sort();
    names
}

fn write(dir: &TempDir, name: &str, text: &str) {
    fs::create_dir_all(dir.path().join("out")).unwrap();
    fs::write(dir.path().join("out").join(name), text).unwrap();
}

#[test]
fn nothing_is_seen_until_everything_is_there() {
    let dir = TempDir::new().unwrap();
    let mut target = target(&dir, &[]);
    let (secret, map) = (object("Secret", "s"), object("ConfigMap", "m"));
    target.apply(&file("10-secret-s.yaml", std::slice::from_ref(&secret)), &Leftovers::new(), NO, &()).unwrap();
    target.apply(&file("20-m.yaml", std::slice::from_ref(&map)), &Leftovers::new(), NO, &()).unwrap();
    assert_eq!(names(&dir), [] as [&str; 0]);
    write(&dir, ".sealift-staging", "left by a kill");
    fs::remove_file(dir.path().join("out/.sealift-staging")).unwrap();
    fs::create_dir(dir.path().join("out/.sealift-staging")).unwrap();
    target.finish().unwrap();
    assert_eq!(names(&dir), ["10-secret-s.yaml", "20-m.yaml"], "what a kill left behind is swept");
    let mode = |name: &str| fs::metadata(dir.path().join("out").join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode("10-secret-s.yaml"), mode("20-m.yaml")), (0o600, 0o644));
    let live = target.observe(&place(), &[]).unwrap();
    assert_eq!(live.objects, [(id(&map), map), (id(&secret), secret)].into());
}

#[test]
fn files_of_others_are_refused_unless_they_are_adopted() {
    let dir = TempDir::new().unwrap();
    write(&dir, "20-m.yaml", "somebody's");
    let rendered = file("20-m.yaml", &[object("ConfigMap", "m")]);
    let refused = target(&dir, &[]).apply(&rendered, &Leftovers::new(), NO, &()).unwrap_err();
    assert!(matches!(refused, TargetError::Foreign { object } if object.ends_with("out/20-m.yaml")));
    assert_eq!(fs::read_to_string(dir.path().join("out/20-m.yaml")).unwrap(), "somebody's");
    for mut target in [target(&dir, &["20-m.yaml"]), target(&dir, &[]).adopt(true)] {
        target.apply(&rendered, &Leftovers::new(), NO, &()).unwrap();
        target.finish().unwrap();
        assert_eq!(fs::read_to_string(dir.path().join("out/20-m.yaml")).unwrap(), rendered.content());
    }
}

#[test]
fn what_is_removed_or_is_in_another_file_now_goes_and_the_rest_of_a_file_stays() {
    let dir = TempDir::new().unwrap();
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| object("ConfigMap", name));
    let mut first = target(&dir, &[]);
    for rendered in [
        file("20-gone.yaml", std::slice::from_ref(&a)),
        file("20-kept.yaml", std::slice::from_ref(&b)),
        file("20-part.yaml", &[c.clone(), d.clone()]),
        file("50-001-x.yaml", &[object("Service", "moves")]),
    ] {
        first.apply(&rendered, &Leftovers::new(), NO, &()).unwrap();
    }
    first.finish().unwrap();
    write(&dir, "notes.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: team}\n");
    let mut next = target(&dir, &["20-gone.yaml", "20-kept.yaml", "20-part.yaml", "50-001-x.yaml"]);
    next.remove(&[id(&a), id(&c)], NO, &()).unwrap();
    next.apply(&file("50-002-x.yaml", &[object("Service", "moves")]), &Leftovers::new(), NO, &()).unwrap();
    next.finish().unwrap();
    assert_eq!(names(&dir), ["20-kept.yaml", "20-part.yaml", "50-002-x.yaml", "notes.yaml"]);
    let live = next.observe(&place(), &[]).unwrap();
    assert!(live.get(&id(&b)).is_some() && live.get(&id(&d)).is_some() && live.get(&id(&c)).is_none());
}

#[test]
fn objects_are_found_by_their_labels_and_by_their_names() {
    let dir = TempDir::new().unwrap();
    assert_eq!(target(&dir, &[]).observe(&place(), &[]).unwrap(), Live::default(), "no folder is an empty one");
    let plain = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: extra, namespace: team}\ndata: {a: '1'}\n";
    write(&dir, "90-001-extra.yaml", plain);
    write(&dir, "99-copy.yaml", &plain.replace("'1'", "'2'"));
    write(&dir, "other.yaml", "not: [kubernetes");
    write(&dir, "moved.yaml", file("x.yaml", &[object("ConfigMap", "m")]).content());
    write(
        &dir,
        "theirs.yaml",
        &file("x.yaml", &[object("ConfigMap", "t")]).content().replace("instance: shop", "instance: other"),
    );
    let extra = ObjectId {
        group: String::new(),
        kind: "ConfigMap".into(),
        namespace: Some("team".into()),
        name: "extra".into(),
    };
    let live = target(&dir, &["90-001-extra.yaml"]).observe(&place(), std::slice::from_ref(&extra)).unwrap();
    let found: Vec<_> = live.objects.keys().map(|id| id.name.as_str()).collect();
    assert_eq!(found, ["extra", "m"]);
    assert_eq!(live.get(&extra).unwrap()["data"]["a"], "1", "our file says it");
}

#[test]
fn a_file_of_ours_that_cannot_be_read_is_named_with_its_line() {
    let dir = TempDir::new().unwrap();
    write(&dir, "20-m.yaml", "apiVersion: v1\nkind: [\n");
    let error = target(&dir, &["20-m.yaml"]).observe(&place(), &[]).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("out/20-m.yaml: line "), "{text}");
    assert!(matches!(error, TargetError::Manifest { .. }));
}
