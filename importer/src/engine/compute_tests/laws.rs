//! What holds for every plan, whatever the site has done.

use proptest::prelude::*;

use super::versions::{CHOICES, MODULES, VERSIONS};
use super::*;
use crate::plan::found::tests::site::edits;
use crate::plan::tests::cases;
use crate::plan::{ComponentChange, Row, Rule, Winner};

/// The first version with all its modules, where the site has changed values. Those that do not fit each other are no case.
fn site(edits: &Overlay) -> Result<World, TestCaseError> {
    let mut world = World::of(&VERSIONS);
    world.act(&Wish::version(0).switching(&MODULES, true)).unwrap();
    world.edit(edits).map_err(|e| TestCaseError::reject(e.to_string()))?;
    Ok(world)
}

/// The same, after an action to the same version took the values over.
fn settled(edits: &Overlay) -> Result<World, TestCaseError> {
    let mut world = site(edits)?;
    world.act(&Wish::version(0)).unwrap();
    Ok(world)
}

/// That the version that is installed needs nothing.
fn is_at_rest(world: &World, version: usize) -> Result<(), TestCaseError> {
    let (record, again) = world.plan(&Wish::version(version)).unwrap();
    let live = world.cluster.live();
    let rendered = again.files.iter().flat_map(|file| file.objects());
    let changed: Vec<_> = rendered
        .filter(|object| again.changed_objects().contains(&ObjectId::of(object).unwrap()))
        .map(|object| {
            (object, live.get(&ObjectId::of(object).unwrap()).map(|live| crate::plan::differences(object, live)))
        })
        .collect();
    prop_assert!(again.steps.is_empty(), "{:?}\n{:?}\n{:?}", changed, again.decisions, again.steps);
    let wins: Vec<_> = again.decisions.iter().filter(|d| d.winner == Winner::Vendor).collect();
    prop_assert!(wins.is_empty(), "{:?}", wins);
    prop_assert_eq!(&record.overlay, &world.records.last().unwrap().overlay);
    prop_assert_eq!(&record.found, &record.overlay);
    Ok(())
}

#[test]
fn what_an_interrupted_action_never_came_to_is_no_orphan() {
    let mut world = World::of(&VERSIONS);
    let planned = world.plan(&Wish::version(1)).unwrap();
    let payments = |step: &Step| matches!(step, Step::Apply { file, .. } if file.contains("payments"));
    let steps = planned.1.steps.iter().position(payments).unwrap();
    world.take(planned, Some(steps));
    let plan = world.act(&Wish::version(0)).unwrap();
    assert_eq!(change_of(&plan, "payments"), None);
    assert!(!plan.inventory.iter().any(|item| item.component.as_ref().is_some_and(|c| c.as_str() == "payments")));
    is_at_rest(&world, 0).unwrap();
}

fn is_held(path: &crate::plan::AttributePath) -> bool {
    Row::of(path).is_some_and(|row| row.rule == Rule::Held)
}

fn without_drift(overlay: &Overlay) -> Overlay {
    let mut rest = overlay.clone();
    rest.values.retain(|path, _| Row::of(path).unwrap().rule != Rule::Vendor);
    rest
}

/// The same objects, of those that were there.
fn are_there(before: &World, after: &World) -> Result<(), TestCaseError> {
    let (before, mut after) = (before.said(), after.said());
    after.retain(|id, _| before.contains_key(id));
    prop_assert_eq!(differing(&before, &after), Vec::<String>::new());
    Ok(())
}

#[test]
fn the_first_installation_is_at_rest() {
    is_at_rest(&site(&Overlay::default()).unwrap(), 0).unwrap();
}

