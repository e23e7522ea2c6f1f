//! The names that a server goes by.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use rustls::pki_types::ServerName;

use super::error::TlsError;

/// Most names that a certificate has.
pub const NAMES: usize = 100;

/// The names and addresses that clients reach a server by, without ports; `localhost`, 127.0.0.1 and ::1 are always among them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerNames(BTreeSet<Name>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Name {
    /// In lowercase, without a dot at the end.
    Dns(String),
    Ip(IpAddr),
}

impl ServerNames {
    /// These names, and those of every machine for itself.
    ///
    /// # Errors
    /// [`TlsError::Name`]: not a host's name and not an IP address, or a wildcard. [`TlsError::Names`]: more than [`NAMES`].
    pub fn new<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> Result<Self, TlsError> {
        let mut all = BTreeSet::from([
            Name::Dns("localhost".to_owned()),
            Name::Ip(Ipv4Addr::LOCALHOST.into()),
            Name::Ip(Ipv6Addr::LOCALHOST.into()),
        ]);
        for name in names {
            all.insert(Name::parse(name.as_ref())?);
            if all.len() > NAMES {
                return Err(TlsError::Names);
            }
        }
        Ok(Self(all))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Name> {
        self.0.iter()
    }

    /// Whether these are all of `names`, and no others are.
    pub(super) fn are(&self, names: &BTreeSet<Name>) -> bool {
        self.0 == *names
    }
}

impl Name {
    fn parse(text: &str) -> Result<Self, TlsError> {
        let wrong = || TlsError::Name { text: text.chars().take(300).collect() };
        if let Ok(address) = text.parse::<IpAddr>() {
            return Ok(Self::Ip(address));
        }
        // The dot at the end is a resolver's affair; in a certificate it is not allowed.
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        // An address that is cut or has a number too many is not a name. (No top-level domain is a number.)
        let last = name.rsplit('.').next().unwrap_or_default();
        if last.bytes().all(|b| b.is_ascii_digit()) || name.ends_with('.') {
            return Err(wrong());
        }
        match ServerName::try_from(name.as_str()) {
            Ok(ServerName::DnsName(_)) => Ok(Self::Dns(name)),
            _ => Err(wrong()),
        }
    }

    /// As a client asks for it.
    pub(super) fn as_server_name(&self) -> Option<ServerName<'static>> {
        match self {
            Self::Dns(name) => ServerName::try_from(name.clone()).ok(),
            Self::Ip(address) => Some(ServerName::from(*address)),
        }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dns(name) => f.write_str(name),
            Self::Ip(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_hosts_and_addresses() {
        for (given, expected) in [
            ("mirror", "mirror"),
            ("Mirror.Site.", "mirror.site"),
            ("10.0.0.5", "10.0.0.5"),
            ("fd00:0::5", "fd00::5"),
            ("xn--mnchen-3ya.example", "xn--mnchen-3ya.example"),
            ("4.example", "4.example"),
        ] {
            let names = ServerNames::new([given]).unwrap();
            assert_eq!(names.iter().count(), 4, "{given}");
            assert!(names.iter().any(|name| name.to_string() == expected), "{given}: {names:?}");
        }
        let names = ServerNames::new(["localhost", "::1", "127.0.0.1"]).unwrap();
        assert_eq!(names, ServerNames::new::<&str>([]).unwrap());
    }

    #[test]
    fn everything_else_is_refused() {
        for (why, given) in [
            ("nothing", ""),
            ("a dot", "."),
            ("two dots at the end", "mirror.."),
            ("a port", "mirror:5000"),
            ("an address with a port", "10.0.0.5:5000"),
            ("brackets", "[::1]"),
            ("a zone", "fe80::1%eth0"),
            ("a URL", "https://mirror"),
            ("a path", "mirror/x"),
            ("a wildcard", "*.site"),
            ("space", "mi rror"),
            ("a NUL", "mirror\0.site"),
            ("letters outside ASCII", "münchen.example"),
            ("a cut address", "10.0.0"),
            ("an address with a number too many", "10.0.0.5.6"),
            ("a number", "167772165"),
            ("a hyphen at the beginning", "-mirror"),
            ("a label of 64 letters", &"m".repeat(64)),
            ("255 letters", &("m.".repeat(127) + "m")),
        ] {
            match ServerNames::new([given]) {
                Err(TlsError::Name { text }) => assert_eq!(text, given, "{why}"),
                other => panic!("{why}: {other:?}"),
            }
        }
        let many = |count: usize| ServerNames::new((0..count).map(|n| format!("mirror-{n}")));
        assert!(many(NAMES - 3).is_ok());
        assert!(matches!(many(NAMES - 2), Err(TlsError::Names)));
    }
}
