//! The client against Docker's registry, and against answers that Docker's registry does not give.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "client/answers.rs"]
mod answers;
#[path = "client/tools.rs"]
mod tools;

use std::io::{self, Read};
use std::process::Command;

use bundle_format::{BlobSource, Descriptor, Digest, ImageRef, Raw, SourceError, limits, media};
use registry_lite::client::{ClientError, ClientOptions, CredentialSource, Reference, Registry};
use testdata::{Compression, Image, Layer};
use tools::{Access, Server, have, run};

fn anonymous() -> ClientOptions {
    ClientOptions { credentials: CredentialSource::Anonymous, ..ClientOptions::default() }
}

fn connect(server: &Server) -> Registry {
    Registry::connect(&server.host(), &anonymous()).unwrap()
}

/// Bytes that no compression and no coincidence make equal: a xorshift.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut x = seed | 1;
    let step = || {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        x.to_le_bytes()[3]
    };
    std::iter::repeat_with(step).take(size).collect()
}

fn image(platform: &str) -> Image {
    let small = Layer::new(Compression::Gzip, [("etc/motd", "hello")]);
    let large = Layer::new(Compression::None, [("data", noise(platform.len() as u64, 3_000_000))]);
    Image::new(platform, &[small, large]).unwrap()
}

fn push(registry: &Registry, repository: &str, tag: &str, image: &Image) {
    let mut documents = Vec::new();
    let mut queue = vec![image.root().clone()];
    while let Some(blob) = queue.pop() {
        let bytes = &image.blobs()[&blob.digest];
        if blob.is_document() {
            let raw = Raw::parse(&blob, bytes.clone()).unwrap();
            queue.extend(raw.value().children().cloned());
            documents.push(raw);
        } else {
            registry.push_blob(repository, &blob, bytes.as_slice()).unwrap();
        }
    }
    for raw in documents.iter().rev() {
        let blob = raw.descriptor();
        registry.push_manifest(repository, Reference::Digest(&blob.digest), &blob.media_type, raw.bytes()).unwrap();
    }
    let root = image.root();
    registry.push_manifest(repository, Reference::Tag(tag), &root.media_type, &image.blobs()[&root.digest]).unwrap();
}

fn name(server: &Server, rest: &str) -> ImageRef {
    format!("{}/{rest}", server.host()).parse().unwrap()
}

#[test]
fn what_was_pushed_is_what_is_pulled_and_what_other_tools_see() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let server = Server::start(Access::Anyone);
    let registry = connect(&server);
    registry.ping().unwrap();
    let image = Image::index([image("linux/amd64"), image("linux/arm64")]).unwrap();
    assert_eq!(registry.has_manifest("shop/web", Reference::Tag("1.0")).unwrap(), None);
    push(&registry, "shop/web", "1.0", &image);

    let (root, bytes) = registry.resolve(&name(&server, "shop/web:1.0")).unwrap();
    assert_eq!(
        (&root.media_type, root.digest, root.size),
        (&image.root().media_type, image.root().digest, image.root().size)
    );
    assert_eq!(bytes, image.blobs()[&root.digest]);
    let by_digest = name(&server, &format!("shop/web:other@{}", root.digest));
    assert_eq!(registry.resolve(&by_digest).unwrap().0, root, "the digest decides, not the tag");
    assert_eq!(registry.has_manifest("shop/web", Reference::Tag("1.0")).unwrap(), Some(root.digest));

    let source = registry.source("shop/web").unwrap();
    assert_eq!(source.place(), format!("{}/shop/web", server.host()));
    let mut queue = vec![root.clone()];
    let mut pulled = Vec::new();
    while let Some(blob) = queue.pop() {
        let bytes = source.read(&blob, limits::BLOB_BYTES).unwrap();
        if blob.is_document() {
            queue.extend(Raw::parse(&blob, bytes).unwrap().value().children().cloned());
        }
        pulled.push(blob.digest);
    }
    pulled.sort_unstable();
    pulled.dedup();
    assert!(pulled.iter().eq(image.blobs().keys()), "manifests, configurations and layers, all of them");

    let seen = run(Command::new("skopeo")
        .args(["inspect", "--tls-verify=false", "--format={{.Digest}}"])
        .arg(format!("docker://{}/shop/web:1.0", server.host())));
    assert_eq!(seen.trim(), root.digest.to_string());
}

