//! Import into a registry that the site already runs.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use bundle_format::statement::{Release, Statement};
use bundle_format::version_index::{EMPTY, release_artifact};
use bundle_format::walk::{Bundle, Progress, Proved, Sink, SinkAction};
use bundle_format::{BlobSource, Descriptor, Digest, Document, Raw, media};
use registry_lite::client::{ClientError, Reference, Registry, Upload};

use super::agree::check_template;
use super::base::{self, Plan};
use super::keep::Keeping;
use super::place::Place as _;
use super::rebuild::Rebuilding;
use super::registry_place::RegistryPlace;
use super::{Amount, ImportError, Imported, cores};

/// A registry, and the path in it below which everything goes.
#[derive(Debug, Clone)]
pub struct RegistryTarget {
    /// The registry.
    pub registry: Registry,
    /// A repository path without slashes at its ends; may be empty.
    pub prefix: String,
}

impl RegistryTarget {
    /// The repository `path` below the prefix.
    #[must_use]
    pub fn repository(&self, path: &str) -> String {
        match self.prefix.as_str() {
            "" => path.to_owned(),
            prefix => format!("{prefix}/{path}"),
        }
    }
}

/// Proves the rest of `bundle` and pushes its content: the template version to `sealift/NAME`, each image to `HOST/REPOSITORY` of its
/// name, all below the target's prefix. Layers are pushed while they are read; manifests only when everything is proved; tags last.
/// Of a delta, the registry is asked for what it is made from before anything is pushed, and blobs are rebuilt with `memory` bytes.
///
/// # Errors
/// [`ImportError`]; no tag then shows anything of the bundle that it did not show before.
pub fn import_to_registry<R: Read>(
    bundle: Bundle<R>,
    target: &RegistryTarget,
    memory: u64,
    progress: &dyn Progress,
) -> Result<Imported, ImportError> {
    let released = bundle.release().value();
    let repository = target.repository(&format!("sealift/{}", released.predicate().name()));
    check_version(target, &repository, released)?;
    let list = bundle.list().value().predicate().clone();
    let place = RegistryPlace::new(target, &repository);
    let plan = match list.rebuild() {
        Some(rebuild) => base::plan(rebuild, &place, memory, progress)?,
        None => Plan::default(),
    };
    place.check_space(0, plan.temporary(&list))?;
    let inner = RegistrySink {
        registry: &target.registry,
        repository: repository.clone(),
        open: None,
        written: Amount::default(),
        present: plan.present,
    };
    let failed = |dir: &Path, source| ClientError::Local { place: dir.display().to_string(), source };
    let mut sink = Keeping::new(inner, plan.patches(), place.temporary(), failed);
    let proved = bundle.prove(&mut sink, progress)?;
    let (written, present) = (sink.inner.written, sink.inner.present);
    check_template(&proved, &target.registry.source(&repository)?)?;
    let rebuilt = match list.rebuild() {
        Some(list) => {
            let threads = cores().div_ceil(plan.jobs.len().max(1));
            Rebuilding { list, patches: &sink.patches, place: &place, memory, threads, progress }.run(plan.jobs)?
        }
        None => Amount::default(),
    };
    Publisher { target, proved: &proved, home: &repository }.publish()?;
    Ok(Imported {
        release: proved.release.id(),
        label: proved.version.label(),
        version: proved.version.raw().descriptor().digest,
        images: proved
            .version
            .images()
            .iter()
            .map(|i| format!("{}/{}", target.registry.host(), target.repository(&i.name.mirror_path())))
            .collect(),
        written,
        rebuilt,
        present,
    })
}

/// A version never changes silently: what its tag stands for must be this template version, or nothing yet.
fn check_version(target: &RegistryTarget, repository: &str, released: &Statement<Release>) -> Result<(), ImportError> {
    let (release, offered) = (released.predicate(), released.subject_digest());
    let tag = release.version().tag(release.revision());
    match target.registry.has_manifest(repository, Reference::Tag(&tag))? {
        Some(there) if there != offered => Err(ImportError::VersionExists {
            place: target.registry.host().to_owned(),
            label: released.subject_name().to_owned(),
            there,
            offered,
        }),
        _ => Ok(()),
    }
}

/// Pushes configurations and layers; manifests are kept by the walk until all is proved.
struct RegistrySink<'a> {
    registry: &'a Registry,
    repository: String,
    open: Option<(Upload, Descriptor)>,
    written: Amount,
    present: Amount,
}

impl Sink for RegistrySink<'_> {
    type Error = ClientError;

    fn begin(&mut self, blob: &Descriptor) -> Result<SinkAction, ClientError> {
        if blob.is_document() {
            return Ok(SinkAction::Pass);
        }
        if self.registry.has_blob(&self.repository, blob)? {
            self.present.add(blob.size);
            return Ok(SinkAction::Pass);
        }
        self.open = Some((self.registry.start_upload(&self.repository)?, blob.clone()));
        Ok(SinkAction::Take)
    }

    fn begin_patch(&mut self, _: Digest, _: u64) -> Result<SinkAction, ClientError> {
        Ok(SinkAction::Pass)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.open.as_mut().map_or(Ok(()), |(upload, _)| upload.write(bytes))
    }

    fn commit(&mut self) -> Result<(), ClientError> {
        let Some((upload, blob)) = self.open.take() else { return Ok(()) };
        upload.commit(&blob)?;
        self.written.add(blob.size);
        Ok(())
    }

    fn abort(&mut self) {
        if let Some((upload, _)) = self.open.take() {
            upload.abort();
        }
    }
}

