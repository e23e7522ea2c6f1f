//! Deltas and compact bundles in reports.

use bundle_format::statement::{BaseSet, PackingList, Rebuild};
use importer::import::Lacking;
use schemars::JsonSchema;
use serde::Serialize;

use crate::output::bytes;

/// What a bundle leaves to its site.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CarriageReport {
    /// Template versions that supply something.
    pub bases: Vec<BaseReport>,
    /// What a site must hold: all of one of these, as `NAME:TAG`.
    pub states: Vec<Vec<String>>,
    /// Blobs that every such site holds.
    pub present: Vec<PresentReport>,
    /// Blobs that are made there.
    pub rebuilt: Vec<RebuiltReport>,
    /// Most bytes of memory that making one of them needs.
    pub memory: u64,
    /// Bytes of blobs that are carried whole.
    pub whole_bytes: u64,
    /// Bytes of blobs that the site holds.
    pub present_bytes: u64,
    /// Bytes of blobs that it makes.
    pub rebuilt_bytes: u64,
    /// Bytes of the patches that it makes them with.
    pub patch_bytes: u64,
}

/// A template version that a site holds before.
#[derive(Debug, Serialize, JsonSchema)]
pub struct BaseReport {
    pub name: String,
    pub digest: String,
}

/// A blob that is not carried.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PresentReport {
    pub digest: String,
    pub size: u64,
    /// Template versions that have it.
    pub of: Vec<String>,
}

/// A blob that is made at the site.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RebuiltReport {
    pub digest: String,
    pub size: u64,
    /// The ways to make it, of which one is taken.
    pub patches: Vec<PatchReport>,
}

/// A way to make a blob.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PatchReport {
    pub digest: String,
    pub size: u64,
    /// Blobs that it is made from.
    pub sources: usize,
    pub memory: u64,
}

impl CarriageReport {
    /// What this list leaves to the site; nothing for a full bundle.
    pub fn of(list: &PackingList) -> Option<Self> {
        use bundle_format::archive::MemberName;
        let rebuild = list.rebuild()?;
        let size = |name: MemberName| list.members().iter().find(|m| m.name == name).map_or(0, |m| m.size);
        let names = |set: BaseSet| rebuild.names(set).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let sum = |wanted: fn(&MemberName) -> bool| {
            list.members().iter().filter(|m| wanted(&m.name)).map(|m| m.size).fold(0, u64::saturating_add)
        };
        let patch = |way: &bundle_format::statement::PatchUse| PatchReport {
            digest: way.patch.to_string(),
            size: size(MemberName::Patch(way.patch)),
            sources: way.sources.len(),
            memory: way.memory,
        };
        let rebuilt = rebuild.rebuilt.iter().map(|blob| RebuiltReport {
            digest: blob.digest.to_string(),
            size: blob.size,
            patches: blob.patches.iter().map(patch).collect(),
        });
        let present = rebuild.present.iter().map(|blob| PresentReport {
            digest: blob.digest.to_string(),
            size: blob.size,
            of: names(blob.bases),
        });
        let base = |base: &bundle_format::statement::Base| BaseReport {
            name: base.name.clone(),
            digest: base.digest.to_string(),
        };
        Some(Self {
            bases: rebuild.bases.iter().map(base).collect(),
            states: rebuild.states.iter().map(|state| names(*state)).collect(),
            memory: memory(rebuild),
            whole_bytes: sum(|name| matches!(name, MemberName::Blob(_))),
            patch_bytes: sum(|name| matches!(name, MemberName::Patch(_))),
            present_bytes: rebuild.present.iter().map(|b| b.size).fold(0, u64::saturating_add),
            rebuilt_bytes: rebuild.rebuilt.iter().map(|b| b.size).fold(0, u64::saturating_add),
            present: present.collect(),
            rebuilt: rebuilt.collect(),
        })
    }

    /// In short, for people.
    pub fn write(&self, kind: &str, text: &mut String) {
        text.push_str(&format!("kind     {kind}\n"));
        for state in &self.states {
            text.push_str(&format!("for      sites that hold {}\n", state.join(" and ")));
        }
        text.push_str(&format!("whole    {} carried as they are\n", bytes(self.whole_bytes)));
        if self.present_bytes > 0 {
            let (count, size) = (self.present.len(), bytes(self.present_bytes));
            text.push_str(&format!("present  {count} blobs, {size}, must be there\n"));
        }
        let (count, size, patches) = (self.rebuilt.len(), bytes(self.rebuilt_bytes), bytes(self.patch_bytes));
        text.push_str(&format!(
            "rebuilt  {count} blobs, {size}, are made there with {patches} of patches and {} of memory\n",
            bytes(self.memory)
        ));
    }

