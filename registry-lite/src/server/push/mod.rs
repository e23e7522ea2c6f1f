//! What a server that takes pushes adds: sessions, and one thread that publishes. A read-only server has none of it.

mod change;
mod publisher;
mod receive;
mod sessions;

use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body::Body;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use self::publisher::{Job, Publisher};
use self::receive::{collect, receive};
use self::sessions::{Open, Session, Sessions};
use super::error::ApiError;
use super::event::{Event, Report};
use super::handlers::target;
use super::route::{Address, Change, Reference, UploadId};
use crate::catalog::RepositoryName;
use crate::content::Site;
use crate::digest::{Algorithm, ContentDigest};
use crate::manifest::Manifest;
use crate::server::{Content as _, View};
use crate::store::{Mark, StoreError, Upload, Uploads};

pub use receive::ContentRange;

/// Manifests that arrive at one time: 4 MiB each, and some times that while they are read. More wait.
const MANIFESTS_AT_ONCE: usize = 8;
/// Time that a manifest may take to arrive.
const MANIFEST_TIME: Duration = Duration::from_secs(60);

/// What clients may leave open.
#[derive(Debug, Clone, Copy)]
pub struct PushLimits {
    /// Uploads at one time. Each takes one file descriptor and its bytes on the disk.
    pub uploads: NonZeroUsize,
    /// Time after which an upload that nobody writes to is forgotten.
    pub upload_time: Duration,
}

impl Default for PushLimits {
    fn default() -> Self {
        Self { uploads: NonZeroUsize::new(512).unwrap_or(NonZeroUsize::MIN), upload_time: Duration::from_secs(60 * 60) }
    }
}

/// Takes pushes and deletions for a site.
pub struct Pusher {
    site: Arc<Site>,
    uploads: Arc<Uploads>,
    sessions: Arc<Sessions>,
    publisher: Publisher,
    /// Places for manifests that arrive: they are held in memory.
    manifests: Semaphore,
    report: Report,
}

