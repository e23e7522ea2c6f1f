//! The authorities that vouch for a mirror's certificate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ureq::tls::{PemItem, parse_pem};

use super::MirrorError;

/// Most bytes of a file of certificates.
const CA_BYTES: usize = 1 << 20;

/// Certificates of authorities; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaCertificates(Vec<Vec<u8>>);

impl CaCertificates {
    /// The certificates in `pem`, of at most 1 MiB. Text around them is left out.
    ///
    /// # Errors
    /// [`MirrorError::Ca`]: none in it, one is broken, or a private key, which must not get to the nodes.
    pub fn from_pem(pem: &[u8]) -> Result<Self, MirrorError> {
        let error = |why: &str| MirrorError::Ca { why: why.to_owned() };
        if pem.len() > CA_BYTES {
            return Err(error("more than 1 MiB"));
        }
        let mut out = Vec::new();
        for item in parse_pem(pem) {
            match item.map_err(|e| error(&e.to_string()))? {
                PemItem::Certificate(certificate) => out.push(certificate.der().to_vec()),
                PemItem::PrivateKey(_) => {
                    return Err(error("there is a private key beside them, which nodes must not get"));
                }
                _ => {}
            }
        }
        if out.is_empty() { Err(error("no PEM certificate in it")) } else { Ok(Self(out)) }
    }

    /// The certificates as PEM (RFC 7468): lines of 64 characters.
    #[must_use]
    pub fn to_pem(&self) -> String {
        let mut out = String::new();
        for der in &self.0 {
            out.push_str("-----BEGIN CERTIFICATE-----\n");
            let text = STANDARD.encode(der);
            let mut rest = text.as_str();
            while !rest.is_empty() {
                let (line, more) = rest.split_at(rest.len().min(64));
                out.push_str(line);
                out.push('\n');
                rest = more;
            }
            out.push_str("-----END CERTIFICATE-----\n");
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_key_does_not_get_to_the_nodes() {
        let block = |what: &str| format!("-----BEGIN {what}-----\nAAAA\n-----END {what}-----\n");
        let certificate = CaCertificates::from_pem(format!("text\n{}", block("CERTIFICATE")).as_bytes()).unwrap();
        assert_eq!(certificate.to_pem(), block("CERTIFICATE"));
        for pem in [String::new(), block("PRIVATE KEY"), block("CERTIFICATE") + &block("PRIVATE KEY")] {
            assert!(CaCertificates::from_pem(pem.as_bytes()).is_err(), "{pem}");
        }
    }
}
