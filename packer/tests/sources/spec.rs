//! How a source is written.

use std::path::Path;

use packer::source::{FileKind, SourceSpec, SpecError};

#[test]
fn a_source_is_written_in_skopeos_notation() {
    let base = Path::new("/templates/shop");
    for (text, kind, path, reference, full) in [
        ("oci:web", FileKind::OciLayout, "/templates/shop/web", None, "oci:/templates/shop/web"),
        ("oci:../web:1", FileKind::OciLayout, "/templates/shop/../web", Some("1"), "oci:/templates/shop/../web:1"),
        ("oci-archive:/x/web.tar", FileKind::OciArchive, "/x/web.tar", None, "oci-archive:/x/web.tar"),
        (
            "docker-archive:web.tar:shop/web:1",
            FileKind::DockerArchive,
            "/templates/shop/web.tar",
            Some("shop/web:1"),
            "docker-archive:/templates/shop/web.tar:shop/web:1",
        ),
    ] {
        let spec = SourceSpec::parse(text, base).unwrap();
        assert_eq!(spec.to_string(), full, "{text}");
        let SourceSpec::File(file) = spec else { panic!("{text} is a file") };
        assert_eq!((file.kind(), file.path(), file.reference()), (kind, Path::new(path), reference), "{text}");
    }
    let registry = SourceSpec::parse("docker://web:1", base).unwrap();
    assert_eq!(registry, SourceSpec::Registry("docker.io/library/web:1".parse().unwrap()));
    assert_eq!(registry.to_string(), "docker://docker.io/library/web:1");
}

#[test]
fn what_is_no_source_is_refused_with_the_known_ones() {
    let parse = |text| SourceSpec::parse(text, Path::new("/")).unwrap_err();
    for (why, text) in [
        ("the name of an image", "nginx:1.25"),
        ("nothing", ""),
        ("no transport", "images/web.tar"),
        ("a transport that needs a daemon", "docker-daemon:web:1"),
        ("docker without the slashes", "docker:web:1"),
        ("a transport that starts like a known one", "oci-archives:web.tar"),
        ("upper case", "OCI:web"),
    ] {
        let error = parse(text);
        assert!(matches!(error, SpecError::Transport { .. }), "{why}: {error}");
        for known in ["`oci:PATH[:REF]`", "`oci-archive:PATH[:REF]`", "`docker-archive:PATH[:REF]`", "`docker://NAME`"]
        {
            assert!(error.to_string().contains(known), "{why}: {error}");
        }
    }
    for (text, message) in [
        ("oci:", r#""oci:" names no path: expected oci:PATH[:REF]"#),
        ("oci-archive::1", r#""oci-archive::1" names no path: expected oci-archive:PATH[:REF]"#),
        ("oci:web:", r#""oci:web:" ends in a colon: name the image after it, or leave it out"#),
    ] {
        assert_eq!(parse(text).to_string(), message);
    }
    assert!(matches!(parse("docker://UPPER/case"), SpecError::Name(_)));
}
