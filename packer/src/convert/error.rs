//! Why nothing was converted.

use std::io;
use std::path::PathBuf;

use bundle_format::template::{ManifestError, TextError};
use bundle_format::{Code, Coded};

/// Why a description was not converted. Nothing was written then, or what was written is named.
#[derive(Debug, thiserror::Error)]
pub enum ConvertError {
    /// A file of the input cannot be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The input is no YAML or JSON, or beyond the limits of its reader.
    #[error("{place}, line {line}: {why}")]
    Syntax {
        /// What was read.
        place: String,
        /// Line, from 1.
        line: u64,
        /// What the reader says.
        why: String,
    },
    /// A file of Kubernetes objects.
    #[error("{}: {source}", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
    /// The input is something else than what the converter reads.
    #[error("{place}: {why}")]
    Foreign {
        /// What was read.
        place: String,
        /// What was expected.
        why: String,
    },
    /// The input has more of something than a converter takes.
    #[error("{what}: more than {limit}")]
    TooMuch {
        /// What there is too much of.
        what: &'static str,
        /// How much is taken.
        limit: u64,
    },
    /// A name cannot be made one of the template's.
    #[error(transparent)]
    Name(#[from] TextError),
    /// A file of the output is there already.
    #[error("{} exists already", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The output cannot be written.
    #[error("writing {}: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// What was converted cannot be put into words.
    #[error("the template cannot be written as YAML: {0}")]
    Unwritable(#[from] serde_json::Error),
}

impl Coded for ConvertError {
    fn code(&self) -> Code {
        match self {
            Self::Read { .. } | Self::Write { .. } => Code::Io,
            Self::Syntax { .. } | Self::Manifest { .. } | Self::Foreign { .. } | Self::TooMuch { .. } => Code::File,
            Self::Name(_) => Code::Template,
            Self::Exists { .. } => Code::Exists,
            Self::Unwritable(_) => Code::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Exists { .. } => Some("choose another folder, or --force; nothing was overwritten".to_owned()),
            Self::Name(_) => Some("give the template a name with --name, and a version with --version".to_owned()),
            Self::TooMuch { .. } => Some("convert a part of it at a time".to_owned()),
            _ => None,
        }
    }
}