/// Makes proved content visible.
struct Publisher<'a> {
    target: &'a RegistryTarget,
    proved: &'a Proved,
    /// The repository that holds every blob.
    home: &'a str,
}

impl Publisher<'_> {
    fn publish(&self) -> Result<(), ImportError> {
        let version = &self.proved.version;
        let mut tags = Vec::new();
        for image in version.images() {
            let repository = self.target.repository(&image.name.mirror_path());
            let name = image.name.to_string();
            for place in [self.home, repository.as_str()] {
                self.tree(place, image.root.digest, &name)?;
            }
            if let Some(tag) = image.name.tag() {
                tags.push((repository, tag.to_owned(), image.root.digest));
            }
        }
        let label = version.label();
        self.tree(self.home, version.raw().descriptor().digest, &label)?;
        self.release()?;
        for (repository, tag, digest) in tags {
            if let Some(raw) = self.proved.manifests.get(&digest) {
                self.put(&repository, Reference::Tag(&tag), raw)?;
            }
        }
        let tag = version.version().tag(version.revision());
        Ok(self.put(self.home, Reference::Tag(&tag), version.raw())?)
    }

    /// Puts a manifest by its digest, after everything that it refers to.
    fn tree(&self, repository: &str, root: Digest, image: &str) -> Result<(), ImportError> {
        let manifests = &self.proved.manifests;
        let mut done = BTreeSet::new();
        // Depth first without recursion: a manifest is put when it is met for the second time, after its children.
        let mut stack = vec![(root, false)];
        while let Some((digest, children_done)) = stack.pop() {
            let Some(raw) = manifests.get(&digest).filter(|_| !done.contains(&digest)) else { continue };
            match (raw.value(), children_done) {
                (Document::Index { manifests, .. }, false) => {
                    stack.push((digest, true));
                    stack.extend(manifests.iter().map(|m| (m.digest, false)));
                    continue;
                }
                (Document::Index { manifests: children, .. }, true) => {
                    let sparse = children.iter().any(|m| !manifests.contains_key(&m.digest));
                    self.put(repository, Reference::Digest(&digest), raw).map_err(|source| match sparse {
                        true => ImportError::Sparse {
                            place: self.target.registry.host().to_owned(),
                            image: image.to_owned(),
                            source: Box::new(source),
                        },
                        false => source.into(),
                    })?;
                }
                (Document::Image { .. }, _) => {
                    for blob in raw.value().children() {
                        self.bring(repository, blob)?;
                    }
                    self.put(repository, Reference::Digest(&digest), raw)?;
                }
            }
            done.insert(digest);
        }
        Ok(())
    }

    /// Makes a blob of the home repository known in another one.
    fn bring(&self, repository: &str, blob: &Descriptor) -> Result<(), ClientError> {
        bring(self.target, repository, blob, self.home)
    }

    /// The release envelope, as a referrer of the version index.
    fn release(&self) -> Result<(), ImportError> {
        let envelope = self.proved.release.envelope().bytes();
        let artifact = release_artifact(&self.proved.version, envelope)?;
        let registry = &self.target.registry;
        let blobs: BTreeMap<_, &[u8]> = [(media::OCI_EMPTY, EMPTY), (media::DSSE, envelope)].into_iter().collect();
        for (media_type, bytes) in blobs {
            let blob = Descriptor::of(media_type, bytes);
            if !registry.has_blob(self.home, &blob)? {
                registry.push_blob(self.home, &blob, bytes)?;
            }
        }
        Ok(self.put(self.home, Reference::Digest(&artifact.descriptor().digest), &artifact)?)
    }

    fn put(&self, repository: &str, reference: Reference<'_>, raw: &Raw) -> Result<(), ClientError> {
        let registry = &self.target.registry;
        if registry.has_manifest(repository, reference)? == Some(raw.descriptor().digest) {
            return Ok(());
        }
        registry.push_manifest(repository, reference, &raw.descriptor().media_type, raw.bytes()).map(drop)
    }
}

/// Makes a blob of the repository `from` known in another one.
pub(super) fn bring(
    target: &RegistryTarget,
    repository: &str,
    blob: &Descriptor,
    from: &str,
) -> Result<(), ClientError> {
    let registry = &target.registry;
    if repository == from
        || registry.has_blob(repository, blob)?
        || registry.mount_blob(repository, &blob.digest, from)?
    {
        return Ok(());
    }
    // Not every registry mounts: take the long way round.
    let source = registry.source(from)?;
    let reader = source
        .open(blob)
        .map_err(|e| ClientError::Local { place: registry.host().to_owned(), source: std::io::Error::other(e) })?;
    registry.push_blob(repository, blob, reader)
}
