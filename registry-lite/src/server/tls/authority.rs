//! Our own authority, and what it signs.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SanType, SerialNumber, date_time_ymd,
};
use rustls::RootCertStore;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier as _;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, UnixTime};
use sha2::{Digest as _, Sha256};
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::error::TlsError;
use super::names::{Name, ServerNames};

const DAY: u64 = 24 * 3600;
/// Clients have to be given a new authority by hand, so it should last longer than they do.
const AUTHORITY_LASTS: Duration = Duration::from_secs(10 * 365 * DAY);
/// A server's certificate, on each side of the moment when it is issued. Behind: clocks in a place without a time server are
/// wrong, and a node that is a year late can pull all the same. Ahead: a stolen key is of no use for longer. Both together stay
/// below the 825 days that Apple's systems accept.
const SERVER_LASTS: Duration = Duration::from_secs(365 * DAY);
/// How long before its end a certificate is replaced.
pub(super) const MARGIN: Duration = Duration::from_secs(30 * DAY);

/// Makes a key. P-256 is what every client can do.
pub(super) fn key() -> Result<KeyPair, TlsError> {
    Ok(KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?)
}

/// The authority's own certificate.
///
/// It has no name constraints: they could not be changed when the server gets another name, and every client would have to be
/// given a new authority then. Clients are told to trust it for this registry only (`certs.d/HOST:PORT/ca.crt`).
pub(super) fn authority(key: &KeyPair, now: SystemTime) -> Result<Certificate, TlsError> {
    let mut params = authority_params(key)?;
    // The beginning does not protect anybody, and the clocks of clients may be years late.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970(now + AUTHORITY_LASTS);
    Ok(params.self_signed(key)?)
}

/// What follows from the key alone: enough to sign with it again later. Two sites have two names.
fn authority_params(key: &KeyPair) -> Result<CertificateParams, TlsError> {
    let digest = Sha256::digest(key.subject_public_key_info());
    let id: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    let mut params = params(&format!("Sealift registry CA {id}"))?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

/// A certificate for a server's `key` that the authority with `authority_key` signs. It does not outlive the authority.
pub(super) fn server(
    key: &KeyPair,
    names: &ServerNames,
    authority_key: &KeyPair,
    authority_ends: SystemTime,
    now: SystemTime,
) -> Result<Certificate, TlsError> {
    let mut params = params("Sealift registry")?;
    params.not_before = date_time_ymd(1970, 1, 1) + since_1970(now - SERVER_LASTS);
    params.not_after = date_time_ymd(1970, 1, 1) + since_1970((now + SERVER_LASTS).min(authority_ends));
    params.is_ca = IsCa::ExplicitNoCa;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    for name in names.iter() {
        params.subject_alt_names.push(match name {
            Name::Dns(name) => SanType::DnsName(name.as_str().try_into()?),
            Name::Ip(address) => SanType::IpAddress(*address),
        });
    }
    Ok(params.signed_by(key, &Issuer::new(authority_params(authority_key)?, authority_key))?)
}

fn params(name: &str) -> Result<CertificateParams, TlsError> {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, name);
    // 126 random bits: positive, and always of the same length.
    let mut serial = [0; 16];
    getrandom::fill(&mut serial).map_err(TlsError::Random)?;
    serial[0] = serial[0] & 0x7f | 0x40;
    params.serial_number = Some(SerialNumber::from_slice(&serial));
    Ok(params)
}

/// Whole seconds, which are all that X.509 has. The clock is kept between the years 2026 and 2200, so that no sum overflows.
fn since_1970(time: SystemTime) -> Duration {
    Duration::from_secs(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs())
}

/// Whether a client that trusts `authority` takes `server` for each of `names` at `now`, and why not.
pub(super) fn verify(
    authority: &CertificateDer<'_>,
    server: &CertificateDer<'_>,
    names: &ServerNames,
    provider: Arc<CryptoProvider>,
    now: SystemTime,
) -> Result<(), String> {
    let mut roots = RootCertStore::empty();
    roots.add(authority.clone().into_owned()).map_err(|e| e.to_string())?;
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = verifier.build().map_err(|e| e.to_string())?;
    let now = UnixTime::since_unix_epoch(since_1970(now));
    for name in names.iter() {
        let asked = name.as_server_name().ok_or_else(|| format!("{name} is no name"))?;
        verifier.verify_server_cert(server, &[], &asked, &[], now).map_err(|e| format!("{name}: {e}"))?;
    }
    Ok(())
}

/// When a certificate begins and ends, and the names that it is for; `None` if it is not one of ours.
pub(super) fn describe(certificate: &CertificateDer<'_>) -> Option<Description> {
    let parsed = x509_cert::Certificate::from_der(certificate).ok()?;
    let body = parsed.tbs_certificate();
    let names = match body.get_extension::<SubjectAltName>().ok()? {
        Some((_, SubjectAltName(names))) => names.iter().map(name).collect::<Option<_>>()?,
        None => BTreeSet::new(),
    };
    let validity = body.validity();
    let (begins, ends) = (validity.not_before.to_system_time(), validity.not_after.to_system_time());
    Some(Description { begins, ends, names })
}

pub(super) struct Description {
    pub(super) begins: SystemTime,
    pub(super) ends: SystemTime,
    pub(super) names: BTreeSet<Name>,
}

fn name(name: &GeneralName) -> Option<Name> {
    match name {
        GeneralName::DnsName(name) => Some(Name::Dns(name.to_string())),
        GeneralName::IpAddress(bytes) => match bytes.as_bytes().len() {
            4 => <[u8; 4]>::try_from(bytes.as_bytes()).ok().map(|octets| Name::Ip(IpAddr::from(octets))),
            _ => <[u8; 16]>::try_from(bytes.as_bytes()).ok().map(|octets| Name::Ip(IpAddr::from(octets))),
        },
        _ => None,
    }
}

/// `AB:CD:…`, as openssl prints it.
pub(super) fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    Sha256::digest(certificate).iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(":")
}
