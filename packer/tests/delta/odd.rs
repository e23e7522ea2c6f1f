//! Layers that are not what they seem, and corpora of several.

use std::io::Write;

use bundle_format::recode::{Maker, Recipe};
use packer::delta::{Effort, Outcome};
use testdata::corpus;

use super::world::{File, Packed, elf, encoded, exact, member, packed, recipe, round, tar, zip};

const GO: Recipe = recipe(Maker::Go, 0, 6);

fn files(seed: u64) -> Vec<File> {
    (0..6).map(|n| (format!("opt/app/part-{n}"), 1_700_000_000, corpus::mixed(seed + n, 30_000))).collect()
}

/// The same files with another time, and one byte changed.
fn later(mut files: Vec<File>) -> Vec<File> {
    files.iter_mut().for_each(|f| f.1 += 86_400);
    files[3].2[1000] ^= 1;
    files
}

/// A patch that is below one part in `n` of what it makes.
fn small(old: &[Vec<u8>], new: &[u8], n: usize) {
    let len = round(old, new, Effort::Default);
    assert!(len.is_some_and(|len| len < new.len() / n), "{len:?} of {}", new.len());
}

#[test]
fn a_corpus_may_be_of_gzip_and_zstd_and_plain_layers() {
    let parts = [files(1), files(100), files(200)];
    let forms = [Packed::Known(GO), Packed::Zstd(3), Packed::Plain];
    let old: Vec<Vec<u8>> = parts.iter().zip(forms).map(|(f, form)| packed(form, &tar(f))).collect();
    let all = later(parts.concat());
    for form in [Packed::Known(recipe(Maker::Klauspost, 4, 5)), Packed::Plain] {
        small(&old, &packed(form, &tar(&all)), 20);
    }
}

#[test]
fn a_blob_that_begins_like_gzip_or_zstd_and_is_not_does_not_fail_the_pack() {
    let content = tar(&files(1));
    let gzip = member(GO, &content);
    let zstd = zstd::encode_all(content.as_slice(), 3).unwrap();
    let odd = [
        [&gzip[..], b"garbage after the member"].concat(),
        [&gzip[..], &[0; 512]].concat(),
        gzip[..gzip.len() - 5].to_vec(),
        gzip[..gzip.len() / 2].to_vec(),
        [&[0x1f, 0x8b, 8][..], &corpus::random(1, 5000)].concat(),
        vec![0x1f, 0x8b, 8, 0xff],
        [&zstd[..], b"garbage"].concat(),
        zstd[..zstd.len() / 2].to_vec(),
        [&[0x28, 0xb5, 0x2f, 0xfd][..], &corpus::random(1, 5000)].concat(),
    ];
    let good = packed(Packed::Known(GO), &tar(&later(files(1))));
    for blob in &odd {
        // As a source it is of no use, and does no harm to the others.
        if let Outcome::Patch(patch) = encoded(std::slice::from_ref(blob), &good, Effort::Default) {
            assert_eq!(patch.header.sources, []);
            exact(&patch, &[], &good);
        }
        small(&[blob.clone(), gzip.clone()], &good, 20);
        // As a target it is rebuilt or travels whole.
        round(std::slice::from_ref(&gzip), blob, Effort::Default);
        round(&[content.clone(), gzip.clone()], blob, Effort::Default);
    }
}

#[test]
fn gzip_members_may_begin_anywhere_in_the_tar() {
    // One for each file, as estargz has it; and cut without regard to what is in it, headers too.
    let (old, new) = (tar(&files(1)), tar(&later(files(1))));
    for n in [512, 700, 30_720, 65_536, 100_001] {
        small(&[packed(Packed::Known(GO), &old)], &packed(Packed::Members(GO, n), &new), 2);
    }
    let mut members = packed(Packed::Members(GO, 50_000), &new);
    members.extend(member(GO, b""));
    members.splice(0..0, member(GO, b""));
    small(&[packed(Packed::Members(recipe(Maker::Zlib, 8, 6), 20_000), &old)], &members, 10);
}

#[test]
fn what_is_compressed_within_files_is_compared_inflated() {
    let text = corpus::text(5, 120_000);
    let mut changed = text.clone();
    changed[60_000..60_010].copy_from_slice(b"0123456789");
    let zlib = recipe(Maker::Zlib, 8, 6);
    let classes = |t: &[u8]| zip(&[("a.class", corpus::records(1, 9000)), ("b.txt", t.to_vec())], zlib);
    let gz = |t: &[u8]| {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::new(6));
        out.write_all(t).unwrap();
        out.finish().unwrap()
    };
    type Make<'a> = &'a dyn Fn(&[u8]) -> Vec<u8>;
    let cases: [(&str, Make<'_>, usize); 5] = [
        ("app.jar", &classes, 100),
        ("doc.gz by an unknown compressor", &gz, 100),
        ("doc.gz", &|t| member(GO, t), 100),
        ("tool", &|t| elf(&corpus::records(2, 30_000), t), 100),
        // Only the outer one is inflated.
        ("app.jar in a gzip file", &|t| member(GO, &classes(t)), 1),
    ];
    for (name, make, share) in cases {
        let layer =
            |t: &[u8], time| tar(&[(name.into(), time, make(t)), ("other".into(), time, corpus::random(9, 40_000))]);
        for form in [Packed::Plain, Packed::Known(GO)] {
            let (old, new) = (packed(form, &layer(&text, 5)), packed(form, &layer(&changed, 6)));
            let len = round(std::slice::from_ref(&old), &new, Effort::Default);
            assert!(len.is_some_and(|len| len < new.len() / share), "{name}: {len:?} of {}", new.len());
        }
    }
}

#[test]
fn streams_in_files_and_members_that_cross_them_do_not_disturb_each_other() {
    let jar = |seed| zip(&[("x.txt", corpus::text(seed, 80_000)), ("y", corpus::records(seed, 60_000))], GO);
    let layer = |seed, time| tar(&[("a.jar".into(), time, jar(seed)), ("b.jar".into(), time, jar(seed + 1))]);
    let old = packed(Packed::Known(GO), &layer(1, 1));
    for n in [3000, 10_000, 33_333] {
        small(&[old.clone(), packed(Packed::Plain, &layer(3, 1))], &packed(Packed::Members(GO, n), &layer(1, 2)), 2);
    }
}

#[test]
fn what_has_nothing_in_common_travels_whole_or_is_exact() {
    let old = vec![corpus::text(1, 50_000), packed(Packed::Known(GO), &corpus::text(2, 50_000))];
    for new in [
        corpus::random(5, 50_000),
        vec![],
        vec![0],
        member(GO, b""),
        packed(Packed::Unknown(6), &corpus::random(8, 30_000)),
    ] {
        match encoded(&old, &new, Effort::Default) {
            Outcome::Patch(patch) => exact(&patch, &old, &new),
            Outcome::Whole(_) => {}
        }
    }
    assert!(matches!(encoded(&old, &corpus::random(5, 50_000), Effort::Best), Outcome::Whole(_)));
    assert!(matches!(encoded(&[], &corpus::random(5, 50_000), Effort::Best), Outcome::Whole(_)));
}
