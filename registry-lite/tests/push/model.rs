//! Any sequence of pushes and deletions shows what a simple model says, at once and after a restart.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::media;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::content::{Image, index, sha256};
use crate::registry::Registry;

const NAMES: [&str; 2] = ["one/app", "docker.io/library/two"];
const TAGS: [&str; 2] = ["a", "b"];
/// Images 0 to 2; the index lists images 0 and 1.
const IMAGES: usize = 3;
const INDEX: usize = IMAGES;

#[derive(Debug, Clone)]
enum Step {
    Push { name: usize, item: usize, tag: Option<usize> },
    PushLayer { name: usize, image: usize },
    Mount { name: usize, from: usize, image: usize },
    DeleteTag { name: usize, tag: usize },
    DeleteManifest { name: usize, item: usize },
    DeleteLayer { name: usize, image: usize },
    Restart,
}

fn step() -> impl Strategy<Value = Step> {
    let name = || 0..NAMES.len();
    prop_oneof![
        5 => (name(), 0..=INDEX, prop::option::of(0..TAGS.len())).prop_map(|(name, item, tag)| Step::Push { name, item, tag }),
        1 => (name(), 0..IMAGES).prop_map(|(name, image)| Step::PushLayer { name, image }),
        1 => (name(), name(), 0..IMAGES).prop_map(|(name, from, image)| Step::Mount { name, from, image }),
        2 => (name(), 0..TAGS.len()).prop_map(|(name, tag)| Step::DeleteTag { name, tag }),
        3 => (name(), 0..=INDEX).prop_map(|(name, item)| Step::DeleteManifest { name, item }),
        2 => (name(), 0..IMAGES).prop_map(|(name, image)| Step::DeleteLayer { name, image }),
        1 => Just(Step::Restart),
    ]
}

/// What a repository should show.
#[derive(Debug, Default, Clone)]
struct Model {
    tags: BTreeMap<usize, usize>,
    /// What was pushed as a manifest and not deleted.
    items: BTreeSet<usize>,
    /// What was deleted though the index lists it, and layers though an image does.
    hidden: BTreeSet<usize>,
    hidden_layers: BTreeSet<usize>,
    /// Layers that wait for their manifest.
    waiting: BTreeSet<usize>,
}

impl Model {
    /// `held`: images whose manifest came to any repository.
    fn lists(&self, image: usize, held: &BTreeSet<usize>) -> bool {
        image < 2 && self.items.contains(&INDEX) && held.contains(&image)
    }

    fn shows(&self, item: usize, held: &BTreeSet<usize>) -> bool {
        self.items.contains(&item) || self.lists(item, held) && !self.hidden.contains(&item)
    }

    fn lists_layer(&self, image: usize, held: &BTreeSet<usize>) -> bool {
        (self.items.contains(&image) || self.lists(image, held)) && !self.hidden_layers.contains(&image)
    }

    fn shows_layer(&self, image: usize, held: &BTreeSet<usize>) -> bool {
        self.lists_layer(image, held) || self.waiting.contains(&image)
    }
}

struct World {
    registry: Registry,
    images: Vec<Image>,
    index: Vec<u8>,
    models: Vec<Model>,
    held: BTreeSet<usize>,
}

impl World {
    fn new() -> Self {
        let images: Vec<Image> = (0..IMAGES).map(|i| Image::new(&format!("image {i}"))).collect();
        let index = index(&[&images[0].manifest, &images[1].manifest]);
        Self {
            registry: Registry::new(),
            images,
            index,
            models: vec![Model::default(); NAMES.len()],
            held: BTreeSet::new(),
        }
    }

    fn digest(&self, item: usize) -> String {
        if item == INDEX { sha256(&self.index) } else { self.images[item].digest() }
    }

