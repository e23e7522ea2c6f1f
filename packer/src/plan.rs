//! What a bundle will hold, decided before a byte of it is written.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use bundle_format::archive::MemberName;
use bundle_format::delta::Spool;
use bundle_format::statement::{Member, PackingList, Rebuild, Release, Statement};
use bundle_format::template::{ImageUse, Manifest, RelativePath, Template, TemplateError};
use bundle_format::trust::{PrivateKey, Verified};
use bundle_format::version_index::{Documents, EMPTY, Image, OCI_LAYOUT, VersionIndex, index_json};
use bundle_format::{Descriptor, Digest, ImageRef, SourceError, limits, media};

use rustix::fs::{Mode, OFlags};

use crate::error::PackError;
use crate::images::{Gathered, gather};
use crate::rendered::{Rendered, render};
use crate::source::{ImageSource, SourceSpec};

/// Opens an image in a registry.
pub type RegistryOpener<'a> = dyn Fn(&ImageRef) -> Result<Box<dyn ImageSource>, SourceError> + 'a;

/// What to pack.
pub struct PackOptions<'a> {
    /// The template's file; everything it names lies beside it.
    pub template: &'a Path,
    /// Sources of images that come before what the template says.
    pub images: BTreeMap<ImageRef, SourceSpec>,
    /// Platforms to narrow multi-platform images to; all of them if empty.
    pub platforms: Vec<String>,
    /// When the release is said to be issued, if the template does not say: RFC 3339, UTC.
    pub issued_at: Option<String>,
    /// Opens an image in a registry.
    pub registry: &'a RegistryOpener<'a>,
}

/// A bundle to be: every member, with digest and size, and where its content is.
pub struct Plan {
    version: VersionIndex,
    release: Release,
    platforms: Vec<String>,
    omitted: BTreeSet<Digest>,
    pub(crate) members: Vec<(MemberName, u64, Content)>,
    pub(crate) sources: Vec<(ImageRef, Box<dyn ImageSource>)>,
    /// What is left to the site; none in a full bundle.
    pub(crate) rebuild: Option<Rebuild>,
    uncarried: Vec<(PathBuf, ImageUse)>,
}

/// Where a member's content is.
#[derive(Debug)]
pub(crate) enum Content {
    Bytes(Vec<u8>),
    File(PathBuf),
    /// In the source of this number.
    Image(usize, Box<Descriptor>),
    /// A patch.
    Spool(Spool),
}

/// A plan that is signed: its bytes are decided.
pub struct SignedPlan {
    pub(crate) release: Verified<Statement<Release>>,
    pub(crate) list: Verified<Statement<PackingList>>,
    pub(crate) members: Vec<(MemberName, u64, Content)>,
    pub(crate) sources: Vec<(ImageRef, Box<dyn ImageSource>)>,
    pub(crate) len: u64,
}

impl Plan {
    /// Reads the template, its files and the images' manifests, and decides on every member. Layers are not read.
    ///
    /// # Errors
    /// [`PackError`].
    pub fn make(options: &PackOptions<'_>) -> Result<Self, PackError> {
        let (bytes, template) = read_template(options.template)?;
        let base = options.template.parent().unwrap_or(Path::new(""));
        let mut sources = Vec::new();
        let mut images = Vec::new();
        let mut gathered = Vec::new();
        for name in template.images() {
            let source = open_source(name, &template, options, base)?;
            let content = gather(name, source.as_ref(), &options.platforms)?;
            images.push(Image { name: name.clone(), root: content.root.clone() });
            gathered.push(content);
            sources.push((name.clone(), source));
        }
        let mut files = Vec::new();
        let mut uncarried = Vec::new();
        for path in template.documents() {
            let file = base.join(path.as_str());
            files.push((path.clone(), describe(&template, path, base)?, Content::File(file.clone())));
            if template.manifests.contains(path) {
                let io = |source| PackError::File { path: file.clone(), source };
                let bytes = read_file(&file, limits::TEMPLATE_BYTES).map_err(io)?;
                uncarried.extend(check_manifest(&template, &file, &bytes)?);
            }
        }
        for Rendered { path, bytes, objects } in render(&template, base)? {
            let mut media_type = media::FILE;
            if objects {
                uncarried.extend(check_manifest(&template, Path::new(path.as_str()), &bytes)?);
                media_type = media::KUBERNETES_YAML;
            }
            files.push((path, Descriptor::of(media_type, &bytes), Content::Bytes(bytes)));
        }
        let yaml = Descriptor::of(media::TEMPLATE_YAML, &bytes);
        let documents = Documents::new(yaml.clone(), files.iter().map(|(path, file, _)| (path.clone(), file.clone())))?;
        let meta = &template.metadata;
        let revision = meta.revision.get();
        let version = VersionIndex::new(meta.name.clone(), meta.version.clone(), revision, &documents, images)?;

        let mut members = Members::default();
        members.layout(MemberName::OciLayout, OCI_LAYOUT.to_vec());
        let index = index_json(version.entries()).map_err(bundle_format::version_index::VersionIndexError::Json)?;
        members.layout(MemberName::IndexJson, index);
        for raw in [version.raw(), documents.raw()] {
            members.blob(raw.descriptor(), Content::Bytes(raw.bytes().to_vec()))?;
        }
        members.blob(&Descriptor::of(media::OCI_EMPTY, EMPTY), Content::Bytes(EMPTY.to_vec()))?;
        members.blob(&yaml, Content::Bytes(bytes))?;
        for (_, file, content) in files {
            members.blob(&file, content)?;
        }
        let omitted = members.images(&gathered)?;

        let mut release = Release::of(&version);
        release.channel = meta.channel.as_ref().map(ToString::to_string);
        release.epoch = meta.epoch;
        release.counter = meta.counter;
        release.issued_at = meta.created.as_ref().map(ToString::to_string).or_else(|| options.issued_at.clone());
        let platforms = options.platforms.clone();
        Ok(Self { version, release, platforms, omitted, members: members.list, sources, rebuild: None, uncarried })
    }

