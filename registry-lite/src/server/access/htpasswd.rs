//! A file of users that is followed while the server runs.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Instant;

use super::super::content::LOOK_EVERY;
use super::error::AccessError;
use super::users::{FILE_BYTES, Users};
use crate::store::Stamp;

/// The users of an htpasswd file. It is read again when it changes, which is looked at once a second at most, so that a user
/// is added or removed without a restart. Of a file that is gone or cannot be used, the users from before stay.
pub struct Htpasswd {
    path: PathBuf,
    state: Mutex<State>,
    /// Held by the one who reads. The others go on with what is there.
    reading: Mutex<()>,
    report: OnceLock<ReportTo>,
}

pub(super) type ReportTo = Box<dyn Fn(&AccessError) + Send + Sync>;

struct State {
    users: Arc<Users>,
    /// What was read last, for good or not: what is wrong with a file is reported once. `None`: it could not be looked at.
    version: Option<Stamp>,
    looked: Instant,
}

impl Htpasswd {
    /// Reads the file for the first time.
    ///
    /// # Errors
    /// The file cannot be read, is not in the format, or has nobody in it.
    pub fn open(path: &Path) -> Result<Self, AccessError> {
        let version = Stamp::of(path).map_err(|source| AccessError::Io { path: path.to_owned(), source })?;
        let users = read(path)?;
        if users.is_empty() {
            return Err(AccessError::NoUsers { path: path.to_owned() });
        }
        let state = State { users: Arc::new(users), version: Some(version), looked: Instant::now() };
        Ok(Self { path: path.to_owned(), state: Mutex::new(state), reading: Mutex::new(()), report: OnceLock::new() })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn report_to(&self, report: ReportTo) {
        let _ = self.report.set(report);
    }

    /// The users, unless the file is due to be looked at.
    pub(super) fn at_hand(&self) -> Option<Arc<Users>> {
        let state = self.state();
        (state.looked.elapsed() < LOOK_EVERY).then(|| Arc::clone(&state.users))
    }

    /// The users, after a look at the file if that is due.
    pub(super) fn current(&self) -> Arc<Users> {
        let reading = match self.reading.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(left)) => Some(left.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        };
        if reading.is_some()
            && let Err(error) = self.refresh()
            && let Some(report) = self.report.get()
        {
            report(&error);
        }
        Arc::clone(&self.state().users)
    }

    fn refresh(&self) -> Result<(), AccessError> {
        let known = {
            let mut state = self.state();
            if state.looked.elapsed() < LOOK_EVERY {
                return Ok(());
            }
            state.looked = Instant::now();
            state.version
        };
        let looked = Stamp::of(&self.path);
        let version = looked.as_ref().ok().copied();
        if version == known {
            return Ok(());
        }
        self.state().version = version;
        looked.map_err(|source| AccessError::Io { path: self.path.clone(), source })?;
        // A file that nobody is in any more is taken as it is: whoever removes the last user means it.
        let users = Arc::new(read(&self.path)?);
        self.state().users = users;
        Ok(())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Users, AccessError> {
    let bytes = || {
        // Before it is opened: a pipe would keep us waiting for its writer.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let mut bytes = Vec::new();
        File::open(path)?.take(FILE_BYTES as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = bytes().map_err(|source| AccessError::Io { path: path.to_owned(), source })?;
    Users::parse(&bytes).map_err(|source| AccessError::Users { path: path.to_owned(), source })
}

impl fmt::Debug for Htpasswd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Htpasswd").field("path", &self.path).finish_non_exhaustive()
    }
}
