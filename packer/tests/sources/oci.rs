//! OCI layouts, in folders and archives.

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};

use bundle_format::{Descriptor, SourceError, limits, media};
use serde_json::json;
use testdata::image::write_tar;
use testdata::{Compression, Image};

use super::{Files, image, open, platforms, read_to_end, sizes, validate};

#[test]
fn an_image_keeps_its_digest_and_every_blob() {
    let dir = tempfile::tempdir().unwrap();
    for (why, image) in [
        ("uncompressed", image("web", Compression::None)),
        ("gzip", image("web", Compression::Gzip)),
        ("zstd, two platforms", platforms()),
    ] {
        let (folder, archive) = (dir.path().join(why), dir.path().join(format!("{why}.tar")));
        image.write_layout(&folder, "docker.io/library/web:1").unwrap();
        image.write_oci_archive(&archive, "docker.io/library/web:1").unwrap();
        for source in [format!("oci:{why}"), format!("oci-archive:{why}.tar"), format!("oci:{why}:web:1")] {
            let source = open(dir.path(), &source).unwrap();
            assert_eq!(source.root().unwrap(), *image.root(), "{why}");
            assert_eq!(validate(&*source), sizes(&image), "{why}");
        }
    }
}

/// A layout of several images.
fn layout(images: &[(&Image, Option<&str>)]) -> Files {
    let mut files = Vec::new();
    let mut entries = Vec::new();
    for (image, name) in images {
        let entry = image.root().clone();
        entries.push(match name {
            Some(name) => entry.annotated(media::REF_NAME, *name),
            None => entry,
        });
        files.extend(image.layout("").unwrap().into_iter().filter(|(path, _)| path.starts_with("blobs/")));
    }
    files.sort();
    files.dedup();
    let index = json!({"schemaVersion": 2, "manifests": entries});
    files.push(("index.json".to_owned(), index.to_string().into_bytes()));
    files.push(("oci-layout".to_owned(), br#"{"imageLayoutVersion":"1.0.0"}"#.to_vec()));
    files
}

#[test]
fn one_of_several_images_is_chosen_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let (web, db, bare) = (image("web", Compression::Gzip), image("db", Compression::Gzip), platforms());
    let files = layout(&[(&web, Some("shop/web:1")), (&web, Some("latest")), (&db, Some("2")), (&bare, None)]);
    write_tar(&dir.path().join("all.tar"), &files).unwrap();
    let digest = bare.root().digest.to_string();
    for (reference, expected) in [
        ("shop/web:1", &web),
        ("docker.io/shop/web:1", &web),
        ("1", &web),
        ("latest", &web),
        ("2", &db),
        (digest.as_str(), &bare),
    ] {
        let source = open(dir.path(), &format!("oci-archive:all.tar:{reference}")).unwrap();
        assert_eq!(source.root().unwrap().digest, expected.root().digest, "{reference}");
        assert_eq!(validate(&*source), sizes(expected), "{reference}");
    }
    let names = format!(r#""2", "latest", "{digest}", "shop/web:1""#);
    for (reference, message) in [
        ("", format!("holds several images, name one after a colon: {names}")),
        (":web:1", format!(r#"does not hold "web:1"; it holds {names}"#)),
    ] {
        let error = open(dir.path(), &format!("oci-archive:all.tar{reference}")).err().unwrap().to_string();
        assert!(error.ends_with(&message) && error.contains("all.tar"), "{error}");
    }
    let twice = layout(&[(&web, Some("a")), (&web, Some("b"))]);
    write_tar(&dir.path().join("twice.tar"), &twice).unwrap();
    assert!(open(dir.path(), "oci-archive:twice.tar").is_ok(), "two names of one image need no choice");
}

#[test]
fn names_in_an_archive_have_one_spelling_and_links_stay_inside() {
    let dir = tempfile::tempdir().unwrap();
    let web = image("web", Compression::Gzip);
    let mut tar = tar::Builder::new(File::create(dir.path().join("web.tar")).unwrap());
    for folder in ["./", "./blobs/", "./blobs/sha256/", "./blobs/sha256/"] {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        tar.append_data(&mut header, folder, std::io::empty()).unwrap();
    }
    for (i, (path, content)) in web.layout("web:1").unwrap().into_iter().enumerate() {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        // Too long for a header, so the name goes into an extension record.
        let real = format!("{}/{i}", "elsewhere/".repeat(20));
        let mut link = tar::Header::new_gnu();
        link.set_size(0);
        match i % 3 {
            0 => tar.append_data(&mut header, format!("./{path}"), content.as_slice()).unwrap(),
            1 => {
                tar.append_data(&mut header, &real, content.as_slice()).unwrap();
                link.set_entry_type(tar::EntryType::Symlink);
                let up = "../".repeat(path.matches('/').count());
                tar.append_link(&mut link, format!("./{path}"), format!("{up}{real}")).unwrap();
            }
            _ => {
                // A link may stand before what it leads to.
                link.set_entry_type(tar::EntryType::Link);
                tar.append_link(&mut link, &path, format!("./{real}")).unwrap();
                tar.append_data(&mut header, &real, content.as_slice()).unwrap();
            }
        }
    }
    tar.into_inner().unwrap();
    let source = open(dir.path(), "oci-archive:web.tar:web:1").unwrap();
    assert_eq!(validate(&*source), sizes(&web));
}

#[test]
fn a_member_of_more_than_8_gib_is_stepped_over_in_either_notation() {
    const SIZE: u64 = 9 << 30;
    let dir = tempfile::tempdir().unwrap();
    let web = image("web", Compression::Gzip);
    for (why, in_record) in [("base-256, as GNU tar", false), ("a PAX record, as Go", true)] {
        let path = dir.path().join("web.tar");
        let mut file = File::create(&path).unwrap();
        if in_record {
            let record = format!("20 size={SIZE:011}\n");
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(tar::EntryType::XHeader);
            header.set_size(record.len() as u64);
            header.set_cksum();
            file.write_all(header.as_bytes()).unwrap();
            file.write_all(record.as_bytes()).unwrap();
            file.write_all(&[0; 512][record.len()..]).unwrap();
        }
        let mut header = tar::Header::new_gnu();
        header.set_path("large").unwrap();
        header.set_size(if in_record { 0 } else { SIZE });
        header.set_cksum();
        file.write_all(header.as_bytes()).unwrap();
        // A hole, which costs no disk.
        file.seek(SeekFrom::Current(SIZE as i64)).unwrap();
        write_tar(&dir.path().join("rest.tar"), &web.layout("web:1").unwrap()).unwrap();
        file.write_all(&fs::read(dir.path().join("rest.tar")).unwrap()).unwrap();
        let source = open(dir.path(), "oci-archive:web.tar").unwrap();
        assert_eq!(validate(&*source), sizes(&web), "{why}");
    }
}

#[test]
fn many_threads_read_one_archive_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let web = image("web", Compression::None);
    web.write_oci_archive(&dir.path().join("web.tar"), "web:1").unwrap();
    let source = open(dir.path(), "oci-archive:web.tar").unwrap();
    std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..8).map(|_| scope.spawn(|| (0..10).all(|_| validate(&*source) == sizes(&web)))).collect();
        assert!(threads.into_iter().all(|thread| thread.join().unwrap()));
    });
}