    /// Images that fields of manifests seem to name, which no pod described there runs, and which are not carried: the file, and
    /// where in it. An operator may want them.
    #[must_use]
    pub fn uncarried(&self) -> &[(PathBuf, ImageUse)] {
        &self.uncarried
    }

    /// The template version.
    #[must_use]
    pub fn version(&self) -> &VersionIndex {
        &self.version
    }

    /// Digest and bytes of every blob that is carried.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = (Digest, u64)> {
        self.members.iter().filter_map(|(name, size, _)| match name {
            MemberName::Blob(digest) => Some((*digest, *size)),
            _ => None,
        })
    }

    /// Signs release and packing list with `keys`: the release with all, the list with the first.
    ///
    /// # Errors
    /// [`PackError::Signing`]; more content than the format allows.
    pub fn sign(self, keys: &[&PrivateKey]) -> Result<SignedPlan, PackError> {
        let release = Verified::sign(self.release.about(&self.version), keys)?;
        let head = release.envelope().bytes();
        let mut listed = vec![Member { name: MemberName::Release, size: head.len() as u64, sha256: Digest::of(head) }];
        for (name, size, content) in &self.members {
            let sha256 = match (name, content) {
                (MemberName::Blob(digest) | MemberName::Patch(digest), _) => *digest,
                (_, Content::Bytes(bytes)) => Digest::of(bytes),
                _ => return Err(PackError::TooMuch("only blobs have content outside of memory")),
            };
            listed.push(Member { name: *name, size: *size, sha256 });
        }
        if listed.len() > limits::MEMBERS {
            return Err(PackError::TooMuch("a bundle has at most 200 000 members"));
        }
        let list = PackingList::new(release.id(), self.platforms, self.omitted, listed);
        let list = match self.rebuild {
            Some(rebuild) => list.rebuilding(rebuild),
            None => list,
        };
        let subject = self.version.raw().descriptor().digest;
        let list = Verified::sign(Statement::new(self.version.label(), subject, list), &keys[..keys.len().min(1)])?;
        let len = list.value().predicate().archive_len(list.envelope().bytes().len() as u64);
        let len = len.ok_or(PackError::TooMuch("the archive would have more than 2^64 bytes"))?;
        Ok(SignedPlan { release, list, members: self.members, sources: self.sources, len })
    }
}

impl SignedPlan {
    /// Bytes that the bundle will have.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "no bundle is empty")]
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The release.
    #[must_use]
    pub fn release(&self) -> &Verified<Statement<Release>> {
        &self.release
    }

    /// The packing list.
    #[must_use]
    pub fn list(&self) -> &Verified<Statement<PackingList>> {
        &self.list
    }
}

/// The members after the packing list, each content once.
#[derive(Default)]
struct Members {
    list: Vec<(MemberName, u64, Content)>,
    /// Size of each blob, and whether it is a manifest.
    seen: HashMap<Digest, (u64, bool)>,
    manifest_bytes: u64,
}

impl Members {
    fn layout(&mut self, name: MemberName, bytes: Vec<u8>) {
        self.list.push((name, bytes.len() as u64, Content::Bytes(bytes)));
    }

