//! Uploads that clients began: in memory, since a client whose server was killed begins anew.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
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

pub(super) struct Sessions {
    limits: PushLimits,
    open: Mutex<HashMap<UploadId, Arc<Session>>>,
}

/// One upload.
pub(super) struct Session {
    repository: RepositoryName,
    upload: Arc<tokio::sync::Mutex<Option<Upload>>>,
    /// Bytes so far, as of the last request that ended.
    len: AtomicU64,
    touched: Mutex<Instant>,
}

/// The right to write to an upload.
pub(super) struct Open {
    upload: OwnedMutexGuard<Option<Upload>>,
    session: Arc<Session>,
}

impl Open {
    /// # Errors
    /// [`ApiError::UploadUnknown`] if another request took it and did not bring it back.
    pub fn take(&mut self) -> Result<Upload, ApiError> {
        self.upload.take().ok_or(ApiError::UploadUnknown)
    }

    pub fn put_back(mut self, upload: Upload) {
        self.session.len.store(upload.len(), Ordering::Relaxed);
        self.session.touch();
        *self.upload = Some(upload);
    }
}

impl Session {
    /// # Errors
    /// [`ApiError::UploadInvalid`] if another request goes on writing.
    pub async fn open(self: &Arc<Self>) -> Result<Open, ApiError> {
        let guard = timeout(BUSY_WAIT, Arc::clone(&self.upload).lock_owned()).await;
        let why = "another request is writing to it";
        let upload = guard.map_err(|_| ApiError::UploadInvalid { why })?;
        self.touch();
        Ok(Open { upload, session: Arc::clone(self) })
    }

    /// Bytes so far.
    pub fn len(&self) -> u64 {
        self.len.load(Ordering::Relaxed)
    }

    fn touch(&self) {
        *self.touched.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn is_idle(&self, limit: Duration) -> bool {
        let touched = *self.touched.lock().unwrap_or_else(PoisonError::into_inner);
        touched.elapsed() > limit && self.upload.try_lock().is_ok()
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
            upload: Arc::new(tokio::sync::Mutex::new(Some(upload))),
            len: AtomicU64::new(0),
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
