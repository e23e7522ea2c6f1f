//! Certificates and keys in PEM files.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use super::error::TlsError;
use crate::store::Stamp;

/// Largest file of certificates or a key, in bytes.
const PEM_BYTES: u64 = 1 << 20;

/// A certificate and a key that somebody else renews.
pub(super) struct Files {
    cert: PathBuf,
    key: PathBuf,
    provider: Arc<CryptoProvider>,
    /// What was read last, for good or not: what is wrong with files is reported once. `None`: they could not be looked at.
    seen: Option<(Stamp, Stamp)>,
}

impl Files {
    pub(super) fn open(
        cert: &Path,
        key: &Path,
        provider: Arc<CryptoProvider>,
    ) -> Result<(Self, Arc<CertifiedKey>), TlsError> {
        let mut files = Self { cert: cert.to_owned(), key: key.to_owned(), provider, seen: None };
        files.seen = Some(files.look()?);
        let first = files.read()?;
        Ok((files, first))
    }

    /// What is in the files, if they changed.
    pub(super) fn next(&mut self) -> Result<Option<Arc<CertifiedKey>>, TlsError> {
        let looked = self.look();
        let seen = looked.as_ref().ok().copied();
        if seen == self.seen {
            return Ok(None);
        }
        self.seen = seen;
        looked?;
        self.read().map(Some)
    }

    fn look(&self) -> Result<(Stamp, Stamp), TlsError> {
        let version = |path: &Path| Stamp::of(path).map_err(reading(path));
        Ok((version(&self.cert)?, version(&self.key)?))
    }

    fn read(&self) -> Result<Arc<CertifiedKey>, TlsError> {
        // Group: Debian keeps keys for those in the group ssl-cert.
        let key = private_key(&self.key, 0o640)?;
        certified(&self.cert, &self.key, key, &self.provider)
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Files").field("cert", &self.cert).field("key", &self.key).finish_non_exhaustive()
    }
}

/// The chain in `cert` with the key that was in `path`.
pub(super) fn certified(
    cert: &Path,
    path: &Path,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
) -> Result<Arc<CertifiedKey>, TlsError> {
    let pair = |source| TlsError::Pair { cert: cert.to_owned(), key: path.to_owned(), source };
    CertifiedKey::from_der(certificates(cert)?, key, provider).map(Arc::new).map_err(pair)
}

/// The certificates in a PEM file, at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let (bytes, _) = read(path)?;
    let chain: Vec<_> = CertificateDer::pem_slice_iter(&bytes).collect::<Result<_, _>>().unwrap_or_default();
    match chain.is_empty() {
        true => Err(TlsError::Content { path: path.to_owned(), what: "certificate in PEM" }),
        false => Ok(chain),
    }
}

/// The private key in a PEM file whose permissions are `allowed` at most.
pub(super) fn private_key(path: &Path, allowed: u32) -> Result<PrivateKeyDer<'static>, TlsError> {
    let (bytes, mode) = read(path)?;
    // What the owner may is the owner's affair.
    if mode & 0o077 & !allowed != 0 {
        return Err(TlsError::KeyOpen { path: path.to_owned(), mode: mode & 0o777, allowed });
    }
    let what = "private key in PEM that can be read without a passphrase";
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|_| TlsError::Content { path: path.to_owned(), what })
}

/// The bytes of a file and its permissions.
fn read(path: &Path) -> Result<(Vec<u8>, u32), TlsError> {
    let read = || {
        // Before it is opened: a pipe would keep us waiting for its writer.
        if !fs::metadata(path)?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file"));
        }
        let file = File::open(path)?;
        let mode = file.metadata()?.mode();
        let mut bytes = Vec::new();
        file.take(PEM_BYTES + 1).read_to_end(&mut bytes)?;
        match bytes.len() as u64 > PEM_BYTES {
            true => Err(io::Error::new(io::ErrorKind::InvalidData, format!("it has more than {PEM_BYTES} bytes"))),
            false => Ok((bytes, mode)),
        }
    };
    read().map_err(reading(path))
}

fn reading(path: &Path) -> impl FnOnce(io::Error) -> TlsError {
    let path = path.to_owned();
    move |source| TlsError::Io { what: "reading", path, source }
}
