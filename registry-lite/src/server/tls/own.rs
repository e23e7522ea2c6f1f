//! A certificate of our own, and the authority that signs it, in a folder:
//!
//! ```text
//! ca.crt       what clients trust; never changed
//! ca.key       signs; not needed while server.crt is good, and may be kept elsewhere until then
//! server.crt   what the server shows; issued anew when it has to be, always with a new key
//! server.key
//! ```

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::KeyPair;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::CertificateDer;
use rustls::sign::CertifiedKey;

use super::OwnCa;
use super::authority::{self, Description, MARGIN};
use super::error::TlsError;
use super::files::{certificates, certified, private_key};
use super::names::ServerNames;
use crate::store::{Readable, replace};

/// What the names of [`replace`]'s temporary files begin with.
const TEMPORARY: &str = ".tmp-";
/// Permissions of our keys.
const KEY_MODE: u32 = 0o600;

/// A folder with our own certificates.
pub(super) struct Own {
    dir: PathBuf,
    names: ServerNames,
    provider: Arc<CryptoProvider>,
    authority: Authority,
    /// When the server's certificate begins and ends.
    begins: SystemTime,
    ends: SystemTime,
}

struct Authority {
    certificate: CertificateDer<'static>,
    ends: SystemTime,
}

impl Own {
    /// Takes what is in `dir`, and makes what is missing there.
    pub(super) fn open(
        dir: &Path,
        names: &ServerNames,
        provider: Arc<CryptoProvider>,
        now: SystemTime,
    ) -> Result<(Self, OwnCa, Arc<CertifiedKey>), TlsError> {
        fs::create_dir_all(dir).map_err(io("making", dir))?;
        let _lock = lock(dir)?;
        sweep(dir)?;
        let path = dir.join("ca.crt");
        let is_new = !exists(&path)?;
        if is_new {
            make_authority(dir, now)?;
        }
        let broken = || TlsError::Content { path: path.clone(), what: "certificate of an authority of ours" };
        let certificate = certificates(&path)?.into_iter().next().ok_or_else(broken)?;
        let ends = authority::describe(&certificate).ok_or_else(broken)?.ends;
        if ends <= now {
            return Err(TlsError::AuthorityEnded { path });
        }
        let ca = OwnCa {
            pem: fs::read_to_string(&path).map_err(io("reading", &path))?,
            fingerprint_sha256: authority::fingerprint(&certificate),
            path,
            ends,
            is_new,
        };
        let mut own = Self {
            dir: dir.to_owned(),
            names: names.clone(),
            provider,
            authority: Authority { certificate, ends },
            begins: now,
            ends: now,
        };
        let first = match own.kept(now)? {
            Some(kept) => kept,
            None => own.issue(now)?,
        };
        Ok((own, ca, first))
    }

    /// A new certificate, if the one from before is about to end, or the clock was set to before its beginning.
    pub(super) fn next(&mut self, now: SystemTime) -> Result<Option<Arc<CertifiedKey>>, TlsError> {
        if !self.is_due(now) {
            return Ok(None);
        }
        let _lock = lock(&self.dir)?;
        self.issue(now).map(Some)
    }

    fn is_due(&self, now: SystemTime) -> bool {
        // One that ends with the authority cannot be made to last longer.
        now < self.begins || self.ends < (now + MARGIN).min(self.authority.ends)
    }

    /// The certificate that is in the folder, if it is good for these names.
    fn kept(&mut self, now: SystemTime) -> Result<Option<Arc<CertifiedKey>>, TlsError> {
        let (cert, key) = (self.dir.join("server.crt"), self.dir.join("server.key"));
        if !exists(&cert)? || !exists(&key)? {
            return Ok(None);
        }
        // That others can read the key is the one thing that a new certificate would only hide.
        let key = match private_key(&key, KEY_MODE) {
            Err(open @ TlsError::KeyOpen { .. }) => return Err(open),
            Err(_) => return Ok(None),
            Ok(found) => certified(&cert, &key, found, &self.provider),
        };
        // Halves of two pairs, after a kill between the two.
        let Ok(pair) = key else { return Ok(None) };
        let Some(shown) = pair.cert.first() else { return Ok(None) };
        let Some(Description { begins, ends, names }) = authority::describe(shown) else { return Ok(None) };
        (self.begins, self.ends) = (begins, ends);
        let verified =
            authority::verify(&self.authority.certificate, shown, &self.names, Arc::clone(&self.provider), now);
        let good = !self.is_due(now) && self.names.are(&names) && verified.is_ok();
        Ok(good.then_some(pair))
    }

    fn issue(&mut self, now: SystemTime) -> Result<Arc<CertifiedKey>, TlsError> {
        let authority_key = authority_key(&self.dir)?;
        let key = authority::key()?;
        let signed = authority::server(&key, &self.names, &authority_key, self.authority.ends, now)?;
        let provider = Arc::clone(&self.provider);
        authority::verify(&self.authority.certificate, signed.der(), &self.names, provider, now)
            .map_err(|why| TlsError::Authority { path: self.dir.join("ca.crt"), why })?;
        let (cert_path, key_path) = (self.dir.join("server.crt"), self.dir.join("server.key"));
        replace(&key_path, key.serialize_pem().as_bytes(), Readable::ByOwner)?;
        replace(&cert_path, signed.pem().as_bytes(), Readable::ByOthers)?;
        let pair = certified(&cert_path, &key_path, private_key(&key_path, KEY_MODE)?, &self.provider)?;
        if let Some(Description { begins, ends, .. }) = authority::describe(signed.der()) {
            (self.begins, self.ends) = (begins, ends);
        }
        Ok(pair)
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Own").field("dir", &self.dir).field("names", &self.names).finish_non_exhaustive()
    }
}

