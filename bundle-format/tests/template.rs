//! Templates from testdata: the good ones parse, the bad ones are reported as the file beside each says.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that cannot run has failed")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bundle_format::template::{Code, ComponentName, Manifest, Severity, Template, TemplateVersion, json_schema};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn shop() -> Vec<u8> {
    fs::read(root().join("testdata/templates/shop/sealift.yaml")).unwrap()
}

/// Compares `found` with a committed file, or writes it if the environment variable UPDATE is set.
fn compare(file: &Path, found: &str) {
    if std::env::var_os("UPDATE").is_some() {
        return fs::write(file, found).unwrap();
    }
    let expected = fs::read_to_string(file).unwrap_or_default();
    assert!(expected == found, "{} is stale; UPDATE=1 renews it. Found:\n{found}", file.display());
}

#[test]
fn the_schema_in_spec_is_that_of_the_types() {
    let schema = serde_json::to_string_pretty(&json_schema()).unwrap() + "\n";
    compare(&root().join("spec/schema/template.schema.json"), &schema);
}

#[test]
fn each_bad_template_is_reported_as_the_file_beside_it_says() {
    let mut count = 0;
    for entry in fs::read_dir(root().join("testdata/templates/bad")).unwrap() {
        let file = entry.unwrap().path();
        if file.extension().is_some_and(|e| e == "yaml") {
            let checked = Template::check(&fs::read(&file).unwrap());
            assert!(checked.template.is_none(), "{} is not bad", file.display());
            let report: String = checked.problems.iter().map(|p| format!("{p}\n")).collect();
            compare(&file.with_extension("txt"), &report);
            count += 1;
        }
    }
    assert!(count > 20);
}

#[test]
fn the_shop_is_in_order() {
    let checked = Template::check(&shop());
    assert_eq!(checked.problems, []);
    let shop = checked.template.unwrap();
    assert_eq!(shop.metadata.tag(), "1.0.0");
    let names = |set: BTreeSet<_>| set.into_iter().collect::<Vec<String>>();
    assert_eq!(
        names(shop.images().iter().map(ToString::to_string).collect()),
        ["api", "db", "web"].map(|n| format!("registry.example/shop/{n}:1.0.0"))
    );
    assert_eq!(
        names(shop.documents().iter().map(ToString::to_string).collect()),
        ["config/api.toml", "docs/README.md", "icon.png", "k8s/extra.yaml"]
    );
    let order: Vec<&str> = shop.in_dependency_order().iter().map(|c| c.name.as_str()).collect();
    let ranks = shop.in_ranks();
    assert_eq!(ranks.iter().flatten().count(), order.len());
    for (rank, component) in ranks.iter().enumerate().flat_map(|(rank, all)| all.iter().map(move |c| (rank, c))) {
        let before = |name: &ComponentName| ranks.iter().take(rank).flatten().any(|c| c.name == *name);
        assert!(component.depends_on.iter().all(before), "{} has rank {rank}", component.name);
    }
    assert_eq!(order, ["db", "migrate", "api", "web", "report"]);
    let web = &shop.components[0].image;
    assert_eq!(shop.image_source(web).unwrap().parts(), ("oci-archive", "images/web.tar"));
}

#[test]
fn the_template_of_real_images_and_the_one_to_start_from_are_in_order() {
    for file in ["testdata/images/shop-real/sealift.yaml", "testdata/templates/init/sealift.yaml"] {
        let text = fs::read(root().join(file)).unwrap();
        assert_eq!(Template::check(&text).problems, [], "{file}");
    }
}

#[test]
fn a_template_of_every_field_is_in_order_and_says_what_packing_makes() {
    let text = fs::read(root().join("testdata/templates/whole/sealift.yaml")).unwrap();
    let checked = Template::check(&text);
    assert_eq!(checked.problems, []);
    let whole = checked.template.unwrap();
    let again = serde_json::to_string(&whole).unwrap();
    assert_eq!(Template::parse(again.as_bytes()).unwrap(), whole);
    let carried: Vec<String> = whole.carried_documents().iter().map(ToString::to_string).collect();
    assert_eq!(carried, ["rendered/charts/cache.yaml", "rendered/kustomizations/policies.yaml"]);
}