#[test]
fn a_component_that_is_gone_is_an_orphan_until_it_is_pruned_and_its_claim_stays() {
    let mut world = site(&Overlay::default()).unwrap();
    world.act(&Wish::version(1)).unwrap();
    let before = world.said();
    let plan = world.act(&Wish::version(2)).unwrap();
    assert_eq!(change_of(&plan, "legacy"), Some(ComponentChange::Orphan));
    let of_legacy = |id: &ObjectId| id.name.starts_with("cloud-legacy");
    let legacy = |objects: BTreeMap<ObjectId, Value>| -> BTreeMap<_, _> {
        objects.into_iter().filter(|(id, _)| of_legacy(id)).collect()
    };
    assert_eq!(legacy(world.said()), legacy(before), "it runs as before");
    let (_, again) = world.plan(&Wish::version(2)).unwrap();
    assert_eq!((again.steps.len(), change_of(&again, "legacy")), (0, Some(ComponentChange::Orphan)));
    let mut returned = world.clone();
    assert_eq!(change_of(&returned.go_back(None, false).unwrap(), "legacy"), Some(ComponentChange::Add));
    is_at_rest(&returned, 1).unwrap();
    let plan = world.act(&Wish::version(2).pruning()).unwrap();
    assert_eq!(change_of(&plan, "legacy"), Some(ComponentChange::Remove));
    let left: Vec<String> = legacy(world.said()).keys().map(ToString::to_string).collect();
    assert_eq!(left, ["PersistentVolumeClaim cloud-legacy-old"]);
    is_at_rest(&world, 2).unwrap();
}

#[test]
fn what_a_failed_installation_never_came_to_is_nobodys_orphan() {
    let mut world = World::of(&VERSIONS);
    let planned = world.plan(&Wish::version(1)).unwrap();
    let payments = |step: &Step| matches!(step, Step::Apply { file, .. } if file.ends_with("payments.yaml"));
    let short = planned.1.steps.iter().position(payments).unwrap();
    let mut further = world.clone();
    further.take(world.plan(&Wish::version(1)).unwrap(), Some(short + 1));
    world.take(planned, Some(short));
    let plan = world.act(&Wish::version(0)).unwrap();
    assert_eq!(change_of(&plan, "payments"), None, "it was never made");
    assert!(plan.inventory.iter().all(|i| !i.object.name.ends_with("payments")));
    assert_eq!(change_of(&further.act(&Wish::version(0)).unwrap(), "payments"), Some(ComponentChange::Orphan));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases().div_ceil(2), max_shrink_iters: 30, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_that_was_applied_leaves_nothing_to_do(edits in edits(&CHOICES), version in 0..3_usize, all: bool, settles: bool) {
        let mut world = if settles { settled(&edits)? } else { site(&edits)? };
        let accept = if all { Accept::all() } else { Accept::default() };
        world.act(&Wish { accept, ..Wish::version(version) }).unwrap();
        is_at_rest(&world, version)?;
    }

    #[test]
    fn an_upgrade_changes_no_held_value(edits in edits(&CHOICES), version in 1..3_usize) {
        let mut world = site(&edits)?;
        let before = edits.applied_to(&world.in_force());
        let plan = world.act(&Wish::version(version)).unwrap();
        let vendor = Attributes::of(&VERSIONS[0].template, &VERSIONS[0].documents).unwrap();
        let (found, done) = (without_drift(&plan.found).applied_to(&vendor), without_drift(&edits).applied_to(&vendor));
        prop_assert_eq!(Overlay::between(&done, &found), Overlay::default());
        let after = world.in_force();
        let there = after.scopes();
        for (path, value) in before.iter().filter(|(path, _)| is_held(path) && there.contains(path.scope())) {
            prop_assert_eq!(Some(value), after.get(path), "{}", path);
        }
        for path in edits.values.iter().filter(|(path, value)| is_held(path) && value.is_none()).map(|(path, _)| path) {
            prop_assert_eq!(None, after.get(path), "{}", path);
        }
    }

    #[test]
    fn a_rollback_restores_every_object(edits in edits(&CHOICES), version in 1..3_usize, exact: bool, all: bool) {
        let before = settled(&edits)?;
        let mut world = before.clone();
        let accept = if all { Accept::all() } else { Accept::default() };
        world.act(&Wish { accept, ..Wish::version(version) }).unwrap();
        world.go_back(None, exact).unwrap();
        if exact {
            prop_assert_eq!(differing(&before.said(), &world.said()), Vec::<String>::new());
        } else {
            are_there(&before, &world)?;
        }
        is_at_rest(&world, 0)?;
    }

    #[test]
    fn a_rollback_returns_to_what_the_site_had_done_before_the_upgrade(edits in edits(&CHOICES), exact: bool) {
        let mut world = site(&edits)?;
        let before = edits.applied_to(&world.in_force());
        world.act(&Wish::version(1)).unwrap();
        world.go_back(None, exact).unwrap();
        let differences = without_drift(&Overlay::between(&before, &world.in_force()));
        let grown = |path: &crate::plan::AttributePath| path.field() == "volumes";
        let wrong: Vec<_> = differences.values.keys().filter(|path| !grown(path)).collect();
        prop_assert!(wrong.is_empty(), "{:?}", wrong);
        is_at_rest(&world, 0)?;
    }

    #[test]
    fn a_module_that_is_switched_off_and_on_again_is_as_it_was(
        edits in edits(&CHOICES),
        chosen in proptest::sample::subsequence(MODULES.to_vec(), 1..=4),
    ) {
        let before = settled(&edits)?;
        let mut world = before.clone();
        world.act(&Wish::version(0).switching(&chosen, false)).unwrap();
        is_at_rest(&world, 0)?;
        let off = world.said();
        for id in before.said().keys().filter(|id| matches!(id.kind.as_str(), "ConfigMap" | "PersistentVolumeClaim" | "Secret")) {
            prop_assert!(off.contains_key(id), "{} stays", id);
        }
        world.act(&Wish::version(0).switching(&chosen, true)).unwrap();
        prop_assert_eq!(differing(&before.said(), &world.said()), Vec::<String>::new());
        is_at_rest(&world, 0)?;
    }
}