#[test]
fn images_in_dockers_own_format_are_pulled_as_they_are() {
    if !have(&["docker-registry", "skopeo"]) {
        return;
    }
    let server = Server::start(Access::Anyone);
    let layout = server.path("layout");
    image("linux/amd64").write_layout(&layout, "x").unwrap();
    run(Command::new("skopeo")
        .args(["copy", "--quiet", "--format=v2s2", "--dest-tls-verify=false", "--policy"])
        .arg(policy(&server))
        .arg(format!("oci:{}:x", layout.display()))
        .arg(format!("docker://{}/a:1", server.host())));
    let (root, bytes) = connect(&server).resolve(&name(&server, "a:1")).unwrap();
    assert_eq!(root.media_type, media::DOCKER_MANIFEST);
    let raw = Raw::parse(&root, bytes).unwrap();
    let source = connect(&server).source("a").unwrap();
    for blob in raw.value().children() {
        assert_eq!(source.read(blob, limits::BLOB_BYTES).unwrap().len() as u64, blob.size);
    }
}

/// What skopeo needs to be told where no policy is installed.
fn policy(server: &Server) -> std::path::PathBuf {
    let file = server.path("policy.json");
    std::fs::write(&file, r#"{"default":[{"type":"insecureAcceptAnything"}]}"#).unwrap();
    file
}

#[test]
fn what_a_registry_does_not_hold_is_missing() {
    if !have(&["docker-registry"]) {
        return;
    }
    let server = Server::start(Access::Anyone);
    let registry = connect(&server);
    let blob = Descriptor::of(media::OCI_CONFIG, b"{}");
    let error = registry.resolve(&name(&server, "no/such:1")).unwrap_err();
    let ClientError::Missing { place, what, answer } = &error else { panic!("{error}") };
    assert_eq!((place.as_str(), what.as_str()), (format!("{}/no/such", server.host()).as_str(), "1"));
    assert_eq!((answer.status(), answer.errors().next().unwrap().0), (404, "MANIFEST_UNKNOWN"));
    assert!(error.hint().is_some());
    assert!(matches!(registry.open_blob("a", &blob), Err(ClientError::Missing { .. })));
    assert!(matches!(registry.source("a").unwrap().open(&blob), Err(SourceError::Missing { .. })));
    assert!(!registry.has_blob("a", &blob).unwrap());
}

#[test]
fn a_blob_is_mounted_where_it_is_and_nowhere_else() {
    if !have(&["docker-registry"]) {
        return;
    }
    let server = Server::start(Access::Anyone);
    let registry = connect(&server);
    let blob = Descriptor::of(media::OCI_LAYER_TAR, b"layer");
    registry.push_blob("from/here", &blob, &b"layer"[..]).unwrap();
    assert!(registry.mount_blob("to/there", &blob.digest, "from/here").unwrap());
    assert!(registry.has_blob("to/there", &blob).unwrap());
    assert!(!registry.mount_blob("to/there", &Digest::of(b"other"), "from/here").unwrap());
    assert_eq!(server.open_uploads("to/there"), 0, "the upload that the registry opened instead is cancelled");
}

#[test]
fn uploads_of_every_size_arrive_whole() {
    if !have(&["docker-registry"]) {
        return;
    }
    let server = Server::start(Access::Anyone);
    let registry = connect(&server);
    let chunk = 256 << 10;
    for size in [0, 1, chunk - 1, chunk, chunk + 1, 5 * chunk, 20_000_001] {
        let content = noise(size as u64, size);
        let blob = Descriptor::of(media::OCI_LAYER_TAR, &content);
        let mut upload = registry.start_upload("a").unwrap();
        for piece in content.chunks(100_003) {
            upload.write(piece).unwrap();
        }
        assert!(!registry.has_blob("a", &blob).unwrap(), "{size} bytes are not visible before the commit");
        upload.commit(&blob).unwrap();
        let mut back = Vec::new();
        registry.open_blob("a", &blob).unwrap().read_to_end(&mut back).unwrap();
        assert!(back == content, "{size} bytes");
    }
}

#[test]
fn an_aborted_upload_leaves_nothing() {
    if !have(&["docker-registry"]) {
        return;
    }
    let server = Server::start(Access::Anyone);
    let registry = connect(&server);
    for size in [0_usize, 10, 3_000_000] {
        let content = noise(7, size);
        let blob = Descriptor::of(media::OCI_LAYER_TAR, &content);
        let mut upload = registry.start_upload("a").unwrap();
        upload.write(&content).unwrap();
        assert_eq!(server.open_uploads("a"), 1);
        upload.abort();
        assert!(!registry.has_blob("a", &blob).unwrap(), "{size} bytes");
        assert_eq!(server.open_uploads("a"), 0, "{size} bytes");
    }
}

#[test]
fn content_that_is_not_what_the_descriptor_says_is_never_pushed() {
    if !have(&["docker-registry"]) {
        return;
    }
    let server = Server::start(Access::Anyone);
    let registry = connect(&server);
    let content = noise(1, 1_000_000);
    let blob = Descriptor::of(media::OCI_LAYER_TAR, &content);
    let mut other = content.clone();
    *other.last_mut().unwrap() ^= 1;
    let long = [content.as_slice(), b"x"].concat();
    for (why, wrong) in [("other", &other[..]), ("short", &content[1..]), ("long", &long), ("empty", &[])] {
        let error = registry.push_blob("a", &blob, wrong).unwrap_err();
        assert!(matches!(error, ClientError::Local { .. }), "{why}: {error}");
    }
    let mut upload = registry.start_upload("a").unwrap();
    upload.write(&long).unwrap();
    assert!(matches!(upload.commit(&blob), Err(ClientError::Size { .. })));
    let mut upload = registry.start_upload("a").unwrap();
    upload.write(&content[1..]).unwrap();
    assert!(matches!(upload.commit(&blob), Err(ClientError::Size { .. })));
    let mut upload = registry.start_upload("a").unwrap();
    upload.write(&other).unwrap();
    let error = upload.commit(&blob).unwrap_err();
    let ClientError::Refused { answer, .. } = &error else { panic!("{error}") };
    assert_eq!(answer.errors().next().unwrap().0, "DIGEST_INVALID", "the registry checks again");
    assert!(!registry.has_blob("a", &blob).unwrap());
    assert_eq!(server.open_uploads("a"), 0);
    let manifest = registry.push_manifest("a", Reference::Digest(&blob.digest), media::OCI_MANIFEST, b"{}");
    assert!(matches!(manifest, Err(ClientError::Digest { .. })));
}

#[test]
fn a_source_that_fails_ends_the_push() {
    if !have(&["docker-registry"]) {
        return;
    }
    struct Broken;
    impl Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::other("the stick was pulled out"))
        }
    }
    let server = Server::start(Access::Anyone);
    let content = noise(1, 1_000_000);
    let blob = Descriptor::of(media::OCI_LAYER_TAR, &content);
    let error = connect(&server).push_blob("a", &blob, content[..900_000].chain(Broken)).unwrap_err();
    assert!(error.to_string().contains("the stick was pulled out"), "{error}");
    assert_eq!(server.open_uploads("a"), 0);
}

