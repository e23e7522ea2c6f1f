//! Records in Secrets of the installation's namespace (spec/plan.md 7.2).

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use bundle_format::json::{self, Numbers};
use k8s_openapi::ByteString;
use kube::api::DeleteParams;
use serde_json::{Value, json};

use super::cluster::Cluster;
use super::failure::Failure;
use super::lease::Lease;
use super::owner::MANAGED_BY;
use super::patience::{BRIEF, Patience};
use crate::record::{Installation, Record, SECRET_TYPE as TYPE, Status};
use crate::render::Namespace;
use crate::target::{Lock, Place, Records, TargetError, belief};

/// Names the installation that a record is of.
const INSTALLATION: &str = "sealift.dev/installation";

const STATUS: &str = "sealift.dev/status";

/// Bytes that a compressed record may have: an object of Kubernetes may have 1.5 MiB, and a third is lost to base64.
const COMPRESSED: usize = 1_000_000;

/// Bytes that a record may have when it is read.
const PLAIN: u64 = 32 << 20;

/// Largest window of the decompressor, as a power of two.
const WINDOW: u32 = 25;

/// Records of a cluster, each a Secret: see [`Cluster::records`].
pub struct KubeRecords {
    cluster: Arc<Cluster>,
    only: Option<Namespace>,
}

fn collection(namespace: &Namespace) -> String {
    format!("/api/v1/namespaces/{namespace}/secrets")
}

fn secret_name(place: &Place, number: u64) -> String {
    format!("sealift.{}.v{number}", place.name)
}

/// The place and number that the metadata of a Secret says, if it is one of ours.
fn identify(secret: &Value) -> Option<(Place, u64)> {
    let text = |path: &str| secret.pointer(path).and_then(Value::as_str);
    let labels = secret.pointer("/metadata/labels")?;
    let place = Place {
        namespace: text("/metadata/namespace")?.parse().ok()?,
        name: labels.get(INSTALLATION)?.as_str()?.parse().ok()?,
    };
    let (_, number) = text("/metadata/name")?.rsplit_once(".v")?;
    let number = number.parse().ok()?;
    (text("/metadata/name")? == secret_name(&place, number)).then_some((place, number))
}

/// Does again what time may cure. An action that has done its work is not to fail because one answer was lost.
fn insist<T>(work: impl FnMut() -> Result<T, Failure>) -> Result<T, Failure> {
    Patience::new(BRIEF).insist("records", &(), work)
}

impl KubeRecords {
    pub(super) fn new(cluster: Arc<Cluster>, only: Option<Namespace>) -> Self {
        Self { cluster, only }
    }

    /// The metadata of the records in a collection of Secrets.
    fn list(&self, collection: &str, name: Option<&str>) -> Result<Vec<(Place, u64)>, Failure> {
        let mut labels = format!("{MANAGED_BY}=sealift");
        if let Some(name) = name {
            labels = format!("{labels},{INSTALLATION}={name}");
        }
        let found = insist(|| self.cluster.session.list_metadata(collection, &labels, &format!("type={TYPE}")))?;
        Ok(found.iter().filter_map(identify).collect())
    }

    /// The records that may be listed: in the namespace that was asked for, in all, or in each that lets us.
    fn everywhere(&self) -> Result<Vec<(Place, u64)>, TargetError> {
        let what = |place: &str| format!("listing the installations {place}");
        if let Some(only) = &self.only {
            return self.list(&collection(only), None).map_err(|e| e.doing(what(&format!("in {only}"))));
        }
        match self.list("/api/v1/secrets", None) {
            Err(e) if e.is_forbidden() => {}
            other => return other.map_err(|e| e.doing(what("of the cluster"))),
        }
        let namespaces = match self.cluster.namespaces() {
            Ok(all) => all,
            // One's own namespace is all that is left.
            Err(e) if e.is_forbidden() => self.cluster.namespace().parse().into_iter().collect(),
            Err(e) => return Err(e.doing("listing the namespaces")),
        };
        let (mut found, mut refused) = (Vec::new(), None);
        let mut may = false;
        for namespace in namespaces {
            match self.list(&collection(&namespace), None) {
                Ok(more) => {
                    may = true;
                    found.extend(more);
                }
                Err(e) if e.is_forbidden() => refused = Some(e.doing(what(&format!("in {namespace}")))),
                Err(e) => return Err(e.doing(what(&format!("in {namespace}")))),
            }
        }
        match refused {
            Some(e) if !may => Err(e),
            _ => Ok(found),
        }
    }

