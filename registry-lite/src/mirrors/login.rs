//! Who may pull from a mirror.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::MirrorError;

/// Longest user name and longest password, in characters.
const LOGIN_CHARACTERS: usize = 4096;

/// A user and a password that every client can send and every configuration can hold: printable ASCII.
#[derive(Clone)]
pub struct Login {
    user: String,
    password: String,
}

impl Login {
    /// The login of `user`.
    ///
    /// # Errors
    /// [`MirrorError::Login`]: empty, a colon in the user's name, over 4096 characters, or other characters than printable ASCII:
    /// clients differ in how they encode those.
    pub fn new(user: &str, password: &str) -> Result<Self, MirrorError> {
        let why = match (user, password) {
            ("", _) => "the user's name is empty",
            (_, "") => "the password is empty",
            (user, _) if user.contains(':') => "a user's name cannot have a colon (RFC 7617)",
            (user, password) if user.len().max(password.len()) > LOGIN_CHARACTERS => "more than 4096 characters",
            (user, password) if !user.bytes().chain(password.bytes()).all(|b| matches!(b, b' '..=b'~')) => {
                "only printable ASCII means the same to every client"
            }
            _ => return Ok(Self { user: user.to_owned(), password: password.to_owned() }),
        };
        Err(MirrorError::Login { why })
    }

    /// The user's name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// The password.
    pub(super) fn password(&self) -> &str {
        &self.password
    }

    /// User and password in Base64, as Basic authentication and the files of logins have them.
    pub(super) fn basic(&self) -> String {
        STANDARD.encode(format!("{}:{}", self.user, self.password))
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_is_what_every_client_can_send() {
        assert!(Login::new("u", "p \\\"'#:").is_ok());
        for (user, password) in [("", "p"), ("u", ""), ("a:b", "p"), ("u", "p\n"), ("ü", "p"), ("u", &"p".repeat(4097))]
        {
            assert!(Login::new(user, password).is_err(), "{user:?} {password:?}");
        }
        let shown = format!("{:?}", Login::new("u", "secret").unwrap());
        assert!(!shown.contains("secret"), "{shown}");
    }
}
