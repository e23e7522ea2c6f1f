//! What is known about the mirror, in types that are safe to write into any configuration.

use std::fmt;
use std::str::FromStr;

use bundle_format::reference::{ImageRef, normal_host};
use bundle_format::{Code, Coded};

use super::{CaCertificates, Login};

/// Why something cannot be part of a mirror's configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MirrorError {
    /// Not an address of a mirror.
    #[error("{text:?} is not the address of a mirror: {why}")]
    Url {
        /// What was given, cut to 300 characters.
        text: String,
        /// The rule it breaks.
        why: &'static str,
    },
    /// Not the host of a registry.
    #[error("{text:?} is not a registry's host, as image names have it: `quay.io`, `localhost:5000`")]
    Host {
        /// What was given, cut to 300 characters.
        text: String,
    },
    /// Not a kind of client.
    #[error("{text:?} is not a client that is known here")]
    Client {
        /// What was given, cut to 300 characters.
        text: String,
    },
    /// Certificates that cannot be used.
    #[error("the certificates of the authority: {why}")]
    Ca {
        /// What is wrong.
        why: String,
    },
    /// A login that not every client can send.
    #[error("the login: {why}")]
    Login {
        /// The rule it breaks.
        why: &'static str,
    },
}

impl Coded for MirrorError {
    fn code(&self) -> Code {
        Code::Usage
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Url { .. } => Some("`http://HOST:PORT` or `https://HOST[:PORT]`, as the nodes reach it".to_owned()),
            _ => None,
        }
    }
}

fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}

/// Whether image names can begin with `host`.
fn is_host(host: &str) -> bool {
    format!("{host}/x").parse::<ImageRef>().is_ok_and(|image| image.host() == normal_host(host))
}

/// The host of a registry that content came from, with its port if it has one, in its normal spelling.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistryHost(String);

impl RegistryHost {
    /// The host that the image's name begins with.
    #[must_use]
    pub fn of(image: &ImageRef) -> Self {
        Self(image.host().to_owned())
    }

    /// The host: `docker.io`, `localhost:5000`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RegistryHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for RegistryHost {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        match is_host(text) {
            true => Ok(Self(normal_host(text).to_owned())),
            false => Err(MirrorError::Host { text: cut(text) }),
        }
    }
}

/// A registry that holds images of other registries under their original names, as nodes reach it.
#[derive(Debug, Clone)]
pub struct Mirror {
    secure: bool,
    authority: String,
    ca: Option<CaCertificates>,
    login: Option<Login>,
}

impl Mirror {
    /// The same, with a certificate that these authorities vouch for.
    ///
    /// # Errors
    /// [`MirrorError::Ca`] if no TLS is spoken.
    pub fn trusting(mut self, ca: CaCertificates) -> Result<Self, MirrorError> {
        if !self.secure {
            return Err(MirrorError::Ca { why: "a mirror on http has no certificate".to_owned() });
        }
        self.ca = Some(ca);
        Ok(self)
    }

    /// The same, for whoever logs in so.
    #[must_use]
    pub fn as_user(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Whether TLS is spoken.
    #[must_use]
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// `host:port`, or a host with a dot alone: what images by the mirror's own name begin with.
    #[must_use]
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// Scheme and authority, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.authority)
    }

    /// The authorities that vouch for its certificate, if it is not one of those that everybody trusts.
    #[must_use]
    pub fn ca(&self) -> Option<&CaCertificates> {
        self.ca.as_ref()
    }

    /// Who may read.
    #[must_use]
    pub fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }
}

/// `http://HOST[:PORT]` or `https://…`, without a path. A name that has neither a dot nor a port gets the port of the scheme:
/// as the first part of an image's name it would otherwise be a folder on Docker Hub.
impl FromStr for Mirror {
    type Err = MirrorError;

    fn from_str(text: &str) -> Result<Self, MirrorError> {
        let error = |why| MirrorError::Url { text: cut(text), why };
        let lower = text.to_ascii_lowercase();
        let (secure, rest) = match lower.split_once("://") {
            Some(("https", rest)) => (true, rest),
            Some(("http", rest)) => (false, rest),
            _ => return Err(error("it begins with neither http:// nor https://")),
        };
        let host = rest.strip_suffix('/').unwrap_or(rest);
        let authority = match host.contains(['.', ':']) || host == "localhost" {
            true => host.to_owned(),
            false => format!("{host}:{}", if secure { 443 } else { 80 }),
        };
        if !is_host(&authority) || normal_host(&authority) != authority {
            return Err(error("what follows is not a DNS name or an IPv4 address, with a port or without one"));
        }
        if authority.rsplit_once(':').is_some_and(|(_, port)| !matches!(port.parse::<u16>(), Ok(1..))) {
            return Err(error("ports are 1 to 65535"));
        }
        Ok(Self { secure, authority, ca: None, login: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_an_address_that_image_names_can_begin_with() {
        for (text, url) in [
            ("http://10.0.0.5:5000", "http://10.0.0.5:5000"),
            ("https://Registry.Site/", "https://registry.site"),
            ("https://mirror", "https://mirror:443"),
            ("http://mirror", "http://mirror:80"),
            ("http://localhost", "http://localhost"),
            ("http://mirror:5000", "http://mirror:5000"),
        ] {
            assert_eq!(text.parse::<Mirror>().map(|mirror| mirror.url()), Ok(url.to_owned()), "{text}");
        }
        for text in [
            "10.0.0.5:5000",
            "ftp://a.b",
            "http://",
            "http://a.b/v2",
            "http://u@a.b",
            "http://a.b:0",
            "http://a.b:65536",
            "http://a.b:x",
            "http://[::1]:5000",
            "http://a.b\"]\n",
            "http://a_b.c",
            "http://index.docker.io",
        ] {
            assert!(text.parse::<Mirror>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_registry_is_what_image_names_begin_with() {
        for (text, host) in
            [("quay.io", "quay.io"), ("index.docker.io", "docker.io"), ("localhost:5000", "localhost:5000")]
        {
            assert_eq!(text.parse::<RegistryHost>().map(|host| host.to_string()), Ok(host.to_owned()));
        }
        for text in ["", "quay", "quay.io/a", "a b.c", "../x.y", "QUAY.io", "a.b:1:2", "_default"] {
            assert!(text.parse::<RegistryHost>().is_err(), "{text:?}");
        }
    }
}
