//! What can be said of the status of versions.

use std::path::PathBuf;

use bundle_format::statement::ReleaseStatus;
use clap::{Args as ClapArgs, ValueEnum};

/// Signed statuses that are to be taken into account.
#[derive(Debug, Default, ClapArgs)]
pub struct Statuses {
    /// Signed status of a template version, as `sealift mark` writes it; may be given again
    #[arg(long = "status", value_name = "FILE")]
    pub statuses: Vec<PathBuf>,
    /// Public key of whoever tests, which must have signed each status; may be given again, then all must have
    #[arg(long = "qa-key", value_name = "FILE", requires = "statuses")]
    pub qa_keys: Vec<PathBuf>,
}

/// Which versions may be chosen.
#[derive(Debug, Default, ClapArgs)]
pub struct Admission {
    /// Take a version also if it was withdrawn
    #[arg(long)]
    pub withdrawn: bool,
    /// Take only a version that is marked as released
    #[arg(long, conflicts_with = "withdrawn")]
    pub require_released: bool,
}

#[derive(Debug, ClapArgs)]
pub struct Mark {
    /// The bundle of the version; only its head is read
    pub bundle: PathBuf,
    /// What the version is from now on
    #[arg(long, value_enum)]
    pub status: StatusWord,
    /// Public key of the vendor, who must have signed the bundle; may be given again, then all must have
    #[arg(long = "key", value_name = "FILE")]
    pub keys: Vec<PathBuf>,
    /// Private key of whoever tests, to sign the status with; several sign together
    #[arg(long = "signer", value_name = "FILE", required = true)]
    pub signers: Vec<PathBuf>,
    /// Read the passphrase of the signers' keys from this file; SEALIFT_PASSPHRASE in the environment will do too
    #[arg(long, value_name = "FILE")]
    pub passphrase_file: Option<PathBuf>,
    /// Why, for people: at most 1024 bytes in 16 lines
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// A status, as it is typed.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum StatusWord {
    /// It was tested, and may be used
    Released,
    /// It must not be used any more
    Withdrawn,
}

impl From<StatusWord> for ReleaseStatus {
    fn from(word: StatusWord) -> Self {
        match word {
            StatusWord::Released => Self::Released,
            StatusWord::Withdrawn => Self::Withdrawn,
        }
    }
}
