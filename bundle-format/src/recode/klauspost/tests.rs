//! Against what the originals make (spec/vectors/compressors), and what must hold for any content.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{fs, thread};

use flate2::read::DeflateDecoder;
use proptest::prelude::*;
use testdata::corpus;

use super::*;
use crate::Digest;

const LEVELS: std::ops::RangeInclusive<i8> = -2..=9;

/// The versions that make the vectors: the first and the last of each family, if it has more than one.
const VERSIONS: [(&str, Family); 10] = [
    ("v1.15.11", Family::V1_15_11),
    ("v1.15.13", Family::V1_15_11),
    ("v1.15.15", Family::V1_15_15),
    ("v1.17.11", Family::V1_15_15),
    ("v1.18.0", Family::V1_18_0),
    ("v1.18.2", Family::V1_18_2),
    ("v1.19.2", Family::V1_18_2),
    ("v1.20.0", Family::V1_20_0),
    ("v1.20.3", Family::V1_20_0),
    (GO, Family::Go1_27),
];
const GO: &str = "go1.27.4";

/// How a compressor is used: after how many bytes it is flushed (0: never), and how much of the content is its dictionary.
const USES: [(usize, usize); 7] = [(0, 0), (20, 0), (100, 0), (5000, 0), (70_000, 0), (0, 100), (0, 16_384)];
/// How much of a content is used, and in other ways than the first.
const MOST: usize = 1_000_000;
const MOST_OTHERWISE: usize = 150_000;
/// What it is used for in other ways than the first.
const OTHER_USES: [&str; 6] = ["text-131072", "records", "random-65536", "far-repeats", "tar", "two-values"];

fn level(level: i8) -> Level {
    level.try_into().unwrap()
}

fn in_pieces(family: Family, level: Level, pieces: &[&[u8]]) -> Vec<u8> {
    let (mut compressor, mut out) = (Klauspost::new(family, level), Vec::new());
    for piece in pieces {
        compressor.write(piece, &mut out);
    }
    compressor.finish(&mut out);
    out
}

fn used(family: Family, level: Level, (flush_after, dictionary): (usize, usize), content: &[u8]) -> Vec<u8> {
    let (dictionary, content) = content.split_at(dictionary.min(content.len()));
    let (mut compressor, mut out) = (Klauspost::with_dictionary(family, level, dictionary), Vec::new());
    for piece in content.chunks(if flush_after > 0 { flush_after } else { usize::MAX }) {
        compressor.write(piece, &mut out);
        if piece.len() == flush_after {
            compressor.flush(&mut out);
        }
    }
    compressor.finish(&mut out);
    out
}

fn inflated(deflate: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    DeflateDecoder::new(deflate).read_to_end(&mut out).unwrap();
    out
}

/// What is compressed in one way of use.
fn contents(usage: (usize, usize)) -> Vec<(String, Vec<u8>)> {
    let mut contents = corpus::all();
    let mut most = MOST;
    if usage != USES[0] {
        contents.retain(|(name, _)| OTHER_USES.contains(&name.as_str()));
        most = MOST_OTHERWISE;
    }
    contents.iter_mut().for_each(|(_, content)| content.truncate(most));
    contents
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn name(version: &str, (flush_after, dictionary): (usize, usize)) -> String {
    match (flush_after, dictionary) {
        (0, 0) => version.to_owned(),
        (0, _) => format!("{version} dictionary={dictionary}"),
        (_, _) => format!("{version} flush-after={flush_after}"),
    }
}

/// The rows of one maker and way of use.
type Table = BTreeMap<String, String>;

/// Lets a version compress everything. It must be there, or come through the proxy of Go modules.
fn original(version: &str) -> Table {
    let folder = tempfile::tempdir().unwrap();
    let source = root().join("testdata/compressors").join(if version == GO { "go127" } else { "klauspost" });
    for file in fs::read_dir(source).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), folder.path().join(file.file_name())).unwrap();
    }
    let run = |command: &mut Command| {
        let output = command
            .current_dir(folder.path())
            .env("GOTOOLCHAIN", if version == GO { GO } else { "auto" })
            .output()
            .expect("Go makes the vectors; install it (apt install golang-go)");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    if version != GO {
        run(Command::new("go").args(["get", &format!("github.com/klauspost/compress@{version}")]));
    }
    run(Command::new("go").args(["build", "-o", "compress", "."]));
    let mut table = Table::new();
    for usage in USES {
        let input = tempfile::tempdir().unwrap();
        for (name, content) in contents(usage) {
            fs::write(input.path().join(name), content).unwrap();
        }
        let arguments = [format!("-flush-after={}", usage.0), format!("-dictionary={}", usage.1)];
        let rows = run(Command::new("./compress").args(arguments).arg(input.path()));
        for row in rows.lines() {
            let (at, _) = row.match_indices('\t').nth(1).unwrap();
            table.insert(format!("{}\t{}", name("", usage), &row[..at]), row[at + 1..].to_owned());
        }
    }
    table
}

const HEAD: &str = "maker\tlevel\tcorpus\tbytes\tsha256\n";

/// What several versions make alike is one row.
fn joined(tables: &[(&str, Table)]) -> String {
    let mut rows = BTreeMap::<&str, Vec<(&str, String)>>::new();
    for (version, table) in tables {
        for (case, result) in table {
            let results = rows.entry(case).or_default();
            match results.iter_mut().find(|(known, _)| known == result) {
                Some((_, versions)) => *versions = format!("{versions},{version}"),
                None => results.push((result, (*version).to_owned())),
            }
        }
    }
    let mut out = HEAD.to_owned();
    for (case, results) in rows {
        for (result, versions) in results {
            writeln!(out, "{versions}{case}\t{result}").unwrap();
        }
    }
    out
}

