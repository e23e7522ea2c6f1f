//! Keys and signatures against the real openssl, in both directions.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

mod tools;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use bundle_format::Code;
use bundle_format::Coded;
use bundle_format::statement::{Release, Statement};
use bundle_format::trust::{KeyError, PAYLOAD_TYPE, PrivateKey, PublicKey, TrustRoot, Unverified, Verified, pae};
use testdata::bundle::{Content, Draft, VENDOR_PEM};

fn openssl(dir: &Path, arguments: &str) -> Output {
    let output = Command::new("openssl").current_dir(dir).args(arguments.split(' ')).output().unwrap();
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn read(dir: &Path, name: &str) -> String {
    fs::read_to_string(dir.join(name)).unwrap()
}

fn load(dir: &Path, name: &str, passphrase: Option<&str>) -> Result<PrivateKey, KeyError> {
    PrivateKey::from_pem(&read(dir, name), || passphrase.map(|p| p.to_owned().into()))
}

/// A folder, unless openssl is missing.
fn folder() -> Option<tempfile::TempDir> {
    if tools::missing(&["openssl"]) { None } else { Some(tempfile::tempdir().unwrap()) }
}

#[test]
fn our_keys_open_in_openssl() {
    let Some(dir) = folder() else { return };
    let key = PrivateKey::generate().unwrap();
    fs::write(dir.path().join("plain.pem"), key.to_pem(None).unwrap().as_str()).unwrap();
    fs::write(dir.path().join("sealed.pem"), key.to_pem(Some("open sesame é")).unwrap().as_str()).unwrap();
    fs::write(dir.path().join("passphrase"), "open sesame é\n").unwrap();
    assert!(read(dir.path(), "sealed.pem").starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    let ours = key.public().unwrap().to_pem().unwrap();
    let plain = openssl(dir.path(), "pkey -in plain.pem -pubout").stdout;
    let sealed = openssl(dir.path(), "pkey -in sealed.pem -passin file:passphrase -pubout").stdout;
    assert_eq!(String::from_utf8(plain).unwrap(), ours, "the same SubjectPublicKeyInfo");
    assert_eq!(String::from_utf8(sealed).unwrap(), ours);
    let parameters = String::from_utf8(openssl(dir.path(), "asn1parse -in sealed.pem").stdout).unwrap();
    for word in ["PBES2", "PBKDF2", "hmacWithSHA256", "aes-256-cbc", "0927C0"] {
        assert!(parameters.contains(word), "{word} in {parameters}");
    }
    let mut wrong = Command::new("openssl");
    wrong.current_dir(dir.path()).args("pkey -in sealed.pem -passin pass:wrong -noout".split(' '));
    assert!(!wrong.output().unwrap().status.success());
}

#[test]
fn keys_of_openssl_load_in_ours() {
    let Some(dir) = folder() else { return };
    openssl(dir.path(), "genpkey -algorithm ed25519 -out plain.pem");
    openssl(dir.path(), "pkey -in plain.pem -aes-256-cbc -passout pass:secret -out sealed.pem");
    openssl(
        dir.path(),
        "pkcs8 -topk8 -v2 aes-256-cbc -v2prf hmacWithSHA256 -iter 600000 -in plain.pem -passout pass:secret -out advised.pem",
    );
    openssl(dir.path(), "pkey -in plain.pem -pubout -out key.pub");
    let public = PublicKey::from_pem(&read(dir.path(), "key.pub")).unwrap();
    for (name, passphrase) in [("plain.pem", None), ("sealed.pem", Some("secret")), ("advised.pem", Some("secret"))] {
        assert_eq!(load(dir.path(), name, passphrase).unwrap().public().unwrap(), public, "{name}");
    }
    assert_eq!(public.to_pem().unwrap(), read(dir.path(), "key.pub"));
    assert_eq!(load(dir.path(), "sealed.pem", None).err(), Some(KeyError::PassphraseNeeded));
    assert_eq!(load(dir.path(), "sealed.pem", Some("wrong")).err(), Some(KeyError::WrongPassphrase));
    assert_eq!(load(dir.path(), "key.pub", None).err(), Some(KeyError::PublicForPrivate));
    assert_eq!(PublicKey::from_pem(&read(dir.path(), "plain.pem")).err(), Some(KeyError::PrivateForPublic));
    assert_eq!(PublicKey::from_pem(&read(dir.path(), "sealed.pem")).err(), Some(KeyError::PrivateForPublic));
}

#[test]
fn the_identity_is_what_openssl_and_sha256sum_give() {
    let Some(dir) = folder() else { return };
    openssl(dir.path(), "genpkey -algorithm ed25519 -out key.pem");
    openssl(dir.path(), "pkey -in key.pem -pubout -out key.pub");
    openssl(dir.path(), "pkey -pubin -in key.pub -outform DER -out key.der");
    let sum = Command::new("sha256sum").arg(dir.path().join("key.der")).output().unwrap().stdout;
    let public = PublicKey::from_pem(&read(dir.path(), "key.pub")).unwrap();
    assert_eq!(String::from_utf8(sum).unwrap()[..64], public.id().to_string());
}

#[test]
fn openssl_verifies_our_signatures_and_we_verify_its() {
    let Some(dir) = folder() else { return };
    let draft = Draft::of(&Content::small().unwrap());
    let payload = draft.release.to_string();
    fs::write(dir.path().join("message"), pae(PAYLOAD_TYPE, payload.as_bytes())).unwrap();
    fs::write(dir.path().join("vendor.pem"), VENDOR_PEM).unwrap();
    openssl(dir.path(), "pkey -in vendor.pem -pubout -out vendor.pub");
    openssl(dir.path(), "pkeyutl -sign -rawin -inkey vendor.pem -in message -out signature");
    let public = PublicKey::from_pem(&read(dir.path(), "vendor.pub")).unwrap();

    // Its signature, in our envelope.
    let signature = fs::read(dir.path().join("signature")).unwrap();
    let theirs = testdata::bundle::dsse(payload.as_bytes(), &[(public.id().to_string(), signature.clone())]);
    let trust = TrustRoot::pinned(vec![public]).unwrap();
    let release = Unverified::<Statement<Release>>::parse(theirs.clone()).unwrap().verify(trust.release()).unwrap();

    // Our signature: of the statement as we write it.
    let ours = Verified::sign(release.value().clone(), &[&load(dir.path(), "vendor.pem", None).unwrap()]).unwrap();
    let envelope: serde_json::Value = serde_json::from_slice(ours.envelope().bytes()).unwrap();
    fs::write(dir.path().join("payload64"), envelope["payload"].as_str().unwrap()).unwrap();
    fs::write(dir.path().join("signature64"), envelope["signatures"][0]["sig"].as_str().unwrap()).unwrap();
    openssl(dir.path(), "base64 -d -A -in payload64 -out payload");
    openssl(dir.path(), "base64 -d -A -in signature64 -out ours");
    let message = pae(PAYLOAD_TYPE, &fs::read(dir.path().join("payload")).unwrap());
    fs::write(dir.path().join("message"), message).unwrap();
    openssl(dir.path(), "pkeyutl -verify -rawin -pubin -inkey vendor.pub -in message -sigfile ours");
}

#[test]
fn what_is_no_ed25519_key_is_refused_by_its_name() {
    let Some(dir) = folder() else { return };
    openssl(dir.path(), "genpkey -algorithm rsa -pkeyopt rsa_keygen_bits:2048 -out rsa.pem");
    openssl(dir.path(), "genpkey -algorithm ec -pkeyopt ec_paramgen_curve:P-256 -out p256.pem");
    openssl(dir.path(), "genpkey -algorithm x25519 -out x25519.pem");
    for name in ["rsa", "p256", "x25519"] {
        openssl(dir.path(), &format!("pkey -in {name}.pem -pubout -out {name}.pub"));
        assert_eq!(load(dir.path(), &format!("{name}.pem"), None).err(), Some(KeyError::OtherAlgorithm), "{name}");
        let public = PublicKey::from_pem(&read(dir.path(), &format!("{name}.pub")));
        assert_eq!(public.err(), Some(KeyError::OtherAlgorithm), "{name}");
    }
    openssl(dir.path(), "pkey -in rsa.pem -traditional -out pkcs1.pem");
    openssl(dir.path(), "req -x509 -key rsa.pem -subj /CN=x -days 1 -out certificate.pem");
    fs::write(dir.path().join("empty"), "").unwrap();
    fs::write(dir.path().join("garbage"), "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n").unwrap();
    fs::write(dir.path().join("cut"), &VENDOR_PEM[..VENDOR_PEM.len() - 30]).unwrap();
    for name in ["pkcs1.pem", "certificate.pem", "empty", "garbage", "cut"] {
        for error in [load(dir.path(), name, None).err(), PublicKey::from_pem(&read(dir.path(), name)).err()] {
            assert_eq!(error.unwrap().code(), Code::Key, "{name}");
        }
    }
    let long = "x".repeat(70_000);
    assert_eq!(PublicKey::from_pem(&long).err(), Some(KeyError::TooLong));
    assert_eq!(PrivateKey::from_pem(&long, || None).err(), Some(KeyError::TooLong));
}
