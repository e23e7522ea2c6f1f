#![allow(clippy::unwrap_used)]

use std::io::Write as _;

use super::*;

/// A tar of files; a name that ends in a slash is a directory.
fn layer(files: &[(&str, &str)]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        let directory = path.ends_with('/');
        header.set_entry_type(if directory { tar::EntryType::Directory } else { tar::EntryType::Regular });
        builder.append_data(&mut header, path, content.as_bytes()).unwrap();
    }
    builder.into_inner().unwrap()
}

fn tree(layers: &[Vec<u8>]) -> io::Result<Vec<String>> {
    let mut tree = Tree::default();
    for layer in layers {
        tree.apply(layer.as_slice(), Limits::default())?;
    }
    let line = |(path, e): (&Vec<u8>, &Entry)| format!("{} {}", String::from_utf8_lossy(path), e.size);
    Ok(tree.files().iter().map(line).collect())
}

#[test]
fn upper_layers_hide_what_lower_ones_have() {
    let below = layer(&[("a/", ""), ("a/x", "1"), ("a/y", "22"), ("a.b", "333"), ("b", "1")]);
    for (why, upper, expected) in [
        ("nothing", vec![], vec!["a 0", "a.b 3", "a/x 1", "a/y 2", "b 1"]),
        ("replaced", vec![("b", "22")], vec!["a 0", "a.b 3", "a/x 1", "a/y 2", "b 2"]),
        ("a file is removed", vec![("a/.wh.x", "")], vec!["a 0", "a.b 3", "a/y 2", "b 1"]),
        ("a folder is removed", vec![(".wh.a", "")], vec!["a.b 3", "b 1"]),
        ("a folder starts anew", vec![("a/z", "1"), ("a/.wh..wh..opq", "")], vec!["a 0", "a.b 3", "a/z 1", "b 1"]),
        ("removed and brought again", vec![("b", "22"), (".wh.b", "")], vec!["a 0", "a.b 3", "a/x 1", "a/y 2", "b 2"]),
        ("a file in a folder's place", vec![("a", "1")], vec!["a 1", "a.b 3", "b 1"]),
        ("nothing is there to remove", vec![("c/.wh.d", "")], vec!["a 0", "a.b 3", "a/x 1", "a/y 2", "b 1"]),
    ] {
        assert_eq!(tree(&[below.clone(), layer(&upper)]).unwrap(), expected, "{why}");
    }
}

#[test]
fn every_form_of_a_layer_is_read() {
    let long = format!("{}/end", "d".repeat(300));
    let plain = layer(&[("./x", "1"), (long.as_str(), "22")]);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&plain).unwrap();
    let zstd = zstd::encode_all(plain.as_slice(), 3).unwrap();
    for form in [plain, gzip.finish().unwrap(), zstd] {
        assert_eq!(tree(&[form]).unwrap(), [format!("{long} 2"), "x 1".to_owned()]);
    }
    assert!(tree(&[Vec::new()]).unwrap().is_empty(), "an empty layer");
}

#[test]
fn paths_in_extensions_are_the_paths() {
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_pax_extensions([("path", b"../etc/\x1b[2J".as_slice()), ("size", b"3")]).unwrap();
    let mut header = tar::Header::new_ustar();
    header.set_size(3);
    header.set_cksum();
    builder.append(&header, &b"abc"[..]).unwrap();
    assert_eq!(tree(&[builder.into_inner().unwrap()]).unwrap(), ["../etc/\u{1b}[2J 3"]);
}

#[test]
fn what_is_no_tar_is_refused() {
    let good = layer(&[("x", "1")]);
    let mut changed = good.clone();
    changed[0] ^= 1;
    let mut long = tar::Header::new_gnu();
    long.set_entry_type(tar::EntryType::GNULongName);
    long.set_size(1 << 40);
    long.set_cksum();
    for (why, bytes) in [
        ("text", vec![b'x'; 2000]),
        ("cut in a header", good[..100].to_vec()),
        ("cut in a file", good[..512].to_vec()),
        ("a changed header", changed),
        ("a name of a tebibyte", long.as_bytes().to_vec()),
        ("broken gzip", vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0, 9]),
        ("broken zstd", vec![0x28, 0xb5, 0x2f, 0xfd, 9, 9]),
    ] {
        assert!(tree(&[bytes]).is_err(), "{why}");
    }
}

#[test]
fn more_than_the_limits_allow_is_refused() {
    let files = layer(&[("a", ""), ("b", ""), ("c", "")]);
    for (limits, refused) in [
        (Limits { entries: 3, ..Limits::default() }, false),
        (Limits { entries: 2, ..Limits::default() }, true),
        (Limits { path_bytes: 2, ..Limits::default() }, true),
        (Limits { tar_bytes: 600, ..Limits::default() }, true),
    ] {
        assert_eq!(Tree::default().apply(files.as_slice(), limits).is_err(), refused, "{limits:?}");
    }
}
