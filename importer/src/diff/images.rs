//! The images of two versions compared: platform by platform, layer by layer.

use std::collections::{BTreeMap, BTreeSet};

use bundle_format::oci::{Descriptor, Document};
use bundle_format::version_index::Image;
use bundle_format::{Digest, ImageRef, limits, media};
use serde_json::Value;

use super::files::{self, FilesDiff};
use super::layer::{Limits, Tree};
use super::{Change, DiffError, FieldChange, Opened, fields};

/// A layer of an image that is in both versions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerDiff {
    /// Its digest.
    pub digest: Digest,
    /// Its bytes, as it travels.
    pub size: u64,
    /// What became of it.
    pub change: Change,
    /// Whether a bundle that has the layer carries it as it is.
    pub carried: bool,
}

/// An image for one platform.
#[derive(Debug, Clone, PartialEq)]
pub struct PlatformDiff {
    /// `linux/amd64`.
    pub platform: String,
    /// What became of it.
    pub change: Change,
    /// Digest of its manifest in the old version.
    pub old: Option<Digest>,
    /// Digest of its manifest in the new version.
    pub new: Option<Digest>,
    /// Fields of its configuration that differ.
    pub config: Vec<FieldChange>,
    /// Its layers: the new version's in order, then those that are gone.
    pub layers: Vec<LayerDiff>,
    /// Its files; nothing where they were not asked for, or there is only one side.
    pub files: Option<FilesDiff>,
}

/// An image that is not the same in both versions.
#[derive(Debug, Clone, PartialEq)]
pub struct ImageDiff {
    /// Its name and digest in the old version.
    pub old: Option<(String, Digest)>,
    /// Its name and digest in the new version.
    pub new: Option<(String, Digest)>,
    /// What became of it.
    pub change: Change,
    /// The platforms that differ.
    pub platforms: Vec<PlatformDiff>,
}

/// Bytes of content: every blob counts once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// What both versions need.
    pub shared: u64,
    /// What only the new version needs: about what is carried where layers are shared.
    pub new: u64,
    /// What only the old version needs.
    pub gone: u64,
}

/// The images that differ. Names are paired as they are, then by repository: another tag is no other image.
pub fn compare(old: &Opened, new: &Opened, files: Option<Limits>) -> Result<Vec<ImageDiff>, DiffError> {
    let mut found = Vec::new();
    for (was, is) in pairs(old.version().images(), new.version().images()) {
        if was.is_some_and(|w| is.is_some_and(|i| i.name == w.name && i.root.digest == w.root.digest)) {
            continue;
        }
        let (a, b) = (platforms(old, was)?, platforms(new, is)?);
        let mut platforms = Vec::new();
        for platform in a.keys().chain(b.keys()).collect::<BTreeSet<_>>() {
            let (x, y) = (a.get(platform), b.get(platform));
            if Change::between(x.map(|d| &d.digest), y.map(|d| &d.digest)) != Change::Same {
                platforms.push(self::platform(platform, (old, x), (new, y), files)?);
            }
        }
        let named = |i: &Image| (i.name.to_string(), i.root.digest);
        let (old, new) = (was.map(named), is.map(named));
        found.push(ImageDiff { change: Change::between(old.as_ref(), new.as_ref()), old, new, platforms });
    }
    Ok(found)
}

fn pairs<'a>(old: &'a [Image], new: &'a [Image]) -> Vec<(Option<&'a Image>, Option<&'a Image>)> {
    let mut left: Vec<_> = old.iter().filter(|o| !new.iter().any(|n| n.name == o.name)).collect();
    let repository = |name: &ImageRef| (name.host().to_owned(), name.repository().to_owned());
    let mut pairs = Vec::new();
    for image in new {
        let same = old.iter().find(|o| o.name == image.name);
        let renamed = || {
            let at = left.iter().position(|o| repository(&o.name) == repository(&image.name))?;
            Some(left.remove(at))
        };
        pairs.push((same.or_else(renamed), Some(image)));
    }
    pairs.extend(left.into_iter().map(|gone| (Some(gone), None)));
    pairs
}