    /// Does `step`, and says which status was to be expected.
    fn take(&mut self, step: &Step) -> (u16, u16) {
        let found = |there: bool| if there { 202 } else { 404 };
        match *step {
            Step::Push { name, item, tag } => {
                let reference = tag.map_or_else(|| self.digest(item), |tag| TAGS[tag].to_owned());
                let to = format!("{}/manifests/{reference}", NAMES[name]);
                let model = &mut self.models[name];
                let answer = if item == INDEX {
                    model.hidden.retain(|image| *image >= 2);
                    self.registry.put_manifest(&to, media::OCI_INDEX, &self.index)
                } else {
                    let image = &self.images[item];
                    self.registry.push_blob(NAMES[name], &image.config);
                    self.registry.push_blob(NAMES[name], &image.layer);
                    model.hidden_layers.remove(&item);
                    model.waiting.remove(&item);
                    self.held.insert(item);
                    self.registry.put_manifest(&to, media::OCI_MANIFEST, &image.manifest)
                };
                model.hidden.remove(&item);
                model.items.insert(item);
                model.tags.extend(tag.map(|tag| (tag, item)));
                (answer.status, 201)
            }
            Step::PushLayer { name, image } => {
                self.registry.push_blob(NAMES[name], &self.images[image].layer);
                self.models[name].waiting.insert(image);
                (201, 201)
            }
            Step::Mount { name, from, image } => {
                let digest = sha256(&self.images[image].layer);
                let to = format!("{}/blobs/uploads/?mount={digest}&from={}", NAMES[name], NAMES[from]);
                let there = self.models[from].shows_layer(image, &self.held);
                if there {
                    self.models[name].waiting.insert(image);
                }
                (self.registry.request("POST", &to).send().status, if there { 201 } else { 202 })
            }
            Step::DeleteTag { name, tag } => {
                let there = self.models[name].tags.remove(&tag).is_some();
                let to = format!("{}/manifests/{}", NAMES[name], TAGS[tag]);
                (self.registry.delete(&to).status, found(there))
            }
            Step::DeleteManifest { name, item } => {
                let to = format!("{}/manifests/{}", NAMES[name], self.digest(item));
                let model = &mut self.models[name];
                let there = model.shows(item, &self.held);
                if there && model.lists(item, &self.held) {
                    model.hidden.insert(item);
                }
                model.items.remove(&item);
                model.tags.retain(|_, tagged| *tagged != item);
                (self.registry.delete(&to).status, found(there))
            }
            Step::DeleteLayer { name, image } => {
                let to = format!("{}/blobs/{}", NAMES[name], sha256(&self.images[image].layer));
                let model = &mut self.models[name];
                let there = model.shows_layer(image, &self.held);
                if model.lists_layer(image, &self.held) {
                    model.hidden_layers.insert(image);
                }
                model.waiting.remove(&image);
                (self.registry.delete(&to).status, found(there))
            }
            Step::Restart => {
                self.registry.restart();
                (200, 200)
            }
        }
    }

    fn check(&self) -> Result<(), TestCaseError> {
        let mut names: Vec<&str> = Vec::new();
        for (name, model) in NAMES.iter().zip(&self.models) {
            let tags: Vec<String> = model.tags.keys().map(|tag| TAGS[*tag].to_owned()).collect();
            prop_assert_eq!(self.registry.tags(name), tags, "tags of {}", name);
            for (tag, item) in &model.tags {
                prop_assert_eq!(self.registry.tagged(name, TAGS[*tag]), self.digest(*item), "{}:{}", name, TAGS[*tag]);
            }
            for item in 0..=INDEX {
                let there = self.registry.has_manifest(name, &self.digest(item));
                prop_assert_eq!(there, model.shows(item, &self.held), "manifest {} of {}", item, name);
            }
            for (i, image) in self.images.iter().enumerate() {
                let there = self.registry.has_blob(name, &image.layer);
                prop_assert_eq!(there, model.shows_layer(i, &self.held), "layer {} of {}", i, name);
            }
            names.extend((!model.items.is_empty()).then_some(*name));
        }
        names.sort_unstable();
        let listed = self.registry.get("_catalog").json();
        prop_assert_eq!(&listed["repositories"], &serde_json::json!(names));
        Ok(())
    }
}

proptest! {
    #![proptest_config(Config { cases: 32, max_shrink_iters: 200, failure_persistence: None, ..Config::default() })]

    #[test]
    fn pushes_and_deletions_in_any_order_show_what_the_model_says(steps in prop::collection::vec(step(), 1..25)) {
        let mut world = World::new();
        for step in &steps {
            let (got, expected) = world.take(step);
            prop_assert_eq!(got, expected, "{:?}", step);
            world.check()?;
        }
        world.registry.restart();
        world.check()?;
    }
}