    /// Blob by blob, for people.
    pub fn write_blobs(&self, text: &mut String) {
        for blob in &self.present {
            text.push_str(&format!("present  {:>10}  {} of {}\n", bytes(blob.size), blob.digest, blob.of.join(" or ")));
        }
        for blob in &self.rebuilt {
            let sizes: Vec<_> = blob.patches.iter().map(|patch| bytes(patch.size)).collect();
            let size = bytes(blob.size);
            text.push_str(&format!("rebuilt  {size:>10}  {} by a patch of {}\n", blob.digest, sizes.join(" or ")));
        }
    }
}

fn memory(rebuild: &Rebuild) -> u64 {
    rebuild.rebuilt.iter().flat_map(|blob| &blob.patches).map(|way| way.memory).max().unwrap_or_default()
}

/// What an import of a delta lacks.
#[derive(Debug, Serialize, JsonSchema)]
pub struct LackingReport {
    /// What the delta was made for: all of one of these, as `NAME:TAG`.
    pub states: Vec<String>,
    /// Every blob that is not there as it should be.
    pub lacking: Vec<LackingBlob>,
}

/// A blob that a delta is made from.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LackingBlob {
    pub digest: String,
    pub size: u64,
    /// Whether it is there, but damaged.
    pub damaged: bool,
    /// Template versions that have it.
    pub supplied_by: Vec<String>,
}

impl LackingReport {
    pub fn of(lacking: &[Lacking], states: &[String]) -> Self {
        let blob = |blob: &Lacking| LackingBlob {
            digest: blob.digest.to_string(),
            size: blob.size,
            damaged: blob.damaged,
            supplied_by: blob.supplied_by.clone(),
        };
        Self { states: states.to_vec(), lacking: lacking.iter().map(blob).collect() }
    }
}

/// What came of comparing a release with its bases, or with itself.
#[cfg(feature = "packer")]
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ComparedReport {
    /// Bytes of a full bundle of the same.
    pub full_size: u64,
    /// What sites may hold, as `NAME:TAG`: all of one of these.
    pub states: Vec<Vec<String>>,
    pub blobs: Vec<TravelReport>,
}

/// How a blob travels.
#[cfg(feature = "packer")]
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TravelReport {
    /// The first image that has it.
    pub image: String,
    pub digest: String,
    pub size: u64,
    /// `present`, `rebuilt` or `whole`.
    pub way: &'static str,
    /// Bytes of its patches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patches: Option<u64>,
    /// What compressed it, where that was found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compressor: Option<String>,
    /// Why it is carried whole: `small`, `not-smaller`, `compressor`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
}

#[cfg(feature = "packer")]
impl ComparedReport {
    pub fn of(travels: &packer::Travels, size: u64) -> Self {
        use packer::{Way, Why};
        let blob = |blob: &packer::Travel| {
            let (way, patches, compressor, why) = match &blob.way {
                Way::Present => ("present", None, None, None),
                Way::Rebuilt { patches, compressor } => ("rebuilt", Some(*patches), Some(compressor.clone()), None),
                Way::Whole(Why::Small) => ("whole", None, None, Some("small")),
                Way::Whole(Why::NotSmaller) => ("whole", None, None, Some("not-smaller")),
                Way::Whole(Why::Compressor) => ("whole", None, None, Some("compressor")),
            };
            let (image, digest) = (blob.image.clone(), blob.digest.to_string());
            TravelReport { image, digest, size: blob.size, way, patches, compressor, why }
        };
        Self {
            full_size: size.saturating_add(travels.left_out).saturating_sub(travels.patches),
            states: travels.states.clone(),
            blobs: travels.blobs.iter().map(blob).collect(),
        }
    }

    /// For people: image by image.
    pub fn write(&self, size: u64, text: &mut String) {
        let percent = size.saturating_mul(1000) / self.full_size.max(1);
        let (now, full) = (bytes(size), bytes(self.full_size));
        text.push_str(&format!("size     {now} instead of {full} ({}.{} %)\n", percent / 10, percent % 10));
        for state in &self.states {
            text.push_str(&format!("for      sites that hold {}\n", state.join(" and ")));
        }
        let mut image = "";
        for blob in &self.blobs {
            if blob.image != image {
                image = &blob.image;
                text.push_str(&format!("carries  {image}\n"));
            }
            let digest = &blob.digest[..blob.digest.len().min(19)];
            let how = match (blob.way, blob.patches, blob.why) {
                ("rebuilt", Some(patches), _) => {
                    format!(
                        "rebuilt by {} of patches ({})",
                        bytes(patches),
                        blob.compressor.as_deref().unwrap_or_default()
                    )
                }
                (_, _, Some("small")) => "whole: too small for a patch".to_owned(),
                (_, _, Some("compressor")) => "whole: what compressed it is not known".to_owned(),
                (_, _, Some(_)) => "whole: a patch would hardly be smaller".to_owned(),
                _ => "present".to_owned(),
            };
            text.push_str(&format!("         {:>10}  {digest}  {how}\n", bytes(blob.size)));
        }
    }
}
