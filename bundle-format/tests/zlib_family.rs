//! zlib, GNU gzip and pigz make the same bytes as the programs themselves.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::fs;
use std::io::Read;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};

use bundle_format::recode::Compressor;
use bundle_format::recode::zlib::{BlockSize, Gzip, Level, MemoryLevel, OutOfRange, Pigz, Processes, Zlib};
use proptest::prelude::*;

mod compressed;
mod tools;

use compressed::{assert_vectors, compressed, compressed_in_pieces, row};
use tools::missing;

/// Ways to start pigz: name, block in KiB, `-i`, `-p 1` or more.
const PIGZ: [(&str, usize, bool, Processes); 6] = [
    ("pigz", 128, false, Processes::More),
    ("pigz -p 1", 128, false, Processes::One),
    ("pigz -i", 128, true, Processes::More),
    ("pigz -i -p 1", 128, true, Processes::One),
    ("pigz -b 32", 32, false, Processes::More),
    ("pigz -b 33 -p 1", 33, false, Processes::One),
];
const PIGZ_LEVELS: [u8; 4] = [1, 5, 6, 9];

fn level(n: u8) -> Level {
    Level::new(n).unwrap()
}

fn zlib(memory: u8, n: u8) -> Zlib {
    Zlib::new(level(n), MemoryLevel::new(memory).unwrap())
}

fn pigz((_, block, independent, processes): (&str, usize, bool, Processes), n: u8, workers: usize) -> Pigz {
    let block = BlockSize::new(block << 10).unwrap();
    Pigz::with_workers(level(n), block, independent, processes, NonZeroUsize::new(workers).unwrap())
}

/// What a command that writes a gzip file makes of the file at `input`, without the header and the trailer.
fn by_command(command: &str, n: u8, input: &Path) -> Vec<u8> {
    let mut words = command.split(' ');
    let made = Command::new(words.next().unwrap())
        .args(words)
        .args(["-nc", &format!("-{n}")])
        .stdin(fs::File::open(input).unwrap())
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(made.status.success(), "{command}");
    made.stdout[10..made.stdout.len() - 8].to_vec()
}

/// Every corpus, with a file that has it.
fn corpora_in_files() -> (tempfile::TempDir, Vec<(String, Vec<u8>, std::path::PathBuf)>) {
    let folder = tempfile::tempdir().unwrap();
    let corpora = testdata::corpus::all().into_iter().map(|(name, content)| {
        let path = folder.path().join(&name);
        fs::write(&path, &content).unwrap();
        (name, content, path)
    });
    let corpora = corpora.collect();
    (folder, corpora)
}

#[test]
fn python_makes_the_same_with_its_zlib_at_every_level_and_with_both_memory_levels() {
    if missing(&["python3"]) {
        return;
    }
    // With a flush in the middle as well.
    let script = "
import sys, zlib
content = open(sys.argv[1], 'rb').read()
for memory in 8, 9:
    for level in range(1, 10):
        c = zlib.compressobj(level, zlib.DEFLATED, -15, memory)
        open(f'{sys.argv[1]}.{memory}.{level}', 'wb').write(c.compress(content) + c.flush())
        c = zlib.compressobj(level, zlib.DEFLATED, -15, memory, zlib.Z_DEFAULT_STRATEGY, content[:50000])
        with open(f'{sys.argv[1]}.{memory}.{level}.flushed', 'wb') as out:
            for cut in content[:40000], content[40000:40001], content[40001:90000]:
                if cut:
                    out.write(c.compress(cut))
                out.write(c.flush(zlib.Z_SYNC_FLUSH) + c.flush(zlib.Z_SYNC_FLUSH))
            out.write(c.flush())
";
    let (_folder, corpora) = corpora_in_files();
    for (name, content, path) in corpora {
        assert!(Command::new("python3").arg("-c").arg(script).arg(&path).status().unwrap().success());
        for (memory, n) in [8, 9].into_iter().flat_map(|memory| (1..=9).map(move |n| (memory, n))) {
            let what = format!("{name}, memory level {memory}, level {n}");
            let expected = fs::read(format!("{}.{memory}.{n}", path.display())).unwrap();
            assert!(compressed(zlib(memory, n), &content) == expected, "{what}");

            let (mut flushed, mut out) = (zlib(memory, n), Vec::new());
            let at = |n: usize| n.min(content.len());
            flushed.set_dictionary(&content[..at(50_000)]);
            for cut in [0..at(40_000), at(40_000)..at(40_001), at(40_001)..at(90_000)] {
                flushed.write(&content[cut], &mut out);
                flushed.flush(&mut out);
                flushed.flush(&mut out);
            }
            flushed.finish(&mut out);
            let expected = fs::read(format!("{}.{memory}.{n}.flushed", path.display())).unwrap();
            assert!(out == expected, "{what}, flushed");
        }
    }
}