/// What the headers of a request say about its body.
#[derive(Debug, Clone, Default)]
pub struct Sent {
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Content-Range`, as chunks of an upload have it.
    pub range: Option<String>,
    /// `Content-Length`.
    pub length: Option<u64>,
}

/// What was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// An upload goes on: its name, and the bytes that came.
    Open(UploadId, u64),
    /// How far an upload is.
    Progress(UploadId, u64),
    /// An upload is forgotten.
    Cancelled,
    /// A blob is there.
    Blob(ContentDigest),
    /// A manifest is there.
    Manifest {
        /// Its digest, by the algorithm that the client named it with.
        digest: ContentDigest,
        /// What it was named by.
        reference: Reference,
        /// What it is about.
        subject: Option<ContentDigest>,
        /// The further tags that it was given.
        tags: Vec<String>,
    },
    /// Something is gone.
    Deleted,
}

impl Pusher {
    /// Takes the site's folder of uploads.
    ///
    /// # Errors
    /// [`StoreError`]: another server has it, or nothing can be written there.
    pub fn open(site: Arc<Site>, limits: PushLimits, report: Report) -> Result<Arc<Self>, StoreError> {
        let uploads = Arc::new(site.store().uploads()?);
        let sessions = Arc::new(Sessions::new(limits));
        let idle = {
            let sessions = Arc::clone(&sessions);
            move || sessions.sweep()
        };
        let publisher = Publisher::start(Arc::clone(&site), Arc::clone(&uploads), idle)?;
        let manifests = Semaphore::new(MANIFESTS_AT_ONCE);
        Ok(Arc::new(Self { site, uploads, sessions, publisher, manifests, report }))
    }

    /// Makes a change. If this is dropped, as when the client goes away, what has come of an upload stays, and what is being named or
    /// published is.
    ///
    /// # Errors
    /// [`ApiError`].
    pub async fn change<B>(self: &Arc<Self>, change: Change, body: B, sent: Sent) -> Result<Done, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let done = self.make(change, body, sent).await;
        if let Err(cause @ (ApiError::Storage(_) | ApiError::Full(_))) = &done {
            let source = std::error::Error::source(cause).unwrap_or(cause);
            (self.report)(&Event::Store { cause: source });
        }
        done
    }

    async fn make<B>(self: &Arc<Self>, change: Change, body: B, sent: Sent) -> Result<Done, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        match change {
            Change::Begin { address, digest: Some(digest), .. } => self.whole(&address, digest, body).await,
            Change::Begin { address, mount: Some(digest), from, algorithm, .. } => {
                self.mount(address, digest, from, algorithm).await
            }
            Change::Begin { address, algorithm, .. } => self.begin(&address, algorithm).await,
            Change::Progress(address, id) => {
                let len = self.session(&address, &id)?.len().await;
                Ok(Done::Progress(id, len))
            }
            Change::Append(address, id) => {
                let session = self.session(&address, &id)?;
                let len = self.append(&session, &address, &id, body, &sent).await?;
                Ok(Done::Open(id, len))
            }
            Change::Finish(address, id, digest) => self.finish(&address, &id, digest, body, &sent).await,
            Change::Cancel(address, id) => {
                self.session(&address, &id)?;
                self.sessions.remove(&id);
                Ok(Done::Cancelled)
            }
            Change::PutManifest(address, reference, tags) => {
                // The semaphore is never closed.
                let _place = self.manifests.acquire().await;
                let why = "its manifest took too long to arrive";
                let bytes = timeout(MANIFEST_TIME, collect(body)).await;
                let bytes = bytes.map_err(|_| ApiError::UploadInvalid { why })??;
                self.put_manifest(&address, reference, tags, bytes, sent.content_type).await
            }
            Change::DeleteManifest(address, reference) => {
                let job = change::delete_manifest(target(&address)?, reference, address.name);
                self.publisher.publish(job).await.map(|()| Done::Deleted)
            }
            Change::DeleteBlob(address, digest) => self.delete_blob(address, digest).await,
        }
    }

    fn session(&self, address: &Address, id: &UploadId) -> Result<Arc<Session>, ApiError> {
        self.sessions.get(id, &target(address)?).ok_or(ApiError::UploadUnknown)
    }

    async fn begin(self: &Arc<Self>, address: &Address, algorithm: Algorithm) -> Result<Done, ApiError> {
        let repository = target(address)?;
        self.sessions.make_room()?;
        let upload = self.blocking(move |p| Ok(p.uploads.begin(algorithm)?)).await?;
        let id = self.sessions.add(repository, upload)?;
        Ok(Done::Open(id, 0))
    }

    async fn append<B>(
        &self,
        session: &Arc<Session>,
        address: &Address,
        id: &UploadId,
        body: B,
        sent: &Sent,
    ) -> Result<u64, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let open = session.open().await?;
        sent.check(open.len(), || location(address, id))?;
        let received = receive(body, &open).await;
        session.touch();
        received.map(|()| open.len())
    }

    async fn finish<B>(
        self: &Arc<Self>,
        address: &Address,
        id: &UploadId,
        digest: ContentDigest,
        body: B,
        sent: &Sent,
    ) -> Result<Done, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let session = self.session(address, id)?;
        self.append(&session, address, id, body, sent).await?;
        let upload = session.open().await?.take()?;
        self.sessions.remove(id);
        self.commit(target(address)?, upload, digest).await
    }

    async fn whole<B>(self: &Arc<Self>, address: &Address, digest: ContentDigest, body: B) -> Result<Done, ApiError>
    where
        B: Body<Data = Bytes> + Unpin,
    {
        let repository = target(address)?;
        let upload = self.blocking(move |p| Ok(p.uploads.begin(digest.algorithm())?)).await?;
        let open = Open::alone(upload);
        receive(body, &open).await?;
        self.commit(repository, open.take()?, digest).await
    }

    async fn commit(
        self: &Arc<Self>,
        repository: RepositoryName,
        upload: Upload,
        named: ContentDigest,
    ) -> Result<Done, ApiError> {
        self.blocking(move |p| {
            let found = upload.digest(named.algorithm())?;
            if found != named {
                return Err(ApiError::DigestMismatch { named, found });
            }
            p.uploads.commit(upload, &named, &repository)?;
            Ok(Done::Blob(named))
        })
        .await
    }

    async fn mount(
        self: &Arc<Self>,
        address: Address,
        digest: ContentDigest,
        from: Option<String>,
        algorithm: Algorithm,
    ) -> Result<Done, ApiError> {
        let repository = target(&address)?;
        let namespace = address.namespace.clone();
        let is_there = move |view: &View| match from {
            Some(name) => is_visible(view, &Address { name, namespace }, &digest),
            // Without a repository to take it from: from wherever it is (distribution-spec, "Mounting a blob").
            None => Ok(true),
        };
        let mounted = self.blocking(move |p| Ok(is_there(&p.site.view())? && p.intend(&repository, &digest, true)?));
        match mounted.await? {
            true => Ok(Done::Blob(digest)),
            false => self.begin(&address, algorithm).await,
        }
    }

    /// Keeps a blob that is held for a manifest that is to come, and says whether it is held.
    fn intend(&self, repository: &RepositoryName, digest: &ContentDigest, durably: bool) -> Result<bool, StoreError> {
        let store = self.site.store();
        let held = {
            let _naming = store.naming()?;
            let held = store.blob_len(digest)?.is_some();
            if held {
                store.touch_mark(repository, Mark::Pushed, digest)?;
            }
            held
        };
        if held && durably {
            store.sync_marks(repository, Mark::Pushed)?;
        }
        Ok(held)
    }

    /// A client that may push asked whether a blob is here, and was told that it is: it will not push it, and rely on it.
    pub async fn told(self: &Arc<Self>, address: &Address, digest: ContentDigest) {
        let Ok(repository) = target(address) else { return };
        // If it fails, the client's manifest is refused for want of the blob, and the client pushes it.
        let _ = self.blocking(move |p| Ok(p.intend(&repository, &digest, false)?)).await;
    }

    async fn put_manifest(
        self: &Arc<Self>,
        address: &Address,
        reference: Reference,
        mut tags: Vec<String>,
        bytes: Vec<u8>,
        content_type: Option<String>,
    ) -> Result<Done, ApiError> {
        let repository = target(address)?;
        let algorithm = match &reference {
            Reference::Digest(named) => named.algorithm(),
            Reference::Tag(_) => Algorithm::default(),
        };
        let digest = ContentDigest::of(algorithm, &bytes);
        if let Reference::Digest(named) = reference
            && named != digest
        {
            return Err(ApiError::DigestMismatch { named, found: digest });
        }
        // Parameters of a media type, as in `…+json; charset=utf-8`, are not part of it.
        let media_type = content_type.as_deref().and_then(|t| t.split(';').next()).map(str::trim);
        let manifest = Manifest::parse(media_type, &bytes).map_err(|source| ApiError::ManifestInvalid { source })?;
        let further = tags.clone();
        if let Reference::Tag(tag) = &reference {
            tags.push(tag.clone());
        }
        let subject = manifest.subject().copied();
        let listed = manifest.references().to_vec();
        let upload = self
            .blocking(move |p| {
                let mut upload = p.uploads.begin(algorithm)?;
                upload.write(&bytes)?;
                upload.sync()?;
                Ok(upload)
            })
            .await?;
        let job = change::put_manifest(repository, digest, manifest, tags, upload);
        let published = self.publisher.publish(job).await;
        if let Err(ApiError::ManifestBlobUnknown { .. }) = &published {
            self.blocking(move |p| Ok(change::set_damaged_aside(p.site.store(), &listed)?)).await?;
        }
        published?;
        Ok(Done::Manifest { digest, reference, subject, tags: further })
    }

    async fn delete_blob(self: &Arc<Self>, address: Address, digest: ContentDigest) -> Result<Done, ApiError> {
        let repository = target(&address)?;
        let unknown = ApiError::BlobUnknown { name: address.name.clone(), digest: digest.to_string() };
        let listed = self
            .blocking(move |p| {
                let (view, store) = (p.site.view(), p.site.store());
                // A question finds a repository by a bare name as well: a change does not.
                let shown = view.catalog.repository(&repository);
                let listed = shown.is_some_and(|r| r.blob(&digest, &view.shelf).is_some());
                let is_here = listed || store.is_marked(&repository, Mark::Pushed, &digest)?;
                if !is_here || store.blob_len(&digest)?.is_none() {
                    return Err(unknown);
                }
                if shown.is_some_and(|r| r.is_of_version(&digest, &view.shelf)) {
                    return Err(change::of_version(&digest));
                }
                if store.unmark(&repository, Mark::Pushed, &digest)? {
                    store.sync_marks(&repository, Mark::Pushed)?;
                }
                if listed {
                    store.mark(&repository, Mark::Removed, &digest)?;
                }
                Ok(listed.then_some(repository))
            })
            .await?;
        if let Some(repository) = listed {
            self.publisher.publish(Job::touch(repository)).await?;
        }
        Ok(Done::Deleted)
    }

    async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let pusher = Arc::clone(self);
        let done = tokio::task::spawn_blocking(move || work(&pusher)).await;
        done.unwrap_or_else(|panicked| Err(ApiError::Storage(io::Error::other(panicked))))
    }
}

/// Whether `digest` is a blob of the repository at `address`: listed by a manifest or pushed for one, and held.
fn is_visible(view: &View, address: &Address, digest: &ContentDigest) -> Result<bool, ApiError> {
    let found = view.catalog.find(&address.name, address.namespace.as_deref());
    let listed = found.is_ok_and(|found| found.repository.blob(digest, &view.shelf).is_some());
    let visible = listed
        || match target(address) {
            Ok(repository) => view.shelf.marks.is_pushed(&repository, digest)?,
            Err(_) => false,
        };
    let held = || view.shelf.documents.blobs().stamp(digest).map_err(ApiError::Storage);
    Ok(visible && held()?.is_some())
}

/// Where an upload goes on.
pub fn location(address: &Address, id: &UploadId) -> String {
    format!("/v2/{}/blobs/uploads/{id}{}", address.name, address.query())
}