/// The rows of each version in a file of vectors.
fn parsed(text: &str) -> BTreeMap<String, Table> {
    let mut out = BTreeMap::<String, Table>::new();
    for row in text.strip_prefix(HEAD).unwrap().lines() {
        let (case, result) = row.split_at(row.match_indices('\t').nth(2).unwrap().0);
        let (versions, case) = case.split_at(case.find([' ', '\t']).unwrap());
        for version in versions.split(',') {
            out.entry(version.to_owned()).or_default().insert(case.to_owned(), result[1..].to_owned());
        }
    }
    out
}

fn ours(family: Family) -> Table {
    let mut table = Table::new();
    for usage in USES {
        for (corpus, content) in contents(usage) {
            for number in LEVELS {
                let out = used(family, level(number), usage, &content);
                let case = format!("{}\t{number}\t{corpus}", name("", usage));
                table.insert(case, format!("{}\t{}", out.len(), Digest::of(&out).hex()));
            }
        }
    }
    table
}

#[test]
fn every_vector_is_made_to_the_bit() {
    let folder = root().join("spec/vectors/compressors");
    let of_go = |file: &str| file == "go127.tsv";
    let files = ["klauspost.tsv", "go127.tsv"];
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for file in files {
            let versions = VERSIONS.iter().filter(|(version, _)| (*version == GO) == of_go(file));
            let tables: Vec<_> = versions.map(|(version, _)| (*version, original(version))).collect();
            fs::write(folder.join(file), joined(&tables)).unwrap();
        }
    }
    let mut originals = BTreeMap::new();
    for file in files {
        originals.append(&mut parsed(&fs::read_to_string(folder.join(file)).unwrap()));
    }
    let mut known: Vec<&str> = VERSIONS.iter().map(|(version, _)| *version).collect();
    known.sort_unstable();
    assert!(originals.keys().eq(&known), "UPDATE=1 renews the vectors");
    thread::scope(|scope| {
        for family in Family::ALL {
            let originals = &originals;
            scope.spawn(move || {
                let ours = ours(family);
                for (version, _) in VERSIONS.iter().filter(|(_, of)| *of == family) {
                    let theirs = &originals[*version];
                    assert!(theirs.keys().eq(ours.keys()), "UPDATE=1 renews the vectors");
                    let wrong: Vec<_> = ours.iter().filter(|(case, result)| theirs[*case] != **result).collect();
                    assert!(wrong.is_empty(), "{version} makes something else than {family:?}: {wrong:#?}");
                }
            });
        }
    });
}

#[test]
fn what_was_flushed_can_be_read() {
    let content = corpus::mixed(11, 300_000);
    for number in LEVELS {
        let (mut compressor, mut out) = (Klauspost::new(Family::V1_18_0, level(number)), Vec::new());
        for (i, piece) in content.chunks(70_001).enumerate() {
            compressor.write(piece, &mut out);
            compressor.flush(&mut out);
            assert!(out.ends_with(&[0, 0, 0xff, 0xff]), "level {number}");
            let mut read = vec![0; content.len().min((i + 1) * 70_001)];
            DeflateDecoder::new(&out[..]).read_exact(&mut read).unwrap();
            assert!(content.starts_with(&read), "level {number}");
        }
    }
}

#[test]
fn positions_that_start_again_do_not_show() {
    let content = corpus::tar(12, 1_500_000);
    for number in 1..=9 {
        let usual = in_pieces(Family::V1_18_0, level(number), &[&content]);
        for before_the_end in [0, 100, 300_000, 700_000, 1_200_000] {
            let (mut compressor, mut out) = (Klauspost::new(Family::V1_18_0, level(number)), Vec::new());
            match &mut compressor.engine {
                Engine::Plain { .. } => {}
                Engine::Fast { fast, .. } => fast.start_at((1 << 31) - 393_211 - before_the_end),
                Engine::Lazy(lazy) => lazy.start_at((1 << 31) - before_the_end),
            }
            compressor.write(&content, &mut out);
            compressor.finish(&mut out);
            assert!(out == usual, "level {number}, {before_the_end} before the end of positions");
        }
    }
}

#[test]
fn there_are_only_flates_levels() {
    for number in LEVELS {
        assert_eq!(level(number).number(), number);
    }
    for number in [i8::MIN, -3, 10, i8::MAX] {
        assert_eq!(Level::try_from(number), Err(LevelError(number)));
    }
}

/// Contents in which everything happens: long and short matches, near and far, and what does not compress.
fn content() -> impl Strategy<Value = Vec<u8>> {
    (0_usize..300_000, any::<u64>(), 0..5).prop_map(|(n, seed, kind)| match kind {
        0 => corpus::text(seed >> 20, n),
        1 => corpus::records(seed >> 20, n),
        2 => corpus::random(seed >> 20, n),
        _ => corpus::mixed(seed >> 20, n),
    })
}

/// Some cuts are where windows and blocks end.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    let border = (1_usize..10, 0_usize..4).prop_map(|(n, off)| n * 32_768 - 2 + off - n / 2);
    prop::collection::vec(prop_oneof![0_usize..300_000, border], 0..12)
}

fn family() -> impl Strategy<Value = Family> {
    prop::sample::select(&Family::ALL)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn cuts_do_not_show_and_the_content_comes_back(
        content in content(), mut cuts in cuts(), number in -2_i8..=9, family in family(),
    ) {
        cuts.iter_mut().for_each(|cut| *cut = (*cut).min(content.len()));
        cuts.extend([0, content.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &content[pair[0]..pair[1]]).collect();
        let cut = in_pieces(family, level(number), &pieces);
        prop_assert!(inflated(&cut) == content);
        prop_assert!(cut == in_pieces(family, level(number), &[&content]));
    }
}
