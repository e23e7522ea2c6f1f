//! `sealift keygen`

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use bundle_format::Code;
use bundle_format::trust::{KeyError, PrivateKey};
use zeroize::Zeroizing;

use crate::args::Keygen;
use crate::failure::Failure;
use crate::files::write_new;
use crate::keys;
use crate::output::Output;
use crate::report::KeygenReport;

pub fn run(args: &Keygen, out: &Output) -> Result<(), Failure> {
    let (private, public) = (with_suffix(&args.output, "pem"), with_suffix(&args.output, "pub"));
    for path in [&private, &public] {
        if path.exists() {
            return Err(Failure::new(Code::Exists, format_args!("{} exists already", path.display()))
                .hint("choose another name with -o; a key is never overwritten"));
        }
    }
    let passphrase = new_passphrase(args)?;
    let report = make(&private, &public, passphrase.as_ref().map(|p| p.as_str()))?;
    out.data(&report, |text| {
        text.push_str(&format!("private key  {}\n", report.private_key));
        text.push_str(&format!("public key   {}\n", report.public_key));
        text.push_str(&format!("key id       {}\n", report.key_id));
    })?;
    if !report.encrypted {
        out.warn(format_args!("{} is not encrypted: whoever reads it can sign in your name", report.private_key));
    }
    out.say("Give the .pub file to those who verify, on another way than the bundles. Keep the .pem file to yourself.");
    Ok(())
}

/// Makes the pair and writes both files.
pub fn make(private: &Path, public: &Path, passphrase: Option<&str>) -> Result<KeygenReport, Failure> {
    let key = PrivateKey::generate()?;
    let public_key = key.public()?;
    write_new(private, key.to_pem(passphrase)?.as_bytes(), 0o600)?;
    write_new(public, public_key.to_pem()?.as_bytes(), 0o644)?;
    Ok(KeygenReport {
        private_key: private.display().to_string(),
        public_key: public.display().to_string(),
        key_id: public_key.id().to_string(),
        encrypted: passphrase.is_some(),
    })
}

fn new_passphrase(args: &Keygen) -> Result<Option<Zeroizing<String>>, Failure> {
    if args.no_passphrase {
        return Ok(None);
    }
    let passphrase = keys::passphrase(args.passphrase_file.as_deref(), "passphrase for the new key")?;
    let Some(passphrase) = passphrase else {
        return Err(Failure::from(KeyError::PassphraseNeeded)
            .hint("give it with --passphrase-file, or choose --no-passphrase for a key that is not encrypted"));
    };
    if passphrase.is_empty() {
        return Err(Failure::new(Code::Passphrase, "the passphrase is empty")
            .hint("choose --no-passphrase if the key is meant not to be encrypted"));
    }
    let typed = args.passphrase_file.is_none() && std::env::var_os("SEALIFT_PASSPHRASE").is_none();
    if typed && std::io::stdin().is_terminal() {
        let again = keys::passphrase(None, "the same again")?;
        if again.as_ref().map(|p| p.as_str()) != Some(passphrase.as_str()) {
            return Err(Failure::new(Code::Passphrase, "the two passphrases are not the same"));
        }
    }
    Ok(Some(passphrase))
}

/// `vendor` becomes `vendor.pem`; `vendor.v2` becomes `vendor.v2.pem`.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(suffix);
    name.into()
}