    fn read(&self, place: &Place, number: u64) -> Result<Option<Record>, TargetError> {
        let name = secret_name(place, number);
        let found = insist(|| self.cluster.session.find(&collection(&place.namespace), &name));
        let found = found.map_err(|e| e.doing(format!("reading the record {name} in {}", place.namespace)))?;
        found.map(|secret| decode_record(&secret, &name, number)).transpose()
    }

    /// Writes a Secret, in a namespace that is made if it is not there.
    fn write(&self, place: &Place, record: &Record, bytes: &[u8]) -> Result<(), Failure> {
        let (path, name) = (collection(&place.namespace), secret_name(place, record.number));
        let mut secret = encode(place, record, bytes);
        let Some(there) = self.cluster.session.find(&path, &name)? else {
            return match self.cluster.session.create(&path, &secret) {
                Err(e) if e.is_missing_namespace() => {
                    self.cluster.make_namespace(place.namespace.as_str())?;
                    self.cluster.session.create(&path, &secret).map(drop)
                }
                other => other.map(drop),
            };
        };
        if there.get("type").and_then(Value::as_str) != Some(TYPE) {
            return Err(Failure::Nonsense(format!("the Secret {name} is there already, and no record")));
        }
        // Of what was read: who has written in between is told apart by it.
        if let (Some(metadata), Some(version)) =
            (secret.get_mut("metadata").and_then(Value::as_object_mut), there.pointer("/metadata/resourceVersion"))
        {
            metadata.insert("resourceVersion".to_owned(), version.clone());
        }
        self.cluster.session.replace(&path, &name, &secret).map(drop)
    }
}

impl Records for KubeRecords {
    fn lock(&self, place: &Place, by: &str) -> Result<Box<dyn Lock>, TargetError> {
        Ok(Box::new(Lease::take(&self.cluster, place, by)?))
    }

    fn held(&self, place: &Place) -> Result<Option<String>, TargetError> {
        Lease::held(&self.cluster, place)
    }

    fn all(&self, place: &Place) -> Result<Vec<Record>, TargetError> {
        let listed = self.list(&collection(&place.namespace), Some(place.name.as_str()));
        let listed =
            listed.map_err(|e| e.doing(format!("listing the records of {} in {}", place.name, place.namespace)))?;
        let mut numbers: Vec<u64> = listed.into_iter().map(|(_, number)| number).collect();
        numbers.sort_unstable();
        let mut records = Vec::new();
        for number in numbers {
            records.extend(self.read(place, number)?);
        }
        Ok(records)
    }

    fn keep(&self, place: &Place, record: &Record) -> Result<(), TargetError> {
        let what = format!("writing the record {} in {}", secret_name(place, record.number), place.namespace);
        let fail = |why: String| TargetError::Cluster { what: what.clone(), why };
        let bytes = compress(record, &fail)?;
        // Who holds the installation is the only one who writes: a conflict is an answer that was lost.
        insist(|| self.write(place, record, &bytes)).map_err(|e| e.doing(what.clone()))
    }

    fn forget(&self, place: &Place, number: u64) -> Result<(), TargetError> {
        let name = secret_name(place, number);
        let params = DeleteParams::background();
        match insist(|| self.cluster.session.delete(&collection(&place.namespace), &name, &params)) {
            Err(e) if !e.is_absence() => Err(e.doing(format!("removing the record {name} in {}", place.namespace))),
            _ => Ok(()),
        }
    }

