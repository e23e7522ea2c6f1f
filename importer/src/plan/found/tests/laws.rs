//! What is read back is what was done, whatever it was.

use std::sync::LazyLock;

use bundle_format::template::ComponentName;
use proptest::prelude::*;

use super::site::{Choice, choices, edits, read};
use super::*;
use crate::plan::tests::cases;
use crate::plan::{Attributes, Leftovers, effective};
use crate::target::memory::Cluster;

struct Case {
    template: Template,
    documents: Documents,
    enabled: BTreeSet<ComponentName>,
    choices: Vec<Choice>,
}

fn case(folder: &str, enabled: &[&str]) -> Case {
    let (template, documents) = read(folder);
    let enabled = enabled.iter().map(|name| name.parse().unwrap()).collect();
    let choices = choices(&template, &documents, &enabled);
    Case { template, documents, enabled, choices }
}

static FULL: LazyLock<Case> = LazyLock::new(|| case("templates/full", &["search"]));
static SHOP: LazyLock<Case> = LazyLock::new(|| case("templates/shop", &[]));
static CLOUD: LazyLock<Case> = LazyLock::new(|| case("cloud/v1", &["search"]));

/// Renders the version with `edits` in force, if they fit each other.
fn files(case: &Case, edits: &Overlay) -> Result<(Template, Documents, Vec<RenderedFile>), TestCaseError> {
    let vendor = Attributes::of(&case.template, &case.documents).unwrap();
    let version = effective(&case.template, &case.documents, &edits.applied_to(&vendor));
    let version = version.map_err(|e| TestCaseError::reject(e.to_string()))?;
    let files = with_modules(&version.template, &version.documents, &case.enabled, &BTreeSet::new());
    Ok((version.template, version.documents, files))
}

/// That of a site where `before` is in force, `edits` on the target are read as they are.
fn are_read(case: &Case, before: &Overlay, edits: &Overlay, server: bool) -> Result<(), TestCaseError> {
    let (template, documents, ours) = files(case, before)?;
    let theirs = files(case, &before.clone().under(edits.clone()))?.2;
    let there = if server {
        let mut cluster = Cluster::default();
        ours.iter().for_each(|file| cluster.apply(file, &Leftovers::new()));
        cluster.edit(&theirs);
        cluster.live()
    } else {
        live(&theirs)
    };
    let vendor = Attributes::of(&case.template, &case.documents).unwrap();
    let (had, has) = (before.applied_to(&vendor), before.clone().under(edits.clone()).applied_to(&vendor));
    let mut expected = Overlay::between(&had, &has);
    // A file that the version has no more has no place any more either: what somebody mounts there is not read.
    expected.values.retain(|path, _| path.field() != "config" || had.get(path).is_some());
    if server {
        // What a server chooses where nothing was said is nobody's wish; nor are labels on the vendor's own objects.
        expected.values.retain(|path, _| {
            let labelled = ["object/Job/", "object/Ingress/"].iter().any(|object| path.scope().starts_with(object));
            let chosen = matches!(path.field(), "class" | "nodePort") && had.get(path).is_none();
            !labelled && !chosen
        });
    }
    let found = found(&template, &documents, &ours, None, &there);
    let (found, expected) = (plain(found), plain(expected));
    // What differs is what there is to read, of hundreds of values.
    let without = |one: &Overlay, other: &Overlay| {
        let differs = |(path, value): &(&AttributePath, &Option<Value>)| other.values.get(*path) != Some(*value);
        Overlay { values: one.values.iter().filter(differs).map(|(p, v)| (p.clone(), v.clone())).collect() }
    };
    prop_assert_eq!(told(&without(&found, &expected)), told(&without(&expected, &found)));
    Ok(())
}

/// Without what a server says of a probe where nothing is said.
fn plain(mut edits: Overlay) -> Overlay {
    for probe in edits.values.values_mut().flatten().filter_map(Value::as_object_mut) {
        probe.retain(|field, value| field != "periodSeconds" || value != 10);
    }
    edits
}

#[test]
fn every_single_edit_is_read_as_it_is() {
    let mut wrong = Vec::new();
    for (name, case) in [("full", &*FULL), ("shop", &*SHOP)] {
        assert!(case.choices.len() > 50, "{name}: {}", case.choices.len());
        for (path, values) in &case.choices {
            // In files and on a server by turns: whatever comes of both together, the laws below say.
            for (at, value) in values.iter().enumerate().take(2) {
                let edit = Overlay { values: [(path.clone(), value.clone())].into() };
                if let Err(why) = are_read(case, &Overlay::default(), &edit, at == 1) {
                    wrong.push(format!("{name}, {path} to {value:?}, on a server: {}: {why}", at == 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), max_shrink_iters: 30, ..ProptestConfig::default() })]

    #[test]
    fn edits_of_the_full_template_are_read(before in edits(&FULL.choices), now in edits(&FULL.choices), server: bool) {
        are_read(&FULL, &before, &now, server)?;
    }

    #[test]
    fn edits_of_the_shop_are_read(before in edits(&SHOP.choices), now in edits(&SHOP.choices), server: bool) {
        are_read(&SHOP, &before, &now, server)?;
    }

    #[test]
    fn edits_of_the_cloud_are_read(before in edits(&CLOUD.choices), now in edits(&CLOUD.choices), server: bool) {
        are_read(&CLOUD, &before, &now, server)?;
    }
}