#[test]
fn a_view_stays_when_the_path_is_given_to_something_else() {
    let dir = tempfile::tempdir().unwrap();
    let web = image("web", Compression::Gzip);
    web.write_layout(&dir.path().join("layout"), "web:1").unwrap();
    web.write_oci_archive(&dir.path().join("web.tar"), "web:1").unwrap();
    let sources = ["oci:layout", "oci-archive:web.tar"].map(|text| open(dir.path(), text).unwrap());
    fs::rename(dir.path().join("layout"), dir.path().join("moved")).unwrap();
    fs::remove_file(dir.path().join("web.tar")).unwrap();
    for source in sources {
        assert_eq!(validate(&*source), sizes(&web));
    }
}

#[test]
fn a_blob_that_is_missing_or_damaged_is_found_when_it_is_read() {
    let dir = tempfile::tempdir().unwrap();
    let web = image("web", Compression::Gzip);
    web.write_layout(&dir.path().join("web"), "web:1").unwrap();
    let source = open(dir.path(), "oci:web").unwrap();
    let (config, layers) = super::parts(&*source);
    let path = |blob: &Descriptor| dir.path().join("web/blobs/sha256").join(blob.digest.hex());
    fs::remove_file(path(&config)).unwrap();
    assert!(matches!(source.open(&config), Err(SourceError::Missing { .. })));
    let mut damaged = fs::read(path(&layers[0])).unwrap();
    damaged[20] ^= 1;
    fs::write(path(&layers[0]), damaged).unwrap();
    assert!(read_to_end(&*source, &layers[0]).is_err());
    fs::remove_file(path(&layers[1])).unwrap();
    std::os::unix::fs::symlink(path(&layers[0]), path(&layers[1])).unwrap();
    let error = source.open(&layers[1]).err().unwrap().to_string();
    assert!(error.contains("is a symbolic link, not a file") && error.contains("web"), "{error}");
    fs::write(path(&layers[0]), b"").unwrap();
    let large = Descriptor::new(media::OCI_CONFIG, layers[0].digest, limits::MANIFEST_BYTES + 1);
    assert!(source.read(&large, limits::MANIFEST_BYTES).is_err());
}