    fn installations(&self) -> Result<Vec<Installation>, TargetError> {
        let mut last: BTreeMap<Place, u64> = BTreeMap::new();
        for (place, number) in self.everywhere()? {
            let known = last.entry(place).or_default();
            *known = number.max(*known);
        }
        let mut out = Vec::new();
        for (place, number) in last {
            if let Some(record) = self.read(&place, number)? {
                out.push(Installation { place, record });
            }
        }
        Ok(out)
    }
}

fn encode(place: &Place, record: &Record, bytes: &[u8]) -> Value {
    let status = match record.status {
        Status::Begun => "begun",
        Status::Done => "done",
        Status::Failed => "failed",
    };
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "type": TYPE,
        "metadata": {
            "name": secret_name(place, record.number),
            "namespace": place.namespace.as_str(),
            "labels": {MANAGED_BY: "sealift", INSTALLATION: place.name.as_str(), STATUS: status},
        },
        "data": {"record": ByteString(bytes.to_vec())},
    })
}

/// The record in a Secret, which anybody may have written who may write Secrets there. `name` is what an error calls it, `number` the
/// number that the record must have.
///
/// # Errors
/// [`TargetError::Record`]: it is damaged, beyond a limit, or another one.
pub fn decode_record(secret: &Value, name: &str, number: u64) -> Result<Record, TargetError> {
    let damaged = |why: String| TargetError::Record { name: name.to_owned(), why };
    if secret.get("type").and_then(Value::as_str) != Some(TYPE) {
        return Err(damaged(format!("it is no Secret of the type {TYPE}")));
    }
    let Some(data) = secret.pointer("/data/record") else { return Err(damaged("it has no key `record`".to_owned())) };
    let ByteString(bytes) =
        serde_json::from_value(data.clone()).map_err(|_| damaged("its key `record` is not in base64".to_owned()))?;
    let text = decompress(&bytes).map_err(|e| damaged(e.to_string()))?;
    let record: Record = json::parse(&text, PLAIN, Numbers::Any).map_err(|e| damaged(e.to_string()))?;
    if record.number != number {
        return Err(damaged(format!("it says that it is number {}", record.number)));
    }
    belief::check(&record, name)?;
    Ok(record)
}

/// The record as it is kept. What could not be read again, or not be written when it failed, is refused.
fn compress(record: &Record, fail: &dyn Fn(String) -> TargetError) -> Result<Vec<u8>, TargetError> {
    let text = serde_json::to_vec(record).map_err(|e| fail(e.to_string()))?;
    let bytes = zstd::encode_all(text.as_slice(), 9).map_err(|e| fail(e.to_string()))?;
    let room = record.room();
    if bytes.len().saturating_add(room) > COMPRESSED || text.len().saturating_add(room) as u64 > PLAIN {
        return Err(TargetError::RecordTooLarge { size: bytes.len(), limit: COMPRESSED.saturating_sub(room) });
    }
    Ok(bytes)
}

