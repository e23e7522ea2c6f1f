//! Against pgzip itself, and that threads do not show.

use std::num::NonZeroUsize;
use std::{fs, thread};

use proptest::prelude::*;
use testdata::corpus;

use super::super::tests::{LEVELS, Original, Table, inflated, joined, level, parsed, root, row};
use super::*;

/// Versions of pgzip with those of the compressor below it: a family each.
const VERSIONS: [(&str, &str, &str, Family); 5] = [
    ("v1.2.5+v1.15.13", "v1.2.5", "v1.15.13", Family::V1_15_11),
    ("v1.2.6+v1.17.11", "v1.2.6", "v1.17.11", Family::V1_15_15),
    ("v1.2.6+v1.18.0", "v1.2.6", "v1.18.0", Family::V1_18_0),
    ("v1.3.0+v1.19.2", "v1.3.0", "v1.19.2", Family::V1_18_2),
    ("v1.3.0+v1.20.3", "v1.3.0", "v1.20.3", Family::V1_20_0),
];
const BLOCKS: [u64; 3] = [17_000, 100_000, 1 << 20];

fn contents(block: u64) -> Vec<(String, Vec<u8>)> {
    let names: &[&str] = match block {
        17_000 => &["text-16383", "text-16384", "random-32768", "text-65536", "text-0", "text-1"],
        100_000 => &["text-131072", "records", "random-131072", "far-repeats", "two-values", "tar"],
        _ => &["mixed"],
    };
    let mut contents = corpus::all();
    contents.retain(|(name, _)| names.contains(&name.as_str()));
    // Also blocks that are full at the end.
    contents.iter_mut().for_each(|(_, content)| content.truncate(2_100_000.min(4 * block as usize)));
    contents
}

fn pgzip(family: Family, number: i8, block: u64, threads: usize, pieces: &[&[u8]]) -> Vec<u8> {
    let size = BlockSize::try_from(block).unwrap();
    let mut compressor = Pgzip::new(family, level(number), size, NonZeroUsize::new(threads).unwrap());
    let mut out = Vec::new();
    for piece in pieces {
        compressor.write(piece, &mut out);
    }
    compressor.finish(&mut out);
    out
}

fn name(block: u64) -> String {
    format!(" block={block}")
}

fn original(pgzip: &str, compress: &str) -> Table {
    let modules = [format!("github.com/klauspost/pgzip@{pgzip}"), format!("github.com/klauspost/compress@{compress}")];
    let original = Original::build("pgzip", "auto", &modules);
    let mut table = Table::new();
    for block in BLOCKS {
        original.compress(&name(block), &[format!("-block={block}")], &contents(block), &mut table);
    }
    table
}

#[test]
fn every_vector_is_made_to_the_bit() {
    let path = root().join("spec/vectors/compressors/pgzip.tsv");
    if std::env::var_os("UPDATE").is_some() {
        let tables: Vec<_> = VERSIONS.map(|(version, pgzip, compress, _)| (version, original(pgzip, compress))).into();
        fs::write(&path, joined(&tables)).unwrap();
    }
    let originals = parsed(&fs::read_to_string(path).unwrap());
    assert!(originals.keys().eq(VERSIONS.map(|(version, ..)| version)), "UPDATE=1 renews the vectors");
    thread::scope(|scope| {
        for (version, _, _, family) in VERSIONS {
            let theirs = &originals[version];
            scope.spawn(move || {
                let mut ours = Table::new();
                for block in BLOCKS {
                    for (corpus, content) in contents(block) {
                        for number in LEVELS {
                            let out = pgzip(family, number, block, 2, &[&content]);
                            ours.insert(format!("{}\t{number}\t{corpus}", name(block)), row(&out));
                        }
                    }
                }
                assert!(theirs.keys().eq(ours.keys()), "UPDATE=1 renews the vectors");
                let wrong: Vec<_> = ours.iter().filter(|(case, result)| theirs[*case] != **result).collect();
                assert!(wrong.is_empty(), "{version} makes something else: {wrong:#?}");
            });
        }
    });
}

#[test]
fn a_block_is_longer_than_a_tail() {
    for bytes in [0, 16_384, (64 << 20) + 1, u64::MAX] {
        assert_eq!(BlockSize::try_from(bytes), Err(BlockSizeError(bytes)));
    }
    for bytes in [16_385, 1 << 20, 64 << 20] {
        assert_eq!(BlockSize::try_from(bytes).unwrap().get() as u64, bytes);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn threads_and_cuts_do_not_show_and_the_content_comes_back(
        len in 0_usize..200_000, seed in 0..u64::MAX >> 20, block in 16_385_u64..70_000, number in -2_i8..=9,
        threads in 2_usize..5, cut in 0_usize..200_000,
    ) {
        let content = corpus::mixed(seed, len);
        let (start, end) = content.split_at(cut.min(content.len()));
        let one = pgzip(Family::V1_18_0, number, block, 1, &[&content]);
        prop_assert!(inflated(&one) == content);
        prop_assert!(one == pgzip(Family::V1_18_0, number, block, threads, &[start, end]));
    }
}
