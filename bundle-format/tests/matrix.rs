//! Compressor, level, content: which streams of real programs are made again by a recipe, which with corrections.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests")]

use std::path::Path;
use std::process::{Command, Stdio};

use bundle_format::recode::predict::{Recreate, analyse};
use bundle_format::recode::{Compressor, Recipe};

mod tools;

/// What `maker` writes for `file` to its standard output.
fn output(maker: &[&str], file: &Path) -> Vec<u8> {
    let done = Command::new(maker[0]).args(&maker[1..]).arg(file).stderr(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{maker:?}");
    done.stdout
}

/// Bytes of the header of a gzip member with at most a name (RFC 1952).
fn header(gzip: &[u8]) -> usize {
    if gzip[3] & 8 == 0 { 10 } else { 11 + gzip[10..].iter().position(|b| *b == 0).unwrap() }
}

const PYTHON: &str =
    "import gzip,sys; sys.stdout.buffer.write(gzip.compress(open(sys.argv[2],'rb').read(), int(sys.argv[1]), mtime=0))";

#[test]
fn what_known_programs_make_has_a_recipe_and_what_others_make_has_corrections() {
    if tools::missing(&["gzip", "pigz", "python3", "libdeflate-gzip", "zopfli"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (mut exact, mut known, mut all, mut corrected) = (0, 0, 0, 0);
    for (corpus, content) in testdata::corpus::all() {
        let content = &content[..content.len().min(600_000)];
        // Of very little, several programs make the same, or store it.
        if content.len() < 1000 {
            continue;
        }
        let file = dir.path().join(&corpus);
        std::fs::write(&file, content).unwrap();
        let mut makers: Vec<(Vec<&str>, bool)> = Vec::new();
        for level in ["-1", "-5", "-6", "-9"] {
            makers.push((vec!["gzip", "-nc", level], true));
            makers.push((vec!["pigz", "-nc", level], true));
        }
        makers.extend(["1", "5", "6", "9"].map(|level| (vec!["python3", "-c", PYTHON, level], true)));
        if ["text", "tar", "records"].contains(&corpus.as_str()) {
            makers.extend(["-1", "-6", "-12"].map(|level| (vec!["libdeflate-gzip", "-nkc", level], false)));
            makers.push((vec!["zopfli", "--i1", "-c"], false));
        }
        for (maker, is_known) in makers {
            let gzip = output(&maker, &file);
            let begin = header(&gzip);
            let data = &gzip[begin..gzip.len() - 8];
            let recipe = Recipe::candidates(Some(&gzip[..begin]))
                .into_iter()
                .find(|recipe| recipe.agrees(content, data, true).is_some());
            all += 1;
            known += usize::from(is_known);
            if recipe.is_some() {
                exact += 1;
                continue;
            }
            assert!(!is_known, "{maker:?} {corpus}: no recipe makes it again");
            let (mut plain, mut corrections) = (Vec::new(), Vec::new());
            analyse(&mut &data[..], &mut plain, &mut corrections).unwrap();
            let (mut again, mut made) = (Recreate::new(&corrections[..]), Vec::new());
            again.write(&plain, &mut made);
            again.finish(&mut made);
            assert!(made == data, "{maker:?} {corpus}: corrections make other bytes");
            corrected += 1;
        }
    }
    println!(
        "{all} streams: {exact} by a recipe, {corrected} with corrections; of {known} by known programs all by a recipe"
    );
}