fn decompress(bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut decoder = zstd::stream::read::Decoder::new(bytes)?;
    decoder.window_log_max(WINDOW)?;
    let mut text = Vec::new();
    decoder.take(PLAIN + 1).read_to_end(&mut text)?;
    if text.len() as u64 > PLAIN {
        return Err(io::Error::other(format!("it has more than {PLAIN} bytes")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place {
        Place { namespace: "team".parse().unwrap(), name: "shop".parse().unwrap() }
    }

    fn record() -> Record {
        let digest = format!("sha256:{}", "a".repeat(64));
        serde_json::from_value(json!({
            "number": 3, "action": "install", "status": "done", "time": "2026-01-01T00:00:00Z", "version": "1.0.0", "revision": 1,
            "digest": digest, "target": "kube:a", "enabled": [], "images": {},
        }))
        .unwrap()
    }

    fn secret() -> Value {
        let bytes = zstd::encode_all(serde_json::to_vec(&record()).unwrap().as_slice(), 3).unwrap();
        encode(&place(), &record(), &bytes)
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        assert_eq!(decode_record(&secret(), "n", 3).unwrap(), record());
        assert_eq!(identify(&secret()), Some((place(), 3)));
        assert_eq!(secret()["metadata"]["name"], "sealift.shop.v3");
        assert_eq!(secret()["metadata"]["labels"]["sealift.dev/status"], "done");
    }

    #[test]
    fn what_could_be_begun_can_fail_with_the_longest_message() {
        let fail = |why: String| TargetError::Cluster { what: String::new(), why };
        // A text that hardly compresses (xorshift64).
        let noise = |mut seed: u64, chars: usize| -> String {
            let next = |_| {
                seed ^= seed << 13;
                seed ^= seed >> 7;
                seed ^= seed << 17;
                char::from(b'@' + u8::try_from(seed % 60).unwrap())
            };
            (0..chars).map(next).collect()
        };
        let begun = |chars: usize| {
            let value = Some(Value::from(noise(1, chars)));
            let overlay = crate::plan::Overlay { values: [("web.config./a".parse().unwrap(), value)].into() };
            Record { status: Status::Begun, overlay, ..record() }
        };
        // The largest that can be begun, within a thousand characters.
        let (mut fits, mut not) = (100_000, 2_000_000);
        while not - fits > 1000 {
            let middle = (fits + not) / 2;
            if compress(&begun(middle), &fail).is_ok() { fits = middle } else { not = middle }
        }
        let mut failed = begun(fits);
        failed.fail(&noise(2, 100_000));
        assert!(failed.message.as_ref().unwrap().chars().count() <= 2001);
        assert!(compress(&failed, &fail).is_ok());
        failed.fail(&"\u{1}".repeat(100_000));
        assert!(compress(&failed, &fail).is_ok());
    }

    #[test]
    fn a_damaged_record_is_named_and_said_to_be_damaged() {
        let put = |bytes: &[u8]| {
            let mut secret = secret();
            secret["data"]["record"] = json!(ByteString(bytes.to_vec()));
            secret
        };
        let bomb = zstd::encode_all(io::repeat(b' ').take(PLAIN + 10), 3).unwrap();
        let whole = zstd::encode_all(serde_json::to_vec(&record()).unwrap().as_slice(), 3).unwrap();
        let elsewhere = Record { target: "dir:/etc".to_owned(), ..record() };
        let elsewhere = zstd::encode_all(serde_json::to_vec(&elsewhere).unwrap().as_slice(), 3).unwrap();
        let mut other_type = secret();
        other_type["type"] = json!("Opaque");
        let mut no_key = secret();
        no_key["data"] = json!({});
        let mut no_base64 = secret();
        no_base64["data"]["record"] = json!("%");
        for (secret, number, why) in [
            (put(b"nothing"), 3, "Unknown frame descriptor"),
            (put(&whole[..whole.len() / 2]), 3, ""),
            (put(&bomb), 3, "more than"),
            (put(&zstd::encode_all(&b"{}"[..], 3).unwrap()), 3, "missing field"),
            (secret(), 4, "says that it is number 3"),
            (put(&elsewhere), 3, "no cluster"),
            (other_type, 3, "no Secret of the type"),
            (no_key, 3, "no key"),
            (no_base64, 3, "base64"),
        ] {
            match decode_record(&secret, "sealift.shop.v3", number) {
                Err(TargetError::Record { name, why: said }) => {
                    assert_eq!(name, "sealift.shop.v3");
                    assert!(said.contains(why), "{said} / {why}");
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn a_secret_that_is_not_named_as_a_record_is_passed_over() {
        let named = |name: &str| {
            let mut secret = secret();
            secret["metadata"]["name"] = json!(name);
            identify(&secret)
        };
        for name in ["sealift.other.v3", "sealift.shop.vx", "sealift.shop.v03", "shop", ""] {
            assert_eq!(named(name), None, "{name}");
        }
    }
}
