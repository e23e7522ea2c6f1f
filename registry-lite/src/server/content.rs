//! What a server serves, and how it follows a store that changes while requests run.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use super::event::{Event, Report};
use super::metrics::Gauge;
use crate::catalog::Catalog;
use crate::extent::BlobRead;

/// One state of the content: what may be seen, and where its bytes are. A request uses one view from beginning to end.
#[derive(Clone)]
pub struct View {
    /// What may be seen.
    pub catalog: Arc<Catalog>,
    /// Where its bytes are.
    pub blobs: Arc<dyn BlobRead>,
}

/// Something that a server serves.
pub trait Content: Send + Sync {
    /// The current state. May wait for a disk; is called off the threads that must not.
    fn view(&self) -> View;

    /// Whether content can be served now. May wait for a disk.
    ///
    /// # Errors
    /// Why not.
    fn ready(&self) -> io::Result<()> {
        Ok(())
    }

    /// Numbers about the content. May wait for a disk.
    fn gauges(&self) -> Vec<Gauge> {
        let catalog = self.view().catalog;
        let count = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        vec![
            Gauge {
                name: "repositories",
                help: "Repositories that are served.",
                value: count(catalog.repositories(None).count()),
            },
            Gauge {
                name: "roots_not_served",
                help: "Entries of the content that are not served, because something of them is missing or wrong.",
                value: count(catalog.skipped().len()),
            },
        ]
    }
}

/// What never changes: a bundle.
impl Content for View {
    fn view(&self) -> View {
        self.clone()
    }
}

/// How often a [`Watched`] file is looked at, at most.
pub const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Which writing of a file this is, so far as stat(2) tells. A file that is replaced by rename(2) changes its inode.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Version {
    device: u64,
    inode: u64,
    modified: (i64, i64),
    size: u64,
}

impl Version {
    fn of(file: &Path) -> io::Result<Self> {
        let m = fs::metadata(file)?;
        Ok(Self { device: m.dev(), inode: m.ino(), modified: (m.mtime(), m.mtime_nsec()), size: m.len() })
    }
}

/// Content that is loaded anew when a file (`index.json`) changes. Requests that run keep the view that they began with, and
/// those that come while it loads get the old one. If loading fails, the old view stays, and the [`Report`] is told.
pub struct Watched<L> {
    file: PathBuf,
    load: L,
    report: Report,
    state: Mutex<State>,
    /// Held by the request that loads. The others go on with the old view, however long it takes.
    loading: Mutex<()>,
}

struct State {
    view: View,
    version: Version,
    looked: Instant,
}

impl<L, E> Watched<L>
where
    L: Fn() -> Result<View, E> + Send + Sync,
    E: std::error::Error + From<io::Error>,
{
    /// Loads for the first time.
    ///
    /// # Errors
    /// Those of `load`; that `file` cannot be looked at.
    pub fn new(file: PathBuf, load: L, report: Report) -> Result<Self, E> {
        // Before loading: a change that happens meanwhile is then seen as one.
        let version = Version::of(&file)?;
        let state = Mutex::new(State { view: load()?, version, looked: Instant::now() });
        Ok(Self { file, load, report, state, loading: Mutex::new(()) })
    }

    /// Loads anew, if the file is due to be looked at, is another one than was loaded, and no other request does it.
    fn refresh(&self) -> Result<(), E> {
        let _loading = match self.loading.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(left)) => left.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        let loaded = {
            let mut state = self.state();
            if state.looked.elapsed() < LOOK_EVERY {
                return Ok(());
            }
            state.looked = Instant::now();
            state.version
        };
        let version = Version::of(&self.file)?;
        if version != loaded {
            let view = (self.load)()?;
            let mut state = self.state();
            state.view = view;
            state.version = version;
        }
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<L, E> Content for Watched<L>
where
    L: Fn() -> Result<View, E> + Send + Sync,
    E: std::error::Error + From<io::Error>,
{
    fn view(&self) -> View {
        if let Err(cause) = self.refresh() {
            (self.report)(&Event::Reload { file: &self.file, cause: &cause });
        }
        self.state().view.clone()
    }

    /// Whether the file is there. Its last state is served in either case.
    fn ready(&self) -> io::Result<()> {
        Version::of(&self.file).map(drop)
    }
}
