//! Keys and passphrases, as the user gives them.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use bundle_format::trust::{PrivateKey, PublicKey, Role, TrustRoot};
use bundle_format::{Code, limits};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The trust root of the public keys in these files.
pub fn trust_root(files: &[PathBuf]) -> Result<TrustRoot, Failure> {
    Ok(TrustRoot::pinned(public_keys(files)?)?)
}

/// The role of the public keys in these files, all of which must sign.
pub fn pinned(files: &[PathBuf]) -> Result<Role, Failure> {
    Ok(Role::pinned(public_keys(files)?)?)
}

fn public_keys(files: &[PathBuf]) -> Result<Vec<PublicKey>, Failure> {
    let key = |file: &PathBuf| PublicKey::from_pem(&read(file)?).map_err(|e| Failure::about(file.display(), &e));
    files.iter().map(key).collect()
}

/// Reads a private key; asks for its passphrase only if it has one.
pub fn private_key(file: &Path, passphrase_file: Option<&Path>) -> Result<PrivateKey, Failure> {
    let pem = Zeroizing::new(read(file)?);
    let mut given = Ok(());
    let key = PrivateKey::from_pem(&pem, || {
        match passphrase(passphrase_file, &format!("passphrase of {}", file.display())) {
            Ok(passphrase) => passphrase,
            // Not a missing passphrase, but one that cannot be read: that is the error to tell.
            Err(e) => {
                given = Err(e);
                None
            }
        }
    });
    given?;
    key.map_err(|e| Failure::about(file.display(), &e))
}

/// A passphrase: from the file, from `SEALIFT_PASSPHRASE`, or typed where there is a terminal.
pub fn passphrase(file: Option<&Path>, prompt: &str) -> Result<Option<Zeroizing<String>>, Failure> {
    if let Some(file) = file {
        let text = Zeroizing::new(read(file)?);
        // One line, as an editor or `echo` ends it.
        return Ok(Some(Zeroizing::new(text.trim_end_matches(['\n', '\r']).to_owned())));
    }
    if let Ok(text) = std::env::var("SEALIFT_PASSPHRASE") {
        return Ok(Some(Zeroizing::new(text)));
    }
    if !std::io::stdin().is_terminal() {
        return Ok(None);
    }
    let typed = rpassword::prompt_password(format!("{prompt}: "))
        .map_err(|e| Failure::new(Code::Io, format_args!("the passphrase cannot be read: {e}")))?;
    Ok(Some(Zeroizing::new(typed)))
}

/// Reads a small text that is secret.
pub fn read_secret(file: &Path) -> Result<Zeroizing<String>, Failure> {
    read(file).map(Zeroizing::new)
}

fn read(file: &Path) -> Result<String, Failure> {
    use std::io::Read as _;
    let failure = |e| Failure::new(Code::Io, format_args!("{}: {e}", file.display()));
    let mut text = String::new();
    let opened = std::fs::File::open(file).map_err(failure)?;
    match opened.take(limits::KEY_FILE_BYTES + 1).read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(e) if e.kind() == std::io::ErrorKind::InvalidData => Err(Failure::new(
            Code::Key,
            format_args!("{} is not a text file, so not a key in PEM form", file.display()),
        )),
        Err(e) => Err(failure(e)),
    }
}