#[test]
fn a_partial_version_may_refer_to_what_only_the_completed_one_has() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let text = format!(
        "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {{name: a, version: '2', completes: {{version: '1', \
         digest: '{digest}'}}}}\ncomponents: [{{name: web, image: 'w:1', dependsOn: [db], env: [{{name: H, service: \
         {{component: db, port: p}}}}], mounts: [{{component: files, volume: d, path: /d}}], plugins: [{{name: mesh}}]}}]\n\
         routes: [{{name: r, component: api, port: http}}]\nconfigGroups: [{{name: g, items: [], components: [db]}}]\n"
    );
    assert_eq!(Template::check(text.as_bytes()).problems, []);
}

#[test]
fn every_document_of_the_shop_is_there() {
    for path in Template::parse(&shop()).unwrap().documents() {
        let file = root().join("testdata/templates/shop").join(path.as_str());
        assert!(file.is_file(), "{}", file.display());
    }
}

#[test]
fn what_is_written_parses_to_the_same_template() {
    let template = Template::parse(&shop()).unwrap();
    for text in [serde_saphyr::to_string(&template).unwrap(), serde_json::to_string(&template).unwrap()] {
        assert_eq!(Template::parse(text.as_bytes()).unwrap(), template);
    }
}

#[test]
fn warnings_leave_a_template_usable() {
    let text = "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {name: a, version: '1'}\n\
                components: [{name: web, image: nginx}]\n";
    let checked = Template::check(text.as_bytes());
    assert!(checked.template.is_some());
    let found: Vec<_> = checked.problems.iter().map(|p| (p.severity, p.code, p.position.line)).collect();
    assert_eq!(found, [(Severity::Warning, Code::Risky, 4)]);
}

#[test]
fn hostile_sizes_are_refused_in_bounded_time() {
    let many = "- {name: A, bad: 1}\n".repeat(20_000);
    let components = format!("apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {{}}\ncomponents:\n{many}");
    let head = "apiVersion: sealift.dev/v1\nkind: Template\nmetadata: {name: a, version: '1'}\n";
    let dangling = format!("{head}components:\n{}", "- {name: a, image: 'nginx:1', dependsOn: [b]}\n".repeat(20_000));
    let variables: String =
        (0..1000).map(|i| format!("{{name: V{i}, service: {{component: a, port: x{i}}}}},")).collect();
    let variables = format!("{head}components: [{{name: a, image: 'nginx:1', env: [{variables}]}}]");
    let twice = format!("{head}files: [{}]", "{path: a},".repeat(1000));
    for (why, text) in [
        ("many components", dangling),
        ("many references", variables),
        ("many duplicates", twice),
        ("more than 4 MiB", " ".repeat((4 << 20) + 1)),
        ("a long key", format!("{}: 1", "k".repeat(1 << 20))),
        ("many values", format!("[{}]", "1,".repeat(1 << 20))),
        ("many problems", components),
    ] {
        let checked = Template::check(text.as_bytes());
        assert!(checked.template.is_none(), "{why}");
        assert!(checked.problems.len() <= 201, "{why}: {}", checked.problems.len());
    }
}

#[test]
fn a_long_comment_is_no_problem() {
    let text = "# a comment\n".repeat(1000) + &String::from_utf8(shop()).unwrap();
    assert!(Template::parse(text.as_bytes()).is_ok());
}

#[test]
fn a_version_and_its_revisions_have_tags_of_their_own() {
    let version: TemplateVersion = "2.1".parse().unwrap();
    assert_eq!([1, 2, 10].map(|r| version.tag(r)), ["2.1", "2.1-r2", "2.1-r10"]);
}

proptest::proptest! {
    #[test]
    fn no_damage_to_a_template_or_manifest_makes_reading_it_panic(
        at in proptest::prelude::any::<proptest::sample::Index>(),
        length in 0_usize..40,
        put in "[-a-z0-9:&*!|>{}\\[\\]'\",# \n\t]{0,12}",
    ) {
        let mut text = shop();
        let at = at.index(text.len());
        let end = (at + length).min(text.len());
        text.splice(at..end, put.bytes());
        let _ = Manifest::parse(&text);
        let checked = Template::check(&text);
        assert!(checked.template.is_some() || checked.problems.iter().any(|p| p.severity == Severity::Error));
        for problem in &checked.problems {
            assert!(problem.position.line >= 1, "{problem}");
        }
    }
}
