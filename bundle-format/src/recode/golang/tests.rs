use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{fs, thread};

use flate2::read::DeflateDecoder;
use proptest::prelude::*;
use testdata::corpus;

use super::*;
use crate::Digest;

const LEVELS: [i8; 12] = [-2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

/// After how many bytes Go was told to flush, for some of the contents. Between them: all ways in which level 1 ends a block.
const FLUSHES: [usize; 5] = [10, 100, 5000, 65_536, 100_000];
const FLUSHED: [&str; 5] = ["text-131072", "records", "random-65536", "far-repeats", "tar"];

fn in_one_piece(level: i8, content: &[u8]) -> Vec<u8> {
    in_pieces(level, &[content])
}

fn in_pieces(level: i8, pieces: &[&[u8]]) -> Vec<u8> {
    let (mut go, mut out) = (Go::new(level.try_into().unwrap()), Vec::new());
    for piece in pieces {
        go.write(piece, &mut out);
    }
    go.finish(&mut out);
    out
}

fn flushed(level: i8, every: usize, content: &[u8]) -> Vec<u8> {
    let (mut go, mut out) = (Go::new(level.try_into().unwrap()), Vec::new());
    for piece in content.chunks(every) {
        go.write(piece, &mut out);
        if piece.len() == every {
            go.flush(&mut out);
        }
    }
    go.finish(&mut out);
    out
}

fn inflated(deflate: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    DeflateDecoder::new(deflate).read_to_end(&mut out).unwrap();
    out
}

/// Maker, level and corpus of every vector, and how it is made: the bytes between flushes, or 0, and the content.
fn cases() -> Vec<(String, i8, usize, Vec<u8>)> {
    let mut out = Vec::new();
    for (name, content) in corpus::all() {
        for level in LEVELS {
            out.push((format!("go\t{level}\t{name}"), level, 0, content.clone()));
        }
        for every in FLUSHES.into_iter().filter(|_| FLUSHED.contains(&name.as_str())) {
            // Many small blocks take long and show nothing new.
            let content = &content[..content.len().min(2000 * every)];
            for level in LEVELS {
                out.push((format!("go flush-after={every}\t{level}\t{name}"), level, every, content.to_vec()));
            }
        }
    }
    out
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn row(case: &str, deflate: &[u8]) -> String {
    format!("{case}\t{}\t{}\n", deflate.len(), Digest::of(deflate).hex())
}

const HEAD: &str = "maker\tlevel\tcorpus\tbytes\tsha256\n";

/// Go's compressor (testdata/compressors/go), built by the Go that is there. That must be 1.26 or older.
struct RealGo(tempfile::TempDir);

impl RealGo {
    fn build() -> Self {
        let source = root().join("testdata/compressors/go");
        let go = |args: &[&str]| Command::new("go").args(args).current_dir(&source).output();
        let version =
            go(&["env", "GOVERSION"]).expect("`go` makes the vectors; install Go 1.21 to 1.26 (apt install golang-go)");
        let version = String::from_utf8(version.stdout).unwrap();
        let minor: u32 = version.trim().split('.').nth(1).and_then(|n| n.parse().ok()).unwrap_or_default();
        assert!(
            (7..=26).contains(&minor),
            "{version}compresses in another way; set GOTOOLCHAIN=go1.26.0 and run again"
        );
        let folder = tempfile::tempdir().unwrap();
        let built = go(&["build", "-o", folder.path().to_str().unwrap(), "."]).unwrap();
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        Self(folder)
    }

    fn compress(&self, level: i8, flush_after: usize, content: &[u8]) -> Vec<u8> {
        let mut child = Command::new(self.0.path().join("compress"))
            .args([format!("-level={level}"), format!("-flush-after={flush_after}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        thread::scope(|scope| {
            scope.spawn(move || stdin.write_all(content).unwrap());
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            output.stdout
        })
    }
}

#[test]
fn every_vector_is_made_to_the_bit() {
    let path = root().join("spec/vectors/compressors/go.tsv");
    let cases = cases();
    if std::env::var_os("UPDATE").is_some() {
        let go = RealGo::build();
        let mut table = HEAD.to_owned();
        for (case, level, every, content) in &cases {
            table.push_str(&row(case, &go.compress(*level, *every, content)));
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, table).unwrap();
    }
    let vectors = fs::read_to_string(&path).unwrap();
    let vectors: BTreeMap<&str, &str> = vectors
        .lines()
        .skip(1)
        .map(|line| line.match_indices('\t').nth(2).map(|(i, _)| line.split_at(i)).unwrap())
        .collect();
    assert_eq!(vectors.len(), cases.len(), "UPDATE=1 renews the vectors, with Go 1.21 to 1.26");
    let mut wrong = String::new();
    for (case, level, every, content) in &cases {
        let ours = if *every > 0 { flushed(*level, *every, content) } else { in_one_piece(*level, content) };
        let row = row(case, &ours);
        if row.trim_end().strip_prefix(case) != vectors.get(case.as_str()).copied() {
            writeln!(wrong, "{}", row.trim_end()).unwrap();
        }
    }
    assert!(wrong.is_empty(), "Go makes something else of:\n{wrong}");
}

#[test]
fn what_was_flushed_can_be_read() {
    let content = corpus::mixed(11, 300_000);
    for level in LEVELS {
        let (mut go, mut out) = (Go::new(level.try_into().unwrap()), Vec::new());
        for (i, piece) in content.chunks(70_001).enumerate() {
            go.write(piece, &mut out);
            go.flush(&mut out);
            assert!(out.ends_with(&[0, 0, 0xff, 0xff]), "level {level}");
            let mut read = vec![0; content.len().min((i + 1) * 70_001)];
            DeflateDecoder::new(&out[..]).read_exact(&mut read).unwrap();
            assert!(content.starts_with(&read), "level {level}");
        }
    }
}

#[test]
fn there_are_only_gos_levels() {
    for level in LEVELS {
        assert_eq!(Level::try_from(level).unwrap().number(), if level == -1 { 6 } else { level });
    }
    for level in [i8::MIN, -3, 10, i8::MAX] {
        assert_eq!(Level::try_from(level), Err(LevelError(level)));
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

/// Some cuts are where Go's windows and blocks end.
fn cuts() -> impl Strategy<Value = Vec<usize>> {
    let border = (1_usize..10, 0_usize..3).prop_map(|(n, off)| n * 32_768 - 2 + off);
    prop::collection::vec(prop_oneof![0_usize..300_000, border], 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn cuts_do_not_show_and_the_content_comes_back(content in content(), mut cuts in cuts(), level in -2_i8..=9) {
        cuts.iter_mut().for_each(|cut| *cut = (*cut).min(content.len()));
        cuts.extend([0, content.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &content[pair[0]..pair[1]]).collect();
        let cut = in_pieces(level, &pieces);
        prop_assert!(inflated(&cut) == content);
        prop_assert!(cut == in_one_piece(level, &content));
    }
}
