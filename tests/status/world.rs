//! A vendor's shop with a bundle, and a tester with the key pair `qa`.

use bundle_format::statement::{Mark, Statement};
use bundle_format::trust::Unverified;
use serde_json::{Value, json};
use testdata::bundle::envelope;

use crate::common::{Ran, Shop};

/// What a line needs to believe the bundle and a status.
pub const KEYS: &str = "--key vendor.pub --qa-key qa.pub";

pub fn tested() -> Shop {
    with_tester(Shop::packed())
}

/// With the site `site` that has imported the bundle.
pub fn imported() -> Shop {
    with_tester(Shop::imported())
}

fn with_tester(shop: Shop) -> Shop {
    shop.sealift("keygen -q --no-passphrase -o qa").ok();
    shop
}

/// Marks the bundle in `file`, as of `at` seconds since 1970.
pub fn mark(shop: &Shop, file: &str, status: &str, at: u64) {
    let line = format!("mark shop.sealift --key vendor.pub --signer qa.pem --status {status} -o {file} --note because");
    Ran::of(shop.command(&line).env("SOURCE_DATE_EPOCH", at.to_string())).ok();
}

/// The statement in the status `file`.
pub fn statement(shop: &Shop, file: &str) -> Value {
    let envelope = Unverified::<Statement<Mark>>::parse(shop.read(file)).unwrap();
    serde_json::to_value(envelope.look_unverified().unwrap()).unwrap()
}

/// Writes `statement` into `file`, signed by the key in `pem`, as somebody would who has that key and no rules.
pub fn forge(shop: &Shop, file: &str, statement: &Value, pem: &str) {
    let pem = String::from_utf8(shop.read(pem)).unwrap();
    shop.write(file, &envelope(statement.to_string().as_bytes(), &[&pem]));
}

/// A status of the bundle, to be changed and signed.
pub fn draft(shop: &Shop) -> Value {
    let release = shop.sealift("inspect shop.sealift --json").ok().json();
    let digest = release["digest"].as_str().unwrap().trim_start_matches("sha256:");
    json!({
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [{"name": "shop:1.0.0", "digest": {"sha256": digest}}],
        "predicateType": "https://sealift.dev/status/v1",
        "predicate": {"requires": [], "status": "released", "markedAt": "2026-01-31T12:00:00Z"},
    })
}
