//! Uploads that clients began: in memory, since a client whose server was killed begins anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::OwnedMutexGuard;
use tokio::time::timeout;

use super::PushLimits;
use crate::catalog::RepositoryName;
use crate::server::error::ApiError;
use crate::server::route::UploadId;
use crate::store::Upload;

/// How long a request waits for the one before it on the same upload: a client that lost its connection may come back
/// before the server has noticed.
const BUSY_WAIT: Duration = Duration::from_secs(10);

/// How long a question waits for a request that writes.
const ASK_WAIT: Duration = Duration::from_secs(1);

pub(super) struct Sessions {
    limits: PushLimits,
    open: Mutex<HashMap<UploadId, Arc<Session>>>,
}

/// One upload.
pub(super) struct Session {
    repository: RepositoryName,
    upload: Shared,
    /// Whoever writes holds it.
    busy: Arc<tokio::sync::Mutex<()>>,
    touched: Mutex<Instant>,
}

/// An upload, shared with the threads that write to it.
type Shared = Arc<Mutex<Option<Upload>>>;

/// The right to write to an upload. A thread that writes has a clone: it may go on for a moment when the request that brought the
/// bytes is gone, and the next request must not come in between.
#[derive(Clone)]
pub(super) struct Open {
    upload: Shared,
    _busy: Option<Arc<OwnedMutexGuard<()>>>,
}

impl Open {
    /// An upload that no other request knows.
    pub fn alone(upload: Upload) -> Self {
        Self { upload: Arc::new(Mutex::new(Some(upload))), _busy: None }
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        lock(&self.upload).as_ref().map_or(0, Upload::len)
    }

    /// Adds bytes.
    ///
    /// # Errors
    /// [`ApiError::UploadUnknown`] if another request ended it; those of `write`.
    pub fn with<T>(&self, write: impl FnOnce(&mut Upload) -> Result<T, ApiError>) -> Result<T, ApiError> {
        lock(&self.upload).as_mut().map_or(Err(ApiError::UploadUnknown), write)
    }

    /// # Errors
    /// [`ApiError::UploadUnknown`] if another request ended it.
    pub fn take(&self) -> Result<Upload, ApiError> {
        lock(&self.upload).take().ok_or(ApiError::UploadUnknown)
    }
}

fn lock(upload: &Shared) -> MutexGuard<'_, Option<Upload>> {
    upload.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    /// # Errors
    /// [`ApiError::UploadInvalid`] if another request goes on writing.
    pub async fn open(self: &Arc<Self>) -> Result<Open, ApiError> {
        let guard = timeout(BUSY_WAIT, Arc::clone(&self.busy).lock_owned()).await;
        let why = "another request is writing to it";
        let busy = guard.map_err(|_| ApiError::UploadInvalid { why })?;
        self.touch();
        Ok(Open { upload: Arc::clone(&self.upload), _busy: Some(Arc::new(busy)) })
    }

    /// Bytes so far. The request of a client that lost its connection may still write what arrived of it, and the client would go on
    /// from a place that is wrong a moment later: so it waits for one that writes, unless that goes on.
    pub async fn len(&self) -> u64 {
        let _busy = timeout(ASK_WAIT, self.busy.lock()).await;
        lock(&self.upload).as_ref().map_or(0, Upload::len)
    }

    /// Notes that a request for it came to its end.
    pub fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_idle(&self, limit: Duration) -> bool {
        let touched = *self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.elapsed() > limit && self.busy.try_lock().is_ok()
    }
}

impl Sessions {
    pub fn new(limits: PushLimits) -> Self {
        Self { limits, open: Mutex::default() }
    }

    pub fn add(&self, repository: RepositoryName, upload: Upload) -> Result<UploadId, ApiError> {
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|e| ApiError::Storage(std::io::Error::other(e.to_string())))?;
        let id = UploadId::new(random);
        let session = Session {
            repository,
            upload: Arc::new(Mutex::new(Some(upload))),
            busy: Arc::default(),
            touched: Mutex::new(Instant::now()),
        };
        let mut open = self.open();
        self.check(&open)?;
        open.insert(id.clone(), Arc::new(session));
        Ok(id)
    }

    /// The upload, if it is one to `repository`.
    pub fn get(&self, id: &UploadId, repository: &RepositoryName) -> Option<Arc<Session>> {
        self.open().get(id).filter(|session| session.repository == *repository).map(Arc::clone)
    }

    pub fn remove(&self, id: &UploadId) {
        self.open().remove(id);
    }

    /// Forgets what nobody wrote to for long.
    pub fn sweep(&self) {
        self.open().retain(|_, session| !session.is_idle(self.limits.upload_time));
    }

    /// # Errors
    /// [`ApiError::TooManyUploads`].
    pub fn make_room(&self) -> Result<(), ApiError> {
        self.sweep();
        self.check(&self.open())
    }

    fn check(&self, open: &HashMap<UploadId, Arc<Session>>) -> Result<(), ApiError> {
        let limit = self.limits.uploads.get();
        if open.len() >= limit { Err(ApiError::TooManyUploads { limit }) } else { Ok(()) }
    }

    fn open(&self) -> MutexGuard<'_, HashMap<UploadId, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