#[test]
fn gnu_gzip_makes_the_same_at_every_level() {
    if missing(&["gzip"]) {
        return;
    }
    let (_folder, corpora) = corpora_in_files();
    for (name, content, path) in corpora {
        for n in 1..=9 {
            assert!(compressed(Gzip::new(level(n)), &content) == by_command("gzip", n, &path), "{name}, level {n}");
        }
    }
}

#[test]
fn pigz_makes_the_same_with_blocks_of_any_size_that_depend_on_each_other_or_not_in_one_process_or_more() {
    if missing(&["pigz"]) {
        return;
    }
    let (_folder, corpora) = corpora_in_files();
    for (name, content, path) in corpora {
        for (how, n) in PIGZ.into_iter().flat_map(|how| PIGZ_LEVELS.map(|n| (how, n))) {
            let command = if how.3 == Processes::One { how.0.to_owned() } else { format!("{} -p 4", how.0) };
            let made = compressed(pigz(how, n, 3), &content);
            assert!(made == by_command(&command, n, &path), "{name}, {command}, level {n}");
        }
    }
}

#[test]
fn what_zlib_makes_is_the_same_as_ever() {
    let mut rows = Vec::new();
    for (memory, n) in (1..=9).map(|n| (8, n)).chain([1, 6, 9].map(|n| (9, n))) {
        for (name, content) in testdata::corpus::all() {
            rows.push(row(&format!("zlib memLevel {memory}"), n, &name, &compressed(zlib(memory, n), &content)));
        }
    }
    assert_vectors("zlib.tsv", &rows);
}

#[test]
fn what_gnu_gzip_makes_is_the_same_as_ever() {
    let mut rows = Vec::new();
    for n in 1..=9 {
        for (name, content) in testdata::corpus::all() {
            rows.push(row("gzip", n, &name, &compressed(Gzip::new(level(n)), &content)));
        }
    }
    assert_vectors("gzip.tsv", &rows);
}

#[test]
fn what_pigz_makes_is_the_same_as_ever() {
    let mut rows = Vec::new();
    for (how, n) in PIGZ.into_iter().flat_map(|how| [1, 6, 9].map(|n| (how, n))) {
        for (name, content) in testdata::corpus::all() {
            rows.push(row(how.0, n, &name, &compressed(pigz(how, n, 2), &content)));
        }
    }
    assert_vectors("pigz.tsv", &rows);
}

#[test]
fn levels_and_sizes_outside_of_what_the_programs_have_are_refused() {
    assert_eq!([0, 10].map(|n| Level::new(n).unwrap_err()), [OutOfRange::Level(0), OutOfRange::Level(10)]);
    assert_eq!(MemoryLevel::new(7).unwrap_err(), OutOfRange::MemoryLevel(7));
    for bytes in [32_767, (64 << 20) + 1] {
        assert_eq!(BlockSize::new(bytes).unwrap_err(), OutOfRange::Block(bytes));
    }
}

/// Content with repeats near and far, and up to 200 KiB of it: more than a window.
fn content() -> impl Strategy<Value = Vec<u8>> {
    (any::<u64>(), 0..200_000_usize, 0..4_u8).prop_map(|(seed, length, kind)| match kind {
        0 => testdata::corpus::text(seed >> 8, length),
        1 => testdata::corpus::records(seed >> 8, length),
        2 => testdata::corpus::random(seed >> 8, length),
        _ => testdata::corpus::mixed(seed >> 8, length),
    })
}

fn inflated(made: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::DeflateDecoder::new(made).read_to_end(&mut out).unwrap();
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn how_content_is_cut_into_calls_makes_no_difference_and_it_can_be_inflated(
        content in content(),
        sizes in prop::collection::vec(prop_oneof![0..4_usize, 0..70_000_usize], 1..20).prop_map(|mut s| { s.push(5000); s }),
        n in 1..=9_u8,
    ) {
        let whole = compressed(zlib(8, n), &content);
        prop_assert!(inflated(&whole) == content);
        prop_assert!(compressed_in_pieces(zlib(8, n), &content, &sizes) == whole);
        let whole = compressed(Gzip::new(level(n)), &content);
        prop_assert!(inflated(&whole) == content);
        prop_assert!(compressed_in_pieces(Gzip::new(level(n)), &content, &sizes) == whole);
        for how in PIGZ {
            let whole = compressed(pigz(how, n, 1), &content);
            prop_assert!(inflated(&whole) == content);
            prop_assert!(compressed_in_pieces(pigz(how, n, 3), &content, &sizes) == whole);
        }
    }
}