    fn blob(&mut self, blob: &Descriptor, content: Content) -> Result<(), PackError> {
        let kind = (blob.size, blob.is_document());
        match self.seen.insert(blob.digest, kind) {
            None if blob.size > limits::BLOB_BYTES => return Err(PackError::TooMuch("a blob has more than 1 TiB")),
            None => self.list.push((MemberName::Blob(blob.digest), blob.size, content)),
            Some(before) if before != kind => return Err(PackError::Contradiction { digest: blob.digest }),
            Some(_) => return Ok(()),
        }
        self.manifest_bytes += if blob.is_document() { blob.size } else { 0 };
        if self.manifest_bytes > limits::MANIFESTS_TOTAL_BYTES {
            return Err(PackError::TooMuch("the manifests have more than 64 MiB together"));
        }
        Ok(())
    }

    /// All manifests, then all configurations, then all layers (spec/bundle.md section 3.7). Returns what is omitted.
    fn images(&mut self, images: &[Gathered]) -> Result<BTreeSet<Digest>, PackError> {
        for raw in images.iter().flat_map(|image| &image.manifests) {
            self.blob(raw.descriptor(), Content::Bytes(raw.bytes().to_vec()))?;
        }
        let configs: BTreeSet<Digest> = images
            .iter()
            .flat_map(|image| &image.manifests)
            .filter_map(|raw| match raw.value() {
                bundle_format::Document::Image { config, .. } => Some(config.digest),
                bundle_format::Document::Index { .. } => None,
            })
            .collect();
        for layers in [false, true] {
            for (n, image) in images.iter().enumerate() {
                for blob in image.blobs.iter().filter(|b| configs.contains(&b.digest) != layers) {
                    self.blob(blob, Content::Image(n, Box::new(blob.clone())))?;
                }
            }
        }
        // What one image leaves out, another may bring.
        let omitted = images.iter().flat_map(|image| &image.omitted).copied();
        Ok(omitted.filter(|digest| !self.seen.contains_key(digest)).collect())
    }
}

fn read_template(path: &Path) -> Result<(Vec<u8>, Template), PackError> {
    let bytes =
        read_file(path, limits::TEMPLATE_BYTES).map_err(|source| PackError::Read { path: path.to_owned(), source })?;
    let template = Template::parse(&bytes)
        .map_err(|source: TemplateError| PackError::Template { path: path.to_owned(), source })?;
    Ok((bytes, template))
}

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// Those of the file system; a larger file.
pub fn read_file(path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    File::open(path)?.take(limit + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {limit} bytes")));
    }
    Ok(bytes)
}

/// Opens a file for reading; refuses folders, devices and pipes.
pub(crate) fn open_regular(path: &Path) -> io::Result<File> {
    // NONBLOCK: opening a named pipe would wait for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::open(path, flags, Mode::empty())?);
    match file.metadata()?.is_file() {
        true => Ok(file),
        false => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")),
    }
}

fn describe(template: &Template, path: &RelativePath, base: &Path) -> Result<Descriptor, PackError> {
    let media_type = if template.manifests.contains(path) { media::KUBERNETES_YAML } else { media::FILE };
    let file = base.join(path.as_str());
    let io = |source| PackError::File { path: file.clone(), source };
    let mut content = open_regular(&file).map_err(io)?;
    let (digest, size) = Digest::of_reader(&mut content).map_err(io)?;
    Ok(Descriptor::new(media_type, digest, size))
}

/// A file of Kubernetes objects must be readable at the site, and its pods run only images that travel. Returns the images that
/// other fields seem to name and that do not.
fn check_manifest(template: &Template, file: &Path, bytes: &[u8]) -> Result<Vec<(PathBuf, ImageUse)>, PackError> {
    let manifest = Manifest::parse(bytes).map_err(|source| PackError::Manifests { path: file.to_owned(), source })?;
    let packed = template.images();
    let uses = manifest.image_uses().into_iter().filter(|used| !packed.contains(&used.image));
    let (run, named): (Vec<_>, Vec<_>) = uses.partition(|used| used.pod);
    match run.into_iter().next() {
        Some(used) => Err(PackError::UnpackedImage { path: file.to_owned(), image: used.image }),
        None => Ok(named.into_iter().map(|used| (file.to_owned(), used)).collect()),
    }
}

fn open_source(
    name: &ImageRef,
    template: &Template,
    options: &PackOptions<'_>,
    base: &Path,
) -> Result<Box<dyn ImageSource>, PackError> {
    let image = |source| PackError::Image { name: name.clone(), source };
    let spec = match (options.images.get(name), template.image_source(name)) {
        (Some(spec), _) => spec.clone(),
        (None, Some(from)) => SourceSpec::parse(&from.to_string(), base).map_err(|e| {
            image(SourceError::Refused { place: options.template.display().to_string(), why: e.to_string() })
        })?,
        (None, None) => SourceSpec::Registry(name.clone()),
    };
    spec.open(options.registry).map_err(image)
}
