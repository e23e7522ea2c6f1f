//! What is not an image, or not a whole one, is refused with the path and the reason.

use std::fs;
use std::path::Path;

use bundle_format::{Descriptor, limits, media};
use serde_json::json;
use testdata::docker_archive::{write_before_25, write_since_25};
use testdata::image::write_tar;
use testdata::{Compression, Image, Layer};

use super::{Files, image, open, walk};

/// Opening `text` must fail with the path and every one of `words`.
fn refuses(why: &str, dir: &Path, text: &str, words: &[&str]) {
    let error = open(dir, text).err().unwrap_or_else(|| panic!("{why}: {text} was opened")).to_string();
    let path = dir.join(text.split(':').nth(1).unwrap()).display().to_string();
    for word in words.iter().copied().chain([path.as_str()]) {
        assert!(error.contains(word), "{why}: {word:?} is not in: {error}");
    }
}

#[test]
fn what_is_no_archive_and_no_layout() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let web = image("web", Compression::Gzip);
    web.write_layout(&at("folder"), "web:1").unwrap();
    web.write_oci_archive(&at("web.tar"), "web:1").unwrap();
    write_before_25(&at("docker.tar"), &[(&web, &["web:1"])]).unwrap();
    fs::write(at("empty"), b"").unwrap();
    fs::write(at("text"), "not a tar ".repeat(200)).unwrap();
    fs::write(at("short"), "short").unwrap();
    fs::write(at("zeroes"), [0; 1024]).unwrap();
    fs::create_dir(at("nothing")).unwrap();
    let tar = fs::read(at("web.tar")).unwrap();
    fs::write(at("half.tar"), &tar[..tar.len() / 2]).unwrap();
    fs::write(at("boundary.tar"), &tar[..1024]).unwrap();
    fs::write(at("header.tar"), &tar[..1024 + 100]).unwrap();
    let mut damaged = tar.clone();
    damaged[1024] ^= 1;
    fs::write(at("damaged.tar"), damaged).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("pipe"), rustix::fs::Mode::RUSR).unwrap();
    for kind in ["oci-archive", "docker-archive"] {
        for (why, name, words) in [
            ("missing", "absent", &["No such file"] as &[&str]),
            ("a folder", "folder", &["is a folder", "`oci:PATH`"]),
            ("empty", "empty", &["is empty"]),
            ("text", "text", &["is not a tar archive"]),
            ("five bytes", "short", &["is not a tar archive"]),
            ("an empty tar", "zeroes", &["holds no"]),
            ("cut in a member", "half.tar", &["truncated tar archive", "the file ends at"]),
            ("cut in a header", "header.tar", &["truncated tar archive"]),
            ("cut between members", "boundary.tar", &["truncated tar archive", "end-of-archive mark"]),
            ("a damaged header", "damaged.tar", &["damaged or truncated tar archive"]),
            ("a named pipe, which nobody writes to", "pipe", &["is not a regular file"]),
        ] {
            refuses(why, dir.path(), &format!("{kind}:{name}"), words);
        }
    }
    for (why, text, words) in [
        ("missing", "oci:absent", &["No such file"] as &[&str]),
        ("a file", "oci:web.tar", &["is a file", "`oci-archive:PATH`"]),
        ("an empty folder", "oci:nothing", &["holds no `oci-layout`"]),
        ("a docker archive", "oci-archive:docker.tar", &["holds no `oci-layout`", "`docker-archive:PATH`"]),
        ("an OCI archive", "docker-archive:web.tar", &["holds no `manifest.json`", "`oci-archive:PATH`"]),
    ] {
        refuses(why, dir.path(), text, words);
    }
}

#[test]
fn a_compressed_archive_says_how_to_decompress_it() {
    let dir = tempfile::tempdir().unwrap();
    for (tool, magic) in [
        ("gzip", &[0x1fu8, 0x8b, 8, 0, 0, 0] as &[u8]),
        ("zstd", &[0x28, 0xb5, 0x2f, 0xfd, 4, 0]),
        ("xz", &[0xfd, b'7', b'z', b'X', b'Z', 0]),
        ("bzip2", b"BZh91AY&SY"),
    ] {
        fs::write(dir.path().join("x"), magic).unwrap();
        for kind in ["oci-archive", "docker-archive"] {
            refuses(
                tool,
                dir.path(),
                &format!("{kind}:x"),
                &[&format!("is compressed with {tool}"), &format!("`{tool} -dc ")],
            );
        }
    }
}

/// The layout of an image with one file replaced, or left out.
fn with(image: &Image, path: &str, content: Option<&[u8]>) -> Files {
    let mut files = image.layout("web:1").unwrap();
    files.retain(|(name, _)| name != path);
    files.extend(content.map(|content| (path.to_owned(), content.to_vec())));
    files
}

