//! What a client says that it is: `Authorization: Basic` (RFC 7617).

use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::users::UserName;

/// Longest value of the header, in bytes: a name of 255 bytes and a password far longer than what counts of one.
pub const HEADER_BYTES: usize = 2048;
/// What counts of a password, in bytes.
pub(super) const PASSWORD_BYTES: usize = 72;

/// Some clients leave the padding away.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// A user's name and password, as they came. Debug output has no password.
#[derive(PartialEq, Eq)]
pub struct Login {
    user: UserName,
    password: String,
}

impl Login {
    /// Reads the value of an `Authorization` header: `Basic`, in any case, and base64 of `USER:PASSWORD` in UTF-8, without control
    /// characters. `None`: neither a name nor a password, which podman and skopeo send when they have no login.
    ///
    /// # Errors
    /// It is anything else.
    pub fn parse(header: &[u8]) -> Result<Option<Self>, Malformed> {
        let text = decode(header).ok_or(Malformed)?;
        if text == ":" {
            return Ok(None);
        }
        let (user, password) = text.split_once(':').ok_or(Malformed)?;
        // RFC 7617 section 2. It matters here: to bcrypt a NUL is the end of a password.
        if password.contains(|c: char| c.is_ascii_control()) {
            return Err(Malformed);
        }
        let user = user.parse().map_err(|_| Malformed)?;
        Ok(Some(Self { user, password: password.to_owned() }))
    }

    /// Who it is said to be.
    #[must_use]
    pub fn user(&self) -> &UserName {
        &self.user
    }

    /// What counts of the password.
    pub(super) fn password(&self) -> &[u8] {
        let bytes = self.password.as_bytes();
        bytes.get(..PASSWORD_BYTES).unwrap_or(bytes)
    }
}

/// Not a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the Authorization header is not a user and a password (Basic)")]
pub struct Malformed;

fn decode(header: &[u8]) -> Option<String> {
    if header.len() > HEADER_BYTES {
        return None;
    }
    let (scheme, encoded) = std::str::from_utf8(header).ok()?.trim_matches([' ', '\t']).split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("Basic") {
        return None;
    }
    String::from_utf8(BASE64.decode(encoded.trim_start_matches(' ')).ok()?).ok()
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("user", &self.user).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn basic(text: impl AsRef<[u8]>) -> Vec<u8> {
        format!("Basic {}", STANDARD.encode(text)).into_bytes()
    }

    #[test]
    fn a_login_is_a_name_and_a_password() {
        for (why, header, user, password) in [
            ("as everybody sends it", basic("u:p"), "u", "p"),
            ("lowercase scheme", b"basic dTpw".to_vec(), "u", "p"),
            ("shouted scheme", b"BASIC dTpw".to_vec(), "u", "p"),
            ("more than one space", b"Basic   dTpw ".to_vec(), "u", "p"),
            ("no padding", b"Basic dTpwcA".to_vec(), "u", "pp"),
            ("the password ends nowhere", basic("u:p:q::"), "u", "p:q::"),
            ("an empty password is one", basic("u:"), "u", ""),
            ("UTF-8", basic("Jörg:pässwörd"), "Jörg", "pässwörd"),
        ] {
            let login = Login::parse(&header).ok().flatten().unwrap_or_else(|| panic!("{why}"));
            assert_eq!((login.user.as_str(), login.password()), (user, password.as_bytes()), "{why}");
        }
    }

    #[test]
    fn everything_else_is_no_login() {
        for (why, header) in [
            ("nothing", Vec::new()),
            ("a scheme alone", b"Basic".to_vec()),
            ("a scheme and space", b"Basic ".to_vec()),
            ("a token", b"Bearer dTpw".to_vec()),
            ("no space", b"BasicdTpw".to_vec()),
            ("not base64", b"Basic ?".to_vec()),
            ("the alphabet of URLs", b"Basic dTr_-w==".to_vec()),
            ("base64 with bits that mean nothing", b"Basic dTpwcB".to_vec()),
            ("space within", b"Basic dTp w".to_vec()),
            ("a second value", b"Basic dTpw, Basic dTpw".to_vec()),
            ("not ASCII", b"Basic \xff\xfe".to_vec()),
            ("no colon", basic("u")),
            ("no name", basic(":p")),
            ("a name that no file can have", basic(" u:p")),
            ("ISO 8859-1", basic(b"J\xf6rg:p")),
            ("a NUL in the password", basic("u:p\0q")),
            ("a newline in the password", basic("u:p\n")),
            ("a control character in the name", basic("u\u{1}:p")),
            ("longer than the limit", basic("u:".to_owned() + &"p".repeat(HEADER_BYTES))),
        ] {
            assert_eq!(Login::parse(&header), Err(Malformed), "{why}");
        }
    }

    #[test]
    fn tools_that_have_no_login_send_an_empty_one() {
        assert_eq!(Login::parse(b"Basic Og=="), Ok(None));
    }

    #[test]
    fn of_a_password_72_bytes_count() {
        let long = "p".repeat(71) + "ä" + "q";
        let login = Login::parse(&basic(format!("u:{long}"))).unwrap().unwrap();
        assert_eq!(login.password(), &long.as_bytes()[..72], "in the middle of a letter too");
    }

    #[test]
    fn no_debug_output_shows_a_password() {
        let login = Login::parse(&basic("u:hunter2")).unwrap().unwrap();
        assert_eq!(format!("{login:?}"), r#"Login { user: UserName("u"), .. }"#);
    }
}