/// Makes `ca.key`, unless it is there, and then `ca.crt`: what is trusted has its key already. A key whose certificate was lost
/// gets another one, and clients that trust the old one trust it too.
fn make_authority(dir: &Path, now: SystemTime) -> Result<(), TlsError> {
    let path = dir.join("ca.key");
    let key = if exists(&path)? {
        authority_key(dir)?
    } else {
        let key = authority::key()?;
        replace(&path, key.serialize_pem().as_bytes(), Readable::ByOwner)?;
        key
    };
    Ok(replace(&dir.join("ca.crt"), authority::authority(&key, now)?.pem().as_bytes(), Readable::ByOthers)?)
}

fn authority_key(dir: &Path) -> Result<KeyPair, TlsError> {
    let path = dir.join("ca.key");
    let key = private_key(&path, KEY_MODE)?;
    KeyPair::try_from(&key).map_err(|_| TlsError::Content { path, what: "key of an authority of ours" })
}

/// Held by the one process that writes in the folder; the kernel gives it back when the process ends.
fn lock(dir: &Path) -> Result<File, TlsError> {
    let locked = || {
        let folder = File::open(dir)?;
        folder.lock()?;
        Ok(folder)
    };
    locked().map_err(io("locking", dir))
}

/// Removes what a killed run left.
fn sweep(dir: &Path) -> Result<(), TlsError> {
    let swept = || {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) && entry.file_type()?.is_file() {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    };
    swept().map_err(io("sweeping", dir))
}

/// An error of reading is not an absence: what is there must not be made anew over it.
fn exists(path: &Path) -> Result<bool, TlsError> {
    path.try_exists().map_err(io("reading", path))
}

fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> TlsError {
    let path = path.to_owned();
    move |source| TlsError::Io { what, path, source }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tempfile::TempDir;

    use super::super::{EARLIEST, LATEST, provider};
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn at(days: u32) -> SystemTime {
        SystemTime::UNIX_EPOCH + EARLIEST + DAY * days
    }

    struct Opened {
        own: Own,
        ca: OwnCa,
        shown: CertificateDer<'static>,
    }

    fn open(dir: &TempDir, now: SystemTime) -> Result<Opened, TlsError> {
        let names = ServerNames::new(["mirror.site"]).unwrap();
        let (own, ca, first) = Own::open(dir.path(), &names, provider(), now)?;
        Ok(Opened { own, ca, shown: first.cert[0].clone() })
    }

    #[test]
    fn a_certificate_is_replaced_before_it_ends_and_the_authority_is_not() {
        let dir = TempDir::new().unwrap();
        let first = open(&dir, at(0)).unwrap();
        assert!(first.ca.is_new);
        for (why, days, same) in
            [("a day later", 1, true), ("334 days later", 334, true), ("336 days later", 336, false)]
        {
            let later = open(&dir, at(days)).unwrap();
            assert_eq!(later.shown == first.shown, same, "{why}");
            assert_eq!(later.ca, OwnCa { is_new: false, ..first.ca.clone() }, "{why}");
        }
    }

    #[test]
    fn a_server_that_runs_for_years_replaces_it_too() {
        let dir = TempDir::new().unwrap();
        let mut first = open(&dir, at(0)).unwrap();
        assert!(first.own.next(at(300)).unwrap().is_none());
        let second = first.own.next(at(336)).unwrap().unwrap();
        assert_ne!(second.cert[0], first.shown);
        assert!(first.own.next(at(337)).unwrap().is_none(), "once");
        assert_eq!(open(&dir, at(340)).unwrap().shown, second.cert[0], "it is in the folder");
    }

    #[test]
    fn a_clock_that_was_wrong_and_is_set_right_does_no_lasting_harm() {
        for (why, wrong, right) in [
            ("it was years late", at(0), at(1500)),
            ("it was years early", at(3000), at(1500)),
            ("it was as early as can be", SystemTime::UNIX_EPOCH + LATEST, at(1500)),
        ] {
            let dir = TempDir::new().unwrap();
            let mut first = open(&dir, wrong).unwrap();
            let running = first.own.next(right).unwrap().unwrap_or_else(|| panic!("{why}"));
            let restarted = open(&dir, right).unwrap();
            assert_eq!(restarted.shown, running.cert[0], "{why}");
            assert_eq!(restarted.ca.fingerprint_sha256, first.ca.fingerprint_sha256, "{why}");
        }
    }

    #[test]
    fn a_client_may_be_a_year_late() {
        let dir = TempDir::new().unwrap();
        let opened = open(&dir, at(1000)).unwrap();
        let takes = |days| {
            let authority = &opened.own.authority.certificate;
            authority::verify(authority, &opened.shown, &opened.own.names, provider(), at(days)).is_ok()
        };
        for (days, expected) in [(634, false), (636, true), (1000, true), (1364, true), (1366, false)] {
            assert_eq!(takes(days), expected, "{days}");
        }
    }

    #[test]
    fn nothing_outlives_the_authority_and_nothing_spins_at_its_end() {
        let dir = TempDir::new().unwrap();
        let first = open(&dir, at(0)).unwrap();
        let last = 10 * 365;
        assert_eq!(first.ca.ends, at(last));
        let mut late = open(&dir, at(last - 10)).unwrap();
        assert_eq!(late.own.ends, first.ca.ends);
        assert!(late.own.next(at(last - 9)).unwrap().is_none(), "a new one would end on the same day");
        assert_eq!(open(&dir, at(last - 8)).unwrap().shown, late.shown);
        let error = open(&dir, at(last)).map(|_| ()).unwrap_err();
        assert!(matches!(error, TlsError::AuthorityEnded { .. }), "{error}");
    }
}
