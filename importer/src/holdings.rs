//! The template versions that a site holds, read from its store alone.

use std::collections::BTreeMap;

use bundle_format::oci::OciError;
use bundle_format::template::{RelativePath, Template, TemplateError, TemplateName, TemplateVersion};
use bundle_format::version_index::{Documents, VersionIndex, VersionIndexError};
use bundle_format::{BlobSource, Code, Coded, Descriptor, Digest, Raw, SourceError, limits, media};
use registry_lite::{Store, StoreError};

use crate::marks::{Choice, Marked, marks};

/// Largest document that an installation reads into memory: what fits into a Kubernetes object, with room to say so.
const DOCUMENT_BYTES: u64 = 16 << 20;

/// A template version in a site's store.
#[derive(Debug)]
pub struct Holding {
    /// Its index.
    pub version: VersionIndex,
    /// Its documents.
    pub documents: Documents,
    /// The template.
    pub template: Template,
    /// The releases that vouch for it: identity, and the keys that verified it at import.
    pub releases: Vec<(String, Vec<String>)>,
}

/// Why a site's holdings cannot be read, or what was asked for is not among them.
#[derive(Debug, thiserror::Error)]
pub enum HoldingError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Content of the store.
    #[error(transparent)]
    Source(#[from] SourceError),
    /// A manifest or index of the store.
    #[error(transparent)]
    Oci(#[from] OciError),
    /// Content that is named as a template version is none.
    #[error(transparent)]
    VersionIndex(#[from] VersionIndexError),
    /// The template of another version of sealift, or a damaged one.
    #[error("the template of {label}: {source}")]
    Template {
        /// `NAME:TAG`.
        label: String,
        /// What is wrong.
        source: TemplateError,
    },
    /// A status is there and cannot be read.
    #[error("the status {id} ({artifact}) cannot be read: {why}")]
    Status {
        /// Its identity.
        id: String,
        /// Its artifact manifest.
        artifact: Digest,
        /// What is wrong.
        why: String,
    },
    /// The version was withdrawn.
    #[error("{label} was withdrawn at {at}{note}")]
    Withdrawn {
        /// `NAME:TAG`.
        label: String,
        /// When.
        at: String,
        /// Why: empty, or a colon and the note.
        note: String,
    },
    /// Only a released version is wanted, and this is none.
    #[error("{label} is not marked as released")]
    NotReleased {
        /// `NAME:TAG`.
        label: String,
    },
    /// The site does not hold it.
    #[error("{dir} does not hold {wanted}")]
    NotFound {
        /// The site.
        dir: String,
        /// What was asked for.
        wanted: String,
        /// What there is.
        there: Vec<String>,
    },
    /// The site holds several versions, whose order is not known.
    #[error("{dir} holds several versions of {name}")]
    Ambiguous {
        /// The site.
        dir: String,
        /// The template.
        name: String,
        /// Its versions, as `NAME:TAG`.
        there: Vec<String>,
    },
}

impl Coded for HoldingError {
    fn code(&self) -> Code {
        match self {
            Self::Store(e) => e.code(),
            Self::Source(_) | Self::Oci(_) | Self::VersionIndex(_) | Self::Template { .. } => Code::SiteDamaged,
            Self::Status { .. } => Code::SiteDamaged,
            Self::Withdrawn { .. } => Code::Withdrawn,
            Self::NotReleased { .. } => Code::NotReleased,
            Self::NotFound { .. } => Code::NotFound,
            Self::Ambiguous { .. } => Code::Ambiguous,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Store(e) => e.hint(),
            Self::NotFound { there, .. } if there.is_empty() => Some("import a bundle first".to_owned()),
            Self::NotFound { there, .. } => Some(format!("it holds {}", there.join(", "))),
            Self::Ambiguous { there, .. } => Some(format!("name one of {}", there.join(", "))),
            Self::Status { .. } => {
                Some("`sealift registry fsck` sets it aside if it is damaged; then import it again with --status".to_owned())
            }
            Self::Withdrawn { .. } => Some(
                "`sealift list` shows the status of every version, name another one; --withdrawn takes this one all the same"
                    .to_owned(),
            ),
            Self::NotReleased { .. } => Some(
                "a status comes with `sealift import --status FILE`; without --require-released none is needed".to_owned(),
            ),
            _ => Some("import the bundle again".to_owned()),
        }
    }
}

/// Every template version that `store` holds, in the order in which they came.
///
/// # Errors
/// [`HoldingError`].
pub fn holdings(store: &Store) -> Result<Vec<Holding>, HoldingError> {
    let entries = store.entries()?;
    entries.iter().filter(|e| is_version(e)).map(|e| Holding::read(store, e, &entries)).collect()
}

/// A version that was chosen.
#[derive(Debug)]
pub struct Chosen {
    /// The version.
    pub holding: Holding,
    /// Why higher ones were not.
    pub passed_over: Vec<HoldingError>,
}

/// The template version that `wanted` names: `NAME:TAG`, or `NAME` for the only one or the highest by semantic version that may be
/// chosen. Others are not read, so that a damaged one is in nobody's way but its own.
///
/// # Errors
/// [`HoldingError`].
pub fn find(store: &Store, wanted: &str, choice: Choice<'_>) -> Result<Chosen, HoldingError> {
    let dir = || store.dir().display().to_string();
    let entries = store.entries()?;
    let labels: Vec<String> = entries.iter().filter(|e| is_version(e)).filter_map(label).collect();
    let fits = |label: &String| match wanted.contains(':') {
        true => label == wanted,
        false => label.split(':').next() == Some(wanted),
    };
    let fitting: Vec<String> = labels.iter().filter(|l| fits(l)).cloned().collect();
    let mut holdings = Vec::new();
    for entry in entries.iter().filter(|e| is_version(e) && label(e).is_some_and(|l| fitting.contains(&l))) {
        holdings.push(Holding::read(store, entry, &entries)?);
    }
    if holdings.len() > 1 {
        if holdings.iter().any(|h| h.order().is_none()) {
            return Err(HoldingError::Ambiguous { dir: dir(), name: wanted.to_owned(), there: fitting });
        }
        holdings.sort_by_key(Holding::order);
    }
    let marks = if choice.is_free() { BTreeMap::new() } else { marks(store)? };
    let floor = choice.installed.and_then(|(version, revision)| order(version, revision));
    let mut passed_over = Vec::new();
    while let Some(holding) = holdings.pop() {
        // What is installed does not give way to something lower, unless that is said.
        if !passed_over.is_empty() && floor.is_some() && holding.order() < floor {
            break;
        }
        match choice.check(&holding.version.label(), marks.get(&holding.digest())) {
            Ok(()) => return Ok(Chosen { holding, passed_over }),
            Err(refused) => passed_over.push(refused),
        }
    }
    match passed_over.into_iter().next() {
        Some(highest) => Err(highest),
        None => Err(HoldingError::NotFound { dir: dir(), wanted: wanted.to_owned(), there: labels }),
    }
}

/// Place in the order of versions, if it is known.
fn order(version: &TemplateVersion, revision: u32) -> Option<(semver::Version, u32)> {
    Some((semver::Version::parse(version.as_str()).ok()?, revision))
}

/// The template version whose index has this digest.
///
/// # Errors
/// [`HoldingError`].
pub fn find_digest(store: &Store, digest: &Digest) -> Result<Holding, HoldingError> {
    let entries = store.entries()?;
    match entries.iter().find(|e| is_version(e) && e.digest == *digest) {
        Some(entry) => Holding::read(store, entry, &entries),
        None => Err(HoldingError::NotFound {
            dir: store.dir().display().to_string(),
            wanted: format!("the version {digest}"),
            there: entries.iter().filter(|e| is_version(e)).filter_map(label).collect(),
        }),
    }
}

/// The highest version of the template `name` among `all` that is higher than the one given, by semantic version and revision, and
/// not withdrawn by `marks`. Of versions whose order is not known, none is.
#[must_use]
pub fn upgrade<'a>(
    all: &'a [Holding],
    marks: &BTreeMap<Digest, Marked>,
    name: &TemplateName,
    version: &TemplateVersion,
    revision: u32,
) -> Option<&'a Holding> {
    let here = order(version, revision)?;
    let offered = |h: &&Holding| {
        h.version.name() == name
            && h.order().is_some_and(|order| order > here)
            && !marks.get(&h.digest()).is_some_and(Marked::is_withdrawn)
    };
    all.iter().filter(offered).max_by_key(|h| h.order())
}

