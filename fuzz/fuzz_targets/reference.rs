//! Names: what parses prints to a text that parses to the same name, and makes legal paths.
#![no_main]

use bundle_format::archive::MemberName;
use bundle_format::reference::is_repository;
use bundle_format::template::{RelativePath, TemplateName, TemplateVersion};
use bundle_format::{Digest, ImageRef};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    if let Ok(name) = text.parse::<ImageRef>() {
        let full = name.to_string();
        assert_eq!(full.parse::<ImageRef>().as_ref(), Ok(&name));
        assert!(is_repository(&name.mirror_path()), "{full}");
    }
    if let Ok(name) = text.parse::<MemberName>() {
        assert_eq!(name.to_string(), text);
        assert!(text.len() <= 100);
    }
    if let Ok(digest) = text.parse::<Digest>() {
        assert_eq!(digest.to_string(), text);
    }
    if let Ok(path) = text.parse::<RelativePath>() {
        assert!(path.as_str().split('/').all(|part| !matches!(part, "" | "." | "..")));
    }
    if let Ok(name) = text.parse::<TemplateName>() {
        assert_eq!(name.to_string(), text);
    }
    if let Ok(version) = text.parse::<TemplateVersion>() {
        assert!(bundle_format::reference::is_tag(&version.tag(u32::MAX)));
    }
});