#[test]
fn a_manifest_whose_blobs_are_missing_is_refused_in_the_registrys_words() {
    if !have(&["docker-registry"]) {
        return;
    }
    let server = Server::start(Access::Anyone);
    let image = image("linux/amd64");
    let root = image.root();
    let error = connect(&server)
        .push_manifest("a", Reference::Tag("1"), &root.media_type, &image.blobs()[&root.digest])
        .unwrap_err();
    let ClientError::Refused { answer, .. } = &error else { panic!("{error}") };
    assert_eq!((answer.status(), answer.errors().next().unwrap().0), (400, "MANIFEST_BLOB_UNKNOWN"));
    assert!(error.to_string().contains("MANIFEST_BLOB_UNKNOWN"));
}

#[test]
fn the_login_of_every_tool_is_used() {
    if !have(&["docker-registry", "htpasswd", "skopeo", "podman"]) {
        return;
    }
    let server = Server::start(Access::Basic("hunter2"));
    let image = image("linux/amd64");
    for tool in ["skopeo", "podman"] {
        let credentials = CredentialSource::AuthFile(server.auth_file(tool, "hunter2"));
        let options = ClientOptions { credentials, ..ClientOptions::default() };
        let registry = Registry::connect(&server.host(), &options).unwrap();
        registry.ping().unwrap();
        push(&registry, tool, "1", &image);
        assert_eq!(registry.resolve(&name(&server, &format!("{tool}:1"))).unwrap().0.digest, image.root().digest);
    }
}