pub(crate) fn is_version(entry: &Descriptor) -> bool {
    entry.artifact_type.as_deref() == Some(media::TEMPLATE)
}

/// `NAME:TAG` of a template version's entry.
pub(crate) fn label(entry: &Descriptor) -> Option<String> {
    entry.annotations.get(media::REF_NAME).and_then(|name| VersionIndex::label_of(name)).map(str::to_owned)
}

impl Holding {
    /// Digest of the version index.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.version.raw().descriptor().digest
    }

    fn order(&self) -> Option<(semver::Version, u32)> {
        order(self.version.version(), self.version.revision())
    }

    fn read(store: &Store, entry: &Descriptor, entries: &[Descriptor]) -> Result<Self, HoldingError> {
        let mut plain = entry.clone();
        plain.annotations.clear();
        let version = VersionIndex::read(document(store, &plain)?)?;
        let documents = Documents::read(document(store, version.documents())?)?;
        let yaml = store.read(documents.template(), limits::TEMPLATE_BYTES)?;
        let template =
            Template::parse(&yaml).map_err(|source| HoldingError::Template { label: version.label(), source })?;
        let mut releases = Vec::new();
        for artifact in entries {
            let Some(id) = artifact.annotations.get(media::RELEASE_ID) else { continue };
            let subject = document(store, artifact)?.value().subject().map(|s| s.digest);
            if subject == Some(entry.digest) {
                let keys = artifact.annotations.get(media::VERIFIED_BY).map(String::as_str).unwrap_or_default();
                let keys = keys.split(',').filter(|k| !k.is_empty()).map(str::to_owned).collect();
                releases.push((id.clone(), keys));
            }
        }
        Ok(Self { version, documents, template, releases })
    }

    /// The content of the documents that the installation of the template needs: manifests, configuration files, and what
    /// charts and kustomizations were rendered to.
    ///
    /// # Errors
    /// [`HoldingError`].
    pub fn read_documents(&self, store: &Store) -> Result<BTreeMap<RelativePath, Vec<u8>>, HoldingError> {
        let config = self.template.config_files().filter_map(|c| c.file.as_ref());
        let rendered = self.template.rendered_documents();
        let needed: Vec<_> = self.template.manifests.iter().chain(config).chain(&rendered).collect();
        let mut out = BTreeMap::new();
        for (path, file) in self.documents.files().iter().filter(|(path, _)| needed.contains(&path)) {
            out.insert(path.clone(), store.read(file, DOCUMENT_BYTES)?);
        }
        Ok(out)
    }

    /// Bytes of all content of the version that is in `store`, each blob once, and whether manifests of some platforms are not.
    ///
    /// # Errors
    /// [`HoldingError`].
    pub fn size(&self, store: &Store) -> Result<(u64, bool), HoldingError> {
        let mut seen = BTreeMap::new();
        let mut partial = false;
        let mut stack = vec![self.version.raw().descriptor().clone()];
        while let Some(blob) = stack.pop() {
            if seen.contains_key(&blob.digest) {
                continue;
            }
            if !store.has(&blob.digest, blob.size)? {
                partial = true;
                continue;
            }
            seen.insert(blob.digest, blob.size);
            if blob.is_document() {
                stack.extend(document(store, &blob)?.value().children().cloned());
            }
        }
        Ok((seen.values().sum(), partial))
    }
}

fn document(store: &Store, entry: &Descriptor) -> Result<Raw, HoldingError> {
    let bytes = store.read(entry, limits::MANIFEST_BYTES)?;
    Ok(Raw::parse(entry, bytes)?)
}
