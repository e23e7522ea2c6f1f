//! Why logins cannot be set up.

use std::io;
use std::path::PathBuf;

use bundle_format::{Code, Coded};

use super::users::UserName;

/// Why logins cannot be set up, or a changed file of users cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The file of users cannot be read.
    #[error("reading the file of users {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The file of users is not what it should be.
    #[error("{}: {source}", path.display())]
    Users {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: UsersError,
    },
    /// There is nobody in the file of users.
    #[error("{} has no users", path.display())]
    NoUsers {
        /// The file.
        path: PathBuf,
    },
    /// Somebody should write who cannot log in.
    #[error("the user \"{user}\" is to write, but is not in {}", path.display())]
    NoSuchWriter {
        /// Who should write.
        user: UserName,
        /// The file of users.
        path: PathBuf,
    },
    /// Not the name of a user.
    #[error("{text:?} is not the name of a user: {why}")]
    UserName {
        /// What was given, cut to 300 characters.
        text: String,
        /// The rule.
        why: &'static str,
    },
    /// The system gives no random numbers.
    #[error("the system gives no random numbers: {0}")]
    Random(getrandom::Error),
}

/// What is wrong with a file of users. No message shows a hash, or a line that may hold one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UsersError {
    /// Larger than the limit.
    #[error("the file has more than {} bytes", super::FILE_BYTES)]
    Size,
    /// More than the limit.
    #[error("the file has more than {} users", super::users::USERS)]
    Count,
    /// A line is not as it should be.
    #[error("line {line}: {why}")]
    Line {
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        why: &'static str,
    },
    /// Two lines for one user: which one counts differs from program to program.
    #[error("line {line}: the user \"{user}\" is there already")]
    Twice {
        /// The second line, from 1.
        line: usize,
        /// The user.
        user: UserName,
    },
}

impl Coded for AccessError {
    fn code(&self) -> Code {
        match self {
            Self::Io { .. } => Code::Io,
            Self::Users { .. } | Self::NoUsers { .. } | Self::NoSuchWriter { .. } => Code::Logins,
            Self::UserName { .. } => Code::Usage,
            Self::Random(_) => Code::Internal,
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Users { path, .. } => {
                format!("each line is `USER:HASH`, as `htpasswd -B {} USER` writes it", path.display())
            }
            Self::NoUsers { path } => format!("add one: htpasswd -B {} USER", path.display()),
            Self::NoSuchWriter { user, path } => format!("add the user: htpasswd -B {} {user}", path.display()),
            _ => return None,
        })
    }
}
