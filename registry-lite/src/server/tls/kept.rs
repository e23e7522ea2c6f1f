//! The certificate that is shown now, and where the next one comes from.

use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock, TryLockError};
use std::time::{Duration, Instant};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::clock;
use super::error::TlsError;
use super::files::Files;
use super::own::Own;
use crate::server::content::LOOK_EVERY;

/// How often our own certificate's end is looked at.
const HOUR: Duration = Duration::from_secs(3600);

pub(super) type ReportTo = Box<dyn Fn(&TlsError) + Send + Sync>;

/// Where the next certificate comes from.
#[derive(Debug)]
pub(super) enum Source {
    Files(Files),
    Own(Own),
}

impl Source {
    /// The next certificate, if it is time for it.
    fn next(&mut self) -> Result<Option<Arc<CertifiedKey>>, TlsError> {
        match self {
            Self::Files(files) => files.next(),
            Self::Own(own) => own.next(clock()),
        }
    }

    fn look_every(&self) -> Duration {
        match self {
            Self::Files(_) => LOOK_EVERY,
            Self::Own(_) => HOUR,
        }
    }
}

/// Shows one certificate to everybody, whatever name they ask for. Servers run for years where nobody comes by, so the next
/// one is taken up by the handshakes themselves.
pub(super) struct Kept {
    current: RwLock<Arc<CertifiedKey>>,
    /// Held by the handshake that looks, which may wait for a disk. The others go on with what is there.
    source: Mutex<(Source, Instant)>,
    report: OnceLock<ReportTo>,
}

impl Kept {
    pub(super) fn new(first: Arc<CertifiedKey>, source: Source) -> Self {
        let source = Mutex::new((source, Instant::now()));
        Self { current: RwLock::new(first), source, report: OnceLock::new() }
    }

    pub(super) fn report_to(&self, report: ReportTo) {
        let _ = self.report.set(report);
    }

    fn refresh(&self) -> Result<(), TlsError> {
        let mut guard = match self.source.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(left)) => left.into_inner(),
            Err(TryLockError::WouldBlock) => return Ok(()),
        };
        let (source, looked) = &mut *guard;
        if looked.elapsed() < source.look_every() {
            return Ok(());
        }
        *looked = Instant::now();
        if let Some(next) = source.next()? {
            *self.current.write().unwrap_or_else(PoisonError::into_inner) = next;
        }
        Ok(())
    }
}

impl ResolvesServerCert for Kept {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        if let Err(error) = self.refresh()
            && let Some(report) = self.report.get()
        {
            report(&error);
        }
        Some(Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner)))
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("source", &self.source).finish_non_exhaustive()
    }
}