proptest! {
    // Six actions a case.
    #![proptest_config(ProptestConfig { cases: cases().div_ceil(4), max_shrink_iters: 30, ..ProptestConfig::default() })]

    #[test]
    fn an_interrupted_upgrade_is_continued_or_undone(
        edits in edits(&CHOICES),
        version in 1..3_usize,
        cut in any::<prop::sample::Index>(),
        second in any::<prop::sample::Index>(),
    ) {
        let before = settled(&edits)?;
        let wish = Wish::version(version);
        let mut undisturbed = before.clone();
        let plan = undisturbed.act(&wish).unwrap();
        let mut cut_off = before.clone();
        let planned = before.plan(&wish).unwrap();
        let steps = cut.index(planned.1.steps.len() + 1);
        cut_off.take(planned, Some(steps));

        let mut continued = cut_off.clone();
        let again = continued.act(&wish).unwrap();
        prop_assert_eq!(&again.found, &plan.found, "no half-applied value is the site's");
        prop_assert_eq!(differing(&undisturbed.said(), &continued.said()), Vec::<String>::new());
        prop_assert_eq!(&continued.records.last().unwrap().overlay, &undisturbed.records.last().unwrap().overlay);
        is_at_rest(&continued, version)?;

        let mut undone = cut_off.clone();
        let back = undone.go_back(None, false).unwrap();
        prop_assert_eq!(&back.found, &plan.found, "no half-applied value is the site's");
        are_there(&before, &undone)?;
        is_at_rest(&undone, 0)?;

        // Killed on its way back as well, and then on its way forth again.
        let planned = cut_off.plan_back(None, false).unwrap();
        let steps = second.index(planned.1.steps.len() + 1);
        cut_off.take(planned, Some(steps));
        let again = cut_off.act(&wish).unwrap();
        prop_assert_eq!(&again.found, &plan.found, "no half-applied value is the site's");
        prop_assert_eq!(differing(&undisturbed.said(), &cut_off.said()), Vec::<String>::new());
        is_at_rest(&cut_off, version)?;
    }
}
