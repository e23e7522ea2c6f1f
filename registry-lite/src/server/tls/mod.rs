//! TLS in front of the server (spec/registry.md, "TLS"): with a certificate of the operator's, or with one of our own from an
//! authority of our own, for a place that has none.

mod authority;
mod error;
mod files;
mod kept;
mod names;
mod own;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use tokio_rustls::TlsAcceptor;

pub use error::TlsError;
use files::Files;
use kept::{Kept, Source};
pub use names::{NAMES, ServerNames};
use own::Own;

/// What the server speaks TLS with: versions 1.2 and 1.3, HTTP/1.1 only. Clones share one certificate, which is replaced by the
/// next one while the server runs.
#[derive(Clone)]
pub struct Tls {
    config: Arc<ServerConfig>,
    kept: Arc<Kept>,
}

/// The authority that signed a certificate of our own: what clients are to trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnCa {
    /// `ca.crt`.
    pub path: PathBuf,
    /// What is in it.
    pub pem: String,
    /// SHA-256 of the certificate, as `openssl x509 -noout -fingerprint -sha256` prints it: `AB:CD:…`.
    pub fingerprint_sha256: String,
    /// When it ends. A new one has to be given to every client before.
    pub ends: SystemTime,
    /// Whether it was made just now, so that no client trusts it yet.
    pub is_new: bool,
}

impl Tls {
    /// A certificate chain and a key of the operator's own, in PEM; the server's certificate first, the key in PKCS#8,
    /// PKCS#1 or SEC 1. Both are read again when one of them changes, which is looked at once a second at most.
    ///
    /// # Errors
    /// A file cannot be read, or is not PEM of its kind; others than the owner and the group may read or write the key; the key is
    /// not the certificate's.
    pub fn from_files(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let provider = provider();
        let (files, first) = Files::open(cert, key, Arc::clone(&provider))?;
        Self::new(Kept::new(first, Source::Files(files)), provider)
    }

    /// A certificate of our own for `names`, from an authority of our own, both in `dir`. They are made when they are not
    /// there, and kept. The certificate is issued anew when the names changed or it ends within 30 days, also while
    /// the server runs; the authority stays.
    ///
    /// # Errors
    /// The folder cannot be read or written; others may read a key in it; the authority is damaged, or has ended.
    pub fn own(dir: &Path, names: &ServerNames) -> Result<(Self, OwnCa), TlsError> {
        let provider = provider();
        let (own, ca, first) = Own::open(dir, names, Arc::clone(&provider), clock())?;
        Ok((Self::new(Kept::new(first, Source::Own(own)), provider)?, ca))
    }

    fn new(kept: Kept, provider: Arc<CryptoProvider>) -> Result<Self, TlsError> {
        let kept = Arc::new(kept);
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(TlsError::Setup)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(&kept) as Arc<_>);
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self { config: Arc::new(config), kept })
    }

    /// Tells `report` when the next certificate cannot be had: the one from before stays. Only the first call counts.
    pub fn report_to(&self, report: impl Fn(&TlsError) + Send + Sync + 'static) {
        self.kept.report_to(Box::new(report));
    }

    /// What makes TLS of an accepted connection. It sets no limit to the time that the handshake takes.
    #[must_use]
    pub fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(Arc::clone(&self.config))
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tls").field(&self.kept).finish()
    }
}

/// The cryptography that the client has too.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// No clock is right that is before this: 2026-01-01. One that forgot everything begins at 1970.
const EARLIEST: Duration = Duration::from_secs(1_767_225_600);
/// Nor one that is after this: 2200-01-01.
const LATEST: Duration = Duration::from_secs(7_258_118_400);

/// The time, as far as it can be.
fn clock() -> SystemTime {
    SystemTime::now().clamp(SystemTime::UNIX_EPOCH + EARLIEST, SystemTime::UNIX_EPOCH + LATEST)
}
