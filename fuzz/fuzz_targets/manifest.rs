//! Manifests that clients push: any bytes are read or refused, as every media type; what bundles may carry is always taken.
#![no_main]

use bundle_format::{Descriptor, Raw, limits, media};
use libfuzzer_sys::fuzz_target;
use registry_lite::digest::{Algorithm, ContentDigest};
use registry_lite::manifest::{Manifest, is_manifest_type};

fuzz_target!(|bytes: &[u8]| {
    let types = [media::OCI_INDEX, media::DOCKER_LIST, media::OCI_MANIFEST, media::DOCKER_MANIFEST];
    let (mut indexes, mut images) = (0, 0);
    for media_type in types {
        let read = Manifest::parse(Some(media_type), bytes);
        if Raw::parse(&Descriptor::of(media_type, bytes), bytes.to_vec()).is_ok() {
            assert!(read.is_ok(), "{media_type}: {read:?}");
        }
        let Ok(manifest) = read else { continue };
        assert!(bytes.len() as u64 <= limits::MANIFEST_BYTES);
        assert_eq!((manifest.media_type(), manifest.is_index()), (media_type, media::is_index(media_type)));
        *(if manifest.is_index() { &mut indexes } else { &mut images }) += 1;
        let referrer = manifest.as_referrer(ContentDigest::of(Algorithm::Sha512, bytes), bytes.len() as u64);
        assert_eq!(serde_json::to_value(&referrer).unwrap_or_default()["mediaType"], media_type);
    }
    // CVE-2021-41190: no bytes are both.
    assert!(indexes == 0 || images == 0);
    if let Ok(manifest) = Manifest::parse(None, bytes) {
        assert!(is_manifest_type(manifest.media_type()));
        assert!(Manifest::parse(Some(manifest.media_type()), bytes).is_ok());
    }
});