/// The manifests of an image by platform. What is not in the bundle has none below it.
fn platforms(bundle: &Opened, image: Option<&Image>) -> Result<BTreeMap<String, Descriptor>, DiffError> {
    let mut found = BTreeMap::new();
    let mut open: Vec<_> = image.map(|i| (i.root.clone(), 0)).into_iter().collect();
    while let Some((at, depth)) = open.pop() {
        if media::is_index(&at.media_type) && depth < limits::INDEX_DEPTH {
            if let Some(raw) = bundle.document(&at)? {
                open.extend(raw.value().children().rev_cloned(depth + 1));
            }
            continue;
        }
        let mut name = at.platform.as_ref().map_or_else(|| "all platforms".to_owned(), |p| p.name());
        if let (None, Some((config, _))) = (&at.platform, manifest(bundle, &at)?) {
            let config = configuration(bundle, &config)?;
            let text = |key| config.get(key).and_then(Value::as_str);
            if let (Some(os), Some(architecture)) = (text("os"), text("architecture")) {
                name = format!("{os}/{architecture}");
            }
        }
        let count = found.keys().filter(|k: &&String| **k == name || k.starts_with(&format!("{name} #"))).count();
        found.insert(if count > 0 { format!("{name} #{}", count + 1) } else { name }, at);
    }
    Ok(found)
}

trait RevCloned<'a> {
    /// Copies, last first, for a stack, with the depth at which they are.
    fn rev_cloned(self, depth: usize) -> Vec<(Descriptor, usize)>;
}

impl<'a, I: Iterator<Item = &'a Descriptor>> RevCloned<'a> for I {
    fn rev_cloned(self, depth: usize) -> Vec<(Descriptor, usize)> {
        let mut all: Vec<_> = self.map(|d| (d.clone(), depth)).collect();
        all.reverse();
        all
    }
}

fn manifest(bundle: &Opened, at: &Descriptor) -> Result<Option<(Descriptor, Vec<Descriptor>)>, DiffError> {
    Ok(bundle.document(at)?.and_then(|raw| match raw.value() {
        Document::Image { config, layers, .. } => Some((config.clone(), layers.clone())),
        Document::Index { .. } => None,
    }))
}

/// A configuration without what layers say themselves; nothing where it is no JSON.
fn configuration(bundle: &Opened, config: &Descriptor) -> Result<Value, DiffError> {
    let bytes = bundle.whole(config, limits::MANIFEST_BYTES)?.unwrap_or_default();
    let mut value: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    if let Some(object) = value.as_object_mut() {
        object.remove("history");
        object.remove("rootfs");
    }
    Ok(value)
}

type Side<'a> = (&'a Opened, Option<&'a Descriptor>);

fn platform(name: &str, old: Side<'_>, new: Side<'_>, limits: Option<Limits>) -> Result<PlatformDiff, DiffError> {
    let read = |(bundle, at): Side<'_>| at.map_or(Ok(None), |at| manifest(bundle, at));
    let (was, is) = (read(old)?, read(new)?);
    let digest = |(_, at): Side<'_>| at.map(|d: &Descriptor| d.digest);
    let mut diff = PlatformDiff {
        platform: name.to_owned(),
        change: Change::between(digest(old).as_ref(), digest(new).as_ref()),
        old: digest(old),
        new: digest(new),
        config: Vec::new(),
        layers: Vec::new(),
        files: None,
    };
    let layers = |m: &Option<(Descriptor, Vec<Descriptor>)>| m.as_ref().map(|m| m.1.clone()).unwrap_or_default();
    let (a, b) = (layers(&was), layers(&is));
    let has = |list: &[Descriptor], d: &Descriptor| list.iter().any(|l| l.digest == d.digest);
    for layer in &b {
        let (change, carried) = match has(&a, layer) {
            true => (Change::Same, old.0.carries(layer) || new.0.carries(layer)),
            false => (Change::Added, new.0.carries(layer)),
        };
        diff.layers.push(LayerDiff { digest: layer.digest, size: layer.size, change, carried });
    }
    for layer in a.iter().filter(|l| !has(&b, l)) {
        let (change, carried) = (Change::Removed, old.0.carries(layer));
        diff.layers.push(LayerDiff { digest: layer.digest, size: layer.size, change, carried });
    }
    if let (Some(was), Some(is)) = (&was, &is) {
        diff.config = fields::changes(&configuration(old.0, &was.0)?, &configuration(new.0, &is.0)?);
        diff.files = match limits {
            Some(limits) => Some(compare_files((old.0, &a), (new.0, &b), limits)?),
            None => None,
        };
    }
    Ok(diff)
}

