//! Manifests and indexes: any bytes parse or are refused, as every media type; then as a template version.
#![no_main]

use bundle_format::version_index::{Documents, VersionIndex, index_json};
use bundle_format::{Descriptor, Raw, media};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let types = [media::OCI_INDEX, media::OCI_MANIFEST, media::DOCKER_LIST, media::DOCKER_MANIFEST];
    let mut accepted = 0;
    for media_type in types {
        let Ok(raw) = Raw::parse(&Descriptor::of(media_type, bytes), bytes.to_vec()) else { continue };
        accepted += usize::from(!media::is_index(media_type));
        accepted += 10 * usize::from(media::is_index(media_type));
        assert_eq!(raw.bytes(), bytes);
        let _ = Documents::read(raw.clone());
        if let Ok(version) = VersionIndex::read(raw) {
            assert!(version.images().is_sorted_by(|a, b| a.name < b.name));
            let index = index_json(version.entries()).unwrap_or_default();
            assert!(Raw::parse(&Descriptor::of(media::OCI_INDEX, &index), index.clone()).is_ok());
        }
    }
    // CVE-2021-41190: no bytes are both.
    assert!(accepted < 10 || accepted % 10 == 0);
});
