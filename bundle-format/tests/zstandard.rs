//! Frames of zstd are those of libzstd 1.5.7.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::fs;
use std::process::{Command, Stdio};

use bundle_format::recode::zstandard::{self, Frame, Level, Refused, WindowLog, Zstandard};

mod compressed;

use compressed::{assert_vectors, compressed, compressed_in_pieces, row};

fn of_command(n: u8) -> Frame {
    Frame::of_command(Level::new(n).unwrap())
}

/// Kinds of frames, by the way to get them from the command.
fn kinds(n: u8, size: u64) -> [(&'static str, Frame); 5] {
    let frame = of_command(n);
    [
        ("zstd", frame),
        ("zstd --single-thread", Frame { jobs: false, ..frame }),
        ("zstd --no-check", Frame { checksum: false, ..frame }),
        ("zstd --stream-size", Frame { size: Some(size), ..frame }),
        ("zstd --long", Frame { long: Some(WindowLog::DEFAULT), ..frame }),
    ]
}

fn made(frame: &Frame, content: &[u8]) -> Vec<u8> {
    compressed(Zstandard::new(frame).unwrap(), content)
}

/// The corpora from 1 KB on, and one that is long enough for several jobs.
fn corpora() -> Vec<(String, Vec<u8>)> {
    let mut corpora = testdata::corpus::all();
    let all: Vec<u8> = corpora.iter().flat_map(|(_, content)| content.clone()).collect();
    corpora.retain(|(_, content)| content.len() >= 1000);
    corpora.push(("all".into(), all));
    corpora
}

#[test]
fn frames_are_the_same_as_ever() {
    assert_eq!(zstandard::version(), 10507, "another libzstd makes other frames");
    let mut rows = Vec::new();
    for (name, content) in corpora() {
        for n in [1, 3] {
            for (maker, frame) in kinds(n, content.len() as u64) {
                rows.push(row(maker, n, &name, &made(&frame, &content)));
            }
        }
        if content.len() < 800_000 {
            for n in [2].into_iter().chain(4..=19) {
                rows.push(row("zstd", n, &name, &made(&of_command(n), &content)));
            }
        }
    }
    assert_vectors("zstd.tsv", &rows);
}

#[test]
fn a_command_of_the_same_version_makes_the_same() {
    let version =
        Command::new("zstd").arg("--version").output().map(|o| String::from_utf8_lossy(&o.stdout).into_owned());
    if !version.as_ref().is_ok_and(|v| v.contains("1.5.7")) {
        eprintln!("skipped: the zstd command here is not 1.5.7: {version:?}; the vectors were compared with one");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in corpora() {
        let path = folder.path().join(&name);
        fs::write(&path, &content).unwrap();
        for (maker, frame) in kinds(3, content.len() as u64) {
            let size = format!("--stream-size={}", content.len());
            let words = maker.split(' ').skip(1).map(|word| if word == "--stream-size" { &size } else { word });
            let input = fs::File::open(&path).unwrap();
            let output =
                Command::new("zstd").args(words).arg("-c").stdin(input).stderr(Stdio::inherit()).output().unwrap();
            assert!(output.status.success());
            assert!(output.stdout == made(&frame, &content), "{maker}: {name}");
        }
    }
}

#[test]
fn a_frame_is_the_same_however_content_is_cut_into_calls_and_gives_the_content_back() {
    for (name, content) in corpora() {
        for (maker, frame) in kinds(1, content.len() as u64) {
            let whole = made(&frame, &content);
            assert!(zstd::decode_all(whole.as_slice()).unwrap() == content, "{maker}: {name}");
            for sizes in [&[1 << 16][..], &[100_000, 1, 0, 131_072, 7]] {
                let pieces = compressed_in_pieces(Zstandard::new(&frame).unwrap(), &content, sizes);
                assert!(pieces == whole, "{maker}: {name}, {sizes:?}");
            }
        }
    }
}

#[test]
fn content_of_another_size_than_was_said_ends_the_frame_early() {
    let frame = Frame { size: Some(1000), ..of_command(3) };
    for n in [999, 1001] {
        let made = made(&frame, &vec![7; n]);
        assert!(zstd::decode_all(made.as_slice()).is_err(), "{n}");
    }
}

#[test]
fn parameters_that_zstd_does_not_have_are_refused() {
    assert_eq!([0, 23].map(|n| Level::new(n).unwrap_err()), [Refused::Level(0), Refused::Level(23)]);
    assert_eq!([9, 28].map(|n| WindowLog::new(n).unwrap_err()), [Refused::Window(9), Refused::Window(28)]);
}
