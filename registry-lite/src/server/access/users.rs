//! Users and the hashes of their passwords, in the format of Apache's htpasswd.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::error::{AccessError, UsersError};

/// Largest file of users, in bytes.
pub const FILE_BYTES: usize = 1 << 20;
/// Most users in a file.
pub(super) const USERS: usize = 10_000;
/// Longest name of a user, in bytes: what htpasswd takes.
const NAME_BYTES: usize = 255;
/// Costs of a hash. 4 is the least that there is; 14 takes about a second, and whoever sends a name makes us pay it.
const COSTS: std::ops::RangeInclusive<u32> = 4..=14;

/// The name of a user: 1 to 255 bytes, without a colon, a control character, or space at an end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

impl UserName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn check(text: &str) -> Result<(), &'static str> {
        match text {
            "" => Err("it is empty"),
            _ if text.len() > NAME_BYTES => Err("it has more than 255 bytes"),
            _ if text.contains(':') => Err("it has a colon, which ends a name in a login"),
            _ if text.contains(char::is_control) => Err("it has a control character"),
            _ if text.trim() != text => Err("it begins or ends with space"),
            _ => Ok(()),
        }
    }
}

impl FromStr for UserName {
    type Err = AccessError;

    fn from_str(text: &str) -> Result<Self, AccessError> {
        match Self::check(text) {
            Ok(()) => Ok(Self(text.to_owned())),
            Err(why) => Err(AccessError::UserName { text: text.chars().take(300).collect(), why }),
        }
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A bcrypt hash that verifies without an error. No message shows it.
pub(super) struct Hash(String);

impl Hash {
    fn new(text: &str) -> Result<Self, &'static str> {
        let Some(version) = text.get(..4) else {
            return Err("the hash is no bcrypt hash; make one with `htpasswd -B`");
        };
        // $2x$ marks the hashes of a broken implementation, which nobody verifies any more.
        if !matches!(version, "$2a$" | "$2b$" | "$2y$") {
            return Err("the hash is not of the kind bcrypt, the only one taken here; make one with `htpasswd -B`");
        }
        // What reads the number of rounds takes a sign too.
        if text.get(4..6).is_none_or(|cost| cost.contains(|c: char| !c.is_ascii_digit())) {
            return Err("the bcrypt hash has no cost");
        }
        let parts: bcrypt::HashParts = text.parse().map_err(|_| "the bcrypt hash is malformed, or cut")?;
        match COSTS.contains(&parts.get_cost()) {
            true => Ok(Self(text.to_owned())),
            false => Err("the bcrypt hash has a cost outside of 4 to 14 (`htpasswd -B -C`)"),
        }
    }

    /// Whether `password` is the one; takes as long as the hash's cost says. Of a password, as everywhere with bcrypt, the
    /// first [`super::login::PASSWORD_BYTES`] count: htpasswd hashed no more either.
    pub(super) fn verifies(&self, password: &[u8]) -> bool {
        bcrypt::verify(password, &self.0).unwrap_or(false)
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Users by name. Debug output has the names only.
pub struct Users(
    /// In the order of the names.
    Vec<(UserName, Hash)>,
);

impl Users {
    /// Reads lines of `USER:HASH`; empty lines and lines that begin with `#` count for nothing.
    ///
    /// # Errors
    /// The first line that is not so, or a limit: [`FILE_BYTES`], 10 000 users.
    pub fn parse(bytes: &[u8]) -> Result<Self, UsersError> {
        if bytes.len() > FILE_BYTES {
            return Err(UsersError::Size);
        }
        // What Windows' editors put there would become a part of the first name.
        let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
        let mut users = BTreeMap::new();
        for (line, bytes) in (1..).zip(bytes.split(|byte| *byte == b'\n')) {
            let error = |why| UsersError::Line { line, why };
            let text = std::str::from_utf8(bytes).map_err(|_| error("it is not UTF-8"))?.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            let (name, hash) = text.split_once(':').ok_or(error("it has no colon between user and hash"))?;
            UserName::check(name).map_err(|_| error("what is before the colon is not the name of a user"))?;
            let (user, hash) = (UserName(name.to_owned()), Hash::new(hash).map_err(error)?);
            if users.contains_key(&user) {
                return Err(UsersError::Twice { line, user });
            }
            if users.len() == USERS {
                return Err(UsersError::Count);
            }
            users.insert(user, hash);
        }
        Ok(Self(users.into_iter().collect()))
    }

    /// The names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &UserName> {
        self.0.iter().map(|(name, _)| name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The user's hash.
    pub(super) fn get(&self, user: &UserName) -> Option<&Hash> {
        let place = self.0.binary_search_by(|(name, _)| name.cmp(user)).ok()?;
        self.0.get(place).map(|(_, hash)| hash)
    }

    /// The hash of one of the users, by any number.
    pub(super) fn any(&self, number: u64) -> Option<&Hash> {
        let place = number.checked_rem(self.0.len() as u64)?;
        self.0.get(usize::try_from(place).ok()?).map(|(_, hash)| hash)
    }
}

impl fmt::Debug for Users {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC";

    fn names(text: &str) -> Result<Vec<String>, UsersError> {
        Users::parse(text.as_bytes()).map(|users| users.names().map(ToString::to_string).collect())
    }

    #[test]
    fn a_file_is_read_as_apache_reads_it() {
        for (why, text, expected) in [
            ("nobody", String::new(), vec![]),
            ("one user", format!("u:{HASH}\n"), vec!["u"]),
            ("no newline at the end", format!("u:{HASH}"), vec!["u"]),
            ("what `htpasswd -n` prints has an empty line", format!("u:{HASH}\n\n"), vec!["u"]),
            ("comments", format!("# us\nu:{HASH}\n  # v:{HASH}\n"), vec!["u"]),
            ("an editor on Windows", format!("\u{feff}u:{HASH}\r\nv:{HASH}\r\n"), vec!["u", "v"]),
            ("any letters, and spaces within", format!("Jörg Ä:{HASH}"), vec!["Jörg Ä"]),
            ("$2a$", format!("u:{}", HASH.replace("2y", "2a")), vec!["u"]),
            ("$2b$", format!("u:{}", HASH.replace("2y", "2b")), vec!["u"]),
            ("the highest cost", format!("u:{}", HASH.replace("$05$", "$14$")), vec!["u"]),
        ] {
            assert_eq!(names(&text), Ok(expected.into_iter().map(str::to_owned).collect()), "{why}");
        }
    }

    #[test]
    fn what_cannot_be_used_is_refused_by_its_line() {
        let long = "n".repeat(256);
        for (why, line) in [
            ("no colon", "u".to_owned()),
            ("no name", format!(":{HASH}")),
            ("a control character in the name", format!("a\u{7}b:{HASH}")),
            ("a NUL in the name", format!("a\0b:{HASH}")),
            ("a name that is too long", format!("{long}:{HASH}")),
            ("no hash", "u:".to_owned()),
            ("a password", "u:hunter2".to_owned()),
            ("letters cut in the middle", "u:äöü".to_owned()),
            ("htpasswd -m", "u:$apr1$pVPj2FFf$RZkzHkBr4EiFSbS8pQ5Fq.".to_owned()),
            ("htpasswd -s", "u:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".to_owned()),
            ("htpasswd -d", "u:rqXexS6ZhobKA".to_owned()),
            ("htpasswd -5", "u:$6$kOhTZjcRRCpwJkQQ$abc".to_owned()),
            ("argon2", "u:$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA".to_owned()),
            ("the broken $2x$", format!("u:{}", HASH.replace("2y", "2x"))),
            ("$2$", format!("u:{}", HASH.replace("2y", "2"))),
            ("cut", format!("u:{}", &HASH[..59])),
            ("too long", format!("u:{HASH}a")),
            ("another field", format!("u:{HASH}:x")),
            ("a letter outside base64", format!("u:{}", HASH.replace('M', "!"))),
            ("letters of two bytes, of the right length in all", format!("u:$2y$05${}", "ä".repeat(26) + "a")),
            ("less cost than there is", format!("u:{}", HASH.replace("$05$", "$03$"))),
            ("no cost", format!("u:{}", HASH.replace("$05$", "$00$"))),
            ("a cost of minutes", format!("u:{}", HASH.replace("$05$", "$15$"))),
            ("a cost of years", format!("u:{}", HASH.replace("$05$", "$31$"))),
            ("a signed cost", format!("u:{}", HASH.replace("$05$", "$+5$"))),
        ] {
            let error = names(&format!("# first\na:{HASH}\n{line}\n")).map(|names| format!("{why}: {names:?}"));
            let error = error.unwrap_err().to_string();
            assert!(error.starts_with("line 3: "), "{why}: {error}");
            assert!(!error.contains("hunter2") && !error.contains("$2y$05"), "{why}: {error}");
        }
        let md5 = names("u:$apr1$pVPj2FFf$RZkzHkBr4EiFSbS8pQ5Fq.").unwrap_err().to_string();
        assert!(md5.contains("htpasswd -B"), "{md5}");
        assert_eq!(Users::parse(b"u:\xff").unwrap_err().to_string(), "line 1: it is not UTF-8");
        let twice = names(&format!("u:{HASH}\nv:{HASH}\nu:{HASH}\n")).unwrap_err().to_string();
        assert_eq!(twice, "line 3: the user \"u\" is there already");
    }

    #[test]
    fn there_are_limits() {
        assert_eq!(Users::parse(&vec![b'\n'; FILE_BYTES]).unwrap().names().len(), 0);
        assert_eq!(Users::parse(&vec![b'\n'; FILE_BYTES + 1]).unwrap_err(), UsersError::Size);
        let users = |count: usize| (0..count).map(|n| format!("{n}:{HASH}\n")).collect::<String>();
        assert_eq!(names(&users(USERS)).unwrap().len(), USERS);
        assert_eq!(names(&users(USERS + 1)), Err(UsersError::Count));
    }

    #[test]
    fn no_debug_output_shows_a_hash() {
        let users = Users::parse(format!("u:{HASH}").as_bytes()).unwrap();
        assert_eq!(format!("{users:?}"), r#"{UserName("u")}"#);
    }
}
