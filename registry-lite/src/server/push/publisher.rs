//! The thread that changes what the site shows. Changes that wait together are published together: one new `index.json` and
//! its syncs for all of them.

use std::collections::HashSet;
use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::catalog::{Catalog, RepositoryName};
use crate::content::Site;
use crate::server::error::ApiError;
use crate::store::{Entry, Publishing, StoreError, Uploads};

/// Most changes that are published together.
const BATCH: usize = 256;
/// How often the thread looks after what was left open, when nothing else happens.
const IDLE: Duration = Duration::from_secs(60);

/// What one change sees, and makes its change in.
pub(super) struct Workbench<'w> {
    pub entries: &'w mut Vec<Entry>,
    pub catalog: &'w Catalog,
    pub site: &'w Site,
    pub uploads: &'w Uploads,
}

type Apply = Box<dyn FnOnce(&mut Workbench<'_>) -> Result<After, ApiError> + Send>;
type Tidy = Box<dyn FnOnce(&Site) + Send>;

/// What is left to do once a change is durable: nothing that may fail, and nothing that is missed if it does.
pub(super) struct After(Option<Tidy>);

impl After {
    pub fn nothing() -> Self {
        Self(None)
    }

    pub fn tidy(tidy: impl FnOnce(&Site) + Send + 'static) -> Self {
        Self(Some(Box::new(tidy)))
    }
}

/// A change of one repository.
pub(super) struct Job {
    repository: RepositoryName,
    apply: Apply,
}

impl Job {
    pub fn new(
        repository: RepositoryName,
        apply: impl FnOnce(&mut Workbench<'_>) -> Result<After, ApiError> + Send + 'static,
    ) -> Self {
        Self { repository, apply: Box::new(apply) }
    }

    /// No change of the roots: what is said of single blobs changed.
    pub fn touch(repository: RepositoryName) -> Self {
        Self::new(repository, |_| Ok(After::nothing()))
    }
}

type Reply = oneshot::Sender<Result<(), ApiError>>;

pub(super) struct Publisher {
    queue: Option<Sender<(Job, Reply)>>,
    thread: Option<JoinHandle<()>>,
}

impl Publisher {
    /// Starts the thread, which calls `idle` now and then.
    pub fn start(site: Arc<Site>, uploads: Arc<Uploads>, idle: impl Fn() + Send + 'static) -> Result<Self, StoreError> {
        let (queue, incoming) = channel();
        let path = site.store().dir().to_owned();
        let thread = std::thread::Builder::new().name("publisher".to_owned());
        let thread = thread.spawn(move || run(&site, &uploads, &incoming, idle));
        let thread = thread.map_err(|source| StoreError::Io { what: "starting a thread for", path, source })?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Makes a change: it is durable, and seen by every request that comes later, when this returns.
    pub async fn publish(&self, job: Job) -> Result<(), ApiError> {
        let gone = || ApiError::Storage(io::Error::other("the thread that publishes has ended"));
        let (reply, wait) = oneshot::channel();
        self.queue.as_ref().ok_or_else(gone)?.send((job, reply)).map_err(|_| gone())?;
        wait.await.map_err(|_| gone())?
    }
}

impl Drop for Publisher {
    fn drop(&mut self) {
        // The thread ends when nobody can send any more, and what was sent is done.
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn run(site: &Site, uploads: &Uploads, incoming: &Receiver<(Job, Reply)>, idle: impl Fn()) {
    loop {
        match incoming.recv_timeout(IDLE) {
            Ok(first) => {
                let batch = std::iter::once(first).chain(incoming.try_iter().take(BATCH - 1)).collect();
                publish(site, uploads, batch);
            }
            Err(RecvTimeoutError::Timeout) => idle(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
}

fn publish(site: &Site, uploads: &Uploads, batch: Vec<(Job, Reply)>) {
    let mut waiting = Vec::new();
    let done = site
        .store()
        .publishing()
        .map_err(ApiError::from)
        .and_then(|publishing| apply_all(site, uploads, &publishing, batch, &mut waiting));
    match done {
        Ok(tidy) => {
            tidy.into_iter().for_each(|tidy| tidy(site));
            waiting.into_iter().for_each(|reply| answer(reply, Ok(())));
        }
        Err(error) => {
            // All share one fate: the first is told in full, the others that it was so. A full disk is one for all of them.
            let (others, is_full) = (error.to_string(), matches!(error, ApiError::Full(_)));
            let again = || match is_full {
                true => ApiError::Full(StoreError::Io {
                    what: "publishing together with others in",
                    path: site.store().dir().to_owned(),
                    source: io::Error::new(io::ErrorKind::StorageFull, others.clone()),
                }),
                false => ApiError::Storage(io::Error::other(others.clone())),
            };
            let mut first = Some(error);
            for reply in waiting {
                answer(reply, Err(first.take().unwrap_or_else(again)));
            }
        }
    }
}

/// Those whose change fails by itself are answered here; the others are put into `waiting`, and share the fate of the whole.
fn apply_all(
    site: &Site,
    uploads: &Uploads,
    publishing: &Publishing<'_>,
    batch: Vec<(Job, Reply)>,
    waiting: &mut Vec<Reply>,
) -> Result<Vec<Tidy>, ApiError> {
    site.change(publishing, |entries, catalog| {
        let mut bench = Workbench { entries, catalog, site, uploads };
        let mut changed = HashSet::new();
        let mut tidy = Vec::new();
        for (job, reply) in batch {
            match (job.apply)(&mut bench) {
                Ok(after) => {
                    changed.insert(job.repository);
                    tidy.extend(after.0);
                    waiting.push(reply);
                }
                Err(error) => answer(reply, Err(error)),
            }
        }
        if !changed.is_empty() {
            site.store().sync_blobs()?;
        }
        Ok((tidy, changed))
    })
}

/// A client that went away is told nothing.
fn answer(reply: Reply, result: Result<(), ApiError>) {
    let _ = reply.send(result);
}
