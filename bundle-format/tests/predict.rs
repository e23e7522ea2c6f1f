//! Streams of real compressors, taken apart and made again; and the vectors of spec/compressors/predict.md.

use bundle_format::recode::Compressor;
use bundle_format::recode::predict::{Recreate, analyse};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

mod tools;

/// Where the DEFLATE data begins in a gzip member (RFC 1952) with at most a name.
fn after_header(gzip: &[u8]) -> usize {
    if gzip[3] & 8 == 0 { 10 } else { 11 + gzip[10..].iter().position(|b| *b == 0).unwrap() }
}

/// Content and corrections; what is made of them is what was there.
fn round_trip(deflate: &[u8], name: &str) -> (Vec<u8>, Vec<u8>) {
    let (mut content, mut corrections) = (Vec::new(), Vec::new());
    let analysis = analyse(&mut &deflate[..], &mut content, &mut corrections).unwrap();
    let (mut maker, mut out) = (Recreate::new(&corrections[..]), Vec::new());
    content.chunks(10_000).for_each(|piece| maker.write(piece, &mut out));
    maker.finish(&mut out);
    assert!(maker.is_complete() && out == deflate[..analysis.consumed as usize], "{name}: other data was made");
    (content, corrections)
}

#[test]
fn every_vector_has_its_corrections_to_the_byte() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors/compressors/predict");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "deflate"));
    assert!(files.len() >= 8);
    for file in files {
        let corrections = round_trip(&std::fs::read(&file).unwrap(), &file.display().to_string()).1;
        let pinned = file.with_extension("corrections");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&pinned, &corrections).unwrap();
        }
        assert!(std::fs::read(&pinned).unwrap() == corrections, "{}: other corrections", file.display());
    }
}

/// What `maker` writes for `file` to its standard output.
fn output(maker: &[&str], file: &Path) -> Vec<u8> {
    let done = Command::new(maker[0]).args(&maker[1..]).arg(file).stderr(Stdio::null()).output().unwrap();
    assert!(done.status.success(), "{maker:?}");
    done.stdout
}

#[test]
fn streams_of_real_makers_are_made_again_from_corrections_that_are_small() {
    if tools::missing(&["gzip", "pigz", "libdeflate-gzip", "7zz", "zopfli"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let corpora = testdata::corpus::all();
    println!("{:24} {:14} {:>10} {:>11} {:>7}", "maker", "corpus", "compressed", "corrections", "%");
    for (corpus, most) in [("text", 700_000), ("tar", 700_000), ("records", 300_000), ("two-values", 40_000)] {
        let content = &corpora.iter().find(|(name, _)| name == corpus).unwrap().1;
        let file = dir.path().join(corpus);
        std::fs::write(&file, &content[..content.len().min(most)]).unwrap();
        // The bound is in thousandths of the compressed bytes.
        for (maker, bound) in [
            (&["gzip", "-nc", "-1"][..], 3),
            (&["gzip", "-nc", "-6"], 3),
            (&["gzip", "-nc", "-9"], 3),
            (&["pigz", "-c", "-6"], 5),
            (&["libdeflate-gzip", "-kc", "-1"], 160),
            (&["libdeflate-gzip", "-kc", "-6"], 80),
            (&["libdeflate-gzip", "-kc", "-12"], 160),
            (&["7zz", "a", "-tgzip", "-mx=1", "-so", "-an"], 160),
            (&["7zz", "a", "-tgzip", "-mx=9", "-so", "-an"], 160),
            (&["zopfli", "--i1", "-c"], 160),
        ] {
            let gzip = output(maker, &file);
            let deflate = &gzip[after_header(&gzip)..gzip.len() - 8];
            let name = maker.join(" ");
            let corrections = round_trip(deflate, &name).1.len();
            let percent = 100.0 * corrections as f64 / deflate.len() as f64;
            println!("{name:24} {corpus:14} {:10} {corrections:11} {percent:7.3}", deflate.len());
            assert!(
                corrections <= 100 + deflate.len() * bound / 1000,
                "{name} {corpus}: {corrections} of {}",
                deflate.len()
            );
        }
    }
}