#[test]
fn layouts_that_break_a_rule() {
    let dir = tempfile::tempdir().unwrap();
    let web = image("web", Compression::Gzip);
    let root = format!("blobs/sha256/{}", web.root().digest.hex());
    let large = vec![b' '; limits::MANIFEST_BYTES as usize + 1];
    let entry = |entry: &Descriptor| json!({"schemaVersion": 2, "manifests": [entry]}).to_string().into_bytes();
    let too_large = Descriptor::new(media::OCI_MANIFEST, web.root().digest, limits::MANIFEST_BYTES + 1);
    let layer = Descriptor::new(media::OCI_LAYER_TAR, web.root().digest, web.root().size);
    for (why, path, content, words) in [
        ("no mark", "oci-layout", None, &["holds no `oci-layout`"] as &[&str]),
        ("version 2", "oci-layout", Some(br#"{"imageLayoutVersion":"2.0.0"}"#.to_vec()), &["version \"2.0.0\""]),
        ("no version", "oci-layout", Some(b"{}".to_vec()), &["`oci-layout` is malformed"]),
        ("no index", "index.json", None, &["holds no `index.json`"]),
        ("no JSON", "index.json", Some(b"{".to_vec()), &["`index.json` is malformed"]),
        ("a large index", "index.json", Some(large.clone()), &["\"index.json\" is longer than the 4194304 bytes"]),
        ("no image", "index.json", Some(br#"{"schemaVersion":2,"manifests":[]}"#.to_vec()), &["holds no image"]),
        ("a large manifest", "index.json", Some(entry(&too_large)), &["more than the 4194304 that it may have"]),
        ("an entry that is a layer", "index.json", Some(entry(&layer)), &["neither an image's manifest nor an index"]),
        ("no manifest", &root, None, &["does not hold sha256:"]),
        ("a damaged manifest", &root, Some(vec![b' '; web.root().size as usize]), &["was expected, the content is"]),
    ] {
        let files = with(&web, path, content.as_deref());
        write_tar(&dir.path().join("web.tar"), &files).unwrap();
        refuses(why, dir.path(), "oci-archive:web.tar", words);
        let folder = dir.path().join(why);
        fs::create_dir_all(folder.join("blobs/sha256")).unwrap();
        for (path, content) in files {
            fs::write(folder.join(path), content).unwrap();
        }
        refuses(why, dir.path(), &format!("oci:{why}"), words);
    }
}

#[test]
fn docker_archives_that_break_a_rule() {
    let dir = tempfile::tempdir().unwrap();
    let config = |n: usize| json!({"rootfs": {"type": "layers", "diff_ids": vec![bundle_format::Digest::of(b""); n]}});
    let list =
        |layers: &[&str]| json!([{"Config": "c.json", "RepoTags": null, "Layers": layers}]).to_string().into_bytes();
    let file = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec());
    let one = config(1).to_string().into_bytes();
    let other_name = format!("{}.json", "0".repeat(64));
    let named = json!([{"Config": other_name, "Layers": ["l.tar"]}]).to_string().into_bytes();
    for (why, files, words) in [
        ("no list", vec![file("c.json", &one)], &["holds no `manifest.json`"] as &[&str]),
        ("a malformed list", vec![file("manifest.json", b"[{}]")], &["`manifest.json` is malformed"]),
        ("an empty list", vec![file("manifest.json", b"[]")], &["holds no image"]),
        ("no configuration", vec![file("manifest.json", &list(&["l.tar"]))], &["does not hold \"c.json\""]),
        (
            "no layer",
            vec![file("c.json", &one), file("manifest.json", &list(&["l.tar"]))],
            &["does not hold \"l.tar\""],
        ),
        (
            "a layer outside",
            vec![file("c.json", &one), file("manifest.json", &list(&["../../etc/passwd"]))],
            &["does not hold \"../../etc/passwd\""],
        ),
        (
            "a layer too few",
            vec![
                file("c.json", config(2).to_string().as_bytes()),
                file("l.tar", b""),
                file("manifest.json", &list(&["l.tar"])),
            ],
            &["has 2 `diff_ids` for 1 layers"],
        ),
        (
            "a layer too many",
            vec![
                file("c.json", config(0).to_string().as_bytes()),
                file("l.tar", b""),
                file("manifest.json", &list(&["l.tar"])),
            ],
            &["has 0 `diff_ids` for 1 layers"],
        ),
        (
            "a large configuration",
            vec![file("c.json", &vec![b' '; limits::MANIFEST_BYTES as usize + 1]), file("manifest.json", &list(&[]))],
            &["\"c.json\" is longer than the 4194304 bytes"],
        ),
        (
            "a malformed configuration",
            vec![file("c.json", b"[]"), file("manifest.json", &list(&[]))],
            &["\"c.json\" is malformed"],
        ),
        (
            "a configuration that is not what its name says",
            vec![file(&other_name, &one), file("l.tar", b""), file("manifest.json", &named)],
            &["is damaged"],
        ),
        (
            "a layer in a compression that OCI does not know",
            vec![file("c.json", &one), file("l.tar", b"\xfd7zXZ\0"), file("manifest.json", &list(&["l.tar"]))],
            &["compressed with xz"],
        ),
    ] {
        write_tar(&dir.path().join("x.tar"), &files).unwrap();
        refuses(why, dir.path(), "docker-archive:x.tar", words);
    }
}

/// One header of a tar, with a name and a link that its builder would refuse.
fn header(kind: tar::EntryType, name: impl AsRef<[u8]>, link: &str, size: u64) -> Vec<u8> {
    let (mut header, name) = (tar::Header::new_gnu(), name.as_ref());
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_cksum();
    header.as_bytes().to_vec()
}

#[test]
fn hostile_archives() {
    use tar::EntryType as T;
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| header(T::Regular, name, "", 0);
    let mut sparse = tar::Header::new_gnu();
    sparse.set_path("a").unwrap();
    sparse.set_entry_type(T::GNUSparse);
    sparse.set_size(0);
    sparse.as_gnu_mut().unwrap().set_real_size(0);
    sparse.set_cksum();
    let sparse = sparse.as_bytes().to_vec();
    // Sparse, so it costs no disk: an extension record that claims, and has, a gigabyte.
    let gigabyte = header(T::GNULongName, "././@LongLink", "", 1 << 30);
    for (why, bytes, words) in [
        ("twice", [file("a"), file("a")].concat(), &["\"a\" stands twice"] as &[&str]),
        ("twice, spelled differently", [file("a/b"), file("./a//x/../b")].concat(), &["\"a/b\" stands twice"]),
        ("a file and a link", [file("a"), header(T::Link, "a", "b", 0)].concat(), &["\"a\" stands twice"]),
        ("a name that is no text", header(T::Regular, b"\xe9", "", 0), &["not UTF-8"]),
        ("a name outside", file("../a"), &["\"../a\" lies outside"]),
        ("the root itself", file("./."), &["\"./.\" lies outside"]),
        ("a link outside", header(T::Symlink, "a/b", "../../etc/passwd", 0), &["\"a/b\" lies outside"]),
        ("a link to the disk", header(T::Symlink, "a", "/etc/passwd", 0), &["\"a\" lies outside"]),
        ("a hard link outside", header(T::Link, "a", "../etc/passwd", 0), &["\"a\" lies outside"]),
        (
            "links in a ring",
            [header(T::Symlink, "manifest.json", "b", 0), header(T::Symlink, "b", "manifest.json", 0)].concat(),
            &["holds no"],
        ),
        ("a link to nothing", header(T::Symlink, "manifest.json", "b", 0), &["holds no"]),
        ("a pipe by an expected name", header(T::Fifo, "manifest.json", "", 0), &["holds no"]),
        ("a size beyond the file", header(T::Regular, "a", "", 1 << 40), &["damaged or truncated"]),
        ("a size beyond any file", header(T::Regular, "a", "", u64::MAX), &["tar archive"]),
        ("a sparse file", sparse, &["\"a\" is sparse"]),
        ("a name of a gigabyte", gigabyte, &["headers are too long"]),
    ] {
        let path = dir.path().join("x.tar");
        fs::write(&path, [bytes, vec![0; 1024]].concat()).unwrap();
        if why == "a name of a gigabyte" {
            fs::File::options().write(true).open(&path).unwrap().set_len(1 << 30).unwrap();
        }
        refuses(why, dir.path(), "docker-archive:x.tar", words);
    }
}

/// Whatever is changed or cut in an archive: it is refused, or it still gives exactly the image.
#[test]
fn no_damage_gives_another_image() {
    let dir = tempfile::tempdir().unwrap();
    let web = Image::new("linux/amd64", &[Layer::new(Compression::None, [("a", "1")])]).unwrap();
    web.write_oci_archive(&dir.path().join("oci"), "web:1").unwrap();
    write_before_25(&dir.path().join("before"), &[(&web, &["web:1"])]).unwrap();
    write_since_25(&dir.path().join("since"), &[(&web, &["web:1"])]).unwrap();
    for (kind, name) in [("oci-archive", "oci"), ("docker-archive", "before"), ("docker-archive", "since")] {
        let whole = fs::read(dir.path().join(name)).unwrap();
        let content = |archive: &[u8]| {
            fs::write(dir.path().join("x"), archive).unwrap();
            walk(&*open(dir.path(), &format!("{kind}:x")).ok()?).ok()
        };
        let expected = content(&whole).unwrap();
        let cut = (1..whole.len()).step_by(101).map(|n| whole[..n].to_vec());
        let changed = (0..whole.len()).step_by(5).map(|n| {
            let mut bytes = whole.clone();
            bytes[n] ^= 1 << (n % 8);
            bytes
        });
        let (mut refused, mut read) = (0, 0);
        for archive in cut.chain(changed) {
            match content(&archive) {
                None => refused += 1,
                Some(found) => {
                    assert_eq!(found, expected, "{name}");
                    read += 1;
                }
            }
        }
        assert!(refused > 100 && read > 100, "{name}: {refused} refused, {read} read");
    }
}