fn compare_files(
    old: (&Opened, &[Descriptor]),
    new: (&Opened, &[Descriptor]),
    limits: Limits,
) -> Result<FilesDiff, DiffError> {
    let shared = old.1.iter().zip(new.1).take_while(|(a, b)| a.digest == b.digest).count();
    if shared == old.1.len() && shared == new.1.len() {
        return Ok(FilesDiff::Compared(Vec::new()));
    }
    let mut base = Tree::default();
    // A file that an upper layer replaces was in a lower one: what both share must be read too, but only once.
    let (common, was) = old.1.split_at(shared);
    let is = new.1.split_at(shared).1;
    if let Some(why) = apply(&mut base, [old.0, new.0], common, limits)? {
        return Ok(FilesDiff::NotCompared(why));
    }
    let mut before = base.clone();
    if let Some(why) = apply(&mut before, [old.0, new.0], was, limits)? {
        return Ok(FilesDiff::NotCompared(why));
    }
    let mut after = base;
    Ok(match apply(&mut after, [new.0, old.0], is, limits)? {
        Some(why) => FilesDiff::NotCompared(why),
        None => FilesDiff::Compared(files::compare(&before, &after)),
    })
}

/// Puts layers on `tree`, from the first bundle that carries them; says why not if that cannot be.
fn apply(
    tree: &mut Tree,
    bundles: [&Opened; 2],
    layers: &[Descriptor],
    limits: Limits,
) -> Result<Option<String>, DiffError> {
    for layer in layers {
        let Some(bundle) = bundles.into_iter().find(|b| b.carries(layer)) else {
            return Ok(Some(format!("layer {} is not in this bundle", layer.digest)));
        };
        let Some(reader) = bundle.proved(layer)? else { continue };
        if let Err(e) = tree.apply(reader, limits) {
            return Ok(Some(format!("layer {}: {e}", layer.digest)));
        }
    }
    Ok(None)
}

/// What the versions need of each other's content, in bytes.
pub fn totals(old: &Opened, new: &Opened) -> Result<Totals, DiffError> {
    let (was, is) = (content(old)?, content(new)?);
    let sum = |a: &BTreeMap<Digest, u64>, keep: &dyn Fn(&Digest) -> bool| {
        a.iter().filter(|(d, _)| keep(d)).fold(0_u64, |sum, (_, size)| sum.saturating_add(*size))
    };
    Ok(Totals {
        shared: sum(&is, &|d| was.contains_key(d)),
        new: sum(&is, &|d| !was.contains_key(d)),
        gone: sum(&was, &|d| !is.contains_key(d)),
    })
}

/// All content that a version names: digest and bytes.
fn content(bundle: &Opened) -> Result<BTreeMap<Digest, u64>, DiffError> {
    let mut found = BTreeMap::new();
    let mut open = vec![(bundle.version().raw().descriptor().clone(), 0)];
    while let Some((at, depth)) = open.pop() {
        let seen = found.insert(at.digest, at.size).is_some();
        // Manifests of platforms that were left out are not here, and nothing is carried for them.
        if seen || !at.is_document() || depth > limits::INDEX_DEPTH + 1 {
            continue;
        }
        match bundle.document(&at)? {
            Some(raw) => open.extend(raw.value().children().rev_cloned(depth + 1)),
            None => drop(found.remove(&at.digest)),
        }
    }
    Ok(found)
}
