//! The programs themselves, where they are installed.

use std::fs;
use std::process::{Command, Stdio};

use super::super::*;
use crate::recode::Compressor;

fn compressed(mut by: impl Compressor, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    by.write(content, &mut out);
    by.finish(&mut out);
    out
}

#[test]
fn zlib_in_python() {
    let folder = tempfile::tempdir().unwrap();
    let script = "
import sys, zlib
for memory in 8, 9:
    for level in range(1, 10):
        c = zlib.compressobj(level, zlib.DEFLATED, -15, memory)
        open(f'{sys.argv[1]}.{memory}.{level}', 'wb').write(c.compress(open(sys.argv[1], 'rb').read()) + c.flush())
";
    let mut bad = vec![];
    for (name, content) in testdata::corpus::all() {
        let path = folder.path().join(&name);
        fs::write(&path, &content).unwrap();
        assert!(Command::new("python3").arg("-c").arg(script).arg(&path).status().unwrap().success());
        for memory in [8, 9] {
            for level in Level::all() {
                let expected = fs::read(format!("{}.{memory}.{}", path.display(), level.get())).unwrap();
                let made = compressed(Zlib::new(level, MemoryLevel::new(memory).unwrap()), &content);
                if made != expected {
                    bad.push(format!("{name} {memory} {} {} {}", level.get(), made.len(), expected.len()));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

fn tool(program: &str, options: &[&str], input: &std::path::Path) -> Vec<u8> {
    let made = Command::new(program)
        .args(options)
        .arg("-nc")
        .stdin(fs::File::open(input).unwrap())
        .stdout(Stdio::piped())
        .output()
        .unwrap();
    assert!(made.status.success());
    made.stdout[10..made.stdout.len() - 8].to_vec()
}

#[test]
fn gnu_gzip() {
    let folder = tempfile::tempdir().unwrap();
    let mut bad = vec![];
    for (name, content) in testdata::corpus::all() {
        let path = folder.path().join(&name);
        fs::write(&path, &content).unwrap();
        for level in Level::all() {
            let expected = tool("gzip", &[&format!("-{}", level.get())], &path);
            let made = compressed(Gzip::new(level), &content);
            if made != expected {
                bad.push(format!("{name} {} {} {}", level.get(), made.len(), expected.len()));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn pigz() {
    let folder = tempfile::tempdir().unwrap();
    let mut bad = vec![];
    for (name, content) in testdata::corpus::all() {
        let path = folder.path().join(&name);
        fs::write(&path, &content).unwrap();
        for level in [1, 5, 6, 9] {
            for (block, independent, processes) in [
                (128, false, Processes::More),
                (128, false, Processes::One),
                (128, true, Processes::More),
                (128, true, Processes::One),
                (32, false, Processes::More),
                (33, false, Processes::One),
            ] {
                let level_option = format!("-{level}");
                let block_option = block.to_string();
                let mut options = vec![
                    &*level_option,
                    "-b",
                    &block_option,
                    "-p",
                    if processes == Processes::One { "1" } else { "4" },
                ];
                if independent {
                    options.push("-i");
                }
                let expected = tool("pigz", &options, &path);
                let made = compressed(
                    Pigz::with_workers(
                        Level::new(level).unwrap(),
                        BlockSize::new(block << 10).unwrap(),
                        independent,
                        processes,
                        std::num::NonZeroUsize::new(3).unwrap(),
                    ),
                    &content,
                );
                if made != expected {
                    bad.push(format!("{name} {options:?} {} {}", made.len(), expected.len()));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}