#[test]
fn a_wrong_password_or_none_is_a_clear_error_without_the_password() {
    if !have(&["docker-registry", "htpasswd"]) {
        return;
    }
    let server = Server::start(Access::Basic("hunter2"));
    let image = name(&server, "a:1");
    let error = connect(&server).resolve(&image).unwrap_err();
    assert!(
        matches!(&error, ClientError::Unauthorized { user: None, answer, .. } if answer.status() == 401),
        "{error}"
    );
    assert!(error.hint().unwrap().contains("log in first"));

    // "dXNlcjpoYW1zdGVyMQ==" is "user:hamster1", as `docker login` writes it.
    let file = server.path("config.json");
    let text = format!(r#"{{"auths":{{"{}":{{"auth":"dXNlcjpoYW1zdGVyMQ=="}}}}}}"#, server.host());
    std::fs::write(&file, text).unwrap();
    let options = ClientOptions { credentials: CredentialSource::AuthFile(file), ..ClientOptions::default() };
    let registry = Registry::connect(&server.host(), &options).unwrap();
    let blob = Descriptor::of(media::OCI_CONFIG, b"{}");
    for error in [
        registry.resolve(&image).unwrap_err(),
        registry.ping().unwrap_err(),
        registry.has_blob("a", &blob).unwrap_err(),
        registry.push_blob("a", &blob, &b"{}"[..]).unwrap_err(),
    ] {
        assert!(matches!(&error, ClientError::Unauthorized { user: Some(user), .. } if user == "user"), "{error}");
        assert!(error.hint().unwrap().contains("log in again"));
        assert!(!format!("{error} {error:?} {registry:?} {options:?}").contains("hamster"));
    }
}

#[test]
fn a_certificate_is_trusted_if_its_authority_is_and_never_exchanged_for_plain_http() {
    if !have(&["docker-registry", "openssl"]) {
        return;
    }
    let server = Server::start(Access::Tls);
    let error = Registry::connect(&server.host(), &anonymous()).unwrap_err();
    assert!(error.hint().is_some_and(|hint| hint.contains("additional CA")), "{error}");
    let options = ClientOptions { ca: vec![server.path("ca.pem")], ..anonymous() };
    let registry = Registry::connect(&server.host(), &options).unwrap();
    registry.ping().unwrap();
    push(&registry, "a", "1", &image("linux/amd64"));
    let options = ClientOptions { ca: vec![server.path("config.yml")], ..anonymous() };
    assert!(matches!(Registry::connect(&server.host(), &options), Err(ClientError::Ca { .. })));
}

#[test]
fn many_threads_share_one_registry() {
    if !have(&["docker-registry", "htpasswd", "skopeo"]) {
        return;
    }
    let server = Server::start(Access::Basic("hunter2"));
    let credentials = CredentialSource::AuthFile(server.auth_file("skopeo", "hunter2"));
    let options = ClientOptions { credentials, ..ClientOptions::default() };
    let registry = Registry::connect(&server.host(), &options).unwrap();
    std::thread::scope(|scope| {
        for seed in 1..=8 {
            let registry = registry.clone();
            scope.spawn(move || {
                let content = noise(seed, 700_000);
                let blob = Descriptor::of(media::OCI_LAYER_TAR, &content);
                registry.push_blob("a", &blob, content.as_slice()).unwrap();
                assert_eq!(registry.source("a").unwrap().read(&blob, limits::BLOB_BYTES).unwrap(), content);
            });
        }
    });
}
